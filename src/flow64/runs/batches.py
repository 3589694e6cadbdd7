"""Run an input of any length in batches, as a lazy iterator.

Each batch is a start with an intent of its own. So the same call on the same input goes
on where the last one stopped, and buys no finished batch again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from attrs import field, frozen

from .. import errors
from ..api.session import Session
from . import payload, watch
from .start import Launch, start
from .state import RunState

MOST_PROBLEMS: Final = 1000
"""Problems with rows after which the rest of the input is not checked."""


@frozen
class Batch:
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
    run: RunState = field(repr=False)


def run_batches(
    session: Session, launch: Launch, rows: Any, **options: Any
) -> Iterator[Batch]:
    """Run rows in batches, and yield each batch that has ended; see `steps`."""

    def run(each: Iterator[Batch | float]) -> Iterator[Batch]:
        for step in each:
            if isinstance(step, Batch):
                yield step
            else:
                session.sleep(step)

    return run(steps(session, launch, rows, **options))


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
    timeout: float = watch.DAY,
) -> Iterator[Batch | float]:
    """Run rows in batches. Yield each batch that has ended, and the seconds to wait.

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
        FlowError: A batch was not started. It is raised after the batches before it.
    """
    if min(size, concurrency) < 1:
        problem = "size and concurrency count from 1 up"
        raise errors.BuildError(problem)
    source = payload.as_iterable(rows)
    total = None if iter(source) is source else _check_all(launch, source, size)

    def run() -> Iterator[Batch | float]:
        flights: deque[Batch] = deque()
        lost: errors.FlowError | None = None
        for index, (first, chunk) in enumerate(_split(source, size)):
            try:
                if index == 0 or total is None:
                    count = total or first + len(chunk) - 1
                    launch.check_deployment(session, count)
                facts: Any = {"intent": intent, "index": index, "first": first}
                state = _start(session, launch, chunk, facts, retry_failed)
            except errors.FlowError as error:
                lost = error
                break
            flights.append(Batch(index, first, len(chunk), state))
            if len(flights) == concurrency:
                yield from _finish(session, flights.popleft(), every, timeout)
        for batch in flights:
            yield from _finish(session, batch, every, timeout)
        if lost is not None:
            raise lost

    return run()


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
        raise payload.rows_error(list(problems))
    launch.budget.require(launch.ready.name, launch.definition, count)
    return count


def _start(
    session: Session, launch: Launch, rows: Any, facts: Any, retry_failed: bool
) -> RunState:
    """Start a batch, or return its run, which may have failed before this call."""
    retry: str | None = None
    while True:
        try:
            return start(session, launch, rows, retry=retry, **facts)
        except errors.RunFailedError as error:
            if not retry_failed or not error.is_earlier:
                ledger = launch.journal.of(session.place, launch.ready.id)
                return RunState(error.run_id, ledger, status=error.status)
            retry = error.run_id


def _finish(
    session: Session, batch: Batch, every: float, timeout: float
) -> Iterator[Batch | float]:
    """Wait until a batch has ended, and yield it."""
    if not batch.run.is_ended:
        for step in watch.steps(session, batch.run, every=every, timeout=timeout):
            if isinstance(step, float):
                yield step
    yield batch
