"""Execute runs, each in its own thread: its blocks one after the other.

The rows of a block are written while they are made. They count once the block is
`completed`. That status is written in one transaction with everything else that the
block leaves. Rows of an interrupted block are removed before it starts again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from threading import Event, Lock, Thread
from typing import Any, Final

from attrs import define, evolve, field

from ..blocks import CATALOGUE, FindEmail
from ..definition import Definition, WireBlock
from ..errors import ConfigError
from ..text import pluralize
from .fixtures import apply_fixture
from .graph import infer_row_kinds, to_definition
from .records import BlockState, JsonObject, RowData, RunRecord, SpendingRecord
from .service import Service
from .steps import BlockContext, BlockFailedError, find_step
from .store import CHUNK
from .webhooks import deliver, write_side_effects

TICKS: Final = 10
"""Steps in which the progress of a block moves, if blocks take time."""

CREDITS_A_DOLLAR: Final = 10
"""One credit is ten cents (derived from an example in the documents)."""

DIGITS: Final = 6
"""Decimal places of credits, so that tenths stay tenths."""


class StoppedError(Exception):
    """The run was cancelled, or the emulator stops."""


@define
class Engine:
    """Starts and cancels runs. Any thread may use it."""

    service: Service
    _active: dict[str, tuple[Thread, Event]] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def start(self, run_id: str) -> None:
        """Execute a run of the store, from its first unfinished block."""
        stop = Event()
        thread = Thread(
            target=self._execute, args=(run_id, stop), name=run_id, daemon=True
        )
        with self._lock:
            self._active = {
                other: entry
                for other, entry in self._active.items()
                if entry[0].is_alive()
            }
            if run_id not in self._active:
                self._active[run_id] = thread, stop
                thread.start()

    def cancel(self, run_id: str) -> RunRecord:
        """Cancel a run, unless it has ended."""
        run = self.service.end_run(run_id, "cancelled")
        with self._lock:
            if run_id in self._active:
                self._active[run_id][1].set()
        return run

    def resume(self) -> None:
        """Continue all runs that have not ended."""
        for run in self.service.store.runs.all():
            if not run.is_done:
                self.start(run.id)

    def stop(self) -> None:
        """Interrupt all runs, and wait until their threads have ended."""
        with self._lock:
            active, self._active = self._active, {}
        for _, stop in active.values():
            stop.set()
        for thread, _ in active.values():
            thread.join()

    def _execute(self, run_id: str, stop: Event) -> None:
        try:
            execute_run(run_id, self.service, stop)
        except BaseException as error:
            is_store = isinstance(error, ConfigError)
            words = str(error) if is_store else type(error).__name__
            try:
                self.service.end_run(run_id, "failed", f"the emulator failed: {words}")
            except ConfigError:
                # Nothing can be written: the run continues at the next start.
                return
            if not is_store:
                raise


def make_block_states(run_id: str, graph: JsonObject) -> Iterator[BlockState]:
    """Yield the states of a run's blocks before it starts."""
    definition = to_definition(graph)
    kinds = infer_row_kinds(definition)
    for position, block in enumerate(definition.blocks):
        parents = sorted(set(definition.topology.parents[position]))
        yield BlockState(
            run_id=run_id,
            position=position,
            block_id=block.id,
            kind=block.kind,
            number=block.number,
            parents=[definition.blocks[parent].id for parent in parents],
            row_kind=kinds[position] or _guess_row_kind(block),
        )


def _guess_row_kind(block: WireBlock) -> str:
    """Guess the row kind of a block for its metrics, if no document states it."""
    word = block.specs.get("dataframe_type")
    if word in ("LEAD", "COMPANY"):  # a tuple, since it may be a list
        return str(word)
    cls = CATALOGUE.get(block.kind)
    return "COMPANY" if cls is not None and cls.about.gives == "COMPANY" else "LEAD"


def execute_run(run_id: str, service: Service, stop: Event) -> None:
    """Execute the unfinished blocks of a run, until it ends or is stopped."""
    store = service.store
    run, graph = store.runs.get(run_id), store.graphs.get(run_id)
    assert run is not None and graph is not None  # noqa: PT018 - they were added together
    definition = to_definition(graph.data)
    started_at = run.started_at or service.clock.now()
    run = service.update_run(run_id, status="running", started_at=started_at)
    if run.is_done:  # cancelled before it began
        return
    states = store.blocks.under(run_id)
    for position in definition.topology.order:
        if states[position].status != "completed":
            worker = _BlockWorker(service, stop, run, definition, states[position])
            try:
                worker.execute()
            except StoppedError:
                return
            except BlockFailedError as error:
                worker.fail(str(error))
                return
        deliver(service, run_id, definition.blocks[position], stop)
    if not stop.is_set():
        service.end_run(run_id, "completed")


