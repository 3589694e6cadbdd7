"""Texts for messages: counts, lists, shortened values, escapes and widths."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final
from unicodedata import category, east_asian_width

DASH: Final = "-"
"""The argument that stands for stdin, or for stdout after `-o`."""

STDIN: Final = "stdin"
"""What stdin is called in messages."""


def printable(text: str) -> str:
    """Escape characters without ink: controls, directions, odd spaces, fillers."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c.isprintable() and not _INVISIBLE.match(c) else _escape(c) for c in text
    )


_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U0001d159\U000e0000-\U000e0fff]"
)
"""Letters, marks and symbols without ink. They count as printable."""


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def truncate(text: str, limit: int) -> str:
    """Cut a text that is longer than the limit, and end it with an ellipsis."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def clipped(text: str, limit: int = 60) -> str:
    """Escape a text for one line of a terminal, and cut it if it is long."""
    return truncate(printable(text), limit)


def shortened(value: object, limit: int = 60) -> str:
    """Return the repr of a value on one line, without addresses, cut if it is long."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a message about a value works whatever it does
        return f"<{type(value).__name__}>"
    return clipped(_ADDRESS.sub("", text), limit)


_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun: `1 request`, `2,000 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def join_words(words: Iterable[str], most: int = 8) -> str:
    """Join words as in `a, b and c`; of a long list, as in `a, b and 7 more`."""
    shown = [*words]
    if len(shown) > most:
        shown[most:] = [f"{len(shown) - most:,} more"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))


MOST_NAMES: Final = 12
"""The names that are shown of a longer list, the same number in every form."""


def join_names(
    names: Sequence[str], most: int = MOST_NAMES, between: str = ", "
) -> str:
    """Join the first of some names, with the number of the others: `a, b, 38 more`."""
    more = len(names) - most
    return between.join(names[:most]) + (f", {more:,} more" if more > 0 else "")


def format_dollars(amount: float) -> str:
    """Return dollars as in `$50` or `$1,234.50`. A part of a cent is not rounded."""
    if 0 < amount < 0.01:
        return f"${amount:.6f}".rstrip("0")
    return f"${amount:,.2f}".removesuffix(".00")


def did_you_mean(word: str, names: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Return ` (did you mean 'x'?)` if a name is close, else nothing.

    Args:
        cutoff: How much alike they are at least, from 0 to 1.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    if len(word) > _LONGEST_WORD:
        return ""
    options = sorted(option for option in names if len(option) <= _LONGEST_WORD)
    close = get_close_matches(word, options, n=1, cutoff=cutoff)
    if not close:
        folded = {option.casefold(): option for option in options}
        close = [folded[word.casefold()]] if word.casefold() in folded else []
    return f" (did you mean {close[0]!r}?)" if close else ""


_LONGEST_WORD: Final = 200  # a longer word is not a slip, and it is slow to compare


# -- Cells of a monospaced font --------------------------------------------------------


def count_cells(text: str) -> int:
    """Return the cells of a text: two for a wide letter, none for a mark above one."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


def fit_text(text: str, limit: int) -> str:
    """Cut a text to a number of cells, with an ellipsis."""
    if count_cells(text) <= limit:
        return text
    end, room = 0, limit - 1
    while (room := room - _cell(text[end])) >= 0:
        end += 1
    return text[:end] + "…"


def _cell(character: str) -> int:
    if category(character) in ("Mn", "Me"):  # above or around another one
        return 0
    return 2 if east_asian_width(character) in "WF" else 1
