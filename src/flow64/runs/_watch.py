"""Watching runs: look, say what is new, wait, until it has ended; whatever happens.

A run that was paid for is not given up for a bad minute. What may pass is looked at
again until the time given is over, and even then the run itself goes on.
"""

from __future__ import annotations

import logging
import math
from asyncio import CancelledError
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from random import random
from typing import Any, Final

from attrs import define, evolve, field

from ..api import (
    COMPLETED,
    ENDED,
    WAITING,
    Begin,
    BlockStatus,
    Conversation,
    Emit,
    LiveStatus,
    Now,
    Sleep,
    cancel_run,
    list_runs,
    live_status,
    may_pass,
    normal,
)
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
"""Seconds for which a run that was just started may not be visible yet, and for which
a refusal is doubted of one that was seen."""

LAST_LOOK: Final = 10.0
"""Seconds that a look may take although the time given for waiting is over."""

JITTER: Final = 0.1
"""How much shorter or longer a wait may be, so that many watchers do not meet."""

_log = logging.getLogger("flow64")


def watch_run(
    tracked: Tracked,
    *,
    every: float = 5.0,
    timeout: float = DAY,
    luck: Callable[[], float] = random,
) -> Conversation[LiveStatus | None]:
    """Look at a run until it has ended, and emit a `RunEvent` for whatever is new.

    Gives the last look; None for a run that is known to have ended and cannot be looked
    at any more.

    Args:
        tracked: The run; what is learned of it is noted there.
        every: Seconds between looks, give or take a tenth.
        timeout: Seconds after which to give up. A look that was sent by then may take
            10 s more; no look waits longer than this for the client's own pace.
        luck: Gives numbers from 0 to 1.

    Raises:
        WaitTimeoutError: It had not ended by then; it goes on.
        ApiError: Looking again cannot help: the key is refused, there is no such run.
    """
    began: float = yield Now()
    teller, troubles = Teller(tracked.stages), Troubles(tracked.id)
    patience = Patience(is_new=tracked.is_new)
    while True:
        left = began + timeout - (yield Now())
        yield Begin(max(left, LAST_LOOK), patience=left)
        trouble = None
        try:
            seen = yield from live_status(tracked.id)
        except FlowError as error:
            if tracked.is_ended:  # how is known, and it may be gone by now
                yield Emit(Finished(tracked.status, tracked.reason))
                return None
            if not patience.lasts(error, (yield Now())):
                raise
            troubles.note(error)
            trouble = error
        else:
            patience.renew()
            tracked.saw(seen)
            for event in teller.events(seen, tracked.status):
                yield Emit(event)
            if tracked.is_ended:
                tracked.reason = yield from reason_of(tracked, seen)
                yield Emit(Finished(tracked.status, tracked.reason))
                return seen
        left = began + timeout - (yield Now())
        if left <= 0:
            status = tracked.status or "under way"
            is_held_back = isinstance(trouble, HeldBackError)
            raise WaitTimeoutError(
                tracked.id, status, timeout, is_held_back
            ) from trouble
        pause = every * (1 - JITTER + 2 * JITTER * luck())
        yield Sleep(min(pause, left), is_apart=True)


def wait_for_run(
    tracked: Tracked, *, every: float = 5.0, timeout: float = DAY
) -> Conversation[None]:
    """The same, for a run that is to complete.

    Raises:
        RunFailedError: It ended otherwise.
        WaitTimeoutError: It had not ended in time; it goes on.
    """
    if tracked.status != COMPLETED:  # what has completed stays so
        yield from watch_run(tracked, every=every, timeout=timeout)
    _require_success(tracked)


def require_completed(tracked: Tracked) -> Conversation[None]:
    """See, with one look where need be, that a run has completed.

    Raises:
        RunFailedError: It ended otherwise.
        WaitTimeoutError: It goes on.
    """
    if not tracked.is_ended:
        try:
            seen = yield from live_status(tracked.id)
        except NotFoundError as error:
            if not tracked.is_new:
                raise
            status = tracked.status or "under way"
            raise WaitTimeoutError(tracked.id, status, 0) from error
        tracked.saw(seen)
        if not tracked.is_ended:
            raise WaitTimeoutError(tracked.id, tracked.status, 0)
        tracked.reason = yield from reason_of(tracked, seen)
    _require_success(tracked)


def cancel_and_note(tracked: Tracked) -> Conversation[str]:
    """Cancel a run; gives its status, also of one that has ended already."""
    try:
        word = yield from cancel_run(tracked.id)
    except NotFoundError:
        if not tracked.is_ended:
            raise
    else:
        tracked.became(word)
    return tracked.status


@contextmanager
def note_interrupted_run(run_id: str) -> Generator[None]:
    """Say with a Ctrl-C, or what ends a task, that the run goes on, and how to wait."""
    try:
        yield
    except (KeyboardInterrupt, CancelledError) as stop:
        stop.add_note(f"run {run_id} was not cancelled, and {going_on(run_id)}")
        raise


def require_times(callee: str, every: Any, timeout: Any) -> None:
    """Refuse what are no seconds, before anything is asked.

    Raises:
        ArgumentError: `every` is not above 0, or `timeout` below 0.
    """
    if not _is_number(every) or not 0 < every < math.inf:
        problem = f"every is {shortened(every)}, no number of seconds above 0"
        raise ArgumentError(callee, problem)
    if not _is_number(timeout) or not timeout >= 0:
        problem = f"timeout is {shortened(timeout)}, no number of seconds from 0 up"
        raise ArgumentError(callee, problem)


