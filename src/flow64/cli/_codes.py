"""Exit codes: what a program that started `flow64` is told."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
"""It failed, or there are findings of severity error."""

CHANGES: Final = 2
"""Something differs, where a command was asked to say so by its exit code."""

REFUSED: Final = 3
"""It was not done, since it would overwrite, pay or repeat what nobody agreed to."""

UNKNOWN: Final = 4
"""It may or may not have been done."""

USAGE: Final = 64
"""The command line itself is wrong."""

INTERRUPTED: Final = 130
"""Ctrl-C ended it."""
