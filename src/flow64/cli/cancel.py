"""`flow64 cancel`: an end to a run; what it has processed stays charged."""

from __future__ import annotations

import click

from ..text import printable
from ._options import OPTIONS
from ._service import connect
from ._shared import env_option, format_example, json_option, run_argument
from ._terminal import print_json, print_line, print_message


@click.command(
    "cancel", epilog=format_example("flow64 cancel 0b9b5ac1-5a0e-4d6f-9a2c-1f5d")
)
@run_argument
@env_option
@json_option
def command(*, run_id: str, env: str | None, as_json: bool) -> int:
    """Cancel a run, and print its status; one that has ended stays as it ended."""
    with connect(env) as client:
        status = client.runs.get(run_id).cancel()
        OPTIONS.is_done = True
    if as_json:
        print_json({"run_id": run_id, "status": status})
    else:
        print_line(printable(status))
    if status == "cancelled":
        print_message("rows that were processed before that may have been charged")
    else:
        print_message("nothing was cancelled: it had ended before")
    return 0
