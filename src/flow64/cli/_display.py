"""The progress of a run: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ..runs import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    EventLines,
    Finished,
    Queued,
    RunEvent,
    Running,
)
from ..runs import Progress as Further
from ..text import printable
from ._terminal import Console, draw_on, print_message, stderr_console


class Display(Protocol):
    """Shows the events of a run."""

    def show(self, event: RunEvent) -> None:
        """Show an event."""


@contextmanager
def open_display(run_id: str) -> Generator[Display]:
    """Show events on stderr, with bars if it is a terminal."""
    console = stderr_console()
    if console.is_terminal and not console.is_dumb_terminal:
        with draw_on(console), BarDisplay(run_id, console) as drawn:
            yield drawn
    else:
        yield PlainDisplay()


class PlainDisplay:
    """Shows events as lines, without those that add little."""

    def __init__(self) -> None:
        self._lines = EventLines()

    def show(self, event: RunEvent) -> None:
        """Show an event."""
        line = self._lines.format(event)
        if line is not None:
            print_message(line)


class BarDisplay:
    """Shows events as bars, one for each block, with counts."""

    def __init__(self, run_id: str, console: Console) -> None:
        self._tasks: dict[int, TaskID] = {}
        # Names may contain anything, so markup is off.
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._run = self._progress.add_task(
            f"run {printable(run_id)}", total=None, words=""
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, event: RunEvent) -> None:
        """Show an event."""
        match event:
            case Queued() | Running():
                self._progress.update(self._run, words=str(event))
            case Finished():
                self._progress.update(self._run, words=str(event), total=1, completed=1)
            case BlockStarted():
                self._task(event)
            case Further():
                of = "" if event.total is None else f" of {event.total}"
                self._progress.update(
                    self._task(event),
                    completed=event.shown,
                    words=f"{event.processed}{of} rows",
                )
            case BlockDone():
                rows = "done" if event.rows is None else f"done, {event.rows} rows"
                self._progress.update(self._task(event), completed=100, words=rows)
                self._progress.stop_task(self._task(event))
            case BlockFailed():
                why = f": {event.message}" if event.message else ""
                words = printable(f"{event.status}{why}")
                self._progress.update(self._task(event), words=words)
                self._progress.stop_task(self._task(event))

    def _task(self, event: BlockStarted | Further | BlockDone | BlockFailed) -> TaskID:
        if event.number not in self._tasks:
            name = f"  {event.number} {printable(event.name)}"
            self._tasks[event.number] = self._progress.add_task(
                name, total=100, words=""
            )
        return self._tasks[event.number]
