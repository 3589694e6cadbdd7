"""The order of blocks in a layered layout: their layers, and their columns in each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final, TypeAlias

from attrs import define

Pairs: TypeAlias = Sequence[tuple[int, int]]

BESIDE: Final = 40
"""Room between two boxes of a layer."""

FRAME_SIDE: Final = 14
"""Room inside of a frame on its other sides."""

_COLUMN: Final = 8
_BESIDE_COLUMN: Final = 24
_SWEEPS: Final = 8
_ALIGNMENTS: Final = 8
_LONGEST_ROW: Final = 8


# -- Layers ----------------------------------------------------------------------------


def order_by_flow(count: int, edges: Pairs, gone: frozenset[int]) -> Sequence[int]:
    """Return the place of each block in an order that few edges go against."""
    children: list[list[tuple[int, bool]]] = [[] for _ in range(count)]
    waiting, needed = [0] * count, [0] * count
    for number, (source, target) in enumerate(edges):
        if source != target:
            is_gone = number in gone
            children[source].append((target, is_gone))
            waiting[target] += 1
            needed[target] += not is_gone
    # The first queue with a block gives the next one: blocks that wait for nothing,
    # blocks that only wait for edges that count less, and then all blocks.
    queues: tuple[list[int], list[int], list[int]] = (
        [at for at in range(count) if not waiting[at]],
        [at for at in range(count) if waiting[at] and not needed[at]],
        [*range(count)],
    )
    for queue in queues:
        heapify(queue)
    place = [-1] * count
    for number in range(count):
        at = -1
        while at < 0 or place[at] >= 0:
            at = heappop(next(queue for queue in queues if queue))
        place[at] = number
        for child, is_gone in children[at]:
            waiting[child] -= 1
            needed[child] -= not is_gone
            if place[child] < 0 and not waiting[child]:
                heappush(queues[0], child)
            elif place[child] < 0 and not needed[child]:
                heappush(queues[1], child)
    return place


def rank_blocks(
    place: Sequence[int], forward: Iterable[tuple[int, int]]
) -> Sequence[int]:
    """Return the layer of each block: one below the lowest block that feeds it."""
    count = len(place)
    parents: list[list[int]] = [[] for _ in range(count)]
    children: list[list[int]] = [[] for _ in range(count)]
    for source, target in forward:
        parents[target].append(source)
        children[source].append(target)
    order = sorted(range(count), key=place.__getitem__)
    ranks = [0] * count
    for at in order:
        if parents[at]:
            ranks[at] = 1 + max(ranks[parent] for parent in parents[at])
    alone = 0
    for at in order:
        if parents[at]:
            continue
        if children[at]:  # a source stands right above the blocks that it feeds
            ranks[at] = min(ranks[child] for child in children[at]) - 1
        else:  # blocks without edges fill rows of a limited length
            ranks[at] = alone // _LONGEST_ROW
            alone += 1
    return ranks


# -- Order and columns within layers ---------------------------------------------------


@define
class Grid:
    """Blocks, and columns of edges that run through layers, in their layers.

    Attributes:
        layers: The items of each layer, from left to right. A column has a number after
            those of all blocks.
        above: The neighbours of each item in the layer above.
        below: The neighbours of each item in the layer below.
        feeding: The neighbours above that determine its place.
        fed: The neighbours below that determine its place.
        less: Pieces of edges that count less.
        widths: The width of each item.
        columns: The columns of each edge, from the top.
        long: Edges without columns, since they would need too many.
        groups: The group of each item, or None.
        count: The number of blocks.
        centers: The middle of each item, after `align`.
    """

    layers: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    feeding: list[list[int]]
    fed: list[list[int]]
    less: set[tuple[int, int]]
    widths: list[int]
    columns: Mapping[tuple[int, int], Sequence[int]]
    long: Pairs
    groups: list[int | None]
    count: int
    centers: list[float]

    @classmethod
    def of(
        cls,
        sizes: Pairs,
        ranks: Sequence[int],
        joined: Mapping[tuple[int, int], bool],
        groups: Sequence[int | None] | None,
    ) -> Grid:
        """Make a grid, with columns for the edges."""
        edges = [*joined]
        count = len(sizes)
        layers: list[list[int]] = [[] for _ in range(1 + max(ranks, default=-1))]
        for at, rank in enumerate(ranks):
            layers[rank].append(at)
        grid = cls(
            layers,
            above=[[] for _ in sizes],
            below=[[] for _ in sizes],
            feeding=[],
            fed=[],
            less=set(),
            widths=[width for width, _ in sizes],
            columns={},
            long=[],
            groups=[None] * count if groups is None else [*groups],
            count=count,
            centers=[],
        )
        spans = [ranks[target] - ranks[source] - 1 for source, target in edges]
        left = 2 * (count + len(edges)) + 200
        columns: dict[tuple[int, int], Sequence[int]] = {}
        long: list[tuple[int, int]] = []
        for number in sorted(range(len(edges)), key=lambda n: (spans[n], n)):
            edge = edges[number]
            left -= spans[number]
            if left < 0:
                long.append(edge)
            else:
                columns[edge] = grid._add_columns(edge, ranks[edge[0]], spans[number])
        grid.columns, grid.long = columns, long
        grid._drop_weak_neighbours(joined)
        return grid

    def _add_columns(
        self, edge: tuple[int, int], rank: int, span: int
    ) -> Sequence[int]:
        source, target = edge
        group = self.groups[source]
        first = len(self.widths)
        made = range(first, first + span)
        for step, column in enumerate(made, 1):
            self.layers[rank + step].append(column)
            self.widths.append(_COLUMN)
            self.above.append([])
            self.below.append([])
            self.groups.append(group if group == self.groups[target] else None)
        path = [source, *made, target]
        for upper, lower in pairwise(path):
            self.below[upper].append(lower)
            self.above[lower].append(upper)
        return made

    def _drop_weak_neighbours(self, joined: Mapping[tuple[int, int], bool]) -> None:
        """Keep edges that count less from moving blocks that have other edges."""
        less = self.less
        for (source, target), is_gone in joined.items():
            if is_gone:
                path = [source, *self.columns.get((source, target), ()), target]
                less.update(pairwise(path))
        self.feeding = [
            [near for near in found if (near, at) not in less] or found
            for at, found in enumerate(self.above)
        ]
        self.fed = [
            [near for near in found if (at, near) not in less] or found
            for at, found in enumerate(self.below)
        ]

    # -- Order: few edges cross ----

    def order(self) -> None:
        """Sort each layer so that few edges cross."""
        places = [0] * len(self.widths)
        best, fewest = self.layers, -1
        for sweep in range(_SWEEPS):
            is_down = sweep % 2 == 0
            beside = self.above if is_down else self.below
            layers = self.layers if is_down else self.layers[::-1]
            for layer in layers:
                self._sort(layer, beside, places)
            crossings = sum(
                _count_crossings(layer, self.below, places) for layer in self.layers
            )
            if fewest < 0 or crossings < fewest:
                best, fewest = [[*layer] for layer in self.layers], crossings
            if not fewest and sweep:
                break
        self.layers = best

    def _sort(
        self, layer: list[int], beside: Sequence[Sequence[int]], places: list[int]
    ) -> None:
        """Sort a layer by the middle of the neighbours on one side."""
        middles = {
            at: sum(places[near] for near in beside[at]) / len(beside[at])
            if beside[at]
            else float(places[at])
            for at in layer
        }
        of_group: dict[int, list[float]] = {}
        for at in layer:
            group = self.groups[at]
            if group is not None:
                of_group.setdefault(group, []).append(middles[at])
        means = {group: sum(found) / len(found) for group, found in of_group.items()}

        def key(at: int) -> tuple[float, int, float]:
            group = self.groups[at]
            if group is None:
                return middles[at], -1, 0.0
            return means[group], group, middles[at]

        layer.sort(key=key)
        for place, at in enumerate(layer):
            places[at] = place

    # -- Middles: edges are straight, blocks stand between their neighbours ----

    def align(self) -> None:
        """Place all items so that edges are straight and nothing overlaps."""
        self.centers = [0.0] * len(self.widths)
        offsets = [self._list_offsets(layer) for layer in self.layers]
        for layer, found in zip(self.layers, offsets, strict=True):
            for at, offset in zip(layer, found, strict=True):
                self.centers[at] = offset - found[-1] / 2
        down = [*zip(self.layers, offsets, strict=True)]
        for number in range(_ALIGNMENTS):
            is_down = number % 2 == 0
            beside = self.feeding if is_down else self.fed
            for layer, found in down if is_down else reversed(down):
                self._move_to_neighbours(layer, found, [beside])
        # A block stands right under its only parent if it is the only child.
        for layer, found in down:
            self._move_to_neighbours(
                layer, found, [self.feeding, self.fed], is_straight=True
            )

    def _list_offsets(self, layer: Sequence[int]) -> Sequence[int]:
        """Return the least distance of each item from the first, between middles."""
        found: list[int] = []
        last: int | None = None
        for at in layer:
            if last is None:
                found.append(0)
            else:
                is_column = at >= self.count or last >= self.count
                room = _BESIDE_COLUMN if is_column else BESIDE
                other = self.groups[at] != self.groups[last]
                room += 2 * FRAME_SIDE * other
                found.append(
                    found[-1] + (self.widths[last] + self.widths[at]) // 2 + room
                )
            last = at
        return found

    def _move_to_neighbours(
        self,
        layer: Sequence[int],
        offsets: Sequence[int],
        sides: Sequence[Sequence[Sequence[int]]],
        *,
        is_straight: bool = False,
    ) -> None:
        """Move each item as near as possible to the middle of its neighbours.

        This is a least-squares fit of an increasing sequence (isotonic regression),
        which pooling of adjacent items solves in one pass.
        """
        pools: list[tuple[float, float, int]] = []  # sum, weight, how many
        for at, offset in zip(layer, offsets, strict=True):
            wanted, weight = self._find_best_place(at, sides)
            feeding = self.feeding[at]
            if is_straight and len(feeding) == 1 and self.fed[feeding[0]] == [at]:
                is_less = (feeding[0], at) in self.less
                wanted = self.centers[feeding[0]]
                weight = 100.0 if is_less else 100_000.0
            total, count = (wanted - offset) * weight, 1
            while pools and pools[-1][0] / pools[-1][1] > total / weight:
                other = pools.pop()
                total, weight = total + other[0], weight + other[1]
                count += other[2]
            pools.append((total, weight, count))
        number = 0
        for total, weight, count in pools:
            for _ in range(count):
                self.centers[layer[number]] = total / weight + offsets[number]
                number += 1

    def _find_best_place(
        self, at: int, sides: Sequence[Sequence[Sequence[int]]]
    ) -> tuple[float, float]:
        """Return the best place of an item, and the weight of that."""
        means = [
            sum(self.centers[near] for near in beside[at]) / len(beside[at])
            for beside in sides
            if beside[at]
        ]
        if not means:
            return self.centers[at], 0.25
        return sum(means) / len(means), 4.0 if at >= self.count else 1.0


def _count_crossings(
    layer: Sequence[int], below: Sequence[Sequence[int]], places: Sequence[int]
) -> int:
    """Count the crossings of edges from a layer to the next one."""
    ends = [end for at in layer for end in sorted(places[child] for child in below[at])]
    if not ends:
        return 0
    size = max(ends) + 2
    counted = [0] * size  # how many ends up to a place, as a tree of partial sums
    found = 0
    for number, end in enumerate(ends):
        at, behind = end + 1, number
        while at:
            behind -= counted[at]
            at &= at - 1
        found += behind
        at = end + 1
        while at < size:
            counted[at] += 1
            at += at & -at
    return found
