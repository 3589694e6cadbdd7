"""Canonical JSON: one text for each definition, the same bytes everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring as quote
from operator import add
from typing import Any

from ._frozen import EMPTY
from ._json import thaw
from ._model import Definition, Edge, JoinedEdges, WireBlock
from ._values import BoundSecret, Value


def as_body(definition: Definition, *, reveal: bool = False) -> dict[str, Any]:
    """Return the create body as plain dicts, keys in the order of the documents.

    Args:
        reveal: Write bound secrets as their text, for the request itself. Otherwise
            they are unbound values.
    """

    def plain(value: Any) -> Any:
        return thaw(value, _reveal if reveal else _show)

    graph = {
        "blocks": [
            {
                "block_id": block.id,
                "sequence_number": block.number,
                "block_type": block.label,
                "block_name": block.kind,
                "specs": plain(block.specs),
                **plain(block.extra),
            }
            for block in definition.blocks
        ],
        "edges": [
            {
                "from_block_id": edge.source,
                "to_block_id": edge.target,
                **plain(edge.extra),
            }
            for edge in definition.edges
        ],
        **plain(definition.graph_extra),
    }
    body: dict[str, Any] = {
        "workflow_name": definition.name,
        "workflow_description": definition.description,
        "workflow_definition": graph,
    }
    if definition.id is not None:
        body["id"] = definition.id
    body |= plain(definition.extra)
    return body


def dumps(definition: Definition, *, indent: int | None = 2) -> str:
    """Return the canonical text, with one newline at the end.

    Args:
        indent: Spaces for each level; None writes it compact, which is much faster.
    """
    if indent is None:
        return _compact(definition)
    body = as_body(definition)
    return json.dumps(body, indent=indent, ensure_ascii=False, allow_nan=False) + "\n"


def _show(value: Any) -> Any:
    if type(value) is Value:
        return value.as_data()
    if type(value) is BoundSecret:
        return value.value.as_data()
    return value


def _reveal(value: Any) -> Any:
    if type(value) is BoundSecret:
        return thaw(value.content)
    return _show(value)


def _compact(definition: Definition) -> str:
    """Write `as_body` as text piece by piece, without a copy of the graph."""
    name, description = quote(definition.name), quote(definition.description)
    tail = "" if definition.id is None else f',"id":{quote(definition.id)}'
    blocks = ",".join(_block_texts(definition.blocks))
    edges = ",".join(_edge_texts(definition.edges))
    return (
        f'{{"workflow_name":{name},"workflow_description":{description},'
        f'"workflow_definition":{{"blocks":[{blocks}],"edges":[{edges}]'
        f"{_more(definition.graph_extra)}}}{tail}{_more(definition.extra)}}}\n"
    )


def _block_texts(blocks: Iterable[WireBlock]) -> list[str]:
    texts = []
    for block_id, kind, specs, label, number, extra in blocks:
        more = "" if extra is EMPTY else _more(extra)
        texts.append(
            f'{{"block_id":{quote(block_id)},"sequence_number":{number},'
            f'{_names(label, kind)},"specs":{"".join(_pieces(specs, 0))}{more}}}'
        )
    return texts


@lru_cache(maxsize=1024)
def _names(label: str, kind: str) -> str:
    return f'"block_type":{quote(label)},"block_name":{quote(kind)}'


def _edge_texts(edges: Sequence[Edge]) -> Iterable[str]:
    if type(edges) is not JoinedEdges:
        return [
            f'{{"from_block_id":{quote(source)},"to_block_id":{quote(target)}'
            f"{_more(extra)}}}"
            for source, target, extra in edges
        ]
    topology, ids = edges.topology, edges.ids  # UUIDs, which need no escapes
    if len(topology.sources) <= len(ids):
        return [
            f'{{"from_block_id":"{ids[source]}","to_block_id":"{ids[target]}"}}'
            for source, target in zip(topology.sources, topology.targets, strict=True)
        ]
    # Each half is made once for a block, however many edges it has.
    sources = [f'{{"from_block_id":"{block_id}","to_block_id":' for block_id in ids]
    targets = [f'"{block_id}"}}' for block_id in ids]
    return map(
        add,
        map(sources.__getitem__, topology.sources),
        map(targets.__getitem__, topology.targets),
    )


def _more(members: Mapping[str, Any]) -> str:
    """Write members that follow others inside an object: `,"key":value...`."""
    return f",{''.join(_pieces(members, 0))[1:-1]}" if members else ""


def _encoder() -> Callable[[Any, int], Iterable[str]]:
    encoder = json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_show
    )
    fast = json.encoder.c_make_encoder  # type: ignore[attr-defined]  # not in typeshed
    if fast is None:  # an interpreter without the C accelerator
        return lambda value, _: encoder.iterencode(value)
    # What JSONEncoder.encode makes anew at every call, made once: specs are small.
    made: Callable[[Any, int], Iterable[str]]
    made = fast(None, _show, quote, None, ":", ",", False, False, False)
    return made


_pieces = _encoder()
