"""Row kinds: the kind of rows that leave each block, followed along the edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from ..blocks import CATALOGUE, DATAFRAME_TYPES
from ..definition import Definition

RowKindName: TypeAlias = Literal["LEAD", "COMPANY"] | None
"""A row kind, or None if it is not certain."""


_ROWS: Final[Mapping[str, RowKindName]] = {"LEAD": "LEAD", "COMPANY": "COMPANY"}


_SURE: Final = {
    kind: block.about
    for kind, block in CATALOGUE.items()
    if block.about.rows in ("D", "D1")
}
"""Kinds with documented facts about their rows."""

_TAKEN: Final = {
    kind: word for kind, about in _SURE.items() if (word := _ROWS.get(about.takes))
}
_GIVEN: Final = {
    kind: word for kind, about in _SURE.items() if (word := _ROWS.get(about.gives))
}
_PASSING: Final = frozenset(k for k, about in _SURE.items() if about.gives == "same")
BY_SPEC: Final = frozenset(
    kind for kind, about in _SURE.items() if about.gives == "dataframe_type"
)
"""Kinds that give the rows that their `dataframe_type` says."""

WORDS: Final[Mapping[str, frozenset[str]]] = {
    kind: frozenset(table[kind] for table in (_TAKEN, _GIVEN) if kind in table)
    for kind in _TAKEN.keys() | _GIVEN.keys()
}
"""The row kinds that blocks of a kind take or give whatever their specs say."""


def input_rows(kind: str) -> RowKindName:
    """Return the one row kind that a block takes, by a documented fact."""
    return _TAKEN.get(kind)


def output_rows(kind: str, specs: Mapping[str, Any]) -> RowKindName:
    """Return the row kind that leaves a block for every input, or None."""
    if kind not in BY_SPEC:
        return _GIVEN.get(kind)
    word = specs.get("dataframe_type")
    return word if word in DATAFRAME_TYPES else None


def row_kinds(definition: Definition) -> Sequence[RowKindName]:
    """Return the row kind that leaves each block.

    A block for any rows gives the kind that comes in, if all of it is known and equal.
    """
    blocks, topology = definition.blocks, definition.topology
    kinds = [block.kind for block in blocks]
    found: list[RowKindName] = [_GIVEN.get(kind) for kind in kinds]
    passing = _PASSING.intersection(definition.by_kind)
    for kind in BY_SPEC.intersection(definition.by_kind):
        for position in definition.by_kind[kind]:
            found[position] = output_rows(kind, blocks[position].specs)
    if not passing:
        return found
    if topology.is_forward:
        edges: Iterable[tuple[int, int]] = zip(
            topology.sources, topology.targets, strict=True
        )
    else:
        children = topology.children
        edges = ((s, t) for s in topology.order for t in children[s])
    fed = bytearray(len(blocks))
    # Edges come in the order of their sources: what leaves a source is known by then.
    for source, target in edges:
        if kinds[target] in passing:
            given = found[source]
            if not fed[target]:
                fed[target] = 1
                found[target] = given
            elif found[target] != given:
                found[target] = None
    return found
