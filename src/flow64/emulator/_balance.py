"""The route that says how many credits an organisation has left."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from ._credits import balance
from ._http import Call, Route, answer
from ._replies import BALANCE
from ._services import Services

ENOUGH: Final = 1_000_000
"""Credits that are answered where none run out."""


def routes(services: Services) -> tuple[Route, ...]:
    """The one operation on credits."""

    def check_balance(call: Call) -> Response:
        """How many credits the organisation has left."""
        left = balance(services.store, call.org_id, services.switches())
        return answer({"credits": ENOUGH if left is None else left})

    return (
        Route(
            method="GET",
            path="/check-balance",
            handler=check_balance,
            answers={200: BALANCE},
        ),
    )
