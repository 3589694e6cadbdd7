"""The stable topological order: of the nodes that are ready, the least path first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from heapq import heappop, heappush
from itertools import islice
from operator import lt
from typing import Any, Final

from ..definition import Topology
from ._collect import FlowGraph
from ._keys import Paths

SHORT: Final = 64
"""Maximum nodes of a chain that shares one topology with all chains of its length."""


def arrange_nodes(graph: FlowGraph) -> tuple[Sequence[int], Topology]:
    """Return the order of the nodes, and the edges by positions in it."""
    count = len(graph.blocks)
    sources, targets = graph.sources, graph.targets
    if len(sources) == count - 1:
        if count > 2 and sources[0] == count - 2:
            # A chain that was nested to the right is joined from its end.
            sources, targets = sources[::-1], targets[::-1]
        # A chain has one order, the one it was met in.
        if count <= SHORT:
            chain = _chain(count)
            if sources == chain.sources and targets == chain.targets:
                return range(count), chain
        elif sources == list(range(count - 1)) and targets == list(range(1, count)):
            return range(count), Topology(sources, targets, count, is_forward=True)
    order = order_nodes(count, sources, targets, Paths(graph))
    rank = [0] * count
    for position, node in enumerate(order):
        rank[node] = position
    sources = [rank[source] for source in sources]
    targets = [rank[target] for target in targets]
    # Pairs as single numbers: they sort and compare several times faster than tuples.
    pairs = [s * count + t for s, t in zip(sources, targets, strict=True)]
    if not all(map(lt, pairs, islice(pairs, 1, None))):
        pairs = sorted(set(pairs))
        sources = [pair // count for pair in pairs]
        targets = [pair % count for pair in pairs]
    is_forward = all(map(lt, sources, targets))
    return order, Topology(sources, targets, count, is_forward)


def order_nodes(
    count: int,
    sources: list[int],
    targets: list[int],
    paths: Callable[[list[int]], list[str]],
) -> list[int]:
    """Return the nodes in order; those on or behind a cycle come last, by path.

    Args:
        sources: The node that each edge leaves.
        targets: The node that each edge enters.
        paths: Returns the paths of nodes, which decide between nodes that are ready.
    """
    children, waiting = _below(count, sources, targets)
    ready = _ReadyNodes(paths)
    ready.add([node for node, edges in enumerate(waiting) if not edges])
    order: list[int] = []
    while ready:
        node = ready.pop()
        order.append(node)
        freed = []
        for child in children[node]:
            waiting[child] -= 1
            if not waiting[child]:
                freed.append(child)
        if freed:
            ready.add(freed)
    if len(order) < count:
        placed = set(order)
        left = [node for node in range(count) if node not in placed]
        order += reversed(_descending(left, paths))
    return order


@lru_cache(maxsize=SHORT)
def _chain(count: int) -> Topology:
    """Return the edges of a chain with its nodes in order."""
    sources, targets = list(range(count - 1)), list(range(1, count))
    return Topology(sources, targets, count, is_forward=True)


class _ReadyNodes:
    """The nodes that are ready. `pop` returns the one with the least path.

    Nodes that became ready together are sorted once, and taken from the end of a list.
    Nodes that become ready before that list is empty go through a heap.
    """

    __slots__ = ("batch", "heap", "paths")

    def __init__(self, paths: Callable[[list[int]], list[str]]) -> None:
        self.paths = paths
        self.batch: list[int] = []
        self.heap: list[tuple[str, int]] = []

    def __bool__(self) -> bool:
        return bool(self.batch or self.heap)

    def add(self, nodes: list[int]) -> None:
        """Add nodes that became ready together."""
        if self.batch or self.heap:
            for entry in zip(self.paths(nodes), nodes, strict=True):
                heappush(self.heap, entry)
        else:
            self.batch = _descending(nodes, self.paths)

    def pop(self) -> int:
        """Take the node with the least path."""
        batch, heap = self.batch, self.heap
        if heap and not (batch and self.paths([batch[-1]])[0] < heap[0][0]):
            return heappop(heap)[1]
        return batch.pop()


def _below(
    count: int, sources: list[int], targets: list[int]
) -> tuple[list[Sequence[int]], list[int]]:
    """Return the nodes that each node feeds, and how many feed it."""
    children: list[Any] = [()] * count
    waiting = [0] * count
    for source, target in zip(sources, targets, strict=True):
        if children[source]:
            children[source].append(target)
        else:
            children[source] = [target]
        waiting[target] += 1
    return children, waiting


def _descending(nodes: list[int], paths: Callable[[list[int]], list[str]]) -> list[int]:
    if len(nodes) < 2:
        return nodes
    pairs = sorted(zip(paths(nodes), nodes, strict=True), reverse=True)
    return [node for _, node in pairs]
