"""`flow64 watch`: follow a run until it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Self

from attrs import asdict
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from ..client import Run
from ..errors import RunFailedError
from ..runs.watch import Event, Lines
from ..text import pluralize, printable
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
            print_json({"run_id": run.id, **event_to_data(event)}, is_line=True)
    else:
        with open_display() as show:
            for event in run.watch(every=every, timeout=timeout):
                show(event)
    if run.last_status == "completed":
        return 0
    print_error(str(RunFailedError(run.id, run.last_status, run.reason)))
    return FAILED


def event_to_data(event: Event) -> dict[str, Any]:
    """Convert an event to JSON data."""
    return {
        "event": event.kind,
        **asdict(event, filter=lambda at, _: at.name != "kind"),
    }


# -- Progress -------------------------------------------------------------------------


@contextmanager
def open_display() -> Generator[Callable[[Event], None]]:
    """Return a function that shows events on stderr, with bars if it is a terminal."""
    console = stderr_console()
    if console.is_terminal and not console.is_dumb_terminal:
        with draw_on(console), BarDisplay(console) as bars:
            yield bars.show
        return
    lines = Lines()

    def show(event: Event) -> None:
        if (line := lines.format(event)) is not None:
            print_message(line, paint_event)

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
        words = str(event).partition(": ")[2] or str(event)
        match event.kind:
            case "status":
                self._progress.update(self._run, words=words)
            case "ended":
                words = event.status if event.text else str(event)
                done = int(event.status == "completed")
                self._progress.update(self._run, words=words, completed=done)
            case "started":
                self._task(event)
            case "progress":
                of = "" if event.total is None else f"{event.rows} of "
                count = event.rows if event.total is None else event.total
                self._progress.update(
                    self._task(event),
                    completed=event.percentage,
                    words=f"{of}{pluralize(count or 0, 'row')}",
                )
            case "done" | "failed":
                task, is_done = self._task(event), event.kind == "done"
                if is_done:
                    self._progress.update(task, completed=100)
                self._progress.update(task, words=words)
                self._progress.stop_task(task)

    def _task(self, event: Event) -> TaskID:
        number = event.number or 0
        if number not in self._tasks:
            name = f"  {number} {printable(event.block)}"
            self._tasks[number] = self._progress.add_task(name, total=100, words="")
        return self._tasks[number]
