"""Runs: rows flow through a graph block by block, each run in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Event, Thread
from typing import Any, Final

from attrs import define, evolve, field

from ..blocks import CATALOGUE
from ..definition import Definition, WireBlock
from ._clock import Clock
from ._executors import EXECUTORS, Failed, Step
from ._graph import definition_of, row_kinds
from ._store import BlockState, Data, Rows, Run, Stage, Store
from ._switches import Switches

TICKS: Final = 10
"""How often the progress of a block moves, where blocks take time."""


def pending(graph: Data) -> tuple[BlockState, ...]:
    """The states of a run's blocks before it starts."""
    definition = definition_of(graph)
    kinds = row_kinds(definition)
    return tuple(
        BlockState(
            id=block.id,
            kind=block.kind,
            number=block.number,
            parents=_ids(
                definition, sorted(set(definition.topology.parents[position]))
            ),
            row_kind=kinds[position] or _inferred_kind(block),
        )
        for position, block in enumerate(definition.blocks)
    )


@define
class Engine:
    """Starts runs, and ends them early.

    Attributes:
        store: Where runs and their rows are kept.
        clock: What time it is.
        faults: Message that the blocks of a kind fail with.
    """

    store: Store
    clock: Clock
    faults: dict[str, str] = field(factory=dict)
    _active: dict[str, tuple[Thread, Event]] = field(factory=dict, init=False)

    def start(self, run: Run, switches: Switches) -> None:
        """Let a queued run go."""
        stop = Event()
        thread = Thread(
            target=self._guarded, args=(run, switches, stop), name=run.id, daemon=True
        )
        self._active = {
            run_id: (other, event)
            for run_id, (other, event) in self._active.items()
            if other.is_alive()
        }
        self._active[run.id] = thread, stop
        thread.start()

    def cancel(self, run_id: str) -> Run:
        """End a run, unless it has ended already."""
        run = self._change(run_id, lambda run: self._ended(run, "cancelled"))
        if run_id in self._active:
            self._active[run_id][1].set()
        return run

    def stop(self) -> None:
        """Leave all runs where they are, and wait until nothing works any more."""
        for _, event in self._active.values():
            event.set()
        for thread, _ in self._active.values():
            thread.join()

    def _guarded(self, run: Run, switches: Switches, stop: Event) -> None:
        try:
            self._execute(run, switches, stop)
        except BaseException as error:
            # A fault of the emulator: a run that nobody can see the end of is worse.
            message = f"the emulator failed: {type(error).__name__}"
            self._change(run.id, lambda run: self._ended(run, "failed", message))
            raise

    def _execute(self, run: Run, switches: Switches, stop: Event) -> None:
        definition = definition_of(run.graph)
        given: dict[int, Rows] = {}
        now = self.clock.now()
        self._change(run.id, lambda run: evolve(run, status="running", started_at=now))
        for position in definition.topology.order:
            # Two edges between the same blocks are one.
            parents = dict.fromkeys(definition.topology.parents[position])
            step = Step(
                definition=definition,
                position=position,
                rows=[row for parent in parents for row in given[parent]],
                run=run,
                store=self.store,
            )
            made = self._work(step, switches, stop)
            if made is None:
                return
            given[position] = made
        self._change(run.id, lambda run: self._ended(run, "completed"))

    def _work(self, step: Step, switches: Switches, stop: Event) -> Rows | None:
        """What a block makes of its rows; None where the run ends here."""
        run_id, block, position = step.run.id, step.block, step.position
        total = len(step.rows)
        began = {"status": "running", "started_at": self.clock.now(), "total": total}
        if self._move(run_id, position, began).is_done:
            return None
        made = self._made(step, switches)
        if isinstance(made, Failed):
            self._fail(run_id, position, made.message)
            return None
        total = total or len(made)
        for tick in range(TICKS if switches.speed else 0):
            self._move(
                run_id, position, {"processed": total * tick // TICKS, "total": total}
            )
            if stop.wait(switches.speed / TICKS):
                return None
        now = self.clock.now()
        # Before the state moves on, so that a finished block always has its file.
        self.store.add_stage(
            run_id, Stage(block.id, block.kind, block.number, made, now)
        )
        ended = {
            "status": "completed",
            "completed_at": now,
            "processed": total,
            "total": total,
            "made": len(made),
        }
        return None if self._move(run_id, position, ended).is_done else made

    def _made(self, step: Step, switches: Switches) -> Rows | Failed:
        kind = step.block.kind
        if kind in self.faults:
            return Failed(self.faults[kind])
        if kind not in EXECUTORS:
            unknown = Failed(f"Unknown block type: {kind}")
            return unknown if switches.unknown_kind_fails else step.rows
        made = EXECUTORS[kind](step)
        return Failed(f"{kind}: {made.message}") if isinstance(made, Failed) else made

    def _fail(self, run_id: str, position: int, message: str) -> None:
        now = self.clock.now()

        def failed(run: Run) -> Run:
            failure = {"status": "failed", "completed_at": now, "error": message}
            return self._ended(run.with_block(position, **failure), "failed", message)

        self._change(run_id, failed)

    def _move(self, run_id: str, position: int, changes: Mapping[str, Any]) -> Run:
        return self._change(run_id, lambda run: run.with_block(position, **changes))

    def _ended(self, run: Run, status: str, error: str | None = None) -> Run:
        reason = {"failed": "block_failed", "cancelled": "cancelled_by_user"}.get(
            status
        )
        return evolve(
            run,
            status=status,
            completed_at=self.clock.now(),
            reason=reason,
            error=error,
        )

    def _change(self, run_id: str, change: Callable[[Run], Run]) -> Run:
        """Change a run, unless it has ended: what ended stays as it is."""
        now = self.clock.now()
        return self.store.change_run(
            run_id,
            lambda run: run if run.is_done else evolve(change(run), updated_at=now),
        )


def _ids(definition: Definition, positions: Sequence[int]) -> Sequence[str]:
    return [definition.blocks[position].id for position in positions]


def _inferred_kind(block: WireBlock) -> str:
    """The kind in the metrics of a block whose row kind no document states."""
    found = block.specs.get("dataframe_type")
    if found in {"LEAD", "COMPANY"}:
        return str(found)
    cls = CATALOGUE.get(block.kind)
    return "COMPANY" if cls is not None and cls.about.gives == "COMPANY" else "LEAD"
