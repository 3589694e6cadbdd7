"""Check arguments, and refuse before any request what no service can use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from ..definition import is_encodable
from ..errors import ArgumentError, did_you_mean, shortened

RUN_FILTERS: Final = ("running", "completed", "cancelled", "active")
"""Words that a list of runs is filtered by (documented)."""

FORMATS: Final = ("csv", "json", "ndjson")
"""Formats of result files (documented)."""


def as_id(callee: str, name: str, given: Any) -> str:
    """Return an id as text. A `UUID` is accepted as well.

    Raises:
        ArgumentError: It is not an id.
    """
    text = str(given) if isinstance(given, UUID) else given
    is_text = isinstance(text, str) and text.isprintable()
    # A path that ends in dots is one to somewhere else.
    if not is_text or not text.strip(" ."):
        raise ArgumentError(callee, f"{name} is {shortened(given)}, which is not an id")
    return str(text)


def in_path(callee: str, name: str, given: Any) -> str:
    """Return an id, quoted as one segment of a path."""
    return quote(as_id(callee, name, given), safe="")


def as_word(callee: str, name: str, given: Any, known: Sequence[str]) -> str:
    """Return one of the documented words.

    Raises:
        ArgumentError: It is another word.
    """
    if not isinstance(given, str) or given not in known:
        near = did_you_mean(given, known) if isinstance(given, str) else ""
        words = ", ".join(map(repr, known))
        problem = f"{name} is {shortened(given)}{near}; the service documents {words}"
        raise ArgumentError(callee, problem)
    return given


def as_formats(callee: str, name: str, given: Any) -> Sequence[str]:
    """Return a list of documented formats.

    Raises:
        ArgumentError: One of them is not a format, or they are a single text.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        problem = f'{name} is {shortened(given)}; write a list, such as ["csv"]'
        raise ArgumentError(callee, problem)
    return [as_word(callee, name, word, FORMATS) for word in given]


def as_count(callee: str, name: str, given: Any, low: int, high: int) -> int:
    """Return a whole number within documented bounds.

    Raises:
        ArgumentError: It is not a whole number, or out of bounds.
    """
    if type(given) is not int or not low <= given <= high:
        problem = f"{name} is {shortened(given)}, no whole number from {low} to {high}"
        raise ArgumentError(callee, problem)
    return given


def as_text(callee: str, name: str, given: Any, longest: int | None = None) -> str:
    """Return a text that is not blank.

    Raises:
        ArgumentError: It is not a text, is blank, or is too long.
    """
    if not isinstance(given, str) or not given.strip():
        raise ArgumentError(callee, f"{name} is {shortened(given)}, which says nothing")
    return as_any_text(callee, name, given, longest)


def as_any_text(callee: str, name: str, given: Any, longest: int | None = None) -> str:
    """Return a text, which may be empty.

    Raises:
        ArgumentError: It is not a text, cannot be sent, or is too long.
    """
    if not isinstance(given, str):
        raise ArgumentError(
            callee, f"{name} is {shortened(given)}, which is not a text"
        )
    if not is_encodable(given):
        problem = f"{name} has half of a character in it (a lone surrogate)"
        raise ArgumentError(callee, problem)
    if longest is not None and len(given) > longest:
        problem = f"{name} has {len(given)} characters; the service takes {longest}"
        raise ArgumentError(callee, problem)
    return given


def as_header(callee: str, name: str, given: Any) -> str:
    """Return a text that a header can carry. A `UUID` is accepted as well.

    Raises:
        ArgumentError: It is not such a text.
    """
    text = str(given) if isinstance(given, UUID) else given
    if not isinstance(text, str) or not text or not all("!" <= s <= "~" for s in text):
        problem = f"{name} is {shortened(given)}, which no header can carry as it is"
        raise ArgumentError(callee, f"{problem}; write a UUID, or a few plain letters")
    return text


def as_flag(callee: str, name: str, given: Any) -> bool:
    """Return True or False.

    Raises:
        ArgumentError: It is neither.
    """
    if not isinstance(given, bool):
        raise ArgumentError(callee, f"{name} is {shortened(given)}, not True or False")
    return given
