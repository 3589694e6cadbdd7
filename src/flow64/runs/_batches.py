"""More rows than one run should hold: runs started one by one, watched all at once.

The service is the distributed engine; what is here feeds it. No more than the rows of
one batch are held at a time, whatever the length of the input.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from os import PathLike
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Final

from attrs import define, field, frozen

from ..analysis import cost
from ..api import (
    COMPLETED,
    Begin,
    Conversation,
    Emit,
    Leave,
    Now,
    Sleep,
    as_flag,
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
    RowsError,
    RunError,
    SaveError,
    TransportError,
    shortened,
)
from ..text import printable
from ._budget import Budget
from ._download import ALLOWANCE, Allowance, saving
from ._file_names import safe_name
from ._journal import Start
from ._launch import Launcher
from ._outputs import chosen, listed
from ._payload import iterable_of
from ._row_files import write_ndjson
from ._start import Batch, StartedRun, require_named
from ._tracked import Tracked
from ._watch import MINUTE, Troubles, reason_of

_log = logging.getLogger("flow64")

FAILURES: Final = 2
"""Batches that fail in a row, after which no more is started."""

LOOK: Final = 30.0
"""Seconds that a look at one run may take, while the others wait for theirs."""

MAX_WRONG: Final = 1000
"""Problems with rows after which no further ones are looked for."""

TRIES: Final = 5
"""How often a file is tried to be saved, which another process may be at."""

KINDS: Final = (".ndjson", ".json", ".csv")
"""Ends of the names of files that are saved; whatever else the service says is CSV."""

_CREDIT = re.compile(
    r"credit|balance|subscription|payment|billing|quota", re.IGNORECASE
)
"""Words of a failure that the next batch would share."""


@frozen
class Part:
    """A part of the input.

    Attributes:
        index: Its place among the batches, from 0.
        first: Number of its first row in the input, from 1.
        count: How many rows it has.
    """

    index: int
    first: int
    count: int


@frozen
class FinishedBatch:
    """A batch that has completed.

    Attributes:
        part: Which rows it has.
        run: Its run.
        facts: What a handle is told of it.
        path: Where its rows were saved; None where nobody asked for that.
    """

    part: Part
    run: StartedRun
    facts: Mapping[str, Any] = field(repr=False)
    path: Path | None = None


@frozen
class FailedBatch:
    """A batch that has not completed, or whose rows could not be had.

    Attributes:
        part: Which rows it has.
        run_id: Its run; empty where none is known.
        status: How it ended.
        reason: Why, as far as the service says.
        dollars: What its rows may cost once more, by documented prices and before
            filters; None where nothing was bought, or nothing is bought again.
        is_priced: Whether that is all: each block that may charge has a price.
    """

    part: Part
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
        """What it may cost a second time, in words."""
        if self.dollars is None:
            return ""
        if self.is_priced:
            return f"; its rows again: up to ${self.dollars:,.2f}"
        known = f"${self.dollars:,.2f} and " if self.dollars else ""
        return f"; its rows again: {known}what has no documented price"


@frozen
class Plan:
    """How an input is fed to the service.

    Attributes:
        launcher: How each run is started.
        intent: Name of all of it together.
        size: Rows of each batch but the last.
        concurrency: How many runs are under way at a time.
        retry_failed: Start batches again that failed when this intent was run before.
        folder: Where the final file of each batch is saved; None for nowhere.
        every: Seconds between looks at a run.
        timeout: Seconds after which a run is not waited for any more.
        allowance: What the download of each final file may do.
    """

    launcher: Launcher
    intent: str
    size: int
    concurrency: int
    retry_failed: bool
    folder: Path | None
    every: float
    timeout: float
    allowance: Allowance = ALLOWANCE

    def __attrs_post_init__(self) -> None:
        callee = "run_batches"
        intent: Any = self.intent
        if intent is None:
            problem = "intent is missing: it is what keeps a batch from being bought"
            raise ArgumentError(callee, f'{problem} twice; intent="2026-W20"')
        require_named(intent)
        for name in ("size", "concurrency"):
            given = getattr(self, name)
            if type(given) is not int or given < 1:
                problem = f"{name} is {shortened(given)}, no count from 1 up"
                raise ArgumentError(callee, problem)
        as_flag(callee, "retry_failed", self.retry_failed)


def batching(plan: Plan, rows: Any) -> Conversation[None]:
    """Run batches of rows; emits a `FinishedBatch` for each, in the order of the input.

    Raises:
        RowsError: Rows cannot be sent. Those of a list or a file are all judged before
            the first batch is started, those of another iterable batch by batch.
        SaveError: The folder cannot be written to; nothing was started.
        RunError: The first batch was refused before anything was started, as a
            `BudgetError` where all of it together may take more than was said.
        BatchesError: Batches have failed, or were not started after that.
    """
    if plan.folder is not None:
        _require_folder(plan.folder)
    return (yield from _Job(plan, _Input(plan, rows)).done())


def _require_folder(folder: Path) -> None:
    """Make a folder if need be, and see that files can be made in it.

    Raises:
        SaveError: They cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SaveError(str(folder), reason) from None


