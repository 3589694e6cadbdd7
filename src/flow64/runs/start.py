"""Start runs of a workflow: one for its intent, or many as a lazy iterator of batches.

Each batch is a start with an intent of its own. So the same call on the same input goes
on where the last one stopped, and buys no finished batch again.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from threading import Lock
from typing import Any, Final, Generic, TypeVar
from unicodedata import normalize

from attrs import define, field, frozen

from .. import errors
from ..api import calls, threads
from ..api.network import DAY
from ..api.session import Session
from ..definition import Definition, is_encodable
from ..deploy.judge import judge
from ..deploy.target import Ready
from ..text import shortened
from . import journal as journals
from . import payload, watch
from .starter import Starter
from .state import RunState, Stages


@frozen
class Launch:
    """The options of runs of one workflow, for one run and for batches.

    Attributes:
        ready: The workflow, compiled for its environment.
        journal: Remembers starts.
        budget: Limits of all runs together.
        specs_override: Settings of the source block in these runs that differ from
            the code.
        save_json: Save results as JSON too.
        result_formats: Further formats.
        block: The block that rows come from, by key path or number; None for the last
            one.
        definition: The workflow with these settings in its source block.
    """

    ready: Ready
    journal: journals.Journal
    budget: payload.Budget = field(factory=payload.Budget)
    specs_override: Mapping[str, Any] | None = field(default=None, repr=False)
    save_json: bool = True
    result_formats: Sequence[str] = ()
    block: str | int | None = None
    definition: Definition = field(init=False)

    @definition.default
    def _override(self) -> Definition:
        return payload.override_source(self.ready.definition, self.specs_override)

    def __attrs_post_init__(self) -> None:
        if self.block is not None:
            self.stages.number("", self.block)  # a slip is found before it is paid for

    @property
    def stages(self) -> Stages:
        """The blocks of its runs, with the one that rows come from."""
        return Stages.of(self.ready.definition, self.block)

    def build_payload(self, rows: Any, first: int = 1) -> dict[str, Any]:
        """Return the body of a start.

        Args:
            rows: Rows as `payload.as_rows` takes them.
            first: Number of the first row, for errors.

        Raises:
            RowsError: Something cannot be sent. All problems are listed.
        """
        copies = payload.as_rows(rows, first)
        has_settings = self.specs_override is not None
        return payload.build_payload(self.definition, copies, has_settings, first)

    def check_deployment(self, session: Session, count: int) -> None:
        """Refuse a workflow that is not this code, or may exceed limits.

        Args:
            session: Sends the request.
            count: Rows of the start.

        Raises:
            RunError: The deployed workflow is not this code.
            BudgetError: It may exceed a limit.
        """
        ready = self.ready
        self.budget.require(ready.name, self.definition, count)
        live = calls.get_workflow(session, ready.id)
        reason = describe_staleness(ready, live) if live else "it is not deployed"
        if live is None or reason:
            raise errors.RunError(
                f"{ready.target.key} ({ready.id}) is not what this code says: {reason}",
                hint="deploy() first",
                option=f"deploy first: {ready.command}",
            )
        if self.specs_override is not None:
            live = payload.override_live(live, payload.source_specs(self.definition))
        # A deploy leaves fields that code does not set, and they may cost more.
        self.budget.require(ready.name, live, count)

    def name_intent(self, intent: str | None) -> str:
        """Return the name of an intent: one, as in keys, however it is typed."""
        return (
            normalize("NFC", intent) if intent else f"flow64:{self.ready.stamp.bound}"
        )


def describe_staleness(ready: Ready, live: Definition) -> str | None:
    """Return why a live workflow is not what its code says; None if it is."""
    judgement = judge(ready.target, live, ready.values)
    if judgement.secrets:
        return (
            f"the secret {', '.join(judgement.secrets)} differs from the deployed one"
        )
    return (
        None if judgement.is_equal else _STALE.get(judgement.state)
    )  # whoever deployed it


_STALE: Final[Mapping[str, str]] = {
    "update": "the code has changed since it was deployed",
    "drifted": "it was edited on the service since it was deployed",
    "conflict": "it was edited on the service, and the code has changed as well",
    "foreign": "no code of yours deployed it, and it is not what the code says",
}


def start(
    session: Session,
    launch: Launch,
    rows: Any = (),
    *,
    intent: str | None = None,
    new: bool = False,
    retry: str | None = None,
    attach: str | None = None,
    index: int | None = None,
    first: int = 1,
    compared: frozenset[str] | None = None,
) -> RunState:
    """Start a run once for its intent, or return the run that it has.

    Args:
        session: Sends the requests.
        launch: What to run, and how.
        rows: Rows as `payload.as_rows` takes them.
        intent: Name of a run that must happen once. Without one, the same definition
            and rows are the same intent.
        new: Start a run of its own, in any case.
        retry: A run of the intent that ended without success, to be started again.
        attach: The run of the intent, if only you can know it.
        index: Index of the batch that these rows are.
        first: Number of the first row, for errors.
        compared: The runs that the rows were compared with; see `select_rows`.

    Raises:
        RowsError: Rows cannot be sent.
        BudgetError: It may exceed a limit.
        IntentError: The journal knows the intent with other rows, or `retry` or
            `attach` is not such a run.
        RunError: The deployed workflow is not this code; or the journal cannot be
            written, or is damaged.
        RunFailedError: The run of the intent ended without success.
        ApiError: The service refused it.
        OutcomeUnknownError: No answer came, and the list of runs does not show whether
            it was started.
    """
    for text in (intent, retry, attach):
        if text is not None and (not is_encodable(text) or not text.strip()):
            problem = f"{shortened(text)} names no run"
            raise errors.BuildError(problem)
    if sum((new, retry is not None, attach is not None)) > 1 or (new and intent):
        problem = "new, retry and attach exclude each other, and new an intent"
        raise errors.BuildError(problem)
    body = launch.build_payload(rows, first)
    with _TURNS.setdefault((session.place, launch.ready.id), Lock()):
        launch.check_deployment(session, len(body.get("webhook_payload") or ()))
        name = None if new else launch.name_intent(intent)
        facts = body, name, intent is None, retry, index, compared
        starter = Starter.of(session, launch, *facts)
        return starter.attach_to(attach) if attach else starter.start()


def find_run(
    session: Session,
    launch: Launch,
    rows: Any = (),
    *,
    intent: str | None = None,
    new: bool = False,
    retry: str | None = None,
) -> RunState | None:
    """Return the run to which `start` would attach, by the journal; None if it may buy.

    No request is sent. The status is that of the journal; empty if it is not known
    there.

    Args:
        session: The endpoint.
        launch: What to run, and how.
        rows: As for `start`, like the next three.
        intent: Name of the run.
        new: Start a run in any case.
        retry: A run to be started again.
    """
    if new:
        return None
    facts = launch.build_payload(rows), launch.name_intent(intent), intent is None
    return Starter.of(session, launch, *facts, retry).recall()


_TURNS: Final[dict[tuple[str, str], Lock]] = {}
"""The starts of one workflow in this process follow each other. Otherwise the new run
of one could be taken for that of another."""

os.register_at_fork(after_in_child=_TURNS.clear)


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
        problem = "size and concurrency count from 1 up"
        raise errors.BuildError(problem)
    source = payload.as_iterable(rows)
    total = None if iter(source) is source else _check_all(launch, source, size)

    def run() -> Iterator[Batch[RunState]]:
        flights: deque[_Flight] = deque()
        for index, (first, chunk) in enumerate(_split(source, size)):
            try:
                if index == 0 or total is None:
                    count = total or first + len(chunk) - 1
                    launch.check_deployment(session, count)
                facts: Any = {"intent": intent, "index": index, "first": first}
                state = _start(session, launch, chunk, facts, retry_failed)
            except errors.FlowError as error:
                flights.append(_Flight(error=error))
                break
            batch = Batch(index, first, len(chunk), state)
            polls = watch.steps(session, state, every=every, timeout=timeout)
            flights.append(_Flight(batch, polls))
            yield from _land(flights, concurrency)
        yield from _land(flights, 1)

    return run()


@define
class _Flight:
    """A batch under way, or the error that ended it."""

    batch: Batch[RunState] | None = None
    polls: Iterator[watch.Event | float] = field(factory=lambda: iter(()))
    error: errors.FlowError | None = None
    due: float = 0.0

    @property
    def is_over(self) -> bool:
        return self.batch is None or self.error is not None or self.batch.run.is_ended

    @property
    def has_failed(self) -> bool:
        is_completed = self.batch and self.batch.run.status == calls.COMPLETED
        return self.is_over and not is_completed

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
            if flight.batch is not None:
                yield flight.batch
        waiting = [flight for flight in flights if not flight.is_over]
        if len(waiting) < limit and not any(flight.has_failed for flight in flights):
            return
        min(waiting, key=lambda flight: flight.due).poll()


def _split(rows: Iterable[Any], size: int) -> Iterator[tuple[int, list[Any]]]:
    """Yield the number of the first row of each batch, and its rows."""
    source, first = iter(rows), 1
    while chunk := list(islice(source, size)):
        yield first, chunk
        first += len(chunk)


def _check_all(launch: Launch, rows: Iterable[Any], size: int) -> int:
    """Check all rows before anything is spent, and count them."""
    count = 0
    for first, chunk in _split(rows, size):
        launch.build_payload(chunk, first)
        count += len(chunk)
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
