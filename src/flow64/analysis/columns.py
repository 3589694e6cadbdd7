"""Columns: which ones rows have at each point, and how blocks change them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias, TypeVar

from attrs import evolve, frozen

from ..blocks import CATALOGUE, UNKNOWN_COLUMNS, Column, Columns, Confidence
from ..definition import Definition, Hidden, Value
from .rows import RowKindName, row_kinds

T = TypeVar("T")


def once(function: Callable[[Definition], T]) -> Callable[[Definition], T]:
    """Cache the result of a function for the lifetime of the definition.

    The definition itself holds the cache, since two equal ones may come from different
    places. A result must not refer to the definition.
    """

    @functools.wraps(function)
    def ask(definition: Definition) -> T:
        memo = definition.memo
        if ask not in memo:
            memo[ask] = function(definition)
        found: T = memo[ask]
        return found

    return ask


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


Layer: TypeAlias = Mapping[str, KnownColumn | None]
"""Columns by name; None for one that was dropped."""


@frozen(eq=False, repr=False)
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
        found = _look_up(self.layers, name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._flat())

    def __len__(self) -> int:
        return len(self._flat())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ColumnSet):
            return NotImplemented
        return self.openness == other.openness and self._flat() == other._flat()

    # How Python spells that a class is not hashable.
    __hash__ = None  # type: ignore[assignment]  # see above

    def __repr__(self) -> str:
        names = [*self._flat(), *(["..."] if self.is_open else [])]
        return f"ColumnSet({', '.join(names)})"

    def with_(self, layer: Layer, openness: Openness = Openness.CLOSED) -> ColumnSet:
        """Return the set with some columns added, replaced or dropped.

        Args:
            layer: These columns.
            openness: How open it is by them. The set never closes again.
        """
        openness = max(self.openness, openness)
        if layer:
            return ColumnSet(_grow(self.layers, layer), openness)
        if openness is self.openness:
            return self
        return ColumnSet(self.layers, openness)

    def _flat(self) -> dict[str, KnownColumn]:
        return {n: c for n, c in _flatten(self.layers).items() if c is not None}


NO_COLUMNS: Final = ColumnSet((), Openness.CLOSED)
ANY_COLUMNS: Final = ColumnSet((), Openness.OPEN)


def merge_columns(sets: Sequence[ColumnSet]) -> ColumnSet:
    """Return the columns that rows may have after branches meet: those of any branch.

    How the service merges rows is unknown, so nothing more is certain.
    """
    first, *others = dict(zip(map(id, sets), sets, strict=True)).values()
    if not others:
        return first
    sets = [first, *others]
    shared = 0
    for layers in zip(*(each.layers for each in sets), strict=False):
        if any(layer is not layers[0] for layer in layers):
            break
        shared += 1
    prefix = first.layers[:shared]
    entries: dict[str, list[KnownColumn | None]] = {}
    for each in sets:
        for name, entry in _flatten(each.layers[shared:]).items():
            entries.setdefault(name, []).append(entry)
    layer = {}
    for name, found in entries.items():
        if len(found) < len(sets):  # some branch left it as it was
            found.insert(0, _look_up(prefix, name))
        layer[name] = _merge_entries([entry for entry in found if entry is not None])
    openness = max(each.openness for each in sets)
    if layer:
        return ColumnSet(_grow(prefix, layer), openness)
    return first if first.openness is openness else ColumnSet(first.layers, openness)


def _merge_entries(found: Sequence[KnownColumn]) -> KnownColumn | None:
    if not found:
        return None
    first = found[0]
    is_one = all(column.type == first.type for column in found)
    return first if is_one else first._replace(type=None)


def _look_up(layers: Sequence[Layer], name: str) -> KnownColumn | None:
    for layer in reversed(layers):
        if name in layer:
            return layer[name]
    return None


def _flatten(layers: Sequence[Layer]) -> Layer:
    if len(layers) == 1:
        return layers[0]
    folded: dict[str, KnownColumn | None] = {}
    for layer in layers:
        folded.update(layer)
    return folded


def _grow(layers: Sequence[Layer], layer: Layer) -> Sequence[Layer]:
    """Add a layer, merged with those that are smaller or as large."""
    kept = len(layers)
    while kept and len(layers[kept - 1]) <= len(layer):
        kept -= 1
        layer = {**layers[kept], **layer}
    if not kept and None in layer.values():
        layer = {name: column for name, column in layer.items() if column is not None}
    return (*layers[:kept], layer)


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


_LATER: Final = frozenset({Value, Hidden})


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
    definition: Definition, reads: Iterable[tuple[int, str]]
) -> Mapping[tuple[int, str], int]:
    """Return the next block that adds a column, for reads of it that come before.

    Args:
        reads: Positions of blocks, with the column that each reads.
    """
    reading: dict[str, list[int]] = {}
    for position, name in reads:
        reading.setdefault(name, []).append(position)
    facts, topology = column_flow(definition).facts, definition.topology
    producers: dict[tuple[int, str], int] = {}
    for name in [*reading][:MOST_NAMES]:
        adding = {
            at
            for at, fact in enumerate(facts)
            if any(column.name == name for column in fact.adds)
        }
        if not adding:
            continue
        ahead: dict[int, int] = {}
        for position in reversed(topology.order):
            for child in topology.children[position]:
                producer = child if child in adding else ahead.get(child)
                if producer is not None:
                    ahead[position] = producer
        for position in reading[name]:
            if position in ahead:
                producers[position, name] = ahead[position]
    return producers


MOST_NAMES: Final = 32
"""Missing columns that later blocks are searched for."""
