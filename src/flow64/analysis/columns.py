"""The kind and the columns of the rows at each point, and how blocks change them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import takewhile
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from attrs import evolve, frozen

from ..blocks import (
    CATALOGUE,
    DATAFRAME_TYPES,
    UNKNOWN_COLUMNS,
    Column,
    Columns,
    Confidence,
)
from ..definition import Definition, Hidden, Value
from .rule import once

# -- Row kinds -------------------------------------------------------------------------

RowKindName: TypeAlias = Literal["LEAD", "COMPANY"] | None
"""A row kind, or None if it is not certain."""


def documented_rows(kind: str) -> tuple[str | None, str | None]:
    """Return what a kind is documented to take and to give, in the words of `About`."""
    about = CATALOGUE[kind].about if kind in CATALOGUE else None
    if about is None or about.rows not in ("D", "D1"):
        return None, None
    return about.takes, about.gives


@once
def row_kinds(definition: Definition) -> Sequence[RowKindName]:
    """Return the row kind that leaves each block.

    A block for any rows gives the kind that comes in, if all of it is known and equal.
    """
    blocks, topology = definition.blocks, definition.topology
    gives: Any = {kind: documented_rows(kind)[1] for kind in definition.by_kind}
    leaving: list[RowKindName] = [None] * len(blocks)
    for position in topology.order:
        block = blocks[position]
        word = gives[block.kind]
        if word == "dataframe_type":
            word = block.specs.get("dataframe_type")
        elif word == "same":
            above = [leaving[parent] for parent in topology.parents[position]]
            word = above[0] if above and above.count(above[0]) == len(above) else None
        if word in DATAFRAME_TYPES:
            leaving[position] = word
    return leaving


# -- Sets of columns -------------------------------------------------------------------


class KnownColumn(NamedTuple):
    """A column that rows have at some point.

    Attributes:
        type: A type word of the service, or None if that is unknown.
        confidence: How well it is known that the block adds it.
        source: Position of the block that wrote it last. If branches meet, it is the
            one of the first branch.
    """

    name: str
    type: str | None
    confidence: Confidence
    source: int


class Openness(IntEnum):
    """How well the names of a set's columns are known."""

    CLOSED = 0
    """All of them are known."""
    DECLARED = 1
    """Rows may bring others than those that are declared."""
    OPEN = 2
    """There may be others."""


Layer: TypeAlias = Mapping[str, KnownColumn]
"""Columns by name."""


