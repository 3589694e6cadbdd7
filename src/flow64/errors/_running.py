"""Errors of starts, runs and their results."""

from __future__ import annotations

from collections.abc import Sequence

from ._root import FlowError


class RunError(FlowError):
    """A run was refused, and nothing was sent."""


class BudgetError(RunError):
    """A run may exceed its limits.

    Attributes:
        rows: Rows that it would start with; None if unknown.
        dollars: Maximum cost of the blocks with a known price.
        unpriced: The kinds to write a price for, so that the limit can be held.
    """

    rows: int | None = None
    dollars: float = 0.0
    unpriced: Sequence[str] = ()


class IntentError(RunError):
    """An intent has other rows in the journal, or `retry` or `attach` names no run.

    Attributes:
        run_id: The run of the journal, or the one that was named, if known.
    """

    run_id: str | None = None


class RowsError(FlowError, ValueError):
    """Rows cannot be sent, typed or saved. Nothing was sent, and no file was changed.

    Attributes:
        problems: What is wrong with them, one line each.
    """

    problems: Sequence[str] = ()


class RunFailedError(FlowError):
    """A run ended as `failed`, `cancelled`, `timeout` or `terminated`.

    Attributes:
        is_earlier: True if it was started before the call that raises this. Then this
            call has sent nothing.
    """

    run_id: str = ""
    status: str = ""
    reason: str | None = None
    is_earlier: bool = False


class WaitTimeoutError(FlowError, TimeoutError):
    """A run had not ended when the time for waiting was over. It goes on."""

    run_id: str = ""
    status: str = ""


class ResultError(FlowError, ValueError):
    """A run has no such result file, or it is cut off, or not what its name says.

    Attributes:
        name: Its name on the service.
        problem: What is wrong with it.
        line: The line, from 1, if known.
    """

    name: str = ""
    problem: str = ""
    line: int | None = None
