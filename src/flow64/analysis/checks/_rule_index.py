"""Which advice to ask for: that of the rules that can speak of such a definition.

A rule says above its name of which shapes it can speak. That is looked up once for a
shape, so that a fleet, whose many workflows differ in their texts alone, does not call
rules that have nothing to say about any of them. A law holds that nothing is missed.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from ...definition import Definition, FrozenList
from ._advice import ADVICE
from ._rule import Family_, can_speak

LARGEST: Final = 64
"""Blocks of the largest definition whose shape is remembered; few are larger."""

_MOST: Final = 512
_known: Final[dict[Hashable, Sequence[Family_]]] = {}


def asked_of(definition: Definition) -> Sequence[Family_]:
    """The rules of `ADVICE` that can speak of a definition, by family, in order."""
    if len(definition.blocks) > LARGEST:
        return _able(definition)
    shape = shape_of(definition)
    found = _known.get(shape)
    if found is None:
        found = _able(definition)
        if len(_known) >= _MOST:
            _known.clear()
        _known[shape] = found
    return found


def shape_of(definition: Definition) -> Hashable:
    """Kinds, edges, names of specs and types of their values; all that tests look at.

    Of a list also the types of its items, and nothing of what stands deeper; of edges
    whether they were made by lowering, which says the same of blocks.
    """
    topology = definition.topology
    shape: list[Hashable] = [type(definition.edges)]
    for _, kind, specs, _, _, _ in definition.blocks:
        types = tuple(map(type, specs.values()))
        shape.append((kind, *specs, *types))
        if FrozenList in types:
            lists = (item for item in specs.values() if type(item) is FrozenList)
            shape += [frozenset(map(type, items)) for items in lists]
    return (*shape, None, *topology.sources, None, *topology.targets)


def _able(definition: Definition) -> Sequence[Family_]:
    return [
        (family, [rule for rule in rules if can_speak(rule, definition)])
        for family, rules in ADVICE
    ]
