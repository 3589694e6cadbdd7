"""The service's own list of blocks: its usual file, and entries that are odd."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ..redaction import clean_text

SAVED: Final = "blocks.json"
"""The usual file for the service's own list of blocks."""


def list_problems(problems: Sequence[str]) -> Iterator[str]:
    """Word the entries that cannot be used, or only in part."""
    for problem in problems:
        yield clean_text(f"warning: {problem}")
