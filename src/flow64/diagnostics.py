"""Findings: facts about a workflow, as text or JSON."""

from __future__ import annotations

import json
import linecache
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from attrs import frozen

from .redaction import blot_keys, clean_text, redact_keys
from .text import pluralize, printable, truncate

Severity: TypeAlias = Literal["error", "warning", "note"]
Family: TypeAlias = Literal[
    "graph", "keys", "rows", "columns", "specs", "values", "effects", "cost", "facts"
]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Place(NamedTuple):
    """A stretch of a source file.

    Columns count UTF-8 bytes from 0, as Python's code objects do. A named tuple, since
    each of many small workflows makes one.
    """

    file: str
    line: int
    column: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@frozen
class Finding:
    """An error, a warning or a note about a workflow.

    Attributes:
        code: Stable kebab-case name. It never changes, unlike the message.
        severity: `error` stops a compile; `warning` and `note` never do.
        message: What is wrong, in one sentence without a full stop.
        help: How to correct it, if it needs correction.
        file: The user's file, if it is known.
        line: The line in `file`, from 1.
        where: The block's key path or JSON pointer; None for the workflow.
        block_id: The block, if it is about one.
        place: `file` and `line` with columns, for the caret of the text form.
    """

    code: str
    family: Family
    severity: Severity
    message: str
    help: str | None = None
    where: str | None = None
    block_id: str | None = None
    place: Place | None = None

    @property
    def file(self) -> str | None:
        """The user's file, if it is known."""
        return self.place.file if self.place else None

    @property
    def line(self) -> int | None:
        """The line in `file`, from 1."""
        return self.place.line if self.place else None

    def as_data(self) -> dict[str, Any]:
        """Return it as plain JSON data, in a fixed key order."""
        return {
            "code": self.code,
            "family": self.family,
            "severity": self.severity,
            "message": redact_keys(self.message),
            "help": self.help and redact_keys(self.help),
            "file": self.file,
            "line": self.line,
            "where": self.where and redact_keys(self.where),
            "block_id": self.block_id,
        }

    def __str__(self) -> str:
        parts = [self.code, str(self.place or self.where or ""), self.message]
        if self.help:
            parts.append(self.help)
        return " · ".join(clean_text(part) for part in parts if part)


def as_text(findings: Iterable[Finding]) -> str:
    """Format findings for a terminal, with source lines and carets under the blocks.

    Control characters of names and source lines are escaped, so that no name can
    control the terminal.
    """
    return "".join(f"{line}\n" for finding in findings for line in _lines(finding))


def as_json(findings: Iterable[Finding]) -> str:
    """Format findings as a JSON array, exact and in order."""
    data = [finding.as_data() for finding in findings]
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    # A faulty name may have half a surrogate pair, which needs an escape.
    return text.encode("utf-8", "backslashreplace").decode()


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings: errors first, then warnings, then notes."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def summary(findings: Sequence[Finding]) -> str:
    """Count findings by severity: `1 error, 2 warnings`, or `nothing found`."""
    counts = [(sum(f.severity == s for f in findings), s) for s in SEVERITIES]
    parts = [pluralize(n, word) for n, word in counts if n]
    return ", ".join(parts) or "nothing found"


def _lines(finding: Finding) -> Iterator[str]:
    where = f" ({truncate(clean_text(finding.where), 200)})" if finding.where else ""
    yield f"{finding.severity}[{finding.code}] {clean_text(finding.message)}{where}"
    if finding.place:
        yield from _excerpt(finding.place)
    if finding.help:
        yield f"   = help: {clean_text(finding.help)}"


def _characters(source: str, count: int) -> int:
    """Return the number of characters in the first `count` UTF-8 bytes of a line."""
    head = source.encode("utf-8", "surrogatepass")[:count]
    return len(head.decode("utf-8", "ignore"))


WIDEST: Final = 100
"""Maximum characters of a source line that an excerpt shows."""


def _excerpt(place: Place) -> Iterator[str]:
    yield f"  --> {printable(str(place))}"
    source = linecache.getline(place.file, place.line).rstrip()
    if not source:
        return
    gutter = str(place.line)
    indent = len(source) - len(source.lstrip())
    start = indent if place.column is None else _characters(source, place.column)
    end = len(source)
    if place.end_column is not None:
        end = _characters(source, place.end_column)
    source = blot_keys(source)  # the same length, so that the caret is right
    # Escapes may make the text before and under the caret longer, so both are measured.
    before, marked = printable(source[indent:start]), printable(source[start:end])
    shown, at, carets = printable(source.lstrip()), len(before), max(1, len(marked))
    if len(shown) > WIDEST:  # cut around the marked text
        if skipped := max(0, min(at, at + carets + 1 - WIDEST)):
            shown, at = f"…{shown[skipped:]}", at - skipped + 1
        shown = truncate(shown, WIDEST)
        carets = max(1, min(carets, WIDEST - at))
    yield f"   {gutter} | {shown}"
    yield f"   {' ' * len(gutter)} | {' ' * at}{'^' * carets}"
