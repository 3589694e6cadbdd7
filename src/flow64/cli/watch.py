"""`flow64 watch`: follow a run until it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, Self

from attrs import asdict
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from ..client import Run
from ..runs.watch import Event, failed_error
from ..text import printable
from . import _params as params
from ._colours import paint_event, paint_state
from ._exit_codes import FAILED, INTERRUPTED
from ._service import connect, format_watch_command
from ._terminal import (
    Console,
    draw_on,
    print_error,
    print_json,
    print_lines,
    print_message,
    stderr_console,
)

STEP: Final = 10.0
"""Percentage points of progress before a block gets another line in a log."""


@params.command("watch", "flow64 watch 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90")
@params.run_id
@params.every
@params.timeout
@params.env
@params.as_json
def command(
    *, run_id: str, every: float, timeout: float, env: str | None, as_json: bool
) -> int:
    """Follow a run until it ends.

    Progress goes to stderr, as bars on a terminal and as lines elsewhere. The final
    status goes to stdout; if no row came out, this says so. With --json, each event is
    a line of JSON on stdout instead.
    Ctrl-C does not stop the run. Exits with 1 if the run did not complete.
    """
    with connect(env) as client:
        params.require_run_id(client, run_id)
        try:
            run = client.runs.get(run_id)
            code = follow_run(run, every, timeout, as_lines=as_json)
        except KeyboardInterrupt:
            print_message(
                f"the run goes on; follow it again: {format_watch_command(run_id, env)}"
            )
            return INTERRUPTED
    if not as_json:
        status = run.last_status
        print_lines([f"{status}: {run.empty}" if run.empty else status], paint_state)
    return code


def follow_run(
    run: Run, every: float, timeout: float, *, as_lines: bool = False
) -> int:
    """Show the progress of a run until it ends, and return the exit code.

    Args:
        run: The run.
        every: Seconds between two requests.
        timeout: Seconds after which to stop waiting.
        as_lines: Write each event to stdout as a line of JSON.

    Raises:
        WaitTimeoutError: The run has not ended in time. It goes on.
    """
    if as_lines:
        for event in run.watch(every=every, timeout=timeout):
            print_json({"run_id": run.id, **asdict(event)}, is_line=True)
    else:
        with open_display() as show:
            for event in run.watch(every=every, timeout=timeout):
                show(event)
    if run.last_status == "completed":
        return 0
    print_error(failed_error(run.state).message)
    return FAILED


# -- Progress -------------------------------------------------------------------------


@contextmanager
def open_display() -> Generator[Callable[[Event], None]]:
    """Return a function that shows events on stderr, with bars if it is a terminal."""
    console = stderr_console()
    if console.is_terminal and not console.is_dumb_terminal:
        with draw_on(console), BarDisplay(console) as bars:
            yield bars.show
        return
    shown: dict[int | None, float] = {}

    def show(event: Event) -> None:
        # A run of many rows has thousands of events, and a log needs few of them.
        if event.kind == "progress":
            if event.percentage < shown.get(event.number, 0.0) + STEP:
                return
            shown[event.number] = event.percentage
        print_message(str(event), paint_event)

    yield show


class BarDisplay:
    """Shows events as bars, one for each block, with counts."""

    def __init__(self, console: Console) -> None:
        self._tasks: dict[int, TaskID] = {}
        # Names may contain anything, so markup is off.
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            # The usual colours are black in terminals with the standard ones.
            BarColumn(24, "default", "cyan", "green", "cyan"),
            # A column that may wrap, so that the bars keep their width.
            TextColumn("{task.fields[words]}", markup=False, table_column=Column()),
            TimeElapsedColumn(),
            console=console,
        )
        # Without a total the bar would pulse, in colours between those of a theme.
        self._run = self._progress.add_task("run", total=1, words="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Show an event."""
        is_over = event.kind in ("done", "failed")
        if event.number is None:
            words = event.status if event.text else str(event)
            done = event.kind == "ended" and event.status == "completed"
            self._progress.update(self._run, words=words, completed=int(done))
            return
        if event.number not in self._tasks:
            name = f"  {event.number} {printable(event.block)}"
            self._tasks[event.number] = self._progress.add_task(
                name, total=100, words=""
            )
        task = self._tasks[event.number]
        words = str(event).partition(": ")[2]
        share = 100 if event.kind == "done" else event.percentage
        if event.kind == "failed":
            self._progress.update(task, words=words)
        else:
            self._progress.update(task, words=words, completed=share)
        if is_over:
            self._progress.stop_task(task)