@frozen(eq=False)
class ColumnSet(Mapping[str, KnownColumn]):
    """The columns that rows have at some point, by name.

    It never changes: a larger set is a new one that shares layers with the old. Layers
    shrink from the first to the last, so that looking up and adding a column takes a
    logarithmic number of steps.

    Attributes:
        layers: The columns; later layers hide earlier ones.
        openness: Whether there may be others, with unknown names.
    """

    layers: Sequence[Layer]
    openness: Openness

    @property
    def is_open(self) -> bool:
        """Whether there may be other columns, with unknown names."""
        return self.openness is not Openness.CLOSED

    def __getitem__(self, name: str) -> KnownColumn:
        for layer in reversed(self.layers):
            if name in layer:
                return layer[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        # One by one, since often only the first of many are looked at.
        for number, layer in enumerate(self.layers):
            for name in layer:
                if not any(name in other for other in self.layers[:number]):
                    yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def with_(self, layer: Layer, openness: Openness = Openness.CLOSED) -> ColumnSet:
        """Return the set with some columns added or replaced.

        Args:
            layer: These columns.
            openness: How open it is by them. The set never closes again.
        """
        openness = max(self.openness, openness)
        if not layer and openness is self.openness:
            return self
        return ColumnSet(_grow(self.layers, layer) if layer else self.layers, openness)


NO_COLUMNS: Final = ColumnSet((), Openness.CLOSED)
ANY_COLUMNS: Final = ColumnSet((), Openness.OPEN)


def merge_columns(sets: Sequence[ColumnSet]) -> ColumnSet:
    """Return the columns that rows may have after branches meet: those of any branch.

    How the service merges rows is unknown, so nothing more is certain. A column of
    several types has none.
    """
    first, *others = sets = [*dict(zip(map(id, sets), sets, strict=True)).values()]
    if not others:
        return first
    rows_of_layers = zip(*(each.layers for each in sets), strict=False)
    shared = [*takewhile(lambda row: len({*map(id, row)}) == 1, rows_of_layers)]
    base = ColumnSet(first.layers[: len(shared)], first.openness)
    branches = [_flatten(each.layers[len(shared) :]) for each in sets]
    columns: dict[str, list[KnownColumn]] = {}
    for branch in branches:
        for name, column in branch.items():
            columns.setdefault(name, []).append(column)
    layer: dict[str, KnownColumn] = {}
    for name, added in columns.items():
        before = base.get(name)
        if before is not None and len(added) < len(branches):
            added.append(before)  # that of a branch that left it as it was
        column = branches[0].get(name) or before or added[0]
        has_one_type = all(other.type == column.type for other in added)
        layer[name] = column if has_one_type else column._replace(type=None)
    return base.with_(layer, max(each.openness for each in sets))


def _flatten(layers: Sequence[Layer]) -> Layer:
    return {name: column for layer in layers for name, column in layer.items()}


def _grow(layers: Sequence[Layer], layer: Layer) -> Sequence[Layer]:
    """Add a layer, merged with those that are smaller or as large."""
    count = len(layers)
    while count and len(layers[count - 1]) <= len(layer):
        count -= 1
        layer = {**layers[count], **layer}
    return (*layers[:count], layer)


# -- The flow of columns ---------------------------------------------------------------


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


def list_reads(definition: Definition) -> list[tuple[int, Column]]:
    """Return each column that a block reads, with the position of the block."""
    return [
        (position, column)
        for position, fact in enumerate(column_facts(definition))
        for column in fact.reads
    ]


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
    feeding = set(definition.topology.sources)
    ends = [columns for i, columns in enumerate(after) if i not in feeding]
    return merge_columns(ends) if ends else NO_COLUMNS


@once
def column_flow(definition: Definition) -> ColumnFlow:
    """Return the columns before and after each block."""
    blocks, topology = definition.blocks, definition.topology
    facts = column_facts(definition)
    before = [ANY_COLUMNS] * len(blocks)
    after = [ANY_COLUMNS] * len(blocks)  # also of a block that comes later, on a cycle
    unions: dict[tuple[int, ...], ColumnSet] = {}
    for position in topology.order:
        above = tuple(topology.parents[position])
        if above:
            if above not in unions:
                unions[above] = merge_columns([after[parent] for parent in above])
            incoming = unions[above]
        else:
            block = CATALOGUE.get(blocks[position].kind)
            is_source = block is not None and block.about.role == "source"
            incoming = NO_COLUMNS if is_source else ANY_COLUMNS
        before[position] = incoming
        after[position] = _apply_columns(incoming, facts[position], position)
    return ColumnFlow(before, after, facts)


_LATER: Final = frozenset({Value, Hidden})


@once
def column_facts(definition: Definition) -> Sequence[Columns]:
    """Return for each block how it changes columns."""
    blocks = definition.blocks
    facts = [UNKNOWN_COLUMNS] * len(blocks)
    for kind, positions in definition.by_kind.items():
        if kind not in CATALOGUE:
            continue
        ask = CATALOGUE[kind].columns
        for position in positions:
            specs = blocks[position].specs
            if _LATER.isdisjoint(map(type, specs.values())):
                facts[position] = ask(specs)
                continue
            recorder = _Recorder(specs)
            fact = ask(recorder)
            # What an environment fills in there may name any columns.
            if any(type(specs.get(name)) in _LATER for name in recorder.names):
                fact = evolve(fact, opens=True, declares=False)
            facts[position] = fact
    return facts


class _Recorder(Mapping[str, Any]):
    """Specs that note which fields are looked up."""

    def __init__(self, specs: Mapping[str, Any]) -> None:
        self._specs = specs
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        self.names.update(self._specs)
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


def _apply_columns(incoming: ColumnSet, fact: Columns, position: int) -> ColumnSet:
    """Return the columns after a block; the same object if it changes none."""
    if fact.resets:
        incoming = NO_COLUMNS
    layer = {
        name: KnownColumn(name, type_word, confidence, position)
        for name, type_word, confidence in fact.adds
    }
    if not fact.opens:
        return incoming.with_(layer)
    return incoming.with_(layer, Openness.DECLARED if fact.declares else Openness.OPEN)
