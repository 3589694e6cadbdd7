"""The order of nodes: a chain keeps its own, however long; all else is sorted."""

from __future__ import annotations

import pytest

from flow64.compiler._collect import collect
from flow64.compiler._order import SHORT, arrange_nodes
from flow64.dsl import Flow, RawBlock


def steps(count: int) -> list[RawBlock]:
    return [RawBlock("step", key=f"k{number:03d}") for number in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, SHORT, SHORT + 1])
def test_chain_is_in_order_however_it_was_nested(count):
    first, *others = steps(count)
    left: Flow = first
    for block in others:
        left = left >> block
    *others, last = steps(count)
    right: Flow = last
    for block in reversed(others):
        right = block >> right

    found = [arrange_nodes(collect([flow])) for flow in (left, right)]

    for order, topology in found:
        assert [*order] == [*range(count)]
        assert topology.sources == [*range(count - 1)]
        assert topology.targets == [*range(1, count)]
        assert topology.is_forward


@pytest.mark.parametrize("count", [4, SHORT + 2])
def test_star_of_as_many_edges_as_a_chain_is_none(count):
    first, *others = steps(count)

    order, topology = arrange_nodes(collect([first >> others]))

    assert [*order] == [*range(count)]
    assert topology.sources == [0] * (count - 1)
    assert topology.targets == [*range(1, count)]
