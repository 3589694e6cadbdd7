"""Layouts: nothing overlaps, edges run where no other block is, and time is linear."""

from __future__ import annotations

import re
import time
from itertools import combinations, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.layout import (
    BESIDE,
    FRAME_SIDE,
    MARGIN,
    Box,
    Layered,
    box_between,
    frame_groups,
    lay_out,
    trace_route,
)
from flow64.render import graph_between, graph_of
from flow64.render._svg import _make_drawing
from tests.test_examples import NAMES, workflows

WIDTH, HEIGHT = 120, 40


def laid(count, edges, **more):
    return lay_out([(WIDTH, HEIGHT)] * count, edges, **more)


def assert_apart(boxes):
    """No two boxes have any area in common."""
    rows = {}
    for box in boxes:
        rows.setdefault(box.y, []).append(box)
    if len(boxes) > 200:  # then those of a layer alone, as layers are apart
        pairs = (pair for row in rows.values() for pair in pairwise(sorted(row)))
    else:
        pairs = combinations(boxes, 2)
    assert not [pair for pair in pairs if pair[0].meets(pair[1])]


def assert_inside(drawing):
    """Everything is inside of the drawing, with a margin."""
    for box in drawing.boxes:
        assert box.x >= MARGIN <= box.y
        assert box.right <= drawing.width - MARGIN
        assert box.bottom <= drawing.height - MARGIN
    for x, y in (point for route in drawing.routes for point in route):
        assert 0 <= x <= drawing.width
        assert 0 <= y <= drawing.height


def assert_clear(drawing, edges):
    """An edge touches no box but those that it joins, and does not cross these."""
    for (source, target), route in zip(edges, drawing.routes, strict=True):
        pieces = [box_between(*pair) for pair in pairwise(route)]
        for at, box in enumerate(drawing.boxes):
            inner = Box(box.x + 1, box.y + 1, box.width - 2, box.height - 2)
            assert not [piece for piece in pieces if piece.meets(inner)], (at, route)
        assert_touching(drawing.boxes[source], route[0])
        assert_touching(drawing.boxes[target], route[-1])


def assert_touching(box, point):
    x, y = point
    is_side = x in (box.x, box.right) and box.y <= y <= box.bottom
    is_end = y in (box.y, box.bottom) and box.x <= x <= box.right
    assert is_side or is_end


