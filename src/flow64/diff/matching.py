"""Which block of one definition is which block of another."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from attrs import Factory, frozen

from ..definition import Definition, Topology, canonical_id

Groups: TypeAlias = dict[Hashable, list[int]]
"""Positions of blocks by what they have in common, in order."""

Mark: TypeAlias = Callable[[Definition, int], Hashable]
"""Returns what identifies a block, or None."""


def match_blocks(before: Definition, after: Definition) -> Mapping[int, int]:
    """Return the position after by the position before, of blocks that are the same.

    Blocks are the same by id, by key path, by content, by their neighbours, and at last
    by kind. Each step takes time in proportion to blocks and edges.
    """
    search = _Search(before, after)
    search.pair_in_order(_mark_id)
    search.pair_unique(_mark_path)
    search.follow_edges()
    search.pair_unique(_mark_content)
    search.follow_edges()
    search.pair_in_order(_mark_content, only_as_many=True)
    search.follow_edges()
    search.pair_in_order(_mark_kind, only_as_many=True)
    search.pair_in_order(_mark_content)
    search.follow_edges()
    return search.pairs


def _mark_id(definition: Definition, at: int) -> Hashable:
    return canonical_id(definition.blocks[at].id)


def _mark_path(definition: Definition, at: int) -> Hashable:
    return definition.origins.path(at)


def _mark_content(definition: Definition, at: int) -> Hashable:
    block = definition.blocks[at]
    return block.kind, repr(sorted(block.specs.items()))


def _mark_kind(definition: Definition, at: int) -> Hashable:
    return definition.blocks[at].kind


@frozen
class _Search:
    """A search for partners.

    Attributes:
        pairs: Position after by position before.
        taken: Positions after that have a partner.
        todo: Pairs with neighbours that were not looked at yet.
    """

    before: Definition
    after: Definition
    pairs: dict[int, int] = Factory(dict[int, int])
    taken: set[int] = Factory(set[int])
    todo: list[tuple[int, int]] = Factory(list[tuple[int, int]])

    def pair_unique(self, mark: Mark) -> None:
        """Pair the blocks that alone have something, on each side."""
        ours, theirs = self._group(mark)
        for key, olds in ours.items():
            news = theirs.get(key, [])
            if len(olds) == len(news) == 1:
                self._join(olds[0], news[0])

    def pair_in_order(self, mark: Mark, *, only_as_many: bool = False) -> None:
        """Pair the blocks that have the same, in the order of the flow."""
        ours, theirs = self._group(mark)
        for key, olds in ours.items():
            news = theirs.get(key, [])
            if len(olds) == len(news) or not only_as_many:
                for old, new in zip(olds, news, strict=False):
                    self._join(old, new)

    def follow_edges(self) -> None:
        """Pair the only free neighbours of a kind, of blocks that are the same."""
        ways = [
            (self.before.topology.parents, self.after.topology.parents),
            (self.before.topology.children, self.after.topology.children),
        ]
        while self.todo and len(self.pairs) < len(self.before.blocks):
            pair = self.todo.pop()
            for ours, theirs in ways:
                free = (at for at in ours[pair[0]] if at not in self.pairs)
                olds = _group(free, lambda at: self.before.blocks[at].kind)
                free = (at for at in theirs[pair[1]] if at not in self.taken)
                news = _group(free, lambda at: self.after.blocks[at].kind)
                for kind, ours_of_kind in olds.items():
                    others = news.get(kind, [])
                    if len(ours_of_kind) == len(others) == 1:
                        self._join(ours_of_kind[0], others[0])

    def _group(self, mark: Mark) -> tuple[Groups, Groups]:
        olds = (at for at in self.before.topology.order if at not in self.pairs)
        news = (at for at in self.after.topology.order if at not in self.taken)
        return (
            _group(olds, lambda at: mark(self.before, at)),
            _group(news, lambda at: mark(self.after, at)),
        )

    def _join(self, old: int, new: int) -> None:
        self.pairs[old] = new
        self.taken.add(new)
        self.todo.append((old, new))


def _group(positions: Iterable[int], mark: Callable[[int], Hashable]) -> Groups:
    groups: Groups = {}
    for at in positions:
        groups.setdefault(mark(at), []).append(at)
    groups.pop(None, None)
    return groups


# -- Moves -----------------------------------------------------------------------------


def find_moved_blocks(
    before: Topology, after: Topology, pairs: Mapping[int, int]
) -> set[int]:
    """Return the positions after of blocks that came before others and now come after.

    Only edges count. Both flows are put in an order, each as near to that of the other
    as its edges allow. The result is the fewest blocks that break the order.
    """
    place = {at: rank for rank, at in enumerate(after.order)}
    old_order = _order_by_rank(before, {old: place[new] for old, new in pairs.items()})
    ranks = {pairs[at]: rank for rank, at in enumerate(old_order) if at in pairs}
    order = [at for at in _order_by_rank(after, ranks) if at in ranks]
    rising = find_longest_rise([ranks[at] for at in order])
    return {at for at in order if ranks[at] not in rising}


def _order_by_rank(topology: Topology, ranks: Mapping[int, int]) -> Iterator[int]:
    """Yield a topological order, by rank if edges leave a choice, without cycles."""
    waiting = [len(parents) for parents in topology.parents]
    ready = [(ranks.get(at, -1), at) for at, count in enumerate(waiting) if not count]
    heapify(ready)
    while ready:
        _, at = heappop(ready)
        yield at
        for child in topology.children[at]:
            waiting[child] -= 1
            if not waiting[child]:
                heappush(ready, (ranks.get(child, -1), child))


def find_longest_rise(numbers: Sequence[int]) -> set[int]:
    """Return the most of some distinct numbers that rise in their order."""
    ends: list[int] = []  # the last number of the best run of each length
    previous: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        previous[number] = ends[at - 1] if at else None
        ends[at : at + 1] = [number]
    rise: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        rise.add(last)
        last = previous[last]
    return rise
