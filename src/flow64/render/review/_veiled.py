"""Two definitions as a picture may show them: no text of a secret is in either."""

from __future__ import annotations

from typing import Any, cast

from attrs import evolve

from ...analysis.changes._veil import Veil, concealed, masked
from ...definition import (
    BoundSecret,
    Definition,
    FrozenDict,
    FrozenList,
    WireBlock,
    canonical_id,
)


def veiled_pair(before: Definition, after: Definition) -> tuple[Definition, Definition]:
    """Both definitions without what either says is secret.

    Secrets that were filled in are named as they are in code, and what stands in the
    place of one on the other side is named so too.
    """
    veil = Veil.of(before, after)
    old, new = ({canonical_id(b.id): b for b in d.blocks} for d in (before, after))
    return (_veiled(before, new, veil), _veiled(after, old, veil))


def _veiled(
    definition: Definition, others: dict[str, WireBlock], veil: Veil
) -> Definition:
    blocks: list[WireBlock] = []
    for block in definition.blocks:
        specs: Any = veil.over_block(block).specs
        other = others.get(canonical_id(block.id))
        if other is not None:
            specs = concealed(specs, other.specs)
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
