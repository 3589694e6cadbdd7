"""Blocks with a `was=` or a pin that names no live block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..definition import Definition, Tag, canonical_id, id_of, path_of
from ..plan import Target


def describe_lost_renames(target: Target, live: Definition) -> Iterator[str]:
    """Describe the blocks that should keep the id of a live block, and do not.

    These are blocks that are not live and have an id other than that of their key.

    Args:
        target: The wanted workflow.
        live: What the service has.
    """
    code = target.definition
    there = {canonical_id(block.id) for block in live.blocks}
    gone = there - {canonical_id(block.id) for block in code.blocks}
    above = "/".join(
        segment
        for segment in target.stamp.path.split("/")
        if not segment.startswith(_NOT_OF_BLOCKS)
    )
    for position, block in enumerate(code.blocks):
        origin = code.origins[position]
        if canonical_id(block.id) in there or not (origin.key and origin.path):
            continue
        scopes = origin.path.split("/")[:-1]
        own = _id_by(above, scopes, origin.key)
        if "/" in origin.key or own == canonical_id(block.id):
            continue
        is_near = _id_by(above, scopes, block.kind) in gone  # by its default key
        meant = f'; did you mean was="{block.kind}"?' if is_near else ""
        yield (
            f"block {origin.path} was to keep the id of another, and its was= or its "
            f"pin names none that is there{meant}"
        )


def _id_by(above: str, scopes: Sequence[str], key: str) -> str:
    """Return the id of a block with a key inside of some scopes."""
    segments: list[tuple[Tag, str]] = [("scope", name) for name in scopes]
    return id_of(f"{above}/{path_of([*segments, ('block', key)])}")


_NOT_OF_BLOCKS: Final = ("env:", "pin:")
"""Segments of a workflow's path that the paths of its blocks leave out."""
