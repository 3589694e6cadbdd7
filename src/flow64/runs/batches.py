"""Run rows in batches, as a lazy iterator.

Each batch is a start with an intent of its own. So the same call on the same input goes
on where the last one stopped, and buys no finished batch again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

from attrs import define, field, frozen

from .. import errors
from ..api import calls, threads
from ..api.network import DAY
from ..api.session import Session
from . import payload, watch
from .launch import Launch
from .starter import Starter, make_starter
from .state import RunState

R = TypeVar("R")


@frozen
class Batch(Generic[R]):
    """A batch with a run that has ended.

    Attributes:
        index: Index of the batch, from 0.
        first: Number of its first row in the input, from 1.
        count: Number of its rows in the input.
        run: Its run, which may have failed: then reading its rows says so.
    """

    index: int
    first: int
    count: int
    run: R = field(repr=False)


def run_batches(
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
) -> Iterator[Batch[RunState]]:
    """Run rows in batches, and yield each batch that has ended, in the order of rows.

    Nothing happens between two batches: to stop, leave the iterator. A slow batch does
    not hold up the start of others; one that failed does, until it was yielded.

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
        FlowError: A batch was not started, or not seen to its end. It is raised after
            the batches before it.
    """
    if min(size, concurrency) < 1:
        raise errors.BuildError("size and concurrency count from 1 up")
    source = payload.as_iterable(rows)
    total = 0 if iter(source) is source else _check_all(launch, source, size)
    make = partial(make_starter, session, launch, intent=intent, total=total)

    def run() -> Iterator[Batch[RunState]]:
        flights, failure = deque[_Flight](), None
        for index, chunk in enumerate(_split(source, size)):
            first = index * size + 1
            try:
                own = partial(make, chunk, index=index, first=first)
                state = _start(own, retry_failed)
            except errors.FlowError as error:
                failure = error
                break
            batch = Batch(index, first, len(chunk), state)
            polls = watch.steps(session, state, every=every, timeout=timeout)
            flights.append(_Flight(batch, polls))
            yield from _land(flights, concurrency)
        yield from _land(flights, 1)
        if failure is not None:
            raise failure

    return run()


@define
class _Flight:
    """A batch under way."""

    batch: Batch[RunState]
    polls: Iterator[watch.Event | float]
    error: errors.FlowError | None = None
    due: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.error is not None or self.batch.run.is_ended

    @property
    def has_failed(self) -> bool:
        return self.is_over and self.batch.run.status != calls.COMPLETED

    def poll(self) -> None:
        """Poll the run once when it is due."""
        threads.sleep(max(self.due - threads.now(), 0))
        try:
            wait = next(step for step in self.polls if isinstance(step, float))
            self.due = threads.now() + wait
        except StopIteration:
            return  # it has ended
        except errors.FlowError as error:
            self.error = error


def _land(flights: deque[_Flight], limit: int) -> Iterator[Batch[RunState]]:
    """Wait until fewer runs than a limit are under way, and yield the batches."""
    while True:
        while flights and flights[0].is_over:
            flight = flights.popleft()
            if flight.error is not None:
                raise flight.error
            yield flight.batch
        waiting = [flight for flight in flights if not flight.is_over]
        if len(waiting) < limit and not any(flight.has_failed for flight in flights):
            return
        min(waiting, key=lambda flight: flight.due).poll()


def _split(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(rows)
    return iter(lambda: [*islice(source, size)], [])


def _check_all(launch: Launch, rows: Iterable[Any], size: int) -> int:
    """Check all rows before anything is spent, and count them."""
    count = 0
    for chunk in _split(rows, size):
        launch.build_payload(chunk, count + 1)
        count += len(chunk)
    launch.budget.require(launch.ready.name, launch.definition, count)
    return count


def _start(make: Callable[..., Starter], retry_failed: bool) -> RunState:
    """Start a batch, or return its run, which may have failed before this call."""
    retry: str | None = None
    while True:
        starter = make(retry=retry)
        try:
            return starter.run()
        except errors.RunFailedError as error:
            if not retry_failed or not error.is_earlier:
                return RunState(error.run_id, starter.ledger, status=error.status)
            retry = error.run_id
