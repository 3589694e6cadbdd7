"""The first lines of a review: five answers, always in the same order.

They say what is asked of the reviewer, what changes, what breaks, what it costs, and
what was not checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from attrs import frozen

from ...analysis import Estimate
from ...diff import (
    COST,
    PER_ROWS,
    find_cost_difference,
    format_cost_change,
    format_cost_difference,
    format_total_cost,
    has_upper_bound,
)
from ...plan import ABSENT_BASE, DIRTY_TREE, Action, Review
from ...text import format_dollars, join_first, join_words, pluralize
from ._grouping import Group
from ._losses import list_losses
from ._options import Decision, list_decisions
from ._outcomes import MOST_GROUPS, MOST_KEYS, list_outcomes, list_schedules
from ._words import (
    REVIEWER,
    Quote,
    Reader,
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
        texts: The answer, one fact each.
        breaks: Whether something breaks, for each of the first facts about losses.
    """

    label: str
    texts: Sequence[str]
    breaks: Sequence[bool] = ()

    @property
    def text(self) -> str:
        """The answer in one line."""
        return "; ".join(self.texts)

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


def list_facts(
    review: Review,
    groups: Sequence[Group],
    quote: Quote,
    sentence: Quote,
    reader: Reader = REVIEWER,
) -> Sequence[Fact]:
    """Return what is asked, what changes, breaks and costs, and what was not checked.

    Args:
        review: The review.
        groups: Its groups.
        quote: Writes a name that data gives.
        sentence: Writes a sentence with words of data in it.
        reader: The reader.
    """
    losses = [*list_losses(groups, quote, sentence)]
    breaks = [is_break for is_break, _ in losses]
    nothing = [] if any(breaks) else [_NOTHING_ELSE if losses else _NOTHING_SEEN]
    return [
        Fact(
            "asked of you", [*_list_requests(review, groups, quote, sentence, reader)]
        ),
        Fact("what changes", [*list_outcomes(review, groups, quote, sentence)]),
        Fact("breaks or is lost", [*(text for _, text in losses), *nothing], breaks),
        Fact(COST, [*_list_costs(groups, quote)]),
        Fact(
            "not checked",
            [
                *_list_doubts(review, groups, quote, sentence),
                f"what the blocks return (a {reader.document} starts no run)",
            ],
        ),
    ]


_NOTHING_SEEN: Final = "nothing that flow64 can see"
_NOTHING_ELSE: Final = "nothing else breaks that flow64 can see"


def describe_verdict(groups: Sequence[Group]) -> str:
    """Return what a review finds, in a few words for its heading."""
    broken = sum(len(group.views) for group in groups if is_breaking(group))
    found = []
    if broken:
        found.append(
            f"breaks {'a workflow' if broken == 1 else f'{broken:,} workflows'}"
        )
    if any(group.one.action == "refuse" for group in groups):
        found.append("needs a decision")
    if found:
        return " and ".join(found)
    acting = [group for group in groups if group.one.action != "none"]
    if not acting:
        return "needs no deploy" if groups else "changes nothing"
    actions = {group.one.action for group in acting}
    verb = _VERBS.get(actions.pop(), "changes") if len(actions) == 1 else "changes"
    more = ", costs more" if any(map(_costs_more, acting)) else ""
    number = pluralize(sum(len(one.views) for one in acting), "workflow")
    return f"{verb} {number}{more}"


def _costs_more(group: Group) -> bool:
    return any(_find_increase(part) > 0 for part in group.by_cost)


def _find_increase(group: Group) -> float:
    """Return how many dollars more each of its workflows costs; 0 if not known."""
    before, after = group.one.details.cost_before, group.one.details.cost_after
    if before is None or after is None:
        return 0.0
    return find_cost_difference(before, after) or 0.0


_VERBS: Final[Mapping[Action, str]] = {"create": "creates", "delete": "deletes"}

# -- What it costs ---------------------------------------------------------------------


