"""Docstrings of generated classes: texts of the service, cleaned and wrapped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from ..analysis import LiveField
from ..compiler import cells, is_shown
from ..definition import thaw
from ..text import clipped

LONGEST: Final = 600
"""Characters of a text of the service that a docstring has."""


def clean(text: Any, longest: int = LONGEST) -> str:
    """Return a text of the service in one line, as a docstring can have it."""
    if not isinstance(text, str):
        return ""
    plain = text[: 4 * longest].translate(_TYPOGRAPHY)
    shown = "".join(c if is_shown(c) else " " for c in plain)
    words = " ".join(shown.replace('"""', "'''").split()).lstrip('"')
    if len(words) > longest:
        words = words[:longest].rpartition(" ")[0] + " ..."
    if words and not words.endswith(_ENDS):
        words += "."
    return words


_ENDS: Final = (".", "!", "?")

# What a linter reads as another character that it looks like.
_TYPOGRAPHY: Final = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u00d7": "x",
        "\u00b4": "'",
    }
)


def docstring(paragraphs: Iterable[str], indent: int, width: int = 88) -> list[str]:
    """Return paragraphs as the lines of a docstring."""
    texts = [*filter(None, paragraphs)]
    mark = 'r"""' if any("\\" in text for text in texts) else '"""'
    lines: list[str] = []
    for text in texts:
        before = 0 if lines else len(mark)
        lines += [*([""] if lines else []), *_wrap(text, width - indent, before)]
    lines[0] = mark + lines[0]
    if not texts[1:] and cells(lines[-1]) + 3 <= width - indent:
        lines[-1] += '"""'
    else:
        lines.append('"""')
    return [f"{' ' * indent}{line}".rstrip() for line in lines]


def _wrap(text: str, width: int, before: int = 0) -> list[str]:
    """Break a text into lines; a word longer than a line is cut."""
    lines = [""]
    room = width - before
    for word in text.split():
        rest = word
        if lines[-1] and cells(f"{lines[-1]} {rest}") <= room:
            lines[-1] += f" {rest}"
            continue
        if lines[-1]:
            lines.append("")
            room = width
        while cells(rest) > room:
            cut = room // 2
            lines[-1], rest = rest[:cut], rest[cut:]
            lines.append("")
            room = width
        lines[-1] = rest
    return lines


def summarize(text: str) -> str:
    """Return the first sentence of a text; empty if it is no line of a docstring."""
    first, dot, _ = text.partition(". ")
    line = f"{first}{dot.strip()}"
    is_summary = (
        0 < cells(line) <= _SUMMARY
        and line.endswith(_ENDS)
        and not line.lower().startswith("this")
        and "\\" not in line
    )
    return line if is_summary else ""


_SUMMARY: Final = 76


def name_plainly(name: str) -> str:
    """Return a name of the service as a docstring can have it: short and ASCII."""
    return re.sub(r"[^!-~]|[\\`\"']", "?", name[:40])


def describe_field(live: LiveField) -> str:
    """Return the docstring of a field: meaning, default, bounds; perhaps empty."""
    parts, limits = [clean(live.description)], live.limits
    if live.default is not None:
        parts.append(clean(f"Default: {clipped(json.dumps(thaw(live.default)), 60)}"))
    for least, most, unit in _BOUNDS:
        parts.append(_describe_bounds(limits.get(least), limits.get(most), unit))
    for word, name in (("Above", "exclusiveMinimum"), ("Below", "exclusiveMaximum")):
        if isinstance(limits.get(name), int | float):
            parts.append(f"{word} {_number(limits[name])}.")
    if isinstance(limits.get("format"), str):
        parts.append(clean(f"Format: {limits['format']}", 40))
    return " ".join(filter(None, parts))


_BOUNDS: Final = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " character"),
    ("minItems", "maxItems", " item"),
)


def _describe_bounds(least: Any, most: Any, unit: str) -> str:
    low, high = (
        _number(one) if isinstance(one, int | float) else None for one in (least, most)
    )
    last = low if high is None else high
    units = unit if last == "1" or not unit else f"{unit}s"
    if low is not None and high is not None:
        return f"From {low} to {high}{units}."
    if low is not None:
        return f"At least {low}{units}."
    return "" if high is None else f"At most {high}{units}."


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else str(value)[:20]
