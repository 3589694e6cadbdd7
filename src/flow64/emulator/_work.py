"""A run at work: its blocks one after the other, each from its first row to its last.

A block's rows are written while they are made. They count once the block is
`completed`, which is written in one step with all else that it leaves behind; what an
interrupted block had written is removed before it starts again.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from itertools import islice
from threading import Event
from typing import Any, Final

from attrs import define, evolve, field, frozen

from ..definition import Definition
from ._clock import Clock
from ._credits import Bill, balance
from ._deliveries import Deliveries
from ._executors import EXECUTORS, passed
from ._fixtures import Fixture, laid
from ._graph import definition_of
from ._records import BlockState, Row, Rows, Run
from ._sinks import leave
from ._step import BlockFailedError, Step
from ._store import CHUNK, Store
from ._switches import Switches

TICKS: Final = 10
"""How often the progress of a block moves, where blocks take time."""


class StoppedError(Exception):
    """The run ends here: it was cancelled, or the emulator stops."""


@frozen
class Tools:
    """What runs work with.

    Attributes:
        store: Where runs and their rows are kept.
        clock: What time it is.
        deliveries: What posts outgoing webhooks.
        fixtures: What stands in for synthetic values, by block id or kind.
        faults: Message that blocks fail with, by block id or kind.
    """

    store: Store
    clock: Clock
    deliveries: Deliveries
    fixtures: Mapping[str, Fixture]
    faults: Mapping[str, str]

    def change_run(self, run_id: str, **changes: Any) -> Run:
        """Change a run, unless it has ended: what ended stays as it is."""
        changes["updated_at"] = self.clock.now()
        return self.store.runs.change(
            run_id, lambda run: run if run.is_done else evolve(run, **changes)
        )

    def end_run(self, run_id: str, status: str, error: str | None = None) -> Run:
        """End a run, unless it has ended already."""
        reasons = {"failed": "block_failed", "cancelled": "cancelled_by_user"}
        return self.change_run(
            run_id,
            status=status,
            completed_at=self.clock.now(),
            reason=reasons.get(status),
            error=error,
        )


def work(run_id: str, tools: Tools, switches: Switches, stop: Event) -> None:
    """Let the blocks of a run work that have not finished, until it is to stop."""
    store, now = tools.store, tools.clock.now()
    run = store.runs.get(run_id)
    graph = store.graphs.get(run_id)
    assert run is not None and graph is not None  # noqa: PT018 - they were added together
    definition = definition_of(graph.data)
    began = run.started_at or now
    run = tools.change_run(run_id, status="running", started_at=began)
    if run.is_done:  # it was cancelled before it began
        return
    states = store.blocks.of(run_id)
    for position in definition.topology.order:
        state = states[position]
        if state.status != "completed":
            block = _AtWork(tools, switches, stop, run, definition, state)
            try:
                block.go()
            except StoppedError:
                return
            except BlockFailedError as error:
                block.fail(str(error))
                return
        tools.deliveries.deliver(run_id, definition.blocks[position], switches, stop)
    if not stop.is_set():
        tools.end_run(run_id, "completed")


@define
class _AtWork:
    """One block at work.

    Attributes:
        tools: What it works with.
        switches: The switches as they were when the run started.
        stop: Set where the run is to end.
        run: The run, as it was when it started.
        definition: Its graph.
        state: The block, as it was before it began.
    """

    tools: Tools
    switches: Switches
    stop: Event
    run: Run
    definition: Definition
    state: BlockState
    _bill: Bill = field(init=False)
    _taken: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        block = self.definition.blocks[self.state.position]
        limit = balance(self.tools.store, self.run.org_id, self.switches)
        self._bill = Bill(block.kind, block.specs, limit)

    def go(self) -> None:
        """Let it work from its first row to its last.

        Raises:
            BlockFailedError: It cannot do its work; nothing but the bill is left.
            StoppedError: The run ends here.
        """
        self._look_around()
        store = self.tools.store
        step = Step(self.definition, self.state, self.run, store, self._take)
        # What it had written when it was interrupted.
        store.remove_rows(self.state.rows)
        parents = (store.blocks.get(f"{self.run.id}/{at}") for at in step.parents)
        total = sum(parent.made for parent in parents if parent)
        now = self.tools.clock.now()
        self._change(status="running", started_at=now, total=total, processed=0)
        try:
            self._refuse()
            changes = self._write(step)
            total = total or changes["made"]
            self._pass_time(total)
            self._finish(step, changes | {"total": total, "processed": total})
        except BaseException as error:
            self._clean(error)
            raise

    def fail(self, message: str) -> None:
        """Say that it failed, and end the run."""
        now, store = self.tools.clock.now(), self.tools.store
        with store.transaction():
            if not self._is_over():
                self._bill.pay(store, self.run, self.state, now)
                self._change(status="failed", completed_at=now, error=message)
                words = f"{self.state.kind}: {message}"
                self.tools.end_run(self.run.id, "failed", words)

    # -- Steps ------------------------------------------------------------------------

    def _write(self, step: Step) -> dict[str, Any]:
        """Write its rows, and give what is then known of them."""
        made, columns = 0, dict[str, None]()
        with closing(self._made(step)) as rows:
            while chunk := list(islice(rows, CHUNK)):
                self._look_around()
                if not step.parents:
                    self._bill.give(len(chunk))
                made += self.tools.store.add_rows(self.state.rows, chunk)
                for row in chunk:
                    if not row.keys() <= columns.keys():
                        columns |= dict.fromkeys(row)
        return {"made": made, "columns": list(columns)}

    def _made(self, step: Step) -> Generator[Row, None, None]:
        # A generator, so that closing it closes what the executor has open.
        kind = step.block.kind
        executor = EXECUTORS.get(kind, passed)
        fixtures = self.tools.fixtures
        fixture = fixtures.get(step.block.id, fixtures.get(kind))
        yield from (
            executor(step) if fixture is None else laid(fixture, executor, step)
        )

    def _take(self, rows: Rows) -> None:
        """Count and pay rows before they are worked on."""
        self._look_around()
        self._bill.take(rows)
        if not self.switches.speed:
            self._change(processed=self._taken)
        self._taken += len(rows)

    def _pass_time(self, total: int) -> None:
        """Take the time that a block is to take."""
        speed = self.switches.speed
        for tick in range(TICKS if speed else 0):
            self._change(total=total, processed=total * tick // TICKS)
            if self.stop.wait(speed / TICKS):
                raise StoppedError

    def _finish(self, step: Step, changes: Mapping[str, Any]) -> None:
        """Leave all that it leaves, in one step."""
        now, store = self.tools.clock.now(), self.tools.store
        with store.transaction():
            if self._is_over():
                raise StoppedError
            self._bill.look(balance(store, self.run.org_id, self.switches))
            self._bill.pay(store, self.run, self.state, now)
            leave(step, changes["made"], now)
            self._change(status="completed", completed_at=now, **changes)
            self.tools.change_run(self.run.id)

    def _clean(self, error: BaseException) -> None:
        """Remove what it wrote, and let a cancelled block pay for what it took."""
        now, store = self.tools.clock.now(), self.tools.store
        with store.transaction():
            store.remove_rows(self.state.rows)
            if isinstance(error, StoppedError) and self._is_over():
                self._bill.pay(store, self.run, self.state, now)

    # -- Helpers ----------------------------------------------------------------------

    def _refuse(self) -> None:
        """Fail where it is not even to begin."""
        kind, faults = self.state.kind, self.tools.faults
        message = faults.get(self.state.block_id, faults.get(kind))
        if message is not None:
            raise BlockFailedError(message)
        if kind not in EXECUTORS and self.switches.unknown_kind_fails:
            raise BlockFailedError(f"Unknown block type: {kind}")

    def _look_around(self) -> None:
        if self.stop.is_set():
            raise StoppedError

    def _is_over(self) -> bool:
        run = self.tools.store.runs.get(self.run.id)
        return run is None or run.is_done

    def _change(self, **changes: Any) -> None:
        changes["updated_at"] = self.tools.clock.now()
        self.tools.store.blocks.change(
            self.state.id, lambda state: evolve(state, **changes)
        )
