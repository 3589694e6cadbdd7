"""Layered layout: the places of boxes and edges of a graph, from top to bottom.

Blocks stand in layers, each below all blocks that feed it. If edges form a cycle, some
lead back up. An edge leaves its block at the bottom, runs straight through the layers
in a column of its own, and turns only between two layers, where no block is. Edges that
would need too many columns share lanes beside the drawing. Apart from sorting, each
step takes time in proportion to blocks and edges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from attrs import frozen

from ._layer_order import FRAME_SIDE, Grid, Pairs, order_by_flow, rank_blocks

Point: TypeAlias = tuple[int, int]

BETWEEN: Final = 56
"""Room between two layers, more if edges go far to the side."""

MARGIN: Final = 32
"""Room around everything."""

FRAME_TOP: Final = 28
"""Room inside of a frame above its boxes, for its name."""

LOOP: Final = 20
"""Width of an edge from a block to itself."""

_LANE: Final = 12
_TRACKS: Final = 5
_STRAIGHTENED: Final = 6


class Box(NamedTuple):
    """A rectangle: its upper left corner and its size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Its right end."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Its lower end."""
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
    """The places of all boxes and edges.

    Attributes:
        boxes: One for each block.
        routes: One for each edge: points from its source to its target. If two points
            in a row differ in both directions, the edge turns between layers.
        width: The width of the drawing, with its margin.
        height: The height of the drawing.
    """

    boxes: Sequence[Box]
    routes: Sequence[Sequence[Point]]
    width: int
    height: int


def lay_out(
    sizes: Pairs,
    edges: Pairs,
    *,
    gone: Collection[int] = (),
    groups: Sequence[int | None] | None = None,
    between: int = BETWEEN,
) -> Layered:
    """Lay out a graph.

    Args:
        sizes: Width and height of each block, even numbers.
        edges: Positions of the blocks that each edge joins.
        gone: Positions of edges that count less: in a cycle, such an edge leads back up
            rather than another one.
        groups: For each block the number of its group. Blocks of a group stand side by
            side if possible.
        between: Least room between two layers.
    """
    gone = frozenset(gone)
    place = order_by_flow(len(sizes), edges, gone)
    # For each pair of blocks, the upper one first: are all its edges weak ones?
    joined: dict[tuple[int, int], bool] = {}
    for number, (a, b) in enumerate(edges):
        if a != b:
            pair = (a, b) if place[a] < place[b] else (b, a)
            joined[pair] = joined.get(pair, True) and number in gone
    ranks = rank_blocks(place, joined)
    grid = Grid.of(sizes, ranks, dict(sorted(joined.items())), groups)
    grid.order()
    grid.align()
    return _place(grid, sizes, edges, place, between)


# -- Coordinates -----------------------------------------------------------------------


def _place(
    grid: Grid, sizes: Pairs, edges: Pairs, place: Sequence[int], between: int
) -> Layered:
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
    tops, bottoms = _place_layers(grid, sizes, centers, lanes, between)
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
            routes.append(_route_loop(boxes[source]))
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


def _route_loop(box: Box) -> Sequence[Point]:
    """Return the route from a block to itself."""
    upper, lower = box.y + box.height // 4, box.bottom - box.height // 4
    side = box.right + LOOP
    return [(box.right, upper), (side, upper), (side, lower), (box.right, lower)]


@frozen
class _Lanes:
    """Lanes for edges without columns. Edges of one block share a lane.

    Attributes:
        at: The place of the lane of each edge, from left to right.
        tracks: The distance of each edge from the layer above and from the layer below,
            where it goes to the side.
        rooms: The room that the tracks take below each layer.
    """

    at: Mapping[tuple[int, int], int]
    tracks: Mapping[tuple[int, int], tuple[int, int]]
    rooms: Mapping[int, int]

    @classmethod
    def of(cls, grid: Grid, centers: Sequence[int]) -> _Lanes:
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
            for edges in _bundle_edges(grid.long)
        )
        free: list[
            tuple[int, int]
        ] = []  # the layer from which a lane is free, and its number
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


def _bundle_edges(edges: Pairs) -> Iterable[Sequence[tuple[int, int]]]:
    """Group edges by the end that more of them have in common."""
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


def _place_layers(
    grid: Grid, sizes: Pairs, centers: Sequence[int], lanes: _Lanes, between: int
) -> tuple[Sequence[int], Sequence[int]]:
    """Return the top and the bottom of each layer."""
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
        y += between + min(widest // 12, between) + lanes.rooms.get(rank, 0)
    return tops, bottoms


@frozen
class _Router:
    """Routes edges down the layers."""

    grid: Grid
    centers: Sequence[int]
    boxes: Sequence[Box]
    rank_of: Mapping[int, int]
    tops: Sequence[int]
    bottoms: Sequence[int]
    lanes: _Lanes

    def route(self, upper: int, lower: int, shift: int) -> Sequence[Point]:
        """Return points from the bottom of one box to the top of another."""
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
        return _simplify(points)


def _simplify(points: Sequence[Point]) -> Sequence[Point]:
    """Drop repeated points, and points inside of a straight line."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and kept[-2][0] == kept[-1][0] == point[0]:
            kept.pop()
        kept.append(point)
    return kept


# -- Frames ----------------------------------------------------------------------------


def frame_groups(
    drawing: Layered, edges: Pairs, groups: Sequence[int | None]
) -> Mapping[int, Box] | None:
    """Return a frame around each group. None if a frame would meet something else."""
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
        _meets_others(drawing, edges, groups, group, box)
        for group, box in found.items()
    ):
        return None
    shapes = [*found.values()]
    if any(one.meets(two) for n, one in enumerate(shapes) for two in shapes[:n]):
        return None
    return found


def _meets_others(
    drawing: Layered,
    edges: Pairs,
    groups: Sequence[int | None],
    group: int,
    frame: Box,
) -> bool:
    """Whether a frame meets a box or an edge that is not of its group."""
    if any(
        groups[at] != group and frame.meets(box) for at, box in enumerate(drawing.boxes)
    ):
        return True
    return any(
        group not in (groups[source], groups[target])
        and any(frame.meets(box_between(*pair)) for pair in pairwise(route))
        for (source, target), route in zip(edges, drawing.routes, strict=True)
    )


def box_between(one: Point, other: Point) -> Box:
    """Return the box around a piece of a route."""
    x, right = sorted((one[0], other[0]))
    y, bottom = sorted((one[1], other[1]))
    return Box(x, y, max(right - x, 1), max(bottom - y, 1))
