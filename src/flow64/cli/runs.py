"""`flow64 runs`: the newest runs, of one workflow or of all."""

from __future__ import annotations

import click

from ..definition import is_uuid
from ..loading import LiveAddress, list_live, parse_address, pick_live, require_same_env
from ..redaction import redact_keys_in_json
from ._load import load_source
from ._service import connect, find_environment, print_table
from ._shared import Whole, env_option, format_example, json_option, to_data
from ._terminal import print_json, print_message


@click.command(
    "runs",
    epilog=format_example(
        "flow64 runs --limit 20",
        "flow64 runs pipelines/leads.py:inbound --json",
        "flow64 runs prod:inbound --status active",
    ),
)
@click.argument("source", metavar="[WORKFLOW]", required=False)
@click.option(
    "--limit",
    type=Whole(1, 500),
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

    WORKFLOW is one in code or JSON, as SOURCE:KEY or code:KEY; one that is live, as
    ENV:KEY or ENV:id:UUID; or an id. Without it, or with ENV alone, the runs of all
    workflows of the organisation are listed.
    """
    workflow_id, live = None, None
    if source is not None and is_uuid(source):
        workflow_id = source
    elif source is not None:
        address = parse_address(source)
        if isinstance(address, LiveAddress):
            live, env = address, require_same_env(address, env)
        else:
            wanted = load_source(address.source).only.workflow
            workflow_id = wanted.id(find_environment(env).name)
    with connect(env) as client:
        if live is not None and live.key is not None:
            workflow_id = pick_live(list_live(client), live).id
        elif live is not None:
            workflow_id = live.id
        found = client.runs.list(workflow_id=workflow_id, status=status, limit=limit)
    if as_json:
        print_json(redact_keys_in_json(to_data(found)))
        return 0
    if not found:
        print_message("there are no runs")
    print_table(
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
