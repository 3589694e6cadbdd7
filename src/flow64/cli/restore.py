"""`flow64 restore`: list replaced workflows, or bring one back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..definition import is_uuid
from ..deploy.history import Saved
from ..deploy.make import plan_restore
from ..deploy.plan import Consents
from ..environments import load as load_settings
from ..files import relative_path
from . import _params as params
from ._apply_plan import confirm_and_apply
from ._make_plan import find_place, open_history
from ._service import connect
from ._tables import print_table
from ._terminal import print_json, print_message


@params.command(
    "restore",
    "flow64 restore",
    "flow64 restore inbound",
    "flow64 restore inbound 2026-11-25T10:04 --env prod --yes",
)
@click.argument("key", required=False)
@click.argument("time", required=False)
@params.env
@params.values
@params.allow_spend
@params.yes
@params.as_json
def command(
    *,
    key: str | None,
    time: str | None,
    env: str | None,
    values: Path | None,
    allow_spend: Sequence[str],
    yes: bool,
    as_json: bool,
) -> int:
    """List replaced workflows, or bring one back.

    Without TIME, lists what was replaced, newest first. Nothing is sent.

    KEY is the key of a workflow, or its id. TIME is when that version was replaced, as
    the list says; the beginning of it is enough. The live workflow is saved first, so
    you can undo a restore. The history has no secrets: their present values are filled
    in.
    """
    if key is None or time is None:
        history = open_history(load_settings())
        entries = history.entries(key, env=env)
        known = [*dict.fromkeys(entry.key for entry in history.entries(env=env))]
        if key is not None and known and not entries and not is_uuid(key):
            params.check_keys("KEY", [key], known)
        _print_entries(entries, as_json=as_json)
        return 0
    place = find_place(env, values)
    saved = place.history.find(key, time, env=place.env)
    with connect(env) as client:
        plan = plan_restore(
            client.session,
            saved,
            endpoint=client.place,
            values=place.values,
            prices=place.settings.prices,
        )
        names = [step.key for step in plan.steps]
        params.check_keys("--allow-spend", allow_spend, names)
        consents = Consents(allow_spend=allow_spend)
        return confirm_and_apply(
            client, plan, consents, place, yes=yes, as_json=as_json
        )


def _print_entries(entries: Sequence[Saved], *, as_json: bool) -> None:
    if as_json:
        print_json({"entries": [*map(_to_data, entries)]})
        return
    if not entries:
        print_message("nothing was replaced yet")
        return
    print_table(
        ("TIME", "ENV", "KEY", "REPLACED BY", "FILE"),
        [
            (entry.when, entry.env, entry.key, entry.reason, _format_file(entry))
            for entry in entries
        ],
        least={"FILE": 40},
        times={"TIME"},
    )


def _format_file(saved: Saved) -> str:
    return "" if saved.file is None else relative_path(saved.file)


def _to_data(saved: Saved) -> dict[str, Any]:
    """Convert an entry to JSON data, without the definition: it is in the file."""
    data = saved.as_data()
    names = ("key", "workflow_id", "env", "endpoint", "withheld")
    return {
        "at": data["at"],
        **{name: data[name] for name in names},
        "replaced_by": data["reason"],
        "name": saved.definition.name,
        "file": str(saved.file),
    }
