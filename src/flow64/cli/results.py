"""`flow64 results`: save the results of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from attrs import frozen

from ..client import Run
from ..runs.results import form_of_target
from ..runs.rows import FORMS
from . import params, printing
from .commands import STATE
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
    "A file that ends in .csv, .json, .ndjson or .parquet; else a folder, outside of "
    "which no file is written.",
    required=True,
    callback=None,
)
@params.option("--all every_stage", "All stages, also of a run that has not completed.")
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
) -> int:
    """Save the results of a run.

    RUN_ID is the id of the run, the beginning of it, or `latest`. By default its final
    file is saved, byte for byte: in a folder JSON if the run has it, since it keeps
    types, else CSV. Each file is complete or absent.
    """
    if every_stage and block is not None:
        raise click.UsageError("--all and --block: leave one of them out")
    delivery = Delivery(output, block)
    if is_to_stdout := params.is_dash(output):
        if every_stage:
            raise params.option_error("--output", "--all saves files: name a folder")
        delivery.require_sound(no_wait=False)
    with connect(env) as client:
        run = find_run(client, run_id, may_be_latest=True)
        if is_to_stdout:
            delivery.save(run)
            return 0
        files = run.download(
            output, block=block, every_stage=every_stage, overwrite=overwrite
        )
    printing.emit(Downloaded(run.id, str(client.env), [*files]))
    return 0


@frozen
class Delivery:
    """The place for the rows of a run: `--output` and `--block`."""

    output: Path | None
    block: str | int | None

    def require_sound(self, *, no_wait: bool) -> None:
        """Refuse what cannot be delivered, before anything is spent.

        Raises:
            click.UsageError: The options contradict each other, or no such file can be
                written.
            click.ClickException: The file exists.
        """
        path = self.output
        if path is None:
            if self.block is not None:
                raise click.UsageError("rows are saved with --output FILE: name it")
        elif no_wait:
            raise click.UsageError("--no-wait saves nothing: leave out --output")
        elif params.is_dash(path):
            if STATE.is_json:
                raise params.option_error("--output", "rows and --json both use stdout")
        elif not form_of_target(path):
            problem = f"{path} does not end in .csv, .json, .ndjson or .parquet"
            raise params.option_error("--output", problem)
        elif not path.parent.is_dir():
            raise params.option_error("--output", f"there is no folder {path.parent}")
        elif path.exists():
            problem = f"{path} exists; name another file, or remove it"
            raise click.ClickException(problem)

    @property
    def formats(self) -> Sequence[str]:
        """The formats to save, in addition to CSV and JSON."""
        suffix = "" if self.output is None else self.output.suffix.lower()
        return ["ndjson"] if FORMS.get(suffix) == "ndjson" else []

    def save(self, run: Run) -> int | None:
        """Save the rows of a run, and return their number."""
        path = self.output
        if path is None:
            return None
        if params.is_dash(path):
            with TemporaryDirectory(prefix="flow64-") as folder:  # all rows, or none
                file = Path(folder) / "rows.csv"
                count = run.to_csv(file, block=self.block)
                with file.open(encoding="utf-8", newline="") as lines:
                    while part := lines.read(1 << 16):
                        printing.write(part)
            return count
        if path.suffix.lower() == ".csv":
            return run.to_csv(path, block=self.block)
        run.download(path, block=self.block)
        return run.count
