"""Notes for the reviewer of a group of workflows, besides their changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from ...diff import COST, list_shared_lines
from ...plan import FLAGS, RunRef
from ...text import join_first, pluralize
from ._grouping import Group
from ._options import format_options
from ._view import View
from ._words import (
    Quote,
    format_group_cost,
    format_share,
    join_schedules,
    name_group,
)

MOST_TOUCHED: Final = 3
"""Runs of one group that are named."""


@frozen
class Note:
    """A note in words, as one text or as a list.

    Attributes:
        label: What the note is about.
        texts: The note.
        is_warning: Whether the note is stressed.
        opening: What stands before the text in a line. None for the label.
    """

    label: str
    texts: Sequence[str]
    is_warning: bool = False
    opening: str | None = None

    @property
    def line(self) -> str:
        """The note as one line, if it is one text."""
        opening = f"{self.label}: " if self.opening is None else self.opening
        return f"{opening}{self.texts[0]}"


@frozen
class NoteStyle:
    """How a format writes the words of a note.

    Attributes:
        name: Writes a name that data gives.
        sentence: Writes a sentence with words of data in it.
        line: Writes one line of several that belong together.
        most: The most things that one note names.
        has_settings: Whether it says the settings of the blocks of a new workflow. The
            other formats show its code.
    """

    name: Quote
    sentence: Quote
    line: Quote
    most: int
    has_settings: bool = False


def list_notes(group: Group, style: NoteStyle) -> Sequence[Note]:
    """Return the notes of a group, in display order.

    Those that the group it is like has as well are left out, but for warnings.
    """
    notes = [*_list_notes(group, style)]
    if group.like is None:
        return notes
    known = [*_list_notes(group.like, style)]
    return [note for note in notes if note.is_warning or note not in known]


def _list_notes(group: Group, style: NoteStyle) -> Iterator[Note]:
    one, first, name = group.one, group.first, style.name
    if first.is_new:
        yield _list_contents(group, style)
    if first.has_effects:
        effects = [(part, style.sentence(part.one.effects)) for part in group.parts]
        yield _list_texts("side effects", effects, style, opening="")
    if one.details.cost_after is not None:
        yield _list_costs(group, style)
    if first.settings:
        label = "set on the service and not by code, so a deploy leaves it"
        lines = [*first.settings, _format_taking(group)]
        yield Note(label, [*map(style.line, lines)], is_warning=True)
    if first.unmanaged:
        left = join_first(first.unmanaged, style.most, name)
        yield Note("left as it is, not set by code", [left])
    if one.spends:
        spends = join_first(one.spends, style.most, name)
        text = f"{spends}; {_format_consent(group, name)}"
        yield Note(spends_when(group), [text], is_warning=True)
    yield from _list_activity(group, style)
    if group.files:
        files = join_first(group.files, style.most, name)
        yield Note("file", [files], opening="in ")


def _list_contents(group: Group, style: NoteStyle) -> Note:
    """Return what is in a new workflow, or in several that differ in values."""
    if not style.has_settings:
        return Note("blocks", [join_first(group.first.blocks, style.most, style.name)])
    found = list_shared_lines(group.sections)
    blocks = [one for one in found if not one.is_about_edges]
    return Note("blocks", [style.line(section.words) for section in blocks])


def _list_costs(group: Group, style: NoteStyle) -> Note:
    """Return what a group costs."""
    costs = [
        (one, format_group_cost(one, lambda cost: cost.describe(style.name)))
        for one in group.by_cost
    ]
    return _list_texts(COST, costs, style)


def _list_texts(
    label: str,
    texts: Sequence[tuple[Group, str]],
    style: NoteStyle,
    opening: str | None = None,
) -> Note:
    """Return one text, or each text with its workflows if they differ."""
    found: dict[str, list[View]] = {}
    for group, text in texts:
        found.setdefault(text, []).extend(group.views)
    if len(found) == 1:
        return Note(label, [*found], opening=opening)
    shown = [
        f"{name_group(Group(views), style.name)}: {text}"
        for text, views in found.items()
    ]
    if more := len(shown[style.most :]):
        shown[style.most :] = [f"{more:,} more; JSON has all"]
    return Note(label, shown)


def spends_when(group: Group) -> str:
    """Return when a group spends. It is not known whether a stamp does."""
    if group.one.action == "stamp":
        return "may spend as soon as it is stamped"
    return "spends as soon as it is written"


def _format_consent(group: Group, quote: Quote) -> str:
    """Return how to agree to what a group spends, or that it was agreed to."""
    if "allow_spend" in group.one.details.given:
        return f"as {quote(FLAGS['allow_spend'])} allows"
    return f"to allow it, add {quote(format_options(group, ['allow_spend']))}"


def _format_taking(group: Group) -> str:
    """Return how to take live settings into the code."""
    more = "" if len(group.views) == 1 else f" (of {group.one.key})"
    return f"to take it into the code: {group.one.details.taking}{more}"


def _list_activity(group: Group, style: NoteStyle) -> Iterator[Note]:
    """Yield the schedules and active runs of a group, and all that was not checked."""
    ones, quote = [one for view in group.views for one in view.steps], style.name

    def name(found: tuple[str, RunRef]) -> str:
        key, run = found
        of = f" of {quote(key)}" if ones[1:] else ""
        return f"{quote(f'{run.id} ({run.status})')}{of}"

    schedules = [(one.key, s) for one in ones for s in one.touched.schedules or ()]
    if schedules:
        label = pluralize(len(schedules), "active schedule")
        listed = join_schedules(
            schedules, quote, style.sentence, is_named=bool(ones[1:])
        )
        yield Note(label, [listed])
    runs = [(one.key, run) for one in ones for run in one.touched.runs or ()]
    if runs:
        label = f"{pluralize(len(runs), 'run')} in flight"
        yield Note(label, [join_first(runs, MOST_TOUCHED, name)])
    doubts: list[str] = []
    for what, unknown in (
        ("schedules", sum(one.touched.schedules is None for one in ones)),
        ("runs in flight", sum(one.touched.runs is None for one in ones)),
    ):
        of = f" of {pluralize(unknown, 'workflow')}" if ones[1:] else ""
        doubts += [f"{what}{of}"] if unknown else []
    doubts += [f"{style.sentence(d)}{format_share(n, group)}" for d, n in group.doubts]
    if more := len(doubts[style.most :]):
        doubts[style.most :] = [pluralize(more, "more thing")]
    if doubts:
        yield Note("not checked", doubts)
