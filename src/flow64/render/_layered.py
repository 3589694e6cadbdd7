"""Layered layout: where boxes and edges of a graph go, from top to bottom.

Blocks stand in layers, each below all that feeds it. Where edges form a circle, some
lead back up. An edge leaves its block at the bottom, runs straight through the layers
between in a column of its own, and turns only between two layers, where no block is.
Edges that would need too many columns share lanes beside the drawing. No step takes
more than time in proportion to blocks and edges, but for sorting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from attrs import define, frozen

Point: TypeAlias = tuple[int, int]

Pairs: TypeAlias = Sequence[tuple[int, int]]

BESIDE: Final = 40
"""Room between two boxes of a layer."""

BETWEEN: Final = 56
"""Room between two layers, more where edges go far to the side."""

MARGIN: Final = 32
"""Room around everything."""

FRAME_TOP: Final = 28
"""Room inside of a frame above its boxes, for its name."""

FRAME_SIDE: Final = 14
"""Room inside of a frame on its other sides."""

LOOP: Final = 20
"""How far an edge from a block to itself goes to the side."""

_COLUMN: Final = 8
_BESIDE_COLUMN: Final = 24
_LANE: Final = 12
_TRACKS: Final = 5
_SWEEPS: Final = 8
_ALIGNMENTS: Final = 8
_LONGEST_ROW: Final = 8
_STRAIGHTENED: Final = 6


class Box(NamedTuple):
    """A rectangle: its upper left corner and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Where it ends."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Where it ends below."""
        return self.y + self.height

    @property
    def center(self) -> int:
        """Its middle from left to right."""
        return self.x + self.width // 2

    def meets(self, other: Box) -> bool:
        """Whether both have some area in common."""
        return (
            self.x < other.right
            and other.x < self.right
            and self.y < other.bottom
            and other.y < self.bottom
        )


@frozen
class Layered:
    """Where everything goes.

    Attributes:
        boxes: One for each block.
        routes: One for each edge: points from its source to its target. Where two that
            follow each other differ in both directions, the edge turns between layers.
        width: How wide the drawing is, with its margin.
        height: How high it is.
    """

    boxes: Sequence[Box]
    routes: Sequence[Sequence[Point]]
    width: int
    height: int


def layered(
    sizes: Pairs,
    edges: Pairs,
    *,
    gone: Collection[int] = (),
    groups: Sequence[int | None] | None = None,
) -> Layered:
    """Lay out a graph.

    Args:
        sizes: Width and height of each block, even numbers.
        edges: Positions of the blocks that each edge joins.
        gone: Positions of edges that count less: if there are circles, such an edge
            leads back up rather than another one.
        groups: For each block the number of the group that it belongs to, so that
            blocks of a group stand side by side where they can.
    """
    gone = frozenset(gone)
    place = _flow_order(len(sizes), edges, gone)
    # Whether each pair of blocks, the upper one first, is joined by what counts less.
    joined: dict[tuple[int, int], bool] = {}
    for number, (a, b) in enumerate(edges):
        if a != b:
            pair = (a, b) if place[a] < place[b] else (b, a)
            joined[pair] = joined.get(pair, True) and number in gone
    ranks = _ranks(place, joined)
    grid = _Grid.of(sizes, ranks, dict(sorted(joined.items())), groups)
    grid.order()
    grid.align()
    return _drawn(grid, sizes, edges, place)


# -- Layers ----------------------------------------------------------------------------


def _flow_order(count: int, edges: Pairs, gone: frozenset[int]) -> Sequence[int]:
    """The place of each block in an order that as few edges as can be go against."""
    children: list[list[tuple[int, bool]]] = [[] for _ in range(count)]
    waiting, needed = [0] * count, [0] * count
    for number, (source, target) in enumerate(edges):
        if source != target:
            is_gone = number in gone
            children[source].append((target, is_gone))
            waiting[target] += 1
            needed[target] += not is_gone
    # The first of these that has a block gives the next one: those that nothing keeps
    # waiting, those that only edges do which count less, and then the first of all.
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


def _ranks(place: Sequence[int], forward: Iterable[tuple[int, int]]) -> Sequence[int]:
    """The layer of each block: one below the lowest block that feeds it."""
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
        if children[at]:  # a source stands right above what it feeds
            ranks[at] = min(ranks[child] for child in children[at]) - 1
        else:  # what nothing is joined to fills rows, and does not make one long one
            ranks[at] = alone // _LONGEST_ROW
            alone += 1
    return ranks


