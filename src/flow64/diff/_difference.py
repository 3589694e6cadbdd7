"""What differs between two definitions, in words: one line for each field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..definition import BoundSecret, Definition, WireBlock, thaw, walk
from ..dsl import UNSET
from ..errors import shortened
from ..redaction import redact_keys


def differences(before: Definition, after: Definition) -> Iterator[str]:
    """Title, description, blocks, fields and edges that are not the same.

    Whatever in them looks like a key is masked.

    Args:
        before: What was there.
        after: What is there instead.
    """
    return map(redact_keys, _differences(before, after))


def _differences(before: Definition, after: Definition) -> Iterator[str]:
    for what in ("name", "description"):
        old, new = getattr(before, what), getattr(after, what)
        if old != new:
            yield f"{what}: {shortened(old)} became {shortened(new)}"
    blocks = {block.id: block for block in after.blocks}
    known = {block.id for block in before.blocks}
    for position, block in enumerate(before.blocks):
        if block.id not in blocks:
            yield f"block {_called(before, position)} is gone"
        else:
            yield from _fields(_called(before, position), block, blocks[block.id])
    for position, block in enumerate(after.blocks):
        if block.id not in known:
            yield f"block {_called(after, position)} is new"
    joined = {(edge.source, edge.target, edge.condition) for edge in before.edges}
    joins = {(edge.source, edge.target, edge.condition) for edge in after.edges}
    names = _names(before) | _names(after)
    for word, edges in (("gone", joined - joins), ("new", joins - joined)):
        for source, target, _ in sorted(edges, key=str):
            ends = f"{names.get(source, source)} >> {names.get(target, target)}"
            yield f"edge {ends} is {word}"


def _fields(called: str, before: WireBlock, after: WireBlock) -> Iterator[str]:
    if before.kind != after.kind:
        yield f"block {called}: kind {before.kind!r} became {after.kind!r}"
    for name in {**before.specs, **after.specs}:
        old, new = before.specs.get(name, UNSET), after.specs.get(name, UNSET)
        if thaw(old, _content) == thaw(new, _content):
            continue
        if any(
            type(part) is BoundSecret for side in (old, new) for _, part in walk(side)
        ):
            yield f"{called}.{name}: a secret value is another"
        elif new is UNSET:
            yield f"{called}.{name}: {shortened(old)} is gone"
        elif old is UNSET:
            yield f"{called}.{name}: {shortened(new)} is new"
        else:
            yield f"{called}.{name}: {shortened(old)} became {shortened(new)}"


def _content(value: Any) -> Any:
    """What the service has where a secret was filled in."""
    return thaw(value.content) if type(value) is BoundSecret else value


def _called(definition: Definition, position: int) -> str:
    block = definition.blocks[position]
    return definition.origins.path(position) or f"{block.kind} ({block.id[:8]})"


def _names(definition: Definition) -> dict[str, str]:
    return {
        block.id: _called(definition, position)
        for position, block in enumerate(definition.blocks)
    }
