"""Redact two definitions for a picture of both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

from attrs import evolve

from ...definition import (
    EMPTY,
    Definition,
    WireBlock,
    canonical_id,
    name_secrets,
)
from ...diff import SideSecrets, mask_hidden, put_secrets_in

Fields: TypeAlias = Mapping[str, Collection[str]]
"""Names of top-level fields by the id of their block, in lower case."""

_NONE: Final[tuple[Fields, Fields]] = (EMPTY, EMPTY)


def fields_of(definition: Definition) -> Fields:
    """Return all spec fields of a definition, as of one that is code or JSON."""
    return {canonical_id(block.id): block.specs.keys() for block in definition.blocks}


def redact_pair(
    before: Definition, after: Definition, *, written: tuple[Fields, Fields] = _NONE
) -> tuple[Definition, Definition]:
    """Return both definitions without what either says is secret.

    A secret that was filled in is named as in code. So is what is live in the place of
    a secret of the other side.

    Args:
        before: One side.
        after: The other side.
        written: The fields of each that are code or JSON, and are shown as they are.
    """
    secrets = SideSecrets.of(before, after)
    old, new = ({canonical_id(b.id): b for b in d.blocks} for d in (before, after))
    then, now = written
    return _redact(before, new, secrets, then), _redact(after, old, secrets, now)


def _redact(
    definition: Definition,
    others: dict[str, WireBlock],
    secrets: SideSecrets,
    written: Fields,
) -> Definition:
    blocks: list[WireBlock] = []
    for block in definition.blocks:
        specs: Any = secrets.hide_block(block).specs
        other = others.get(canonical_id(block.id))
        if other is not None:
            ours = written.get(canonical_id(block.id), ())
            named = {
                name: put_secrets_in(item, other.specs.get(name))
                for name, item in specs.items()
                if name not in ours
            }
            specs = type(specs)({**specs, **named})
        blocks.append(block._replace(specs=name_secrets(mask_hidden(specs))))
    return evolve(definition, blocks=tuple(blocks))