class _Input:
    """The rows, part by part."""

    def __init__(self, plan: Plan, rows: Any) -> None:
        self.plan: Final = plan
        self.index = 0
        self.first = 1
        self.total: int | None = None
        given = iterable_of(rows)
        if isinstance(rows, str | PathLike) or iter(given) is not given:
            self.total = self._judge_all(given)
            given = iterable_of(rows)
        self._parts: Final = _parts(given, plan.size)

    def _judge_all(self, given: Iterable[Any]) -> int:
        """Find what is wrong anywhere, while nothing has been spent; count the rows."""
        wrong: dict[str, None] = {}
        first = 1
        for rows in _parts(given, self.plan.size):
            try:
                self.plan.launcher.payload(rows, first)
            except RowsError as error:
                wrong |= dict.fromkeys(error.problems)
            first += len(rows)
            if len(wrong) > MAX_WRONG:
                break
        if wrong:
            raise RowsError(list(wrong))
        return first - 1

    def next(self) -> tuple[Part, list[Any]] | None:
        """The next part and its rows; None after the last."""
        rows = next(self._parts, None)
        if rows is None:
            return None
        part = Part(self.index, self.first, len(rows))
        self.index, self.first = part.index + 1, part.first + part.count
        return part, rows

    def count(self) -> int:
        """Rows of all batches, as far as they are known by now."""
        return self.first - 1 if self.total is None else self.total


