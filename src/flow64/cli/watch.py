"""`flow64 watch`: what happens to a run, until it ends."""

from __future__ import annotations

import json
import re
from typing import Any

import click
from attrs import asdict

from ..client import Run
from ..errors import RunFailedError
from ..runs import RunEvent
from ..text import printable
from ._display import open_display
from ._exit_codes import FAILED, INTERRUPTED
from ._service import connect, format_watch_command
from ._shared import (
    env_option,
    every_option,
    format_example,
    json_option,
    run_argument,
    timeout_option,
)
from ._terminal import print_error, print_line, print_message, print_text


@click.command(
    "watch", epilog=format_example("flow64 watch 0b9b5ac1-5a0e-4d6f-9a2c-1f5d")
)
@run_argument
@every_option
@timeout_option
@env_option
@json_option
def command(
    *, run_id: str, every: float, timeout: float, env: str | None, as_json: bool
) -> int:
    """Follow a run until it ends.

    What happens goes to stderr: as bars on a terminal, else as lines; how it ended
    goes to stdout. With --json each event is a line of JSON on stdout instead. Ctrl-C
    leaves the run going. It ends with 1 where the run ended otherwise than completed.
    """
    with connect(env) as client:
        try:
            run = client.runs.get(run_id)
            code = follow_run(run, every, timeout, as_lines=as_json)
        except KeyboardInterrupt:
            print_message(
                f"the run goes on; follow it again: {format_watch_command(run_id, env)}"
            )
            return INTERRUPTED
    if not as_json:
        print_line(printable(run.status))
    return code


def follow_run(
    run: Run, every: float, timeout: float, *, as_lines: bool = False
) -> int:
    """Show what happens to a run until it ends, and give the exit code.

    Args:
        run: The run.
        every: Seconds between looks.
        timeout: Seconds after which to give up.
        as_lines: Write each event to stdout as a line of JSON.

    Raises:
        WaitTimeoutError: It had not ended by then; it goes on.
    """
    if as_lines:
        for event in run.watch(every=every, timeout=timeout):
            print_text(json.dumps(event_to_data(event), ensure_ascii=False) + "\n")
    else:
        with open_display(run.id) as display:
            for event in run.watch(every=every, timeout=timeout):
                display.show(event)
    if run.status == "completed":
        return 0
    print_error(str(RunFailedError(run.id, run.status, run.reason)))
    return FAILED


def event_to_data(event: RunEvent) -> dict[str, Any]:
    """An event as JSON data; its class is its name: `block-started`."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(event).__name__).lower()
    return {"event": name, **asdict(event)}
