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

from ..errors import ConfigError
from .fixtures import apply_fixture
from .records import RowData, RunRecord
from .service import Service
from .steps import BlockContext, BlockFailedError, find_step
from .store import CHUNK
from .webhooks import deliver, write_side_effects
from .workflows import to_definition

TICKS: Final = 10
"""Steps in which the progress of a block moves, if blocks take time."""


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
        thread = Thread(target=self._execute, args=(run_id, stop), daemon=True)
        with self._lock:
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
        finally:
            with self._lock:
                self._active.pop(run_id, None)


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
            state = states[position]
            worker = _BlockWorker(store, definition, run, state, service, stop)
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
class _BlockWorker(BlockContext):
    """Executes one block of a run.

    Attributes:
        stop: Is set if the run must end.
    """

    service: Service
    stop: Event
    _taken: int = field(default=0, init=False)

    def execute(self) -> None:
        """Execute the block.

        Raises:
            BlockFailedError: It failed. Nothing is left of it.
            StoppedError: The run was stopped.
        """
        self._check_stop()
        # Rows that it wrote before it was interrupted.
        self.store.remove_rows(self.state.rows)
        ids = (f"{self.run.id}/{parent}" for parent in self.parents)
        parents = map(self.store.blocks.get, ids)
        total = sum(parent.row_count for parent in parents if parent)
        now = self.service.clock.now()
        self._update(status="running", started_at=now, total=total, processed=0)
        try:
            self._raise_planned_failure()
            changes = self._write_rows()
            total = total or changes["row_count"]
            self._simulate_duration(total)
            self._complete(changes | {"total": total, "processed": total})
        except BaseException:
            self.store.remove_rows(self.state.rows)
            raise

    def fail(self, message: str) -> None:
        """Save that the block failed, and end the run."""
        now = self.service.clock.now()
        with self.store.transaction():
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

    def _write_rows(self) -> dict[str, Any]:
        """Write the rows of the block; return their count and columns."""
        row_count, columns = 0, dict[str, None]()
        rows = self._produce_rows()
        while chunk := list(islice(rows, CHUNK)):
            self._check_stop()
            row_count += self.store.add_rows(self.state.rows, chunk)
            for row in chunk:
                if not row.keys() <= columns.keys():
                    columns |= dict.fromkeys(row)
        return {"row_count": row_count, "columns": list(columns)}

    def _produce_rows(self) -> Iterator[RowData]:
        step, fixtures = find_step(self.block.kind), self.service.fixtures
        fixture = fixtures.get(self.block.id, fixtures.get(self.block.kind))
        return step(self) if fixture is None else apply_fixture(fixture, step, self)

    def take(self, rows: list[RowData]) -> None:
        """Count rows before the block works on them."""
        self._check_stop()
        if not self.service.switches.speed:
            self._update(processed=self._taken)
        self._taken += len(rows)

    def _simulate_duration(self, total: int) -> None:
        """Wait as long as a block takes by the switch `speed`."""
        speed = self.service.switches.speed
        for tick in range(TICKS if speed else 0):
            self._update(total=total, processed=total * tick // TICKS)
            if self.stop.wait(speed / TICKS):
                raise StoppedError

    def _complete(self, changes: Mapping[str, Any]) -> None:
        """Save all results of the block, in one transaction."""
        now = self.service.clock.now()
        with self.store.transaction():
            if self._is_run_done():
                raise StoppedError
            write_side_effects(self, changes["row_count"], now)
            self._update(status="completed", completed_at=now, **changes)
            self.service.update_run(self.run.id)

    # -- Helpers ----------------------------------------------------------------------

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise StoppedError

    def _is_run_done(self) -> bool:
        run = self.store.runs.get(self.run.id)
        return run is None or run.is_done

    def _update(self, **changes: Any) -> None:
        changes["updated_at"] = self.service.clock.now()
        self.store.blocks.change(self.state.id, lambda state: evolve(state, **changes))
