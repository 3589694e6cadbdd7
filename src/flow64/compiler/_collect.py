"""First pass: a flow becomes nodes and edges. Each block is visited once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from attrs import frozen

from ..dsl import Block, Flow

NodeEnds: TypeAlias = Any
"""Entries or exits of a part: None, a node's position, or a list of NodeEnds.

NodeEnds are joined by nesting, without copying, and read when edges are made, so that a
flow of n blocks costs n steps however it is built.
"""

Span: TypeAlias = tuple[NodeEnds, NodeEnds, bool]
"""The ends of a flow: its entries, its exits, and whether rows pass by it."""


@frozen(eq=False)
class Scope:
    """A scope by its path; equal paths are one object within a graph."""

    parent: Scope | None = None
    name: str = ""
    was: str | None = None


ROOT: Final = Scope()
"""The workflow itself."""


class FlowGraph:
    """Nodes and edges of a flow, in the order in which they were met.

    Attributes:
        blocks: The block of each node.
        scopes: The scope of each node.
        sources: Position of the node that each edge leaves.
        targets: Position of the node that each edge enters.
        nodes: For each scope its blocks, with the positions of their nodes.
    """

    __slots__ = ("blocks", "nodes", "scopes", "sources", "targets")

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.scopes: list[Scope] = []
        self.sources: list[int] = []
        self.targets: list[int] = []
        self.nodes: dict[Scope, dict[Any, int]] = {ROOT: {}}


class _Pending:
    """A mark between flows on the stack: a step to take once their parts are done."""

    __slots__ = ("shape", "value")

    def __init__(self, shape: str, value: Any = None) -> None:
        self.shape = shape
        self.value = value


_JOIN: Final = _Pending("join")
_TAPPED: Final = _Pending("tapped")


def collect(flows: Sequence[Flow[Any, Any]]) -> FlowGraph:
    """Return the graph of flows: one node for each block object in each scope."""
    graph = FlowGraph()
    scopes: dict[tuple[Scope, str, str | None], Scope] = {}
    for flow in flows:
        _collect(flow, graph, scopes)
    return graph


def _collect(  # noqa: C901, PLR0912, PLR0915 - one loop over all shapes, the hottest there is
    flow: Flow[Any, Any],
    graph: FlowGraph,
    known: dict[tuple[Scope, str, str | None], Scope],
) -> None:
    """Replace flows on a stack by their parts, and marks that join the parts."""
    blocks, scopes = graph.blocks, graph.scopes
    sources, targets = graph.sources, graph.targets
    scope, here = ROOT, graph.nodes[ROOT]
    todo: list[Any] = [flow]
    done: list[Span] = []
    while todo:
        item = todo.pop()
        shape = item.shape
        while shape == "series":  # down the left side, which is where chains are long
            todo.append(_JOIN)
            todo.append(item.right)
            item = item.left
            shape = item.shape
        if shape == "block":
            entry = before = None
            while True:
                node = here.get(item)
                if node is None:
                    node = here[item] = len(blocks)
                    blocks.append(item)
                    scopes.append(scope)
                if before is None:
                    entry = node
                else:
                    sources.append(before)
                    targets.append(node)
                # One block after another, as nearly always, is joined at once.
                if len(todo) < 2 or todo[-2] is not _JOIN or todo[-1].shape != "block":
                    break
                before, item = node, todo.pop()
                todo.pop()
            done.append((entry, node, False))
        elif shape == "join":
            entries, exits, passes = done.pop()
            first = done[-1]
            if (
                passes
                or first[2]
                or type(entries) is not int
                or type(first[1]) is not int
            ):
                done[-1] = _join(graph, first, (entries, exits, passes))
            else:
                sources.append(first[1])
                targets.append(entries)
                done[-1] = (first[0], exits, False)
        elif shape == "parallel":
            todo.append(_Pending("united", len(item.members)))
            todo += reversed(item.members)
        elif shape == "united":
            parts = done[-item.value :]
            done[-item.value :] = [_unite(parts)]
        elif shape == "tap":
            todo += (_TAPPED, item.flow)
        elif shape == "tapped":
            done[-1] = (done[-1][0], None, True)
        elif shape == "scope":
            todo += (_Pending("left", scope), item.flow)
            key = (scope, item.name, item.was)
            if key not in known:
                known[key] = Scope(*key)
                graph.nodes[known[key]] = {}
            scope, here = known[key], graph.nodes[known[key]]
        elif shape == "left":
            scope, here = item.value, graph.nodes[item.value]
        else:  # nothing: rows pass
            done.append((None, None, True))


def _join(graph: FlowGraph, first: Span, second: Span) -> Span:
    """Join two parts one after the other, and add the edges between them."""
    entries, exits, passes = first
    next_entries, next_exits, next_passes = second
    if exits is not None and next_entries is not None:
        ins = _positions(next_entries)
        for source in _positions(exits):
            graph.sources += [source] * len(ins)
            graph.targets += ins
    return (
        _both(entries, next_entries) if passes else entries,
        _both(exits, next_exits) if next_passes else next_exits,
        passes and next_passes,
    )


def _unite(parts: Sequence[Span]) -> Span:
    """Unite parts side by side. Rows pass if they pass every one."""
    entries = [entries for entries, _, _ in parts if entries is not None]
    exits = [exits for _, exits, _ in parts if exits is not None]
    return entries or None, exits or None, all(passes for _, _, passes in parts)


def _both(first: NodeEnds, second: NodeEnds) -> NodeEnds:
    if first is None:
        return second
    return first if second is None else [first, second]


def _positions(ends: NodeEnds) -> list[int]:
    """Return the nodes of some ends in order, at any depth."""
    if type(ends) is int:
        return [ends]
    found = []
    todo = [ends]
    while todo:
        item = todo.pop()
        if type(item) is int:
            found.append(item)
        else:
            todo += reversed(item)
    return found
