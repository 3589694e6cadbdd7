"""Find the changes between two definitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import Factory, frozen

from ..definition import Definition, Edge, canonical_id, split_stamp
from ._changes import (
    BlockAdded,
    BlockMoved,
    BlockRef,
    BlockRemoved,
    BlockRenamed,
    Change,
    DescriptionChanged,
    EdgeAdded,
    EdgeRef,
    EdgeRemoved,
    KindChanged,
    TitleChanged,
)
from ._fields import Comparer
from ._matching import Matching, MatchSide, match_blocks
from ._moves import find_late_blocks
from ._reading import Reading
from ._redaction import SideSecrets, Written

Joint: TypeAlias = tuple[str, str, str | None]
"""An edge as it is compared: both ids and the condition, as in a fingerprint."""


def diff(
    before: Definition,
    after: Definition,
    *,
    bound: bool = False,
    managed: Mapping[str, frozenset[str]] | None = None,
    written: Written = (),
) -> Iterator[Change]:
    """Yield the changes between two definitions; none if their fingerprints are equal.

    Order, numbers, labels and stamps do not count.

    Args:
        before: The definition before the changes.
        after: The definition with the changes.
        bound: Compare secrets that were filled in by their text, as the service has
            them. By default they are compared by name, as in `fingerprint`.
        managed: For each block id the top-level fields that code sets, or set last
            time. Other fields that differ come as `Unmanaged`. By default code manages
            all fields.
        written: The sides that are code or JSON: `"before"`, `"after"` or both. There a
            text in the place of a secret is shown. On a live side it is hidden, since
            it may be the secret.
    """
    reading = Reading(bound)
    then, now = SideSecrets.pair(before, after, written)
    sides = Sides.of(before, after, reading)
    yield from _compare_texts(before, after, now)
    comparer = Comparer(reading, then, now)
    ours = _index_fields(managed)
    for one, other in sorted(sides.matching.pairs.items(), key=lambda pair: pair[1]):
        old, new = before.blocks[one], after.blocks[other]
        has_new_id = sides.old.ids[one] != sides.new.ids[other]
        is_other_kind = old.kind != new.kind
        specs = old.specs, new.specs
        is_same = specs[0] is specs[1] or reading.same(*specs)
        if is_same and not has_new_id and not is_other_kind:
            continue
        block = sides.now(other)
        if has_new_id:
            yield BlockRenamed(block, sides.then(one))
        if is_other_kind:
            yield KindChanged(block, old.kind, new.kind)
        # A block that becomes another keeps nothing that is not managed.
        names = None
        if ours is not None and not is_other_kind:
            names = _managed_names(ours, old.id, new.id)
        yield from comparer.of_block(block, *specs, names)
    for one in sides.matching.removed:
        wire = then.hide_block(before.blocks[one])
        yield BlockRemoved(sides.then(one), wire)
    for other in sides.matching.added:
        wire = now.hide_block(after.blocks[other])
        yield BlockAdded(sides.now(other), wire)
    yield from _compare_edges(sides)


@frozen
class Sides:
    """Two definitions with matched blocks.

    Attributes:
        before: The definition before the changes.
        after: The definition with the changes.
        matching: The pairs of blocks.
        partners: Position before by position now.
        old: The index of the blocks before.
        new: The index of the blocks now.
        refs: The names of blocks now, filled when they are needed.
    """

    before: Definition
    after: Definition
    matching: Matching
    partners: Mapping[int, int]
    old: MatchSide
    new: MatchSide
    refs: dict[int, BlockRef] = Factory(dict)

    @classmethod
    def of(cls, before: Definition, after: Definition, reading: Reading) -> Sides:
        """Match the blocks of two definitions."""
        old, new = MatchSide(before, reading), MatchSide(after, reading)
        found = match_blocks(old, new)
        partners = {other: one for one, other in found.pairs.items()}
        return cls(before, after, found, partners, old, new)

    def then(self, at: int) -> BlockRef:
        """Return the block at a position before."""
        block = self.before.blocks[at]
        return BlockRef(block.id, block.kind, self.old.path(at))

    def now(self, at: int) -> BlockRef:
        """Return the block at a position now. Without a key now, it has its old one."""
        if at not in self.refs:
            block = self.after.blocks[at]
            path = self.new.path(at)
            if path is None and at in self.partners:
                path = self.old.path(self.partners[at])
            self.refs[at] = BlockRef(block.id, block.kind, path)
        return self.refs[at]

    def map_ids(self) -> Mapping[str, str]:
        """Return the new id by the old id, for blocks with other ids."""
        old, new = self.old.ids, self.new.ids
        return {
            old[one]: new[other]
            for one, other in self.matching.pairs.items()
            if old[one] != new[other]
        }


def _compare_texts(
    before: Definition, after: Definition, secrets: SideSecrets
) -> Iterator[Change]:
    if before.name != after.name:
        yield TitleChanged(secrets.hide(before.name), secrets.hide(after.name))
    old, _ = split_stamp(before.description)
    new, _ = split_stamp(after.description)
    if old != new:
        yield DescriptionChanged(secrets.hide(old), secrets.hide(new))


def _index_fields(
    managed: Mapping[str, frozenset[str]] | None,
) -> Mapping[str, frozenset[str]] | None:
    if managed is None:
        return None
    return {canonical_id(block_id): names for block_id, names in managed.items()}


def _managed_names(managed: Mapping[str, frozenset[str]], *ids: str) -> frozenset[str]:
    """Return the fields that code manages in a block, under its old and new id."""
    found = [managed.get(canonical_id(block_id), _NONE) for block_id in ids]
    return _NONE.union(*found)


_NONE: Final = frozenset[str]()


# -- Edges -----------------------------------------------------------------------------


def joints(
    edges: Iterable[Edge], renamed: Mapping[str, str]
) -> Iterator[tuple[Edge, Joint]]:
    """Yield each edge with its joint, under the ids of now.

    Args:
        edges: The edges of a definition.
        renamed: The new id by the old id.
    """
    ends = _Ends(renamed)
    for edge in edges:
        yield edge, (ends[edge.source], ends[edge.target], edge.condition)


def _collect_joints(edges: Sequence[Edge], renamed: Mapping[str, str]) -> set[Joint]:
    """Return the joints of edges."""
    return {joint for _, joint in joints(edges, renamed)}


class _Ends(dict[str, str]):
    """The new id of each end, filled when it is first needed."""

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self.renamed = renamed

    def __missing__(self, end: str) -> str:
        block_id = canonical_id(end)
        self[end] = found = self.renamed.get(block_id, block_id)
        return found


def _compare_edges(sides: Sides) -> Iterator[Change]:
    """Yield the blocks that moved, then all other edges that were removed or added."""
    old = _collect_joints(sides.before.edges, sides.map_ids())
    new = _collect_joints(sides.after.edges, {})
    if old == new:
        return
    refs = _Refs.of(sides)
    gone = refs.sorted(old - new)
    come = refs.sorted(new - old)
    seen: set[Joint] = set()
    for change in _find_moves(sides, refs, gone, come):
        seen.update(map(joint_of, (*change.removed, *change.added)))
        yield change
    yield from (EdgeRemoved(refs.edge(joint)) for joint in gone if joint not in seen)
    yield from (EdgeAdded(refs.edge(joint)) for joint in come if joint not in seen)


def _find_moves(
    sides: Sides, refs: _Refs, gone: Sequence[Joint], come: Sequence[Joint]
) -> Iterator[BlockMoved]:
    """Yield the blocks that moved, each with the edges that no other one has shown.

    A block that moved together with all blocks that feed it is not shown.
    """
    before, after, pairs = sides.before, sides.after, sides.matching.pairs
    late = find_late_blocks(before.topology, after.topology, pairs)
    if not late:
        return
    removed, added = _group_by_end(gone), _group_by_end(come)
    seen: set[Joint] = set()
    for at in sorted(late):
        feeding = before.topology.parents[sides.partners[at]]
        fed_by = after.topology.parents[at]
        if {pairs.get(one) for one in feeding} == {*fed_by}:
            continue
        block_id = sides.new.ids[at]
        mine = [
            [joint for joint in edges.get(block_id, ()) if joint not in seen]
            for edges in (removed, added)
        ]
        seen.update(*mine)
        yield BlockMoved(
            sides.now(at),
            tuple(sides.then(parent) for parent in feeding),
            tuple(sides.now(parent) for parent in fed_by),
            *(tuple(map(refs.edge, joints)) for joints in mine),
        )


def _group_by_end(edges: Iterable[Joint]) -> Mapping[str, Sequence[Joint]]:
    found: dict[str, list[Joint]] = {}
    for joint in edges:
        for end in {*joint[:2]}:
            found.setdefault(end, []).append(joint)
    return found


def joint_of(edge: EdgeRef) -> Joint:
    """Return the joint of an edge in a change."""
    return canonical_id(edge.source.id), canonical_id(edge.target.id), edge.condition


@frozen
class _Refs:
    """The names of blocks, and their order.

    Attributes:
        refs: The blocks by id, in the order of the changes of edges.
        ranks: The positions in that order by id.
    """

    refs: Mapping[str, BlockRef]
    ranks: Mapping[str, int]

    @classmethod
    def of(cls, sides: Sides) -> _Refs:
        """Index the blocks of both sides."""
        refs: dict[str, BlockRef] = {}
        for at, block in enumerate(sides.after.blocks):
            refs.setdefault(canonical_id(block.id), sides.now(at))
        for at in sides.matching.removed:
            block_id = canonical_id(sides.before.blocks[at].id)
            refs.setdefault(block_id, sides.then(at))
        return cls(refs, {block_id: rank for rank, block_id in enumerate(refs)})

    def sorted(self, edges: Iterable[Joint]) -> Sequence[Joint]:
        """Sort edges by their blocks. Edges that lead nowhere come last."""
        ranks, last = self.ranks, len(self.ranks)
        # One number for both ends compares several times faster than a pair.
        ordered = sorted(
            (
                ranks.get(source, last) * (last + 1) + ranks.get(target, last),
                source,
                target,
                condition is not None,
                condition or "",
            )
            for source, target, condition in edges
        )
        return [
            (source, target, condition if is_conditional else None)
            for _, source, target, is_conditional, condition in ordered
        ]

    def edge(self, joint: Joint) -> EdgeRef:
        """Return an edge with the names of its blocks."""
        source, target, condition = joint
        refs = self.refs
        ends = refs.get(source), refs.get(target)
        return EdgeRef(
            BlockRef(source) if ends[0] is None else ends[0],
            BlockRef(target) if ends[1] is None else ends[1],
            condition,
        )
