"""Routes about the emulator itself: health, faults, switches, clock, edits, page.

They need no credential. A web page of another origin cannot use them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, Final, TypeAlias, get_args
from uuid import uuid4

from attrs import asdict, evolve
from flask import Flask, request
from jsonschema import Draft202012Validator
from werkzeug.wrappers import Response

from ..errors import ConfigError, EmulatorStoreError
from .app import View, add_routes
from .clock import format_time
from .document import describe_errors, make_validator
from .faults import ADMIN_PREFIX, Fault, FaultKind
from .page import find_state, load_page
from .records import JsonObject, WorkflowRecord
from .service import RefusedError, Service, not_found_error, violation_error
from .store import MEMORY
from .switches import parse_switches
from .workflows import workflow_response

AdminHandler: TypeAlias = Callable[..., Any]
"""Takes the service and the parts of the path; returns JSON data or a response."""

_OBJECT: Final = make_validator({"type": "object"})

_EDIT: Final = make_validator(
    {
        "type": "object",
        "properties": {
            "name": {"type": ["string", "null"]},
            "description": {"type": ["string", "null"]},
            "specs": {"type": "object", "additionalProperties": {"type": "object"}},
            "definition": {"$ref": "#/components/schemas/WorkflowGraph"},
        },
        "additionalProperties": False,
    }
)

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
        ("GET", "switches"): list_switches,
        ("PATCH", "switches"): set_switches,
        ("GET", "clock"): get_time,
        ("POST", "clock"): advance_clock,
        ("POST", "workflows/<workflow_id>/edit"): edit,
        ("POST", "workflows/<workflow_id>/copy"): copy,
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
    text = json.dumps(data, ensure_ascii=False, default=str)
    status = 201 if request.method == "POST" else 200
    response = Response(text, status, content_type="application/json")
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
    except EmulatorStoreError as error:
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


def list_switches(service: Service) -> JsonObject:
    """Return the switches as they are."""
    return asdict(service.switches)


def set_switches(service: Service) -> JsonObject:
    """Set the switches that the body names."""
    try:
        service.switches = parse_switches({**asdict(service.switches), **_read_json()})
    except ConfigError as error:
        raise violation_error(("body",), "value_error", str(error)) from error
    return asdict(service.switches)


def get_time(service: Service) -> JsonObject:
    """Return the time of the emulator's clock."""
    return {"now": format_time(service.clock.now())}


def advance_clock(service: Service) -> JsonObject:
    """Move the clock forward by some seconds."""
    service.clock.advance(_read_json(_CLOCK)["advance"])
    return get_time(service)


# -- The web editor -------------------------------------------------------------------


def edit(service: Service, workflow_id: str) -> JsonObject:
    """Change a workflow as if in the web editor."""
    body = _read_json(_EDIT)
    if service.store.workflows.get(workflow_id.lower()) is None:
        raise not_found_error("Workflow")
    try:
        return workflow_response(edit_workflow(service, workflow_id, **body))
    except KeyError as error:
        place = ("body", "specs")
        raise violation_error(place, "value_error", str(error.args[0])) from None


def copy(service: Service, workflow_id: str) -> JsonObject:
    """Duplicate a workflow as if in the web editor."""
    try:
        return workflow_response(copy_workflow(service, workflow_id))
    except KeyError:
        raise not_found_error("Workflow") from None


def edit_workflow(
    service: Service,
    workflow_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    specs: Mapping[str, Mapping[str, Any]] | None = None,
    definition: Mapping[str, Any] | None = None,
) -> WorkflowRecord:
    """Change a workflow of any organisation; see `Emulator.edit`.

    Raises:
        KeyError: The workflow, or a block of that id or kind, does not exist.
    """

    def change(before: WorkflowRecord) -> WorkflowRecord:
        graph = dict(definition or before.definition)
        return evolve(
            before,
            name=before.name if name is None else name,
            description=before.description if description is None else description,
            definition=_with_specs(graph, specs) if specs else graph,
            updated_at=service.clock.now(),
        )

    try:
        return service.store.workflows.change(workflow_id.lower(), change)
    except KeyError as error:
        if error.args != (workflow_id.lower(),):
            raise
        raise KeyError(f"no workflow {workflow_id!r} is here") from None


def _with_specs(
    graph: JsonObject, specs: Mapping[str, Mapping[str, Any]]
) -> JsonObject:
    names = ("block_id", "block_name")
    existing = {block[name] for block in graph["blocks"] for name in names}
    if unknown := sorted(specs.keys() - existing):
        raise KeyError(f"no block has the id or kind {', '.join(unknown)}")
    blocks = []
    for block in graph["blocks"]:
        changes = specs.get(block["block_id"], specs.get(block["block_name"], {}))
        blocks.append({**block, "specs": {**block["specs"], **changes}})
    return {**graph, "blocks": blocks}


def copy_workflow(service: Service, workflow_id: str) -> WorkflowRecord:
    """Duplicate a workflow, including its stamp, under a new id.

    Raises:
        KeyError: The workflow does not exist.
    """
    original = service.store.workflows.get(workflow_id.lower())
    now = service.clock.now()
    if original is None:
        raise KeyError(f"no workflow {workflow_id!r} is here")
    duplicate = evolve(
        original,
        id=str(uuid4()),
        name=f"{original.name} (copy)",
        created_at=now,
        updated_at=now,
        last_run_date=None,
    )
    service.store.workflows.add(duplicate)
    return duplicate
