"""A finding: one fact about a workflow, worded once, shown as text or JSON."""

from __future__ import annotations

import json
import linecache
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from attrs import frozen

from .redaction import blot_keys, redact_keys
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
    """One thing that is wrong, doubtful or worth knowing about a workflow.

    Attributes:
        code: Stable kebab-case name; a promise, unlike the words of the message.
        family: What the finding is about.
        severity: `error` stops a compile; `warning` and `note` never do.
        message: What is wrong, in one sentence without its end stop.
        help: How to mend it, or None where nothing needs mending.
        file: The user's file, where it is known.
        line: The line in `file`, from 1.
        where: The block's key path or JSON pointer, or None for the workflow.
        block_id: The block it is about, or None.
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
        """The user's file, where it is known."""
        return self.place.file if self.place else None

    @property
    def line(self) -> int | None:
        """The line in `file`, from 1."""
        return self.place.line if self.place else None

    def as_data(self) -> dict[str, Any]:
        """The finding as plain JSON data, in a fixed key order."""
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
        return " · ".join(_show(part) for part in parts if part)


def as_text(findings: Iterable[Finding]) -> str:
    """Findings for a terminal: each with its source line and a caret under the block.

    The text is what was found and nothing more; control characters of names and
    source lines are shown escaped, so that no name can write to the terminal.
    """
    return "".join(f"{line}\n" for finding in findings for line in _lines(finding))


def as_json(findings: Iterable[Finding]) -> str:
    """Findings as a JSON array, exact and in order."""
    data = [finding.as_data() for finding in findings]
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    # A faulty name may hold half a surrogate pair, which only an escape can carry.
    return text.encode("utf-8", "backslashreplace").decode()


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Errors first, then warnings, then notes; otherwise in the order given."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def summary(findings: Sequence[Finding]) -> str:
    """How many of each severity, as `1 error, 2 warnings`; `nothing found` if none."""
    counts = [(sum(f.severity == s for f in findings), s) for s in SEVERITIES]
    parts = [pluralize(n, word) for n, word in counts if n]
    return ", ".join(parts) or "nothing found"


def _lines(finding: Finding) -> Iterator[str]:
    where = f" ({truncate(_show(finding.where), 200)})" if finding.where else ""
    yield f"{finding.severity}[{finding.code}] {_show(finding.message)}{where}"
    if finding.place:
        yield from _excerpt(finding.place)
    if finding.help:
        yield f"   = help: {_show(finding.help)}"


def _show(text: str) -> str:
    return printable(redact_keys(text))


def _characters(source: str, count: int) -> int:
    """How many characters the first `count` UTF-8 bytes of a line are."""
    head = source.encode("utf-8", "surrogatepass")[:count]
    return len(head.decode("utf-8", "ignore"))


WIDEST: Final = 100
"""Characters of a line of the user's that an excerpt shows."""


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
    source = blot_keys(source)  # of the same length, so that the caret stands right
    # Escaping may widen what stands before and under the caret, so both are measured.
    before, marked = printable(source[indent:start]), printable(source[start:end])
    shown, at, carets = printable(source.lstrip()), len(before), max(1, len(marked))
    if len(shown) > WIDEST:  # what a terminal would wrap is cut around what is marked
        if skipped := max(0, min(at, at + carets + 1 - WIDEST)):
            shown, at = f"…{shown[skipped:]}", at - skipped + 1
        shown = truncate(shown, WIDEST)
        carets = max(1, min(carets, WIDEST - at))
    yield f"   {gutter} | {shown}"
    yield f"   {' ' * len(gutter)} | {' ' * at}{'^' * carets}"
