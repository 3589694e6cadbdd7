"""Row kinds: the kind of rows that leave each block, followed along the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from ..blocks import CATALOGUE, DATAFRAME_TYPES, of_catalogue
from ..definition import Definition

RowKindName: TypeAlias = Literal["LEAD", "COMPANY"] | None
"""A row kind, or None if it is not certain."""


class _RowFacts(NamedTuple):
    """The certain facts about the rows of a kind."""

    takes: RowKindName
    gives: RowKindName
    passes: bool
    asks_specs: bool


@of_catalogue
def _row_facts(kind: str) -> _RowFacts:
    about = CATALOGUE[kind].about if kind in CATALOGUE else None
    if about is None or about.rows not in ("D", "D1"):
        return _RowFacts(None, None, passes=False, asks_specs=False)
    asks_specs = about.gives == "dataframe_type"
    passes = about.gives == "same"
    return _RowFacts(_word(about.takes), _word(about.gives), passes, asks_specs)


def _word(rows: Any) -> RowKindName:
    return rows if rows in DATAFRAME_TYPES else None


def input_rows(kind: str) -> RowKindName:
    """Return the one row kind that a block takes, by a documented fact."""
    return _row_facts(kind).takes


def output_rows(kind: str, specs: Mapping[str, Any]) -> RowKindName:
    """Return the row kind that leaves a block for every input, or None."""
    facts = _row_facts(kind)
    if facts.asks_specs:
        return _word(specs.get("dataframe_type"))
    return facts.gives


def row_kinds(definition: Definition) -> Sequence[RowKindName]:
    """Return the row kind that leaves each block.

    A block for any rows gives the kind that comes in, if all of it is known and equal.
    """
    topology = definition.topology
    leaving: list[RowKindName] = [None] * len(definition.blocks)
    for position in topology.order:
        block = definition.blocks[position]
        _, gives, passes, asks_specs = _row_facts(block.kind)
        if asks_specs:
            gives = output_rows(block.kind, block.specs)
        elif passes and (above := topology.parents[position]):
            first = leaving[above[0]]
            is_same = all(leaving[parent] == first for parent in above)
            gives = first if is_same else None
        leaving[position] = gives
    return leaving
