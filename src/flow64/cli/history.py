"""`flow64 history`: list the workflows that writes have replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import click

from ..definition import is_uuid
from ..deploy import History, Saved
from ..environments import load as load_settings
from ..errors import shortened
from . import _params as params
from ._execution import format_saved_file
from ._make_plan import open_history
from ._outputs import HistoryEntry
from ._param_types import Whole
from ._tables import print_table
from ._terminal import print_json, print_message

WHY: Final[Mapping[str, str]] = {
    "update": "an update",
    "forced": "an update by --force",
    "stamp": "a stamp",
    "pruned": "a deletion",
    "restored": "a restore",
}
"""Words for what replaced a workflow."""


@params.command(
    "history", "flow64 history -n 10", "flow64 history inbound --env prod --json"
)
@click.argument("key", required=False)
@params.env_option("List only what was replaced in this environment.")
@click.option(
    "-n",
    "--limit",
    type=Whole(min=1),
    metavar="N",
    help="Maximum workflows to list: the newest ones. Default: all.",
)
@params.as_json
def command(
    *, key: str | None, env: str | None, limit: int | None, as_json: bool
) -> int:
    """List replaced workflows, newest first. Nothing is sent.

    Each line has the time, the environment, the workflow, what replaced it, the file in
    which it is saved, and which texts are not in this file. A narrow terminal gets no
    files. KEY is the key of one workflow, or its id. To bring one back: flow64 restore
    KEY --at TIME.
    """
    history = open_history(load_settings())
    found = select_entries(history, key, env)[:limit]
    if as_json:
        print_json({"entries": [to_data(one) for one in found]})
        return 0
    if not found:
        of = "nothing" if key is None else f"nothing of {shortened(key)}"
        where = "" if env is None else f" in {env}"
        print_message(f"{of} was replaced{where} yet")
    print_table(
        ("TIME", "ENV", "KEY", "REPLACED BY", "FILE", "NOT SAVED"),
        [*map(_row, found)],
        least={"FILE": 40, "NOT SAVED": 12},
        times={"TIME"},
    )
    return 0


def _row(one: Saved) -> Sequence[str]:
    file = format_saved_file(one)
    return one.when, one.env, one.key, WHY[one.reason], file, one.without


def select_entries(
    history: History, key: str | None, env: str | None
) -> Sequence[Saved]:
    """Return the saved workflows, newest first.

    Raises:
        HistoryError: A file cannot be read.
        click.UsageError: The key is unknown: only other workflows were saved.
    """
    found = history.entries(key, env=env)
    if key is not None and not found and not is_uuid(key):
        known = dict.fromkeys(one.key for one in history.entries(env=env))
        if known:
            params.check_keys("KEY", [key], [*known])
    return found


def to_data(saved: Saved) -> HistoryEntry:
    """Convert an entry to JSON data, without the definition: it is in the file."""
    data = saved.as_data()
    return {
        "at": data["at"],
        "key": data["key"],
        "workflow_id": data["workflow_id"],
        "env": data["env"],
        "endpoint": data["endpoint"],
        "replaced_by": data["reason"],
        "withheld": data["withheld"],
        "name": saved.definition.name,
        "file": str(saved.file),
    }
