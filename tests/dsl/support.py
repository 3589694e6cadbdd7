"""Blocks by name, and the graph that a flow becomes, in names."""

from __future__ import annotations

from flow64 import RawBlock, Workflow


def blocks(*names):
    """A block for each name, which is its key."""
    return [RawBlock("step", key=name) for name in names]


def compiled(*flows):
    """The definition of some flows, faulty or not."""
    return Workflow("w", *flows).lower().definition


def names(*flows):
    """The key paths of the blocks of some flows, in their order."""
    definition = compiled(*flows)
    return [definition.origins[at].path for at in range(len(definition.blocks))]


def edges(*flows):
    """The edges of some flows as sorted pairs of key paths."""
    definition = compiled(*flows)
    name = {
        block.id: definition.origins[at].path
        for at, block in enumerate(definition.blocks)
    }
    return sorted((name[edge.source], name[edge.target]) for edge in definition.edges)
