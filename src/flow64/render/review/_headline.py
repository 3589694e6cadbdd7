"""The headline of a review: what happens, what breaks, what it costs, what is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from ...analysis import Estimate
from ...plan import ABSENT_BASE, DIRTY_TREE, Review
from ...text import join_first, join_words, pluralize
from ._grouping import Group
from ._view import View
from ._words import (
    BECOMES,
    STATES,
    STOPS,
    Quote,
    format_cost_change,
    name_group,
)

MOST_GROUPS: Final = 4
"""The most groups that one fact of the headline names."""

MOST_KEYS: Final = 3
"""The most keys that the headline names."""


@frozen
class Fact:
    """One fact of the headline.

    Attributes:
        label: What it is about.
        text: The fact.
        is_asked: Whether it is what the reviewer is asked for.
        is_bad: Whether something breaks.
    """

    label: str
    text: str
    is_asked: bool = False
    is_bad: bool = False

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"


@frozen
class Headline:
    """The first line of a review.

    Attributes:
        what: The changes. The rest matters less.
        facts: What breaks, what is spent, what runs cost, what was not checked, and
            what is asked of the reviewer.
    """

    what: str
    facts: Sequence[Fact] = ()

    @property
    def more(self) -> str:
        """The facts in one line."""
        return "; ".join(map(str, self.facts))


def make_headline(
    review: Review, groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Headline:
    """Return what happens, what breaks, what it costs, and what is asked.

    Args:
        review: The review.
        groups: Its groups.
        quote: Writes a name that data gives.
        sentence: Writes a sentence with words of data in it.
    """
    facts = [*_list_facts(review, groups, quote, sentence)]
    return Headline(_describe_changes(review, groups), facts)


def _describe_changes(review: Review, groups: Sequence[Group]) -> str:
    done = Counter(one.action for one in review.notable)
    idle = Counter(one.state for one in review.notable if one.action == "none")
    refused = Counter(one.state for one in review.refused)
    parts = [
        *((done[action], words) for action, words in BECOMES.items()),
        *((idle[state], words) for state, words in STATES.items()),
    ]
    stops = [(refused[state], words) for state, words in STATES.items()]
    happens, stopping = _join_counts(parts, is_first=True), ""
    if refused:
        stopping = _join_counts(stops, is_first=not happens)
        is_alone = refused.total() == 1
        verb = STOPS[not is_alone]
        is_plain = len(refused) == 1
        stopping += f" and {verb} the deploy" if is_plain else ": they stop the deploy"
    said = [happens, stopping] if happens or stopping else ["Nothing changes"]
    views = [view for group in groups for view in group.views]
    if broken := sum(len(view.broken_reads) for view in views):
        one, many = "1 block reads a column", f"{broken:,} reads of columns"
        said.append(f"{one} that is gone" if broken == 1 else f"{many} that are gone")
    if errors := sum(len(view.errors) for view in views):
        verb = "appears" if errors == 1 else "appear"
        said.append(f"{pluralize(errors, 'error')} {verb} in checks")
    return "; ".join(part for part in said if part)


def _join_counts(
    found: Iterable[tuple[int, tuple[str, str]]], *, is_first: bool
) -> str:
    """Join counts with their words. The first one says what is counted."""
    parts: list[str] = []
    for number, words in found:
        if number:
            what = pluralize(number, "workflow") if is_first else f"{number:,}"
            parts.append(f"{what} {words[number > 1]}")
            is_first = False
    return ", ".join(parts)


def _list_facts(
    review: Review, groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[Fact]:
    if groups:
        yield from _list_breaks(groups, quote, sentence)
        yield from _list_costs(groups, quote)
    kept = [one for one in review.workflows if one.details.was]
    if kept:
        listed = join_first(
            kept,
            MOST_KEYS,
            lambda one: f"{quote(one.key)} was {quote(one.details.was)}",
        )
        yield Fact("renamed, and keeps its ids", listed)
    if groups and (doubts := _describe_doubts(review, sentence)):
        yield Fact("not checked", doubts)
    if asked := _describe_request(review, groups, quote):
        yield Fact("asked of you", asked, is_asked=True)


def _list_breaks(
    groups: Sequence[Group], quote: Quote, sentence: Quote
) -> Iterator[Fact]:
    """Yield what breaks, or that nothing was found."""
    broken = {
        "breaks": _list_alike(groups, quote, lambda view: view.broken_reads, sentence),
        "lost columns": _list_alike(groups, quote, lambda view: view.dropped_columns),
        "new errors": _list_alike(groups, quote, lambda view: view.errors),
    }
    if any(broken.values()):
        for label, text in broken.items():
            if text:
                yield Fact(label, text, is_bad=True)
    elif any(group.one.changes for group in groups):
        yield Fact("breaks", "nothing found")


def _list_alike(
    groups: Sequence[Group],
    quote: Quote,
    list_things: Callable[[View], Sequence[str]],
    word: Quote | None = None,
) -> str:
    """Return what some groups have. Groups with the same are named together."""
    having: dict[str, list[str]] = {}
    for group in groups:
        if things := list_things(group.first):
            listed = join_first(things, MOST_KEYS, word or quote)
            having.setdefault(listed, []).append(name_group(group, quote))
    parts = [
        f"{join_words(names, MOST_GROUPS)}: {listed}"
        for listed, names in having.items()
    ]
    if more := len(parts[MOST_GROUPS:]):
        parts[MOST_GROUPS:] = [pluralize(more, "more group")]
    return "; ".join(parts)


def _list_costs(groups: Sequence[Group], quote: Quote) -> Iterator[Fact]:
    """Yield the cost of 1,000 input rows, and what is spent at deploy."""
    known = [group for group in groups if group.one.details.cost_after is not None]
    differ = [
        group
        for group in known
        if group.one.details.cost_before != group.one.details.cost_after
    ]
    if differ:
        listed = join_first(
            differ,
            MOST_GROUPS,
            lambda group: (
                f"{name_group(group, quote)} "
                f"{format_cost_change(group, Estimate.brief)}"
            ),
        )
        yield Fact("cost per 1,000 rows, at most", listed)
    elif known and not any(group.one.settings for group in groups):
        yield Fact("cost per 1,000 rows", "unchanged")
    if settings := _describe_settings(groups, quote):
        yield Fact("not set by code, per 1,000 rows", settings)
    spending = [group for group in groups if group.one.spends]
    spends = join_first(spending, MOST_KEYS, lambda group: name_group(group, quote))
    yield Fact("spends at deploy", spends or "nothing")


def _describe_settings(groups: Sequence[Group], quote: Quote) -> str:
    """Return the fields that code does not set, with the cost without and with them."""
    named: list[str] = []
    for group in groups:
        for one in group.one.settings:
            old, new = one.before.brief(), one.after.brief()
            costs = "" if one.before == one.after else f" {old} → {new}"
            field = ".".join(map(str, one.path))
            named.append(f"{name_group(group, quote)} {quote(field)}{costs}")
    return join_first(named, MOST_GROUPS)


def _describe_doubts(review: Review, sentence: Quote) -> str:
    """Return what was not checked, each with the number of its workflows.

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
    return join_words([*map(sentence, whole), *parts], MOST_GROUPS)


