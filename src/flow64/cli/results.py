"""`flow64 results`: save the results of a run."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import BuildError
from . import _params as params
from ._output_options import results_path
from ._service import connect
from ._terminal import print_json, print_paths


@params.command(
    "results",
    "flow64 results 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90 -o rows.csv",
    "flow64 results 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90 -o results --all",
)
@params.run_id
@results_path(
    "A file that ends in .csv, .json or .ndjson; else a folder, outside of which no "
    "file is written."
)
@click.option(
    "--all",
    "every_stage",
    is_flag=True,
    help="All stages, also of a run that has not completed.",
)
@click.option(
    "--block",
    metavar="KEY",
    help="The file of this block, by its kind or number. Needed if the run ends in "
    "several blocks.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@params.safe_csv
@params.env
@params.as_json
def command(
    *,
    run_id: str,
    output: Path,
    every_stage: bool,
    block: str | None,
    overwrite: bool,
    safe_csv: bool,
    env: str | None,
    as_json: bool,
) -> int:
    """Save the results of a run.

    By default it is the final file of a completed run, byte for byte: in a folder JSON
    if the run has it, since it keeps types, else CSV. Each file is complete or absent.
    """
    if every_stage and block is not None:
        raise click.UsageError("--all and --block: leave one of them out")
    if safe_csv and (every_stage or output.suffix.lower() != ".csv"):
        raise click.UsageError("--safe-csv writes one file: -o FILE.csv")
    named = params.parse_block(block)
    with connect(env) as client:
        params.require_run_id(client, run_id)
        run = client.runs.get(run_id)
        try:
            if safe_csv:
                run.to_csv(output, block=named, safe=True, overwrite=overwrite)
                paths = [output]
            else:
                paths = [
                    *run.download(
                        output,
                        block=named,
                        every_stage=every_stage,
                        overwrite=overwrite,
                    )
                ]
        except BuildError as error:
            problem = f"--block: {error}"
            raise click.ClickException(problem) from error
    if as_json:
        files = [str(path) for path in paths]
        print_json({"run_id": run_id, "env": str(client.env), "files": files})
    else:
        print_paths(paths, as_json=False)
    return 0