SHAPES = {
    "nothing": (0, []),
    "one": (1, []),
    "chain": (4, [(0, 1), (1, 2), (2, 3)]),
    "fan": (6, [(0, i) for i in range(1, 5)] + [(i, 5) for i in range(1, 5)]),
    "skipped": (4, [(0, 1), (1, 2), (2, 3), (0, 3), (0, 2)]),
    "circle": (3, [(0, 1), (1, 2), (2, 0)]),
    "there and back": (2, [(0, 1), (1, 0)]),
    "itself": (2, [(0, 0), (0, 1)]),
    "twice": (2, [(0, 1), (0, 1)]),
    "apart": (30, []),
    "two sources": (5, [(0, 1), (1, 2), (2, 4), (3, 4)]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    """Boxes are apart, edges are clear of them, and all of it is inside."""
    count, edges = SHAPES[name]

    drawing = laid(count, edges)

    assert (len(drawing.boxes), len(drawing.routes)) == (count, len(edges))
    assert_apart(drawing.boxes)
    assert_inside(drawing)
    assert_clear(drawing, edges)


def test_chain_is_straight():
    """What alone follows stands right below, whatever its width."""
    sizes = [(120, 40), (300, 60), (114, 20), (200, 40)]

    drawing = lay_out(sizes, [(0, 1), (1, 2), (2, 3)])

    assert len({box.center for box in drawing.boxes}) == 1
    assert all(len(route) == 2 for route in drawing.routes)


def test_fork_is_even():
    """Branches stand evenly below what they come from, and what joins them too."""
    boxes = laid(4, [(0, 1), (0, 2), (1, 3), (2, 3)]).boxes

    assert boxes[0].center == boxes[3].center
    assert boxes[2].x - boxes[1].right == BESIDE
    assert 2 * boxes[0].center == boxes[1].center + boxes[2].center


def test_crossings_go():
    """Branches are put in an order in which edges do not cross."""
    edges = [(0, 1), (0, 2), (1, 4), (2, 3)]

    boxes = laid(5, edges).boxes

    assert (boxes[1].x < boxes[2].x) == (boxes[4].x < boxes[3].x)


def test_source_stands_above_what_it_feeds():
    """A second source is not at the top, if what it feeds is far down."""
    boxes = laid(5, [(0, 1), (1, 2), (2, 4), (3, 4)]).boxes

    assert boxes[3].y == boxes[2].y


def test_strangers_fill_rows():
    """Blocks that nothing is joined to make several rows."""
    boxes = laid(30, []).boxes

    assert len({box.y for box in boxes}) == 4


def test_edges_that_went_lead_back():
    """In a circle it is an edge that counts less which leads up."""
    edges = [(0, 1), (1, 0)]

    kept_first, kept_second = laid(2, edges, gone=[1]), laid(2, edges, gone=[0])

    assert kept_first.boxes[0].y < kept_first.boxes[1].y
    assert kept_second.boxes[0].y > kept_second.boxes[1].y


def test_edges_that_went_move_nothing():
    """What is left stands as straight as if nothing had been there."""
    edges = [(0, 1), (1, 2), (0, 2)]

    boxes = laid(3, edges, gone=[2]).boxes

    assert len({box.center for box in boxes}) == 1


def test_lanes():
    """Where long edges would need too many columns they share lanes at the side."""
    count = 150
    edges = [(i, i + 1) for i in range(count - 1)]
    edges += [(i, count - 1) for i in range(count - 2)]
    edges += [(0, i) for i in range(75, count - 1, 2)]

    drawing = laid(count, edges)

    rightmost = max(box.right for box in drawing.boxes)
    lanes = {max(x for x, _ in route) for route in drawing.routes}
    assert len([x for x in lanes if x > rightmost]) == 2
    assert_apart(drawing.boxes)
    assert_inside(drawing)
    assert_clear(drawing, edges)


def test_lanes_are_used_again():
    """A lane that ends further up is free for others further down."""
    half = [(i, i + 1) for i in range(99)] + [(i, 99) for i in range(98)]
    edges = [*half, (99, 100), *((a + 100, b + 100) for a, b in half)]

    drawing = laid(200, edges)

    rightmost = max(box.right for box in drawing.boxes)
    lanes = {max(x for x, _ in route) for route in drawing.routes}
    assert len([x for x in lanes if x > rightmost]) == 1
    assert_clear(drawing, edges)


graphs = st.integers(0, 14).flatmap(
    lambda count: st.tuples(
        st.lists(
            st.tuples(st.integers(20, 150), st.integers(10, 60)),
            min_size=count,
            max_size=count,
        ),
        st.lists(
            st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)),
            max_size=24,
        )
        if count
        else st.just([]),
        st.lists(st.sampled_from([None, 0, 1, 2]), min_size=count, max_size=count),
        st.sets(st.integers(0, 23), max_size=6),
    )
)


@given(graphs)
def test_nothing_overlaps(graph):
    """Whatever the graph, boxes are apart and edges are clear of them."""
    halves, edges, groups, gone = graph
    sizes = [(2 * width, 2 * height) for width, height in halves]

    drawing = lay_out(sizes, edges, gone=gone, groups=groups)

    assert [box[2:] for box in drawing.boxes] == sizes
    assert_apart(drawing.boxes)
    assert_inside(drawing)
    assert_clear(drawing, edges)
    assert drawing == lay_out(sizes, edges, gone=gone, groups=groups)
    found = frame_groups(drawing, edges, groups)
    if found is not None:
        assert_apart([*found.values()])
        for at, box in enumerate(drawing.boxes):
            inside = {group for group, frame in found.items() if frame.meets(box)}
            assert inside == {groups[at]} - {None}


