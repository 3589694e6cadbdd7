"""Words that all formats of a review share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from attrs import frozen

from ...analysis import Estimate, summarize_kind_changes
from ...diff import ARROW, Line, OwnLine, Section, format_cost_change, list_own_lines
from ...plan import FLAGS, Action, Review, ScheduleRef, State
from ...text import join_first, join_words, pluralize, truncate
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
        "may be a rename, or another workflow",
        "may be renames, or other workflows",
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
    "keeps its id, history and schedules under the new key",
    "keep their ids, history and schedules under the new keys",
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


def list_alike(
    some: Sequence[Group],
    groups: Sequence[Group],
    quote: Quote,
    describe: Callable[[Group], Iterable[str]],
    *,
    is_conditional: bool = False,
    what: str = "more group",
) -> Iterator[str]:
    """Yield facts about some groups. Each is said once, with its workflows.

    Args:
        some: The groups to describe.
        groups: All groups of the review.
        quote: Writes a name that data gives.
        describe: Returns the facts about one group.
        is_conditional: Whether a fact is only so if the workflow is written.
        what: The name of facts that are only counted.
    """
    having: dict[str, list[Group]] = {}
    for group in some:
        for fact in describe(group):
            having.setdefault(fact, []).append(group)
    for fact, alike in [*having.items()][:MOST_FACTS]:
        refused = [group for group in alike if group.one.action == "refuse"]
        start = _begin_fact(alike, groups, quote, refused if is_conditional else [])
        yield f"{start}{fact}"
    if (more := len(having) - MOST_FACTS) > 0:
        yield pluralize(more, what)


def _begin_fact(
    alike: Sequence[Group],
    groups: Sequence[Group],
    quote: Quote,
    refused: Sequence[Group],
) -> str:
    """Return the start of a fact that names its workflows, as in `a and b: `.

    It is empty if the review has no others. Many are named by the few that are missing.

    Args:
        alike: The groups that the fact is about.
        groups: All groups of the review.
        quote: Writes a name that data gives.
        refused: Those for which it is only so if they are overwritten.
    """
    acting = [group for group in groups if group.one.action != "none"]
    ones = [view for group in alike for view in group.views]
    named_ones = {*ones}
    others = [v for group in acting for v in group.views if v not in named_ones]
    notes: list[str] = []
    if not others and len(alike) == 1 and not refused:
        return ""
    if len(ones) <= MOST_NAMED:
        named = join_words(name_view(view, quote) for view in ones)
    elif not others:
        named = f"all {len(ones):,} workflows"
    elif len(others) <= MOST_EXCEPTED:
        named = f"{len(ones):,} workflows"
        notes.append(f"all but {join_words(name_view(v, quote) for v in others)}")
    elif len(alike) <= MOST_NAMED + 1:
        named = join_groups(alike, quote, MOST_NAMED + 1)
    else:
        named = f"{len(ones):,} workflows"
        notes.append(join_first(ones, MOST_NAMED, lambda v: name_view(v, quote)))
    if refused and len(refused) < len(alike):
        it = "it" if len(refused) == len(refused[0].views) == 1 else "them"
        some = join_groups(refused, quote, MOST_NAMED + 1)
        notes.append(f"{some} only if you overwrite {it}")
    whole = f"{named} ({'; '.join(notes)})" if notes else named
    return f"{'if you overwrite ' * (len(refused) == len(alike))}{whole}: "


MOST_FACTS: Final = 4
"""The most facts of one sort that the first lines say."""

MOST_NAMED: Final = 3
"""The most workflows that are named one by one in a sentence about several groups."""

MOST_EXCEPTED: Final = 2
"""The most workflows that are named as exceptions."""


def describe_own_values(line: Line, quote: Quote) -> str:
    """Return the first values below a heading; empty if a line is no heading."""
    if not isinstance(line, OwnLine) or not line.values:
        return ""

    def describe(one: OwnLine) -> str:
        several = f"{len(one.keys):,} workflows"
        owner = quote(one.keys[0]) if len(one.keys) == 1 else several
        return f"{quote(truncate(one.value, MOST_VALUE))} ({owner})"

    shown = ", ".join(map(describe, line.values[:MOST_NAMED]))
    more = sum(len(one.keys) for one in line.values[MOST_NAMED:])
    return f"{shown}{f' and {pluralize(more, _MORE)}' if more else ''}"


_MORE: Final = "more workflow"
"""The noun of workflows with values that have no room."""


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
    another = f"another workflow: {both}"
    return f"renamed: {format_cost_change(before, after, word)}; {another}"


def describe_schedule(schedule: ScheduleRef) -> str:
    """Return the name of a schedule and when it runs, in words if that is simple."""
    when = schedule.cron_expression
    match when.split():
        case [minute, hour, "*", "*", day] if (
            minute + hour
        ).isdecimal() and day in _DAYS:
            when = f"every {_DAYS[day]} {hour:0>2}:{minute:0>2}"
    zone = f" {schedule.timezone}" if schedule.timezone else ""
    return f"{schedule.name} ({when}{zone})"


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
