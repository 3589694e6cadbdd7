"""The root of all errors, and lists in their messages."""

from __future__ import annotations

from collections.abc import Iterable

from ..text import printable


class FlowError(Exception):
    """Anything that flow64 raises on purpose.

    Facts that callers read are class attributes with a default; they are set by
    keyword, so that an error can be pickled.

    Attributes:
        message: What is wrong, and where.
        hint: What to write instead, in Python.
        option: What to write instead on the command line; None if it is `hint`.
    """

    message: str = ""
    hint: str = ""
    option: str | None = None

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message
        for name, fact in facts.items():
            if not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} has no {name!r}")
            setattr(self, name, fact)

    def __str__(self) -> str:
        return self.message + (f"; {self.hint}" if self.hint else "")

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
