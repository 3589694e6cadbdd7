"""The page, and routes about the emulator itself: health, faults, switches, clock.

They need no credential. A web page of another origin cannot use them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from hashlib import sha256
from importlib.metadata import version
from importlib.resources import files
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import unquote

from attrs import asdict, field, frozen, validators
from flask import Flask, request
from werkzeug.wrappers import Response

from ..blocks import CATALOGUE, EFFECT_WORDS, describe_rows
from ..definition import EMPTY, environment_in, split_stamp
from ..errors import ConfigError
from ..layout import MARGIN, lay_out, trace_route
from .app import View, add_routes
from .operations import ADMIN_PREFIX, Fault
from .records import JsonObject, WorkflowRecord, dump_json, format_cell
from .runs import describe_progress
from .service import GUESSES, MARKS, RefusedError, Service, Switches, parse_data
from .store import Records

T = TypeVar("T")

# -- The state, which the page shows ---------------------------------------------------


LISTED: Final = 500
"""Items of each list that the page gets, newest first."""

ROWS: Final = 50
"""Rows of a table on the page."""

SHORT, LONG = 250, 20_000
"""Characters of a name, and of a text that is shown alone."""

WIDTH: Final = 188
HEIGHT: Final = 56
"""Size of a block on the page."""

BETWEEN: Final = 32
"""Room between two layers, which lets seven blocks in a row fit a wide window."""

_AROUND: Final = 8


def find_state(service: Service) -> JsonObject:
    """Return the state: its lists and, if the query names one, an item with details.

    The query is `workflow=ID`, `run=ID` or `notebook=ID`.
    """
    store = service.store
    lists: Mapping[str, Records[Any]] = {
        "workflows": store.workflows,
        "runs": store.runs,
        "notebooks": store.notebooks,
        "outbox": store.sent,
        "schedules": store.schedules,
    }
    state: JsonObject = {
        "store": store.path,
        "ahead": round(service.clock.ahead.total_seconds()),
        "counts": {name: records.count() for name, records in lists.items()},
        "faults": service.faults.data(),
        "switches": asdict(service.switches),
        "defaults": asdict(Switches()),
        "guesses": [asdict(guess) for guess in GUESSES],
        "marks": MARKS,
    }
    for name, records in lists.items():
        state[name] = [*map(_as_item, records.newest(LISTED))]
    if "workflow" in request.args:
        workflow = _require(store.workflows.get(request.args["workflow"].lower()))
        state["item"] = _as_item(workflow)
        state["graph"] = _graph_data(workflow.definition)
    elif "run" in request.args:
        run = _require(store.runs.get(request.args["run"].lower()))
        state["item"] = _as_item(run)
        state["graph"] = _graph_data(_require(store.graphs.get(run.id)).data)
        state["status"] = describe_progress(service, run)
    elif "notebook" in request.args:
        notebook = _require(store.notebooks.get(request.args["notebook"]))
        state["item"] = _as_item(notebook)
    return state


def _require(item: Any) -> Any:
    if item is None:
        raise RefusedError.not_found("Item")
    return item


def _shorten(text: str, limit: int = SHORT) -> str:
    """Return a text, or its beginning and its length."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"


def _as_item(record: Any) -> JsonObject:
    """Convert a record. The stamp of a deploy is separate from the description.

    A copy was not deployed, so the environment in its stamp is not its own.
    """
    item: JsonObject = {
        name: _shorten(value, LONG) if isinstance(value, str) else value
        for name, value in asdict(record).items()
        if name != "definition"
    }
    if isinstance(record, WorkflowRecord):
        text, stamp = split_stamp(record.description, record.id)
        is_genuine = stamp is not None and stamp.is_genuine(record.id)
        item["description"] = _shorten(text, LONG)
        item["blocks"] = len(record.definition["blocks"])
        item["deployed"] = stamp and _name_stamp_path(stamp.path)
        item["is_copy"] = stamp is not None and not is_genuine
        item["environment"] = stamp and is_genuine and environment_in(stamp.path)
    return item


def _name_stamp_path(path: str) -> str:
    """Return the names in the path of a stamp, without the environment."""
    segments = (segment.split(":", 1) for segment in path.split("/"))
    return "/".join(unquote(parts[-1]) for parts in segments if parts[0] != "env")


# -- The graph -------------------------------------------------------------------------


def _graph_data(graph: JsonObject) -> JsonObject:
    """Convert a graph: its blocks, its edges by position, and both of its layouts.

    The page chooses between the layouts, from left to right and from top to bottom.
    """
    blocks = graph["blocks"]
    at = {block["block_id"]: position for position, block in enumerate(blocks)}
    ends = ((edge["from_block_id"], edge["to_block_id"]) for edge in graph["edges"])
    edges = [(at[a], at[b]) for a, b in ends if a in at and b in at]
    many = Counter(block["block_name"] for block in blocks)
    return {
        "blocks": [_block_item(block, many) for block in blocks],
        "edges": edges,
        "size": [WIDTH, HEIGHT],
        "layouts": {
            "across": _place_blocks(len(blocks), edges, is_across=True),
            "down": _place_blocks(len(blocks), edges, is_across=False),
        },
    }


