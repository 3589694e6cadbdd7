"""A review as text for a terminal. Workflows that change alike are shown once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from attrs import evolve

from ...analysis import format_kind_changes
from ...diff import Section, format_sections
from ...plan import Review, format_flags
from ...redaction import clean_text
from ...text import join_first, pluralize
from ._grouping import Group, group_review
from ._headline import describe_verdict, list_facts
from ._notes import Note, NoteStyle, list_notes
from ._options import (
    Option,
    list_decisions,
    list_next,
)
from ._versions import list_other_edits
from ._view import View
from ._words import (
    DEPLOYER,
    EDITED,
    NO_DIFFERENCE,
    REVIEWER,
    USUAL,
    Reader,
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
)

MOST_KEYS: Final = 60
"""The most workflows of one group that are named. JSON names all."""


def as_text(
    review: Review,
    *,
    in_full: bool = False,
    is_plan: bool = False,
    is_applied: bool = False,
) -> str:
    """Return a review or a plan as text for a terminal.

    Args:
        review: What is shown.
        in_full: Show each workflow by itself, also if several change alike.
        is_plan: Whether to begin as a plan, with the endpoint, and to show ids.
        is_applied: Whether the plan is applied next, so that no command is named.
    """
    reader = DEPLOYER if is_plan else REVIEWER
    lines = _lines(review, reader, in_full=in_full, is_applied=is_applied)
    return "".join(f"{clean_text(line)}\n" for line in lines)


def _lines(
    review: Review, reader: Reader, *, in_full: bool, is_applied: bool
) -> Iterator[str]:
    groups = group_review(review, in_full=in_full, has_unmanaged=True)
    yield from _head_lines(review, groups, reader)
    for group in groups:
        yield ""
        yield from _group_lines(group, reader)
    if renames := list_other_renames(review):
        yield ""
        yield "possibly renamed:"
        for rename in renames:
            other = f"{format_flags(rename.key, ['create'])} makes another"
            yield f"    {describe_rename(rename, str)}; {other}"
    if review.listed_kinds:
        yield ""
        yield title_listed_kinds(review)
        yield from (f"    {line}" for line in format_kind_changes(review.listed_kinds))
    if review.not_checked:
        yield ""
        yield "not checked:"
        yield from (f"    {doubt}" for doubt in review.not_checked)
    if groups:
        yield from _next_lines(review, groups, reader, is_applied=is_applied)


def _head_lines(
    review: Review, groups: Sequence[Group], reader: Reader
) -> Iterator[str]:
    """Yield what was planned, and the answers that come first."""
    facts = list_facts(review, groups, str, str, reader)
    what = facts[1]
    if review.env is not None:
        plan = f"review of environment {review.env}: {describe_verdict(groups)}"
        if not reader.is_reviewer:
            plan = f"plan for environment {review.env} at {review.endpoint}"
            plan += _format_requests(review)
        if not groups:
            nothing = f"nothing changes{what.text.removeprefix('nothing')}"
            plan = f"{plan.partition(': ')[0]}: {nothing}"
        yield plan
    # If nothing changes, one line says it.
    shown = facts if groups else [what] if review.env is None else ()
    for fact in shown:
        if len(fact.texts) == 1:
            yield f"{fact.label}: {fact.texts[0]}"
        else:
            yield f"{fact.label}:"
            yield from (f"    {text}" for text in fact.texts)


def _next_lines(
    review: Review, groups: Sequence[Group], reader: Reader, *, is_applied: bool
) -> Iterator[str]:
    """Yield what to decide, or what to do next."""
    for decision in list_decisions(review, groups, str, str, reader):
        yield ""
        yield f"to decide: {decision.question}"
        for number, option in enumerate(decision.options, 1):
            yield from _option_lines(f"{number}. ", option)
    found = list_next(review, groups, str, reader)
    for option in () if is_applied else found:
        yield ""
        yield from _option_lines("next: ", option, indent="")


def _option_lines(start: str, option: Option, indent: str = "    ") -> Iterator[str]:
    yield f"{indent}{start}{option.words}{':' if option.commands else ''}"
    yield from (f"{indent}    - {line}" for line in option.lines)
    yield from (f"{indent}    {line}" for line in option.commands)


def _format_requests(review: Review) -> str:
    """Return how many requests a plan took; nothing if it was read from a file."""
    requests = pluralize(review.requests, "request")
    return f" ({requests})" if review.requests else ""


def _group_lines(group: Group, reader: Reader) -> Iterator[str]:
    yield f"{sign_group(group)} {name_group(group, str)}: {_describe_state(group)}"
    if len(group.views) > 1:
        names = join_first(group.views, MOST_KEYS, lambda view: name_view(view, str))
        yield f"    {names}"
    elif named := (
        group.one.name if reader.is_reviewer else _name_with_id(group.first)
    ):
        yield f"    {named}"
    for reason, number in group.reasons:
        yield f"    {reason}{format_share(number, group)}"
    yield from _change_lines(group)
    if edits := list_other_edits(group.first):
        yield f"    {EDITED}:"
        yield from _indent_sections(edits)
    if group.follows:
        also = "also " if group.like else ""
        yield f"    what {also}follows:"
        yield from _indent_sections(group.follows)
    style = _REVIEW_STYLE if reader.is_reviewer else _NOTE_STYLE
    for note in list_notes(group, style):
        yield from (f"    {line}" for line in _format_note(note))


def _describe_state(group: Group) -> str:
    """Return the name of a state, if it says more, and what a deploy does."""
    state = group.one.state
    is_said = state in USUAL or group.is_unchanged or group.is_only_renamed
    return f"{'' if is_said else f'{state}: '}{describe_action(group)}"


def _name_with_id(view: View) -> str:
    """Return the title of a workflow and its id, or both ids that it may have."""
    one = view.step
    if view.orphan is not None:
        return f"{one.name} ({view.orphan.id}; as a second workflow {one.id})"
    return f"{one.name} ({one.id})" if one.id else one.name


def _change_lines(group: Group) -> Iterator[str]:
    """Yield the changes, in full or by their difference from another group."""
    if group.like is None:
        found = list_changes(group)
        if found:
            yield f"    {format_changes_title(group)}:"
            yield from _indent_sections(found)
        elif group.first.differences is not None:
            yield f"    {NO_DIFFERENCE}"
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
_REVIEW_STYLE: Final = evolve(_NOTE_STYLE, has_settings=True)


def _format_note(note: Note) -> Iterator[str]:
    if len(note.texts) == 1:
        yield note.line
        return
    yield f"{note.label}:"
    yield from (f"    {text}" for text in note.texts)


def _indent_sections(found: Iterable[Section]) -> Iterator[str]:
    return (f"        {line}" for line in format_sections(found))
