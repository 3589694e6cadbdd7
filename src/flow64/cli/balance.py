"""`flow64 balance`: the remaining credits."""

from __future__ import annotations

from . import _params as params
from ._service import connect
from ._terminal import print_json, print_line, print_message


@params.command("balance", "flow64 balance")
@params.env
@params.as_json
def command(*, env: str | None, as_json: bool) -> int:
    """Show the remaining credits."""
    with connect(env) as client:
        found = client.balance()
    if as_json:
        print_json({"env": str(client.env), **params.to_data(found)})
        return 0
    print_line(f"{found.credits:.2f}".rstrip("0").rstrip("."))
    print_message(
        f"credits, about ${found.credits / 10:,.2f}: one is ten US cents (inferred)"
    )
    return 0
