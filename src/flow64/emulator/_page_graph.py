"""The graph of a workflow for the page: its blocks, and their places."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..blocks import (
    CATALOGUE,
    CONFIDENCE,
    EFFECT_WORDS,
    About,
    CatalogueBlock,
    describe_rows,
)
from ..dsl import UNSET
from ..layout import MARGIN, lay_out, trace_route
from ._csv import format_cell
from ._page_items import LONG, shorten
from ._records import JsonObject

WIDTH: Final = 188
HEIGHT: Final = 56
"""Size of a block on the page."""

BETWEEN: Final = 32
"""Room between two layers, which lets seven blocks in a row fit a wide window."""

_AROUND: Final = 8


def graph_data(graph: JsonObject) -> JsonObject:
    """Convert a graph: its blocks without specs, its edges by position, and its places.

    The page chooses between the two layouts, from left to right and from top to bottom.
    """
    blocks = graph["blocks"]
    at = {block["block_id"]: position for position, block in enumerate(blocks)}
    ends = ((edge["from_block_id"], edge["to_block_id"]) for edge in graph["edges"])
    many = Counter(block["block_name"] for block in blocks)
    numbers = [
        block["sequence_number"] if many[block["block_name"]] > 1 else None
        for block in blocks
    ]
    edges = [(at[a], at[b]) for a, b in ends if a in at and b in at]
    return {
        "blocks": [
            {**_block_item(block), "number": number}
            for block, number in zip(blocks, numbers, strict=True)
        ],
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
    if is_across:
        room.reverse()
        for place in places:
            place.reverse()
    return {
        "corner": corner,
        "room": room,
        "places": places,
        "paths": [trace_route(route, is_across=is_across) for route in drawing.routes],
    }


def block_data(block: JsonObject) -> JsonObject:
    """Convert a block with its specs, and add the catalogue's facts about its kind."""
    specs = json.dumps(block["specs"], indent=2, ensure_ascii=False)
    shown = {
        **_block_item(block),
        "id": block["block_id"],
        "specs": shorten(specs, LONG),
    }
    cls = CATALOGUE.get(block["block_name"])
    return (
        shown if cls is None else shown | _describe_kind(cls.about, cls.__doc__ or "")
    )


def _block_item(block: JsonObject) -> JsonObject:
    kind = block["block_name"]
    cls = CATALOGUE.get(kind)
    return {
        "kind": shorten(kind),
        "role": "unknown" if cls is None else cls.about.role,
        "note": shorten(next(_notes(block["specs"], cls or CatalogueBlock), ""), 80),
    }


def _notes(specs: Mapping[str, Any], cls: type[CatalogueBlock]) -> Iterator[str]:
    """Yield texts that distinguish a block from others of its kind: values first."""
    for name, value in specs.items():
        match value:
            case str() if value and not value.isspace():
                yield value
            case [{**item}, *_]:
                yield _say_item(cls, name, item)
    for value in specs.values():
        match value:
            case {**asked} if asked:
                yield ", ".join(map(str, asked))
            case [str(), *_]:
                yield ", ".join(map(format_cell, value))


def _say_item(cls: type[CatalogueBlock], field: str, item: Mapping[Any, Any]) -> str:
    """Return an item of a list as its block reads it, or else its values."""
    said = cls.item_words(field, item)
    parts = item.values() if said is None else said
    return " ".join(format_cell(part) for part in parts if part is not UNSET)


def _describe_kind(about: About, doc: str) -> JsonObject:
    return {
        "summary": " ".join(doc.partition("\n\n")[0].split()),
        "takes": describe_rows(about.takes),
        "gives": describe_rows(about.gives),
        "effects": [EFFECT_WORDS[effect] for effect in about.effects],
        "reads": [column.name for column in about.columns.reads],
        "adds": [column.name for column in about.columns.adds],
        "known": CONFIDENCE[about.confidence],
        "rows_known": CONFIDENCE[about.rows],
    }
