"""`flow64 runs`: the newest runs, of one workflow or of all."""

from __future__ import annotations

import click

from ..definition import DEFAULT_ENV, is_uuid
from ._service import connected, give_table
from ._shared import data_of, env_option, example, json_option
from ._sources import load
from ._terminal import give_data, talk


@click.command(
    "runs",
    epilog=example(
        "flow64 runs --limit 20", "flow64 runs pipelines/leads.py:inbound --json"
    ),
)
@click.argument("source", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, 500),
    default=20,
    metavar="N",
    show_default=True,
    help="How many at most, up to 500.",
)
@click.option(
    "--status",
    type=click.Choice(["active", "running", "completed", "cancelled"]),
    help="Those of one status; `active` is queued or running.",
)
@env_option
@json_option
def command(
    *,
    source: str | None,
    limit: int,
    status: str | None,
    env: str | None,
    as_json: bool,
) -> int:
    """List the newest runs, newest first: id, status, when it was queued, workflow.

    SOURCE is a workflow, as SOURCE:KEY in code or JSON, or by its id; without it, the
    runs of all workflows of the organisation are listed.
    """
    workflow_id = source
    if source is not None and not is_uuid(source):
        workflow_id = load(source).only.workflow.id(env or DEFAULT_ENV)
    with connected(env) as client:
        found = client.runs.list(workflow_id=workflow_id, status=status, limit=limit)
    if as_json:
        give_data(data_of(found))
        return 0
    if not found:
        talk("there are no runs")
    give_table(
        [
            (
                run.job_id,
                run.status,
                run.queued_at or run.created_at or "-",
                run.workflow_name or run.workflow_id,
            )
            for run in found
        ]
    )
    return 0
