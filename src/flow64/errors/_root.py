"""The root of all errors, and lists in their messages."""

from __future__ import annotations

from collections.abc import Iterable

from ..text import printable


class FlowError(Exception):
    """Anything that flow64 raises on purpose."""

    def __repr__(self) -> str:
        first, *_ = str(self).splitlines() or [""]
        return f"{type(self).__name__}({first!r})"


def list_lines(
    lines: Iterable[str], *, most: int | None = None, indent: str = "  "
) -> str:
    """Return lines for the end of a message, each on a line of its own."""
    found = [printable(line) for line in lines]
    more = 0 if most is None else len(found) - most
    if more > 0:
        found[most:] = [f"and {more} more"]
    return "".join(f"\n{indent}{line}" for line in found)