def _parts(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    given = iter(rows)
    while part := list(islice(given, size)):
        yield part


@define
class _Flight:
    """A batch under way."""

    part: Part
    run: StartedRun
    tracked: Tracked
    facts: Mapping[str, Any] = field(repr=False)
    since: float
    next_look: float
    troubles: Troubles


@define
class _Job:
    """All batches: which are under way, and whether more may be started."""

    plan: Plan
    input: _Input
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

    def done(self) -> Conversation[None]:
        """Start, watch and hand out until nothing is under way any more."""
        if self.plan.retry_failed:
            yield from self._note_earlier_runs()
        while True:
            yield from self._start()
            yield from self._hand_out()
            if not self.flights:
                break
            yield from self._look()
        failed = [self.failed[index] for index in sorted(self.failed)]
        if failed or self.stopped:
            raise BatchesError(
                self.plan.intent,
                [str(batch) for batch in failed],
                self.stopped,
                failed,
            ) from self.error

    def _note_earlier_runs(self) -> Conversation[None]:
        """Which runs were there before, as those alone may be started again.

        Without that, a run of this very call could be: one whose answer was lost, and
        that had failed when it was sent again.
        """
        launcher = self.plan.launcher
        found = yield from list_runs(launcher.ready.id)
        self.before |= {canonical_id(entry.job_id) for entry in found}
        journal, endpoint = launcher.journal, launcher.endpoint
        if journal is not None:
            self.before |= set(journal.memory(endpoint, launcher.ready.id).jobs)

    # -- Starting ---------------------------------------------------------------------

    def _start(self) -> Conversation[None]:
        """Start batches, one at a time, until as many as may are under way."""
        while not self.stopped and not self.is_all:
            if self.adrift >= self.plan.concurrency:
                self._stop(f"{self.adrift} runs that may go on are not followed")
            if len(self.flights) + self.adrift >= self.plan.concurrency:
                return
            try:
                found = self.input.next()
            except FlowError as error:  # a file that was changed meanwhile
                self._stop(str(error), error)
                return
            if found is None:
                self.is_all = True
                return
            yield from self._start_one(*found)
            yield from self._hand_out()

    def _start_one(self, part: Part, rows: list[Any]) -> Conversation[None]:
        yield Begin()
        try:
            payload = self.plan.launcher.payload(rows, part.first)
            yield from self._require_budget()
            run = yield from self._started(part, payload)
        except IntentFailedError as error:
            yield Leave()
            # It failed before; that says nothing of the next.
            why = _NOT_SEEN_BEFORE if self.plan.retry_failed else None
            self._note(part, error.run_id, error.status, why)
            return
        except FlowError as error:
            yield Leave()
            self._refused(part, error)
            return
        yield Leave()
        now: float = yield Now()
        self._follow(part, run, payload, now)

    def _require_budget(self) -> Conversation[None]:
        """Refuse what exceeds the budget of all batches, also as it is live."""
        launcher, count = self.plan.launcher, self.input.count()
        budget, ready = launcher.budget, launcher.ready
        more: Any = {"size": self.plan.size, "override": launcher.specs_override}
        budget.require(ready.name, ready.definition, count, **more)
        if budget.depends_on_specs:
            # Fields that code does not set are left as they are live.
            live = yield from get_workflow(ready.id)
            if live is not None:
                budget.require(ready.name, live, count, **more)

    def _started(
        self, part: Part, payload: Mapping[str, Any]
    ) -> Conversation[StartedRun]:
        """The run of a batch: found, started, or started again where that is asked."""
        launcher, intent = self.plan.launcher, self.plan.intent
        batch = Batch(part.index, self.plan.size)
        retry: str | None = None
        while True:
            try:
                return (
                    yield from launcher.started(
                        payload,
                        intent=intent,
                        retry=retry,
                        batch=batch,
                        budget=Budget(),  # of all batches it was asked before
                    )
                )
            except IntentFailedError as error:
                is_old = canonical_id(error.run_id) in self.before
                if not self.plan.retry_failed or not is_old or error.run_id == retry:
                    raise
                retry = error.run_id
            yield Leave()

    def _follow(
        self, part: Part, run: StartedRun, payload: Mapping[str, Any], now: float
    ) -> None:
        launcher = self.plan.launcher
        facts = launcher.facts(run, payload)
        endpoint = launcher.endpoint
        tracked = Tracked(run.id, run.workflow_id, endpoint=endpoint, **facts)
        look = now if run.is_attached else now + self.plan.every
        flight = _Flight(part, run, tracked, facts, now, look, Troubles(run.id))
        self.flights.append(flight)
        _log.info(
            "batch %s: run %s of %s rows %s",
            part.index,
            run.id,
            part.count,
            "was there" if run.is_attached else "started",
        )

    def _refused(self, part: Part, error: FlowError) -> None:
        """A batch that was not started, or of which nobody knows."""
        is_nothing = _is_nothing(error)
        if is_nothing and self._is_untouched:
            raise error  # there is nothing else to tell
        if isinstance(error, OutcomeUnknownError):
            known = self._remembered(part)
            if known is not None:
                self._forgotten(part, known, error)
                return
        status = "was not started" if is_nothing else "may have been started"
        self._note(part, "", status, str(error), is_bought=not is_nothing)
        is_credit = isinstance(error, PaymentError)
        self._stop(f"credits: {error}" if is_credit else str(error), error)

    @property
    def _is_untouched(self) -> bool:
        """Whether nothing was started or found by now."""
        return not (self.flights or self.finished or self.failed or self.emitted)

    def _remembered(self, part: Part) -> Start | None:
        """The start of a batch whose run the journal knows."""
        launcher = self.plan.launcher
        journal, ready = launcher.journal, launcher.ready
        if journal is None:
            return None
        memory = journal.memory(launcher.endpoint, ready.id)
        starts = [
            start
            for start in memory.of_intent(ready.env, self.plan.intent)
            if start.meant.index == part.index and start.job_id
        ]
        return starts[-1] if starts else None

    def _forgotten(self, part: Part, known: Start, error: FlowError) -> None:
        """A batch with a run that the service has forgotten; it is not repeated."""
        job_id = str(known.job_id)
        path = self._saved_before(part, job_id)
        if path is None:
            status = known.outcome or "may have been started"
            self._note(part, job_id, status, str(error))
            return
        launcher = self.plan.launcher
        run = StartedRun(job_id, launcher.ready.id, is_attached=True)
        self.finished[part.index] = FinishedBatch(
            part, run, launcher.facts(run, {}), path
        )

    # -- Watching ---------------------------------------------------------------------

    def _look(self) -> Conversation[None]:
        """Wait for the next look that is due, and look."""
        flight = min(self.flights, key=lambda each: each.next_look)
        now: float = yield Now()
        if flight.next_look > now:
            yield Sleep(flight.next_look - now, is_apart=True)
        yield Begin(LOOK)
        try:
            seen = yield from live_status(flight.run.id)
        except FlowError as error:
            now = yield Now()
            is_new = flight.tracked.is_new and now - flight.since < MINUTE
            is_missing = isinstance(error, NotFoundError)
            if not (is_new and is_missing) and not may_pass(error):
                self._lose(flight, str(error))
                if not is_missing:  # such as a key that was revoked
                    self._stop(str(error), error)
                return
            flight.troubles.note(error)
        else:
            flight.tracked.saw(seen)
            if flight.tracked.is_ended:
                reason = yield from reason_of(flight.tracked, seen)
                self.flights.remove(flight)
                yield from self._ended(flight, reason)
                return
        now = yield Now()
        flight.next_look = now + self.plan.every
        if now - flight.since >= self.plan.timeout:
            self._lose(flight, f"no end after {self.plan.timeout:g} s; it goes on")

    def _lose(self, flight: _Flight, why: str) -> None:
        """Follow a batch no further; its run may go on, and has its place still."""
        self.flights.remove(flight)
        self.adrift += 1
        status = flight.tracked.status or "is under way"
        self._note(flight.part, flight.run.id, status, why)

    def _ended(self, flight: _Flight, reason: str | None) -> Conversation[None]:
        status = flight.tracked.status
        if status == COMPLETED:
            self.in_a_row = 0
            yield from self._completed(flight)
            return
        part = flight.part
        self._note(part, flight.run.id, status, reason)
        self.in_a_row += 1
        self.broken.add(part.index)
        is_beside = not self.broken.isdisjoint((part.index - 1, part.index + 1))
        if reason and _CREDIT.search(reason):
            self._stop(f"credits: {reason}")
        elif self.in_a_row >= FAILURES or is_beside:
            self._stop(f"{FAILURES} batches failed in a row")

    def _completed(self, flight: _Flight) -> Conversation[None]:
        """Prove that its rows are ours where need be, and save them."""
        part, run, path = flight.part, flight.run, None
        try:
            if flight.tracked.is_presumed:
                yield Begin()
                yield from listed(flight.tracked)  # proves it
            if self.plan.folder is not None:
                path = yield from self._saved(flight, self.plan.folder)
        except OutcomeUnknownError as error:
            self._note(part, run.id, "may have been started", str(error))
        except FlowError as error:
            # It was paid for, and is there to be had by the next call.
            why = f"its rows could not be had: {error}"
            self._note(part, run.id, COMPLETED, why, is_bought=False)
            if isinstance(error, SaveError | LinkRefusedError):  # so would the next
                self._stop(str(error), error)
        else:
            facts = flight.facts
            if run.is_presumed:  # not any more
                facts = {**facts, "is_presumed": False, "proof": None}
            self.finished[part.index] = FinishedBatch(part, run, facts, path)

    # -- Saving -----------------------------------------------------------------------

    def _saved(self, flight: _Flight, folder: Path) -> Conversation[Path]:
        """The final file of a batch, also where another process is at it or has it."""
        failures = 0
        while (path := self._saved_before(flight.part, flight.run.id)) is None:
            try:
                return (yield from self._written(flight, folder))
            except SaveError:
                failures += 1
                if failures == TRIES:
                    raise
                _require_folder(folder)
                yield Sleep(self.plan.every, is_apart=True)
        return path

    def _written(self, flight: _Flight, folder: Path) -> Conversation[Path]:
        """Save it under a name that sorts like the input."""
        yield Begin()
        item = yield from chosen(flight.tracked, None)
        path = folder / self._stem(flight.part, flight.run.id)
        if item.download_url is None and item.results is not None and item.is_whole:
            path = path.with_name(f"{path.name}.ndjson")
            write_ndjson(item.results, path)
            return path
        suffix = Path(item.filename).suffix.lower()
        kind = suffix if suffix in KINDS else ".csv"
        path = path.with_name(f"{path.name}{kind}")
        allowance = self.plan.allowance
        return (yield from saving(flight.run.id, item, path, allowance=allowance))

    def _saved_before(self, part: Part, run_id: str) -> Path | None:
        """The file that an earlier try has saved; it is whole, or not there."""
        if self.plan.folder is None:
            return None
        stem = self._stem(part, run_id)
        paths = (self.plan.folder / f"{stem}{kind}" for kind in KINDS)
        return next((path for path in paths if path.is_file()), None)

    def _stem(self, part: Part, run_id: str) -> str:
        """Return a name for the rows of one block of one run.

        Another intent has other runs, so it has other names.
        """
        number = self.plan.launcher.stages.number(run_id, None)
        of_block = "" if number is None else f"-block{number}"
        return safe_name(f"{part.index:06}-{run_id}{of_block}")

    # -- What is told -----------------------------------------------------------------

    def _note(
        self,
        part: Part,
        run_id: str,
        status: str,
        reason: str | None = None,
        *,
        is_bought: bool = True,
    ) -> None:
        definition = self.plan.launcher.ready.definition
        price = cost(definition, part.count, of_payload=True)
        dollars = price.dollars if is_bought else None
        why = None if reason is None else _line(reason)
        batch = FailedBatch(part, run_id, status, why, dollars, price.is_whole)
        self.failed[part.index] = batch
        _log.warning("%s", batch)

    def _stop(self, why: str, error: FlowError | None = None) -> None:
        self.stopped = self.stopped or _line(why)
        self.error = self.error or error

    def _hand_out(self) -> Conversation[None]:
        """Emit what has completed, as far as the order of the input allows."""
        while self.emitted in self.finished or self.emitted in self.failed:
            done = self.finished.pop(self.emitted, None)
            self.emitted += 1
            if done is not None:
                yield Emit(done)


_NOT_SEEN_BEFORE: Final = (
    "it is not started again, since nothing shows that it had failed before this call: "
    "the journal does not know it, and it was not listed when the call began"
)


def _line(text: str) -> str:
    """A text in one line."""
    return " ".join(text.split())


def _is_nothing(error: FlowError) -> bool:
    """Whether an error says for sure that a batch was not started by this call."""
    if isinstance(error, RunError | ArgumentError):
        return True
    if not isinstance(error, ApiError | TransportError | AnswerError):
        return is_refusal(error)
    if isinstance(error, ConflictError) or error.path.endswith("/live_status"):
        return False  # something has its key, or there is a run to look at
    return error.method == "GET" or is_refusal(error)
