"""Words that all formats of a review share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...analysis import Estimate, summarize_kind_changes
from ...plan import FLAGS, Action, Review, State
from ._grouping import Group

Quote = Callable[[str], str]
"""How a format writes a name that data gives."""

SIGNS: Final[dict[Action, str]] = {
    "none": "·",
    "create": "+",
    "update": "~",
    "stamp": "=",
    "delete": "-",
    "refuse": "!",
}
"""The sign of each action. It is never only a colour."""

BECOMES: Final[dict[Action, tuple[str, str]]] = {
    "update": ("will change", "will change"),
    "create": ("will be created", "will be created"),
    "stamp": ("will only get its stamp", "will only get their stamps"),
    "delete": ("will be deleted", "will be deleted"),
}

STATES: Final[dict[State, tuple[str, str]]] = {
    "removed": ("is no longer in the code", "are no longer in the code"),
    "orphan": ("is no longer in the code", "are no longer in the code"),
    "copy": ("is a copy", "are copies"),
    "drifted": ("is drifted", "are drifted"),
    "conflict": ("is in conflict", "are in conflict"),
    "behind": ("is behind", "are behind"),
    "foreign": ("is foreign", "are foreign"),
    "absent": ("is absent", "are absent"),
    "new": ("may be renamed", "may be renamed"),
    "update": ("differs", "differ"),
    "converged": ("has no stamp of its own", "have no stamp of their own"),
    "unchanged": (
        "has settings that the code does not set",
        "have settings that the code does not set",
    ),
}
"""The states of workflows that a deploy leaves alone, for one and for several."""


def describe_action(group: Group) -> str:
    """Return what a deploy does to a group, in a few words."""
    one, several = group.one, len(group.views) > 1
    if one.action == "refuse":
        return f"{STATES[one.state][several]} and {STOPS[several]} the deploy"
    if one.action == "none" and one.state == "orphan":
        return ("stays on the service", "stay on the service")[several]
    if one.action == "none":
        return STATES[one.state][several]
    return BECOMES[one.action][several]


def describe_state(group: Group) -> str:
    """Return the state of a group, and what a deploy does to it."""
    one, several = group.one, len(group.views) > 1
    if one.action == "none":
        more = ", with settings that the code does not set" if one.settings else ""
        stays = f", {describe_action(group)}" if one.state == "orphan" else ""
        return f"{one.state}{stays}{more}"
    if one.action == "refuse":
        why = "perhaps renamed" if one.state == "new" else one.state
        return f"{why}, {STOPS[several]} the deploy"
    given = [FLAGS[flag] for flag in one.details.given if flag != "allow_spend"]
    says = "says" if len(given) == 1 else "say"
    as_given = f", as {' and '.join(given)} {says}" if given else ""
    state = "" if one.state in _USUAL else f"{one.state}, "
    return f"{state}{BECOMES[one.action][several]}{as_given}"


_USUAL: Final = ("new", "update", "converged")
"""States that say no more than what a deploy does."""


STOPS: Final = ("stops", "stop")
"""The verb for one workflow and for several."""


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


def format_cost_change(group: Group, cost: Callable[[Estimate], str]) -> str:
    """Return the cost of 1,000 input rows before and after, as `cost` words one."""
    before, after = group.one.details.cost_before, group.one.details.cost_after
    if after is None:
        return ""
    if before is None or before == after:
        return cost(after)
    return f"{cost(before)} → {cost(after)}"


def title_listed_kinds(review: Review) -> str:
    """Return what changes in the service's list of blocks, in one line."""
    return f"List of blocks: {summarize_kind_changes(review.listed_kinds)}"
