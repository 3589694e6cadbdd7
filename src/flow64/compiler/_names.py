"""Names of variables in generated code: safe, distinct, and made of keys."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 40
"""Characters of the longest name, but for a number behind it."""


class Names:
    """Gives names that are not taken."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def free(self, *words: str, otherwise: str) -> str:
        """Return a name that reads like some words, as far as they are ASCII.

        Args:
            otherwise: The name if the words have nothing that a name can hold.
        """
        text = "_".join(words)[: 4 * LONGEST]
        base = _GAPS.sub("_", text).strip("_").lower()[:LONGEST].rstrip("_")
        if not base[:1].isalpha():
            base = f"{otherwise}_{base}".rstrip("_")
        if base in _TAKEN:
            base = f"{base}_{otherwise}"
        name, number = base, 1
        while name in self._given:
            number += 1
            name = f"{base}_{number}"
        self._given.add(name)
        return name


_GAPS: Final = re.compile(r"[^A-Za-z0-9]+")

# A list of our own: what Python adds with a release is to change no name.
_WORDS: Final = """
and as assert async await break class continue def del elif else except finally for from
global if import in is lambda nonlocal not or pass raise return try while with yield
match case type true false none self
abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr
classmethod compile complex copyright credits delattr dict dir divmod enumerate eval
exec exit filter float format frozenset getattr globals hasattr hash help hex id input
int isinstance issubclass iter len license list locals map max memoryview min next
object oct open ord pow print property quit range repr reversed round set setattr slice
sorted staticmethod str sum super tuple vars zip
fan flow64 include_if matrix returns tap value variants
"""
"""Words of Python, what is built into it, and what may be imported."""

_TAKEN: Final = frozenset(_WORDS.split())
