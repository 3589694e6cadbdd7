"""`flow64 list`: list the deployed workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen
from rich.console import RenderableType

from ..api.answers import Schedule, WorkflowInfo
from ..client import Client
from ..definition import canonical_id
from ..errors import ApiError
from ..loading import LiveWorkflow
from ..schedules import list_if_shown, text_of
from . import params, printing
from .service import connect


@frozen
class WorkflowList:
    """The workflows of an organisation."""

    workflows: Sequence[Mapping[str, Any]]

    def __rich__(self) -> RenderableType:
        columns = {"KEY": "key", "ID": "workflow_id", "STATE": "state", "ENV": "env"}
        rows = [
            {**workflow, "times": ", ".join(workflow["schedules"] or ()) or None}
            for workflow in self.workflows
        ]
        if any(row["times"] for row in rows):
            columns["SCHEDULES"] = "times"
        return printing.make_table(rows, {**columns, "TITLE": "name"})


@params.command("list", "flow64 list --env prod", "flow64 list --json")
@params.env
@params.as_json
def command(*, env: str | None) -> int:
    """List the workflows of the organisation, and the times at which they run.

    Workflows that your code deployed are `ours`. A `copy` has the stamp of another
    workflow, as after "duplicate" in the web editor. All others are `foreign`. Other
    commands take `ENV:KEY` for `ours`, and `ENV:UUID` for any.
    """
    with connect(env) as client:
        schedules = list_if_shown(client.schedules.list)
        listed = [
            _describe(info, client, schedules) for info in client.workflows.list()
        ]
    listed.sort(key=lambda row: (row["key"] is None, row["key"] or "", row["name"]))
    if not listed:
        printing.message("there are no workflows")
    printing.emit(WorkflowList(listed))
    return 0


def _describe(
    info: WorkflowInfo, client: Client, schedules: Sequence[Schedule] | ApiError
) -> Mapping[str, Any]:
    """Describe a workflow of the list."""
    live = LiveWorkflow.of(info, client)
    texts: list[str] | None = None
    if not isinstance(schedules, ApiError):
        own_id = canonical_id(info.id)
        own = (each for each in schedules if canonical_id(each.workflow_id) == own_id)
        texts = [text_of(each) for each in own]
    return {
        "key": live.name or None,
        "workflow_id": live.id,
        "state": live.state,
        "name": live.title,
        "env": live.env,
        "schedules": texts,
        "path": live.path,
        "status": info.status,
        "org_id": info.org_id,
        "updated_at": info.updated_at,
    }
