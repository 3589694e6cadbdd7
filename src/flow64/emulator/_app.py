"""The ASGI app: the routes of all modules, behind one door."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route as StarletteRoute

from . import _admin, _balance, _page, _runs, _schedules, _signing, _uploads, _workflows
from ._faults import Faults
from ._http import Route
from ._middleware import Door, Endpoint, failure, http_error
from ._oauth import Authority
from ._openapi import document_route
from ._services import Services
from ._switches import Switches

DOCUMENTED = (_workflows, _runs, _schedules, _signing, _uploads, _balance)
"""Modules of the routes that the API has."""


def routes_of(
    services: Services,
    authority: Authority,
    faults: Faults,
    turn: Callable[[Switches], None],
    *,
    has_keys: bool,
) -> tuple[Route, ...]:
    """Every operation of the API, and what is about the emulator itself.

    Args:
        services: The parts of the emulator.
        authority: What gives out tokens.
        faults: What goes wrong.
        turn: Sets the switches.
        has_keys: Whether the emulator was told which keys it takes.
    """
    found = [route for module in DOCUMENTED for route in module.routes(services)]
    found += authority.routes()
    return (
        *found,
        document_route(found),
        *_admin.routes(services, faults, turn),
        *_page.routes(services, faults.data, has_keys),
    )


def make_app(routes: Iterable[Route], door: Door) -> Starlette:
    """The ASGI app."""
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    app = Starlette(
        routes=[
            StarletteRoute(path, Endpoint.of(door, by_path[path]))
            # Fixed paths stand before those with a parameter, which would take them.
            for path in sorted(by_path, key=lambda path: path.count("{"))
        ],
        exception_handlers={HTTPException: http_error, Exception: failure},
    )
    app.router.redirect_slashes = False
    return app
