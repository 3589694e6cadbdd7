"""The first lines of a review: five answers, always in the same order.

They say what changes, what breaks, what it costs, what was not checked, and what is
asked of the reviewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from ...analysis import Estimate
from ...diff import (
    COST,
    PER_ROWS,
    format_cost_change,
    format_cost_difference,
    format_total_cost,
    has_upper_bound,
)
from ...plan import ABSENT_BASE, DIRTY_TREE, Review
from ...text import join_first, pluralize
from ._grouping import Group
from ._losses import list_breaks, list_losses
from ._outcomes import MOST_GROUPS, MOST_KEYS, list_outcomes
from ._words import (
    Quote,
    format_group_cost,
    is_breaking,
    join_groups,
    name_group,
)


@frozen
class Fact:
    """One answer of the first lines.

    Attributes:
        label: The question.
        texts: The answer.
        is_asked: Whether it is what the reviewer is asked for.
        is_bad: Whether something breaks.
    """

    label: str
    texts: Sequence[str]
    is_asked: bool = False
    is_bad: bool = False

    @property
    def text(self) -> str:
        """The answer in one line."""
        return "; ".join(self.texts)

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


def list_facts(
    review: Review, groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Sequence[Fact]:
    """Return what changes, breaks and costs, what was not checked, and what is asked.

    Args:
        review: The review.
        groups: Its groups.
        quote: Writes a name that data gives.
        sentence: Writes a sentence with words of data in it.
    """
    broken, lost = [*list_breaks(groups, quote)], [*list_losses(groups, quote)]
    is_broken = bool(broken)
    if not is_broken:
        broken = [_NOTHING_BREAKS if lost else _NOTHING_SEEN]
    return [
        Fact("what changes", [*list_outcomes(review, groups, quote)]),
        Fact("breaks or is lost", [*broken, *lost], is_bad=is_broken),
        Fact(COST, [*_list_costs(groups, quote)]),
        Fact("not checked", [*_list_doubts(review, sentence)]),
        Fact(
            "asked of you",
            [*_list_requests(groups, quote, is_broken=any(map(is_breaking, groups)))],
            is_asked=True,
        ),
    ]


_NOTHING_SEEN: Final = "nothing that flow64 can see"
_NOTHING_BREAKS: Final = "nothing breaks that flow64 can see"

# -- What it costs ---------------------------------------------------------------------


def _list_costs(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield the cost before and after, and what the deploy itself spends."""
    known = [group for group in groups if group.one.details.cost_after is not None]
    differ = [group for group in known if _is_cost_changed(group)]
    bound = _EVERY_ROW if any(map(_is_bounded, known)) else ""
    if differ:
        is_only = len(known) == 1

        def describe(group: Group) -> str:
            cost = format_group_cost(group, Estimate.brief)
            each = " each" if len(group.views) > 1 else ""
            return f"{'' if is_only else f'{name_group(group, quote)} '}{cost}{each}"

        yield join_first(differ, MOST_GROUPS, describe) + bound
    else:
        costs = [*dict.fromkeys(format_group_cost(g, Estimate.brief) for g in known)]
        each = " each" if sum(len(group.views) for group in known) > 1 else ""
        yield (f"{costs[0]}{each}" if len(costs) == 1 else "unchanged") + bound
    yield from _list_total_cost(known)
    if settings := _describe_settings(groups, quote):
        yield f"not set by code: {settings}"
    spending = [group for group in groups if group.one.spends]
    spends = join_groups(spending, quote, MOST_KEYS)
    verb = "spends" if len(spending) == 1 else "spend"
    yield f"{spends} {verb} at deploy" if spends else "the deploy itself spends nothing"


_EVERY_ROW: Final = ", if every row reaches every block"
"""What `at most` means. It is said once, behind the first costs."""


def _list_total_cost(groups: Sequence[Group]) -> Iterator[str]:
    """Yield what several workflows cost together, without possible renames."""
    found = [
        (one.details.cost_before, one.details.cost_after)
        for group in groups
        if group.first.rename is None
        for one in (view.step for view in group.views)
        if one.details.cost_after is not None
    ]
    if len(found) > 1:
        number = pluralize(len(found), "workflow")
        yield f"{number} together, 1,000 rows each: {format_total_cost(found)}"


