"""`flow64 runs`: list the newest runs, of one workflow or of all."""

from __future__ import annotations

from collections.abc import Sequence

import click
from attrs import frozen
from rich.console import RenderableType

from .. import loading
from ..client import Client
from . import params, printing
from .service import connect


@frozen
class ListedRun:
    """A run, as the list of runs shows it."""

    run_id: str
    status: str
    queued_at: str | None
    workflow_id: str
    name: str
    reason: str | None

    @property
    def minute(self) -> str | None:
        """When it was queued, without seconds."""
        return self.queued_at and self.queued_at[:16]

    @property
    def workflow(self) -> str:
        """The title of its workflow, or else its id."""
        return self.name or self.workflow_id


@frozen
class RunList:
    """The newest runs."""

    env: str
    runs: Sequence[ListedRun]

    def __rich__(self) -> RenderableType:
        columns = {"RUN ID": "run_id", "STATUS": "status", "QUEUED": "minute"}
        return printing.make_table(self.runs, {**columns, "WORKFLOW": "workflow"})


@params.command(
    "runs",
    "flow64 runs -n 20",
    "flow64 runs pipelines/leads.py:inbound --json",
    "flow64 runs prod:inbound --status active",
)
@click.argument("source", metavar="[WORKFLOW]", required=False)
@params.option(
    "-n --limit",
    "Maximum runs to list, up to 500.",
    "N",
    type=click.IntRange(1, 500),
    default=20,
    show_default=True,
)
@click.option(
    "--status",
    type=click.Choice(["active", "running", "completed", "cancelled"]),
    help="Only runs with this status; `active` is queued or running.",
)
@params.env
@params.as_json
def command(
    *, source: str | None, limit: int, status: str | None, env: str | None
) -> int:
    """List the newest runs, newest first: id, status, when it was queued, workflow.

    WORKFLOW is one workflow: a file, a key, or ENV:KEY. Without it, or with ENV alone,
    the runs of all workflows of the organisation are listed.
    """
    address = None if source is None else params.parse_address(source, env)
    if isinstance(address, loading.LiveAddress):
        env = address.env
    with connect(env) as client:
        workflow_id = _find_id(client, address)
        entries = client.runs.list(workflow_id=workflow_id, status=status, limit=limit)
    if not entries:
        printing.message("there are no runs")
    runs = [
        ListedRun(
            run.job_id,
            run.status,
            run.queued_at or run.created_at,
            run.workflow_id,
            run.workflow_name,
            run.status_reason,
        )
        for run in entries
    ]
    printing.emit(RunList(str(client.env), runs))
    return 0


def _find_id(client: Client, address: loading.Address | None) -> str | None:
    """Return the id of the workflow at an address; None for all workflows."""
    if isinstance(address, loading.SourceAddress):
        return params.load(address).only.workflow.id(
            client.terms.was or str(client.env)
        )
    if address is not None and address.key is not None:
        return loading.load_live(client, address).only.workflow.id()
    return None if address is None else address.id
