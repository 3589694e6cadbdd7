"""Watch runs: poll, report what is new, and wait until the run has ended.

A run that was paid for is not given up for a passing fault. Such a poll is repeated
until the time is over. Even then the run itself goes on.
"""

from __future__ import annotations

import logging
import math
from asyncio import CancelledError
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from random import random
from typing import Any, Final

from attrs import define, evolve, field

from ..api import (
    COMPLETED,
    ENDED,
    WAITING,
    BlockStatus,
    LiveStatus,
    Session,
    cancel_run,
    list_runs,
    live_status,
    may_pass,
    normal,
)
from ..definition import is_number
from ..errors import (
    ApiError,
    ArgumentError,
    AuthError,
    FlowError,
    HeldBackError,
    NotFoundError,
    RunFailedError,
    WaitTimeoutError,
    going_on,
    shortened,
)
from ._events import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    Finished,
    Progress,
    Queued,
    RunEvent,
    Running,
)
from ._stages import Stages
from ._tracked import Tracked

DAY: Final = 24 * 3600.0

MINUTE: Final = 60.0
"""Seconds for which a new run may be invisible, and for which a refusal of a known run
is doubted."""

LAST_LOOK: Final = 10.0
"""Seconds that a poll may take although the time for waiting is over."""

JITTER: Final = 0.1
"""Share by which a wait is shorter or longer, so that watchers do not poll together."""

_log = logging.getLogger("flow64")


async def watch_run(
    session: Session,
    tracked: Tracked,
    *,
    every: float = 5.0,
    timeout: float = DAY,  # noqa: ASYNC109 - the run goes on after it
    luck: Callable[[], float] = random,
) -> LiveStatus | None:
    """Poll a run until it has ended, and emit a `RunEvent` for everything new.

    Return the last answer. It is None if the run has ended and can no longer be polled.

    Args:
        tracked: The run; its state is recorded there.
        every: Seconds between polls, give or take a tenth.
        timeout: Seconds after which to give up. A poll that was sent by then may take
            10 s more. No poll waits longer than this for the client's own pace.
        luck: Returns numbers from 0 to 1.

    Raises:
        WaitTimeoutError: The run had not ended in time; it goes on.
        ApiError: Polling again cannot help: the key is refused, or the run does not
            exist.
    """
    began = session.now()
    tracker, troubles = EventTracker(tracked.stages), Troubles(tracked.id)
    patience = Patience(is_new=tracked.is_new)
    while True:
        left = began + timeout - session.now()
        session.begin(max(left, LAST_LOOK), patience=left)
        trouble = None
        try:
            seen = await live_status(session, tracked.id)
        except FlowError as error:
            if tracked.is_ended:  # how is known, and it may be gone by now
                await session.emit(_end_of(tracked))
                return None
            if not patience.lasts(error, session.now()):
                raise
            troubles.note(error)
            trouble = error
        else:
            patience.renew()
            tracked.record_look(seen)
            for event in tracker.events(seen, tracked.status):
                await session.emit(event)
            if tracked.is_ended:
                tracked.reason = await find_reason(session, tracked, seen)
                await session.emit(_end_of(tracked))
                return seen
        left = began + timeout - session.now()
        if left <= 0:
            status = tracked.status or "under way"
            is_held_back = isinstance(trouble, HeldBackError)
            raise WaitTimeoutError(
                tracked.id, status, timeout, is_held_back
            ) from trouble
        pause = every * (1 - JITTER + 2 * JITTER * luck())
        await session.sleep(min(pause, left), is_apart=True)


async def wait_for_run(
    session: Session,
    tracked: Tracked,
    *,
    every: float = 5.0,
    timeout: float = DAY,  # noqa: ASYNC109 - the run goes on after it
) -> None:
    """Poll a run until it has completed.

    Raises:
        RunFailedError: It did not complete.
        WaitTimeoutError: It had not ended in time; it goes on.
    """
    if tracked.status != COMPLETED:  # what has completed stays so
        await watch_run(session, tracked, every=every, timeout=timeout)
    _require_success(tracked)


