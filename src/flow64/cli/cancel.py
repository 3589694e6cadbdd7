"""`flow64 cancel`: end a run. Rows that it has processed stay charged."""

from __future__ import annotations

from . import _params as params
from ._colours import paint_state
from ._options import OPTIONS
from ._service import connect
from ._terminal import print_json, print_lines, print_message


@params.command("cancel", "flow64 cancel 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90")
@params.run_id
@params.env
@params.as_json
def command(*, run_id: str, env: str | None, as_json: bool) -> int:
    """Cancel a run, and print its status. A run that has ended does not change."""
    with connect(env) as client:
        params.require_run_id(client, run_id)
        status = client.runs.get(run_id).cancel()
        OPTIONS.is_done = True
    if as_json:
        env = str(client.env)
        found = {"run_id": run_id, "env": env, "status": status}
        print_json(found)
    else:
        print_lines([status], paint_state)
    if status == "cancelled":
        print_message("rows that were processed before that may have been charged")
    else:
        print_message("nothing was cancelled: the run had ended before")
    return 0
