"""Lineage: row kind and columns after every block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from attrs import evolve, frozen

from ..blocks import CATALOGUE, UNKNOWN_COLUMNS, Column, Columns
from ..definition import BoundSecret, Definition, Value
from ._asking import asker
from ._columns import ANY_COLUMNS, NO_COLUMNS, ColumnSet, KnownColumn, united
from ._memo import once
from ._row_kinds import Rows, row_kinds


class Stage(NamedTuple):
    """The rows that leave a block.

    Attributes:
        rows: Their kind, or None where it is not known for sure.
        columns: Their columns, as far as they are known.
    """

    rows: Rows
    columns: ColumnSet


@frozen
class ColumnFlow:
    """The columns before and after each block, and those that it reads for sure."""

    before: Sequence[ColumnSet]
    after: Sequence[ColumnSet]
    reads: Sequence[tuple[int, Sequence[Column]]]


def lineage(definition: Definition) -> Sequence[Stage]:
    """Row kind and columns after each block, in the order of the blocks.

    Any definition has one: behind a kind that the catalogue does not know, and on a
    cycle, everything is unknown.
    """
    after = column_flow(definition).after
    return [*map(Stage, row_kinds(definition), after)]


def output_columns(definition: Definition) -> ColumnSet:
    """The columns that a run ends with: those after all blocks that feed no other."""
    after = column_flow(definition).after
    fed = set(definition.topology.sources)
    ends = [columns for i, columns in enumerate(after) if i not in fed]
    return united(ends) if ends else NO_COLUMNS


def reads_columns(definition: Definition) -> bool:
    """Whether a block of a kind that is known to read named columns is there."""
    return not READERS.isdisjoint(definition.by_kind)


READERS: Final = frozenset({"filter"})
"""The kinds whose columns are documented; of all others, what they read is unknown."""


@once
def column_flow(definition: Definition) -> ColumnFlow:
    """The columns before and after each block."""
    blocks, topology = definition.blocks, definition.topology
    facts = _facts(definition)
    parents = topology.parents
    before = [ANY_COLUMNS] * len(blocks)
    after: list[ColumnSet | None] = [None] * len(blocks)
    unions: dict[tuple[int, ...], ColumnSet] = {}
    for position in topology.order:
        above = parents[position]
        if not above:
            incoming = _incoming(blocks[position].kind)
        elif len(above) == 1:
            incoming = _after(after, above[0])
        else:
            key = tuple(above)
            if key not in unions:
                unions[key] = united([_after(after, parent) for parent in above])
            incoming = unions[key]
        before[position] = incoming
        after[position] = _changed(incoming, facts[position], position)
    reads = [
        (position, sure)
        for position, fact in enumerate(facts)
        if fact.reads and (sure := [c for c in fact.reads if c.confidence in _SURE])
    ]
    # The order names every block, so each has its columns by now.
    return ColumnFlow(before, [c for c in after if c is not None], reads)


_SURE: Final = ("D", "D1")
_LATER: Final = frozenset({Value, BoundSecret})


def _after(after: Sequence[ColumnSet | None], position: int) -> ColumnSet:
    found = after[position]
    return ANY_COLUMNS if found is None else found  # None: it comes later, on a cycle


def _incoming(kind: str) -> ColumnSet:
    """What comes into a block that nothing feeds: a source begins with nothing."""
    block = CATALOGUE.get(kind)
    is_source = block is not None and block.about.role == "source"
    return NO_COLUMNS if is_source else ANY_COLUMNS


def _facts(definition: Definition) -> Sequence[Columns]:
    """What each block does to columns."""
    blocks = definition.blocks
    facts = [UNKNOWN_COLUMNS] * len(blocks)
    for kind, positions in definition.by_kind.items():
        if kind not in CATALOGUE:
            continue
        ask = asker(CATALOGUE[kind], "columns")
        for position in positions:
            specs = blocks[position].specs
            fact = ask(specs)
            # A field map that an environment fills in may name any columns.
            if specs and not _LATER.isdisjoint(map(type, specs.values())):
                fact = evolve(fact, opens=True)
            facts[position] = fact
    return facts


def _changed(incoming: ColumnSet, fact: Columns, position: int) -> ColumnSet:
    """The columns after a block; the same object where it changes none."""
    if fact.resets:
        incoming = ANY_COLUMNS if fact.opens else NO_COLUMNS
    layer: dict[str, KnownColumn | None] = dict.fromkeys(fact.drops)
    for column in fact.adds:
        name = column.name
        layer[name] = KnownColumn(name, column.type, column.confidence, position)
    return incoming.with_(layer, is_open=incoming.is_open or fact.opens)