def _shorten_doubt(doubt: str) -> str:
    """Return what was not checked, without the reason."""
    return "what was edited" if doubt == ABSENT_BASE else doubt.partition(": ")[0]


def _describe_request(review: Review, groups: Sequence[Group], quote: Quote) -> str:
    """Return what the reviewer has to decide; empty if nothing is written."""
    parts: list[str] = []
    refused = [group for group in groups if group.one.action == "refuse"]
    if refused:
        named = join_words((name_group(one, quote) for one in refused), MOST_GROUPS)
        each = "an option for each of" if len(review.refused) > 1 else "an option for"
        parts.append(f"choose {each} {named}; until then nothing is deployed")
    spending = [
        group
        for group in groups
        if group.one.spends and "allow_spend" not in group.one.details.given
    ]
    if spending:
        named = join_words((name_group(one, quote) for one in spending), MOST_GROUPS)
        parts.append(f"agree to what {named} {_SPENDS[len(spending) > 1]} at deploy")
    if not parts and any(one.action != "none" for one in review.notable):
        is_broken = any(fact.is_bad for fact in _list_breaks(groups, quote, quote))
        parts.append(
            "approve what breaks, or reject it" if is_broken else "your approval"
        )
        if review.source == "plan":
            parts.append("nothing stops the deploy")
    return "; ".join(parts)


_SPENDS: Final = ("spends", "spend")
