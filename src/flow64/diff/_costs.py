"""Words for the cost of a workflow before and after a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum
from typing import Final

from ..analysis import Estimate
from ..text import format_dollars
from ._lines import ARROW

PER_ROWS: Final = "per 1,000 input rows"
"""What a cost is for."""

COST: Final = f"cost {PER_ROWS}"
"""The name of the cost that every plan, review and diff shows."""


def format_cost_change(
    before: Estimate | None,
    after: Estimate,
    word: Callable[[Estimate], str] = Estimate.describe,
) -> str:
    """Return both costs and their difference, as in `at most $150 → $450 (+$300)`.

    Args:
        before: The cost before. None for a new workflow.
        after: The cost after.
        word: Writes one cost.
    """
    most = "at most " if has_upper_bound(before, after) else ""
    if before is None:
        return f"{most}{word(after)}"
    if before == after:
        return f"unchanged, {most}{word(after)}"
    difference = format_cost_difference(before, after)
    more = f" ({difference})" if difference else ""
    return f"{most}{word(before)} {ARROW} {word(after)}{more}"


def format_total_cost(found: Sequence[tuple[Estimate | None, Estimate]]) -> str:
    """Return what several workflows cost together, before and after.

    Args:
        found: The cost of each before and after. Before, it is None for a new one.
    """
    partly = sum(_count_dollars(after) is None for _, after in found)
    if partly:
        return f"not known, since {partly:,} may cost an unknown amount"
    old, new = (
        [_count_dollars(one) for one in side if one is not None]
        for side in zip(*found, strict=True)
    )
    total = Estimate(fsum(filter(None, new)), (), ())
    if not old or None in old:
        return format_cost_change(None, total, Estimate.brief)
    before = Estimate(fsum(filter(None, old)), (), ())
    return format_cost_change(before, total, Estimate.brief)


def _count_dollars(cost: Estimate) -> float | None:
    """Return the dollars of a cost. None if a part of it is not known."""
    return None if cost.open or cost.unpriced else cost.dollars


def has_upper_bound(before: Estimate | None, after: Estimate) -> bool:
    """Return True if one of two costs, or a part of it, has an upper bound."""
    return any(one and one.dollars is not None for one in (before, after))


def format_cost_difference(before: Estimate, after: Estimate) -> str:
    """Return the difference of two costs, as in `+$300`; empty if it is not known."""
    dollars = find_cost_difference(before, after)
    if dollars is None:
        return ""
    return f"{'-' if dollars < 0 else '+'}{format_dollars(abs(dollars))}"


def find_cost_difference(before: Estimate, after: Estimate) -> float | None:
    """Return how many dollars more a cost is than another; None if that is unknown."""
    others = {(one.unpriced, one.open) for one in (before, after)}
    if before.dollars is None or after.dollars is None or len(others) > 1:
        return None
    return round(after.dollars - before.dollars, 6)