@define
class _BlockWorker:
    """Executes one block of a run.

    Attributes:
        stop: Is set if the run must end.
        run: The run as it was when it started.
        state: The block as it was before it began.
    """

    service: Service
    stop: Event
    run: RunRecord
    definition: Definition
    state: BlockState
    _taken: int = field(default=0, init=False)
    _charged: int = field(default=0, init=False)

    @property
    def block(self) -> WireBlock:
        return self.definition.blocks[self.state.position]

    def execute(self) -> None:
        """Execute the block.

        Raises:
            BlockFailedError: It failed. Nothing is left of it but its cost.
            StoppedError: The run was stopped.
        """
        self._check_stop()
        store = self.service.store
        context = BlockContext(
            self.definition, self.state, self.run, store, self._take_input
        )
        # Rows that it wrote before it was interrupted.
        store.remove_rows(self.state.rows)
        parents = (store.blocks.get(f"{self.run.id}/{at}") for at in context.parents)
        total = sum(parent.made for parent in parents if parent)
        now = self.service.clock.now()
        self._update(status="running", started_at=now, total=total, processed=0)
        try:
            self._raise_planned_failure()
            changes = self._write_rows(context)
            total = total or changes["made"]
            self._simulate_duration(total)
            self._complete(context, changes | {"total": total, "processed": total})
        except BaseException:
            store.remove_rows(self.state.rows)
            raise

    def fail(self, message: str) -> None:
        """Save that the block failed, and end the run."""
        now = self.service.clock.now()
        with self.service.store.transaction():
            if not self._is_run_done():
                self._update(status="failed", completed_at=now, error=message)
                words = f"{self.state.kind}: {message}"
                self.service.end_run(self.run.id, "failed", words)

    # -- Steps ------------------------------------------------------------------------

    def _raise_planned_failure(self) -> None:
        failures = self.service.failures
        message = failures.get(self.block.id, failures.get(self.block.kind))
        if message is not None:
            raise BlockFailedError(message)

    def _write_rows(self, context: BlockContext) -> dict[str, Any]:
        """Write the rows of the block; return their count and columns."""
        made, columns = 0, dict[str, None]()
        rows = self._produce_rows(context)
        while chunk := list(islice(rows, CHUNK)):
            self._check_stop()
            if not context.parents:  # a source is charged for what it finds
                self._charge(chunk)
            made += self.service.store.add_rows(self.state.rows, chunk)
            for row in chunk:
                if not row.keys() <= columns.keys():
                    columns |= dict.fromkeys(row)
        return {"made": made, "columns": list(columns)}

    def _produce_rows(self, context: BlockContext) -> Iterator[RowData]:
        step, fixtures = find_step(self.block.kind), self.service.fixtures
        fixture = fixtures.get(self.block.id, fixtures.get(self.block.kind))
        return (
            step(context) if fixture is None else apply_fixture(fixture, step, context)
        )

    def _take_input(self, rows: list[RowData]) -> None:
        """Count and charge rows before the block works on them."""
        self._check_stop()
        self._charge(rows)
        if not self.service.switches.speed:
            self._update(processed=self._taken)
        self._taken += len(rows)

    def _charge(self, rows: list[RowData]) -> None:
        """Charge the credits of rows.

        Raises:
            BlockFailedError: Too few credits are left.
        """
        if not _is_charged(self.block.kind):
            return
        price = _price_row(self.block)
        count = sum(not _is_free(self.block, row) for row in rows)
        with self.service.store.transaction():
            left = compute_balance(self.service, self.run.org_id)
            payable = count
            if price and left is not None:
                payable = min(count, int(round(left / price, DIGITS)))
            self._charged += payable
            self._record_spending(price)
        if payable < count:
            raise BlockFailedError(
                f"not enough credits: {pluralize(count, 'row')} cost "
                f"{count * (price or 0):g}, and {left:g} are left"
            )

    def _record_spending(self, price: float | None) -> None:
        spending = SpendingRecord(
            id=self.state.id,
            org_id=self.run.org_id,
            workflow_id=self.run.workflow_id,
            run_id=self.run.id,
            kind=self.block.kind,
            rows=self._charged,
            credits=price and round(self._charged * price, DIGITS),
            created_at=self.service.clock.now(),
        )
        self.service.store.spendings.put(spending)

    def _simulate_duration(self, total: int) -> None:
        """Wait as long as a block takes by the switch `speed`."""
        speed = self.service.switches.speed
        for tick in range(TICKS if speed else 0):
            self._update(total=total, processed=total * tick // TICKS)
            if self.stop.wait(speed / TICKS):
                raise StoppedError

    def _complete(self, context: BlockContext, changes: Mapping[str, Any]) -> None:
        """Save all results of the block, in one transaction."""
        now = self.service.clock.now()
        with self.service.store.transaction():
            if self._is_run_done():
                raise StoppedError
            write_side_effects(context, changes["made"], now)
            self._update(status="completed", completed_at=now, **changes)
            self.service.update_run(self.run.id)

    # -- Helpers ----------------------------------------------------------------------

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise StoppedError

    def _is_run_done(self) -> bool:
        run = self.service.store.runs.get(self.run.id)
        return run is None or run.is_done

    def _update(self, **changes: Any) -> None:
        changes["updated_at"] = self.service.clock.now()
        self.service.store.blocks.change(
            self.state.id, lambda state: evolve(state, **changes)
        )


# -- Credits ---------------------------------------------------------------------------


def compute_balance(service: Service, org_id: str) -> float | None:
    """Return the credits that an organisation has left; None without a limit."""
    if service.switches.credits is None:
        return None
    spendings = service.store.spendings.of(org_id)
    spent = sum(spending.credits or 0 for spending in spendings)
    return max(0.0, round(service.switches.credits - spent, DIGITS))


def _price_row(block: WireBlock) -> float | None:
    """Return the credits that a row costs; None if the price is unknown."""
    cls = CATALOGUE.get(block.kind)
    price = cls.price(block.specs) if cls else None
    return None if price is None else round(price.dollars * CREDITS_A_DOLLAR, DIGITS)


def _is_charged(kind: str) -> bool:
    """Return True if a kind of block costs credits, or may cost some."""
    cls = CATALOGUE.get(kind)
    return cls is not None and not {"spends", "may-spend"}.isdisjoint(cls.about.effects)


def _is_free(block: WireBlock, row: RowData) -> bool:
    # Documented: a personal address that the row already has is free.
    return (
        block.kind == FindEmail.kind
        and str(block.specs.get("mode")).upper() == "PERSONAL"
        and bool(row.get("personal_email"))
    )
