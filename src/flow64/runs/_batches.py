"""Run an input of any length in batches: start them one by one, watch them together.

The service does the work. Only the rows of one batch are in memory at a time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from ..analysis import cost
from ..api import (
    COMPLETED,
    Session,
    get_workflow,
    is_refusal,
    list_runs,
    live_status,
    may_pass,
)
from ..definition import canonical_id
from ..errors import (
    AnswerError,
    ApiError,
    ArgumentError,
    BatchesError,
    ConflictError,
    FlowError,
    IntentFailedError,
    LinkRefusedError,
    NotFoundError,
    OutcomeUnknownError,
    PaymentError,
    RunError,
    SaveError,
    TransportError,
)
from ..text import format_dollars, printable
from ._batch_files import BatchFiles, require_folder
from ._batch_input import BatchInput, BatchSettings, RowRange
from ._budget import Budget
from ._journal import RecordedStart
from ._outputs import list_files
from ._start import StartedRun
from ._start_log import BatchPlace
from ._tracked import Tracked
from ._watch import MINUTE, Troubles, find_reason

_log = logging.getLogger("flow64")

FAILURES: Final = 2
"""Batches in a row that may fail before no further one is started."""

LOOK: Final = 30.0
"""Seconds for one poll of a run, since the other runs wait meanwhile."""

_CREDIT = re.compile(
    r"credit|balance|subscription|payment|billing|quota", re.IGNORECASE
)
"""Words in the reason of a failure that the next batch would meet too."""


@frozen
class FinishedBatch:
    """A batch with a run that has completed.

    Attributes:
        part: Its rows.
        tracked: Its run.
        path: The file with its rows; None if no folder was given.
    """

    part: RowRange
    tracked: Tracked
    path: Path | None = None


@frozen
class FailedBatch:
    """A batch that has not completed, or that has rows which could not be read.

    Attributes:
        part: Its rows.
        run_id: Its run; empty if it is not known.
        status: How it ended.
        reason: Why, as far as the service says.
        dollars: Price of running its rows again, by documented prices and before
            filters. None if nothing was bought, or nothing is bought again.
        is_priced: True if each block that may charge has a documented price.
    """

    part: RowRange
    run_id: str
    status: str
    reason: str | None = None
    dollars: float | None = None
    is_priced: bool = False

    def __str__(self) -> str:
        part = self.part
        rows = f"rows {part.first:,} to {part.first + part.count - 1:,}"
        run = f", run {self.run_id}" if self.run_id else ""
        why = f": {self.reason}" if self.reason else ""
        head = f"batch {part.index} ({rows}{run})"
        return printable(f"{head} {self.status}{why}{self._again}")

    @property
    def _again(self) -> str:
        """Say what running its rows again may cost."""
        if self.dollars is None:
            return ""
        if self.is_priced:
            return f"; its rows again: up to {format_dollars(self.dollars)}"
        known = f"{format_dollars(self.dollars)} and " if self.dollars else ""
        return f"; its rows again: {known}what has no documented price"


async def run_in_batches(session: Session, settings: BatchSettings, rows: Any) -> None:
    """Run rows in batches, and emit a `FinishedBatch` for each in input order.

    Raises:
        RowsError: Rows cannot be sent. Those of a list or a file are all judged before
            the first batch is started, those of another iterable batch by batch.
        SaveError: The folder cannot be written to; nothing was started.
        RunError: The first batch was refused before anything was started, such as a
            `BudgetError` because the whole input may exceed a limit.
        BatchesError: Batches have failed, or were not started after that.
    """
    files = None
    if settings.folder is not None:
        require_folder(settings.folder)
        files = BatchFiles(settings, settings.folder)
    # The rows of the caller are read where the caller is.
    given = await session.call_in_caller(lambda: BatchInput(settings, rows))
    await _BatchRunner(session, settings, given, files).run()


@define
class _Flight:
    """A batch under way."""

    part: RowRange
    tracked: Tracked
    since: float
    next_look: float
    troubles: Troubles


@define
class _BatchRunner:
    """Runs all batches: which are under way, and whether to start more."""

    session: Session = field(repr=False)
    settings: BatchSettings
    input: BatchInput
    files: BatchFiles | None
    flights: list[_Flight] = field(factory=list[_Flight])
    finished: dict[int, FinishedBatch] = field(factory=dict[int, FinishedBatch])
    failed: dict[int, FailedBatch] = field(factory=dict[int, FailedBatch])
    before: set[str] = field(factory=set[str])
    emitted: int = 0
    adrift: int = 0
    in_a_row: int = 0
    broken: set[int] = field(factory=set[int])
    stopped: str = ""
    error: FlowError | None = None
    is_all: bool = False

    async def run(self) -> None:
        """Start, watch and hand out batches until none is under way."""
        if self.settings.retry_failed:
            await self._note_earlier_runs()
        while True:
            await self._start()
            await self._hand_out()
            if not self.flights:
                break
            await self._look()
        failed = [self.failed[index] for index in sorted(self.failed)]
        if failed or self.stopped:
            raise BatchesError(
                self.settings.intent,
                [str(batch) for batch in failed],
                self.stopped,
                failed,
            ) from self.error

    async def _note_earlier_runs(self) -> None:
        """Collect the runs from before this call: only those may be started again.

        Otherwise a run of this call could be started twice: its answer was lost, and it
        had failed by the time that it was sent again.
        """
        launcher = self.settings.launcher
        found = await list_runs(self.session, launcher.ready.id)
        self.before |= {canonical_id(entry.job_id) for entry in found}
        journal, endpoint = launcher.journal, launcher.endpoint
        if journal is not None:
            self.before |= set(journal.memory(endpoint, launcher.ready.id).jobs)

    # -- Starting ---------------------------------------------------------------------

    async def _start(self) -> None:
        """Start batches, one at a time, until as many as may are under way."""
        while not self.stopped and not self.is_all:
            if self.adrift >= self.settings.concurrency:
                self._stop(f"runs that may go on and are not followed: {self.adrift}")
            if len(self.flights) + self.adrift >= self.settings.concurrency:
                return
            self.session.check()  # a caller that has left gives no more rows
            try:
                found = await self.session.call_in_caller(self.input.next)
            except FlowError as error:  # the file was changed meanwhile
                self._stop(str(error), error)
                return
            if found is None:
                self.is_all = True
                return
            await self._start_one(*found)
            await self._hand_out()

    async def _start_one(self, part: RowRange, rows: list[Any]) -> None:
        self.session.begin()
        try:
            payload = self.settings.launcher.payload(rows, part.first)
            await self._require_budget()
            run = await self._start_run(part, payload)
        except IntentFailedError as error:
            # It failed before; that says nothing of the next.
            why = _NOT_SEEN_BEFORE if self.settings.retry_failed else None
            self._note(part, error.run_id, error.status, why)
            return
        except FlowError as error:
            self._note_refusal(part, error)
            return
        self._follow(part, run, payload)

    async def _require_budget(self) -> None:
        """Refuse an input that exceeds the budget, as coded or as deployed."""
        launcher, count = self.settings.launcher, self.input.count()
        budget, ready = launcher.budget, launcher.ready
        size = self.settings.size
        budget.require(ready.name, ready.definition, count, size=size)
        if budget.depends_on_specs:
            # A deploy leaves fields that code does not set, and they may cost more.
            live = await get_workflow(self.session, ready.id)
            if live is not None:
                budget.require(ready.name, live, count, size=size)

    async def _start_run(
        self, part: RowRange, payload: Mapping[str, Any]
    ) -> StartedRun:
        """Find or start the run of a batch, or start it again."""
        launcher, intent = self.settings.launcher, self.settings.intent
        batch = BatchPlace(part.index, self.settings.size)
        retry: str | None = None
        while True:
            try:
                return await launcher.start(
                    self.session,
                    payload,
                    intent=intent,
                    retry=retry,
                    batch=batch,
                    budget=Budget(),  # the budget of all batches was checked before
                )
            except IntentFailedError as error:
                is_old = canonical_id(error.run_id) in self.before
                if (
                    not self.settings.retry_failed
                    or not is_old
                    or error.run_id == retry
                ):
                    raise
                retry = error.run_id

    def _follow(
        self, part: RowRange, run: StartedRun, payload: Mapping[str, Any]
    ) -> None:
        tracked, now = self.settings.launcher.track(run, payload), self.session.now()
        look = now if run.is_attached else now + self.settings.every
        self.flights.append(_Flight(part, tracked, now, look, Troubles(run.id)))
        _log.info(
            "batch %s: run %s of %s rows %s",
            part.index,
            run.id,
            part.count,
            "was there" if run.is_attached else "started",
        )

    def _note_refusal(self, part: RowRange, error: FlowError) -> None:
        """Record a batch that was not started, or may not have been."""
        is_nothing = _is_nothing(error)
        if is_nothing and self._is_untouched:
            raise error  # there are no other batches to report
        if isinstance(error, OutcomeUnknownError):
            known = self._recorded_start(part)
            if known is not None:
                self._note_forgotten(part, known, error)
                return
        status = "was not started" if is_nothing else "may have been started"
        if is_nothing and isinstance(error, ApiError) and error.method == "POST":
            status = "was refused by the service"
        self._note(part, "", status, str(error), is_bought=not is_nothing)
        is_credit = isinstance(error, PaymentError)
        self._stop(f"credits: {error}" if is_credit else str(error), error)

    @property
    def _is_untouched(self) -> bool:
        """Return True if no run was started or found yet."""
        return not (self.flights or self.finished or self.failed or self.emitted)

    def _recorded_start(self, part: RowRange) -> RecordedStart | None:
        """Return the latest start of a batch that has a run in the journal."""
        launcher = self.settings.launcher
        journal, ready = launcher.journal, launcher.ready
        if journal is None:
            return None
        memory = journal.memory(launcher.endpoint, ready.id)
        starts = [
            start
            for start in memory.of_intent(ready.env, self.settings.intent)
            if start.intended.index == part.index and start.job_id
        ]
        return starts[-1] if starts else None

    def _note_forgotten(
        self, part: RowRange, known: RecordedStart, error: FlowError
    ) -> None:
        """Record a batch that has a run which the service no longer knows."""
        job_id = str(known.job_id)
        path = None if self.files is None else self.files.find(part, job_id)
        if path is None:
            status = known.outcome or "may have been started"
            self._note(part, job_id, status, str(error))
            return
        launcher = self.settings.launcher
        run = StartedRun(job_id, launcher.ready.id, is_attached=True)
        tracked = launcher.track(run, {})
        tracked.status, tracked.is_new = COMPLETED, False
        self.finished[part.index] = FinishedBatch(part, tracked, path)

    # -- Watching ---------------------------------------------------------------------

    async def _look(self) -> None:
        """Wait until the next poll is due, and poll."""
        flight = min(self.flights, key=lambda each: each.next_look)
        now = self.session.now()
        if flight.next_look > now:
            await self.session.sleep(flight.next_look - now, is_apart=True)
        self.session.begin(LOOK)
        try:
            seen = await live_status(self.session, flight.tracked.id)
        except FlowError as error:
            now = self.session.now()
            is_new = flight.tracked.is_new and now - flight.since < MINUTE
            is_missing = isinstance(error, NotFoundError)
            if not (is_new and is_missing) and not may_pass(error):
                self._lose(flight, str(error))
                if not is_missing:  # such as a key that was revoked
                    self._stop(str(error), error)
                return
            flight.troubles.note(error)
        else:
            flight.tracked.record_look(seen)
            if flight.tracked.is_ended:
                reason = await find_reason(self.session, flight.tracked, seen)
                self.flights.remove(flight)
                await self._finish(flight, reason)
                return
        now = self.session.now()
        flight.next_look = now + self.settings.every
        if now - flight.since >= self.settings.timeout:
            self._lose(flight, f"no end after {self.settings.timeout:g} s; it goes on")

    def _lose(self, flight: _Flight, why: str) -> None:
        """Stop watching a batch; its run may go on, so it still counts as under way."""
        self.flights.remove(flight)
        self.adrift += 1
        status = flight.tracked.status or "is under way"
        self._note(flight.part, flight.tracked.id, status, why)

    async def _finish(self, flight: _Flight, reason: str | None) -> None:
        status = flight.tracked.status
        if status == COMPLETED:
            self.in_a_row = 0
            await self._complete(flight)
            return
        part = flight.part
        self._note(part, flight.tracked.id, status, reason)
        self.in_a_row += 1
        self.broken.add(part.index)
        is_adjacent = not self.broken.isdisjoint((part.index - 1, part.index + 1))
        if reason and _CREDIT.search(reason):
            self._stop(f"credits: {reason}")
        elif self.in_a_row >= FAILURES or is_adjacent:
            self._stop(f"{FAILURES} batches failed in a row")

    async def _complete(self, flight: _Flight) -> None:
        """Prove that its rows are ours if that is in doubt, and save them."""
        part, tracked, path = flight.part, flight.tracked, None
        try:
            if tracked.is_presumed:
                self.session.begin()
                await list_files(self.session, tracked)  # proves it
            if self.files is not None:
                path = await self.files.save(self.session, part, tracked)
        except OutcomeUnknownError as error:
            self._note(part, tracked.id, "may have been started", str(error))
        except FlowError as error:
            # It was paid for, and the next call can read it.
            why = f"its rows could not be had: {error}"
            self._note(part, tracked.id, COMPLETED, why, is_bought=False)
            if isinstance(error, SaveError | LinkRefusedError):  # so would the next
                self._stop(str(error), error)
        else:
            self.finished[part.index] = FinishedBatch(part, tracked, path)

    # -- Reporting --------------------------------------------------------------------

    def _note(
        self,
        part: RowRange,
        run_id: str,
        status: str,
        reason: str | None = None,
        *,
        is_bought: bool = True,
    ) -> None:
        definition = self.settings.launcher.ready.definition
        price = cost(definition, part.count, of_payload=True)
        dollars = price.dollars if is_bought else None
        why = None if reason is None else _join_lines(reason)
        batch = FailedBatch(part, run_id, status, why, dollars, price.is_whole)
        self.failed[part.index] = batch
        _log.warning("%s", batch)

    def _stop(self, why: str, error: FlowError | None = None) -> None:
        self.stopped = self.stopped or _join_lines(why)
        self.error = self.error or error

    async def _hand_out(self) -> None:
        """Emit completed batches as far as the order of the input allows."""
        while self.emitted in self.finished or self.emitted in self.failed:
            done = self.finished.pop(self.emitted, None)
            self.emitted += 1
            if done is not None:
                await self.session.emit(done)


_NOT_SEEN_BEFORE: Final = (
    "it is not started again, since nothing shows that it had failed before this call: "
    "the journal does not know it, and it was not listed when the call began"
)


def _join_lines(text: str) -> str:
    """Put a text on one line."""
    return " ".join(text.split())


def _is_nothing(error: FlowError) -> bool:
    """Return True if an error proves that this call did not start a batch."""
    if isinstance(error, RunError | ArgumentError):
        return True
    if not isinstance(error, ApiError | TransportError | AnswerError):
        return is_refusal(error)
    if isinstance(error, ConflictError) or error.path.endswith("/live_status"):
        return False  # something has its key, or there is a run to look at
    return error.method == "GET" or is_refusal(error)
