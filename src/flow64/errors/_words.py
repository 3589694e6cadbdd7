"""What errors are made of: their root, and words for what was written wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

from ..diagnostics import printable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)` where one of the known words is close, else nothing."""
    if len(word) > _LONGEST_WORD:
        return ""
    options = sorted(option for option in known if len(option) <= _LONGEST_WORD)
    close = get_close_matches(word, options, n=1, cutoff=0.6)
    if not close:
        folded = {option.casefold(): option for option in options}
        close = [folded[word.casefold()]] if word.casefold() in folded else []
    return f" (did you mean {close[0]!r}?)" if close else ""


_LONGEST_WORD = 200  # a longer one is no slip of another, and slow to compare


def shortened(value: object, limit: int = 60) -> str:
    """The repr of a value on one line, without addresses, cut with an ellipsis."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - what we say of a value works whatever it does
        return f"<{type(value).__name__}>"
    return clipped(_ADDRESS.sub("", text), limit)


def clipped(text: str, limit: int = 60) -> str:
    """A text on one line, what would steer a terminal escaped, cut with an ellipsis."""
    text = printable(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class FlowError(Exception):
    """Anything that flow64 raises on purpose."""

    def __repr__(self) -> str:
        first, *_ = str(self).splitlines() or [""]
        return f"{type(self).__name__}({first!r})"