async def require_completed(session: Session, tracked: Tracked) -> None:
    """Check that a run has completed, with one poll if that is not known.

    Raises:
        RunFailedError: It did not complete.
        WaitTimeoutError: It goes on.
    """
    if not tracked.is_ended:
        try:
            seen = await live_status(session, tracked.id)
        except NotFoundError as error:
            if not tracked.is_new:
                raise
            status = tracked.status or "under way"
            raise WaitTimeoutError(tracked.id, status, 0) from error
        tracked.record_look(seen)
        if not tracked.is_ended:
            raise WaitTimeoutError(tracked.id, tracked.status, 0)
        tracked.reason = await find_reason(session, tracked, seen)
    _require_success(tracked)


async def cancel_and_note(session: Session, tracked: Tracked) -> str:
    """Cancel a run, and return its status. An ended run keeps its status."""
    try:
        word = await cancel_run(session, tracked.id)
    except NotFoundError:
        if not tracked.is_ended:
            raise
    else:
        tracked.record_status(word)
    return tracked.status


@contextmanager
def note_interrupted_run(run_id: str) -> Generator[None]:
    """Add to an interruption that the run goes on, and how to wait for it again."""
    try:
        yield
    except (KeyboardInterrupt, CancelledError) as stop:
        stop.add_note(f"run {run_id} was not cancelled, and {going_on(run_id)}")
        raise


def require_times(callee: str, every: Any, timeout: Any) -> None:
    """Refuse values that are not seconds, before any request.

    Raises:
        ArgumentError: `every` is not above 0, or `timeout` is below 0.
    """
    if not is_number(every) or not 0 < every < math.inf:
        problem = f"every is {shortened(every)}, no number of seconds above 0"
        raise ArgumentError(callee, problem)
    if not is_number(timeout) or not timeout >= 0:
        problem = f"timeout is {shortened(timeout)}, no number of seconds from 0 up"
        raise ArgumentError(callee, problem)


@define
class Patience:
    """Decides whether to poll again after a poll that failed.

    Passing faults are always waited for. A refusal of a new run, or of one that was
    seen, is believed after a minute without other answers, since a late list, a proxy
    or a login page may be the cause. A refused credential is believed at once.

    Attributes:
        is_new: True if the run was just started, and so may not be visible yet.
    """

    is_new: bool = field(kw_only=True)
    _was_seen: bool = field(default=False, init=False)
    _doubted: float | None = field(default=None, init=False)

    def lasts(self, error: FlowError, now: float) -> bool:
        """Return True if polling again may help."""
        if may_pass(error):
            return True
        if not self._is_doubtful(error):
            return False
        if self._doubted is None:
            self._doubted = now
        return now - self._doubted < MINUTE

    def renew(self) -> None:
        """Record a poll that succeeded."""
        self._was_seen, self._doubted = True, None

    def _is_doubtful(self, error: FlowError) -> bool:
        if self._was_seen:
            return isinstance(error, ApiError) and not isinstance(error, AuthError)
        return self.is_new and isinstance(error, NotFoundError)


@define
class Troubles:
    """The faults of polling one run. Each kind is logged once as a warning."""

    run_id: str
    _noted: set[tuple[type, int]] = field(factory=set[tuple[type, int]], init=False)

    def note(self, error: FlowError) -> None:
        """Log a fault."""
        kind = (type(error), error.status if isinstance(error, ApiError) else 0)
        level = logging.DEBUG if kind in self._noted else logging.WARNING
        self._noted.add(kind)
        _log.log(level, "run %s: %s; looking again", self.run_id, error)


@define
class _WatchedBlock:
    """The part of a block's state that was reported."""

    number: int
    id: str | None
    is_started: bool = False
    is_over: bool = False
    progress: Progress | None = None

    def is_same(self, block: BlockStatus, number: int) -> bool:
        """Compare by id, or by number if one of them has no id."""
        if self.id and block.block_id:
            return self.id == block.block_id
        return self.number == number


