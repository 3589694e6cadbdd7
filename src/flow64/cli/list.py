"""`flow64 list`: list the deployed workflows."""

from __future__ import annotations

from typing import Final

from ..api.calls import WorkflowInfo
from ..loading import LiveWorkflow
from ..secrets import mask
from . import _params as params
from ._colours import paint_state
from ._service import connect
from ._tables import print_table
from ._terminal import print_json, print_message

LISTED_FACTS: Final = ("state", "key", "env", "path")
"""Attributes of a workflow that are data as they are."""


@params.command("list", "flow64 list --env prod", "flow64 list --json")
@params.env
@params.as_json
def command(*, env: str | None, as_json: bool) -> int:
    """List the workflows of the organisation: key, id, state and title.

    Workflows that your code deployed are `ours`, and have the path that their id is
    made from. A `copy` has the stamp of another workflow, as after "duplicate" in the
    web editor. All others are `foreign`. Other commands take `ENV:KEY` for `ours`, and
    `ENV:id:UUID` for any.

    The order is that of keys, and then of titles, for workflows without a key.
    """
    with connect(env) as client:
        listed = client.workflows.list()
    found = [(info, LiveWorkflow.of(info)) for info in listed]
    found.sort(key=_order)
    if as_json:
        print_json(
            {
                "workflows": [
                    {
                        "workflow_id": one.id,
                        **{name: getattr(one, name) for name in LISTED_FACTS},
                        **mask(params.to_data(info, leave_out=("id",))),
                    }
                    for info, one in found
                ]
            }
        )
        return 0
    if not found:
        print_message("there are no workflows")
    print_table(
        ("KEY", "ID", "STATE", "TITLE", "PATH"),
        [
            (one.key or "-", one.id, one.state, one.title or "-", one.path or "-")
            for _, one in found
        ],
        least={"PATH": 30, "TITLE": 8},
        painters={"STATE": paint_state},
    )
    return 0


def _order(found: tuple[WorkflowInfo, LiveWorkflow]) -> tuple[bool, str, str, str]:
    _, one = found
    return one.key is None, one.key or "", one.title, one.id
