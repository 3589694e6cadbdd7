"""Watch runs: poll, report what is new, and wait until the run has ended.

A run that was paid for is not given up for a passing fault. Such a poll is repeated
until the time is over. Even then the run itself goes on.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from math import inf
from random import uniform
from typing import Any, Final, Literal

from attrs import define, evolve, field, frozen

from .. import errors
from ..api import answers, calls, threads
from ..api.network import DAY, MINUTE, may_pass
from ..api.session import Session
from ..text import pluralize, printable
from .state import RunState, Stages

LAST_LOOK: Final = 10.0
"""Seconds that a poll may take although the time for waiting is over."""


@frozen
class Event:
    """An event of a run. It prints as a line.

    Attributes:
        kind: `status` for the run, and for a block `started`, `progress`, `done` or
            `failed`. `ended` comes last.
        status: Status of the run, or of the block.
        block: Key path of the block, or its kind if its code is not known.
        number: Its `sequence_number`; None for the run.
        rows: Rows that it has processed or returned; None if that is not known.
        total: Rows to process; None if that is not known.
        percentage: Its progress, from 0 to 100. It never goes back.
        text: Why it failed, or that no row came out.
    """

    kind: Literal["status", "started", "progress", "done", "failed", "ended"]
    status: str
    block: str = ""
    number: int | None = None
    rows: int | None = None
    total: int | None = None
    percentage: float = 0.0
    text: str | None = None

    def __str__(self) -> str:
        count = self.rows if self.kind == "done" else self.total
        rows = "" if count is None else f", {pluralize(count, 'row')}"
        words = {"started": f"started{rows}", "done": f"done{rows}"}
        if self.kind == "progress":
            of = "" if self.total is None else f" of {self.total}"
            words["progress"] = f"{self.rows}{of} rows ({self.percentage:.0f} %)"
        word = words.get(self.kind, self.status)
        line = f"{self.number} {self.block}: {word}" if self.block else word
        return printable(f"{line}: {self.text}" if self.text else line)


def steps(
    session: Session, run: RunState, *, every: float = 5.0, timeout: float = DAY
) -> Iterator[Event | float]:
    """Yield events as `watch` does, and the seconds to wait before each poll."""
    ends = threads.now() + timeout
    news, refused_at = _News(run.stages), inf
    while True:
        lost = None
        try:
            with threads.deadline(max(ends - threads.now(), LAST_LOOK)):
                seen = poll(session, run)
        except errors.FlowError as error:
            # Also if the client's own pace has left no time for it.
            if not (may_pass(error) or isinstance(error, errors.TransportError)):
                refused_at = min(refused_at, threads.now())
                # If it has ended, how is known, and it may be gone by now.
                if not run.is_ended and _is_final(error, threads.now() - refused_at):
                    raise
            lost = error
        else:
            refused_at = inf
            yield from news.read(seen, run.status)
        if run.is_ended:
            yield Event("ended", run.status, text=run.reason or run.empty)
            return
        remaining = ends - threads.now()
        if remaining <= 0:
            raise _timeout_error(run, timeout) from lost
        yield min(every * uniform(0.9, 1.1), remaining)  # noqa: S311 - no secret


def watch(
    session: Session, run: RunState, *, every: float = 5.0, timeout: float = DAY
) -> Iterator[Event]:
    """Yield what happens to the run until it ends. Each event prints as a line.

    Faults on the way are retried, and no event takes back an earlier one. The run
    itself goes on, even if watching it fails.

    Args:
        every: Seconds between polls, give or take a tenth.
        timeout: Seconds after which to give up. The last poll may take 10 s more.

    Raises:
        ApiError: Polling again cannot help: the key is refused, or the run does not
            exist.
        WaitTimeoutError: The run had not ended in time. The error says how to wait
            again.
    """
    for step in steps(session, run, every=every, timeout=timeout):
        if isinstance(step, Event):
            yield step
        else:
            threads.sleep(step)


def wait(
    session: Session, run: RunState, *, every: float = 5.0, timeout: float = DAY
) -> None:
    """Poll a run until it has completed.

    Raises:
        RunFailedError: It did not complete.
        WaitTimeoutError: It had not ended in time; it goes on.
    """
    if run.status != calls.COMPLETED:  # what has completed stays so
        for _ in watch(session, run, every=every, timeout=timeout):
            pass
    _require_success(run)


def require_completion(session: Session, run: RunState) -> None:
    """Check that a run has completed, with one poll if that is not known.

    Raises:
        RunFailedError: It did not complete.
        WaitTimeoutError: It goes on.
    """
    if not run.is_ended:
        poll(session, run)
        if not run.is_ended:
            raise _timeout_error(run, 0)
    _require_success(run)


def _require_success(run: RunState) -> None:
    if run.status != calls.COMPLETED:
        raise failed_error(run)


def failed_error(run: RunState, **facts: Any) -> errors.RunFailedError:
    """Return the error of a run that has ended without success."""
    why = f": {printable(run.reason)}" if run.reason else ""
    return errors.RunFailedError(
        f"run {run.id} ended as {printable(run.status)}{why}; rows that were processed "
        "before that may have been charged",
        run_id=run.id,
        status=run.status,
        reason=run.reason,
        **facts,
    )


def _timeout_error(run: RunState, seconds: float) -> errors.WaitTimeoutError:
    status = run.status or "under way"
    return errors.WaitTimeoutError(
        f"run {printable(run.id)} is still {printable(status)} after {seconds:g} s; it "
        "was not cancelled, and goes on",
        # Double quotes can hold any id, in Python and in JSON.
        hint=f"wait again: client.runs.get({json.dumps(run.id)}).wait()",
        option=f"wait again: flow64 watch {shlex.quote(run.id)}",
        run_id=run.id,
        status=status,
    )


def poll(session: Session, run: RunState) -> answers.LiveStatus:
    """Poll a run once, record its state, and return the answer."""
    seen = calls.live_status(session, run.id)
    run.record_look(seen)
    return seen


def cancel(session: Session, run: RunState) -> str:
    """Cancel the run, and return its status. A run that has ended keeps its status.

    Rows that were processed are presumably charged. A run that `is_presumed` may belong
    to another user.
    """
    run.record_status(calls.cancel_run(session, run.id))
    return run.status


def _is_final(error: errors.FlowError, seconds: float) -> bool:
    """Return True if another poll cannot help.

    Passing faults are always waited for. A refusal is believed after a minute, since a
    late list, a proxy or a login page may be the cause. A refused credential is
    believed at once.

    Args:
        error: How a poll failed.
        seconds: How long each answer was a refusal.
    """
    is_refusal = isinstance(error, errors.ApiError)
    return not is_refusal or isinstance(error, errors.AuthError) or seconds >= MINUTE


@define
class _News:
    """Finds the new events in each answer. No event takes back an earlier one."""

    stages: Stages
    _status: str = field(default="", init=False)
    _last: dict[int, Event] = field(factory=dict[int, Event], init=False)

    def read(self, seen: answers.LiveStatus, status: str) -> Iterator[Event]:
        """Yield the events of an answer.

        Args:
            seen: The answer.
            status: The status of the run, which an old answer does not set back.
        """
        word = "queued" if status in calls.WAITING else status
        if word != self._status and status and status not in calls.ENDED:
            self._status = word
            yield Event("status", word)
        for position, answer in enumerate(seen.blocks, 1):
            number = answer.sequence_number or position  # an answer may lack it
            name = self.stages.name(number, answer.block_name)
            block = Event("started", calls.normal(answer.status), name, number)
            for event in _read_block(self._last.get(number), block, answer):
                self._last[number] = event
                yield event


def _read_block(
    last: Event | None, block: Event, answer: answers.BlockStatus
) -> Iterator[Event]:
    """Yield the events of a block, after the last one."""
    rows, total = answer.processed_count, answer.total_count or None
    share = answer.progress_percentage or (100 * rows / total if total else 0.0)
    share = min(max(share, 0.0), 100.0)
    has_ended = block.status in calls.ENDED
    if last is None:
        if not (has_ended or block.status == "running" or rows > 0 or share > 0):
            return
        last = evolve(block, total=total)
        yield last
    if last.kind in ("done", "failed"):
        return
    rows_before = last.rows or 0
    if rows > rows_before or share > last.percentage:
        rows, share = max(rows, rows_before), max(share, last.percentage)
        facts: Any = {"rows": rows, "total": total, "percentage": share}
        yield evolve(block, kind="progress", **facts)
    if block.status == calls.COMPLETED:
        yield evolve(block, kind="done", rows=answer.returned_rows)
    elif has_ended:
        yield evolve(block, kind="failed", text=answer.error_message)
