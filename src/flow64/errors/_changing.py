"""Errors of changes that do not apply, and of code that is refused."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from ..text import printable, shortened
from ._root import FlowError


@frozen(repr=False)
class StaleChangesError(FlowError, ValueError):
    """Changes were to be made to a definition that they were not found in."""

    block_id: str

    def __str__(self) -> str:
        return (
            f"the changes speak of the block {shortened(self.block_id)}, which is not "
            "there as they know it; find them anew: apply(diff(before, after), before)"
        )


@frozen(repr=False)
class CannotLiftError(FlowError, ValueError):
    """A definition says what flow64 code cannot say.

    Attributes:
        workflow: The workflow's title.
        problems: What it is, each in words.
    """

    workflow: str
    problems: Sequence[str]

    def __str__(self) -> str:
        shown = "; ".join(printable(problem) for problem in self.problems[:_MOST_SHOWN])
        more = len(self.problems) - _MOST_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        return (
            f"{shortened(self.workflow)} cannot be written as flow64 code: "
            f"{shown}{rest}; mend that, or keep it as JSON"
        )


_MOST_SHOWN = 5


@frozen(repr=False)
class UnsafeCodeError(FlowError, ValueError):
    """Python source holds what no code of a workflow needs; it was not given out.

    Attributes:
        problem: What it is.
        line: Where it stands.
    """

    problem: str
    line: int | None = None

    def __str__(self) -> str:
        where = "" if self.line is None else f" in line {self.line}"
        return (
            f"the source that was made{where} holds {self.problem}, so it is not given "
            "out; that is a mistake of flow64: please report it, and keep the JSON"
        )
