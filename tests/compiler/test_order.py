"""The order of nodes: a chain of any length keeps its own; all else is sorted."""

from __future__ import annotations

import pytest

from flow64 import Workflow
from flow64.dsl import Flow, RawBlock

LONG = 64
"""Blocks of the longest chain with a shared topology."""


def steps(count: int) -> list[RawBlock]:
    return [RawBlock("step", key=f"k{number:03d}") for number in range(count)]


def arranged(flow):
    """The keys of the blocks in order, and the edges by position."""
    made = Workflow("Leads", flow, key="leads").compile()
    keys = [made.origins[at].key for at in range(len(made.blocks))]
    topology = made.topology
    return keys, [*topology.sources], [*topology.targets], topology.is_forward


@pytest.mark.parametrize("count", [1, 2, 3, LONG, LONG + 1])
def test_chain_is_in_order_however_it_was_nested(count):
    first, *others = steps(count)
    left: Flow = first
    for block in others:
        left = left >> block
    *others, last = steps(count)
    right: Flow = last
    for block in reversed(others):
        right = block >> right

    keys = [f"k{number:03d}" for number in range(count)]
    expected = (keys, [*range(count - 1)], [*range(1, count)], True)
    assert arranged(left) == arranged(right) == expected


@pytest.mark.parametrize("count", [4, LONG + 2])
def test_star_with_as_many_edges_as_a_chain(count):
    first, *others = steps(count)

    keys, sources, targets, _ = arranged(first >> others)

    assert keys == [f"k{number:03d}" for number in range(count)]
    assert sources == [0] * (count - 1)
    assert targets == [*range(1, count)]
