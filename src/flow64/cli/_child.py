"""One compilation in a process of its own, under settings that it is told.

    python -P -c "...; main()"  < job  and then the outcome is in the file of the job

The clock is moved before anything of the user is imported.
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any, Final

from ._clock import begin_at

DONE: Final = "done"
FAILED: Final = "failed"


def main() -> None:
    """Do the job that stdin tells, and write what came out of it to the file it names.

    What the user's modules print, and how they end, leaves that file alone.
    """
    job = json.loads(sys.stdin.buffer.read())
    os.umask(job["umask"])
    os.chdir(job["folder"])
    # What lies where the command was started is found, whatever the working folder.
    sys.path.append(job["home"])
    begin_at(job["clock"])
    random.seed(job["random"])
    _answer(Path(job["outcome"]), _outcome(job))


def _outcome(job: Any) -> dict[str, Any]:
    import click  # noqa: PLC0415 - after the clock was moved, as all that follows

    from ..diagnostics import as_text  # noqa: PLC0415 - see above
    from ..errors import CompileError, FlowError  # noqa: PLC0415 - see above
    from ._sources import load  # noqa: PLC0415 - see above

    try:
        loaded = load(job["source"])
        made = [_made(one, job["env"], job["values"]) for one in loaded.workflows]
    except click.ClickException as error:
        return {"state": FAILED, "problem": error.format_message()}
    except CompileError as error:
        return {"state": FAILED, "problem": as_text(error.findings).rstrip("\n")}
    except FlowError as error:
        return {"state": FAILED, "problem": str(error)}
    return {"state": DONE, "workflows": made}


def _made(one: Any, env: str | None, values: Any) -> dict[str, Any]:
    from ..definition import dumps  # noqa: PLC0415 - see above

    definition = one.workflow.compile(env, values)
    places = [definition.origins[at].place for at in range(len(definition.blocks))]
    return {
        "name": one.name,
        "where": one.where,
        "id": str(definition.id),
        "text": dumps(definition),
        "blocks": [str(block.id) for block in definition.blocks],
        "places": [None if place is None else str(place) for place in places],
    }


def _answer(file: Path, outcome: dict[str, Any]) -> None:
    part = file.with_suffix(".part")
    part.write_bytes(json.dumps(outcome).encode())
    part.replace(file)  # so that it is there whole, or not at all
