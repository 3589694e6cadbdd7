"""`flow64 watch`: follow a run until it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import click
from attrs import asdict
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ..api.network import DAY
from ..client import Client, Run
from ..runs.watch import Event, failed_error
from ..text import pluralize, printable
from . import params, printing
from .commands import STATE
from .errors import FAILED, INTERRUPTED
from .service import connect, find_run, format_watch_command


@params.command("watch", "flow64 watch 0b9b5ac1", "flow64 watch latest --json")
@params.run_id
@params.option(
    "--timeout",
    "When to stop waiting; the run goes on. Default: a day.",
    "SECONDS",
    type=click.FloatRange(min=0),
    default=DAY,
)
@params.env
@params.as_json
def command(*, run_id: str, timeout: float, env: str | None) -> int:
    """Follow a run until it ends.

    RUN_ID is the id of the run, the beginning of it, or `latest`. Progress goes to
    stderr, as bars on a terminal, and elsewhere as a line as each block ends. The final
    status goes to stdout. With --json, each event is a line of JSON on stdout instead.
    Ctrl-C does not stop the run. Exits with 1 if the run did not complete.
    """
    with connect(env) as client:
        run = find_run(client, run_id, may_be_latest=True)
        try:
            code = follow(client, run, timeout, as_lines=STATE.is_json)
        except KeyboardInterrupt:
            again = format_watch_command(run.id, env)
            printing.message(f"the run goes on; follow it again: {again}")
            return INTERRUPTED
    if not STATE.is_json:
        status = run.last_status
        printing.show(f"{status}: {run.empty}" if run.empty else status)
    return code


def follow(
    client: Client, run: Run, timeout: float = DAY, *, as_lines: bool = False
) -> int:
    """Show the progress of a run until it ends, and return the exit code.

    Args:
        client: The client that the run is of.
        run: The run.
        timeout: Seconds after which to stop waiting.
        as_lines: Write each event to stdout as a line of JSON.

    Raises:
        WaitTimeoutError: The run has not ended in time. It goes on.
    """
    with _open_display(run, as_lines=as_lines) as show:
        every = 0.1 if client.session.is_local else 5.0  # nobody limits an emulator
        for event in run.watch(every=every, timeout=timeout):
            show(event)
    if run.last_status == "completed":
        return 0
    printing.error(failed_error(run.state).message)
    return FAILED


@contextmanager
def _open_display(run: Run, *, as_lines: bool) -> Generator[Callable[[Event], None]]:
    """Return a function that shows events: as data, as bars on a terminal, or lines."""
    console = printing.stderr()
    if as_lines:
        yield lambda event: printing.emit_data(
            {"run_id": run.id, **asdict(event)}, is_line=True
        )
    elif run.is_attached and run.is_ended:
        yield lambda _: None  # it was shown when it ran
    elif console.is_terminal and not console.is_dumb_terminal and not STATE.is_quiet:
        with Progress(
            # Names may contain anything, so markup is off.
            TextColumn("{task.description}", markup=False),
            BarColumn(24, "bright_black", "cyan", "green", "cyan"),
            TextColumn("{task.fields[words]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as progress:
            yield _Bars(progress).show
    else:
        yield _print_end


def _print_end(event: Event) -> None:
    """Print a line as a block ends."""
    if event.kind in ("done", "failed"):
        printing.message(str(event))


class _Bars:
    """Shows events as bars, one for each block, with counts."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[int | None, TaskID] = {}

    def show(self, event: Event) -> None:
        """Show an event."""
        if event.number not in self._tasks:
            name = f"{event.number} {printable(event.block)}" if event.number else "run"
            self._tasks[event.number] = self._progress.add_task(
                name, total=100, words=""
            )
        is_done = event.kind == "done" or event.status == "completed"
        self._progress.update(
            self._tasks[event.number],
            words=_describe_rows(event),
            completed=100 if is_done else event.percentage,
        )
        if event.kind in ("done", "failed"):
            self._progress.stop_task(self._tasks[event.number])


def _describe_rows(event: Event) -> str:
    if event.number is None or event.rows is None:
        return printable(event.text or event.status)
    if event.total is None:
        return pluralize(event.rows, "row")
    return f"{event.rows:,} of {pluralize(event.total, 'row')}"