@define
class EventTracker:
    """Finds the new events in each answer. No event takes back an earlier one."""

    stages: Stages
    _status: str = field(default="", init=False)
    _blocks: list[_WatchedBlock] = field(factory=list[_WatchedBlock], init=False)

    def events(self, seen: LiveStatus, status: str) -> Iterator[RunEvent]:
        """Yield the events of an answer.

        Args:
            seen: The answer.
            status: The status of the run, which an old answer does not set back.
        """
        word = "queued" if status in WAITING else status
        if word != self._status and status and status not in ENDED:
            self._status = word
            yield Queued() if status in WAITING else Running(status)
        for position, block in enumerate(seen.blocks, 1):
            known = self._find_block(block, position)
            if not known.is_over:
                name = self.stages.name(known.number, block.block_name)
                yield from _events_of(known, name, block)

    def _find_block(self, block: BlockStatus, position: int) -> _WatchedBlock:
        """Return the state of a block. An answer may lack its number or its id."""
        number = block.sequence_number if block.sequence_number > 0 else position
        for known in self._blocks:
            if known.is_same(block, number):
                known.id = known.id or block.block_id
                return known
        self._blocks.append(_WatchedBlock(number, block.block_id))
        return self._blocks[-1]


def _events_of(
    known: _WatchedBlock, name: str, block: BlockStatus
) -> Iterator[RunEvent]:
    status, number = normal(block.status), known.number
    now = _read_progress(number, name, block)
    has_begun = status == "running" or status in ENDED or now.processed > 0
    if not known.is_started and (has_begun or now.percentage > 0):
        known.is_started = True
        yield BlockStarted(number, name, now.total)
    further = _advance(known.progress, now)
    if further is not None and known.is_started:
        known.progress = further
        yield further
    if status in ENDED:
        known.is_over = True
        if status == COMPLETED:
            yield BlockDone(number, name, block.returned_rows)
        else:
            yield BlockFailed(number, name, status, block.error_message)


def _read_progress(number: int, name: str, block: BlockStatus) -> Progress:
    """Return the progress of a block. A missing percentage follows from the counts."""
    processed, total = block.processed_count, block.total_count
    share = block.progress_percentage
    if share <= 0 < total:
        share = 100 * processed / total
    return Progress(number, name, processed, total if total > 0 else None, share)


def _advance(before: Progress | None, now: Progress) -> Progress | None:
    """Return progress beyond the earlier one, which never goes back; else None."""
    processed = before.processed if before else 0
    share = before.percentage if before else 0.0
    if now.processed <= processed and now.percentage <= share:
        return None
    total = now.total or (before.total if before else None)
    return evolve(
        now,
        processed=max(now.processed, processed),
        total=total,
        percentage=max(now.percentage, share),
    )


async def find_reason(
    session: Session, tracked: Tracked, seen: LiveStatus
) -> str | None:
    """Return why a run did not complete, from its blocks or the list of runs."""
    if tracked.status == COMPLETED:
        return None
    reasons: Sequence[str | None] = [
        tracked.stages.describe_failure(block)
        for block in seen.blocks
        if block.error_message
    ]
    if not reasons and tracked.workflow_id:
        session.begin(LAST_LOOK)
        with suppress(FlowError):  # how it ended is known, and counts more
            for entry in await list_runs(session, tracked.workflow_id):
                if entry.job_id == tracked.id:
                    reasons = [entry.status_reason, entry.error_message]
    return "; ".join(reason for reason in reasons if reason) or None


def _end_of(tracked: Tracked) -> Finished:
    return Finished(tracked.status, tracked.reason, tracked.empty)


def _require_success(tracked: Tracked) -> None:
    if tracked.status != COMPLETED:
        raise RunFailedError(tracked.id, tracked.status, tracked.reason)
