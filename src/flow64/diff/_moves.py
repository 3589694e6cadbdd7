"""Which blocks stand elsewhere in the flow than they did."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from ..definition import Topology
from ._order import out_of_order


def moved(before: Topology, after: Topology, pairs: Mapping[int, int]) -> set[int]:
    """Positions now of the blocks that came before others and come after them now.

    Only what edges say counts: both flows are put in an order, each as near to that of
    the other as its edges allow, and the fewest blocks are told that break it.
    """
    place = {at: rank for rank, at in enumerate(after.order)}
    wanted = {one: place[other] for one, other in pairs.items()}
    ranks = {
        pairs[at]: rank
        for rank, at in enumerate(_ordered(before, wanted))
        if at in pairs
    }
    order = [ranks[at] for at in _ordered(after, ranks) if at in ranks]
    late = out_of_order(order)
    return {at for at, rank in ranks.items() if rank in late}


def _ordered(topology: Topology, ranks: Mapping[int, int]) -> list[int]:
    """A topological order, by rank where edges leave a choice; nothing of a cycle.

    What has no rank comes as soon as it can, so that it keeps nothing else waiting.
    """
    waiting = [len(parents) for parents in topology.parents]
    ready = [(ranks.get(at, -1), at) for at, count in enumerate(waiting) if not count]
    heapify(ready)
    found = []
    while ready:
        _, at = heappop(ready)
        found.append(at)
        for child in topology.children[at]:
            waiting[child] -= 1
            if not waiting[child]:
                heappush(ready, (ranks.get(child, -1), child))
    return found
