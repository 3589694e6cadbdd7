"""Words that all formats of a review share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from attrs import frozen

from ...analysis import Estimate, summarize_kind_changes
from ...diff import (
    ARROW,
    FOR_EACH,
    Line,
    OwnLine,
    Section,
    format_cost_change,
    list_own_lines,
)
from ...plan import FLAGS, Action, Rename, Review, ScheduleRef, State
from ...text import join_words, pluralize
from ._grouping import Group
from ._versions import join_versions
from ._view import View

Quote = Callable[[str], str]
"""How a format writes a name that data gives."""


@frozen
class Reader:
    """Words for the person who reads: a reviewer, or one who deploys.

    Attributes:
        document: What is read.
        approve: What is asked if nothing stops a deploy.
        fix: What is asked if something breaks.
        nothing: What is asked if there is nothing to deploy.
        change_first: What is asked if the code has to be changed first.
        take_over: How what is on the service gets into the code.
        write_was: How an argument gets into the code.
        pin: How old ids get into the code.
        is_reviewer: Whether approving the change and deploying it are two steps.
    """

    document: str
    approve: str
    fix: str
    nothing: str
    change_first: str
    take_over: str
    write_was: str
    pin: str
    is_reviewer: bool


REVIEWER: Final = Reader(
    document="review",
    approve="approve the change",
    fix="request changes",
    nothing="your usual approval; no deploy is needed",
    change_first="request changes for",
    take_over="Request changes: the author copies it into the code, and asks for "
    "another review",
    write_was="Request changes: the author writes this into {}, and the next review "
    "asks nothing more",
    pin="Request changes: more than the key differs, so the author pins the old ids",
    is_reviewer=True,
)

DEPLOYER: Final = Reader(
    document="plan",
    approve="agree to the change",
    fix="fix what breaks",
    nothing="nothing; no deploy is needed",
    change_first="change the code of",
    take_over="Copy it into the code, and plan again",
    write_was="Write this into {}, and the next plan asks nothing more",
    pin="More than the key differs, so pin the old ids",
    is_reviewer=False,
)

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
    "orphan": (
        "is on the service and no longer in the code",
        "are on the service and no longer in the code",
    ),
    "copy": ("is a copy made on the service", "are copies made on the service"),
    "drifted": (
        "was edited on the service since the last deploy",
        "were edited on the service since the last deploy",
    ),
    "conflict": (
        "changes in the code, and was also edited on the service",
        "change in the code, and were also edited on the service",
    ),
    "behind": ("was deployed by newer code", "were deployed by newer code"),
    "foreign": ("was not deployed by this code", "were not deployed by this code"),
    "absent": (
        "is pinned to a workflow that is not on the service",
        "are pinned to workflows that are not on the service",
    ),
    "new": (
        "may be a rename, or a second workflow",
        "may be renames, or second workflows",
    ),
    "update": ("differs", "differ"),
    "converged": ("has no stamp of its own", "have no stamp of their own"),
    "unchanged": (
        "has settings that the code does not set",
        "have settings that the code does not set",
    ),
}
"""The states of workflows that a deploy leaves alone, for one and for several."""

USUAL: Final = ("new", "update", "converged", "removed", "unchanged")
"""States with names that say no more than what a deploy does."""

STOPS: Final = "this stops the deploy of all workflows"
"""The end of what is said of a workflow that a deploy refuses."""


def describe_action(group: Group, *, advice: str = ": choose an option below") -> str:
    """Return what the state of a group means, and what a deploy does to it.

    Args:
        group: The group.
        advice: What is said after a state that stops the deploy.
    """
    one, several = group.one, len(group.views) > 1
    state = STATES[one.state][several]
    if one.action == "refuse":
        return f"{state}; {STOPS}{advice}"
    if one.action == "none" and one.state == "orphan":
        return f"{state}; {('it stays', 'they stay')[several]} there"
    if group.is_unchanged:
        return one.state
    if group.is_only_renamed:
        return _KEEPS[several]
    if one.action == "none":
        return state
    given = [FLAGS[flag] for flag in one.details.given if flag != "allow_spend"]
    says = "says" if len(given) == 1 else "say"
    as_given = f", as {' and '.join(given)} {says}" if given else ""
    known = "" if one.state in USUAL else f"{state}; "
    breaks = _describe_breakage(group)
    return (
        f"{known}{BECOMES[one.action][several]}{as_given}{breaks and f', and {breaks}'}"
    )


def sign_group(group: Group) -> str:
    """Return the sign of a group. What breaks something has that of a refusal."""
    return SIGNS["refuse" if is_breaking(group) else group.one.action]


def is_breaking(group: Group) -> bool:
    """Return True if a deploy writes a group, and that breaks something."""
    return group.one.action == "update" and group.first.is_breaking


def _describe_breakage(group: Group) -> str:
    """Return the gravest thing that breaks; empty if nothing does."""
    view, several = group.first, len(group.views) > 1
    if not is_breaking(group):
        return ""
    if view.broken_reads:
        return ("reads a missing column", "read a missing column")[several]
    if view.errors:
        return ("has a new error", "have a new error")[several]
    return ("loses output columns", "lose output columns")[several]


_KEEPS: Final = (
    "has a new key in the code; on the service nothing changes",
    "have new keys in the code; on the service nothing changes",
)
"""What `was=` does, for one workflow and for several."""

NO_DIFFERENCE: Final = "apart from the key, nothing differs"
"""What is said of a workflow that is the other one of a possible rename."""


EDITED: Final = "edited on the service"
"""The heading of edits."""


def list_changes(group: Group) -> Sequence[Section]:
    """Return the changes of a group, or how its workflows differ from each other."""
    found = group.first.differences
    if found is not None:
        return found
    if group.first.is_new:
        return list_own_lines(group.sections)
    return group.sections if group.has_values else join_versions(group.first)


def format_changes_title(group: Group) -> str:
    """Return the heading of the changes of a group."""
    if group.first.differences is not None:
        return "what differs between the two"
    if group.first.is_new:
        return "what differs between them"
    return "the code would change" if group.one.action == "refuse" else "what changes"


def name_view(view: View, quote: Quote) -> str:
    """Name a workflow by its key; a renamed one by both keys."""
    key = quote(view.step.key)
    old = join_ways(view.old_keys, quote)
    return f"{old} {ARROW} {key}" if old else key


def join_ways(ways: Sequence[str], quote: Quote) -> str:
    """Return the first of some alternatives, as in `a or b or 7 more`."""
    more = len(ways) - MOST_WAYS
    shown = [*map(quote, ways[:MOST_WAYS]), *([f"{more:,} more"] if more > 0 else [])]
    return " or ".join(shown)


MOST_WAYS: Final = 3
"""The most alternatives that are named."""


def name_group(group: Group, quote: Quote) -> str:
    """Name a group by the key of its only workflow, or by what its keys share."""
    number = len(group.views)
    if number == 1:
        return name_view(group.first, quote)
    if group.folder is None:
        return f"{quote(group.keys[0])} and {number - 1:,} more"
    return f"{number:,} of {quote(group.folder)}"


def join_groups(groups: Iterable[Group], quote: Quote, most: int) -> str:
    """Return the names of some groups, as in `a, b and c`."""
    return join_words((name_group(one, quote) for one in groups), most)


def describe_own_values(line: Line, quote: Quote, sentence: Quote) -> str:
    """Return a heading with the values below it; empty if a line is no heading.

    Of numbers it says how many rise or fall, so that no exception is hidden.
    """
    if not isinstance(line, OwnLine) or not line.values:
        return ""
    label = sentence(line.text.removesuffix(FOR_EACH))
    if all(map(_is_numeric, line.values)):
        rising = [one for one in line.values if _rises(one)]
        falling = [one for one in line.values if not _rises(one)]
        ways = [
            f"{verb} in {_describe_numbers(values, quote)}"
            for verb, values in (("rises", rising), ("falls", falling))
            if values
        ]
        return f"{label}: {' and '.join(ways)}"
    # Long values look alike where they are cut.
    is_short = all(len(one.value) <= MOST_VALUE for one in line.values[:MOST_NAMED])
    named = line.values[: MOST_NAMED * is_short]
    shown = [f"{quote(one.value)} ({_name_owners([one], quote)})" for one in named]
    if rest := line.values[len(named) :]:
        other = pluralize(len(rest), "other value" if named else "value")
        shown.append(f"{other} ({_name_owners(rest, quote)})")
    return f"{label}: {join_words(shown)}"


def _is_numeric(line: OwnLine) -> bool:
    sides = [side or "" for side in (line.before, line.after)]
    return all(side.lstrip("-").replace(".", "", 1).isdecimal() for side in sides)


def _rises(line: OwnLine) -> bool:
    return float(str(line.before)) < float(str(line.after))


def _describe_numbers(values: Sequence[OwnLine], quote: Quote) -> str:
    """Return the workflows of some numbers, and the number that most of them have."""
    first = values[0]
    most = "most often " if len(first.keys) > 1 else "such as "
    change = f"{first.before} {ARROW} {first.after}"
    return f"{_name_owners(values, quote)} ({most * (len(values) > 1)}{change})"


def _name_owners(values: Sequence[OwnLine], quote: Quote) -> str:
    """Return the key of the only workflow that has a value, or how many have them."""
    keys = [key for one in values for key in one.keys]
    return quote(keys[0]) if len(keys) == 1 else f"{len(keys):,} workflows"


MOST_NAMED: Final = 3
"""The most workflows or values that are named one by one in a sentence."""

MOST_VALUE: Final = 60
"""The most characters of one of several values in a sentence."""


def title_source(group: Group) -> str:
    """Return the heading of the changes as code."""
    sides = f" (service now {ARROW} code)" if group.one.edits else ""
    return f"as flow64 code{sides}"


def format_share(number: int, group: Group) -> str:
    """Return how many of a group are meant, if not all."""
    return f" ({number:,} of them)" if number < len(group.views) else ""


def format_group_cost(group: Group, word: Callable[[Estimate], str]) -> str:
    """Return the cost of a group before and after; empty if it is not known."""
    before, after = group.one.details.cost_before, group.one.details.cost_after
    if after is None:
        return ""
    if group.first.rename is not None and before is not None:
        return f"{_format_both_costs(before, after, word)}"
    # A cost that was set by hand on the service is not what the code says.
    if before == after and group.one.settings:
        before = None
    return format_cost_change(before, after, word)


def _format_both_costs(
    before: Estimate, after: Estimate, word: Callable[[Estimate], str]
) -> str:
    """Return the cost of a renamed workflow, and that of two workflows."""
    old, new = (format_cost_change(None, one, word) for one in (before, after))
    both = f"{new} for each of the two" if old == new else f"{old} and {new}"
    renamed = format_cost_change(before, after, word)
    return f"renamed: {renamed}; a second workflow: {both}"


def _describe_schedule(schedule: ScheduleRef, quote: Quote, sentence: Quote) -> str:
    """Return the name of a schedule and when it runs, in words if that is simple."""
    when = sentence(schedule.cron_expression)
    match schedule.cron_expression.split():
        case [minute, hour, "*", "*", day] if (
            minute + hour
        ).isdecimal() and day in _DAYS:
            when = f"every {_DAYS[day]} {hour:0>2}:{minute:0>2}"
    zone = f" {sentence(schedule.timezone)}" if schedule.timezone else ""
    return f"{quote(schedule.name)} ({when}{zone})"


def join_schedules(
    found: Sequence[tuple[str, ScheduleRef]],
    quote: Quote,
    sentence: Quote,
    *,
    is_named: bool,
) -> str:
    """Return schedules; those of one name and time together.

    Args:
        found: The schedules, each with the key of its workflow.
        quote: Writes a name that data gives.
        sentence: Writes a sentence with words of data in it.
        is_named: Whether to name the workflows.
    """
    owners: dict[str, list[str]] = {}
    for key, schedule in found:
        text = _describe_schedule(schedule, quote, sentence)
        owners.setdefault(text, []).append(key)

    listed = [
        text + (f" of {join_words(map(quote, keys), MOST_NAMED)}" * is_named)
        for text, keys in owners.items()
    ]
    more = sum(len(keys) for keys in [*owners.values()][MOST_NAMED:])
    return ", ".join(listed[:MOST_NAMED]) + (f" and {more:,} more" if more else "")


_DAYS: Final = {
    "*": "day",
    "0": "Sunday",
    "1": "Monday",
    "2": "Tuesday",
    "3": "Wednesday",
    "4": "Thursday",
    "5": "Friday",
    "6": "Saturday",
    "7": "Sunday",
}
"""The last field of a cron expression in words."""


def title_listed_kinds(review: Review) -> str:
    """Return what changes in the service's list of blocks, in one line."""
    return f"List of blocks: {summarize_kind_changes(review.listed_kinds)}"


def describe_rename(rename: Rename, quote: Quote) -> str:
    """Return the keys of a rename, and how to keep the ids."""
    was = join_ways(rename.arguments, quote)
    keeps = f": {was} keeps its ids" if was else ""
    return f"{join_ways(rename.candidates, quote)} {ARROW} {quote(rename.key)}{keeps}"


def list_other_renames(review: Review) -> Sequence[Rename]:
    """Return the renames that no option of a group speaks of."""
    refused = {one.key for one in review.refused}
    return [one for one in review.renames if one.key not in refused]
