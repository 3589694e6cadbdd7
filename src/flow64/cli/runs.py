"""`flow64 runs`: list the newest runs, of one workflow or of all."""

from __future__ import annotations

from typing import Final

import click

from ..loading import LiveAddress, list_live, pick_live
from ..secrets import mask
from . import _params as params
from ._colours import paint_state
from ._service import connect, find_environment
from ._tables import print_table
from ._terminal import print_json, print_message

RUN_NAMES: Final = {
    "job_id": "run_id",
    "workflow_name": "name",
    "status_reason": "reason",
}
"""Names in JSON of what the service calls otherwise."""


@params.command(
    "runs",
    "flow64 runs -n 20",
    "flow64 runs pipelines/leads.py:inbound --json",
    "flow64 runs prod:inbound --status active",
)
@click.argument("source", metavar="[WORKFLOW]", required=False)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1, 500),
    default=20,
    metavar="N",
    show_default=True,
    help="Maximum runs to list, up to 500.",
)
@click.option(
    "--status",
    type=click.Choice(["active", "running", "completed", "cancelled"]),
    help="Only runs with this status; `active` is queued or running.",
)
@params.env
@params.as_json
def command(
    *,
    source: str | None,
    limit: int,
    status: str | None,
    env: str | None,
    as_json: bool,
) -> int:
    """List the newest runs, newest first: id, status, when it was queued, workflow.

    WORKFLOW is one workflow: a file, a key, or ENV:KEY. Without it,
    or with ENV alone, the runs of all workflows of the organisation are listed.
    """
    workflow_id, live = None, None
    if source is not None:
        address = params.find_address(source, env)
        if isinstance(address, LiveAddress):
            live, env = address, address.env
        else:
            wanted = params.load_source(address).only.workflow
            workflow_id = wanted.id(find_environment(env).name)
    with connect(env) as client:
        if live is not None and live.key is not None:
            workflow_id = pick_live(list_live(client), live).id
        elif live is not None:
            workflow_id = live.id
        found = client.runs.list(workflow_id=workflow_id, status=status, limit=limit)
    if as_json:
        listed = [
            {
                **{ours: getattr(run, name) for name, ours in RUN_NAMES.items()},
                **params.to_data(run, leave_out=RUN_NAMES),
            }
            for run in found
        ]
        print_json({"env": str(client.env), "runs": mask(listed)})
        return 0
    if not found:
        print_message("there are no runs")
    print_table(
        ("RUN ID", "STATUS", "QUEUED", "WORKFLOW"),
        [
            (
                run.job_id,
                run.status,
                run.queued_at or run.created_at or "-",
                run.workflow_name or run.workflow_id,
            )
            for run in found
        ],
        least={"QUEUED": 17, "WORKFLOW": 8},
        painters={"STATUS": paint_state},
        times={"QUEUED"},
    )
    return 0
