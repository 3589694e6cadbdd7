"""Errors of generated code."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from ..text import printable, shortened
from ._root import FlowError


@frozen(repr=False)
class CannotLiftError(FlowError, ValueError):
    """A definition cannot be written as flow64 code.

    Attributes:
        workflow: The workflow's title.
    """

    workflow: str
    problems: Sequence[str]

    def __str__(self) -> str:
        shown = "; ".join(printable(problem) for problem in self.problems[:_MOST_SHOWN])
        more = len(self.problems) - _MOST_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        return (
            f"{shortened(self.workflow)} cannot be written as flow64 code: "
            f"{shown}{rest}; correct that, or keep it as JSON"
        )


_MOST_SHOWN = 5
