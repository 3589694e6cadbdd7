"""Errors of starts, runs and their results."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from ..text import format_dollars, pluralize, printable, shortened
from ._root import FlowError, list_lines


class RunError(FlowError):
    """A run was refused, or ended without its results."""


@frozen(repr=False)
class RowsError(RunError, ValueError):
    """The rows of a run cannot be sent. Nothing was sent."""

    problems: Sequence[str]

    def __str__(self) -> str:
        return f"these rows cannot be sent:{list_lines(self.problems, most=20)}"


@frozen(repr=False)
class OverrideError(RunError, ValueError):
    """Settings of one run (`specs_override`) cannot be used. Nothing was sent."""

    problems: Sequence[str]

    def __str__(self) -> str:
        return self.describe("specs_override")

    def describe(self, argument: str) -> str:
        """Return the message, with the argument or option that gave the settings."""
        return f"{argument} cannot be used:{list_lines(self.problems, most=20)}"


NOT_DEPLOYED: Final = "it is not deployed"
"""The reason of a `StaleDeploymentError` if nothing is there to run."""


@frozen(repr=False)
class StaleDeploymentError(RunError):
    """The deployed workflow differs from the code: a run would buy something else."""

    workflow: str
    workflow_id: str
    reason: str

    def __str__(self) -> str:
        other = ", or run what is there: run(..., stale=True)"
        return (
            f"{self.workflow!r} ({self.workflow_id}) is not what this code says: "
            f"{self.reason}; deploy() first"
            f"{'' if self.reason == NOT_DEPLOYED else other}"
        )


@frozen(repr=False)
class AmbiguousRowsError(RunError):
    """A workflow ends in several blocks, so its run has no one final file.

    Attributes:
        run_id: The run; empty if it was refused before anything was started.
        ends: Key paths of the blocks that feed no other.
    """

    run_id: str
    ends: Sequence[str]

    def __str__(self) -> str:
        ends = ", ".join(self.ends)
        if not self.run_id:
            return (
                f"the workflow ends in several blocks: {printable(ends)}; nothing was "
                f"started; name one of them: block={self.ends[-1]!r}"
            )
        return (
            f"run {self.run_id} ends in several blocks: {printable(ends)}; name one of "
            f"them: run.rows(Person, block={self.ends[-1]!r})"
        )


@frozen(repr=False)
class RunFailedError(RunError):
    """A run ended as `failed`, `cancelled`, `timeout` or `terminated`."""

    run_id: str
    status: str
    reason: str | None = None

    def __str__(self) -> str:
        why = f": {printable(self.reason)}" if self.reason else ""
        return (
            f"run {self.run_id} ended as {self.status}{why}; rows that were processed "
            "before that may have been charged"
        )


@frozen(repr=False)
class IntentFailedError(RunError):
    """The run of this intent ended without success. It is not repeated by itself.

    Attributes:
        intent: Its name; empty if it has none.
        is_earlier: Whether it was started before the call that raises this.
    """

    run_id: str
    status: str
    intent: str
    is_earlier: bool = True

    def __str__(self) -> str:
        run, intent = f"run {printable(self.run_id)} ended", ""
        if self.intent:
            run = f"the run of intent {self.intent!r} is {self.run_id}, which ended"
            intent = f"intent={self.intent!r}, "
        return (
            f"{run} as {printable(self.status)} and may have charged for rows; it is "
            "not repeated by itself: to start it again, and maybe pay for those rows "
            f"again: run(..., {intent}retry={self.run_id!r})"
        )


@frozen(repr=False)
class WaitTimeoutError(RunError, TimeoutError):
    """A run had not ended when the time for waiting was over. It goes on."""

    run_id: str
    status: str
    seconds: float
    is_held_back: bool = False

    def __str__(self) -> str:
        return self.describe(going_on(self.run_id))

    def describe(self, way: str) -> str:
        """Return the message, with how to wait again."""
        held = "the last look was held back by the client's own pace; "
        return (
            f"run {printable(self.run_id)} is still {printable(self.status)} after "
            f"{self.seconds:g} s; {held * self.is_held_back}it was not cancelled, and "
            f"{way}"
        )


def going_on(run_id: str) -> str:
    """Return that a run goes on, and how to wait for it again."""
    # Double quotes can hold any id, in Python and in JSON.
    line = f"client.runs.get({json.dumps(run_id)}).wait()"
    command = f"flow64 watch {shlex.quote(run_id)}"
    return f"goes on; wait again with {line}, or in a shell: {printable(command)}"


@frozen(repr=False)
class NoResultError(RunError):
    """A run has no result file, or none of the given block or format."""

    run_id: str
    block: str | int | None = None
    form: str | None = None

    def __str__(self) -> str:
        of = "" if self.block is None else f" of block {shortened(self.block)}"
        of += f" in {self.form}" if self.form else ""
        return (
            f"run {printable(self.run_id)} has no result file{of}; results() lists the "
            "files that there are"
        )


@frozen(repr=False)
class ResultError(RunError, ValueError):
    """A result file is cut off, or is not what its name says.

    Attributes:
        name: Its name on the service.
        line: The line, from 1, if known.
        offset: The offset from 0, in characters, or in bytes if it is not text.
    """

    name: str
    problem: str
    line: int | None = None
    offset: int | None = None
    advice: str = "download it again, or look at the file"

    def __str__(self) -> str:
        place = f":{self.line}" if self.line is not None else ""
        place += f" (offset {self.offset})" if self.offset is not None else ""
        return (
            f"result {printable(self.name)}{place}: {printable(self.problem)}; "
            f"{self.advice}"
        )


@frozen(repr=False)
class SaveError(FlowError):
    """Rows could not be saved. No file was created or changed."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{printable(self.path)} was not written: {printable(self.problem)}"