def _list_costs(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield the cost before and after, and what the deploy itself spends."""
    known = [
        part
        for group in groups
        for part in group.by_cost
        if part.one.details.cost_after is not None
    ]
    differ = [group for group in known if _is_cost_changed(group)]
    bound = _EVERY_ROW if any(map(_is_bounded, known)) else ""
    if differ:
        yield (
            _join_costs(
                [(format_group_cost(one, Estimate.brief), one) for one in differ],
                quote,
                is_named=len(differ) < len(known),
            )
            + bound
        )
    else:
        texts = [*dict.fromkeys(format_group_cost(g, Estimate.brief) for g in known)]
        each = " each" if sum(len(group.views) for group in known) > 1 else ""
        yield (f"{texts[0]}{each}" if len(texts) == 1 else "unchanged") + bound
    yield from _list_total_cost(known)
    if settings := _describe_settings(groups, quote):
        yield f"not set by code: {settings}"
    spending = [group for group in groups if group.one.spends]
    spends = _name_spending(spending, quote, MOST_KEYS)
    for block in dict.fromkeys(
        str(one.block)
        for group in groups
        for one in group.first.broken_reads
        if one.stops_rows and group.first.spends_before(one.block)
    ):
        yield (
            f"blocks before {quote(block)} still spend, although probably no row "
            "passes it"
        )
    if spends:
        yield spends
    elif any(group.one.action != "none" for group in groups):
        yield "the deploy itself spends nothing"


def _join_costs(
    costs: Sequence[tuple[str, Group]], quote: Quote, *, is_named: bool
) -> str:
    """Return costs, each with its workflows. One cost of all needs no names."""
    found: dict[str, list[Group]] = {}
    for text, group in costs:
        found.setdefault(text, []).append(group)

    def describe(one: tuple[str, Sequence[Group]]) -> str:
        text, alike = one
        each = " each" if sum(len(group.views) for group in alike) > 1 else ""
        if is_named or len(found) > 1:
            text = f"{join_groups(alike, quote, MOST_GROUPS)} {text}"
        return f"{text}{each}"

    return join_first([*found.items()], MOST_GROUPS, describe)


def _name_spending(groups: Sequence[Group], quote: Quote, most: int) -> str:
    """Return which workflows spend at deploy; empty if none does."""
    is_one = sum(len(group.views) for group in groups) == 1
    named = join_groups(groups, quote, most)
    return named and f"{named} {'spends' if is_one else 'spend'} at deploy"


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


def _list_doubts(
    review: Review, groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[str]:
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
    yield from _list_effects_outside(groups, quote)


def _list_effects_outside(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield what only a run, or another system, can tell about the changes."""
    views = [group.first for group in groups if group.one.changes]
    filters = dict.fromkeys(
        name
        for one in views
        for name in (*one.changed_filters, *one.filters_before_costs)
    )
    if filters:
        yield f"how many rows pass {join_first([*filters], MOST_KEYS, quote)}"
    passing = [row for one in views for row in one.list_passing(passes=True)]
    if gone := dict.fromkeys(str(row.block) for row in passing if row.filter == "gone"):
        yield f"how many rows {join_first([*gone], MOST_KEYS, quote)} dropped"
    if schedules := list_schedules(groups):
        bring = "schedule brings" if len(schedules) == 1 else "schedules bring"
        yield f"how many rows the {bring}"
    senders = [
        name
        for one in views
        for is_after in (True, False)
        for name, _ in one.list_senders(is_after=is_after)
    ]
    if senders := [*dict.fromkeys(senders)]:
        receiver = "receiver" if len(senders) == 1 else "receivers"
        takes = "takes" if len(senders) == 1 else "take"
        named = join_first(senders, MOST_KEYS, quote)
        yield f"whether the {receiver} of {named} {takes} the changed columns"


def _shorten_doubt(doubt: str) -> str:
    """Return what was not checked, without the reason."""
    if doubt == ABSENT_BASE:
        return "what was edited on the service"
    return doubt.partition(": ")[0]


# -- What is asked ---------------------------------------------------------------------


def _list_requests(
    review: Review,
    groups: Sequence[Group],
    quote: Quote,
    sentence: Quote,
    reader: Reader,
) -> Iterator[str]:
    """Yield what the reader has to decide."""
    writing = [group for group in groups if group.one.action not in ("none", "refuse")]
    decisions = list_decisions(review, groups, quote, sentence, reader)
    costs = _list_increases(writing, quote)
    if any(map(is_breaking, groups)):
        although = f"{reader.fix}, or {reader.approve} although it breaks something"
        yield f"{although}{costs and f', and {costs}'}"
    elif writing and not decisions:
        yield f"{reader.approve}{costs and f', and {costs}'}"
    elif costs:
        yield f"agree to {costs}"
    spending = [
        group
        for group in groups
        if group.one.spends and "allow_spend" not in group.one.details.given
    ]
    if spending:
        yield f"agree to what {_name_spending(spending, quote, MOST_GROUPS)}"
    yield from (_ask(one, reader) for one in decisions[:MOST_GROUPS])
    if (more := len(decisions) - MOST_GROUPS) > 0:
        yield pluralize(more, "more decision")
    if not (decisions or writing or spending):
        yield reader.nothing if groups else "nothing"
    if any(group.one.action != "none" for group in groups):
        yield from _list_answers(groups, decisions, reader)


def _list_answers(
    groups: Sequence[Group], decisions: Sequence[Decision], reader: Reader
) -> Iterator[str]:
    """Yield how to answer, and what holds until somebody deploys."""
    if not reader.is_reviewer:
        yield from ["until then nothing is deployed"] if decisions else []
        return
    if not decisions:
        breaks = ", and what breaks stops no deploy" * any(map(is_breaking, groups))
        yield (
            f"approving deploys nothing{breaks}: after the merge, a person or a CI job "
            "deploys; until then nothing changes on the service"
        )
        return
    approvals = [
        [f"{n:,}" for n, option in enumerate(one.options, 1) if option.is_approval]
        for one in decisions
    ]
    if len(decisions) > 1:
        yield "write the numbers that you choose into your approval"
    elif len(approvals[0]) > 1:
        yield f"write {join_words(approvals[0], last='or')} into your approval"
    runs = ", until a person runs the command of the approved option"
    yield (
        "approving deploys nothing: after the merge, each deploy is refused, in CI too"
        f"{runs if any(approvals) else ''}"
    )


def _ask(decision: Decision, reader: Reader) -> str:
    """Return the options by number, and which of them are chosen by approving."""
    if len(decision.options) == 1:  # there is only one way to go on
        return f"{reader.change_first} {decision.named}"
    ways: list[str] = []
    for number, option in enumerate(decision.options, 1):
        answer = "approve" if option.is_approval else "request changes"
        means = f" ({answer})" if reader.is_reviewer else ""
        ways.append(f"{number:,} {option.name}{means}")
    return f"{decision.named}: choose {join_words(ways, last='or')}"


def _list_increases(groups: Sequence[Group], quote: Quote) -> str:
    """Return what workflows cost more; empty if none does or that is not known."""
    found: list[tuple[str, Group]] = []
    parts = [part for group in groups for part in group.by_cost]
    for group in parts:
        before, after = group.one.details.cost_before, group.one.details.cost_after
        if after is None or before == after:
            continue
        cost = "" if before is None else format_cost_difference(before, after)
        if not cost.startswith("-"):
            found.append((cost or format_group_cost(group, Estimate.brief), group))
    costs = {cost for cost, _ in found}
    if len(costs) == 1 and len(found) == len(parts):
        most = "at most " if any(map(_is_bounded, parts)) else ""
        several = sum(len(group.views) for group in parts) > 1
        number = sum(len(group.views) for group in parts)
        each = " for each workflow" if several else ""
        total = format_dollars(sum(_find_increase(g) * len(g.views) for g in parts))
        all_ = f" ({total} if each of the {number:,} gets 1,000 rows)"
        all_ = all_ if several and total != "$0" else ""
        return f"{_say_more(costs.pop(), most)} {PER_ROWS}{each}{all_}"
    listed = _join_costs(found, quote, is_named=True)
    return listed and f"the {COST}: {listed}"


def _say_more(cost: str, most: str) -> str:
    """Return a cost, or a difference such as `+$300`, in words."""
    return f"{most}{cost[1:]} more" if cost.startswith("+") else cost
