"""`flow64 restore`: list replaced workflows, or bring one back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import click
from attrs import frozen
from rich.console import RenderableType

from .. import loading
from ..definition import Values, is_uuid
from ..deploy.history import PLACE_NAME, History, Saved
from ..deploy.make import plan_restore
from ..deploy.plan import Consents
from ..environments import load as load_settings
from ..text import did_you_mean
from . import params, printing
from .deploy import confirm_and_apply
from .service import connect


@frozen
class ReplacedList:
    """The replaced workflows, newest first, without their definitions."""

    entries: Sequence[Mapping[str, Any]]

    def __rich__(self) -> RenderableType:
        columns = {"TIME": "at", "ENV": "env", "REPLACED BY": "replaced_by"}
        return printing.make_table(self.entries, {**columns, "KEY": "key"})


@params.command(
    "restore",
    "flow64 restore",
    "flow64 restore inbound",
    "flow64 restore inbound 2026-11-25T10:04 --env prod --yes",
)
@click.argument("key", required=False)
@click.argument("time", required=False)
@params.env
@params.keys("--force", "Overwrite schedules of this workflow that people edited.")
@params.allow_spend
@params.yes
@params.as_json
def command(
    *,
    key: str | None,
    time: str | None,
    env: str | None,
    force: Sequence[str],
    allow_spend: Sequence[str],
    yes: bool,
) -> int:
    """List replaced workflows, or bring one back.

    Without TIME, lists what was replaced, newest first. Nothing is sent.

    KEY is the key of a workflow, or its id. TIME is when that version was replaced, as
    the list says; the beginning of it is enough. The live workflow is saved first, so
    you can undo a restore. The history has no secrets: their present values are filled
    in.
    """
    # The variable wins over the settings.
    folder = None if os.environ.get(PLACE_NAME) else load_settings().history
    history = History.of(folder)
    if key is None or time is None:
        env = None if env is None else params.find_environment(env).key
        entries = [*map(_describe, history.entries(key, env=env))]
        names = [*dict.fromkeys(entry.key for entry in history.entries(env=env))]
        if key is not None and names and not entries and not is_uuid(key):
            problem = f"no version of {key!r} was saved{did_you_mean(key, names)}"
            there = f"there are versions of {loading.list_names(names)}"
            raise params.option_error("KEY", f"{problem}; {there}")
        if not entries:
            printing.message("nothing was replaced yet")
        printing.emit(ReplacedList(entries))
        return 0
    saved = history.find(key, time, env=params.find_environment(env).key)
    with connect(env) as client:
        plan = plan_restore(
            client.session,
            saved,
            endpoint=client.place,
            values=Values(client.terms.values),
            prices=client.terms.prices,
        )
        names = [step.key for step in plan.steps]
        consents = Consents(
            force=params.pick_keys("--force", force, names),
            allow_spend=params.pick_keys("--allow-spend", allow_spend, names),
        )
        return confirm_and_apply(client, plan, consents, yes=yes)


def _describe(saved: Saved) -> Mapping[str, Any]:
    """Describe an entry of the history."""
    return {
        "at": saved.when,
        "env": saved.env,
        "key": saved.key,
        "replaced_by": saved.reason,
        "name": saved.definition.name,
        "workflow_id": saved.workflow_id,
        "file": saved.file,
    }