def _is_cost_changed(group: Group) -> bool:
    return group.one.details.cost_before != group.one.details.cost_after


def _is_bounded(group: Group) -> bool:
    details = group.one.details
    after = details.cost_after
    return after is not None and has_upper_bound(details.cost_before, after)


def _describe_settings(groups: Sequence[Group], quote: Quote) -> str:
    """Return the fields that code does not set, with the cost without and with them."""
    named: list[str] = []
    for group in groups:
        for one in group.one.settings:
            field = ".".join(map(str, one.path))
            costs = ""
            if one.before != one.after:
                costs = f" {format_cost_change(one.before, one.after, Estimate.brief)}"
            named.append(f"{name_group(group, quote)} {quote(field)}{costs}")
    return join_first(named, MOST_GROUPS)


# -- What was not checked --------------------------------------------------------------


def _list_doubts(review: Review, sentence: Quote) -> Iterator[str]:
    """Yield what was not checked, each with the number of its workflows.

    A dirty working tree is said of each workflow, and is no headline.
    """
    whole = dict.fromkeys(map(_shorten_doubt, review.not_checked))
    found = Counter(
        doubt
        for one in review.notable
        for doubt in dict.fromkeys(map(_shorten_doubt, one.not_checked))
        if doubt != _shorten_doubt(DIRTY_TREE)
    )
    parts = [
        f"{sentence(doubt)} ({pluralize(number, 'workflow')})"
        for doubt, number in found.items()
    ]
    doubts = [*map(sentence, whole), *parts]
    if (more := len(doubts) - MOST_GROUPS) > 0:
        doubts[MOST_GROUPS:] = [pluralize(more, "more thing")]
    yield from doubts
    yield _NO_RUN


_NO_RUN: Final = "what the blocks return (a review starts no run)"


def _shorten_doubt(doubt: str) -> str:
    """Return what was not checked, without the reason."""
    if doubt == ABSENT_BASE:
        return "what was edited on the service"
    return doubt.partition(": ")[0]


# -- What is asked ---------------------------------------------------------------------


def _list_requests(
    groups: Sequence[Group], quote: Quote, *, is_broken: bool
) -> Iterator[str]:
    """Yield what the reviewer has to decide."""
    writing = [group for group in groups if group.one.action not in ("none", "refuse")]
    refused = [group for group in groups if group.one.action == "refuse"]
    if writing:
        costs = _list_increases(writing, quote)
        approve = "approve the change"
        if is_broken:
            approve = "reject the change, or approve it although it breaks something"
        waits = "" if refused else f"; {_NOTHING_YET}"
        yield f"{approve}{costs and f', and {costs}'}{waits}"
    spending = [
        group
        for group in groups
        if group.one.spends and "allow_spend" not in group.one.details.given
    ]
    if spending:
        named = join_groups(spending, quote, MOST_GROUPS)
        verb = "spends" if len(spending) == 1 else "spend"
        yield f"agree to what {named} {verb} at deploy"
    if refused:
        named = join_groups(refused, quote, MOST_GROUPS)
        yield f"choose an option for {named}; until then nothing is deployed"
    if not (writing or spending or refused):
        yield "nothing"


_NOTHING_YET: Final = "until somebody deploys it, nothing changes on the service"


def _list_increases(groups: Sequence[Group], quote: Quote) -> str:
    """Return what workflows cost more; empty if none does or that is not known."""
    found: list[tuple[str, Group]] = []
    for group in groups:
        before, after = group.one.details.cost_before, group.one.details.cost_after
        if after is None or before == after:
            continue
        cost = "" if before is None else format_cost_difference(before, after)
        if not cost.startswith("-"):
            found.append((cost or format_group_cost(group, Estimate.brief), group))
    if len(groups) == 1:
        return "".join(f"{cost} {PER_ROWS}" for cost, _ in found)
    listed = join_first(
        found, MOST_GROUPS, lambda one: f"{name_group(one[1], quote)} {one[0]}"
    )
    return listed and f"the {COST}: {listed}"
