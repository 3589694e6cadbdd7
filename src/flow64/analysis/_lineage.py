"""Lineage: row kind and columns after every block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from attrs import evolve, frozen

from ..blocks import CATALOGUE, UNKNOWN_COLUMNS, Column, Columns, of_catalogue
from ..definition import BoundSecret, Definition, Value, WireBlock
from ._columns import (
    ANY_COLUMNS,
    NO_COLUMNS,
    ColumnSet,
    KnownColumn,
    Openness,
    merge_columns,
)
from ._memo import once
from ._row_kinds import RowKindName, row_kinds


class Stage(NamedTuple):
    """The rows that leave a block.

    Attributes:
        rows: Their kind, or None if it is not certain.
        columns: Their known columns.
    """

    rows: RowKindName
    columns: ColumnSet


@frozen
class ColumnFlow:
    """The columns before and after each block, and what it does to them."""

    before: Sequence[ColumnSet]
    after: Sequence[ColumnSet]
    facts: Sequence[Columns]

    def reads(self) -> Iterator[tuple[int, Column]]:
        """Yield each column that a block reads, with the position of the block."""
        for position, fact in enumerate(self.facts):
            for column in fact.reads:
                yield position, column


def lineage(definition: Definition) -> Sequence[Stage]:
    """Return row kind and columns after each block, in the order of the blocks.

    Every definition has a lineage. After an unknown kind, and on a cycle, everything is
    unknown.
    """
    after = column_flow(definition).after
    return [*map(Stage, row_kinds(definition), after)]


def output_columns(definition: Definition) -> ColumnSet:
    """Return the columns that a run ends with: those after the last blocks."""
    after = column_flow(definition).after
    fed = set(definition.topology.sources)
    ends = [columns for i, columns in enumerate(after) if i not in fed]
    return merge_columns(ends) if ends else NO_COLUMNS


@once
def reads_from_afar(definition: Definition) -> bool:
    """Return True if a block may read a column that its parent does not add.

    If no block does, every column that is read is known to exist, and is new.
    """
    blocks, topology = definition.blocks, definition.topology
    feeding: dict[int, list[int]] = {at: [] for at, _ in definition.of_kind(*readers())}
    if not feeding:
        return False
    for source, target in zip(topology.sources, topology.targets, strict=True):
        if target in feeding:
            feeding[target].append(source)
    return not topology.is_forward or any(
        len(above) != 1 or not _adds_all(blocks[above[0]], blocks[position])
        for position, above in feeding.items()
    )


def _adds_all(before: WireBlock, block: WireBlock) -> bool:
    """Return True if a block adds all columns that the next one reads."""
    if before.kind not in CATALOGUE:
        return False
    reads = CATALOGUE[block.kind].columns(block.specs).reads
    adds = CATALOGUE[before.kind].columns(before.specs).adds
    return {c.name for c in adds}.issuperset([c.name for c in reads])


def find_read_column(
    definition: Definition, position: int, name: str
) -> KnownColumn | None:
    """Return a column that a block reads, or None if no block is known to bring it."""
    if reads_from_afar(definition):
        return column_flow(definition).before[position].get(name)
    # The parent adds it, which is cheaper to see than how all columns flow.
    above = definition.topology.parents[position][0]
    block = definition.blocks[above]
    adds = CATALOGUE[block.kind].columns(block.specs).adds
    found = next(column for column in adds if column.name == name)
    return KnownColumn(name, found.type, found.confidence, above)


@of_catalogue
def readers() -> frozenset[str]:
    """Return the kinds that read columns of known names."""
    return frozenset(
        kind
        for kind, block in CATALOGUE.items()
        if block.about.reads_columns or block.about.columns.reads
    )


@once
def column_flow(definition: Definition) -> ColumnFlow:
    """Return the columns before and after each block."""
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
                unions[key] = merge_columns([_after(after, parent) for parent in above])
            incoming = unions[key]
        before[position] = incoming
        after[position] = _apply_columns(incoming, facts[position], position)
    # The order names every block, so each has its columns by now.
    return ColumnFlow(before, [c for c in after if c is not None], facts)


_LATER: Final = frozenset({Value, BoundSecret})


def _after(after: Sequence[ColumnSet | None], position: int) -> ColumnSet:
    found = after[position]
    return ANY_COLUMNS if found is None else found  # None: it comes later, on a cycle


def _incoming(kind: str) -> ColumnSet:
    """Return the columns that enter a block that nothing feeds."""
    block = CATALOGUE.get(kind)
    is_source = block is not None and block.about.role == "source"
    return NO_COLUMNS if is_source else ANY_COLUMNS


def _facts(definition: Definition) -> Sequence[Columns]:
    """Return for each block how it changes columns."""
    blocks = definition.blocks
    facts = [UNKNOWN_COLUMNS] * len(blocks)
    for kind, positions in definition.by_kind.items():
        if kind not in CATALOGUE:
            continue
        ask = CATALOGUE[kind].columns
        for position in positions:
            specs = blocks[position].specs
            fact = ask(specs)
            # A field map that an environment fills in may name any columns.
            if specs and not _LATER.isdisjoint(map(type, specs.values())):
                fact = evolve(fact, opens=True, declares=False)
            facts[position] = fact
    return facts


def _apply_columns(incoming: ColumnSet, fact: Columns, position: int) -> ColumnSet:
    """Return the columns after a block; the same object if it changes none."""
    if fact.resets:
        incoming = NO_COLUMNS
    layer: dict[str, KnownColumn | None] = dict.fromkeys(fact.drops)
    for column in fact.adds:
        name = column.name
        layer[name] = KnownColumn(name, column.type, column.confidence, position)
    if not fact.opens:
        return incoming.with_(layer)
    return incoming.with_(layer, Openness.DECLARED if fact.declares else Openness.OPEN)


def find_later_producers(
    definition: Definition, reads: Sequence[tuple[int, str]]
) -> Mapping[tuple[int, str], int]:
    """Return the next block that adds a column, for reads of it that come before.

    Args:
        reads: Positions of blocks, with the column that each reads.
    """
    names = dict.fromkeys(name for _, name in reads)
    facts = column_flow(definition).facts
    adds: dict[int, list[str]] = {}
    for position, fact in enumerate(facts):
        if found := [column.name for column in fact.adds if column.name in names]:
            adds[position] = found
    if not adds:
        return {}
    bits = {name: 1 << number for number, name in enumerate(names)}
    reading: dict[int, list[str]] = {}
    for position, name in reads:
        reading.setdefault(position, []).append(name)
    # The columns that come after each block, as the bits of one number: on a long chain
    # sets of them would take quadratic time.
    ahead = [0] * len(facts)
    nearest: dict[str, int] = {}
    producers: dict[tuple[int, str], int] = {}
    topology = definition.topology
    for position in reversed(topology.order):
        for name in reading.get(position, ()):
            if ahead[position] & bits[name]:
                producers[position, name] = nearest[name]
        here = ahead[position]
        for name in adds.get(position, ()):
            nearest[name] = position
            here |= bits[name]
        for parent in topology.parents[position]:
            ahead[parent] |= here
    return producers
