"""A review as text for a terminal: all of it, the workflows that are alike as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ...redaction import redact_keys
from ...text import printable
from ._grouping import Group, factored
from ._lines import Section
from ._model import Review
from ._view import told
from ._words import (
    SET_BY_HAND,
    SIGNS,
    at_work,
    becomes,
    called,
    cost_change,
    costing,
    headline,
    keeps_ids,
    of_them,
    settings,
    some,
    ways_on,
)

MOST_KEYS: Final = 60
"""Workflows of one group that are named; JSON names all."""


def as_text(review: Review) -> str:
    """A review as people read it in a terminal."""
    return "".join(f"{_clean(line)}\n" for line in _lines(review))


def _clean(line: str) -> str:
    return printable(redact_keys(line))


def _lines(review: Review) -> Iterator[str]:
    groups = factored(review)
    line = headline(review, groups, str)
    if review.env is not None:
        yield f"review for environment {review.env} at {review.endpoint}"
    yield line.what
    if line.more:
        yield line.more
    for group in groups:
        yield ""
        yield from _group_lines(group)
    if review.renames:
        yield ""
        yield "possibly renamed:"
        for rename in review.renames:
            was = keeps_ids(rename)
            keeps = f" ({was} keeps its ids)" if was else ""
            yield f"    {rename.orphan} -> {rename.key}{keeps}"
    if review.not_checked:
        yield ""
        yield "not checked:"
        yield from (f"    {doubt}" for doubt in review.not_checked)


def _group_lines(group: Group) -> Iterator[str]:
    one = group.one
    yield f"{SIGNS[one.action]} {called(group, str)}: {becomes(group)}"
    is_alone = len(group.views) == 1
    yield f"    {one.title if is_alone else some(group.keys, str, MOST_KEYS)}"
    for reason, number in group.reasons:
        yield f"    {reason}{of_them(number, group)}"
    if one.action == "refuse":
        yield f"    ways on: {_ways(group)}"
    if one.edits:
        yield "    what was edited on the service:"
        yield from _sections(group.first.edit_sections)
    yield from _change_lines(group)
    if group.follows:
        also = "also " if group.like else ""
        yield f"    what {also}follows:"
        yield from _sections(group.follows)
    yield from (f"    {note}" for note in _notes(group))


def _change_lines(group: Group) -> Iterator[str]:
    """What changes, in full or by what it is like."""
    if group.like is None:
        if group.one.changes:
            yield "    what changes:"
            yield from _sections(group.first.change_sections)
        return
    yield f"    what {called(group.like, str)} change"
    for words, found in (("but not", group.without), ("and besides", group.besides)):
        if found:
            yield f"    {words}:"
            yield from _sections(found)


def _notes(group: Group) -> Iterator[str]:
    one = group.one
    if group.first.is_new:
        yield f"blocks: {some(group.first.blocks, str, MOST_KEYS)}"
        yield from filter(None, [one.effects])
    if one.cost_after is not None:
        cost = cost_change(group, costing(str))
        yield f"cost of 1,000 input rows, at most: {cost}"
    if group.first.settings:
        yield f"{SET_BY_HAND}:"
        yield from (f"    {line}" for line in settings(group))
    if group.first.unmanaged:
        yield f"left as it is, not set by code: {', '.join(group.first.unmanaged)}"
    if one.spends:
        yield f"spends as soon as it is written: {', '.join(one.spends)}"
    yield from at_work(group, str)
    for doubt, number in group.doubts:
        yield f"not checked: {doubt}{of_them(number, group)}"
    if group.files:
        yield f"in {some(group.files, str, MOST_KEYS)}"


def _ways(group: Group) -> str:
    """The ways on from a refusal, in one line."""
    found = ways_on(group)
    said = "; ".join(f"{words}: {text}" if text else words for words, text in found)
    is_each = len(group.views) > 1 and len(found) > 1
    return f"{said} (for each of them)" if is_each else said


def _sections(found: Iterable[Section]) -> Iterator[str]:
    for section in found:
        indent = "        "
        if section.title:
            yield f"{indent}{section.title}"
            indent += "    "
        lines: Sequence[str] = told(section.lines)
        yield from (f"{indent}{line}" for line in lines)
