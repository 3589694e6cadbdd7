"""Lines with a sign: what every form of a report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

from ..diff import words
from ..diff.compare import Comparison

LineSign: TypeAlias = Literal[" ", "+", "-", "!", "@"]
"""Added, removed, changed; `@` begins a group, a space is neither."""

MOST_NAMES: Final = 12
"""The most names of workflows, blocks or columns in a row. JSON has all."""


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
        keys: The keys of all of them.
        comparison: Both sides of the first one, for a graph.
    """

    title: str
    lines: Sequence[Line]
    keys: Sequence[str]
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
    names: Iterable[object], most: int = MOST_NAMES, between: str = " "
) -> str:
    """Return some names, the same number in every form: `ae ar at, 26 more`."""
    texts = [words.format_name(str(name)) for name in names]
    more = len(texts) - most
    return between.join(texts[:most]) + (f", {more:,} more" if more > 0 else "")


def name_keys(keys: Sequence[str], most: int = MOST_NAMES) -> str:
    """Return the keys of workflows, without the folder that they have in common.

    Args:
        keys: The keys.
        most: The most that are named. With 0, only their number is.
    """
    if len(keys) == 1:
        return words.format_name(keys[0])
    folder = find_folder(keys)
    count = f"{len(keys):,} of {folder}*" if folder else f"{len(keys):,} workflows"
    if not most:
        return count
    names = cut_names((key.removeprefix(folder) for key in keys), most)
    if not folder and len(keys) <= most:
        return names
    return f"{count}: {names}"


def find_folder(keys: Sequence[str]) -> str:
    """Return what keys have in common, up to their last slash."""
    if len(keys) < 2:
        return ""
    low, high = min(keys), max(keys)
    head, slash, _ = low[: words.count_common(low, high)].rpartition("/")
    return head + slash


def align(labelled: Sequence[tuple[str, str]]) -> list[Line]:
    """Return lines of labels and texts, with the texts below each other."""
    width = max((len(label) for label, _ in labelled), default=0)
    return [Line(f"{label:{width}}  {text}") for label, text in labelled]


def name_few(keys: Sequence[str]) -> str:
    """Return the keys of workflows, or their number if they are not few."""
    return cut_names(keys) if len(keys) < MOST_VALUES else f"{len(keys):,}"


def count_most(values: Mapping[str, Sequence[str]]) -> str:
    """Return the values that most workflows have, and the number of others."""
    if len(values) == 1:
        return next(iter(values))
    ranked = sorted(values, key=lambda value: -len(values[value]))
    parts = [f"{text} ({name_few(values[text])})" for text in ranked[:MOST_VALUES]]
    if (more := len(ranked) - MOST_VALUES) > 0:
        parts.append(f"{more:,} other values")
    return ", ".join(parts)
