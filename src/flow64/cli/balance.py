"""`flow64 balance`: what is left to spend."""

from __future__ import annotations

import click

from ._service import connect
from ._shared import env_option, format_example, json_option, to_data
from ._terminal import print_json, print_line, print_message


@click.command("balance", epilog=format_example("flow64 balance"))
@env_option
@json_option
def command(*, env: str | None, as_json: bool) -> int:
    """Show what is left to spend, in credits."""
    with connect(env) as client:
        found = client.balance()
    if as_json:
        print_json(to_data(found))
        return 0
    print_line(f"{found.credits:.2f}".rstrip("0").rstrip("."))
    print_message(
        f"credits, about ${found.credits / 10:,.2f}: one is ten US cents (inferred)"
    )
    return 0
