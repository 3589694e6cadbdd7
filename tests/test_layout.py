"""Layouts: nothing overlaps, edges run where no other block is, and time is linear."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.layout import MARGIN, Box, lay_out, trace_route, trace_tip

WIDTH, HEIGHT = 120, 40


def laid(count, edges, **more):
    return lay_out([(WIDTH, HEIGHT)] * count, edges, **more)


def meet(one, other):
    return (
        one.x < other.right
        and other.x < one.right
        and one.y < other.bottom
        and other.y < one.bottom
    )


def box_between(one, other):
    """The box around a piece of a route."""
    (x, right), (y, bottom) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    return Box(x, y, max(right - x, 1), max(bottom - y, 1))


@st.composite
def graphs(draw):
    count = draw(st.integers(0, 12))
    ends = st.integers(0, max(count - 1, 0))
    edges = draw(st.lists(st.tuples(ends, ends), max_size=20)) if count else []
    even = st.integers(10, 100).map(lambda number: 2 * number)
    sizes = draw(st.lists(st.tuples(even, even), min_size=count, max_size=count))
    return sizes, edges


@given(graphs())
def test_nothing_overlaps(graph):
    sizes, edges = graph

    drawing = lay_out(sizes, edges)

    assert [(box.width, box.height) for box in drawing.boxes] == sizes
    assert not [pair for pair in combinations(drawing.boxes, 2) if meet(*pair)]
    for box in drawing.boxes:
        assert box.x >= MARGIN <= box.y
        assert box.right <= drawing.width - MARGIN
        assert box.bottom <= drawing.height - MARGIN
    for (source, target), route in zip(edges, drawing.routes, strict=True):
        pieces = [box_between(*pair) for pair in pairwise(route)]
        others = [
            box for at, box in enumerate(drawing.boxes) if at not in (source, target)
        ]
        assert not any(meet(piece, box) for piece in pieces for box in others)
        assert all(0 <= x <= drawing.width for x, _ in route)
    assert lay_out(sizes, edges) == drawing


def test_chain_is_straight():
    drawing = laid(3, [(0, 1), (1, 2)])

    assert len({box.center for box in drawing.boxes}) == 1
    assert all(len(route) == 2 for route in drawing.routes)


def test_fork_is_even():
    top, left, right, below = laid(4, [(0, 1), (0, 2), (1, 3), (2, 3)]).boxes

    assert top.center == below.center == (left.center + right.center) // 2


def test_source_stands_above_what_it_feeds():
    boxes = laid(4, [(0, 1), (1, 2), (3, 2)]).boxes

    assert boxes[3].y == boxes[1].y


def test_blocks_without_edges_fill_rows():
    assert len({box.y for box in laid(20, []).boxes}) == 3


def test_cycle_leads_back_up():
    drawing = laid(3, [(0, 1), (1, 2), (2, 0)])

    assert drawing.boxes[0].y < drawing.boxes[1].y < drawing.boxes[2].y
    assert drawing.routes[2][0][1] > drawing.routes[2][-1][1]


def test_edges_beyond_all_columns_run_beside():
    """A hub that feeds every block of a long chain has few columns."""
    edges = [*((at, at + 1) for at in range(199)), *((0, at) for at in range(2, 200))]

    drawing = laid(200, edges)

    right = max(box.right for box in drawing.boxes)
    assert drawing.width < 20_000
    assert any(max(x for x, _ in route) > right for route in drawing.routes)


def test_layers_stand_as_near_as_asked_for():
    top, below = laid(2, [(0, 1)], between=10).boxes

    assert below.y - top.bottom == 10


@pytest.mark.parametrize("edge", [(0, 1), (1, 2), (0, 2), (2, 0), (1, 1)])
def test_path_across_is_the_path_down_with_x_and_y_exchanged(edge):
    drawing = laid(3, [(0, 1), (1, 2), edge])

    down, across = (
        [*map(int, re.findall(r"\d+", trace_route(drawing.routes[2], is_across=way)))]
        for way in (False, True)
    )

    assert across[::2] == down[1::2]
    assert across[1::2] == down[::2]
    assert trace_tip(drawing.routes[2]).startswith("M")
