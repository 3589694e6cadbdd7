"""Match the blocks of two definitions: by id, by key, and by kind and content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

from attrs import Factory, frozen

from ..definition import Definition, canonical_id
from ._reading import Reading

_Key = TypeVar("_Key", bound=Hashable)
BlockPairs: TypeAlias = Iterator[tuple[int, int]]
"""Positions before and now, of blocks or of items in a list."""

Groups: TypeAlias = dict[Any, list[int]]
"""Positions by a common feature, in order."""


@frozen
class Matching:
    """BlockPairs of blocks by position, and blocks without a partner.

    Attributes:
        pairs: Position now by position before.
        removed: Positions before of blocks that are gone.
        added: Positions now of blocks that are new.
    """

    pairs: dict[int, int]
    removed: Sequence[int]
    added: Sequence[int]


@frozen(eq=False)
class MatchSide:
    """The blocks of one definition, indexed for matching.

    Attributes:
        definition: The definition.
        reading: Says when two contents are the same.
        free: Positions of the blocks without a partner.
        paths: Key paths by position, filled when they are needed: each takes time.
        texts: Contents by position, filled when they are needed.
    """

    definition: Definition
    reading: Reading
    free: set[int] = Factory(set)
    paths: dict[int, str | None] = Factory(dict)
    texts: dict[int, str] = Factory(dict)

    def path(self, at: int) -> str | None:
        """Return the key path of a block, if it is known."""
        if at not in self.paths:
            self.paths[at] = self.definition.origins.path(at)
        return self.paths[at]

    @cached_property
    def ids(self) -> Sequence[str]:
        """The ids of the blocks, as they are compared."""
        return [canonical_id(block.id) for block in self.definition.blocks]

    @cached_property
    def depths(self) -> Sequence[int]:
        """The number of blocks before each one, on its longest path."""
        topology = self.definition.topology
        found = [0] * topology.count
        for at in topology.order:
            for child in topology.children[at]:
                found[child] = max(found[child], found[at] + 1)
        return found

    def kind(self, at: int) -> str:
        """Return the kind of a block."""
        return self.definition.blocks[at].kind

    def list_in_flow(self) -> list[int]:
        """Return the free blocks in the order of the flow."""
        return sorted(self.free, key=lambda at: (self.depths[at], at))

    def group_by_key(self) -> Groups:
        """Group the free blocks with a key by key path."""
        found = group_positions((self.path(at), at) for at in sorted(self.free))
        found.pop(None, None)
        return found

    def group_by_kind(self) -> Groups:
        """Group the free blocks by kind."""
        return group_positions((self.kind(at), at) for at in self.list_in_flow())

    def group_by_content(self, *, at_depth: bool = False) -> Groups:
        """Group the free blocks by kind and content, and by depth if wanted."""
        return group_positions(
            ((self.kind(at), self.text(at), self.depths[at] if at_depth else 0), at)
            for at in self.list_in_flow()
        )

    def text(self, at: int) -> str:
        """Return the content of a block as text."""
        if at not in self.texts:
            specs = self.definition.blocks[at].specs
            self.texts[at] = self.reading.content(specs)
        return self.texts[at]

    def group_by_field(self) -> Groups:
        """Group the free blocks by each field, and by each name inside of a field."""
        return group_positions(
            ((self.kind(at), *field), at)
            for at in sorted(self.free)
            for field in self._fields(at)
        )

    def _fields(self, at: int) -> Iterator[tuple[str, ...]]:
        for name, value in self.definition.blocks[at].specs.items():
            yield "value", name, self.reading.content(value)
            if isinstance(value, dict):
                for inner in value:
                    yield "member", name, inner

    def group_by_twin(self, twins: frozenset[str]) -> Groups:
        """Group the blocks with a repeated id by id, kind and content."""
        specs = [block.specs for block in self.definition.blocks]
        return group_positions(
            ((block_id, self.kind(at), self.reading.canonical(specs[at])), at)
            for at, block_id in enumerate(self.ids)
            if block_id in twins
        )


def match_blocks(before: MatchSide, after: MatchSide) -> Matching:
    """Match the blocks of two definitions. Each has at most one partner."""
    old, new = before.ids, after.ids
    index = {block_id: at for at, block_id in enumerate(new)}
    is_plain = len(index) == len(new) and len(set(old)) == len(old)
    twins = (
        frozenset[str]() if is_plain else _find_duplicates(old) | _find_duplicates(new)
    )
    pairs = {
        at: index[block_id]
        for at, block_id in enumerate(old)
        if block_id in index and block_id not in twins
    }
    if twins:
        pairs.update(
            pair_in_order(before.group_by_twin(twins), after.group_by_twin(twins))
        )
    taken = set(pairs.values())
    gone = [at for at in range(len(old)) if at not in pairs]
    come = [at for at in range(len(new)) if at not in taken]
    # A block with a repeated id is not renamed: the id does not identify it.
    before.free.update(at for at in gone if old[at] not in twins)
    after.free.update(at for at in come if new[at] not in twins)
    if before.free and after.free:
        _PartnerSearch(before, after, pairs).run()
        taken = set(pairs.values())
    return Matching(
        pairs,
        [at for at in gone if at not in pairs],
        [at for at in come if at not in taken],
    )


def _find_duplicates(ids: Sequence[str]) -> frozenset[str]:
    return frozenset(block_id for block_id, n in Counter(ids).items() if n > 1)


@frozen(eq=False)
class _PartnerSearch:
    """A search for partners of blocks with other ids.

    Attributes:
        before: The blocks before.
        after: The blocks now.
        pairs: The known pairs. The search adds to them.
    """

    before: MatchSide
    after: MatchSide
    pairs: dict[int, int]

    def run(self) -> None:
        """Search by one feature after the other, and after each along the edges."""
        before, after = self.before, self.after
        self._join(pair_unique(before.group_by_key(), after.group_by_key()))
        # All pairs once. Later, the neighbours of each new pair are compared.
        self._spread(list(self.pairs.items()))
        self._leave_strangers()
        for found in self._compare_features():
            self._spread(self._join(found))
            if not before.free or not after.free:
                return

    def _compare_features(self) -> Iterator[BlockPairs]:
        """Yield pairs with a common feature, the surest feature first.

        Each is computed when the pairs before it are made.
        """
        before, after = self.before, self.after
        # A kind and content that each side has once.
        yield pair_unique(before.group_by_content(), after.group_by_content())
        # The only blocks of a kind that are left on each side.
        pairs = pair_unique(before.group_by_kind(), after.group_by_kind())
        yield _without_other_keys(before, after, pairs)
        # A kind and content that both sides have as often, in order.
        yield pair_if_as_many(before.group_by_content(), after.group_by_content())
        # A kind and content, with as many blocks before.
        sides = [side.group_by_content(at_depth=True) for side in (before, after)]
        yield pair_in_order(*sides)
        # A kind, and fields that only these two have: the most fields first.
        votes = Counter(pair_unique(before.group_by_field(), after.group_by_field()))
        ranked = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
        yield (pair for pair, _ in ranked)
        # A kind and content, in order, until one side has no more.
        yield pair_in_order(before.group_by_content(), after.group_by_content())
        # What is left of a kind in order, if both sides have as many.
        pairs = pair_if_as_many(before.group_by_kind(), after.group_by_kind())
        yield _without_other_keys(before, after, pairs)

    def _join(self, found: BlockPairs) -> list[tuple[int, int]]:
        """Make the pairs of free blocks, and return them."""
        made: list[tuple[int, int]] = []
        for one, other in found:
            if one in self.before.free and other in self.after.free:
                self.before.free.discard(one)
                self.after.free.discard(other)
                self.pairs[one] = other
                made.append((one, other))
        return made

    def _spread(self, made: list[tuple[int, int]]) -> None:
        """Follow the edges: the only neighbours of a kind are the same block."""
        old, new = self.before.definition.topology, self.after.definition.topology
        ways = (old.parents, new.parents), (old.children, new.children)
        for one, other in made:
            if not self.before.free or not self.after.free:
                return
            for ones, others in ways:
                near = (
                    _group_neighbours(self.before, ones[one]),
                    _group_neighbours(self.after, others[other]),
                )
                made += self._join(pair_unique(*near))

    def _leave_strangers(self) -> None:
        """Drop the kinds that are left on only one side."""
        sides = self.before, self.after
        left, right = ({side.kind(at) for at in side.free} for side in sides)
        for side in sides:
            strangers = {at for at in side.free if side.kind(at) in left ^ right}
            side.free.difference_update(strangers)


def _group_neighbours(side: MatchSide, neighbours: Iterable[int]) -> Groups:
    """Group the free ones of some neighbours by kind."""
    return group_positions((side.kind(at), at) for at in neighbours if at in side.free)


def _without_other_keys(
    before: MatchSide, after: MatchSide, pairs: BlockPairs
) -> BlockPairs:
    """Leave out pairs of blocks that both have a key.

    Two blocks with other keys that have only the kind in common are not the same.
    """
    for one, other in pairs:
        if before.path(one) is None or after.path(other) is None:
            yield one, other


def group_positions(pairs: Iterable[tuple[_Key, int]]) -> dict[_Key, list[int]]:
    """Group positions by what comes with each."""
    found: dict[_Key, list[int]] = {}
    for key, at in pairs:
        found.setdefault(key, []).append(at)
    return found


def pair_unique(left: Groups, right: Groups) -> BlockPairs:
    """Pair what has the same feature, if each side has it once."""
    for key, ones in left.items():
        others = right.get(key, [])
        if len(ones) == len(others) == 1:
            yield ones[0], others[0]


def pair_if_as_many(left: Groups, right: Groups) -> BlockPairs:
    """Pair what has the same feature in order, if both sides have as many."""
    for key, ones in left.items():
        others = right.get(key, [])
        if len(ones) == len(others):
            yield from zip(ones, others, strict=True)


def pair_in_order(left: Groups, right: Groups) -> BlockPairs:
    """Pair what has the same feature in order, until one side has no more."""
    for key, ones in left.items():
        yield from zip(ones, right.get(key, ()), strict=False)
