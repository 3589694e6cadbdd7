"""Workflows to report on, each with what differs, and lines with a sign.

Every form of a report is made of these lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, field, frozen

from ..analysis.column_rules import ABOUT_READS
from ..definition import EMPTY, Definition
from ..diff import words
from ..diff.advice import Advice
from ..diff.compare import Change, Comparison, compare_definitions
from ..diff.facts import MISSING, UNKNOWN, Item, Path
from ..diff.replay import Recording, Replay, replay
from ..schedules import Spending
from ..text import MOST_NAMES, join_names

QUIET: Final = frozenset({"equal", "unchanged"})
"""States of workflows that are only counted."""

TWO_SIDED: Final = frozenset({"conflict", "drifted", "foreign"})
"""States in which the service has something that a deploy would overwrite."""

_ORDER: Final = (
    *("title", "description", "schedule", "extra", "block", "moved", "edge", "order"),
    *("id", "spends", "output", "finding"),
)

_COMPARED: Final = ("column", "operator")
_OPERATORS: Final = {"greater": ">", "less": "<", "equals": "="}


@frozen
class Subject:
    """A workflow to report on.

    Attributes:
        key: Its name.
        before: What it was, without secrets; None if there was nothing.
        after: What it will be, without secrets; None if nothing will be left.
        state: A word for what happens. By default it is found by comparing.
        note: A few words after the state.
        place: Where it is written, as `file:line`.
        was: Its key before, if it had another one.
        needs: Consents. `{keys}` stands for the keys of all that need the same.
        not_checked: What could not be found out.
        unmanaged: Paths of live fields that code does not set.
        spends: Runs that start by themselves once it is applied.
        base: What both sides of a conflict were made from, if it is known.
        advice: What to write in the code, so that it or its blocks keep their ids.
    """

    key: str
    before: Definition | None = field(repr=False)
    after: Definition | None = field(repr=False)
    state: str = ""
    note: str = ""
    place: str = ""
    was: str = ""
    needs: Sequence[str] = ()
    not_checked: Sequence[str] = ()
    unmanaged: Sequence[str] = ()
    spends: Sequence[Spending] = ()
    base: Definition | None = field(default=None, repr=False)
    advice: Sequence[Advice] = ()


RecordingReader: TypeAlias = Callable[[str], Recording | Replay]
"""Returns the rows of a run of a workflow, by id; or why there are none."""


@frozen
class Entry:
    """A workflow with what differs.

    Attributes:
        shown: The changes of its group, in the order of the lines.
        edited: Paths that were edited on the service; None if that is not known.
    """

    subject: Subject
    state: str
    comparison: Comparison
    shown: Mapping[Path, Change]
    edited: frozenset[Path] | None = None

    @property
    def changes(self) -> Mapping[Path, Change]:
        """All differences, by path."""
        return self.comparison.changes


Entries: TypeAlias = Sequence[Entry]


def compare_subject(
    subject: Subject, prices: Mapping[str, float], record: RecordingReader | None = None
) -> Entry:
    """Return a workflow with what differs, and with its state."""
    comparison = compare_definitions(subject.before, subject.after, prices)
    state = subject.state
    if not state and subject.before is None:
        state = "new"
    elif not state and subject.after is None:
        state = "removed"
    elif not state:
        state = "equal" if comparison.is_equal else "changed"
    edited = None
    if subject.base is not None and subject.before is not None:
        edits = compare_definitions(subject.base, subject.before, prices)
        edited = frozenset(edits.changes)
    if record and subject.before and subject.after and state not in QUIET:
        recording = record(str(subject.before.id))
        comparison = evolve(comparison, replay=replay(comparison, recording, prices))
    shown = {change.path: change for change in _select_changes(comparison)}
    return Entry(subject, state, comparison, shown, edited)


def _select_changes(comparison: Comparison) -> list[Change]:
    """Leave out what the first lines say, and what follows from another change."""
    changes = comparison.changes
    explained = _find_explained_edges(changes)
    broken = {
        path[1]
        for path, change in changes.items()
        if path[0] == "reads" and change.after in (False, UNKNOWN)
    }

    def is_shown(change: Change) -> bool:
        head, *parts = change.path
        whole = changes.get(("block", parts[0])) if parts else None
        is_part = whole is not None and _is_whole_block(whole)
        match head:
            case "edge":
                return change.path not in explained
            case "extra":  # the service may add to what it answers
                return change.sign != "-"
            case "finding":
                severities = f"{change.before} {change.after}"
                is_told = parts[0] in ABOUT_READS and parts[1] in broken
                is_first = "error" in str(change.after)
                return "note" not in severities and not is_first and not is_told
            case "block":
                is_lost = is_part and len(parts) > 1 and change.sign == "-"
                return not is_lost and not _is_in_label(comparison, change)
            case "order":
                return _is_reordered(change)
            case "output":  # a column may get or lose its type by another producer
                sides = change.before, change.after
                return change.sign != "!" or None not in sides or UNKNOWN in sides
            case _:
                return head in _ORDER and not (is_part and head in ("id", "spends"))

    shown = [change for change in changes.values() if is_shown(change)]
    return sorted(shown, key=lambda change: _ORDER.index(str(change.path[0])))


def find_condition(comparison: Comparison, path: Path) -> str:
    """Return how a condition compares its value: ` >`, or `: age >` without a name.

    Empty for any other path, and if both sides compare it in two ways.
    """
    if path[0] != "block" or path[-1] != "value" or not isinstance(path[-2], Item):
        return ""
    pairs = {
        tuple(str(side.facts.get((*path[:-1], name), "")) for name in _COMPARED)
        for side in (comparison.before, comparison.after)
        if side is not None and path in side.facts
    }
    column, operator = pairs.pop() if len(pairs) == 1 else ("", "")
    if not column or not operator:
        return ""
    is_named = isinstance(path[-2].name, str)
    sign = _OPERATORS.get(operator) or words.format_name(operator)
    return f" {sign}" if is_named else f": {words.format_name(column)} {sign}"


def _is_in_label(comparison: Comparison, change: Change) -> bool:
    """Whether the label of a value that came or went with it says it."""
    *start, name = change.path
    path = (*start, "value")
    value = comparison.changes.get(path)
    is_same_way = value is not None and value.sign == change.sign != "!"
    is_label = is_same_way and name in _COMPARED
    return is_label and bool(find_condition(comparison, path))


def _find_explained_edges(changes: Mapping[Path, Change]) -> set[Path]:
    """Return edges of blocks that came, went or moved, and those that close the gap.

    Such a block says where it stands. Where it came, an edge went; where it went, an
    edge came.
    """
    edges = {path: change for path, change in changes.items() if path[0] == "edge"}
    explained: set[Path] = set()
    for sign, closing in (("+", "-"), ("-", "+"), ("!", "+-")):
        blocks = {
            path[1]
            for path, change in changes.items()
            if (path[0] == "moved" and sign == "!")
            or (_is_whole_block(change) and change.sign == sign)
        }
        sources = {path[1] for path in edges if path[2] in blocks}
        targets = {path[2] for path in edges if path[1] in blocks}
        for path, change in edges.items():
            is_bridge = path[1] in sources and path[2] in targets
            if not blocks.isdisjoint(path[1:]) or (
                is_bridge and change.sign in closing
            ):
                explained.add(path)
    return explained


def _is_whole_block(change: Change) -> bool:
    is_block = change.path[0] == "block" and len(change.path) == 2
    return is_block and MISSING in (change.before, change.after)


def _is_reordered(change: Change) -> bool:
    """Whether items of a list stand in another order, apart from new and lost ones.

    What came at the end is not out of order.
    """
    if MISSING in (change.before, change.after):
        return False
    before, after = {*change.before}, {*change.after}
    stayed = [name for name in change.before if name in after]
    added = [name for name in change.after if name not in before]
    return [*stayed, *added] != [*change.after]


def find_message(entry: Entry, change: Change) -> str:
    """Return the message of a finding that is there now."""
    side = entry.comparison.after
    return "" if side is None else side.messages.get(change.path, "")


LineSign: TypeAlias = Literal[" ", "+", "-", "!", "@"]
"""Added, removed, changed; `@` begins a group, a space is neither."""

MOST_VALUES: Final = 3
"""The most values of variants that a line names."""


@frozen
class Line:
    """One line of a report. `text` holds names and values as they are."""

    text: str
    sign: LineSign = " "


@frozen
class Group:
    """Workflows that change alike.

    Attributes:
        title: What they are called.
        lines: What changes in each.
        comparison: Both sides of the first one, for a graph.
    """

    title: str
    lines: Sequence[Line]
    comparison: Comparison = field(repr=False)


@frozen
class Report:
    """The changes of some workflows, as lines and as data.

    Attributes:
        headline: How many workflows change, and how.
        first: What breaks, is delivered, costs and is needed. It is never cut.
        groups: The changes of workflows that change alike.
        data: Everything, as plain JSON data.
        has_changes: Whether a workflow changes.
    """

    headline: str
    first: Sequence[Line]
    groups: Sequence[Group]
    data: Mapping[str, Any] = field(repr=False)
    has_changes: bool

    @property
    def lines(self) -> list[Line]:
        """All lines but the headline."""
        lines = [*self.first]
        for group in self.groups:
            if lines:
                lines.append(Line(""))
            lines += [Line(f"@@ {group.title} @@", "@"), *group.lines]
        return lines


def cut_names(
    names: Iterable[object], most: int = MOST_NAMES, between: str = ", "
) -> str:
    """Return some names as in a path, the same number in every form."""
    return join_names([words.format_name(str(name)) for name in names], most, between)


def name_keys(keys: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return the keys of workflows, without the folder that they have in common.

    Args:
        keys: The keys.
        most: The most that are named. With 0, only their number is.
    """
    if len(keys) == 1:
        return words.format_name(keys[0])
    folder = find_folder(keys)
    whole = f"of {words.format_name(folder)}*" if folder else "workflows"
    count = f"{len(keys):,} {whole}"
    if not most:
        return count
    names = cut_names((key.removeprefix(folder) for key in keys), most)
    if not folder and len(keys) <= most:
        return names
    return f"{count} ({names})"


