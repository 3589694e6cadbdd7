"""Differences between two lists of blocks, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from ..analysis import KindChange
from ..redaction import clean_text
from ..text import join_words, pluralize

SAVED: Final = "blocks.json"
"""The usual file for the service's own list of blocks."""


def format_changes(changes: Sequence[KindChange]) -> Iterator[str]:
    """Format differences, a line for each kind, and one for each field below it."""
    for one in changes:
        yield f"{one.change:9}{clean_text(one.kind)}"
        for found in one.fields:
            head = f"{found.field}: " if found.field else ""
            yield clean_text(f"           {head}{found.message}")


def summarize_changes(changes: Sequence[KindChange]) -> str:
    """Summarize differences in one line."""
    counts = {
        word: sum(one.change == word for one in changes)
        for word in ("new", "changed", "gone")
    }
    parts = [f"{number} {word}" for word, number in counts.items() if number]
    return f"{pluralize(len(changes), 'kind')}: {join_words(parts)}"


def changes_data(changes: Sequence[KindChange]) -> list[dict[str, Any]]:
    """Return differences as JSON data."""
    return [one.as_data() for one in changes]


def list_problems(problems: Sequence[str]) -> Iterator[str]:
    """Word the entries that cannot be used, or only in part."""
    for problem in problems:
        yield clean_text(f"warning: {problem}")