@frozen(repr=False)
class RowTypeError(RunError, ValueError):
    """A row of a result does not fit the class that it is read as.

    Attributes:
        number: The row, from 1.
        problems: The columns that are missing or do not fit, and why.
    """

    number: int
    problems: Sequence[str]

    def __str__(self) -> str:
        lines = list_lines(self.problems, most=20)
        return f"row {self.number} does not fit; row.raw has it as it came:{lines}"


# -- Starting runs --------------------------------------------------------------------


@frozen(repr=False)
class IntentChangedError(RunError):
    """A start differs from the one in the journal with the same name.

    Attributes:
        what: The intent, or the run to start again.
        change: The difference.
        run_id: The run that was started before, if known.
    """

    what: str
    change: str
    run_id: str | None = None

    def __str__(self) -> str:
        run = f" (run {printable(self.run_id)})" if self.run_id else ""
        return (
            f"{self.what} was started before{run} with {self.change}; nothing was "
            "sent. Give it what it had, or name what is new: run(..., intent=...)"
        )


@frozen(repr=False)
class RetryError(RunError):
    """A run cannot be named by `retry=` or `attach=`. Nothing was sent."""

    run_id: str
    problem: str
    option: str = "retry"

    def __str__(self) -> str:
        run_id, problem = printable(self.run_id), printable(self.problem)
        return f"{self.option}={run_id!r}: {problem}"


@frozen(repr=False)
class JournalError(RunError):
    """The journal of runs cannot be used. No run is started without it."""

    path: str
    problem: str

    def __str__(self) -> str:
        return (
            f"the journal of runs {printable(self.path)}: {printable(self.problem)}; "
            "correct that, or name another file with journal= or FLOW64_JOURNAL "
            "(journal=None remembers nothing, so a start that is cut off may be paid "
            "twice)"
        )


@frozen(repr=False)
class BudgetError(RunError):
    """A run may exceed its limits. Nothing was sent.

    Attributes:
        workflow: Its title.
        problems: The limits that it exceeds or may exceed.
        rows: Rows that it would start with; None if unknown.
        dollars: Maximum cost of the blocks with a known price.
        omissions: What `dollars` leaves out, and why.
        unpriced: The kinds to write a price for, so that the limit can be held.
    """

    workflow: str
    problems: Sequence[str]
    rows: int | None
    dollars: float
    omissions: Sequence[str] = ()
    unpriced: Sequence[str] = ()

    def __str__(self) -> str:
        rows = "an unknown number of rows"
        rows = rows if self.rows is None else pluralize(self.rows, "row")
        facts = f"{rows}, {format_dollars(self.dollars)} by known prices"
        lines = [f"not counted: {item}" for item in self.omissions]
        if self.unpriced:
            prices = ", ".join(f"{kind} = 0.10" for kind in self.unpriced)
            lines.append(f"in [tool.flow64], with your prices: prices = {{ {prices} }}")
        problems = "; ".join(self.problems)
        return f"{self.workflow!r} was not run: {problems} ({facts}){list_lines(lines)}"
