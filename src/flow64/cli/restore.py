"""`flow64 restore`: bring back a replaced workflow."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from ..deploy import Agreement, as_text, plan_restore
from ..text import printable
from . import _params as params
from ._apply_plan import confirm_and_apply
from ._colours import paint_changes
from ._make_plan import find_place
from ._service import connect
from ._terminal import print_advice, print_message
from .history import select_entries


@params.command(
    "restore",
    "flow64 restore inbound",
    "flow64 restore inbound --at 2026-11-25T10:04 --env prod --yes",
)
@click.argument("key")
@click.option(
    "--at",
    metavar="TIME",
    help="When it was replaced, as in flow64 history. The beginning of the time is "
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
    key: str,
    at: str | None,
    env: str | None,
    values: Path | None,
    force: Sequence[str],
    allow_spend: Sequence[str],
    yes: bool,
    as_json: bool,
) -> int:
    """Bring back a replaced workflow, after showing the changes.

    KEY is the key of a workflow, or its id. The live workflow is saved first, and then
    overwritten, so you can undo a restore. The history has no secrets: the current
    values of the environment are filled in.
    """
    place = find_place(env, values)
    select_entries(place.history, key, place.env)
    with connect(env) as client:
        plan = client.call(
            plan_restore,
            place.history,
            key,
            at,
            env=place.env,
            endpoint=client.endpoint,
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
