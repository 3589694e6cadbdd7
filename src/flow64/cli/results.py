"""`flow64 results`: what a run gave, as files that are complete or absent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..api import ResultItem
from ..client import Client, Run
from ..runs import (
    Allowance,
    choose_file,
    fetch_rows,
    require_free,
    safe_name,
    write_csv,
)
from ..text import printable
from ._service import connect
from ._shared import (
    allow_unproven_option,
    env_option,
    format_example,
    json_option,
    max_bytes_option,
    parse_block,
    run_argument,
)
from ._terminal import print_json, print_line, print_message


@click.command(
    "results",
    epilog=format_example(
        "flow64 results 0b9b5ac1-5a0e-4d6f-9a2c-1f5d -o results",
        "flow64 results 0b9b5ac1-5a0e-4d6f-9a2c-1f5d -o results --all --safe-csv",
    ),
)
@run_argument
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to; no name that the service gives leads out of it.",
)
@click.option(
    "--all",
    "every_stage",
    is_flag=True,
    help="The files of all stages, also of a run that has not completed.",
)
@click.option(
    "--block",
    metavar="KEY",
    help="The file of this block, by its key path or number; needed if the run ends in "
    "several.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
@click.option(
    "--safe-csv",
    is_flag=True,
    help="Write CSV in which no cell is run as a formula by a spreadsheet.",
)
@max_bytes_option
@allow_unproven_option
@env_option
@json_option
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
    """Download what a run gave.

    By default that is the final file of a completed run, byte for byte: JSON where the
    run kept it, since types survive in it, else CSV.
    """
    if every_stage and block is not None:
        raise click.UsageError("--all and --block: leave one of them out")
    named = parse_block(block)
    with connect(env) as client:
        run = client.runs.get(run_id)
        if safe_csv:
            items = _choose_result(run, client, named, every_stage=every_stage)
            allowance = Allowance(max_bytes, allow_unproven)
            paths = save_safely(
                client, run, output, items, overwrite=overwrite, allowance=allowance
            )
        else:
            paths = run.download(
                output,
                block=named,
                every_stage=every_stage,
                overwrite=overwrite,
                max_bytes=max_bytes,
                allow_unproven=allow_unproven,
            )
    if as_json:
        print_json([str(path) for path in paths])
    else:
        for path in paths:
            print_line(printable(str(path)))
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
    """Save files as CSV whose text no spreadsheet runs, and say so.

    Raises:
        SaveError: A file is there already, or cannot be written.
    """
    names: list[str] = []
    for item in items:
        stem = safe_name(item.filename).rpartition(".")[0]
        names.append(safe_name(f"{stem}.csv", taken=names))
    paths = [folder / name for name in names]
    for path in paths:
        require_free(path, overwrite=overwrite)
    folder.mkdir(parents=True, exist_ok=True)
    for item, path in zip(items, paths, strict=True):
        rows = client.call(fetch_rows, run, item, allowance)
        write_csv(rows, path, safe=True, overwrite=overwrite)
    print_message("text that a spreadsheet might run has a ' before it")
    return paths


def _choose_result(
    run: Run, client: Client, block: str | int | None, *, every_stage: bool
) -> Sequence[ResultItem]:
    """The files that are asked for."""
    return run.results() if every_stage else [client.call(choose_file, run, block)]
