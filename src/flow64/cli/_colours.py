"""Colours for terminals. A text has the same characters with and without them.

The rooms below make plain texts. The marks in their lines (`+`, `error[code]`) say what
a line is about, so a painter needs only the text. Colours are the standard ones
of the terminal, which are readable in light and dark themes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Final, TextIO, TypeAlias

import rich.console
from rich.color import ColorSystem
from rich.style import Style

from ._options import OPTIONS

Painter: TypeAlias = Callable[[str], str]
"""Adds colours to a text of one or more lines."""


def has_colours(stream: TextIO | None) -> bool:
    """Return True if a stream is written to with colours.

    `--color` decides, then NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE. If none is
    given, terminals have colours.
    """
    if stream is None or OPTIONS.color != "auto":
        return stream is not None and OPTIONS.color == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "") not in ("", "0") for name in _FORCING):
        return True
    system = rich.console.Console(file=stream).color_system
    return system not in (None, "windows")


_FORCING: Final = ("FORCE_COLOR", "CLICOLOR_FORCE")


def paint(text: str, style: str) -> str:
    """Return a text in a style of rich, such as `bold red`."""
    if not style:
        return text
    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD)


def paint_heading(text: str) -> str:
    """Paint the header of a table."""
    return paint(text, "bold")


def paint_label(text: str) -> str:
    """Paint the label of each line, which ends at two spaces."""
    return "\n".join(map(_paint_label, text.split("\n")))


def _paint_label(line: str) -> str:
    label, gap, rest = line.partition("  ")
    return f"{paint(label, 'bold')}{gap}{rest}" if gap else line


def paint_report(text: str) -> str:
    """Paint labels, and the states at the start of indented lines."""
    return paint_label(paint_state(text))


# -- Plans, reviews and differences ----------------------------------------------------


def paint_changes(text: str) -> str:
    """Paint the sign of each change, and the heading of each workflow."""
    return _CHANGE.sub(_paint_change, text)


def _paint_change(line: re.Match[str]) -> str:
    indent, sign, rest = line.groups()
    style = _SIGNS.get(sign, "")
    if indent:
        return f"{indent}{paint(sign, style)}{rest}"
    return paint(sign, f"bold {style}") + paint(rest, "bold")


_CHANGE: Final = re.compile(r"^( *)([-+~>=!?·])( [^\n]*)$", re.MULTILINE)

_SIGNS: Final[Mapping[str, str]] = {
    "+": "green",
    "-": "red",
    "~": "yellow",
    ">": "cyan",
    "=": "cyan",
    "!": "red",
}


def paint_report_lines(text: str) -> str:
    """Paint the lines of a report by their signs."""
    return _SIGNED.sub(lambda found: paint(found[0], _LINE_STYLES[found[1]]), text)


_SIGNED: Final = re.compile(r"^([-+!]|@@) [^\n]*$", re.MULTILINE)

_LINE_STYLES: Final[Mapping[str, str]] = {
    "+": "green",
    "-": "red",
    "!": "yellow",
    "@@": "bold cyan",
}


# -- Findings --------------------------------------------------------------------------


def paint_findings(text: str) -> str:
    """Paint severities, places, and the carets under source lines."""
    painted: list[str] = []
    style = ""
    for line in text.split("\n"):
        if found := _SEVERITY.match(line):
            style = _SEVERITIES[found[1]]
            shown = paint(found[0], f"bold {style}") + line[found.end() :]
        elif found := _CARETS.match(line):
            shown = paint(found[1], "cyan") + paint(found[2], style)
        elif found := _GUTTER.match(line):
            shown = paint(found[0], "cyan") + line[found.end() :]
        else:
            shown = line
        painted.append(shown)
    return "\n".join(painted)


_SEVERITY: Final = re.compile(r"(error|warning|note)(?:\[[a-z0-9-]+\]|(?=:))")
_GUTTER: Final = re.compile(r" +(?:-->|[0-9]+ \||= help:)")
_CARETS: Final = re.compile(r"( +\| *)(\^+)$")

_SEVERITIES: Final[Mapping[str, str]] = {
    "error": "red",
    "warning": "yellow",
    "note": "cyan",
}


# -- States ----------------------------------------------------------------------------


def paint_state(text: str) -> str:
    """Paint the state at the start of a line: of a run, a workflow or a change."""
    return _STATE.sub(lambda found: found[1] + paint(found[2], _STATES[found[2]]), text)


_STATES: Final[Mapping[str, str]] = {
    word: style
    for style, words in {
        "green": (
            "created",
            "updated",
            "stamped",
            "deleted",
            "completed",
            "done",
            "same",
            "confirmed",
            "new",
        ),
        "red": (
            "contradicted",
            "failed",
            "timeout",
            "terminated",
            "refused",
            "unknown",
            "different",
            "gone",
        ),
        "yellow": ("cancelled", "skipped", "not tried", "not seen", "copy", "changed"),
        "cyan": ("running", "queued", "pending", "active"),
    }.items()
    for word in words
}

_STATE: Final = re.compile(rf"^((?:  )?)({'|'.join(_STATES)})\b", re.MULTILINE)


def paint_event(text: str) -> str:
    """Paint the state in a line about a run: after the name of a block, or alone."""
    name, colon, rest = text.partition(": ")
    painted = paint_state(text)
    return painted if painted != text else f"{name}{colon}{paint_state(rest)}"
