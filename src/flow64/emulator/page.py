"""The page at `/`, and the JSON of the state that it shows. It changes nothing."""

from __future__ import annotations

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

from attrs import asdict
from flask import request
from werkzeug.wrappers import Response

from ..blocks import CATALOGUE, EFFECT_WORDS, describe_rows
from ..definition import environment_in, split_stamp
from ..layout import MARGIN, lay_out, trace_route
from .records import (
    JsonObject,
    WorkflowRecord,
    format_cell,
    notebook_owner,
)
from .service import Service, not_found_error
from .store import Records
from .switches import GUESSES, MARKS, Switches

LISTED: Final = 500
"""Items of each list that the page gets, newest first."""

ROWS: Final = 200
"""Rows of a notebook that the page shows."""

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
    elif "notebook" in request.args:
        notebook = _require(store.notebooks.get(request.args["notebook"]))
        owner = notebook_owner(notebook.org_id, notebook.notebook_id)
        state["item"] = _as_item(notebook)
        state["rows"] = [*islice(store.rows(owner), ROWS)]
    return state


def _require(item: Any) -> Any:
    if item is None:
        raise not_found_error("Item")
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
        item["deployed"] = stamp and _name_deployed(stamp.path)
        item["is_copy"] = stamp is not None and not is_genuine
        item["environment"] = stamp and is_genuine and environment_in(stamp.path)
    return item


def _name_deployed(path: str) -> str:
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


def load_page(*, has_keys: bool) -> Response:
    """Return the page.

    Args:
        has_keys: Whether only certain API keys are accepted.
    """
    text, headers = _load_page()
    if has_keys:
        text = text.replace('data-keys="any"', 'data-keys="given"')
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
