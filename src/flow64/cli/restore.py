"""`flow64 restore`: list replaced workflows, or bring one back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from ..definition import is_uuid
from ..deploy import Agreement, History, Saved, as_text, plan_restore
from ..environments import load as load_settings
from ..text import printable
from . import _params as params
from ._apply_plan import confirm_and_apply
from ._colours import paint_changes
from ._execution import format_saved_file
from ._make_plan import find_place, open_history
from ._service import connect
from ._tables import print_table
from ._terminal import print_advice, print_json, print_message

REASONS: Final[Mapping[str, str]] = {
    "update": "an update",
    "forced": "an update by --force",
    "stamp": "a stamp",
    "pruned": "a deletion",
    "restored": "a restore",
}
"""Words for what replaced a workflow."""


@params.command(
    "restore",
    "flow64 restore",
    "flow64 restore inbound",
    "flow64 restore inbound --at 2026-11-25T10:04 --env prod --yes",
)
@click.argument("key", required=False)
@click.option(
    "--at",
    metavar="TIME",
    help="When it was replaced, as the list says. The beginning of the time is "
    "enough. Default: the newest.",
)
@params.env
@params.values
@params.keys("--force", "Overwrite this workflow although not all of it can be saved.")
@params.allow_spend
@params.yes
@params.as_json
def command(
    *,
    key: str | None,
    at: str | None,
    env: str | None,
    values: Path | None,
    force: Sequence[str],
    allow_spend: Sequence[str],
    yes: bool,
    as_json: bool,
) -> int:
    """List replaced workflows, or bring one back after showing the changes.

    Without KEY, lists what was replaced, newest first: the time, the environment, the
    workflow, what replaced it, its file, and which texts are not in this file. Nothing
    is sent.

    KEY is the key of a workflow, or its id. The live workflow is saved first, and then
    overwritten, so you can undo a restore. The history has no secrets: the current
    values of the environment are filled in.
    """
    if key is None:
        if at is not None:
            raise params.option_error("--at", "name the workflow to bring back too")
        _print_entries(open_history(load_settings()).entries(env=env), as_json=as_json)
        return 0
    place = find_place(env, values)
    _require_entry(place.history, key, place.env)
    with connect(env) as client:
        plan = client.call(
            plan_restore,
            place.history,
            key,
            at,
            env=place.env,
            endpoint=client.place,
            values=place.values,
            prices=place.settings.prices,
            secrets=place.secrets,
        )
        run = shlex.join(["flow64", "restore", key, "--env", place.env])
        run += f" --at {shlex.quote(at)}" if at else ""
        print_message(as_text(plan, command=run, is_applied=True), paint_changes)
        if without := place.history.find(key, at, env=place.env).without:
            print_advice(
                f"{printable(key)} was saved {printable(without)}: the current values "
                "are filled in instead"
            )
        names = [step.key for step in plan.steps]
        params.check_keys("--force", force, names)
        params.check_keys("--allow-spend", allow_spend, names)
        agreement = Agreement(force=force, allow_spend=allow_spend)
        return confirm_and_apply(
            client, plan, agreement, place, yes=yes, as_json=as_json
        )


def _print_entries(entries: Sequence[Saved], *, as_json: bool) -> None:
    if as_json:
        print_json({"entries": [*map(to_data, entries)]})
        return
    if not entries:
        print_message("nothing was replaced yet")
    print_table(
        ("TIME", "ENV", "KEY", "REPLACED BY", "FILE", "NOT SAVED"),
        [
            (
                entry.when,
                entry.env,
                entry.key,
                REASONS[entry.reason],
                format_saved_file(entry),
                entry.without,
            )
            for entry in entries
        ],
        least={"FILE": 40, "NOT SAVED": 12},
        times={"TIME"},
    )


def _require_entry(history: History, key: str, env: str) -> None:
    """Refuse an unknown key: only other workflows were saved.

    Raises:
        click.UsageError: The key is unknown.
    """
    saved_keys = [*dict.fromkeys(entry.key for entry in history.entries(env=env))]
    if saved_keys and not is_uuid(key) and not history.entries(key, env=env):
        params.check_keys("KEY", [key], saved_keys)


def to_data(saved: Saved) -> dict[str, Any]:
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
