"""Two definitions as a picture may show them: no text of a secret is in either."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias, cast

from attrs import evolve

from ...definition import (
    EMPTY,
    BoundSecret,
    Definition,
    FrozenDict,
    FrozenList,
    WireBlock,
    canonical_id,
)
from ...diff import Veil, concealed, masked

Fields: TypeAlias = Mapping[str, Collection[str]]
"""Names of top-level fields by the id of their block, in lower case."""

_NONE: Final[tuple[Fields, Fields]] = (EMPTY, EMPTY)


def fields_of(definition: Definition) -> Fields:
    """The fields that are written in a definition: all of one that is code or JSON."""
    return {canonical_id(block.id): block.specs.keys() for block in definition.blocks}


def veiled_pair(
    before: Definition, after: Definition, *, written: tuple[Fields, Fields] = _NONE
) -> tuple[Definition, Definition]:
    """Both definitions without what either says is secret.

    Secrets that were filled in are named as they are in code, and what is live in the
    place of one on the other side is named so too.

    Args:
        before: The one side.
        after: The other side.
        written: The fields of each that are code or JSON, and so are shown as they are.
    """
    veil = Veil.of(before, after)
    old, new = ({canonical_id(b.id): b for b in d.blocks} for d in (before, after))
    then, now = written
    return _veiled(before, new, veil, then), _veiled(after, old, veil, now)


def _veiled(
    definition: Definition, others: dict[str, WireBlock], veil: Veil, written: Fields
) -> Definition:
    blocks: list[WireBlock] = []
    for block in definition.blocks:
        specs: Any = veil.over_block(block).specs
        other = others.get(canonical_id(block.id))
        if other is not None:
            ours = written.get(canonical_id(block.id), ())
            hidden = concealed(specs, other.specs)
            specs = {
                name: specs[name] if name in ours else hidden[name] for name in specs
            }
        blocks.append(block._replace(specs=_unbound(masked(specs))))
    return evolve(definition, blocks=tuple(blocks))


def _unbound(value: Any) -> Any:
    """A value in which secrets are names."""
    if type(value) is BoundSecret:
        return value.value
    if isinstance(value, dict):
        members = cast(dict[str, Any], value).items()
        return FrozenDict({key: _unbound(item) for key, item in members})
    if isinstance(value, list):
        items: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - of anything
        return FrozenList([_unbound(item) for item in items])
    return value
