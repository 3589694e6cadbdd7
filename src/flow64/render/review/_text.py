"""A review as text for a terminal. Workflows that change alike are shown once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ...analysis import format_kind_changes
from ...diff import ARROW, Section, format_sections
from ...plan import Review, format_flags
from ...redaction import clean_text
from ...text import join_first, pluralize
from ._grouping import Group, group_alike
from ._headline import make_headline
from ._notes import Note, NoteStyle, list_notes
from ._options import (
    format_deletion,
    format_was,
    list_options,
    list_other_renames,
    name_candidates,
)
from ._words import (
    SIGNS,
    describe_state,
    format_changes_title,
    format_share,
    name_group,
    title_listed_kinds,
)

MOST_KEYS: Final = 60
"""The most workflows of one group that are named. JSON names all."""


def as_text(review: Review, *, in_full: bool = False) -> str:
    """Return a review or a plan as text for a terminal.

    Args:
        review: What is shown.
        in_full: Show each workflow by itself, also if several change alike.
    """
    return "".join(f"{clean_text(line)}\n" for line in _lines(review, in_full=in_full))


def _lines(review: Review, *, in_full: bool) -> Iterator[str]:
    line = make_headline(review, group_alike(review.notable, in_full=in_full), str, str)
    listed = [one for one in review.workflows if one.is_notable or one.unmanaged]
    what = f"{line.what}{_count_unchanged(review)}"
    if review.env is not None:
        plan = f"plan for environment {review.env} at {review.endpoint}"
        plan += _format_requests(review)
        what = f"{plan}\n{what}" if listed else f"{plan}: {what[0].lower()}{what[1:]}"
    yield from what.split("\n")
    yield from (f"    {fact}" for fact in line.facts)
    # The last lines are seen without scrolling.
    groups = group_alike(listed, in_full=in_full)
    for group in sorted(groups, key=lambda group: group.one.action == "refuse"):
        yield ""
        yield from _group_lines(group, review)
    yield from _prune_lines(review)
    if renames := list_other_renames(review):
        yield ""
        yield "possibly renamed:"
        for rename in renames:
            was = format_was(rename)
            keeps = f"{was} keeps its ids" if was else "its ids depend on the new names"
            other = f"{format_flags(rename.key, ['create'])} makes another"
            orphans = name_candidates(rename)
            yield f"    {orphans} {ARROW} {rename.key}: {keeps}; {other}"
    if review.listed_kinds:
        yield ""
        yield title_listed_kinds(review)
        yield from (f"    {line}" for line in format_kind_changes(review.listed_kinds))
    if review.not_checked:
        yield ""
        yield "not checked:"
        yield from (f"    {doubt}" for doubt in review.not_checked)


def _prune_lines(review: Review) -> Iterator[str]:
    """Yield the command that deletes what is no longer in the code."""
    orphans = sum(one.may_prune for one in review.workflows if one.action == "none")
    if orphans and not review.renames:
        what = pluralize(orphans, "workflow")
        are = "is" if orphans == 1 else "are"
        yield ""
        yield (
            f"to delete {what} that {are} no longer in the code: "
            f"{format_deletion(review)}"
        )


def _format_requests(review: Review) -> str:
    """Return how many requests a plan took; nothing if it was read from a file."""
    cached = f", {review.cached:,} cached" if review.cached else ""
    requests = pluralize(review.requests, "request")
    return f" ({requests}{cached})" if review.requests else ""


def _count_unchanged(review: Review) -> str:
    number = sum(one.state == "unchanged" for one in review.workflows)
    return f" ({number:,} of {len(review.workflows):,} unchanged)" if number else ""


def _group_lines(group: Group, review: Review) -> Iterator[str]:
    one = group.one
    yield f"{SIGNS[one.action]} {name_group(group, str)}: {describe_state(group)}"
    if len(group.views) > 1:
        yield f"    {join_first(group.keys, MOST_KEYS, str)}"
    elif named := f"{one.name} ({one.id})" if one.id else one.name:
        yield f"    {named}"
    for reason, number in group.reasons:
        yield f"    {reason}{format_share(number, group)}"
    if one.edits:
        yield "    what was edited on the service:"
        yield from _indent_sections(group.first.edit_sections)
    yield from _change_lines(group)
    if group.follows:
        also = "also " if group.like else ""
        yield f"    what {also}follows:"
        yield from _indent_sections(group.follows)
    for note in list_notes(group, review, _NOTE_STYLE):
        yield from (f"    {line}" for line in _format_note(note))
    if one.action == "refuse":
        yield f"    options{', for each of them' if len(group.views) > 1 else ''}:"
        for number, option in enumerate(list_options(group, review), 1):
            yield f"        {number}. {option.words}{':' if option.commands else ''}"
            yield from (f"            {line}" for line in option.commands)


def _change_lines(group: Group) -> Iterator[str]:
    """Yield the changes, in full or by their difference from another group."""
    if group.like is None:
        if group.one.changes:
            yield f"    {format_changes_title(group)}:"
            yield from _indent_sections(group.first.change_sections)
        return
    like = f"the same as {name_group(group.like, str)}"
    if not group.without and not group.besides:
        yield f"    {like}"
    for words, found in (("without", group.without), ("and also", group.besides)):
        if found:
            yield f"    {like}, {words}:" if like else f"    {words}:"
            yield from _indent_sections(found)
            like = ""


_NOTE_STYLE: Final = NoteStyle(str, str, str, MOST_KEYS)


def _format_note(note: Note) -> Iterator[str]:
    if len(note.texts) == 1:
        yield note.line
        return
    yield f"{note.label}:"
    yield from (f"    {text}" for text in note.texts)


def _indent_sections(found: Iterable[Section]) -> Iterator[str]:
    return (f"        {line}" for line in format_sections(found))
