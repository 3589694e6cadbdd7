"""`flow64 list`: list the deployed workflows."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from rich.console import RenderableType

from ..api.calls import WorkflowInfo
from ..client import Client
from ..loading import LiveWorkflow
from . import params, printing
from .service import connect


@frozen
class Listed:
    """A deployed workflow, as the list of workflows shows it."""

    key: str | None
    workflow_id: str
    state: str
    name: str
    env: str | None
    path: str | None
    status: str
    org_id: str | None
    updated_at: str | None

    @classmethod
    def of(cls, info: WorkflowInfo, client: Client) -> Listed:
        """Describe a workflow of the list."""
        live = LiveWorkflow.of(info, client)
        return cls(
            live.key,
            live.id,
            live.state,
            live.title,
            live.env,
            live.path,
            info.status,
            info.org_id,
            info.updated_at,
        )


@frozen
class WorkflowList:
    """The workflows of an organisation."""

    workflows: Sequence[Listed]

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
        listed = [Listed.of(info, client) for info in client.workflows.list()]
    listed.sort(key=lambda item: (item.key is None, item.key or "", item.name))
    if not listed:
        printing.message("there are no workflows")
    printing.emit(WorkflowList(listed))
    return 0
