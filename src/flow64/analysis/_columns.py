"""Sets of columns. They share layers, so that a copy costs little."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from attrs import frozen

from ..blocks import Confidence


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
