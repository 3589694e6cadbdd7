"""HTML for notebooks: one look for everything that has `_repr_html_`.

A notebook may be light or dark, and an untrusted one drops style sheets. So each
element carries its style, text has the colour of the notebook, and marks are
translucent. All text is cleaned and escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final, TypeAlias

from attrs import field, frozen

from .secrets import clean_text

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


@frozen
class Badge:
    """A word that is marked in the colour of its meaning."""

    text: str


@frozen
class Lines:
    """Lines of a plan, each marked by the sign that it begins with."""

    lines: Sequence[str] = field(converter=tuple[str, ...])


@frozen
class Advice:
    """A sentence, and what to do about it."""

    text: str
    help: str | None


Cell: TypeAlias = str | int | Badge | Lines | Advice | None
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
        case Advice(text, help):
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
