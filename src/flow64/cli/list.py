"""`flow64 list`: list the deployed workflows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen
from rich.console import RenderableType

from ..api.calls import WorkflowInfo
from ..client import Client
from ..loading import LiveWorkflow
from . import params, printing
from .service import connect


@frozen
class WorkflowList:
    """The workflows of an organisation."""

    workflows: Sequence[Mapping[str, str | None]]

    def __rich__(self) -> RenderableType:
        columns = {"KEY": "key", "ID": "workflow_id", "STATE": "state", "ENV": "env"}
        return printing.make_table(self.workflows, {**columns, "TITLE": "name"})


@params.command("list", "flow64 list --env prod", "flow64 list --json")
@params.env
@params.as_json
def command(*, env: str | None) -> int:
    """List the workflows of the organisation: key, id, state, environment and title.

    Workflows that your code deployed are `ours`. A `copy` has the stamp of another
    workflow, as after "duplicate" in the web editor. All others are `foreign`. Other
    commands take `ENV:KEY` for `ours`, and `ENV:UUID` for any.
    """
    with connect(env) as client:
        listed = [_describe(info, client) for info in client.workflows.list()]
    listed.sort(key=lambda row: (row["key"] is None, row["key"] or "", row["name"]))
    if not listed:
        printing.message("there are no workflows")
    printing.emit(WorkflowList(listed))
    return 0


def _describe(info: WorkflowInfo, client: Client) -> Mapping[str, str | None]:
    """Describe a workflow of the list."""
    live = LiveWorkflow.of(info, client)
    return {
        "key": live.key,
        "workflow_id": live.id,
        "state": live.state,
        "name": live.title,
        "env": live.env,
        "path": live.path,
        "status": info.status,
        "org_id": info.org_id,
        "updated_at": info.updated_at,
    }
