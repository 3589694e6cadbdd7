"""`flow64 history`: what was replaced by writes, and where it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from ..definition import is_uuid
from ..deploy import History, Saved
from ..environments import load as load_settings
from ._apply_plan import format_saved_file
from ._completion import complete_environments
from ._make_plan import open_history
from ._service import print_table
from ._shared import format_example, json_option, require_known
from ._terminal import print_json, print_message

WHY: Final[Mapping[str, str]] = {
    "update": "an update",
    "forced": "an update by --force",
    "stamp": "a stamp",
    "pruned": "a deletion",
    "restored": "a restore",
}
"""Words for what replaced a workflow."""


@click.command(
    "history",
    epilog=format_example("flow64 history", "flow64 history inbound --env prod --json"),
)
@click.argument("key", required=False)
@click.option(
    "--env",
    metavar="NAME",
    shell_complete=complete_environments,
    help="Only what was replaced in this environment.",
)
@json_option
def command(*, key: str | None, env: str | None, as_json: bool) -> int:
    """List what was replaced, newest first; nothing is sent.

    Each line has its time, environment, workflow, what replaced it, the file that
    holds it, and which texts are not in that file. KEY is the key of one workflow, or
    its id. To bring one back: flow64 restore KEY --at TIME.
    """
    history = open_history(load_settings())
    found = select_entries(history, key, env)
    if as_json:
        print_json([to_data(one) for one in found])
        return 0
    if not found:
        print_message("nothing was replaced yet")
    print_table(
        [
            (
                one.when,
                one.env,
                one.key,
                WHY[one.reason],
                format_saved_file(one),
                one.without,
            )
            for one in found
        ]
    )
    return 0


def select_entries(
    history: History, key: str | None, env: str | None
) -> Sequence[Saved]:
    """Return the saved workflows, newest first.

    Raises:
        HistoryError: A file cannot be read.
        click.UsageError: Nothing was saved of that workflow, and of others something.
    """
    found = history.entries(key, env=env)
    if key is not None and not found and not is_uuid(key):
        known = dict.fromkeys(one.key for one in history.entries(env=env))
        if known:
            require_known("KEY", [key], [*known])
    return found


def to_data(saved: Saved) -> dict[str, Any]:
    """One entry as JSON data; what was live is in its file."""
    data = saved.as_data()
    names = ("at", "key", "workflow_id", "env", "endpoint", "reason", "withheld")
    return {
        **{name: data[name] for name in names},
        "name": saved.definition.name,
        "file": str(saved.file),
    }