# -- Order and columns within layers ---------------------------------------------------


@define
class _Grid:
    """Blocks, and columns of edges that run through layers, in their layers.

    Attributes:
        layers: What stands in each layer, from left to right; a column has a number
            past those of all blocks.
        above: What each of these is joined to in the layer above.
        below: The same for the layer below.
        feeding: Those of `above` that count for where it stands.
        fed: Those of `below` that do.
        less: Pieces of edges that count less.
        widths: How wide each is.
        columns: The columns of each edge, from the top.
        long: Edges that have no columns, since they would need too many.
        groups: The group of each, or None.
        count: How many blocks there are.
        centers: Where the middle of each is, once they are aligned.
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
    ) -> _Grid:
        """Give every edge its columns."""
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
                columns[edge] = grid._columns_of(edge, ranks[edge[0]], spans[number])
        grid.columns, grid.long = columns, long
        grid._weigh(joined)
        return grid

    def _columns_of(self, edge: tuple[int, int], rank: int, span: int) -> Sequence[int]:
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

    def _weigh(self, joined: Mapping[tuple[int, int], bool]) -> None:
        """Let what counts less move no block that anything else is joined to."""
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
        """Put each layer in an order in which few edges cross."""
        places = [0] * len(self.widths)
        best, fewest = self.layers, -1
        for sweep in range(_SWEEPS):
            is_down = sweep % 2 == 0
            beside = self.above if is_down else self.below
            layers = self.layers if is_down else self.layers[::-1]
            for layer in layers:
                self._sort(layer, beside, places)
            crossings = sum(
                _crossings(layer, self.below, places) for layer in self.layers
            )
            if fewest < 0 or crossings < fewest:
                best, fewest = [[*layer] for layer in self.layers], crossings
            if not fewest and sweep:
                break
        self.layers = best

    def _sort(
        self, layer: list[int], beside: Sequence[Sequence[int]], places: list[int]
    ) -> None:
        """Sort a layer by the middle of what each is joined to on one side."""
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

    # -- Middles: edges are straight, blocks between what they are joined to ----

    def align(self) -> None:
        """Find the middle of each, so that edges are straight and nothing overlaps."""
        self.centers = [0.0] * len(self.widths)
        offsets = [self._offsets(layer) for layer in self.layers]
        for layer, found in zip(self.layers, offsets, strict=True):
            for at, offset in zip(layer, found, strict=True):
                self.centers[at] = offset - found[-1] / 2
        down = [*zip(self.layers, offsets, strict=True)]
        for number in range(_ALIGNMENTS):
            is_down = number % 2 == 0
            beside = self.feeding if is_down else self.fed
            for layer, found in down if is_down else reversed(down):
                self._settle(layer, found, [beside])
        # What alone follows what it alone follows stands right under it.
        for layer, found in down:
            self._settle(layer, found, [self.feeding, self.fed], is_straight=True)

    def _offsets(self, layer: Sequence[int]) -> Sequence[int]:
        """How far each stands from the first at least, from middle to middle."""
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

    def _settle(
        self,
        layer: Sequence[int],
        offsets: Sequence[int],
        sides: Sequence[Sequence[Sequence[int]]],
        *,
        is_straight: bool = False,
    ) -> None:
        """Move each as near as can be to the middle of what it is joined to.

        The least squares under a least distance are those of a rising sequence, which
        pooling neighbours finds in one pass.
        """
        pools: list[tuple[float, float, int]] = []  # sum, weight, how many
        for at, offset in zip(layer, offsets, strict=True):
            wanted, weight = self._wanted(at, sides)
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

    def _wanted(
        self, at: int, sides: Sequence[Sequence[Sequence[int]]]
    ) -> tuple[float, float]:
        """Where one would stand best, and how much that counts."""
        means = [
            sum(self.centers[near] for near in beside[at]) / len(beside[at])
            for beside in sides
            if beside[at]
        ]
        if not means:
            return self.centers[at], 0.25
        return sum(means) / len(means), 4.0 if at >= self.count else 1.0


def _crossings(
    layer: Sequence[int], below: Sequence[Sequence[int]], places: Sequence[int]
) -> int:
    """How often edges from a layer to the next one cross."""
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


# -- Coordinates -----------------------------------------------------------------------


def _drawn(grid: _Grid, sizes: Pairs, edges: Pairs, place: Sequence[int]) -> Layered:
    """Turn the grid into boxes and routes."""
    centers = [round(center) for center in grid.centers]
    left = min(
        (
            centers[at]
            - grid.widths[at] // 2
            - FRAME_SIDE * (grid.groups[at] is not None)
            for at in range(len(centers))
        ),
        default=0,
    )
    centers = [center - left + MARGIN for center in centers]
    lanes = _Lanes.of(grid, centers)
    tops, bottoms = _heights(grid, sizes, centers, lanes)
    rank_of = {at: rank for rank, layer in enumerate(grid.layers) for at in layer}
    boxes: list[Box] = []
    for at, (width, height) in enumerate(sizes):
        rank = rank_of[at]
        room = bottoms[rank] - tops[rank] - height
        boxes.append(
            Box(centers[at] - width // 2, tops[rank] + room // 2, width, height)
        )
    router = _Router(grid, centers, boxes, rank_of, tops, bottoms, lanes)
    routes: list[Sequence[Point]] = []
    both = {*edges}
    for source, target in edges:
        if source == target:
            routes.append(_loop(boxes[source]))
        elif place[source] < place[target]:
            routes.append(router.route(source, target, 0))
        else:
            # Beside the edge that leads down, if there is one.
            shift = 12 if (target, source) in both else 0
            routes.append(router.route(target, source, shift)[::-1])
    right = max((x for route in routes for x, _ in route), default=0)
    right = max(
        [
            right,
            *(
                box.right + FRAME_SIDE * (grid.groups[at] is not None)
                for at, box in enumerate(boxes)
            ),
        ]
    )
    return Layered(
        boxes, routes, right + MARGIN, (bottoms[-1] if bottoms else 0) + MARGIN
    )


def _loop(box: Box) -> Sequence[Point]:
    """The way from a block to itself."""
    upper, lower = box.y + box.height // 4, box.bottom - box.height // 4
    side = box.right + LOOP
    return [(box.right, upper), (side, upper), (side, lower), (box.right, lower)]


@frozen
class _Lanes:
    """Where edges run that have no columns: those of one block share a lane.

    Attributes:
        at: The lane of each such edge, as where it is from left to right.
        tracks: For each such edge how far below the upper layer, and how far above the
            lower one, it goes to the side.
        rooms: How much room the tracks take below each layer.
    """

    at: Mapping[tuple[int, int], int]
    tracks: Mapping[tuple[int, int], tuple[int, int]]
    rooms: Mapping[int, int]

    @classmethod
    def of(cls, grid: _Grid, centers: Sequence[int]) -> _Lanes:
        """Give lanes to the long edges of a grid."""
        if not grid.long:
            return cls({}, {}, {})
        rank_of = {at: rank for rank, layer in enumerate(grid.layers) for at in layer}
        right = max(centers[at] + grid.widths[at] // 2 for at in range(len(centers)))
        at: dict[tuple[int, int], int] = {}
        tracks: dict[tuple[int, int], tuple[int, int]] = {}
        rooms: dict[int, int] = {}
        bundles = sorted(
            (
                min(rank_of[source] for source, _ in edges),
                max(rank_of[target] for _, target in edges),
                edges,
            )
            for edges in _bundles(grid.long)
        )
        free: list[tuple[int, int]] = []  # when a lane is free again, and which
        count = 0
        for number, (first, last, edges) in enumerate(bundles):
            if free and free[0][0] < first:
                lane = heappop(free)[1]
            else:
                lane, count = count, count + 1
            heappush(free, (last, lane))
            track = number % _TRACKS
            for edge in edges:
                at[edge] = right + 2 * LOOP + lane * _LANE
                tracks[edge] = track, track
                for rank in (rank_of[edge[0]], rank_of[edge[1]] - 1):
                    rooms[rank] = 2 * _TRACKS * 6
        return cls(at, tracks, rooms)


def _bundles(edges: Pairs) -> Iterable[Sequence[tuple[int, int]]]:
    """Edges by the end that more of them have in common."""
    out: dict[int, int] = {}
    into: dict[int, int] = {}
    for source, target in edges:
        out[source] = out.get(source, 0) + 1
        into[target] = into.get(target, 0) + 1
    found: dict[tuple[bool, int], list[tuple[int, int]]] = {}
    for source, target in sorted(edges):
        is_into = into[target] >= out[source]
        found.setdefault((is_into, target if is_into else source), []).append(
            (source, target)
        )
    return found.values()


def _heights(
    grid: _Grid, sizes: Pairs, centers: Sequence[int], lanes: _Lanes
) -> tuple[Sequence[int], Sequence[int]]:
    """Where each layer begins and ends."""
    tops: list[int] = []
    bottoms: list[int] = []
    y = MARGIN
    for rank, layer in enumerate(grid.layers):
        tops.append(y)
        y += max((sizes[at][1] for at in layer if at < grid.count), default=0)
        bottoms.append(y)
        widest = max(
            (
                abs(centers[at] - centers[child])
                for at in layer
                for child in grid.below[at]
            ),
            default=0,
        )
        y += BETWEEN + min(widest // 12, BETWEEN) + lanes.rooms.get(rank, 0)
    return tops, bottoms


@frozen
class _Router:
    """Finds the way of an edge down the layers."""

    grid: _Grid
    centers: Sequence[int]
    boxes: Sequence[Box]
    rank_of: Mapping[int, int]
    tops: Sequence[int]
    bottoms: Sequence[int]
    lanes: _Lanes

    def route(self, upper: int, lower: int, shift: int) -> Sequence[Point]:
        """Points from the bottom of one box to the top of another."""
        first, last = self.boxes[upper], self.boxes[lower]
        top, bottom = self.rank_of[upper], self.rank_of[lower]
        start, end = first.center + shift, last.center + shift
        points = [(start, first.bottom), (start, self.bottoms[top])]
        if (upper, lower) in self.lanes.at:
            lane = self.lanes.at[upper, lower]
            out, into = self.lanes.tracks[upper, lower]
            leave = self.bottoms[top] + 12 + out * 6
            enter = self.tops[bottom] - 16 - into * 6
            points += [(start, leave), (lane, leave), (lane, enter), (end, enter)]
        else:
            columns = self.grid.columns[upper, lower]
            beside = self.centers[columns[0]] if columns else end
            if abs(start - beside) <= _STRAIGHTENED:
                start = beside
                points = [(start, first.bottom), (start, self.bottoms[top])]
            for column in columns:
                x, rank = self.centers[column], self.rank_of[column]
                points += [(x, self.tops[rank]), (x, self.bottoms[rank])]
        points += [(end, self.tops[bottom]), (end, last.y)]
        return _plain(points)


def _plain(points: Sequence[Point]) -> Sequence[Point]:
    """Points without those that are there twice, or that a straight line has anyway."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and kept[-2][0] == kept[-1][0] == point[0]:
            kept.pop()
        kept.append(point)
    return kept


