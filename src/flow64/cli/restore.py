"""`flow64 restore`: bring back what was live once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..deploy import Agreement, as_text, plan_restore
from ..text import printable
from ._apply_plan import confirm_and_apply
from ._make_plan import find_place
from ._service import connect
from ._shared import (
    env_option,
    format_example,
    json_option,
    require_known,
    values_option,
    yes_option,
)
from ._terminal import print_advice, print_message
from .history import select_entries


@click.command(
    "restore",
    epilog=format_example(
        "flow64 restore inbound",
        "flow64 restore inbound --at 2026-11-25T10:04 --env prod --yes",
    ),
)
@click.argument("key")
@click.option(
    "--at",
    metavar="TIME",
    help="When it was replaced, as flow64 history lists it, or the beginning of that; "
    "the newest where it is left out.",
)
@env_option
@values_option
@click.option(
    "--force",
    multiple=True,
    metavar="KEY",
    help="Overwrite this workflow although not all of what is there can be saved.",
)
@click.option(
    "--allow-spend",
    multiple=True,
    metavar="KEY",
    help="Agree that this workflow buys as soon as it is written.",
)
@yes_option
@json_option
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
    """Bring back what was live once, after showing what that changes.

    KEY is the key of a workflow, or its id. What is there now is overwritten, whatever
    it is, and is saved first, so that a restore can be taken back. Secrets are not in
    the history: the environment's values of today are filled in.
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
        print_message(as_text(plan))
        if without := place.history.find(key, at, env=place.env).without:
            print_advice(
                f"what comes back of {printable(key)} was saved {printable(without)}: "
                "values of today stand there instead"
            )
        names = [step.key for step in plan.steps]
        require_known("--force", force, names)
        require_known("--allow-spend", allow_spend, names)
        agreement = Agreement(force=force, allow_spend=allow_spend)
        return confirm_and_apply(
            client, plan, agreement, place, yes=yes, as_json=as_json
        )
