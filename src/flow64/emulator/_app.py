"""The ASGI app: the routes of all modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route as StarletteRoute

from . import _admin, _page, _runs, _schedules, _signing, _uploads, _workflows
from ._credits import compute_balance
from ._engine import Engine
from ._faults import Faults
from ._http import ApiCall, Route
from ._middleware import Endpoint, RequestGuard, handle_failure, handle_http_error
from ._oauth import Authority
from ._openapi import make_openapi_route
from ._records import JsonObject
from ._schema import Schema
from ._services import Services
from ._switches import Switches


def make_routes(
    services: Services,
    engine: Engine,
    authority: Authority,
    faults: Faults,
    set_switches: Callable[[Switches], None],
    *,
    has_keys: bool,
) -> tuple[Route, ...]:
    """Make the routes of the API, of the emulator itself and of its page.

    Args:
        has_keys: Whether only certain API keys are accepted.
    """
    documented = (
        *_workflows.make_routes(services),
        *_runs.make_routes(services, engine),
        *_schedules.make_routes(services),
        *_signing.make_routes(services),
        *_uploads.make_routes(services),
        _make_balance_route(services),
        *authority.make_routes(),
    )
    return (
        *documented,
        make_openapi_route(documented),
        *_admin.make_routes(services, faults, set_switches),
        *_page.make_routes(services, faults.data, has_keys),
    )


_BALANCE: Final = Schema(
    type="object",
    name="BalanceResponse",
    fields={"credits": Schema(type="number")},
    required=("credits",),
)

ENOUGH: Final = 1_000_000
"""Credits to report if they are unlimited."""


def _make_balance_route(services: Services) -> Route:
    def check_balance(call: ApiCall) -> JsonObject:
        """Return the credits that the organisation has left."""
        left = compute_balance(services.store, call.org_id, services.switches())
        return {"credits": ENOUGH if left is None else left}

    return Route("GET", "/check-balance", check_balance, answers={200: _BALANCE})


def make_app(routes: Iterable[Route], guard: RequestGuard) -> Starlette:
    """Make the ASGI app that answers on these routes."""
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    app = Starlette(
        routes=[
            StarletteRoute(path, Endpoint.of(guard, by_path[path]))
            # Fixed paths come first, since a path with a parameter may match them too.
            for path in sorted(by_path, key=lambda path: path.count("{"))
        ],
        exception_handlers={
            HTTPException: handle_http_error,
            Exception: handle_failure,
        },
    )
    app.router.redirect_slashes = False
    return app
