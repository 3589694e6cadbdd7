"""Words that all formats of a review share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from ...analysis import Estimate
from ...errors import OTHER_ENVIRONMENT
from ...plan import (
    FLAGS,
    Action,
    Consent,
    Flag,
    Rename,
    Review,
    State,
    format_flags,
)
from ...text import join_first, pluralize
from ._grouping import Group
from ._view import View

Quote = Callable[[str], str]
"""How a format writes a name that data gives."""

MOST_GROUPS: Final = 4
"""The most groups that one fact of the headline names."""

MOST_KEYS: Final = 3
"""The most keys that the headline names."""

SIGNS: Final[dict[Action, str]] = {
    "none": "·",
    "create": "+",
    "update": "~",
    "stamp": "=",
    "delete": "-",
    "refuse": "!",
}
"""The sign of each action. It is never only a colour."""

_WAYS: Final[dict[Consent, Sequence[tuple[str, str]]]] = {
    "force": (
        ("take what is there into the code", "{pull}"),
        ("overwrite it", "{options}"),
        ("leave it as it is", "--skip-drifted"),
    ),
    "behind": (
        ("bring the code up to that commit", ""),
        ("overwrite it", "{options}"),
        ("let branches deploy, in the environment", "branches = true"),
    ),
    "create": (
        ("keep its ids by the argument was=", ""),
        ("say that it is another workflow", "{options}"),
    ),
}
"""The ways out of a refusal: in words, and what to write for it."""

_BECOMES: Final[dict[Action, tuple[str, str]]] = {
    "update": ("changes", "change"),
    "create": ("is created", "are created"),
    "stamp": ("gets its stamp alone", "get their stamps alone"),
    "delete": ("is deleted", "are deleted"),
}

_STATES: Final[dict[State, tuple[str, str]]] = {
    "removed": ("is no longer in the code", "are no longer in the code"),
    "orphan": ("is an orphan", "are orphans"),
    "copy": ("is a copy", "are copies"),
    "drifted": ("is drifted", "are drifted"),
    "conflict": ("is in conflict", "are in conflict"),
    "behind": ("is behind", "are behind"),
    "foreign": ("is foreign", "are foreign"),
    "absent": ("is absent", "are absent"),
    "new": ("may be a renamed one", "may be renamed ones"),
    "update": ("differs", "differ"),
    "converged": ("has no stamp of its own", "have no stamp of their own"),
    "unchanged": (
        "has settings that the code does not set",
        "have settings that the code does not set",
    ),
}
"""The states of workflows that a deploy leaves alone, for one and for several."""


def list_ways_out(group: Group) -> Sequence[tuple[str, str]]:
    """Return the ways out of a refusal: in words, and what to write for each."""
    lifted_by = group.one.lifted_by
    if lifted_by is None and group.one.state == "foreign":
        return [(OTHER_ENVIRONMENT, ""), ("leave it as it is", "--skip-drifted")]
    if lifted_by is None:
        return [("correct the pin, or take it away to create a new workflow", "")]
    options = format_options(group, [lifted_by, *group.one.also])
    pull = group.one.details.pulling if len(group.views) == 1 else "flow64 pull"
    texts = {"{options}": options, "{pull}": pull}
    ways = [(words, texts.get(text, text)) for words, text in _WAYS[lifted_by]]
    if group.one.state == "orphan":
        is_behind = lifted_by == "behind"
        first = ("bring the code up to what deployed it", "")
        return [first if is_behind else ways[0], ("delete it", options)]
    may_skip = group.one.may_skip
    return [way for way in ways if may_skip or way[1] != "--skip-drifted"]


def format_options(group: Group, flags: Iterable[Flag]) -> str:
    """Return the options that agree to something for a group."""
    key = group.one.key if len(group.views) == 1 else "KEY"
    return format_flags(key, flags)


def format_was(rename: Rename) -> str:
    """Return the argument that keeps the ids of a workflow; empty if none does."""
    if rename.was is None:
        return ""
    return f"was={json.dumps(rename.was, ensure_ascii=False)}"


def describe_rename(rename: Rename, quote: Quote) -> str:
    """Return the two keys of a rename, and how to keep the ids."""
    was = format_was(rename)
    keeps = f": {quote(was)} keeps its ids" if was else ""
    return f"{quote(rename.orphan)} → {quote(rename.key)}{keeps}"


def describe_action(group: Group) -> str:
    """Return what a deploy does to a group, in a few words."""
    one, several = group.one, len(group.views) > 1
    if one.action == "refuse":
        return f"{_STATES[one.state][several]} and {_STOPS[several]} the deploy"
    if one.action == "none":
        return _STATES[one.state][several]
    return _BECOMES[one.action][several]


def describe_state(group: Group) -> str:
    """Return the state of a group, and what a deploy does to it."""
    one, several = group.one, len(group.views) > 1
    if one.action == "none":
        more = ", with settings that the code does not set" if one.settings else ""
        return f"{one.state}{more}"
    if one.action == "refuse":
        return f"{one.state}, {_STOPS[several]} the deploy"
    given = [FLAGS[flag] for flag in one.details.given if flag != "allow_spend"]
    says = "says" if len(given) == 1 else "say"
    as_given = f", as {' and '.join(given)} {says}" if given else ""
    return f"{one.state}, {_BECOMES[one.action][several]}{as_given}"


_STOPS: Final = ("stops", "stop")


def format_changes_title(group: Group) -> str:
    """Return the heading of the changes of a group."""
    return "the code would change" if group.one.action == "refuse" else "what changes"


def name_group(group: Group, quote: Quote) -> str:
    """Name a group by the key of its only workflow, or by what its keys share."""
    if len(group.views) == 1:
        return quote(group.label)
    return f"{quote(group.label)} ({len(group.views):,})"


def format_share(number: int, group: Group) -> str:
    """Return how many of a group are meant, if not all."""
    return f" ({number:,} of them)" if number < len(group.views) else ""


@frozen
class Headline:
    """The first line of a review.

    Attributes:
        what: The changes. The rest matters less.
        facts: What is spent, what runs cost, and what was not checked.
    """

    what: str
    facts: Sequence[str] = ()

    @property
    def more(self) -> str:
        """The facts in one line."""
        return "; ".join(self.facts)


def make_headline(review: Review, groups: Sequence[Group], quote: Quote) -> Headline:
    """Return the changes, what stops them, what they spend and what runs cost."""
    facts = [fact for fact in _list_facts(review, groups, quote) if fact]
    return Headline(_describe_changes(review, groups), facts)


def _describe_changes(review: Review, groups: Sequence[Group]) -> str:
    done = Counter(one.action for one in review.notable)
    idle = Counter(one.state for one in review.notable if one.action == "none")
    refused = Counter(one.state for one in review.refused)
    parts = [
        *((done[action], words) for action, words in _BECOMES.items()),
        *((idle[state], words) for state, words in _STATES.items()),
    ]
    stops = [(refused[state], words) for state, words in _STATES.items()]
    happens, stopping = _join_counts(parts, is_first=True), ""
    if refused:
        stopping = _join_counts(stops, is_first=not happens)
        is_alone = refused.total() == 1
        verb = _STOPS[not is_alone]
        is_plain = len(refused) == 1
        stopping += f" and {verb} the deploy" if is_plain else ": they stop the deploy"
    said = [happens, stopping] if happens or stopping else ["Nothing changes"]
    views = [view for group in groups for view in group.views]
    if broken := sum(len(view.broken_reads) for view in views):
        said.append("1 read breaks" if broken == 1 else f"{broken:,} reads break")
    if errors := sum(view.errors for view in views):
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


def _list_facts(review: Review, groups: Sequence[Group], quote: Quote) -> Sequence[str]:
    if not groups:
        return []
    spending = [group for group in groups if group.one.spends]
    spends = join_first(spending, MOST_KEYS, lambda group: name_group(group, quote))
    parts = [
        *_list_by_group(groups, quote, "broken reads", lambda one: one.broken_reads),
        *_list_by_group(
            groups,
            quote,
            "columns that no longer come out",
            lambda one: one.dropped_columns,
        ),
        f"spends at deploy: {spends or 'nothing'}",
        _describe_costs(groups, quote),
        _describe_settings(groups, quote),
    ]
    doubts = len(review.not_checked) + sum(
        len(view.step.not_checked) for group in groups for view in group.views
    )
    if review.source == "diff":
        parts.append("the service was not asked")
    elif doubts:
        parts.append(f"{pluralize(doubts, 'thing')} could not be checked")
    return parts


def _list_by_group(
    groups: Sequence[Group],
    quote: Quote,
    title: str,
    list_things: Callable[[View], Sequence[str]],
) -> Iterator[str]:
    """Yield what some groups have, and how many more groups have some."""
    having = [(group, list_things(group.first)) for group in groups]
    having = [(group, things) for group, things in having if things]
    for group, things in having[:MOST_GROUPS]:
        listed = join_first(things, MOST_KEYS, quote)
        yield f"{title} of {name_group(group, quote)}: {listed}"
    if more := len(having[MOST_GROUPS:]):
        yield f"{title} of {pluralize(more, 'more group')}"


def _describe_costs(groups: Sequence[Group], quote: Quote) -> str:
    """Return the cost of 1,000 input rows, for groups where it changes."""
    known = [group for group in groups if group.one.details.cost_after is not None]
    differ = [
        group
        for group in known
        if group.one.details.cost_before != group.one.details.cost_after
    ]
    if not differ:
        is_known = bool(known) and not any(group.one.settings for group in groups)
        return "cost per 1,000 rows: unchanged" if is_known else ""

    def name(group: Group) -> str:
        return f"{name_group(group, quote)} {format_cost_change(group, Estimate.brief)}"

    listed = join_first(differ, MOST_GROUPS, name)
    return f"cost per 1,000 rows, at most: {listed}"


def _describe_settings(groups: Sequence[Group], quote: Quote) -> str:
    """Return the fields that code does not set, with the cost without and with them."""
    named: list[str] = []
    for group in groups:
        for one in group.one.settings:
            old, new = one.before.brief(), one.after.brief()
            costs = "" if one.before == one.after else f" {old} → {new}"
            field = ".".join(map(str, one.path))
            named.append(f"{name_group(group, quote)} {quote(field)}{costs}")
    if not named:
        return ""
    return f"not set by code, per 1,000 rows: {join_first(named, MOST_GROUPS)}"


def format_cost_change(group: Group, cost: Callable[[Estimate], str]) -> str:
    """Return the cost of 1,000 input rows before and after, as `cost` words one."""
    before, after = group.one.details.cost_before, group.one.details.cost_after
    if after is None:
        return ""
    if before is None or before == after:
        return cost(after)
    return f"{cost(before)} → {cost(after)}"
