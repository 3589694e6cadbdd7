"""`flow64 cancel`: an end to a run; what it has processed stays charged."""

from __future__ import annotations

import click

from ..text import printable
from ._options import SAID
from ._service import connected
from ._shared import env_option, example, json_option, run_argument
from ._terminal import give, give_data, talk


@click.command("cancel", epilog=example("flow64 cancel 0b9b5ac1-5a0e-4d6f-9a2c-1f5d"))
@run_argument
@env_option
@json_option
def command(*, run_id: str, env: str | None, as_json: bool) -> int:
    """Cancel a run, and print its status; one that has ended stays as it ended."""
    with connected(env) as client:
        status = client.runs.get(run_id).cancel()
        SAID.is_done = True
    if as_json:
        give_data({"run_id": run_id, "status": status})
    else:
        give(printable(status))
    if status == "cancelled":
        talk("rows that were processed before that may have been charged")
    else:
        talk("nothing was cancelled: it had ended before")
    return 0