def test_frames():
    """Branches of two groups have frames that are apart and hold their boxes."""
    edges = [(0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 5)]
    groups = [None, 0, 1, 0, 1, None]

    drawing = laid(6, edges, groups=groups)
    found = frame_groups(drawing, edges, groups)

    assert [*found] == [0, 1]
    assert found[0].x == drawing.boxes[1].x - FRAME_SIDE
    assert found[0].bottom == drawing.boxes[3].bottom + FRAME_SIDE
    assert found[0].right < found[1].x
    assert min(frame.x for frame in found.values()) == MARGIN


ABOVE, BELOW, ASIDE = (
    Box(100, 100, 80, 40),
    Box(100, 300, 80, 40),
    Box(400, 300, 80, 40),
)
THROUGH = [(140, 140), (140, 300)]


@pytest.mark.parametrize(
    ("boxes", "edges", "routes", "groups"),
    [
        ([ABOVE, Box(100, 200, 80, 40), BELOW], [], [], [0, None, 0]),
        ([ABOVE, Box(110, 200, 80, 40), BELOW, ASIDE], [], [], [0, 1, 0, 1]),
        ([ABOVE, ASIDE, BELOW, ASIDE], [(1, 3)], [THROUGH], [0, None, 0, None]),
        ([ABOVE, Box(200, 100, 80, 40)], [], [], [0, 1]),
    ],
    ids=["stranger", "each other's block", "edge", "each other"],
)
def test_no_frames(boxes, edges, routes, groups):
    """There are no frames where one would meet a stranger."""
    assert frame_groups(Layered(boxes, routes, 600, 400), edges, groups) is None


@pytest.mark.parametrize("name", NAMES)
def test_examples(name):
    """In the pictures of the examples nothing overlaps, and no edge crosses a box."""
    for workflow in workflows(name).values():
        graph = graph_of(workflow.compile())
        edges = [(link.source, link.target) for link in graph.links]
        drawing = _make_drawing(graph).drawing

        assert_apart(drawing.boxes)
        assert_inside(drawing)
        assert_clear(drawing, edges)


def test_examples_compared():
    """The same holds where one variant is drawn over another."""
    found = workflows("regional_variants")
    graph = graph_between(found["us"].compile(), found["de"].compile())
    edges = [(link.source, link.target) for link in graph.links]
    drawing = _make_drawing(graph).drawing

    assert_apart(drawing.boxes)
    assert_clear(drawing, edges)


LARGE = 2_000


@pytest.mark.slow
@pytest.mark.parametrize(
    "edges",
    [
        [(i, i + 1) for i in range(LARGE)],
        [(0, i) for i in range(1, LARGE)] + [(i, LARGE) for i in range(1, LARGE)],
        [(i, i + 1) for i in range(LARGE)] + [(i, LARGE) for i in range(0, LARGE, 2)],
        [(i, i + 2) for i in range(LARGE - 1)] + [(i, i + 1) for i in range(LARGE)],
        [(i, (i + 1) % LARGE) for i in range(LARGE)],
        sorted(
            {tuple(sorted(Random(i).sample(range(LARGE), 2))) for i in range(3_000)}
        ),
    ],
    ids=["chain", "wide", "ladder", "comb", "circle", "random"],
)
def test_large_graphs(edges):
    """A layout takes neither recursion nor square time."""
    started = time.process_time()
    drawing = laid(LARGE + 1, edges)

    assert time.process_time() - started < 5
    assert_apart(drawing.boxes)


def test_layers_stand_as_near_as_asked_for():
    near, far = (laid(3, [(0, 1), (1, 2)], between=room) for room in (20, 90))

    assert [box.y - MARGIN for box in near.boxes] == [0, 60, 120]
    assert [box.y - MARGIN for box in far.boxes] == [0, 130, 260]


def test_path_across_is_the_path_down_with_x_and_y_exchanged():
    edges = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)]

    for route in laid(4, edges).routes:
        down, across = trace_route(route), trace_route(route, is_across=True)
        pairs = [numbers_in(path) for path in (down, across)]
        assert pairs[1] == [(y, x) for x, y in pairs[0]]
        assert re.sub(r"\d+", "", down) == re.sub(r"\d+", "", across)


def numbers_in(path):
    found = [int(number) for number in re.findall(r"\d+", path)]
    return [*zip(found[::2], found[1::2], strict=True)]