# -- Frames ----------------------------------------------------------------------------


def frames(
    drawing: Layered, edges: Pairs, groups: Sequence[int | None]
) -> Mapping[int, Box] | None:
    """A frame around the boxes of each group; None where one would meet a stranger."""
    members: dict[int, list[int]] = {}
    for at, group in enumerate(groups):
        if group is not None:
            members.setdefault(group, []).append(at)
    found: dict[int, Box] = {}
    for group, ones in members.items():
        boxes = [drawing.boxes[at] for at in ones]
        x = min(box.x for box in boxes) - FRAME_SIDE
        y = min(box.y for box in boxes) - FRAME_TOP
        right = max(box.right for box in boxes) + FRAME_SIDE
        bottom = max(box.bottom for box in boxes) + FRAME_SIDE
        found[group] = Box(x, y, right - x, bottom - y)
    if any(
        _strange(drawing, edges, groups, group, box) for group, box in found.items()
    ):
        return None
    shapes = [*found.values()]
    if any(one.meets(two) for n, one in enumerate(shapes) for two in shapes[:n]):
        return None
    return found


def _strange(
    drawing: Layered,
    edges: Pairs,
    groups: Sequence[int | None],
    group: int,
    frame: Box,
) -> bool:
    """Whether a frame meets a box or an edge that has nothing to do with its group."""
    if any(
        groups[at] != group and frame.meets(box) for at, box in enumerate(drawing.boxes)
    ):
        return True
    return any(
        group not in (groups[source], groups[target])
        and any(frame.meets(between(*pair)) for pair in pairwise(route))
        for (source, target), route in zip(edges, drawing.routes, strict=True)
    )


def between(one: Point, other: Point) -> Box:
    """The box that a piece of a route stays inside of."""
    x, right = sorted((one[0], other[0]))
    y, bottom = sorted((one[1], other[1]))
    return Box(x, y, max(right - x, 1), max(bottom - y, 1))
