"""An edited workflow in three versions: as last deployed, on the service, in code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from attrs import evolve, frozen

from ...diff import (
    EDGES,
    BlockAdded,
    BlockMoved,
    BlockRemoved,
    BlockRenamed,
    Change,
    DescriptionChanged,
    EdgeAdded,
    EdgeRemoved,
    ItemAdded,
    ItemEdit,
    ItemRemoved,
    KindChanged,
    Line,
    ListChanged,
    Section,
    TitleChanged,
    sections,
)
from ._grouping import Group
from ._view import View

SEPARATOR: Final = " \u00b7 "
"""Stands between the versions of a value."""

_Place: TypeAlias = tuple[object, ...]
"""The place of a change on the service: a block, a path, and a position in a list."""

_Part: TypeAlias = tuple[_Place, Line]
"""One line about a change, with its place."""


@frozen
class ChangeLine(Line):
    """A line about a change of the code.

    Attributes:
        place: Its place on the service.
        edit: The line of the edit that set the value which the code replaces.
        is_touched: Whether an edit concerns the same place.
    """

    place: _Place = ()
    edit: Line | None = None
    is_touched: bool = False


def list_change_sections(view: View) -> Sequence[Section]:
    """Return the changes as lines that know the edits which they replace."""
    edits = _list_edits(view)

    def describe(change: Change) -> Iterator[Line]:
        parts = [*_list_parts(change, "before")]
        for place, line in parts:
            near = [one for one in edits.get(place[0], ()) if _overlap(one[0], place)]
            yield ChangeLine(
                line.sign,
                line.text,
                line.before,
                line.after,
                line.depth,
                line.joint,
                place=place,
                edit=_find_edit(place, parts, near),
                is_touched=bool(near),
            )

    return sections(view.changes, describe)


def join_versions(view: View) -> Sequence[Section]:
    """Return the changes; the line of an edited value has its three versions."""
    return [
        evolve(section, lines=[*map(_join_line, section.lines)])
        for section in list_change_sections(view)
    ]


def _join_line(line: Line) -> Line:
    edit = get_edit(line)
    if edit is None:
        return line
    old, now, code = edit.before, edit.after, line.after
    name = f"{line.text}: " if line.text else ""
    # One of them may be about a value, and the other one about all words.
    if (edit.joint, not edit.text) != (line.joint, not line.text):
        name = ""
        old, now = f"{edit.label}{old}", f"{edit.label}{now}"
        code = f"{line.label}{code}"
    versions = (f"last deploy {old}", f"service now {now}", f"code {code}")
    return Line("~", name + SEPARATOR.join(versions), depth=line.depth)


def list_other_edits(view: View) -> Sequence[Section]:
    """Return the edits that no line of the three versions has."""
    joined = [
        line.place
        for section in list_change_sections(view)
        for line in section.lines
        if isinstance(line, ChangeLine) and line.edit is not None
    ]

    def describe(edit: Change) -> Iterator[Line]:
        parts = _list_parts(edit, "after")
        return (line for place, line in parts if place not in joined)

    return [section for section in sections(view.edits, describe) if section.lines]


def get_edit(line: Line) -> Line | None:
    """Return the edit that set the value which a line replaces."""
    return line.edit if isinstance(line, ChangeLine) else None


def _find_edit(
    place: _Place, parts: Sequence[_Part], edits: Sequence[_Part]
) -> Line | None:
    """Return the edit that set a value, if one line says it and one replaces it."""
    (here, there) = (
        [line for where, line in found if where == place] for found in (parts, edits)
    )
    is_one = len(here) == len(there) == 1
    is_value = is_one and None not in (here[0].before, there[0].before)
    return there[0] if is_value else None


# -- Places ----------------------------------------------------------------------------


def _list_edits(view: View) -> Mapping[object, Sequence[_Part]]:
    """Return the lines of all edits, by the block or the kind of change."""
    found: dict[object, list[_Part]] = {}
    for edit in view.edits:
        for place, line in _list_parts(edit, "after"):
            found.setdefault(place[0], []).append((place, line))
    return found


def _list_parts(change: Change, side: Literal["before", "after"]) -> Iterator[_Part]:
    """Yield the lines of a change, each with its place on the service.

    Args:
        change: The change, blocks by name.
        side: The side of the change that the service has.
    """
    place = _find_place(change)
    if isinstance(change, ListChanged):
        for item in change.edits:
            at = _find_position(item, side)
            yield from (((*place, at), line) for line in item.describe(change))
    else:
        yield from ((place, line) for line in change.describe())


def _find_place(change: Change) -> _Place:
    match change:
        case TitleChanged() | DescriptionChanged():
            return (type(change),)
        case EdgeAdded(edge=edge) | EdgeRemoved(edge=edge):
            return EDGES, str(edge)
        case BlockAdded() | BlockRemoved():
            return (str(change.block),)
        case KindChanged() | BlockMoved() | BlockRenamed():
            return str(change.block), type(change)
        case _:
            return str(change.block), *change.path


def _find_position(item: ItemEdit, side: Literal["before", "after"]) -> object:
    """Return the position of an item in the list that the service has, or its value."""
    match item:
        case ItemAdded() | ItemRemoved():
            is_there = isinstance(item, ItemRemoved) == (side == "before")
            return item.at if is_there else ("no item", item.value)
        case _:
            return item.before if side == "before" else item.after


def _overlap(one: _Place, other: _Place) -> bool:
    """Return True if two places are the same, or if one is inside of the other."""
    return all(a == b for a, b in zip(one, other, strict=False))


# -- What is lost ----------------------------------------------------------------------


def replaces_edits(group: Group) -> bool:
    """Return True if a deploy of a group replaces what others wrote, if allowed."""
    one = group.one
    is_there = bool(one.changes) and group.first.rename is None
    is_given = bool({"force", "behind"} & {*one.consents, *one.details.given})
    return is_there and is_given and one.action in ("update", "refuse")


def list_lost_values(
    view: View, quote: Callable[[str], str], sentence: Callable[[str], str]
) -> Sequence[str]:
    """Return what a write takes away from the service: edits, if they are known.

    Args:
        view: The workflow.
        quote: Writes a name or a value.
        sentence: Writes a sentence with words of data in it.
    """
    lines = [
        (section, line)
        for section in list_change_sections(view)
        for line in section.lines
        if not line.depth
    ]
    edited = [
        (section, line)
        for section, line in lines
        if isinstance(line, ChangeLine) and line.is_touched
    ]
    found = [
        (section, f"{text}{_name_place(section, line, quote)}")
        for section, line in edited or lines
        # What the code only adds takes nothing away, unless it was removed there.
        if line.before is not None or line.sign == "-" or (edited and line.sign == "+")
        for text in [_describe_side(section, line, quote, sentence, is_before=True)]
    ]
    # Edges come and go with their blocks.
    apart = [text for section, text in found if not section.is_about_edges]
    return apart or [text for _, text in found]


def list_gained_values(
    view: View, quote: Callable[[str], str], sentence: Callable[[str], str]
) -> Sequence[str]:
    """Return what the code changes apart from edits, as it is then."""
    return [
        _describe_side(section, line, quote, sentence, is_before=False)
        for section in list_change_sections(view)
        for line in section.lines
        if not line.depth and not section.is_about_edges
        if isinstance(line, ChangeLine) and not line.is_touched
    ]


def _describe_side(
    section: Section,
    line: Line,
    quote: Callable[[str], str],
    sentence: Callable[[str], str],
    *,
    is_before: bool,
) -> str:
    """Return the side of a line that the service has, or that of the code."""
    value = line.before if is_before else line.after
    if value is not None:
        label = f"{sentence(line.label.rstrip())} " if line.label else ""
        return f"{label}{value if value.isdecimal() else quote(value)}"
    text = quote(line.text)
    if line.is_about_block:
        text = f"block {quote(section.name)}"
    is_there = line.sign != ("+" if is_before else "-")
    return text if is_there else f"the removal of {text}"


def _name_place(section: Section, line: Line, quote: Callable[[str], str]) -> str:
    """Return the place of a value, in parentheses; empty if it needs none."""
    if not section.title or line.is_about_block:
        return ""
    if section.block is None:
        return f" ({section.title})"
    return f" (block {quote(section.name)})"
