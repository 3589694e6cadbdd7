"""Places of the boxes and edges of a graph, for every picture of one.

Blocks stand in layers, each below all blocks that feed it. If edges form a cycle, some
lead back up. An edge leaves its block at the bottom, runs straight through the layers
in a column of its own, and turns only between two layers, where no block is. Edges that
would need too many columns run around the drawing. Apart from sorting, each step takes
time in proportion to blocks and edges.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from attrs import define, frozen

Point: TypeAlias = tuple[int, int]
Pairs: TypeAlias = Sequence[tuple[int, int]]

MARGIN: Final = 32
"""Room around everything."""

BETWEEN: Final = 56
"""Room between two layers, more if edges go far to the side."""

_BESIDE: Final = 40
_BESIDE_COLUMN: Final = 24
_COLUMN: Final = 8
_LANE: Final = 12
_LANES: Final = 8
_LOOP: Final = 20
_SWEEPS: Final = 8
_LONGEST_ROW: Final = 8


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


def lay_out(sizes: Pairs, edges: Pairs, *, between: int = BETWEEN) -> Layered:
    """Lay out a graph.

    Args:
        sizes: Width and height of each block, even numbers.
        edges: Positions of the blocks that each edge joins.
        between: Least room between two layers.
    """
    place = _order_by_flow(len(sizes), edges)
    joined = {
        (a, b) if place[a] < place[b] else (b, a): None for a, b in edges if a != b
    }
    ranks = _rank_blocks(place, joined)
    grid = _Grid.of(sizes, ranks, sorted(joined))
    grid.order()
    grid.align()
    layers = _place_layers(grid, sizes, between)
    return _place(grid, edges, place, _place_boxes(grid, sizes, ranks, layers))


# -- Layers ----------------------------------------------------------------------------


def _order_by_flow(count: int, edges: Pairs) -> Sequence[int]:
    """Return the place of each block in an order that few edges go against."""
    children: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in edges:
        if source != target:
            children[source].append(target)
            waiting[target] += 1
    ready = [at for at in range(count) if not waiting[at]]
    others = [*range(count)]  # on a cycle, the first one goes
    heapify(ready)
    place = [-1] * count
    for number in range(count):
        at = -1
        while at < 0 or place[at] >= 0:
            at = heappop(ready or others)
        place[at] = number
        for child in children[at]:
            waiting[child] -= 1
            if not waiting[child] and place[child] < 0:
                heappush(ready, child)
    return place


def _rank_blocks(
    place: Sequence[int], joined: Iterable[tuple[int, int]]
) -> Sequence[int]:
    """Return the layer of each block: one below the lowest block that feeds it."""
    count = len(place)
    parents: list[list[int]] = [[] for _ in range(count)]
    children: list[list[int]] = [[] for _ in range(count)]
    for source, target in joined:
        parents[target].append(source)
        children[source].append(target)
    order = sorted(range(count), key=place.__getitem__)
    ranks = [0] * count
    for at in order:
        ranks[at] = 1 + max((ranks[parent] for parent in parents[at]), default=-1)
    alone = 0
    for at in order:
        if not parents[at] and children[at]:
            # A source stands right above the blocks that it feeds.
            ranks[at] = min(ranks[child] for child in children[at]) - 1
        elif not parents[at]:  # blocks without edges fill rows
            ranks[at] = alone // _LONGEST_ROW
            alone += 1
    return ranks


# -- Order and columns within layers ---------------------------------------------------


@define
class _Grid:
    """Blocks, and columns of edges that run through layers, in their layers.

    Attributes:
        layers: The items of each layer, from left to right. A column has a number after
            those of all blocks.
        above: The neighbours of each item in the layer above.
        below: The neighbours of each item in the layer below.
        widths: The width of each item.
        columns: The columns of each edge, from the top. Edges that would need too many
            have none here.
        count: The number of blocks.
        centers: The middle of each item, after `align`.
    """

    layers: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]
    widths: list[int]
    columns: dict[tuple[int, int], Sequence[int]]
    count: int
    centers: list[float]

    @classmethod
    def of(cls, sizes: Pairs, ranks: Sequence[int], edges: Pairs) -> _Grid:
        """Make a grid, with columns for the edges."""
        count = len(sizes)
        layers: list[list[int]] = [[] for _ in range(1 + max(ranks, default=-1))]
        for at, rank in enumerate(ranks):
            layers[rank].append(at)
        above: list[list[int]] = [[] for _ in sizes]
        below: list[list[int]] = [[] for _ in sizes]
        widths = [width for width, _ in sizes]
        grid = cls(layers, above, below, widths, {}, count, [])
        room = 2 * (count + len(edges)) + 200
        for edge in sorted(edges, key=lambda edge: ranks[edge[1]] - ranks[edge[0]]):
            span = ranks[edge[1]] - ranks[edge[0]] - 1
            room -= span
            if room >= 0:
                grid._add_columns(edge, ranks[edge[0]], span)
        return grid

    def _add_columns(self, edge: tuple[int, int], rank: int, span: int) -> None:
        first = len(self.widths)
        columns = range(first, first + span)
        for step, column in enumerate(columns, 1):
            self.layers[rank + step].append(column)
            self.widths.append(_COLUMN)
            self.above.append([])
            self.below.append([])
        for upper, lower in pairwise([edge[0], *columns, edge[1]]):
            self.below[upper].append(lower)
            self.above[lower].append(upper)
        self.columns[edge] = columns

    def order(self) -> None:
        """Sort each layer so that few edges cross."""
        places = [0] * len(self.widths)
        best, fewest = self.layers, -1
        for sweep in range(_SWEEPS):
            is_down = sweep % 2 == 0
            for layer in self.layers if is_down else reversed(self.layers):
                neighbours = self.above if is_down else self.below
                middles = {
                    at: _mean([places[near] for near in neighbours[at]], places[at])
                    for at in layer
                }
                layer.sort(key=middles.__getitem__)
                for place, at in enumerate(layer):
                    places[at] = place
            crossings = sum(
                _count_crossings(layer, self.below, places) for layer in self.layers
            )
            if fewest < 0 or crossings < fewest:
                best, fewest = [[*layer] for layer in self.layers], crossings
            if not fewest and sweep:
                break
        self.layers = best

    def align(self) -> None:
        """Place all items so that edges are straight and nothing overlaps."""
        self.centers = [0.0] * len(self.widths)
        spaced = [(layer, self._list_offsets(layer)) for layer in self.layers]
        for layer, offsets in spaced:
            for at, offset in zip(layer, offsets, strict=True):
                self.centers[at] = offset - offsets[-1] / 2
        for sweep in range(_SWEEPS):
            is_down = sweep % 2 == 0
            for layer, offsets in spaced if is_down else reversed(spaced):
                self._move(layer, offsets, [self.above if is_down else self.below])
        for layer, offsets in spaced:
            self._move(layer, offsets, [self.above, self.below], is_last=True)

    def _list_offsets(self, layer: Sequence[int]) -> Sequence[int]:
        """Return the least distance of each item from the first, between middles."""
        offsets = [0]
        for last, at in pairwise(layer):
            is_column = max(at, last) >= self.count
            room = _BESIDE_COLUMN if is_column else _BESIDE
            offsets.append(
                offsets[-1] + (self.widths[last] + self.widths[at]) // 2 + room
            )
        return offsets

    def _move(
        self,
        layer: Sequence[int],
        offsets: Sequence[int],
        sides: Sequence[Sequence[Sequence[int]]],
        *,
        is_last: bool = False,
    ) -> None:
        """Move each item as near as possible to the middle of its neighbours.

        This is a least-squares fit of an increasing sequence (isotonic regression),
        which pooling of adjacent items solves in one pass.
        """
        pools: list[tuple[float, float, int]] = []  # sum, weight, how many
        for at, offset in zip(layer, offsets, strict=True):
            means = [
                _mean([self.centers[near] for near in neighbours[at]], 0)
                for neighbours in sides
                if neighbours[at]
            ]
            wanted = _mean(means, self.centers[at])
            weight = (4.0 if at >= self.count else 1.0) if means else 0.25
            above = self.above[at]
            if is_last and len(above) == 1 and len(self.below[above[0]]) == 1:
                # The only child stands right under the only parent.
                wanted, weight = self.centers[above[0]], 1e5
            total, many = (wanted - offset) * weight, 1
            while pools and pools[-1][0] / pools[-1][1] > total / weight:
                other = pools.pop()
                total, weight = total + other[0], weight + other[1]
                many += other[2]
            pools.append((total, weight, many))
        number = 0
        for total, weight, many in pools:
            for _ in range(many):
                self.centers[layer[number]] = total / weight + offsets[number]
                number += 1


def _mean(numbers: Sequence[float], default: float) -> float:
    return sum(numbers) / len(numbers) if numbers else default


def _count_crossings(
    layer: Sequence[int], below: Sequence[Sequence[int]], places: Sequence[int]
) -> int:
    """Count the crossings of edges from a layer to the next one."""
    ends = [end for at in layer for end in sorted(places[child] for child in below[at])]
    sorted_ends: list[int] = []
    crossings = 0
    for end in ends:
        crossings += len(sorted_ends) - bisect_right(sorted_ends, end)
        insort(sorted_ends, end)
    return crossings


# -- Coordinates -----------------------------------------------------------------------


@frozen
class _Scene:
    """The places of blocks.

    Attributes:
        boxes: One for each block.
        centers: The middle of each item of the grid.
        ranks: The layer of each block.
        layers: The top and the bottom of each layer.
        side: Where the lanes of edges without columns begin.
    """

    boxes: Sequence[Box]
    centers: Sequence[int]
    ranks: Sequence[int]
    layers: Pairs
    side: int


def _place_layers(grid: _Grid, sizes: Pairs, between: int) -> Pairs:
    """Return the top and the bottom of each layer."""
    places: list[tuple[int, int]] = []
    y = MARGIN
    for layer in grid.layers:
        height = max((sizes[at][1] for at in layer if at < grid.count), default=0)
        places.append((y, y + height))
        ends = ((at, child) for at in layer for child in grid.below[at])
        widths = (abs(grid.centers[at] - grid.centers[child]) for at, child in ends)
        y += height + between + min(round(max(widths, default=0)) // 12, between)
    return places


def _place_boxes(
    grid: _Grid, sizes: Pairs, ranks: Sequence[int], layers: Pairs
) -> _Scene:
    items = [*zip(map(round, grid.centers), grid.widths, strict=True)]
    left = min((center - width // 2 for center, width in items), default=0)
    centers = [center - left + MARGIN for center, _ in items]
    boxes: list[Box] = []
    for at, (width, height) in enumerate(sizes):
        top, bottom = layers[ranks[at]]
        y = top + (bottom - top - height) // 2
        boxes.append(Box(centers[at] - width // 2, y, width, height))
    right = max((center + width // 2 for center, width in items), default=0)
    return _Scene(boxes, centers, ranks, layers, right - left + MARGIN + 2 * _LOOP)


def _place(grid: _Grid, edges: Pairs, place: Sequence[int], scene: _Scene) -> Layered:
    """Return the boxes and the route of each edge."""
    routes: list[Sequence[Point]] = []
    both = {*edges}
    for source, target in edges:
        if source == target:
            routes.append(_route_loop(scene.boxes[source]))
        elif place[source] < place[target]:
            routes.append(_route(grid, scene, (source, target), 0))
        else:  # next to the edge that leads down, if there is one
            shift = 12 if (target, source) in both else 0
            routes.append(_route(grid, scene, (target, source), shift)[::-1])
    ends = [x for route in routes for x, _ in route]
    right = max([*ends, *(box.right for box in scene.boxes)], default=0)
    bottom = scene.layers[-1][1] if scene.layers else 0
    return Layered(scene.boxes, routes, right + MARGIN, bottom + MARGIN)


def _route_loop(box: Box) -> Sequence[Point]:
    """Return the route from a block to itself."""
    upper, lower = box.y + box.height // 4, box.bottom - box.height // 4
    side = box.right + _LOOP
    return [(box.right, upper), (side, upper), (side, lower), (box.right, lower)]


def _route(
    grid: _Grid, scene: _Scene, edge: tuple[int, int], shift: int
) -> Sequence[Point]:
    """Return points from the bottom of one box to the top of another."""
    upper, lower = edge
    rank = scene.ranks[upper]
    first, last = scene.boxes[upper], scene.boxes[lower]
    bottom, top = scene.layers[rank][1], scene.layers[scene.ranks[lower]][0]
    start, end = first.center + shift, last.center + shift
    points = [(start, first.bottom), (start, bottom)]
    if edge in grid.columns:
        for step, column in enumerate(grid.columns[edge], 1):
            x = scene.centers[column]
            points += [(x, y) for y in scene.layers[rank + step]]
    else:
        lane = scene.side + _LANE * (upper % _LANES)
        leave, enter = bottom + 12, top - 16
        points += [(start, leave), (lane, leave), (lane, enter), (end, enter)]
    points += [(end, top), (end, last.y)]
    return _simplify(points)


def _simplify(points: Sequence[Point]) -> Sequence[Point]:
    """Drop repeated points, and points inside of a straight line."""
    route: list[Point] = []
    for point in points:
        if route and route[-1] == point:
            continue
        if len(route) > 1 and route[-2][0] == route[-1][0] == point[0]:
            route.pop()
        route.append(point)
    return route


# -- Paths -----------------------------------------------------------------------------


def trace_route(points: Sequence[Point], *, is_across: bool = False) -> str:
    """Return a route as a path of SVG that ends inside of its tip.

    A thick line would otherwise show next to the point of the tip.

    Args:
        points: A route of a layout.
        is_across: Whether to exchange x and y, for a drawing from left to right.
    """

    def write(point: Point) -> str:
        x, y = reversed(point) if is_across else point
        return f"{x} {y}"

    *others, (x, y) = points
    last_x, last_y = others[-1]
    if last_y == y:
        others.append((x + 6 * _sign(last_x - x), y))
    else:
        way = _sign(last_y - y)
        others += [(x, y + way * 9), (x, y + way * 6)]
    parts = [f"M{write(others[0])}"]
    for before, here in pairwise(others):
        if before[0] != here[0] and before[1] != here[1]:
            middle = (before[1] + here[1]) // 2
            bends = write((before[0], middle)), write((here[0], middle))
            parts.append(f"C{' '.join(bends)} {write(here)}")
        else:
            parts.append(f"L{write(here)}")
    return "".join(parts)


def trace_tip(points: Sequence[Point]) -> str:
    """Return the tip at the end of a route as a path of SVG."""
    (from_x, from_y), (x, y) = points[-2:]
    if from_y == y:
        return f"M{x} {y}l{8 * _sign(from_x - x)} -4v8z"
    return f"M{x} {y}l-4 {8 * _sign(from_y - y)}h8z"


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
