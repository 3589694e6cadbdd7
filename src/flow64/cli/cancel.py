"""`flow64 cancel`: end a run. Rows that it has processed stay charged."""

from __future__ import annotations

from attrs import frozen

from ..text import printable
from . import params, printing
from .commands import STATE
from .service import connect, find_run


@frozen
class Cancellation:
    """A run that was to be cancelled."""

    run_id: str
    env: str
    status: str

    def __rich__(self) -> str:
        return self.status


@params.command("cancel", "flow64 cancel 0b9b5ac1")
@params.run_id
@params.env
@params.as_json
def command(*, run_id: str, env: str | None) -> int:
    """Cancel a run, and print its status. A run that has ended does not change.

    RUN_ID is the id of the run, or the beginning of it.
    """
    with connect(env) as client:
        run = find_run(client, run_id)
        status = run.cancel()
        STATE.is_done = True
    printing.emit(Cancellation(run.id, str(client.env), status))
    if status == "cancelled":
        printing.message("rows that were processed before that may have been charged")
    else:
        printing.message(f"nothing was cancelled: the run is {printable(status)}")
    return 0