@define
class Patience:
    """Whether to look again after a look that went wrong.

    What may pass is waited for. Of a run that was just started, and of one that was
    seen, a refusal is believed once nothing else was heard for a minute: a list that is
    late, a proxy or a page to log in at may be all that it is. A credential that is
    turned away is believed at once.

    Attributes:
        is_new: Whether the run was just started, and so may not be visible yet.
    """

    is_new: bool = field(kw_only=True)
    _was_seen: bool = field(default=False, init=False)
    _doubted: float | None = field(default=None, init=False)

    def lasts(self, error: FlowError, now: float) -> bool:
        """Whether looking again may help."""
        if may_pass(error):
            return True
        if not self._is_doubtful(error):
            return False
        if self._doubted is None:
            self._doubted = now
        return now - self._doubted < MINUTE

    def renew(self) -> None:
        """A look went well."""
        self._was_seen, self._doubted = True, None

    def _is_doubtful(self, error: FlowError) -> bool:
        if self._was_seen:
            return isinstance(error, ApiError) and not isinstance(error, AuthError)
        return self.is_new and isinstance(error, NotFoundError)


@define
class Troubles:
    """What went wrong with looks at a run: each kind is told once."""

    run_id: str
    _told: set[tuple[type, int]] = field(factory=set[tuple[type, int]], init=False)

    def note(self, error: FlowError) -> None:
        """Tell it, unless its kind was told before."""
        kind = (type(error), error.status if isinstance(error, ApiError) else 0)
        level = logging.DEBUG if kind in self._told else logging.WARNING
        self._told.add(kind)
        _log.log(level, "run %s: %s; looking again", self.run_id, error)


@define
class _Block:
    """What was told of a block."""

    number: int
    id: str | None
    is_started: bool = False
    is_over: bool = False
    told: Progress | None = None

    def is_same(self, block: BlockStatus, number: int) -> bool:
        """Whether it is this one: by its id, and by its number where one lacks that."""
        if self.id and block.block_id:
            return self.id == block.block_id
        return self.number == number


@define
class Teller:
    """Tells what is new in each look, and never anything that goes back."""

    stages: Stages
    _status: str = field(default="", init=False)
    _blocks: list[_Block] = field(factory=list[_Block], init=False)

    def events(self, seen: LiveStatus, status: str) -> Iterator[RunEvent]:
        """The events of a look.

        Args:
            seen: The look.
            status: The status of the run, which no old answer turns back.
        """
        word = "queued" if status in WAITING else status
        if word != self._status and status and status not in ENDED:
            self._status = word
            yield Queued() if status in WAITING else Running(status)
        for position, block in enumerate(seen.blocks, 1):
            known = self._known(block, position)
            if not known.is_over:
                name = self.stages.name(known.number, block.block_name)
                yield from _told(known, name, block)

    def _known(self, block: BlockStatus, position: int) -> _Block:
        """What was told of a block; one answer may leave out its number or its id."""
        number = block.sequence_number if block.sequence_number > 0 else position
        for known in self._blocks:
            if known.is_same(block, number):
                known.id = known.id or block.block_id
                return known
        self._blocks.append(_Block(number, block.block_id))
        return self._blocks[-1]


def _told(known: _Block, name: str, block: BlockStatus) -> Iterator[RunEvent]:
    status, number = normal(block.status), known.number
    now = _progress(number, name, block)
    has_begun = status == "running" or status in ENDED or now.processed > 0
    if not known.is_started and (has_begun or now.percentage > 0):
        known.is_started = True
        yield BlockStarted(number, name, now.total)
    further = _further(known.told, now)
    if further is not None and known.is_started:
        known.told = further
        yield further
    if status in ENDED:
        known.is_over = True
        if status == COMPLETED:
            yield BlockDone(number, name, _rows(block))
        else:
            yield BlockFailed(number, name, status, block.error_message)


def _progress(number: int, name: str, block: BlockStatus) -> Progress:
    """What a look says of a block; a share that is missing follows from the counts."""
    processed, total = block.processed_count, block.total_count
    share = block.progress_percentage
    if share <= 0 < total:
        share = 100 * processed / total
    return Progress(number, name, processed, total if total > 0 else None, share)


def _further(before: Progress | None, now: Progress) -> Progress | None:
    """Progress beyond what was told, with nothing in it that goes back; else None."""
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


def _rows(block: BlockStatus) -> int | None:
    """The rows that a block gave."""
    metrics: Mapping[str, Any] = block.metrics or {}
    count = metrics.get("row_count")
    if isinstance(count, int) and not isinstance(count, bool):
        return count
    return block.processed_count if block.processed_count > 0 else None


def reason_of(tracked: Tracked, seen: LiveStatus) -> Conversation[str | None]:
    """Why a run ended otherwise than completed: its blocks say so, else the list."""
    if tracked.status == COMPLETED:
        return None
    reasons: Sequence[str | None] = [
        tracked.stages.blamed(block) for block in seen.blocks if block.error_message
    ]
    if not reasons and tracked.workflow_id:
        yield Begin(LAST_LOOK)
        with suppress(FlowError):  # how it ended is known, and counts more
            for entry in (yield from list_runs(tracked.workflow_id)):
                if entry.job_id == tracked.id:
                    reasons = [entry.status_reason, entry.error_message]
    return "; ".join(reason for reason in reasons if reason) or None


def _require_success(tracked: Tracked) -> None:
    if tracked.status != COMPLETED:
        raise RunFailedError(tracked.id, tracked.status, tracked.reason)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
