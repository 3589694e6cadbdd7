"""Renames: orphans to compare with new workflows, and blocks that lose their id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..definition import Definition, Tag, canonical_id, drop_env, id_of, path_of
from ..plan import NamedDefinition, Rename, Step, Target, find_renames
from ._drift import keep_fields


def find_renamed_steps(
    created: Iterable[Step], orphans: Iterable[Step]
) -> Sequence[Rename]:
    """Find steps of new workflows and of orphans that may be one workflow.

    Args:
        created: Steps of new workflows.
        orphans: Steps of workflows that are no longer in the code.
    """
    return find_renames(
        (
            NamedDefinition(step.key, step.path, step.target.definition)
            for step in created
            if step.target is not None
        ),
        (
            NamedDefinition(step.key, step.path, _managed_part(step.live.definition))
            for step in orphans
            if step.live is not None
        ),
    )


def _managed_part(live: Definition) -> Definition:
    """Return a live definition without the fields that code did not set."""
    stamp = live.stamp
    if stamp is None or stamp.fields is None:
        return live
    fields = {b.id.lower(): stamp.fields_of(b.id) or frozenset() for b in live.blocks}
    return keep_fields(live, fields)


# -- Blocks ----------------------------------------------------------------------------


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
    above = drop_env(target.stamp.path)
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
