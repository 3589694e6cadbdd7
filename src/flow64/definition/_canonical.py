"""Canonical JSON: one text for each definition, the same bytes everywhere."""

from __future__ import annotations

import json
from typing import Any

from ._json import thaw
from ._model import Definition
from ._values import BoundSecret, Value


def as_body(definition: Definition, *, reveal: bool = False) -> dict[str, Any]:
    """Return the create body as plain dicts, keys in the order of the documents.

    Args:
        reveal: Write bound secrets as their text, for the request itself. Otherwise
            they are unbound values.
    """
    body: dict[str, Any] = thaw(_body(definition), _reveal if reveal else _show)
    return body


def dumps(definition: Definition, *, indent: int | None = 2) -> str:
    """Return the canonical text, with one newline at the end.

    Args:
        indent: Spaces for each level; None writes it compact, which is much faster.
    """
    text = json.dumps(
        _body(definition),
        indent=indent,
        separators=(",", ":") if indent is None else None,
        ensure_ascii=False,
        allow_nan=False,
        default=_show,
    )
    return f"{text}\n"


def _body(definition: Definition) -> dict[str, Any]:
    """Return the create body around the frozen data, keys in the documents' order."""
    blocks = [
        {
            "block_id": block_id,
            "sequence_number": number,
            "block_type": label,
            "block_name": kind,
            "specs": specs,
        }
        for block_id, kind, specs, label, number, _ in definition.blocks
    ]
    edges: list[dict[str, Any]] = [
        {"from_block_id": source, "to_block_id": target}
        for source, target, _ in definition.edges
    ]
    items = zip([*blocks, *edges], [*definition.blocks, *definition.edges], strict=True)
    for item, written in items:
        if written.extra:
            item.update(written.extra)
    graph = {"blocks": blocks, "edges": edges, **definition.graph_extra}
    body: dict[str, Any] = {
        "workflow_name": definition.name,
        "workflow_description": definition.description,
        "workflow_definition": graph,
    }
    if definition.id is not None:
        body["id"] = definition.id
    return body | definition.extra


def _show(value: Any) -> Any:
    if type(value) is Value:
        return value.as_data()
    return value.value.as_data() if type(value) is BoundSecret else value


def _reveal(value: Any) -> Any:
    return thaw(value.content) if type(value) is BoundSecret else _show(value)