def _place_blocks(
    count: int, edges: Sequence[tuple[int, int]], *, is_across: bool
) -> JsonObject:
    """Return the corners of all blocks, the paths of all edges, and the room for both.

    A layout runs from top to bottom; across, x and y change their places.
    """
    size = (HEIGHT, WIDTH) if is_across else (WIDTH, HEIGHT)
    drawing = lay_out([size] * count, edges, between=BETWEEN)
    corner = MARGIN - _AROUND
    room = [drawing.width - 2 * corner, drawing.height - 2 * corner]
    places = [[box.x, box.y] for box in drawing.boxes]
    return {
        "corner": corner,
        "room": room[::-1] if is_across else room,
        "places": [place[::-1] for place in places] if is_across else places,
        "paths": [trace_route(route, is_across=is_across) for route in drawing.routes],
    }


def _block_item(block: JsonObject, many: Mapping[str, int]) -> JsonObject:
    """Convert a block with its specs, and add the catalogue's facts about its kind."""
    kind, cls = block["block_name"], CATALOGUE.get(block["block_name"])
    specs = json.dumps(block["specs"], indent=2, ensure_ascii=False)
    item = {
        "id": block["block_id"],
        "kind": _shorten(kind),
        "number": block["sequence_number"] if many[kind] > 1 else None,
        "role": "unknown" if cls is None else cls.about.role,
        "note": _shorten(_find_note(block["specs"]), 80),
        "specs": _shorten(specs, LONG),
    }
    if cls is None:
        return item
    about = cls.about
    return item | {
        "takes": describe_rows(about.takes),
        "gives": describe_rows(about.gives),
        "effects": [EFFECT_WORDS[effect] for effect in about.effects],
        "reads": [column.name for column in about.columns.reads],
        "adds": [column.name for column in cls.columns(block["specs"]).adds],
    }


def _find_note(specs: Mapping[str, Any]) -> str:
    """Return a text that distinguishes a block from others of its kind."""
    for value in specs.values():
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return " ".join(map(format_cell, value[0].values()))
    mappings = (value for value in specs.values() if isinstance(value, dict))
    return ", ".join(next(mappings, {}))


# -- The page --------------------------------------------------------------------------


def load_page() -> Response:
    """Return the page."""
    text, headers = _load_page()
    return Response(text, headers=headers, content_type="text/html; charset=utf-8")


@cache
def _load_page() -> tuple[str, dict[str, str]]:
    """Load the page and its headers, which allow its one style and script by hash."""
    text = files(__package__).joinpath("page.html").read_text("utf-8")
    policy = (
        "default-src 'none'",
        f"script-src {_hash_source(text, 'script')}",
        f"style-src {_hash_source(text, 'style')}",
        "connect-src 'self'",
        "img-src data:",  # the icon in the tab
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # no text can become markup
    )
    return text, {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "; ".join(policy),
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
    }


def _hash_source(text: str, tag: str) -> str:
    inside = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"


# -- Routes ----------------------------------------------------------------------------

AdminHandler: TypeAlias = Callable[[Service], JsonObject]
"""Returns the JSON data of a response."""


@frozen
class Advance:
    """Seconds to move the clock forward by."""

    advance: float = field(validator=validators.le(10 * 366 * 86_400))


def add_admin_routes(app: Flask, service: Service) -> None:
    """Add the routes about the emulator itself, and its page."""
    routes: Mapping[tuple[str, str], AdminHandler] = {
        ("GET", "health"): check_health,
        ("GET", "state"): find_state,
        ("GET", "rows"): list_rows,
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
    add_routes(app, views | {("GET", "/"): load_page})


def _answer(handler: AdminHandler, service: Service) -> Response:
    status = 201 if request.method == "POST" else 200
    response = Response(
        dump_json(handler(service)), status, content_type="application/json"
    )
    response.headers["cache-control"] = "no-store"
    return response


def _read_body(cls: type[T], before: JsonObject = EMPTY) -> T:
    """Return the body as an object of a class.

    Args:
        before: Values of the fields that the body does not name.

    Raises:
        RefusedError: The body is not a JSON object of such fields.
    """
    data = request.get_json(force=True, silent=True)
    if not isinstance(data, dict):
        words = "Input should be an object"
        raise RefusedError.violation(("body",), "type_error", words)
    try:
        return parse_data({**before, **data}, cls)
    except ConfigError as error:
        raise RefusedError.violation(("body",), "value_error", str(error)) from error


def check_health(service: Service) -> JsonObject:
    """Return the id of the store; if it cannot be used, the response is a 503."""
    service.store.runs.count()
    return {"status": "ok", "version": version("flow64"), "id": service.store.id}


def list_rows(service: Service) -> JsonObject:
    """Return some rows of a block or a notebook, from a number on."""
    start = min(max(0, request.args.get("from", 0, int)), 10**9)
    rows = service.store.rows(request.args["of"])
    return {"rows": [*islice(rows, start, start + ROWS)]}


def list_faults(service: Service) -> JsonObject:
    """List the faults that can still happen."""
    return {"active": service.faults.data()}


def add_fault(service: Service) -> JsonObject:
    """Add a fault."""
    service.faults.add(_read_body(Fault))
    return list_faults(service)


def clear_faults(service: Service) -> JsonObject:
    """Remove all faults."""
    service.faults.clear()
    return list_faults(service)


def set_switches(service: Service) -> JsonObject:
    """Set the switches that the body names."""
    service.switches = _read_body(Switches, asdict(service.switches))
    return asdict(service.switches)


def advance_clock(service: Service) -> JsonObject:
    """Move the clock forward by some seconds."""
    service.clock.advance(_read_body(Advance).advance)
    return {"now": service.clock.now()}
