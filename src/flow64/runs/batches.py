"""Run an input of any length in batches, as a lazy iterator.

Each batch is a start with an intent of its own. So the same call on the same input goes
on where the last one stopped, and buys no finished batch again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from attrs import define, field, frozen

from ..api.calls import COMPLETED
from ..api.session import Session
from ..errors import (
    ArgumentError,
    BatchesError,
    FlowError,
    IntentFailedError,
    RowsError,
    shortened,
)
from . import payload
from .start import Launch, start
from .state import RunState
from .watch import DAY, Patience, poll, require_times

FAILURES: Final = 2
"""Batches in a row that may fail before no further one is started."""

MOST_PROBLEMS: Final = 1000
"""Problems with rows after which the rest of the input is not checked."""


@frozen
class Batch:
    """A batch with a run that has completed.

    Attributes:
        index: Index of the batch, from 0.
        first: Number of its first row in the input, from 1.
        count: Number of its rows in the input.
        run: Its run.
    """

    index: int
    first: int
    count: int
    run: RunState = field(repr=False)


def run_batches(session: Session, launch: Launch, rows: Any, **more: Any) -> Any:
    """Run rows in batches, and yield each completed batch; see `steps`."""
    for step in steps(session, launch, rows, **more):
        if isinstance(step, Batch):
            yield step
        else:
            session.sleep(step)


def steps(
    session: Session,
    launch: Launch,
    rows: Any,
    *,
    size: int = 1000,
    concurrency: int = 4,
    intent: str | None = None,
    retry_failed: bool = False,
    every: float = 5.0,
    timeout: float = DAY,
) -> Iterator[Batch | float]:
    """Run rows in batches. Yield each completed batch, and the seconds to wait.

    Batches come in the order of the input. Only the rows of one batch are in memory,
    and nothing happens between two of them: to stop, leave the iterator.

    Args:
        session: Sends the requests.
        launch: What to run, and how.
        rows: A list, any other iterable, or the path of a CSV, JSON or NDJSON file. It
            must come in the same order again.
        size: Rows of each batch but the last.
        concurrency: The most runs under way at a time.
        intent: Name of the whole input. Without one, the same definition and rows are
            the same intent.
        retry_failed: Start batches again that failed before this call. Their rows are
            paid for again.
        every: Seconds between polls of a run.
        timeout: Seconds after which to stop waiting for a run.

    Raises:
        RowsError: Rows cannot be sent. Those of a list or a file are all checked before
            the first batch is started.
        BudgetError: The whole input may exceed a limit.
        BatchesError: Batches have failed, or were not started after that. It is raised
            after all other batches.
    """
    for name, count in (("size", size), ("concurrency", concurrency)):
        if type(count) is not int or count < 1:
            problem = f"{name} is {shortened(count)}, no count from 1 up"
            raise ArgumentError("run_batches", problem)
    require_times(every, timeout)
    source = payload.as_iterable(rows)
    total = None if iter(source) is source else _check_all(launch, source, size)
    job = _Job(session, launch, total, concurrency, intent, retry_failed)
    return job.run(_split(source, size), every, timeout)


def _split(rows: Iterable[Any], size: int) -> Iterator[tuple[int, list[Any]]]:
    """Yield the number of the first row of each batch, and its rows."""
    source, first = iter(rows), 1
    while chunk := list(islice(source, size)):
        yield first, chunk
        first += len(chunk)


def _check_all(launch: Launch, rows: Iterable[Any], size: int) -> int:
    """Check all rows before anything is spent, and count them."""
    problems: dict[str, None] = {}
    count = 0
    for first, chunk in _split(rows, size):
        count += len(chunk)
        try:
            launch.build_payload(chunk, first)
        except RowsError as error:
            problems |= dict.fromkeys(error.problems)
        if len(problems) > MOST_PROBLEMS:
            break
    if problems:
        raise RowsError(list(problems))
    launch.budget.require(launch.ready.name, launch.definition, count)
    return count


@define
class _Flight:
    """A batch under way."""

    batch: Batch
    ends: float
    patience: Patience


@define
class _Job:
    """Runs all batches: which are under way, and whether to start more."""

    session: Session = field(repr=False)
    launch: Launch
    total: int | None
    concurrency: int
    intent: str | None
    retry_failed: bool
    flights: list[_Flight] = field(factory=list[_Flight], init=False)
    completed: dict[int, Batch] = field(factory=dict[int, Batch], init=False)
    failed: dict[int, str] = field(factory=dict[int, str], init=False)
    in_a_row: int = field(default=0, init=False)
    stop: FlowError | str | None = field(default=None, init=False)

    def run(
        self,
        chunks: Iterator[tuple[int, list[Any]]],
        every: float,
        timeout: float,
    ) -> Iterator[Batch | float]:
        """Start, watch and yield batches until none is under way."""
        started = emitted = 0
        is_all = False
        while True:
            while len(self.flights) < self.concurrency and not (is_all or self.stop):
                first, chunk = self._next(chunks)
                is_all = not chunk
                if chunk:
                    self._start(started, first, chunk, timeout)
                    started += 1
            is_news = self._poll_all()
            while emitted in self.completed or emitted in self.failed:
                emitted += 1
                if emitted - 1 in self.completed:
                    yield self.completed.pop(emitted - 1)
            if not self.flights and (is_all or self.stop):
                break
            if not is_news:
                yield every
        if self.failed or self.stop:
            lines = [self.failed[index] for index in sorted(self.failed)]
            cause = self.stop if isinstance(self.stop, FlowError) else None
            name = self.intent or ""
            raise BatchesError(name, lines, str(self.stop or "")) from cause

    def _next(self, chunks: Iterator[tuple[int, list[Any]]]) -> tuple[int, list[Any]]:
        try:
            return next(chunks, (0, []))
        except FlowError as error:  # the file was changed meanwhile
            self.stop = error
            return 0, []

    def _start(self, index: int, first: int, rows: list[Any], timeout: float) -> None:
        retry: str | None = None
        try:
            if index == 0 or self.total is None:
                count = self.total or first + len(rows) - 1
                self.launch.check_deployment(self.session, count)
            while True:
                try:
                    run = start(
                        self.session,
                        self.launch,
                        rows,
                        intent=self.intent,
                        retry=retry,
                        index=index,
                        first=first,
                    )
                    break
                except IntentFailedError as error:
                    is_again = error.run_id == retry or not error.is_earlier
                    if is_again or not self.retry_failed:
                        raise
                    retry = error.run_id
        except IntentFailedError as error:
            # It failed before; that says nothing of the next.
            self._note(index, first, len(rows), error.run_id, error.status)
        except FlowError as error:
            if index == 0:
                raise  # there are no other batches to report
            self.stop = error
            self._note(index, first, len(rows), "", type(error).__name__)
        else:
            batch = Batch(index, first, len(rows), run)
            ends = self.session.now() + timeout
            patience = Patience(run.id, is_new=run.is_new)
            self.flights.append(_Flight(batch, ends, patience))

    def _poll_all(self) -> bool:
        """Poll each run once; return True if one has ended or is given up."""
        before = len(self.flights)
        for flight in [*self.flights]:
            run = flight.batch.run
            try:
                if not run.is_ended:
                    poll(self.session, run)
                flight.patience.renew()
            except FlowError as error:
                if not flight.patience.lasts(error, self.session.now()):
                    self.stop = error
                    self._end(flight, "is not known")
                    continue
            if run.is_ended:
                self._end(flight)
            elif self.session.now() >= flight.ends:
                self.stop = f"run {run.id} has not ended in time; it goes on"
                self._end(flight, "goes on")
        return len(self.flights) < before

    def _end(self, flight: _Flight, status: str = "") -> None:
        self.flights.remove(flight)
        batch = flight.batch
        if batch.run.status == COMPLETED:
            self.completed[batch.index] = batch
            self.in_a_row = 0
            return
        why = f": {batch.run.reason}" if batch.run.reason else ""
        word = f"{status or batch.run.status}{why}"
        self._note(batch.index, batch.first, batch.count, batch.run.id, word)
        self.in_a_row += 1
        if self.in_a_row >= FAILURES:
            self.stop = self.stop or f"{FAILURES} batches failed in a row"

    def _note(self, index: int, first: int, count: int, run_id: str, how: str) -> None:
        run = f", run {run_id}" if run_id else ""
        rows = f"rows {first:,} to {first + count - 1:,}"
        self.failed[index] = f"batch {index} ({rows}{run}) {how}"
