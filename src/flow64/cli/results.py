"""`flow64 results`: save the results of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from attrs import frozen

from . import params, printing
from .service import connect, find_run


@frozen
class Downloaded:
    """The files of a run that were saved."""

    run_id: str
    env: str
    files: Sequence[Path]

    def __rich__(self) -> str:
        return "\n".join(map(printing.name_file, self.files))


@params.command(
    "results",
    "flow64 results latest -o rows.csv",
    "flow64 results 0b9b5ac1 -o results --all",
)
@params.run_id
@params.output(
    "PATH",
    "A file that ends in .csv, .json or .ndjson; else a folder, outside of which no "
    "file is written.",
    required=True,
)
@click.option(
    "--all",
    "every_stage",
    is_flag=True,
    help="All stages, also of a run that has not completed.",
)
@params.block
@params.overwrite
@params.env
@params.as_json
def command(
    *,
    run_id: str,
    output: Path,
    every_stage: bool,
    block: str | int | None,
    overwrite: bool,
    env: str | None,
    as_json: bool,
) -> int:
    """Save the results of a run.

    RUN_ID is the id of the run, the beginning of it, or `latest`. By default its final
    file is saved, byte for byte: in a folder JSON if the run has it, since it keeps
    types, else CSV. Each file is complete or absent.
    """
    if every_stage and block is not None:
        raise click.UsageError("--all and --block: leave one of them out")
    with connect(env) as client:
        run = find_run(client, run_id, may_be_latest=True)
        files = run.download(
            output, block=block, every_stage=every_stage, overwrite=overwrite
        )
    printing.emit(Downloaded(run.id, str(client.env), [*files]), as_json=as_json)
    return 0
