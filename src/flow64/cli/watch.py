"""`flow64 watch`: follow a run until it ends."""

from __future__ import annotations

import json
import re
from typing import Any

from attrs import asdict

from ..client import Run
from ..errors import RunFailedError
from ..runs import RunEvent
from ..text import printable
from . import _params as params
from ._display import open_display
from ._exit_codes import FAILED, INTERRUPTED
from ._service import connect, format_watch_command
from ._terminal import print_error, print_line, print_message, print_text


@params.command("watch", "flow64 watch 0b9b5ac1-5a0e-4d6f-9a2c-1f5d")
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
    status goes to stdout. With --json, each event is a line of JSON on stdout instead.
    Ctrl-C does not stop the run. Exits with 1 if the run did not complete.
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
    """Convert an event to JSON data. Its name is that of its class: `block-started`."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(event).__name__).lower()
    return {"event": name, **asdict(event)}
