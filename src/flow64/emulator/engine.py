"""Execute runs, each in its own thread: its blocks one after the other.

The rows of a block are written while they are made. They count once the block is
`completed`. That status is written in one transaction with everything else that the
block leaves. Rows of an interrupted block are removed before it starts again. Fixtures
replace synthetic values and rows, from Python or from files.
"""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Final, TypeAlias

from attrs import define, evolve, field, frozen

from ..blocks import CATALOGUE
from ..definition import is_uuid
from ..errors import ConfigError
from ..text import did_you_mean
from . import steps
from .records import RowData, RunRecord
from .service import Service
from .steps import (
    BlockContext,
    BlockFailedError,
    BlockStep,
    EachRow,
    RowMapper,
    find_step,
)
from .store import CHUNK
from .webhooks import deliver, write_side_effects
from .workflows import to_definition

_NAME = "the fixture"


@frozen
class FixtureLines:
    """Lines of a fixture: a source gives all of them, a step the first that matches.

    Attributes:
        lines: Values that a row must have, and values to set in it.
    """

    lines: Sequence[tuple[Mapping[str, Any], RowData]]

    def __call__(self, row: RowData) -> RowData:
        """Return the values to set in a row."""
        for where, values in self.lines:
            if all(steps.is_equal(row.get(name), where[name]) for name in where):
                return values
        return {}


Fixture: TypeAlias = (
    "Mapping[str, Any] | Sequence[Mapping[str, Any]] | Callable[..., Any]"
)
"""A replacement for the values that a block makes up.

A mapping sets its values in every row. For a step, a list replaces each row, and a
function gets the row and returns a mapping or a list for it. For a source, a list is
its rows, and a function without arguments returns them. A list of
`{"where": ..., "set": ...}` sets values in the rows that it names.
"""


class Fixtures(UserDict[str, Fixture]):
    """Fixtures by kind or block id, each checked when it is set.

    Setting one raises `ConfigError` if it is neither a mapping, a list of mappings nor
    a function, or if its name is nearly, but not exactly, a known kind.
    """

    def __setitem__(self, name: str, fixture: Fixture) -> None:
        where = f"the fixture {name!r}"
        check_block_name(where, name)
        super().__setitem__(name, _as_fixture(where, fixture))


def check_block_name(where: str, name: str) -> None:
    """Refuse a name that is nearly a known kind; another one may be a new kind.

    Raises:
        ConfigError: The name looks like a misspelled kind.
    """
    if name not in CATALOGUE and not is_uuid(name):
        near = did_you_mean(name, CATALOGUE, cutoff=0.7)
        if near:
            raise ConfigError(f"{where}: no block is of the kind {name!r}{near}")


def _as_fixture(where: str, data: Any) -> Fixture:
    if isinstance(data, Mapping):
        return _as_lines(where, [data]) if _is_line(data) else data
    if isinstance(data, list | tuple) and all(isinstance(row, Mapping) for row in data):
        return _as_lines(where, data) if any(map(_is_line, data)) else data
    if isinstance(data, list | tuple) or not callable(data):
        problem = "must be a mapping, a list of mappings, or a function"
        raise ConfigError(f"{where} {problem}")
    function: Callable[..., Any] = data
    return function


def _is_line(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("set"), Mapping)


def _as_lines(where: str, entries: Sequence[Mapping[str, Any]]) -> FixtureLines:
    """Convert entries of `where` and `set`.

    Raises:
        ConfigError: An entry has other keys or other types.
    """
    for number, entry in enumerate(entries):
        is_mapping = isinstance(entry.get("where", {}), Mapping)
        if not (entry.keys() <= {"where", "set"} and _is_line(entry) and is_mapping):
            problem = f"{where} at {number} must have a mapping 'set', and 'where' as"
            raise ConfigError(f"{problem} another or not at all")
    return FixtureLines(
        [({**entry.get("where", {})}, {**entry["set"]}) for entry in entries]
    )


# -- Applying fixtures ----------------------------------------------------------------


def apply_fixture(
    fixture: Fixture, step: BlockStep, context: BlockContext
) -> Iterator[RowData]:
    """Yield the rows of a block, with a fixture instead of synthetic values."""
    if isinstance(fixture, Mapping):
        values = steps.as_rows(dict(fixture), _NAME)[0]
        return ({**row, **values} for row in step(context))
    if context.parents:
        mapper = step.make_mapper(context) if isinstance(step, EachRow) else dict
        return _replace_rows(fixture, mapper, context)
    if isinstance(fixture, FixtureLines):
        return iter([values for _, values in fixture.lines])
    return iter(steps.as_rows(_evaluate(fixture), _NAME))


def _replace_rows(
    fixture: Fixture, mapper: RowMapper, context: BlockContext
) -> Iterator[RowData]:
    for row in context.rows():
        data = _evaluate(fixture, dict(row))
        rows = steps.as_rows(data, _NAME)
        if isinstance(data, dict):
            yield {**mapper(row), **data}
        else:
            yield from rows


def _evaluate(fixture: Fixture, *row: RowData) -> Any:
    """Return what a fixture gives, with dicts and lists for other collections."""
    data: Any = fixture
    if callable(fixture):
        try:
            data = fixture(*row)
        except Exception as error:
            words = f"the fixture failed: {type(error).__name__}: {error}"
            raise BlockFailedError(words) from error
    if isinstance(data, Mapping):
        return dict(data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return [dict(item) if isinstance(item, Mapping) else item for item in data]
    return data


# -- Files ----------------------------------------------------------------------------


def load_fixtures(paths: Iterable[str | Path]) -> Mapping[str, Fixture]:
    """Load the fixtures of JSON files; if two have the same name, the earlier one wins.

    A file is an object. For a kind or block id it has a mapping, a list of rows, or a
    list of `{"where": {...}, "set": {...}}`.

    Raises:
        ConfigError: A file cannot be read, or has other contents.
    """
    fixtures = Fixtures()
    for path in reversed([*map(Path, paths)]):
        try:
            fixtures.update(json.loads(path.read_text(encoding="utf-8-sig")))
        except (OSError, ValueError, TypeError, RecursionError, ConfigError) as error:
            raise ConfigError(f"{path}: {error}") from error
    return fixtures


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
