"""The width of text in cells of a monospaced font: an upper bound."""

from __future__ import annotations

from unicodedata import combining, east_asian_width


def count_cells(text: str) -> int:
    """Return the cells of a text: two for a wide letter, none for a mark above one."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


def fit_text(text: str, limit: int) -> str:
    """Cut a text to a number of cells, with an ellipsis."""
    if count_cells(text) <= limit:
        return text
    kept, left = 0, limit - 1
    while (left := left - _cell(text[kept])) >= 0:
        kept += 1
    return text[:kept] + "…"


def wrap_text(text: str, width: int, indent: str = "") -> list[str]:
    """Wrap a line, between words if possible.

    Args:
        text: The line.
        width: The most cells of a line. Each has at least one character.
        indent: The beginning of all lines but the first.
    """
    if count_cells(text) <= width:
        return [text]
    if count_cells(indent) > width // 2:
        indent = ""
    lines: list[str] = []
    head = ""
    while count_cells(head + text) > width:
        room = width - count_cells(head)
        end = used = 0
        while end < len(text) and (used + _cell(text[end]) <= room or not end):
            used += _cell(text[end])
            end += 1
        space = text.rfind(" ", 1, end + 1)
        # Rails of a tree stay with the word behind them.
        if space > 0 and any(map(str.isalnum, text[:space])):
            lines.append(head + text[:space])
            text = text[space + 1 :]
        else:
            lines.append(head + text[:end])
            text = text[end:]
        head = indent
    return [*lines, head + text] if text else lines


def _cell(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
