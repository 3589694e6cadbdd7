"""`flow64 results`: download the results of a run as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..api import ResultItem
from ..client import Client, Run
from ..errors import ArgumentError
from ..runs import (
    Allowance,
    Tracked,
    choose_file,
    download_files,
    fetch_rows,
    make_safe_name,
    require_free,
    write_csv,
)
from . import _params as params
from ._output_options import results_folder
from ._service import connect
from ._terminal import print_json, print_message, print_paths


@params.command(
    "results",
    "flow64 results 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90 -o results",
    "flow64 results 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90 -o results --all",
)
@params.run_id
@results_folder("The folder for the files. No file is written outside it.")
@click.option(
    "--all",
    "every_stage",
    is_flag=True,
    help="All stages, also of a run that has not completed.",
)
@click.option(
    "--block",
    metavar="KEY",
    help="The file of this block, by its key path or number. Needed if the run ends in "
    "several blocks.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@params.safe_csv
@params.max_bytes
@params.allow_unproven
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
    max_bytes: int | None,
    allow_unproven: bool,
    env: str | None,
    as_json: bool,
) -> int:
    """Download the results of a run.

    By default it is the final file of a completed run, byte for byte: JSON if the run
    has it, since it keeps types, else CSV. Each file is complete or absent.
    """
    if every_stage and block is not None:
        raise click.UsageError("--all and --block: leave one of them out")
    named = params.parse_block(block)
    with connect(env) as client:
        params.require_run_id(client, run_id)
        run = client.runs.get(run_id)
        allowance = Allowance(max_bytes, allow_unproven)
        try:
            items = _choose_results(run, client, named, every_stage=every_stage)
        except ArgumentError as error:
            problem = f"--block: {params.describe_blocks(error)}"
            raise click.ClickException(problem) from error
        given: Any = {"overwrite": overwrite, "allowance": allowance}
        if safe_csv:
            paths = save_safely(client, run, output, items, **given)
        else:
            paths = client.call(download_files, run.id, items, output, **given)
    if as_json:
        found = {
            "run_id": run_id,
            "env": str(client.env),
            "files": [str(path) for path in paths],
        }
        print_json(found)
    else:
        print_paths(paths, as_json=False)
    return 0


def save_safely(
    client: Client,
    run: Run,
    folder: Path,
    items: Sequence[ResultItem],
    *,
    overwrite: bool,
    allowance: Allowance,
) -> Sequence[Path]:
    """Save files as CSV that no spreadsheet takes for formulas, and print a note.

    Raises:
        SaveError: A file exists, or cannot be written.
    """
    names: list[str] = []
    for item in items:
        stem = make_safe_name(item.filename).rpartition(".")[0]
        names.append(make_safe_name(f"{stem}.csv", taken=names))
    paths = [folder / name for name in names]
    for path in paths:
        require_free(path, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    for item, path in zip(items, paths, strict=True):
        rows = client.call(fetch_rows, _get_state(run), item, allowance)
        write_csv(rows, path, safe=True, overwrite=overwrite)
    print_message("text that a spreadsheet might run has a ' before it")
    return paths


def _choose_results(
    run: Run, client: Client, block: str | int | None, *, every_stage: bool
) -> Sequence[ResultItem]:
    """Return the files to save."""
    if every_stage:
        return run.results()
    return [client.call(choose_file, _get_state(run), block)]


def _get_state(run: Run) -> Tracked:
    """Return the state of a run, to read files that are not its last."""
    return run._tracked  # noqa: SLF001 - its own methods read one file at a time
