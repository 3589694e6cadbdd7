"""Execute runs, each in its own thread."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Lock, Thread

from attrs import define, field

from ..blocks import CATALOGUE
from ..definition import WireBlock
from ..errors import EmulatorStoreError
from ._graph import infer_row_kinds, to_definition
from ._records import BlockState, JsonObject, RunRecord
from ._run_worker import execute_run
from ._services import Services
from ._switches import Switches


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


@define
class Engine:
    """Starts and cancels runs. Any thread may use it."""

    services: Services
    _active: dict[str, tuple[Thread, Event]] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def start(self, run_id: str) -> None:
        """Execute a run of the store, from its first unfinished block."""
        stop = Event()
        thread = Thread(
            target=self._execute_safely,
            args=(run_id, self.services.switches(), stop),
            name=run_id,
            daemon=True,
        )
        with self._lock:
            at_work = {
                name: one for name, one in self._active.items() if one[0].is_alive()
            }
            self._active = at_work
            if run_id not in at_work:
                at_work[run_id] = thread, stop
                thread.start()

    def cancel(self, run_id: str) -> RunRecord:
        """Cancel a run, unless it has ended."""
        run = self.services.end_run(run_id, "cancelled")
        with self._lock:
            if run_id in self._active:
                self._active[run_id][1].set()
        return run

    def resume(self) -> None:
        """Continue all runs that have not ended."""
        for run in self.services.store.runs.all():
            if not run.is_done:
                self.start(run.id)

    def stop(self) -> None:
        """Interrupt all runs, and wait until their threads have ended."""
        with self._lock:
            at_work, self._active = self._active, {}
        for _, event in at_work.values():
            event.set()
        for thread, _ in at_work.values():
            thread.join()

    def _execute_safely(self, run_id: str, switches: Switches, stop: Event) -> None:
        try:
            execute_run(run_id, self.services, switches, stop)
        except EmulatorStoreError as error:
            self._fail_run(run_id, str(error))
        except BaseException as error:
            # A fault of the emulator. The run must end all the same.
            self._fail_run(run_id, f"the emulator failed: {type(error).__name__}")
            raise

    def _fail_run(self, run_id: str, message: str) -> None:
        try:
            self.services.end_run(run_id, "failed", message)
        except EmulatorStoreError:
            # Nothing can be written: the run continues when the emulator starts again.
            return


def _guess_row_kind(block: WireBlock) -> str:
    """Guess the row kind of a block for its metrics, if no document states it."""
    found = block.specs.get("dataframe_type")
    if found in ("LEAD", "COMPANY"):  # a tuple, since it may be a list
        return str(found)
    cls = CATALOGUE.get(block.kind)
    return "COMPANY" if cls is not None and cls.about.gives == "COMPANY" else "LEAD"
