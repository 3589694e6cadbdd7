"""Escape text of data, so that it has no effect in a comment on GitHub.

Mentions, references, links and markup have no effect inside of code. So names and
values are format_code, and so is each word of a sentence that is not a plain word.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final
from urllib.parse import quote as percent

from ...redaction import redact_keys
from ...text import printable, truncate

LONGEST: Final = 120
"""The most characters of a name in a comment."""

LONGEST_PROSE: Final = 600
"""The most characters of a sentence in a comment."""


def format_code(text: str, longest: int = LONGEST) -> str:
    """Write a name or a value as inline code that cannot end early."""
    shown = _cut(text, longest)
    if not shown.strip():
        return f'`"{shown}"`'
    fence = "`" * (_longest_run(shown) + 1)
    # Markdown drops one space on both sides, which keeps the fence apart.
    is_close = shown[0] in "` " or shown[-1] in "` "
    pad = " " if is_close else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def format_code_block(text: str, language: str) -> str:
    """Write lines as a block of code that cannot end early."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"


def format_prose(text: str) -> str:
    """Write a sentence with words of data in it: all but plain words are code."""
    made: list[str] = []
    strange: list[str] = []
    for word in _cut(text, LONGEST_PROSE).split():
        if _PLAIN.fullmatch(word):
            made += [*_join_as_code(strange), word]
            strange = []
            continue
        bare = word.rstrip(",;:") or word
        strange.append(bare)
        if bare != word:
            made.append(_join_as_code(strange)[0] + word[len(bare) :])
            strange = []
    return " ".join([*made, *_join_as_code(strange)])


def _join_as_code(words: list[str]) -> list[str]:
    """Return adjacent words as one piece of code."""
    return [format_code(" ".join(words), longest=4 * LONGEST)] if words else []


_PLAIN: Final = re.compile(
    r"\(?(?:(?:[A-Za-z]+(?:[-'][a-z]+)*|flow64)\)?[.?]?"
    r"|[0-9]{1,3}(?:,[0-9]{3})*\)?)[,;:]?"
)
"""A word without meaning for Markdown and GitHub."""


def format_marker(name: str | None) -> str:
    """Return the hidden HTML comment by which a comment is found again."""
    whole = redact_keys(name or "")
    if len(whole) > LONGEST:  # a digest tells it from others
        mark = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        whole = f"{whole[:LONGEST]} {mark}"
    shown = percent(whole, safe="", errors="replace").replace("--", "-%2D")
    shown = shown.replace(".", "%2E")
    return f"<!-- flow64:review {shown} -->" if shown else "<!-- flow64:review -->"


def _cut(text: str, longest: int) -> str:
    """Return a text without keys and control characters, cut to a length."""
    # A key is masked before the cut, which might hide that it is one.
    whole = redact_keys(text)
    shown = printable(whole[: longest + 1])
    return truncate(shown, longest)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
