"""Execute one run: its blocks one after the other.

The rows of a block are written while they are made. They count once the block is
`completed`. That status is written in one transaction with everything else that the
block leaves. Rows of an interrupted block are removed before it starts again.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from itertools import islice
from threading import Event
from typing import Any, Final

from attrs import define, evolve, field

from ..definition import Definition
from ._block_context import BlockContext, BlockFailedError
from ._credits import Bill, compute_balance
from ._deliveries import deliver
from ._executors import find_executor
from ._fixtures import apply_fixture
from ._graph import to_definition
from ._records import BlockState, RowData, RunRecord
from ._services import Services
from ._side_effects import write_side_effects
from ._store import CHUNK
from ._switches import Switches

TICKS: Final = 10
"""Steps in which the progress of a block moves, if blocks take time."""


class StoppedError(Exception):
    """The run was cancelled, or the emulator stops."""


def execute_run(
    run_id: str, services: Services, switches: Switches, stop: Event
) -> None:
    """Execute the unfinished blocks of a run, until it ends or is stopped."""
    store, now = services.store, services.clock.now()
    run = store.runs.get(run_id)
    graph = store.graphs.get(run_id)
    assert run is not None and graph is not None  # noqa: PT018 - they were added together
    definition = to_definition(graph.data)
    began = run.started_at or now
    run = services.update_run(run_id, status="running", started_at=began)
    if run.is_done:  # cancelled before it began
        return
    states = store.blocks.of(run_id)
    for position in definition.topology.order:
        state = states[position]
        if state.status != "completed":
            block = _BlockWorker(services, switches, stop, run, definition, state)
            try:
                block.execute()
            except StoppedError:
                return
            except BlockFailedError as error:
                block.fail(str(error))
                return
        deliver(services, run_id, definition.blocks[position], switches, stop)
    if not stop.is_set():
        services.end_run(run_id, "completed")


@define
class _BlockWorker:
    """Executes one block of a run.

    Attributes:
        switches: The switches as they were when the run started.
        stop: Is set if the run must end.
        run: The run as it was when it started.
        state: The block as it was before it began.
    """

    services: Services
    switches: Switches
    stop: Event
    run: RunRecord
    definition: Definition
    state: BlockState
    _bill: Bill = field(init=False)
    _taken: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        block = self.definition.blocks[self.state.position]
        limit = compute_balance(self.services.store, self.run.org_id, self.switches)
        self._bill = Bill(block.kind, block.specs, limit)

    def execute(self) -> None:
        """Execute the block.

        Raises:
            BlockFailedError: It failed. Nothing is left of it but its cost.
            StoppedError: The run was stopped.
        """
        self._check_stop()
        store = self.services.store
        context = BlockContext(
            self.definition, self.state, self.run, store, self._count_input
        )
        # Rows that it wrote before it was interrupted.
        store.remove_rows(self.state.rows)
        parents = (store.blocks.get(f"{self.run.id}/{at}") for at in context.parents)
        total = sum(parent.made for parent in parents if parent)
        now = self.services.clock.now()
        self._update_state(status="running", started_at=now, total=total, processed=0)
        try:
            self._raise_planned_failure()
            changes = self._write_rows(context)
            total = total or changes["made"]
            self._simulate_duration(total)
            self._complete(context, changes | {"total": total, "processed": total})
        except BaseException as error:
            self._discard(error)
            raise

    def fail(self, message: str) -> None:
        """Save that the block failed, and end the run."""
        now, store = self.services.clock.now(), self.services.store
        with store.transaction():
            if not self._is_run_done():
                self._bill.record(store, self.run, self.state, now)
                self._update_state(status="failed", completed_at=now, error=message)
                words = f"{self.state.kind}: {message}"
                self.services.end_run(self.run.id, "failed", words)

    # -- Steps ------------------------------------------------------------------------

    def _write_rows(self, context: BlockContext) -> dict[str, Any]:
        """Write the rows of the block; return their count and columns."""
        made, columns = 0, dict[str, None]()
        with closing(self._produce_rows(context)) as rows:
            while chunk := list(islice(rows, CHUNK)):
                self._check_stop()
                if not context.parents:
                    self._bill.charge_output(len(chunk))
                made += self.services.store.add_rows(self.state.rows, chunk)
                for row in chunk:
                    if not row.keys() <= columns.keys():
                        columns |= dict.fromkeys(row)
        return {"made": made, "columns": list(columns)}

    def _produce_rows(self, context: BlockContext) -> Generator[RowData, None, None]:
        # A generator, so that closing it also closes what the executor has open.
        kind = context.block.kind
        executor = find_executor(kind)
        fixtures = self.services.fixtures
        fixture = fixtures.get(context.block.id, fixtures.get(kind))
        yield from (
            executor(context)
            if fixture is None
            else apply_fixture(fixture, executor, context)
        )

    def _count_input(self, rows: list[RowData]) -> None:
        """Count and charge rows before the block works on them."""
        self._check_stop()
        self._bill.charge_input(rows)
        if not self.switches.speed:
            self._update_state(processed=self._taken)
        self._taken += len(rows)

    def _simulate_duration(self, total: int) -> None:
        """Wait as long as a block takes by the switch `speed`."""
        speed = self.switches.speed
        for tick in range(TICKS if speed else 0):
            self._update_state(total=total, processed=total * tick // TICKS)
            if self.stop.wait(speed / TICKS):
                raise StoppedError

    def _complete(self, context: BlockContext, changes: Mapping[str, Any]) -> None:
        """Save all results of the block, in one transaction."""
        now, store = self.services.clock.now(), self.services.store
        with store.transaction():
            if self._is_run_done():
                raise StoppedError
            self._bill.recheck(compute_balance(store, self.run.org_id, self.switches))
            self._bill.record(store, self.run, self.state, now)
            write_side_effects(context, changes["made"], now)
            self._update_state(status="completed", completed_at=now, **changes)
            self.services.update_run(self.run.id)

    def _discard(self, error: BaseException) -> None:
        """Remove the rows of the block; if it was cancelled, save its cost."""
        now, store = self.services.clock.now(), self.services.store
        with store.transaction():
            store.remove_rows(self.state.rows)
            if isinstance(error, StoppedError) and self._is_run_done():
                self._bill.record(store, self.run, self.state, now)

    # -- Helpers ----------------------------------------------------------------------

    def _raise_planned_failure(self) -> None:
        """Fail if `fail_block` or a switch says that this block fails."""
        kind, failures = self.state.kind, self.services.failures
        message = failures.get(self.state.block_id, failures.get(kind))
        if message is not None:
            raise BlockFailedError(message)
        if self.switches.unknown_kind_fails and not self.services.is_known(kind):
            raise BlockFailedError(f"Unknown block type: {kind}")

    def _check_stop(self) -> None:
        if self.stop.is_set():
            raise StoppedError

    def _is_run_done(self) -> bool:
        run = self.services.store.runs.get(self.run.id)
        return run is None or run.is_done

    def _update_state(self, **changes: Any) -> None:
        changes["updated_at"] = self.services.clock.now()
        self.services.store.blocks.change(
            self.state.id, lambda state: evolve(state, **changes)
        )
