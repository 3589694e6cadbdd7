"""An edited workflow in three versions: as last deployed, on the service, in code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from attrs import evolve

from ...diff import THE_BLOCK, Line, Section
from ._grouping import Group
from ._view import View

SEPARATOR: Final = " \u00b7 "
"""Stands between the versions of a value."""


def join_versions(view: View) -> Sequence[Section]:
    """Return the changes; the line of an edited value has its three versions."""
    return [
        evolve(section, lines=[_join_line(view, section, one) for one in section.lines])
        for section in view.change_sections
    ]


def _join_line(view: View, section: Section, line: Line) -> Line:
    edit = _find_edit(view, section, line)
    if edit is None:
        return line
    versions = (
        f"last deploy {edit.before}",
        f"service now {edit.after}",
        f"code {line.after}",
    )
    name = f"{line.text}: " if line.text else ""
    return Line("~", name + SEPARATOR.join(versions), depth=line.depth)


def list_other_edits(view: View) -> Sequence[Section]:
    """Return the edits that no line of the three versions has."""
    joined = {
        (section.title, edit)
        for section in view.change_sections
        for line in section.lines
        if (edit := _find_edit(view, section, line)) is not None
    }
    found = [
        evolve(
            section,
            lines=[one for one in section.lines if (section.title, one) not in joined],
        )
        for section in view.edit_sections
    ]
    return [section for section in found if section.lines]


def _find_edit(view: View, section: Section, line: Line) -> Line | None:
    """Return the edit that set the value which a line replaces."""
    if line.before is None:
        return None
    for edit in _list_edits(view, section):
        if edit.label == line.label and edit.after == line.before:
            return edit
    return None


def _list_edits(view: View, section: Section) -> Iterator[Line]:
    for edited in view.edit_sections:
        if edited.title == section.title:
            yield from edited.lines


def is_edit(view: View, section: Section, line: Line) -> bool:
    """Return True if somebody set the value on the service that a line replaces."""
    return _find_edit(view, section, line) is not None


def replaces_edits(group: Group) -> bool:
    """Return True if a deploy of a group replaces what others wrote, if allowed."""
    one = group.one
    is_there = bool(one.changes) and group.first.rename is None
    is_given = bool({"force", "behind"} & {*one.consents, *one.details.given})
    return is_there and is_given and one.action in ("update", "refuse")


def list_lost_values(view: View) -> Sequence[str]:
    """Return what a write takes away from the service: edits, if they are known."""
    lines = [
        (section, line)
        for section in view.change_sections
        for line in section.lines
        if not line.depth
    ]
    edited = [
        (section, line) for section, line in lines if _is_touched(view, section, line)
    ]
    found = [
        (section, text)
        for section, line in edited or lines
        if (text := _describe_loss(section, line, is_edited=bool(edited)))
    ]
    # Edges come and go with their blocks.
    apart = [text for section, text in found if not section.is_about_edges]
    return apart or [text for _, text in found]


def _is_touched(view: View, section: Section, line: Line) -> bool:
    """Return True if a line may replace an edit. Long values are not compared."""
    return any(
        edit.text.startswith(THE_BLOCK if line.is_about_block else line.text)
        or line.text.startswith(edit.text)
        for edit in _list_edits(view, section)
    )


def _describe_loss(section: Section, line: Line, *, is_edited: bool) -> str:
    """Return what a line takes away; empty if it only adds something."""
    about = f" ({section.title})" if section.title else ""
    if line.before is not None:
        return f"{line.label}{line.before}{about}"
    text = f"{line.text}{about}"
    if line.is_about_block:
        text = section.title
    if line.sign == "-":
        return text
    return f"the removal of {text}" if is_edited and line.sign == "+" else ""
