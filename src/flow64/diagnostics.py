"""Findings: facts about a workflow, as text or data; and HTML for notebooks.

Everything that has `_repr_html_` has one look. A notebook may be light or dark, and an
untrusted one drops style sheets. So each element carries its style, text has the colour
of the notebook, and marks are translucent. All text is cleaned and escaped here.
"""

from __future__ import annotations

import json
import linecache
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import accumulate
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from attrs import field, frozen

from .files import relative_path
from .secrets import clean_text, has_key, mask
from .text import count_cells, fit_text, pluralize, printable, truncate

GREEN: Final = "46,160,67"
AMBER: Final = "210,153,34"
RED: Final = "248,81,73"
GREY: Final = "128,128,128"

TONES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("+", "new", "create", "completed", "unchanged"), GREEN),
    **dict.fromkeys(("~", ">", "update", "warning", "behind", "presumed"), AMBER),
    **dict.fromkeys(("-", "delete", "refuse", "error", "failed"), RED),
    **dict.fromkeys(("drifted", "conflict", "foreign", "timeout", "cancelled"), RED),
}
"""Colours, as red, green and blue, of the words and signs that are marked."""

MOST_ROWS: Final = 100
"""Rows of a table that are shown."""

MOST_LINES: Final = 200
"""Lines of changes that are shown."""

MOST_CELLS: Final = 200
"""Cells of a source line that are shown without a terminal: JSON may be one line."""

MOST_CHARACTERS: Final = 1000
"""Characters of a source line that are looked at."""


@frozen
class Badge:
    """A word that is marked in the colour of its meaning."""

    text: str


@frozen
class Lines:
    """Lines of a plan, each marked by the sign that it begins with."""

    lines: Sequence[str] = field(converter=tuple[str, ...])


@frozen
class HelpText:
    """A sentence, and what to do about it."""

    text: str
    help: str | None


Cell: TypeAlias = str | int | Badge | Lines | HelpText | None
"""What a cell of a table can hold."""


def as_card(title: str, *parts: str) -> str:
    """Return HTML with a title, and parts that the other functions made."""
    head = f'<div style="font-weight:600;margin-bottom:4px">{_clean(title)}</div>'
    style = "font-size:13px;line-height:1.5;overflow-x:auto;color:inherit"
    return f'<div style="{style}">{head}{"".join(parts)}</div>'


def as_facts(facts: Mapping[str, Cell]) -> str:
    """Return facts, each with its name; those that are None or empty are left out."""
    return "".join(
        f'<div><span style="opacity:.7">{_clean(name)}</span> {_format(cell)}</div>'
        for name, cell in facts.items()
        if cell not in (None, "", Lines(()))
    )


