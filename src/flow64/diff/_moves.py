"""Find the blocks that stand at another place of the flow."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush

from ..definition import Topology


def find_late_blocks(
    before: Topology, after: Topology, pairs: Mapping[int, int]
) -> set[int]:
    """Return the positions now of blocks that came before others and now come after.

    Only edges count. Both flows are put in an order, each as near to that of the other
    as its edges allow. The result has the fewest blocks that break the order.
    """
    place = {at: rank for rank, at in enumerate(after.order)}
    wanted = {one: place[other] for one, other in pairs.items()}
    ranks = {
        pairs[at]: rank
        for rank, at in enumerate(_order_by_rank(before, wanted))
        if at in pairs
    }
    order = [ranks[at] for at in _order_by_rank(after, ranks) if at in ranks]
    late = out_of_order(order)
    return {at for at, rank in ranks.items() if rank in late}


def _order_by_rank(topology: Topology, ranks: Mapping[int, int]) -> list[int]:
    """Return a topological order, by rank if edges leave a choice, without cycles.

    A block without a rank comes as early as possible, so that no other block waits.
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


def out_of_order(numbers: Sequence[int]) -> set[int]:
    """Return the fewest of some distinct numbers without which the others go up."""
    ends: list[int] = []  # the last number of the best run of each length
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        before[number] = ends[at - 1] if at else None
        ends[at : at + 1] = [number]
    kept: set[int] = set()
    last = ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return set(numbers) - kept
