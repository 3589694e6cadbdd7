"""`flow64 history`: what was replaced by writes, and where it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from ..definition import is_uuid
from ..deploy import History, Saved
from ..environments import load as load_settings
from ._applied import file_of
from ._completing import environments
from ._planned import history_of
from ._service import give_table
from ._shared import example, json_option, require_known
from ._terminal import give_data, talk

WHY: Final[Mapping[str, str]] = {
    "update": "an update",
    "forced": "an update by --force",
    "stamp": "a stamp",
    "pruned": "a deletion",
    "restored": "a restore",
}
"""What replaced it, in words."""


@click.command(
    "history",
    epilog=example("flow64 history", "flow64 history inbound --env prod --json"),
)
@click.argument("key", required=False)
@click.option(
    "--env",
    metavar="NAME",
    shell_complete=environments,
    help="Only what was replaced in this environment.",
)
@json_option
def command(*, key: str | None, env: str | None, as_json: bool) -> int:
    """List what was replaced, newest first; nothing is sent.

    Each line has its time, environment, workflow, what replaced it, the file that
    holds it, and which texts are not in that file. KEY is the key of one workflow, or
    its id. To bring one back: flow64 restore KEY --at TIME.
    """
    history = history_of(load_settings())
    found = entries_of(history, key, env)
    if as_json:
        give_data([data_of(one) for one in found])
        return 0
    if not found:
        talk("nothing was replaced yet")
    give_table(
        [
            (
                one.when,
                one.env,
                one.key,
                WHY[one.reason],
                file_of(one),
                one.without,
            )
            for one in found
        ]
    )
    return 0


def entries_of(history: History, key: str | None, env: str | None) -> Sequence[Saved]:
    """What was saved, newest first.

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


def data_of(saved: Saved) -> dict[str, Any]:
    """One entry as JSON data; what was live is in its file."""
    data = saved.as_data()
    names = ("at", "key", "workflow_id", "env", "endpoint", "reason", "withheld")
    return {
        **{name: data[name] for name in names},
        "name": saved.definition.name,
        "file": str(saved.file),
    }
