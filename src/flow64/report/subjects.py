"""Workflows to report on, each with what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from attrs import field, frozen

from ..analysis.column_rules import ABOUT_READS
from ..definition import Definition
from ..diff.compare import Change, Comparison, compare_definitions
from ..diff.facts import MISSING, UNKNOWN, Path

QUIET: Final = frozenset({"equal", "unchanged"})
"""States of workflows that are only counted."""

TWO_SIDED: Final = frozenset({"conflict", "drifted", "foreign"})
"""States in which the service has something that a deploy would overwrite."""

_ORDER: Final = (
    *("title", "description", "block", "moved", "edge", "order"),
    *("id", "spends", "output", "finding"),
)


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
        base: What both sides of a conflict were made from, if it is known.
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
    base: Definition | None = field(default=None, repr=False)


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


def compare_subject(subject: Subject, prices: Mapping[str, float]) -> Entry:
    """Return a workflow with what differs, and with its state."""
    comparison = compare_definitions(subject.before, subject.after, prices)
    state = subject.state
    if not state and subject.before is None:
        state = "new"
    elif not state and subject.after is None:
        state = "removed"
    elif not state:
        is_equal = comparison.is_equal and not subject.was
        state = "equal" if is_equal else "changed"
    edited = None
    if subject.base is not None and subject.before is not None:
        edits = compare_definitions(subject.base, subject.before, prices)
        edited = frozenset(edits.changes)
    shown = {change.path: change for change in _select_shown(comparison.changes)}
    return Entry(subject, state, comparison, shown, edited)


def _select_shown(changes: Mapping[Path, Change]) -> list[Change]:
    """Leave out what the first lines say, and what follows from another change."""
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
            case "finding":
                severities = f"{change.before} {change.after}"
                is_told = parts[0] in ABOUT_READS and parts[1] in broken
                is_first = "error" in str(change.after)
                return "note" not in severities and not is_first and not is_told
            case "block":
                return not (is_part and len(parts) > 1 and change.sign == "-")
            case "order":
                return _is_reordered(change)
            case "output":  # a column may get or lose its type by another producer
                sides = change.before, change.after
                return change.sign != "!" or None not in sides or UNKNOWN in sides
            case _:
                return head in _ORDER and not (is_part and head in ("id", "spends"))

    shown = [change for change in changes.values() if is_shown(change)]
    return sorted(shown, key=lambda change: _ORDER.index(str(change.path[0])))


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
    """Whether items of a list stand in another order, beside those that came or went.

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
