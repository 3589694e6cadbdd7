"""Text that data gives, written so that nothing of it acts in a comment on GitHub.

Mentions, references, links and markup act nowhere inside of code, so names and values
are code, and so is each word of a sentence that is not plainly a word.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final
from urllib.parse import quote as percent

from ...redaction import redact_keys
from ...text import printable, truncate

LONGEST: Final = 120
"""Characters of a name in a comment."""

LONGEST_PROSE: Final = 600
"""Characters of a sentence in a comment."""


def code(text: str, longest: int = LONGEST) -> str:
    """A name or a value as inline code, which cannot end early."""
    shown = _cut(text, longest)
    if not shown.strip():
        return f'`"{shown}"`'
    fence = "`" * (_longest_run(shown) + 1)
    # One space on both sides is taken away again where a fence would touch.
    is_close = shown[0] in "` " or shown[-1] in "` "
    pad = " " if is_close else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def fenced(text: str, language: str) -> str:
    """Lines as a block of code, which cannot end early."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"


def prose(text: str) -> str:
    """A sentence of ours with words of data in it: what is no plain word is code."""
    made: list[str] = []
    strange: list[str] = []
    for word in _cut(text, LONGEST_PROSE).split():
        if _PLAIN.fullmatch(word):
            made += [*_joined(strange), word]
            strange = []
            continue
        bare = word.rstrip(",;:") or word
        strange.append(bare)
        if bare != word:
            made.append(_joined(strange)[0] + word[len(bare) :])
            strange = []
    return " ".join([*made, *_joined(strange)])


def _joined(words: list[str]) -> list[str]:
    """Words that stand side by side as one piece of code."""
    return [code(" ".join(words), longest=4 * LONGEST)] if words else []


_PLAIN: Final = re.compile(
    r"\(?(?:[A-Za-z]+(?:[-'][a-z]+)*|[0-9]{1,3}(?:,[0-9]{3})*)\)?[,;:]?"
)
"""A word that means nothing to Markdown wherever it stands, nor to GitHub."""


def marker(name: str | None) -> str:
    """The comment that says which comment this is, so that it is found again."""
    whole = redact_keys(name or "")
    if len(whole) > LONGEST:  # what is cut still tells it from others
        mark = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        whole = f"{whole[:LONGEST]} {mark}"
    shown = percent(whole, safe="", errors="replace").replace("--", "-%2D")
    shown = shown.replace(".", "%2E")
    return f"<!-- flow64:review {shown} -->" if shown else "<!-- flow64:review -->"


def _cut(text: str, longest: int) -> str:
    """A text that steers nothing and shows no key, cut where it is long."""
    # A key is masked whole, also where it stands across the cut.
    whole = redact_keys(text)
    shown = printable(whole[: longest + 1])
    return truncate(shown, longest)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
