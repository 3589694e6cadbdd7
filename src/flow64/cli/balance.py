"""`flow64 balance`: what is left to spend."""

from __future__ import annotations

import click

from ._service import connected
from ._shared import data_of, env_option, example, json_option
from ._terminal import give, give_data, talk


@click.command("balance", epilog=example("flow64 balance"))
@env_option
@json_option
def command(*, env: str | None, as_json: bool) -> int:
    """Show what is left to spend, in credits."""
    with connected(env) as client:
        found = client.balance()
    if as_json:
        give_data(data_of(found))
        return 0
    give(f"{found.credits:.2f}".rstrip("0").rstrip("."))
    talk(f"credits, about ${found.credits / 10:,.2f}: one is ten US cents (inferred)")
    return 0