def as_table(names: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Return a table. Beyond the first hundred rows, only their number is shown."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col" style="{_HEAD}">{_clean(n)}</th>' for n in names)
    body = "".join(
        f'<tr style="{_PLAIN}">{"".join(map(_as_cell, row))}</tr>'
        for row in rows[:MOST_ROWS]
    )
    table = (
        f'<table style="border-collapse:collapse;margin:4px 0;{_PLAIN}">'
        f'<thead style="{_PLAIN}"><tr style="{_PLAIN}">{head}</tr></thead>'
        f'<tbody style="{_PLAIN}">{body}</tbody></table>'
    )
    return table + _count_more(len(rows) - MOST_ROWS, "rows")


def as_change_lines(lines: Iterable[str]) -> str:
    """Return the lines of a plan."""
    return _format(Lines([*lines]))


_PLAIN: Final = "color:inherit;background:none"
"""Undoes what the style of a notebook says of tables."""

_CELL: Final = (
    f"text-align:left;vertical-align:top;padding:3px 8px;{_PLAIN};"
    "overflow-wrap:break-word;border:0;border-bottom:1px solid rgba(128,128,128,.35)"
)

_HEAD: Final = f"{_CELL};font-weight:600"


def _as_cell(cell: Cell) -> str:
    return f'<td style="{_CELL}">{_format(cell)}</td>'


def _format(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Badge(text):
            style = "padding:0 6px;border-radius:4px;white-space:nowrap"
            return f'<span style="{style};{_tint(text)}">{_clean(text)}</span>'
        case Lines(lines):
            shown = "".join(map(_as_line, lines[:MOST_LINES]))
            return shown + _count_more(len(lines) - MOST_LINES, "lines")
        case HelpText(text, help):
            more = f'<div style="opacity:.7">{_clean(help)}</div>' if help else ""
            return f"{_clean(text)}{more}"
        case _:
            return _clean(cell)


def _as_line(line: str) -> str:
    sign = line.lstrip()[:1]
    mark = _tint(sign) if line.lstrip()[1:2] == " " and sign in TONES else ""
    style = "font-family:monospace;white-space:pre-wrap;padding-left:4px"
    return f'<div style="{style};{mark}">{_clean(line)}</div>'


def _tint(word: str) -> str:
    tone = TONES.get(word, GREY)
    return f"background:rgba({tone},.22);border-left:3px solid rgb({tone})"


def _count_more(count: int, noun: str) -> str:
    return (
        f'<div style="opacity:.7">and {count:,} more {noun}</div>' if count > 0 else ""
    )


def _clean(text: object) -> str:
    return escape(clean_text(text))


Severity: TypeAlias = Literal["error", "warning", "note"]
Family: TypeAlias = Literal[
    "graph",
    "keys",
    "rows",
    "columns",
    "specs",
    "values",
    "effects",
    "cost",
    "facts",
    "source",
]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Place(NamedTuple):
    """A stretch of a source file.

    Columns count from 0: characters in a JSON file, and UTF-8 bytes in code, as
    Python's code objects do. These become characters only when they are shown. A named
    tuple, since each of many small workflows makes one.
    """

    file: str
    line: int
    column: int | None = None
    end_column: int | None = None

    def count_characters(self) -> tuple[int | None, int | None]:
        """Return both columns in characters of the source line."""
        if self.column is None or self.file.endswith(".json"):
            return self.column, self.end_column
        source = linecache.getline(self.file, self.line)
        line = source.encode("utf-8", "surrogatepass")
        start, end = (
            count and len(line[:count].decode("utf-8", "ignore")) if line else count
            for count in (self.column, self.end_column)
        )
        return start, end

    def at_pointer(self, pointer: str) -> Place:
        """Return the place of a value of a JSON file; the same place if unknown."""
        text, ends = _read_source(self.file)
        try:
            at, end = find_value(text, pointer)
        except (ValueError, IndexError, RecursionError):  # it is not what was read
            return self
        line = bisect_right(ends, at)
        start = ends[line - 1] if line else 0
        end_column = end - start if end <= ends[line] else None
        return Place(self.file, line + 1, at - start, end_column)

    def __str__(self) -> str:
        return f"{relative_path(self.file)}:{self.line}"


_source: tuple[Sequence[str], str, Sequence[int]] = ((), "", ())


def _read_source(file: str) -> tuple[str, Sequence[int]]:
    """Return the text of a file, and where each of its lines ends.

    Both are kept until another file is asked for, since a file may have many findings.
    """
    global _source  # noqa: PLW0603 - a whole tuple, so that any thread may set it
    lines, text, ends = _source
    if lines is not (read := linecache.getlines(file)):
        text, ends = "".join(read), [*accumulate(map(len, read))]
        _source = read, text, ends
    return text, ends


_DECODER: Final = json.JSONDecoder(parse_int=str)  # also of very many digits


def find_value(text: str, pointer: str) -> tuple[int, int]:
    """Return where the value of a JSON pointer starts, and where it ends.

    Raises:
        ValueError: The text is not JSON, or has no such value.
        IndexError: The text ends before it.
    """
    if not pointer:
        return _skip_space(text, 0), len(text.rstrip())
    above, _, part = pointer.rpartition("/")
    try:
        return _find_members(text, above)[part.replace("~1", "/").replace("~0", "~")]
    except KeyError:
        raise ValueError from None


@lru_cache(maxsize=16)  # many findings are about members of one list
def _find_members(text: str, pointer: str) -> Mapping[str, tuple[int, int]]:
    """Return where the members of an object, or the items of a list, start and end."""
    at, _ = find_value(text, pointer)
    if text[at] not in "{[":
        raise ValueError
    is_object, places = text[at] == "{", dict[str, tuple[int, int]]()
    at = _skip_space(text, at + 1)
    while text[at] not in "]}":
        name = str(len(places))
        if is_object:
            name, at = _DECODER.raw_decode(text, at)
            at = _skip_space(text, _skip_space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, at)
        places[name] = at, end
        at = _skip_space(text, end)
        if text[at] == ",":
            at = _skip_space(text, at + 1)
    return places


def _skip_space(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


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
            "message": mask(self.message),
            "help": self.help and mask(self.help),
            "file": self.file and relative_path(self.file),
            "line": self.line,
            "where": self.where and mask(self.where),
            "block_id": self.block_id,
        }

    def __str__(self) -> str:
        parts = [self.code, str(self.place or self.where or ""), self.message]
        if self.help:
            parts.append(self.help)
        return " · ".join(clean_text(part) for part in parts if part)

    def _repr_html_(self) -> str:
        return Findings([self])._repr_html_()


class Findings(list[Finding]):
    """A list of findings, which a notebook shows as a table."""

    def _repr_html_(self) -> str:
        names = ("", "code", "where", "what")
        rows = [
            (
                Badge(finding.severity),
                finding.code,
                # The file of a cell is a temporary one, with a long path.
                finding.where or str(finding.place or "").rpartition("/")[2],
                HelpText(finding.message, finding.help),
            )
            for finding in self
        ]
        return as_card(summary(self), as_table(names, rows))


def as_text(findings: Iterable[Finding], width: int | None = None) -> str:
    """Format findings for a terminal, with source lines and carets under the blocks.

    Control characters of names and source lines are escaped, so that no name can
    control the terminal. Files below the working folder are named relative to it.

    Args:
        findings: The findings.
        width: Columns of the terminal; 200 if None. Each source line is cut around its
            carets, so that the terminal does not wrap them.
    """
    return "".join(
        f"{line}\n" for finding in findings for line in _lines(finding, width)
    )


def by_severity(findings: Iterable[Finding]) -> Findings:
    """Sort findings: errors first, then warnings, then notes."""
    order = SEVERITIES.index
    return Findings(sorted(findings, key=lambda finding: order(finding.severity)))


def summary(findings: Sequence[Finding]) -> str:
    """Count findings by severity: `1 error, 2 warnings`, or `nothing found`."""
    counts = [(sum(f.severity == s for f in findings), s) for s in SEVERITIES]
    parts = [pluralize(n, word) for n, word in counts if n]
    return ", ".join(parts) or "nothing found"


def _lines(finding: Finding, width: int | None) -> Iterator[str]:
    place = f"{printable(str(finding.place))} " if finding.place else ""
    where, advice = finding.where or "", finding.help or ""
    # A source line says which block it is, unless it is in a fragment used twice.
    is_told = bool(finding.place) and (where.startswith("/") or "/" not in where)
    name = f" ({truncate(clean_text(where), 200)})" if where and not is_told else ""
    text = truncate(clean_text(finding.message), 1000) + name
    text += f": {clean_text(advice)}" if advice else ""
    yield f"{place}{finding.severity}[{finding.code}] {text}"
    if finding.place:
        yield from _excerpt(finding.place, width)


_INDENT: Final = "    "


def _excerpt(place: Place, width: int | None) -> Iterator[str]:
    """Yield a source line, with carets below the part that is meant."""
    source = linecache.getline(place.file, place.line).rstrip()
    indent = len(source) - len(source.lstrip())
    first, last = place.count_characters()
    if first is None and place.file.endswith(".json"):
        return  # it is about all of the file
    start = indent if first is None else first
    end = len(source) if last is None else last
    offset = indent if start < MOST_CHARACTERS else start - 1
    source = source[offset : offset + MOST_CHARACTERS]
    if not source or has_key(source):
        return
    shown = printable(source)
    # Escapes may make the text before and above the carets longer.
    start, end = (len(printable(source[: column - offset])) for column in (start, end))
    room = (width or MOST_CELLS) - len(_INDENT)
    # Begin where the carets do, if they would not be seen otherwise.
    if start and (offset > indent or count_cells(shown[:end]) > room):
        shown, start, end = f"…{shown[start:]}", 1, end - start + 1
    shown = fit_text(shown, room)
    end = min(end, len(shown))
    carets = "^" * max(1, count_cells(shown[start:end]))
    yield f"{_INDENT}{shown}"
    yield f"{_INDENT}{' ' * count_cells(shown[:start])}{carets}"
