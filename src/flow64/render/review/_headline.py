"""The first lines of a review: five answers, always in the same order.

They say what changes, what breaks, what it costs, what was not checked, and what is
asked of the reviewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from attrs import frozen

from ...analysis import Estimate
from ...diff import (
    COST,
    PER_ROWS,
    Line,
    Section,
    format_cost_change,
    format_cost_difference,
)
from ...plan import ABSENT_BASE, DIRTY_TREE, Review
from ...text import join_first, join_words, pluralize, truncate
from ._grouping import Group
from ._view import View
from ._words import (
    BECOMES,
    STATES,
    Quote,
    format_group_cost,
    join_groups,
    name_group,
    name_view,
    title_listed_kinds,
)

MOST_GROUPS: Final = 4
"""The most groups that one answer names."""

MOST_KEYS: Final = 3
"""The most keys that the first lines name."""

MOST_TEXT: Final = 120
"""The most characters of a change in the first lines."""


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
    broken = [*_list_breaks(groups, quote, sentence)]
    return [
        Fact("what changes", [*_list_changes(review, groups, quote)]),
        Fact("breaks", broken or [_NOTHING_BREAKS], is_bad=bool(broken)),
        Fact(COST, [*_list_costs(groups, quote)]),
        Fact("not checked", [*_list_doubts(review, sentence)]),
        Fact(
            "asked of you",
            [*_list_requests(groups, quote, is_broken=bool(broken))],
            is_asked=True,
        ),
    ]


_NOTHING_BREAKS: Final = "nothing that flow64 can see"

# -- What changes ----------------------------------------------------------------------


def _list_changes(
    review: Review, groups: Sequence[Group], quote: Quote
) -> Iterator[str]:
    """Yield what happens to how many workflows, and the change if it is one."""
    what = "workflow"
    for views, words in _sort_by_outcome(groups):
        number = pluralize(len(views), what) if what else f"{len(views):,}"
        yield f"{number} {words[len(views) > 1]}{_name_few(views, quote)}"
        what = ""
    if edited := _list_also_edited(groups):
        were = "was" if len(edited) == 1 else "were"
        named = join_words((name_view(view, quote) for view in edited), MOST_GROUPS)
        since = "also edited on the service since the last deploy"
        yield f"{len(edited):,} of them {were} {since}: {named}"
    if change := _describe_common_change(groups, quote):
        yield change
    if review.listed_kinds:
        yield title_listed_kinds(review)
    unchanged = _count_unchanged(review)
    if what and not review.listed_kinds:
        yield f"nothing{unchanged and f' ({unchanged})'}"
    elif unchanged:
        yield unchanged


def _sort_by_outcome(
    groups: Sequence[Group],
) -> Iterator[tuple[Sequence[View], tuple[str, str]]]:
    """Yield the workflows that have the same outcome, with words for it."""
    edited = _list_also_edited(groups)
    for action, words in BECOMES.items():
        found = [
            v for group in groups if group.one.action == action for v in group.views
        ]
        if action == "update" and edited:
            yield [*found, *edited], _CHANGES
        elif found:
            yield found, words
    left: dict[tuple[str, str], list[View]] = {
        words: [] for words in (*STATES.values(), _KEPT, _RENAMED)
    }
    for group in groups:
        is_left = group.one.action in ("none", "refuse") and not group.is_unchanged
        words = STATES[group.one.state]
        if group.is_only_renamed:
            words = _KEPT
        elif group.first.rename is not None:
            words = _RENAMED
        if is_left and group.first not in edited:
            left[words] += group.views
    yield from ((views, words) for words, views in left.items() if views)


def _list_also_edited(groups: Sequence[Group]) -> Sequence[View]:
    """Return the workflows that change like others, and were edited as well."""
    if not any(group.one.action == "update" for group in groups):
        return []
    return [
        view
        for group in groups
        if group.one.action == "refuse" and group.one.state == "conflict"
        for view in group.views
    ]


def _count_unchanged(review: Review) -> str:
    """Return how many of the workflows are unchanged; empty if none is."""
    number = sum(one.state == "unchanged" for one in review.workflows)
    return f"{number:,} of {len(review.workflows):,} unchanged" if number else ""


_CHANGES: Final = ("changes in the code", "change in the code")
_KEPT: Final = ("was renamed and keeps its id", "were renamed and keep their ids")
_RENAMED: Final = ("may be renamed", "may be renamed")


def _name_few(views: Sequence[View], quote: Quote) -> str:
    """Return the names of a few workflows, in parentheses; empty for many."""
    if len(views) > MOST_KEYS:
        return ""
    return f" ({join_words(name_view(view, quote) for view in views)})"


def _describe_common_change(groups: Sequence[Group], quote: Quote) -> str:
    """Return the change that all written workflows have; empty if there are several."""
    written = [
        group for group in groups if group.like is None and group.one.action == "update"
    ]
    if len(written) != 1:
        return ""
    lines = [
        _describe_line(section, line)
        for section in written[0].first.change_sections
        if section.block is not None or section.title != "edges"
        for line in section.lines
    ]
    shown = join_first(lines, 2, lambda text: quote(truncate(text, MOST_TEXT)))
    return f"the change: {shown}" if shown else ""


def _describe_line(section: Section, line: Line) -> str:
    """Return a line and what it is about, with its sign only if words do not say it."""
    if line.text.startswith(_BLOCK):
        return f"{section.title} {line.text.removeprefix(_BLOCK)}"
    shown = str(line) if line.sign in "+-" else str(line)[2:]
    return f"{section.title}: {shown}" if section.title else shown


_BLOCK: Final = "the block "
"""The start of a line that says what becomes of a block."""


# -- What breaks -----------------------------------------------------------------------


def _list_breaks(
    groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[str]:
    """Yield what breaks: reads, columns that are gone, and new errors."""

    def join(things: Sequence[str]) -> str:
        return join_first(things, MOST_KEYS, quote)

    yield from _list_alike(
        groups,
        quote,
        lambda view: join_first(view.broken_reads, MOST_KEYS, sentence),
    )
    yield from _list_alike(
        groups,
        quote,
        lambda view: (
            join(view.dropped_columns)
            and f"a run no longer ends with {join(view.dropped_columns)}"
        ),
    )
    yield from _list_alike(
        groups,
        quote,
        lambda view: join(view.errors) and f"new error in checks: {join(view.errors)}",
    )


def _list_alike(
    groups: Sequence[Group], quote: Quote, describe: Callable[[View], str]
) -> Iterator[str]:
    """Yield what some groups have. Groups with the same are named together."""
    having: dict[str, list[Group]] = {}
    for group in groups:
        if described := describe(group.first):
            having.setdefault(described, []).append(group)
    for described, alike in [*having.items()][:MOST_GROUPS]:
        yield f"{join_groups(alike, quote, MOST_GROUPS)}: {described}"
    if (more := len(having) - MOST_GROUPS) > 0:
        yield pluralize(more, "more group")


# -- What it costs ---------------------------------------------------------------------


def _list_costs(groups: Sequence[Group], quote: Quote) -> Iterator[str]:
    """Yield the cost before and after, and what the deploy itself spends."""
    known = [group for group in groups if group.one.details.cost_after is not None]
    differ = [group for group in known if _is_cost_changed(group)]
    if differ:
        is_only = len(known) == 1

        def describe(group: Group) -> str:
            cost = format_group_cost(group, Estimate.brief)
            each = " each" if len(group.views) > 1 else ""
            return f"{'' if is_only else f'{name_group(group, quote)} '}{cost}{each}"

        yield join_first(differ, MOST_GROUPS, describe)
    else:
        costs = [*dict.fromkeys(format_group_cost(g, Estimate.brief) for g in known)]
        each = " each" if sum(len(group.views) for group in known) > 1 else ""
        yield f"{costs[0]}{each}" if len(costs) == 1 else "unchanged"
    if settings := _describe_settings(groups, quote):
        yield f"not set by code: {settings}"
    spending = [group for group in groups if group.one.spends]
    spends = join_groups(spending, quote, MOST_KEYS)
    verb = "spends" if len(spending) == 1 else "spend"
    yield f"{spends} {verb} at deploy" if spends else "the deploy itself spends nothing"


def _is_cost_changed(group: Group) -> bool:
    return group.one.details.cost_before != group.one.details.cost_after


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
    if writing:
        costs = _list_increases(writing, quote)
        approved = (
            "the change, although it breaks something" if is_broken else "the change"
        )
        rejected = "; or reject it" if is_broken else ""
        yield f"approve {approved}{costs and f', and {costs}'}{rejected}"
    spending = [
        group
        for group in groups
        if group.one.spends and "allow_spend" not in group.one.details.given
    ]
    if spending:
        named = join_groups(spending, quote, MOST_GROUPS)
        verb = "spends" if len(spending) == 1 else "spend"
        yield f"agree to what {named} {verb} at deploy"
    refused = [group for group in groups if group.one.action == "refuse"]
    if refused:
        named = join_groups(refused, quote, MOST_GROUPS)
        yield f"choose an option for {named}; until then nothing is deployed"
    if not (writing or spending or refused):
        yield "nothing"


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