def find_folder(keys: Sequence[str]) -> str:
    """Return what keys have in common, up to their last slash."""
    if len(keys) < 2:
        return ""
    low, high = min(keys), max(keys)
    head, slash, _ = low[: words.count_common(low, high)].rpartition("/")
    return head + slash


def align(labelled: Sequence[tuple[str, str]]) -> list[Line]:
    """Return lines of labels and texts, with the texts below each other.

    Many lines of one label come after the first ones of all labels, and hide none.
    """
    width = max((len(label) for label, _ in labelled), default=0)
    groups = [[*own] for _, own in groupby(labelled, lambda item: item[0])]
    parts = slice(MOST_NAMES), slice(MOST_NAMES, None)
    ordered = [item for part in parts for own in groups for item in own[part]]
    return [Line(f"{label:{width}}  {text}") for label, text in ordered]


def name_few(keys: Sequence[str]) -> str:
    """Return the keys of workflows, or their number if they are not few."""
    return cut_names(keys) if len(keys) < MOST_VALUES else f"{len(keys):,} workflows"


def count_most(
    values: Mapping[str, Sequence[str]], ranks: Mapping[str, float] = EMPTY
) -> str:
    """Return the values of the highest rank that most workflows have.

    The others are counted.
    """
    if len(values) == 1:
        return next(iter(values))
    ranked = sorted(values, key=lambda v: (-ranks.get(v, 0), -len(values[v])))
    parts = [f"{text} ({name_few(values[text])})" for text in ranked[:MOST_VALUES]]
    if (more := len(ranked) - MOST_VALUES) > 0:
        parts.append(f"{more:,} other values")
    return ", ".join(parts)
