"""A review as Markdown for a comment on a pull request, inside of GitHub's limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

from attrs import Factory, define, frozen

from ...diff import Line, Section
from ...plan import Review, Step
from ...redaction import redact_keys
from ...text import join_first, pluralize
from .._mermaid import mermaid_changed
from ._facts import Fact, Writing, list_facts
from ._grouping import Group, group_alike
from ._markdown_escape import code, fenced, marker, prose
from ._source import source_of
from ._words import (
    SIGNS,
    becomes,
    changes_title,
    headline,
    keeps_ids,
    name_group,
    of_them,
    ways_on,
)

LIMIT: Final = 65_536
"""Characters that a comment may have; bytes are counted here, which are never fewer."""

MOST_KEYS: Final = 12
"""Workflows of one group that are named."""

MOST_LINES: Final = 60
"""Lines of changes that are shown of one group."""

MOST_CODE: Final = 80
"""Lines of code that are shown of one group."""

MOST_CHARACTERS: Final = 12_000
"""Characters of a picture."""

OPEN_LINES: Final = 24
"""Lines of a picture that is shown without a click."""

_SHARE: Final = 1_000
"""Bytes that each list of changes may have, as long as there is room at all."""

_NOTE: Final = 900
"""Bytes that are kept for saying what was cut."""


def as_markdown(review: Review, *, name: str | None = None, limit: int = LIMIT) -> str:
    """A review as the text of a comment.

    The first line is a hidden marker by which the comment is found and updated. Names
    and values are code, so that nothing of them acts. What has no room is left out, the
    least important first, and is named and counted at the end.

    Args:
        review: What is told.
        name: What tells this comment from others on the same pull request; the
            environment if left out.
        limit: The most bytes of UTF-8 that the text may have; at least 8,192.
    """
    page = _Page(max(limit, 8_192) - _NOTE)
    groups = group_alike(review.notable)
    _head(page, review, groups, review.env if name is None else name)
    for group in groups:
        _group(page, group)
    _tail(page, review)
    return page.text()


def marker_of(name: str | None) -> str:
    """The hidden first line of a comment of a name."""
    return marker(name)


# -- What has room ---------------------------------------------------------------------


_Made: TypeAlias = tuple[str, int]
"""The Markdown of a piece, and how many lines of it had no room."""


_Make: TypeAlias = Callable[[int], _Made]
"""Makes a piece in at most so many bytes, as far as it can be cut; else as it is."""


@frozen
class _Piece:
    """A piece of the comment.

    Attributes:
        make: Writes it, once there may be room for it.
        rank: How important it is; 0 is kept first.
        what: What it is counted as where it is cut.
        owner: The piece without which it makes no sense.
        name: Whose it is.
    """

    make: _Make
    rank: int
    what: str = ""
    owner: int | None = None
    name: str = ""


@define
class _Page:
    """Pieces in reading order; those that have room are written.

    Attributes:
        room: Bytes for all of them.
        pieces: They.
        cut: What was left out.
    """

    room: int
    pieces: list[_Piece] = Factory(list[_Piece])
    cut: Counter[str] = Factory(Counter[str])

    def add(self, text: str, rank: int, what: str = "", name: str = "") -> int:
        """Add a piece; gives its number."""
        self.pieces.append(_Piece(lambda _: (text, 0), rank, what, name=name))
        return len(self.pieces) - 1

    def add_to(self, owner: int, make: _Make, rank: int, what: str) -> None:
        """Add a piece that belongs to another one."""
        name = self.pieces[owner].name
        self.pieces.append(_Piece(make, rank, what, owner, name))

    def text(self) -> str:
        """What has room, and what was cut."""
        kept: dict[int, str] = {}
        names: list[str] = []
        full: set[str] = set()
        room = self.room
        order = sorted(range(len(self.pieces)), key=lambda at: self.pieces[at].rank)
        waiting = Counter(piece.rank for piece in self.pieces)
        for at in order:
            piece = self.pieces[at]
            # So that the first of equals leaves room for the others.
            share = max(room // waiting[piece.rank], min(room, _SHARE))
            waiting[piece.rank] -= 1
            if piece.owner is not None and piece.owner not in kept:
                continue
            # One picture that has no room is tried; so many are not drawn in vain.
            text, unsaid = ("", 0) if piece.what in full else piece.make(share)
            size = len(text.encode()) + 1
            if text and size <= room:
                kept[at] = text
                room -= size
                self.cut["line"] += unsaid
                names += [piece.name] if unsaid else []
            else:
                full |= {piece.what} & _DEAR
                self.cut[piece.what] += 1
                names += [piece.name] if piece.name else []
        parts = [kept[at] for at in sorted(kept)]
        self.cut = +self.cut
        if self.cut:
            parts.append(self._note(names))
        return "\n".join(parts)

    def _note(self, names: Sequence[str]) -> str:
        """What was cut, named and counted."""
        counts = ", ".join(
            f"{number:,} {words[number > 1]}"
            for what, words in _CUTS.items()
            if (number := self.cut[what])
        )
        of = f" (of {join_first([*dict.fromkeys(names)], 5, _short)})" if names else ""
        return f"**Not shown here, for want of room:** {counts}{of}. JSON has all.\n"


_CUTS: Final = {
    "group": ("group of workflows", "groups of workflows"),
    "line": ("line of changes", "lines of changes"),
    "changes": ("list of changes", "lists of changes"),
    "edits": ("list of edits", "lists of edits"),
    "follows": ("list of what follows", "lists of what follows"),
    "note": ("note", "notes"),
    "picture": ("picture", "pictures"),
    "code": ("piece of code", "pieces of code"),
}
"""What may be cut: one of it is called so, and more than one."""


_DEAR: Final = {"code", "picture"}
"""What takes long to make."""


def _short(name: str) -> str:
    return code(name, 60)


# -- What is said ----------------------------------------------------------------------


def _head(
    page: _Page, review: Review, groups: Sequence[Group], name: str | None
) -> None:
    line = headline(review, groups, code)
    of = f": {code(review.env)}" if review.env is not None else ""
    more = f" \u2014 {line.more}" if line.more else ""
    page.add(f"{marker(name)}\n### flow64 review{of}\n\n**{line.what}**{more}\n", 0)


def _group(page: _Page, group: Group) -> None:
    one = group.one
    # What stops the deploy is told before all else. What is not there yet, or is left
    # as it is, gets the room that changes to live workflows leave.
    base = (1 if one.action == "refuse" else 2) + (0 if _is_live(one) else _LATER)
    at = page.add(_title(group), base, "group", group.label)
    if one.edits:
        page.add_to(at, partial(_edits, group), base + 1, "edits")
    if group.like is not None:
        page.add_to(at, partial(_otherwise, group), base + 2, "changes")
    elif one.changes:
        page.add_to(at, partial(_changes, group), base + 2, "changes")
    if group.follows:
        page.add_to(at, partial(_follows, group), base + 4, "follows")
    if facts := [_format_fact(fact) for fact in list_facts(group, _WRITING)]:
        page.add_to(at, lambda _: ("\n".join([*facts, ""]), 0), base + 3, "note")
    if one.details.after is not None and group.is_drawn:
        page.add_to(at, partial(_picture, group), base + 2 * _LATER, "picture")
    if group.has_source:
        page.add_to(at, partial(_source, group), base + 2 * _LATER + 1, "code")


_LATER: Final = 10
"""What the ranks of all that a live workflow needs lie below."""


def _is_live(one: Step) -> bool:
    """Whether a deploy changes or deletes, or would change, what is live."""
    return one.action not in ("none", "create") and one.state != "new"


def _edits(group: Group, room: int) -> _Made:
    return _block("Edited on the service:", group.first.edit_sections, room)


def _changes(group: Group, room: int) -> _Made:
    words = f"{changes_title(group).capitalize()}:"
    return _block(words, group.first.change_sections, room)


def _follows(group: Group, room: int) -> _Made:
    words = f"What {'also ' if group.like else ''}follows:"
    return _block(words, group.follows, room)


def _otherwise(group: Group, room: int) -> _Made:
    """What changes, by what it is like."""
    assert group.like is not None  # else all of it is told
    like = f"What {name_group(group.like, code)} change"
    if group.without and group.besides:
        first, unsaid = _block(f"{like}, but not:", group.without, room // 2)
        second, more = _block("And besides:", group.besides, room // 2)
        return "\n".join(filter(None, (first, second))), unsaid + more
    if group.without:
        return _block(f"{like}, but not:", group.without, room)
    if group.besides:
        return _block(f"{like}, and besides:", group.besides, room)
    return f"{like}.\n", 0


def _title(group: Group) -> str:
    one = group.one
    mark = code(SIGNS[one.action])
    lines = [f"#### {mark} {name_group(group, code)} {becomes(group)}", ""]
    if len(group.views) > 1:
        lines += [join_first(group.keys, MOST_KEYS, code), ""]
    elif one.name and one.name != one.key:
        lines += [code(one.name), ""]
    reasons = [
        f"- {prose(text)}{of_them(number, group)}" for text, number in group.reasons
    ]
    if one.action == "refuse":
        reasons.append(f"- {_ways(group)}")
    return "\n".join([*lines, *reasons, *([""] if reasons else [])])


def _ways(group: Group) -> str:
    found = ways_on(group)
    ways = [f"{words} {code(text)}" if text else words for words, text in found]
    if len(found) == 1:
        return f"way on: {ways[0]}"
    each = "" if len(group.views) == 1 else " (for each of them)"
    return f"ways on: {', or '.join(ways)}{each}"


_WRITING: Final = Writing(code, prose, lambda line: code(line.strip()), MOST_KEYS)


def _format_fact(fact: Fact) -> str:
    label = f"**{fact.label}:**" if fact.is_warning else f"{fact.label}:"
    if len(fact.texts) > 1:
        return f"- {label}" + "".join(f"\n  - {text}" for text in fact.texts)
    return f"- {label} {fact.texts[0]}" if fact.is_warning else f"- {fact.line}"


def _block(words: str, found: Sequence[Section], room: int) -> _Made:
    """Lines of changes as a block that GitHub colours, cut if they are too many.

    Args:
        words: What they are.
        found: The lines.
        room: Bytes for all of it. Without room for the first line there is no block.
    """
    lines = [redact_keys(line) for section in found for line in _diff(section)]
    room -= len(words.encode()) + _FRAME
    fits = 0
    for line in lines[:MOST_LINES]:
        room -= len(line.encode()) + 1
        if room < 0:
            break
        fits += 1
    if not fits:
        return "", 0
    more = len(lines) - fits
    if more > 0:
        lines = [*lines[:fits], f"  … and {pluralize(more, 'more line')}"]
    shown = "\n".join(lines)
    return f"{words}\n\n{fenced(shown, 'diff')}", more


def _diff(section: Section) -> Iterator[str]:
    if section.title:
        yield f"@@ {section.title} @@"
    for line in section.lines:
        yield from _sides(line)


def _sides(line: Line) -> Iterator[str]:
    """A line as a diff has it: its sign first, what was above what is."""
    indent = "    " * line.depth
    if line.before is None:
        yield f"{line.sign} {indent}{line.text}"
    elif line.sign == ">":
        yield f"> {indent}{line.text}: {line.before} -> {line.after}"
    else:
        yield f"- {indent}{line.text}: {line.before}"
        yield f"+ {indent}{line.text}: {line.after}"


_FRAME: Final = 80
"""Bytes for the fence around a block, and for the line that counts what was cut."""


def _picture(group: Group, _: int) -> _Made:
    """The changed part as Mermaid; behind a click where it is large."""
    view, one = group.first, group.one
    text = mermaid_changed(
        one.details.before,
        one.details.after,
        changes=None if view.is_new else one.changes,
        max_characters=MOST_CHARACTERS,
    )
    body = fenced(redact_keys(text.rstrip("\n")), "mermaid")
    # In a line of HTML there is no Markdown, and so no code: no name stands there.
    of = "" if len(group.views) == 1 else " of the first of them"
    is_open = not view.is_new and text.count("\n") <= OPEN_LINES
    opened = "<details open>" if is_open else "<details>"
    summary = f"<summary>The graph{of}</summary>"
    return f"{opened}{summary}\n\n{body}\n</details>\n", 0


def _source(group: Group, _: int) -> _Made:
    """What changes as code, behind a click."""
    found = source_of(group.first)
    if found.problem is not None:
        return f"Not shown as code: {prose(found.problem)}.\n", 0
    if not found.lines:
        return "As flow64 code nothing differs.\n", 0
    lines, more = [*found.lines[:MOST_CODE]], len(found.lines) - MOST_CODE
    if more > 0:
        lines.append(f"  … and {pluralize(more, 'more line')}")
    of = "" if len(group.views) == 1 else ", of the first of them"
    body = fenced("\n".join(lines), "diff")
    summary = f"<summary>As flow64 code{of}</summary>"
    # All of it is told by the changes above, so what is cut here is no loss to count.
    return f"<details>{summary}\n\n{body}\n</details>\n", 0


def _tail(page: _Page, review: Review) -> None:
    if review.renames:
        lines = ["#### Possibly renamed", ""]
        for rename in review.renames[:MOST_KEYS]:
            was = keeps_ids(rename)
            keeps = f": {code(was)} keeps its ids" if was else ""
            lines.append(f"- {code(rename.orphan)} → {code(rename.key)}{keeps}")
        if (more := len(review.renames) - MOST_KEYS) > 0:
            lines.append(f"- and {more:,} more")
        page.add("\n".join([*lines, ""]), 3, "note")
    if review.not_checked:
        doubts = [f"- {prose(doubt)}" for doubt in review.not_checked[:MOST_KEYS]]
        if (more := len(review.not_checked) - MOST_KEYS) > 0:
            doubts.append(f"- {pluralize(more, 'more thing')}")
        page.add("\n".join(["#### Not checked", "", *doubts, ""]), 3, "note")
