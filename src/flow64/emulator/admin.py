"""Routes about the emulator itself: health, faults, switches, clock, edits, page.

They need no credential. A web page of another origin cannot use them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, Final, TypeAlias, get_args

from attrs import asdict
from flask import Flask, request
from jsonschema import Draft202012Validator
from werkzeug.wrappers import Response

from ..errors import ConfigError
from .app import View, add_routes
from .document import describe_errors, make_validator
from .faults import ADMIN_PREFIX, Fault, FaultKind
from .page import find_state, load_page
from .records import JsonObject, dump_json
from .service import RefusedError, Service, violation_error
from .store import MEMORY
from .switches import parse_switches

AdminHandler: TypeAlias = Callable[..., Any]
"""Takes the service and the parts of the path; returns JSON data or a response."""

_OBJECT: Final = make_validator({"type": "object"})

_CLOCK: Final = make_validator(
    {
        "type": "object",
        "properties": {
            "advance": {"type": "number", "minimum": 0, "maximum": 10 * 366 * 86_400}
        },
        "required": ["advance"],
    }
)

_FAULT: Final = make_validator(
    {
        "type": "object",
        "properties": {
            "kind": {"enum": [*get_args(FaultKind)]},
            "method": {"type": ["string", "null"]},
            "path": {"type": ["string", "null"], "pattern": "^[/*]"},
            "times": {"type": ["integer", "null"], "minimum": 1},
            "after": {"type": "integer", "minimum": 0},
            "probability": {"type": "number", "minimum": 0, "maximum": 1},
            "status": {"type": "integer", "minimum": 200, "maximum": 599},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "body": {"type": ["string", "null"]},
            "seconds": {"type": "number", "minimum": 0},
            "size": {"type": ["integer", "null"], "minimum": 0},
        },
        "required": ["kind"],
        "additionalProperties": False,
    }
)


def add_admin_routes(app: Flask, service: Service, *, has_keys: bool) -> None:
    """Add the routes about the emulator itself, and its page.

    Args:
        has_keys: Whether only certain API keys are accepted.
    """
    routes: Mapping[tuple[str, str], AdminHandler] = {
        ("GET", "health"): health,
        ("GET", "state"): state,
        ("GET", "faults"): list_faults,
        ("POST", "faults"): add_fault,
        ("DELETE", "faults"): clear_faults,
        ("PATCH", "switches"): set_switches,
        ("POST", "clock"): advance_clock,
    }
    views: dict[tuple[str, str], View] = {
        (method, ADMIN_PREFIX + path): partial(_answer, handler, service)
        for (method, path), handler in routes.items()
    }
    add_routes(app, views | {("GET", "/"): partial(load_page, has_keys=has_keys)})


def _answer(handler: AdminHandler, service: Service, **path: str) -> Response:
    data = handler(service, **path)
    if isinstance(data, Response):
        return data
    status = 201 if request.method == "POST" else 200
    response = Response(dump_json(data), status, content_type="application/json")
    response.headers["cache-control"] = "no-store"
    return response


def _read_json(validator: Draft202012Validator = _OBJECT) -> JsonObject:
    """Return the body.

    Raises:
        RefusedError: It is not what the validator says.
    """
    data: Any = request.get_json(force=True, silent=True)
    if errors := [*describe_errors(validator.iter_errors(data), ("body",))]:
        raise RefusedError(422, errors)
    body: JsonObject = data
    return body


def health(service: Service) -> JsonObject | Response:
    """Say whether the emulator can serve requests; 503 if its store is unusable."""
    problem = None
    try:
        with service.store.transaction():
            service.store.runs.get("")
    except ConfigError as error:
        problem = str(error)
    data = {
        "status": "failing" if problem else "ok",
        "version": version("flow64"),
        "store": "memory" if service.store.path == MEMORY else "file",
        "id": service.store.id,
        "problem": problem,
    }
    return data if problem is None else Response(json.dumps(data), 503)


def state(service: Service) -> Response:
    """Return what the page shows, unless the page has it already."""
    response = _answer(find_state, service)
    response.headers["cache-control"] = "no-cache"
    response.add_etag()
    return response.make_conditional(request.environ)


# -- Faults, switches and the clock ----------------------------------------------------


def list_faults(service: Service) -> JsonObject:
    """List the faults that are still active, and those that happened."""
    log = [asdict(event) for event in service.faults.log]
    return {"active": service.faults.data(), "log": log}


def add_fault(service: Service) -> JsonObject:
    """Add a fault."""
    service.faults.add(Fault(**_read_json(_FAULT)))
    return {"active": service.faults.data()}


def clear_faults(service: Service) -> JsonObject:
    """Remove all faults."""
    service.faults.clear()
    return {"active": []}


def set_switches(service: Service) -> JsonObject:
    """Set the switches that the body names."""
    try:
        service.switches = parse_switches({**asdict(service.switches), **_read_json()})
    except ConfigError as error:
        raise violation_error(("body",), "value_error", str(error)) from error
    return asdict(service.switches)


def advance_clock(service: Service) -> JsonObject:
    """Move the clock forward by some seconds."""
    service.clock.advance(_read_json(_CLOCK)["advance"])
    return {"now": service.clock.now()}
