"""A review as Markdown for a comment on a pull request, within GitHub's limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeAlias

from attrs import Factory, define, frozen

from ...analysis import format_kind_changes
from ...diff import Line, OwnLine, Section
from ...plan import Review, Step
from ...redaction import redact_keys
from ...text import join_first, pluralize, printable
from .._mermaid import draw_mermaid_changes
from ._grouping import Group, group_review
from ._headline import describe_verdict, list_facts
from ._markdown_escape import (
    format_code,
    format_code_block,
    format_marker,
    format_prose,
)
from ._notes import Note, NoteStyle, list_notes
from ._options import (
    Decision,
    Option,
    list_decisions,
    list_next,
)
from ._source import compare_source
from ._versions import list_other_edits
from ._words import (
    EDITED,
    NO_DIFFERENCE,
    describe_action,
    describe_rename,
    format_changes_title,
    format_share,
    list_changes,
    list_other_renames,
    name_group,
    name_view,
    sign_group,
    title_listed_kinds,
    title_source,
)

LIMIT: Final = 65_536
"""The most characters of a comment. Here bytes are counted, which are never fewer."""

MOST_KEYS: Final = 12
"""The most workflows of one group that are named."""

MOST_LINES: Final = 60
"""The most lines of changes of one group."""

MOST_CODE: Final = 80
"""The most lines of code of one group."""

MOST_CHARACTERS: Final = 12_000
"""The most characters of a picture."""

OPEN_LINES: Final = 24
"""The most lines of a picture that is shown without a click."""

_SHARE: Final = 1_000
"""Bytes that each list of changes may have, as long as there is any room."""

_NOTE: Final = 900
"""Bytes for the note on what was cut."""


def as_markdown(review: Review, *, name: str | None = None, limit: int = LIMIT) -> str:
    """Return a review as the text of a comment.

    The first line is a hidden marker by which the comment is found and updated. Names
    and values are code, so that they have no effect. What has no room is left out, the
    least important first, and is named and counted at the end.

    Args:
        review: The review.
        name: A name that tells this comment from others on the same pull request. By
            default it is the environment.
        limit: The most bytes of UTF-8 text, at least 8,192.
    """
    page = _Page(max(limit, 8_192) - _NOTE)
    groups = group_review(review)
    _add_head(page, review, groups, review.env if name is None else name)
    for group in groups:
        _add_group(page, group, is_alone=len(groups) == 1)
    _add_tail(page, review)
    _add_next(page, review, groups)
    return page.text()


def marker_of(name: str | None) -> str:
    """Return the hidden first line of a comment with a name."""
    return format_marker(name)


# -- Room ----------------------------------------------------------------------------


_Made: TypeAlias = tuple[str, int]
"""The Markdown of a piece, and the number of lines that had no room."""


_Make: TypeAlias = Callable[[int], _Made]
"""Makes a piece in at most so many bytes, if it can be cut."""


@frozen
class _CommentPiece:
    """A piece of the comment.

    Attributes:
        make: Writes it, once there may be room for it.
        rank: Its importance. 0 is the most important.
        what: The name under which it is counted if it is cut.
        owner: The piece that it belongs to.
        name: The group that it belongs to.
    """

    make: _Make
    rank: int
    what: str = ""
    owner: int | None = None
    name: str = ""


@define
class _Page:
    """Pieces in reading order. Those that have room are written.

    Attributes:
        room: Bytes for all pieces.
        pieces: The pieces.
        cut: The number of each kind of piece that was left out.
    """

    room: int
    pieces: list[_CommentPiece] = Factory(list[_CommentPiece])
    cut: Counter[str] = Factory(Counter[str])

    def add(self, text: str, rank: int, what: str = "", name: str = "") -> int:
        """Add a piece, and return its number."""
        self.pieces.append(_CommentPiece(lambda _: (text, 0), rank, what, name=name))
        return len(self.pieces) - 1

    def add_to(self, owner: int, make: _Make, rank: int, what: str) -> None:
        """Add a piece that belongs to another one."""
        name = self.pieces[owner].name
        self.pieces.append(_CommentPiece(make, rank, what, owner, name))

    def text(self) -> str:
        """Return the pieces that have room, and a note on what was cut."""
        kept: dict[int, str] = {}
        names: list[str] = []
        full: set[str] = set()
        room = self.room
        order = sorted(range(len(self.pieces)), key=lambda at: self.pieces[at].rank)
        waiting = Counter(piece.rank for piece in self.pieces)
        for at in order:
            piece = self.pieces[at]
            # So that one piece leaves room for others of the same rank.
            share = max(room // waiting[piece.rank], min(room, _SHARE))
            waiting[piece.rank] -= 1
            if piece.owner is not None and piece.owner not in kept:
                continue
            # After one picture without room, no other one is drawn.
            text, left_out = ("", 0) if piece.what in full else piece.make(share)
            size = len(text.encode()) + 1
            if text and size <= room:
                kept[at] = text
                room -= size
                self.cut["line"] += left_out
                names += [piece.name] if left_out else []
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
        """Return a note that names and counts what was cut."""
        counts = ", ".join(
            f"{number:,} {words[number > 1]}"
            for what, words in _CUTS.items()
            if (number := self.cut[what])
        )
        of = (
            f" (of {join_first([*dict.fromkeys(names)], 5, _shorten)})" if names else ""
        )
        return f"**Not shown here, for lack of space:** {counts}{of}. JSON has all.\n"


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
"""What may be cut, in the singular and in the plural."""


_DEAR: Final = {"code", "picture"}
"""Pieces that take long to make."""


def _shorten(name: str) -> str:
    return format_code(name, 60)


# -- Content --------------------------------------------------------------------------


def _add_head(
    page: _Page, review: Review, groups: Sequence[Group], name: str | None
) -> None:
    facts = list_facts(review, groups, format_code, format_prose)
    of = f": {format_code(review.env)}" if review.env is not None else ""
    title = f"### flow64 review{of}: {describe_verdict(groups)}"
    page.add(f"{format_marker(name)}\n{title}\n", 0)
    for number, fact in enumerate(facts, 1):
        end = "\n" if number == len(facts) else ""
        texts = "".join(f"\n  - {text}" for text in fact.texts)
        text = f" {fact.text}" if len(fact.texts) == 1 else texts
        page.add(f"- **{fact.label}:**{text}{end}", 0, "note")


def _add_group(page: _Page, group: Group, *, is_alone: bool) -> None:
    one, first = group.one, group.first
    # Workflows that stop the deploy come first. New workflows, and those that stay, get
    # the room that changes to live workflows leave.
    base = (1 if one.action == "refuse" else 2) + (0 if _is_live(one) else _LATER)
    at = page.add(_write_title(group), base, "group", group.label)
    if group.like is not None:
        page.add_to(at, partial(_write_difference, group), base + 2, "changes")
    elif changed := list_changes(group):
        words = f"{format_changes_title(group).capitalize()}:"
        changes = partial(_write_block, words, changed)
        page.add_to(at, changes, base + 2, "changes")
    elif first.differences is not None:
        page.add_to(at, lambda _: (f"{NO_DIFFERENCE.capitalize()}.\n", 0), base, "note")
    if found := list_other_edits(first):
        edits = partial(_write_block, f"{EDITED.capitalize()}:", found)
        page.add_to(at, edits, base + 1, "edits")
    if group.follows:
        words = f"What {'also ' if group.like else ''}follows:"
        follows = partial(_write_block, words, group.follows)
        page.add_to(at, follows, base + 4, "follows")
    if notes := [_format_note(note) for note in list_notes(group, _NOTE_STYLE)]:
        page.add_to(at, lambda _: ("\n".join([*notes, ""]), 0), base + 3, "note")
    if one.details.after is not None and group.is_drawn:
        draw = partial(_draw_picture, group, is_open=is_alone)
        page.add_to(at, draw, base + 2 * _LATER, "picture")
    if group.has_source:
        page.add_to(at, partial(_write_source, group), base + 2 * _LATER + 1, "code")


_LATER: Final = 10
"""The first rank after all ranks for live workflows."""


def _is_live(one: Step) -> bool:
    """Whether a deploy changes or deletes a live workflow, or would do so."""
    return one.action not in ("none", "create") and one.state != "new"


def _write_difference(group: Group, room: int) -> _Made:
    """Write the changes by their difference from another group."""
    assert group.like is not None  # otherwise all changes are shown
    like = f"The same as {name_group(group.like, format_code)}"
    if group.without and group.besides:
        first, left_out = _write_block(f"{like}, without:", group.without, room // 2)
        second, more = _write_block("And also:", group.besides, room // 2)
        return "\n".join(filter(None, (first, second))), left_out + more
    if group.without:
        return _write_block(f"{like}, without:", group.without, room)
    if group.besides:
        return _write_block(f"{like}, and also:", group.besides, room)
    return f"{like}.\n", 0


def _write_title(group: Group) -> str:
    one = group.one
    mark = format_code(sign_group(group))
    lines = [
        f"#### {mark} {name_group(group, format_code)} {describe_action(group)}",
        "",
    ]
    if len(group.views) > 1:
        name = partial(name_view, quote=format_code)
        lines += [join_first(group.views, MOST_KEYS, name), ""]
    elif one.name and one.name != one.key:
        lines += [format_code(one.name), ""]
    reasons = [
        f"- {format_prose(text)}{format_share(number, group)}"
        for text, number in group.reasons
    ]
    lines += [*reasons, *([""] if reasons else [])]
    return "\n".join(lines)


def _write_decision(decision: Decision) -> Iterator[str]:
    """Write what is to be decided. GitHub has a button to copy a block."""
    yield f"**To decide:** {decision.question}"
    yield ""
    # Numbered, so that it is a list apart from the notes below it.
    for number, option in enumerate(decision.options, 1):
        yield from _write_option(f"{number}. ", option)


def _write_option(start: str, option: Option) -> Iterator[str]:
    words = option.words[:1].upper() + option.words[1:]
    yield f"{start}{words}{':' if option.commands else '.'}"
    indent = " " * len(start)
    yield from (f"{indent}- {line}" for line in option.lines)
    if option.commands:
        shown = "\n".join(printable(redact_keys(one)) for one in option.commands)
        block = format_code_block(shown, option.language)
        yield from (f"{indent}{line}".rstrip() for line in block.splitlines())


_NOTE_STYLE: Final = NoteStyle(
    format_code, format_prose, lambda line: format_code(line.strip()), MOST_KEYS
)


def _format_note(note: Note) -> str:
    label = f"**{note.label}:**" if note.is_warning else f"{note.label}:"
    if len(note.texts) > 1:
        return f"- {label}" + "".join(f"\n  - {text}" for text in note.texts)
    return f"- {label} {note.texts[0]}" if note.is_warning else f"- {note.line}"


def _write_block(words: str, found: Sequence[Section], room: int) -> _Made:
    """Write lines of changes as a block that GitHub colours, cut if they are too many.

    Args:
        words: The heading.
        found: The lines.
        room: Bytes for the whole block. If the first line has no room, it is empty.
    """
    lines = [redact_keys(line) for section in found for line in _write_section(section)]
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
    return f"{words}\n\n{format_code_block(shown, 'diff')}", more


def _write_section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"@@ {section.title} @@"
    for line in section.lines:
        yield from _write_line(line)


def _write_line(line: Line) -> Iterator[str]:
    """Write a line as a diff does: its sign first, the old value above the new one."""
    indent = "    " * line.depth
    if line.before is None:
        yield f"{line.sign} {indent}{line.text}"
    elif line.sign == ">" or isinstance(line, OwnLine):
        yield f"{line.sign} {indent}{line.words}"
    else:
        yield f"- {indent}{line.label}{line.before}"
        yield f"+ {indent}{line.label}{line.after}"


_FRAME: Final = 80
"""Bytes for the fence around a block, and for the line that counts what was cut."""


def _draw_picture(group: Group, _: int, *, is_open: bool) -> _Made:
    """Draw the changed part in Mermaid, behind a click if it is large.

    Args:
        group: The group.
        is_open: Whether a small picture is shown without a click.
    """
    view, one = group.first, group.one
    text = draw_mermaid_changes(
        one.details.before,
        one.details.after,
        changes=None if view.is_new else one.changes,
        broken=view.broken_columns,
        max_characters=MOST_CHARACTERS,
    )
    body = format_code_block(redact_keys(text.rstrip("\n")), "mermaid")
    # There is no Markdown in a line of HTML, so it has no name in it.
    of = "" if len(group.views) == 1 else " of the first of them"
    is_open = is_open and view.is_rewired and text.count("\n") <= OPEN_LINES
    opened = "<details open>" if is_open else "<details>"
    summary = f"<summary>The graph{of}</summary>"
    return f"{opened}{summary}\n\n{body}\n</details>\n", 0


def _write_source(group: Group, _: int) -> _Made:
    """Write the changes as code, behind a click."""
    found = compare_source(group.first)
    if found.problem is not None:
        return f"Not shown as code: {format_prose(found.problem)}.\n", 0
    if not found.lines:
        return "As flow64 code nothing differs.\n", 0
    lines, more = [*found.lines[:MOST_CODE]], len(found.lines) - MOST_CODE
    if more > 0:
        lines.append(f"  … and {pluralize(more, 'more line')}")
    of = "" if len(group.views) == 1 else ", of the first of them"
    body = format_code_block("\n".join(lines), "diff")
    title = title_source(group).capitalize()
    summary = f"<summary>{title}{of}</summary>"
    # The changes above say the same, so it does not count as cut.
    return f"<details>{summary}\n\n{body}\n</details>\n", 0


def _add_next(page: _Page, review: Review, groups: Sequence[Group]) -> None:
    """Add what to decide, or what to do next."""
    page.add("#### Next\n", 0)
    for decision in list_decisions(review, groups, format_code, format_prose):
        part = "\n".join([*_write_decision(decision), ""])
        page.add(part, 1 + _LATER if decision.is_new else 1, "note")
    for option in list_next(review, groups, format_code):
        page.add("\n".join([*_write_option("", option), ""]), 0, "note")


def _add_tail(page: _Page, review: Review) -> None:
    if renames := list_other_renames(review):
        lines = ["#### Possibly renamed", ""]
        shown = renames[:MOST_KEYS]
        lines += [f"- {describe_rename(rename, format_code)}" for rename in shown]
        if (more := len(renames) - MOST_KEYS) > 0:
            lines.append(f"- and {more:,} more")
        page.add("\n".join([*lines, ""]), 3, "note")
    if review.listed_kinds:
        owner = page.add(f"#### {title_listed_kinds(review)}\n", 3, "note")
        page.add_to(owner, partial(_write_listed_kinds, review), 4, "changes")
    if review.not_checked:
        doubts = [
            f"- {format_prose(doubt)}" for doubt in review.not_checked[:MOST_KEYS]
        ]
        if (more := len(review.not_checked) - MOST_KEYS) > 0:
            doubts.append(f"- {pluralize(more, 'more thing')}")
        page.add("\n".join(["#### Not checked", "", *doubts, ""]), 3, "note")


def _write_listed_kinds(review: Review, _: int) -> _Made:
    """Write the changes of the list of blocks, kind by kind."""
    lines = [*format_kind_changes(review.listed_kinds)]
    body = format_code_block("\n".join(lines[:MOST_LINES]), "text")
    more = len(lines[MOST_LINES:])
    return f"<details><summary>Kind by kind</summary>\n\n{body}\n</details>\n", more
