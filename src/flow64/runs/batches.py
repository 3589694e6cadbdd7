"""Run an input of any length in batches, as a lazy iterator.

Each batch is a start with an intent of its own. So the same call on the same input goes
on where the last one stopped, and buys no finished batch again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from attrs import define, field, frozen

from .. import errors
from ..api.calls import COMPLETED
from ..api.session import Session
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


def run_batches(
    session: Session, launch: Launch, rows: Any, **options: Any
) -> Iterator[Batch]:
    """Run rows in batches, and yield each completed batch; see `steps`."""
    for step in steps(session, launch, rows, **options):
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
            problem = f"{name} is {errors.shortened(count)}, no count from 1 up"
            raise errors.ArgumentError("run_batches", problem)
    require_times(every, timeout)
    source = payload.as_iterable(rows)
    total = None if iter(source) is source else _check_all(launch, source, size)
    job = _Job(session, launch, total, intent, retry_failed, timeout)
    return job.run(_split(source, size), concurrency, every)


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
        except errors.RowsError as error:
            problems |= dict.fromkeys(error.problems)
        if len(problems) > MOST_PROBLEMS:
            break
    if problems:
        raise errors.RowsError(list(problems))
    launch.budget.require(launch.ready.name, launch.definition, count)
    return count


@define
class _Job:
    """Runs all batches: which are under way, and whether to start more."""

    session: Session = field(repr=False)
    launch: Launch
    total: int | None
    intent: str | None
    retry_failed: bool
    timeout: float
    flights: list[tuple[Batch, Patience, float]] = field(factory=list, init=False)
    completed: dict[int, Batch] = field(factory=dict[int, Batch], init=False)
    failed: dict[int, str] = field(factory=dict[int, str], init=False)
    in_a_row: int = field(default=0, init=False)
    stop: errors.FlowError | str = field(default="", init=False)

    def run(
        self, chunks: Iterator[tuple[int, list[Any]]], concurrency: int, every: float
    ) -> Iterator[Batch | float]:
        """Start, watch and yield batches until none is under way."""
        started = emitted = 0
        is_all = False
        while self.flights or not (is_all or self.stop):
            while len(self.flights) < concurrency and not (is_all or self.stop):
                first, chunk = next(chunks, (0, []))
                is_all = not chunk
                if chunk:
                    self._start(started, first, chunk)
                    started += 1
            count = len(self.flights)
            for flight in [*self.flights]:
                self._poll(*flight)
            while emitted in self.completed or emitted in self.failed:
                emitted += 1
                if emitted - 1 in self.completed:
                    yield self.completed.pop(emitted - 1)
            if self.flights and len(self.flights) == count:
                yield every
        if self.failed or self.stop:
            lines = [self.failed[index] for index in sorted(self.failed)]
            cause = self.stop if isinstance(self.stop, errors.FlowError) else None
            name, reason = self.intent or "", str(self.stop)
            raise errors.BatchesError(name, lines, reason) from cause

    def _start(self, index: int, first: int, rows: list[Any]) -> None:
        retry: str | None = None
        while True:
            try:
                if index == 0 or self.total is None:
                    count = self.total or first + len(rows) - 1
                    self.launch.check_deployment(self.session, count)
                run = start(
                    self.session,
                    self.launch,
                    rows,
                    intent=self.intent,
                    retry=retry,
                    index=index,
                    first=first,
                )
            except errors.IntentFailedError as error:
                if not self.retry_failed or not error.is_earlier:
                    # It failed before; that says nothing of the next.
                    how = f", run {error.run_id} {error.status}"
                    self.failed[index] = f"batch {index} (from row {first:,}){how}"
                    return
                retry = error.run_id
            except errors.FlowError as error:
                if index == 0:
                    raise  # there are no other batches to report
                self.stop = error
                self.failed[index] = f"batch {index} (from row {first:,}) not started"
                return
            else:
                batch = Batch(index, first, len(rows), run)
                ends = self.session.now() + self.timeout
                patience = Patience(run.id, is_new=run.is_new)
                self.flights.append((batch, patience, ends))
                return

    def _poll(self, batch: Batch, patience: Patience, ends: float) -> None:
        """Poll a run once, and note if it has ended or is given up."""
        run, now, lost = batch.run, self.session.now(), ""
        try:
            if not run.is_ended:
                poll(self.session, run)
            patience.renew()
        except errors.FlowError as error:
            lost = "" if patience.lasts(error, now) else str(error)
        if not run.is_ended and now >= ends:
            lost = f"run {run.id} has not ended in time; it goes on"
        if not run.is_ended and not lost:
            return
        self.stop = self.stop or lost
        self.flights.remove((batch, patience, ends))
        if run.status == COMPLETED:
            self.completed[batch.index], self.in_a_row = batch, 0
            return
        why = f": {run.reason}" if run.reason else ""
        line = f"batch {batch.index} (from row {batch.first:,}), run {run.id} "
        self.failed[batch.index] = f"{line}{run.status}{why}"
        self.in_a_row += run.is_ended
        if self.in_a_row >= FAILURES:
            self.stop = self.stop or f"{FAILURES} batches failed in a row"
