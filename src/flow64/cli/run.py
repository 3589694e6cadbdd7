"""`flow64 run`: show what a run would spend, ask, start it once, and follow it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from attrs import field, frozen

from ..blocks import Webhook
from ..client import Run
from ..definition import Definition
from ..deploy.target import prepare
from ..environments import load
from ..errors import BuildError, SourceError, did_you_mean
from ..loading import LiveAddress, load_live_definition
from ..runs import payload
from ..runs.rows import FORMS, require_free
from ..runs.state import Stages
from ..text import STDIN, pluralize, printable
from ..workflow import Workflow
from . import _params as params
from ._estimate import Estimate, estimate_run
from ._exit_codes import INTERRUPTED
from ._options import OPTIONS
from ._output_options import ROW_FILES, rows_file
from ._param_types import NonEmpty, PathName
from ._service import connect, find_environment, format_watch_command
from ._stdin import is_dash, read_stdin
from ._terminal import confirm, print_json, print_line, print_message, print_text
from .watch import follow_run

PART: Final = 1 << 16
"""Characters that are printed at once."""


@frozen
class RunParameters:
    """The options of a run, by the names of their parameters."""

    source: str
    rows: Path | None
    first: int | None
    intent: str | None
    retry: str | None
    attach: str | None
    is_new: bool
    env: str | None
    values: Path | None
    max_rows: int | None
    max_cost: float | None
    stale: bool
    settings: Mapping[str, Any] | None = field(converter=params.parse_settings)
    dry_run: bool
    yes: bool
    wait: bool
    every: float
    timeout: float
    output: Path | None
    block: str | int | None = field(converter=params.parse_block)
    safe_csv: bool
    overwrite: bool
    no_code: bool
    as_json: bool

    def require_sound(self) -> None:
        """Refuse options that contradict each other, before anything is spent.

        Raises:
            click.UsageError: They do, or the file of rows cannot be written.
            RowsError: The file of rows exists.
        """
        if self.is_new and (self.intent or self.retry or self.attach):
            raise click.UsageError("--new starts a run of its own: leave out its name")
        if self.stale and self.settings is not None:
            raise click.UsageError("--set sends all settings: leave out --stale")
        path = self.output
        if path is None:
            if self.safe_csv or self.overwrite or self.block:
                raise click.UsageError("rows are saved with --output FILE: name it")
        elif not self.wait:
            raise click.UsageError("--no-wait saves nothing: leave out --output")
        elif is_dash(path):
            if self.as_json:
                problem = "it prints rows, and --json data; leave one of them out"
                raise params.option_error("--output -", problem)
        elif path.suffix.lower() not in FORMS:
            problem = f"{path} does not end in .csv, .json or .ndjson"
            raise params.option_error("--output", problem)
        elif not path.parent.is_dir():
            raise params.option_error("--output", f"there is no folder {path.parent}")
        else:
            require_free(path, overwrite=self.overwrite)

    def require_block(self, definition: Definition) -> None:
        """Refuse to start a run if it is unclear which rows to save.

        Raises:
            click.UsageError: The block is unknown.
            RunError: None is named, and the workflow ends in several.
        """
        try:
            Stages.of(definition).number("", self.block)
        except BuildError as error:
            raise params.option_error("--block", str(error)) from error

    def save_rows(self, run: Run) -> int | None:
        """Save the rows of a run to `--output`, and return their number."""
        path, block = self.output, self.block
        if path is None:
            return None
        if is_dash(path):
            with TemporaryDirectory(prefix="flow64-") as folder:
                file = Path(folder) / "rows.csv"
                count = run.to_csv(file, block=block, safe=self.safe_csv)
                with file.open(encoding="utf-8", newline="") as lines:
                    while part := lines.read(PART):  # all rows, or none
                        print_text(part)
            return count
        if path.suffix.lower() == ".csv":
            safe, overwrite = self.safe_csv, self.overwrite
            return run.to_csv(path, block=block, safe=safe, overwrite=overwrite)
        run.download(path, block=block, overwrite=self.overwrite)
        return run.count

    @property
    def formats(self) -> Sequence[str]:
        """The formats to save, beside CSV and JSON."""
        form = FORMS.get(self.output.suffix.lower()) if self.output else None
        return ["ndjson"] if form == "ndjson" else []


@params.command(
    "run",
    "flow64 run leads.py:inbound people.csv -o found.csv",
    "flow64 run leads.py:inbound people.csv --first 5",
    "flow64 run inbound people.csv --intent 2026-W20 --max-cost 50 --yes",
    "flow64 run prod:inbound people.csv",
    "flow64 run leads.py:search --set max_results=50",
    "flow64 run leads.py people.csv --retry 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90",
)
@click.argument("source")
@click.argument("rows", required=False, type=PathName(dir_okay=False, allow_dash=True))
@click.option(
    "--first",
    type=click.IntRange(min=1),
    metavar="N",
    help="Take only the first N rows, to try it.",
)
@click.option(
    "--intent",
    type=NonEmpty(),
    metavar="NAME",
    help="Name a run that must happen once, such as a date. Without a name, the "
    "same definition and rows are the same run.",
)
@click.option(
    "--retry",
    type=NonEmpty(),
    metavar="RUN_ID",
    help="Start this run again, once, if it ended without success. You may pay again "
    "for rows that it has processed.",
)
@click.option(
    "--attach",
    type=NonEmpty(),
    metavar="RUN_ID",
    help="Take this run for the one that a start without an answer has made.",
)
@click.option("--new", "is_new", is_flag=True, help="Start a run in any case.")
@params.env
@params.values
@click.option(
    "--max-rows",
    type=click.IntRange(min=0),
    metavar="N",
    help="Refuse to start with more rows.",
)
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    metavar="DOLLARS",
    help="Refuse to start if it may cost more, or if a price is unknown.",
)
@click.option(
    "--stale", is_flag=True, help="Run what is deployed even if the code differs."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Set a field of the source block for this run alone, in JSON: "
    "--set max_results=50, or for text --set 'query=\"CTOs in Berlin\"'. It is checked "
    "like code. Repeat it for more fields.",
)
@params.dry_run("Show the estimate and stop. Only reads are sent.")
@params.yes
@click.option(
    "--wait/--no-wait", default=True, help="Follow the run until it ends (default)."
)
@params.every
@params.timeout
@rows_file("Save the resulting rows in a file: .csv, .json or .ndjson. - is stdout.")
@click.option(
    "--block",
    metavar="KEY",
    help="Save the rows of this block, by its key path or number. Needed if the "
    "workflow ends in several blocks.",
)
@params.safe_csv
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@params.no_code
@params.as_json
def command(**given: Any) -> int:
    """Run a workflow with the rows of a file, once.

    SOURCE is one workflow: a file, a key, or ENV:KEY, which is run whatever the code
    says. ROWS is a CSV, JSON or NDJSON file, or - for stdin. Workflows that find their
    rows themselves take none. You see what the run would spend before you are asked to
    start it. The same command again attaches to the run, and buys nothing. Ctrl-C does
    not stop the run.

    The id of the run goes to stdout as soon as it is known. Exits with 1 if the run did
    not complete, with 3 if it was refused and nothing was sent, and with 4 if it is
    unknown whether a run was started.
    """
    options = RunParameters(**given)
    options.require_sound()
    values = params.read_values(options.values)
    workflow, env = _find_workflow(options)
    rows = _read_rows(options.rows)[: options.first]
    environment = find_environment(env)
    bound = environment.bound if values is None else values
    ready = prepare(workflow, environment.name, bound, environment.suffix)
    definition = payload.override_source(ready.definition, options.settings)
    _require_rows(definition, options.rows, len(rows))
    payload.build_payload(definition, rows)
    if options.output is not None:
        options.require_block(definition)
    is_overridden = options.settings is not None
    with connect(env) as client:
        prices = load().prices
        estimate = estimate_run(
            client,
            workflow.key,
            ready,
            definition,
            rows,
            prices=prices,
            is_overridden=is_overridden,
            is_stale=options.stale,
        )
        _show(estimate, options)
        if options.dry_run:
            return 0
        confirm("Start?", yes=options.yes)
        try:
            run = client.run(
                workflow,
                rows,
                env=env,
                intent=options.intent,
                new=options.is_new,
                retry=options.retry,
                attach=options.attach,
                values=values,
                stale=options.stale,
                specs_override=options.settings,
                result_formats=options.formats,
                max_rows=options.max_rows,
                max_cost=options.max_cost,
            )
        except KeyboardInterrupt:
            print_message("it may have been started: the same command finds it")
            return INTERRUPTED
        OPTIONS.is_done = True
        if run.is_attached:
            when = f" ({run.started_at[:10]})" if run.started_at else ""
            is_named = options.intent or options.attach or options.retry
            same = "same intent as" if is_named else "same rows and definition as"
            again = "" if is_named else "; --new buys again"
            message = (
                f"{workflow.key}: {same} run {run.id}{when}. Nothing bought{again}"
            )
            print_message(message)
        code, count = _follow(run, options, env)
    if options.as_json:
        place = {"key": workflow.key, "env": str(client.env)}
        print_json({**place, **_to_data(run, options.output, count)})
    return code


def _show(estimate: Estimate, options: RunParameters) -> None:
    """Print an estimate: before the question, or as the result of `--dry-run`."""
    if options.dry_run and options.as_json:
        print_json(estimate.as_data())
        return
    show = print_line if options.dry_run else print_message
    for line in (*estimate.as_lines(), str(estimate)):
        show(printable(line))


def _find_workflow(options: RunParameters) -> tuple[Workflow, str | None]:
    """Return the workflow to run, and the environment to run it in."""
    code = not options.no_code
    try:
        address = params.find_address(options.source, options.env)
        if not isinstance(address, LiveAddress):
            return params.load_source(address, code=code).only.workflow, options.env
    except SourceError as error:
        if options.rows and Path(options.source).suffix.lower() in ROW_FILES:
            words = shlex.join(["flow64", "run", str(options.rows), options.source])
            advice = f"{options.source} is not a workflow: write {words}"
            raise SourceError(advice, is_usage=True) from error
        raise
    with connect(address.env) as client:
        live = load_live_definition(client, address)
    return Workflow.from_definition(live), address.env


def _read_rows(file: Path | None) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a file, or of stdin."""
    if file is None:
        return []
    if not is_dash(file):
        if not file.exists():
            near = did_you_mean(str(file), map(str, file.parent.glob("*")))
            raise payload.rows_error([f"there is no file {str(file)!r}{near}"])
        return payload.as_rows(file)
    form = "CSV with a header, or JSON"
    return payload.parse_rows(read_stdin("ROWS", form), STDIN)


def _require_rows(definition: Definition, file: Path | None, count: int) -> None:
    """Refuse to start a workflow without the rows that it takes.

    A webhook with `webhook_input` has sample rows, so it needs no file. A file without
    rows is more likely a mistake: it would use up the intent.

    Raises:
        click.UsageError: No file is named.
        click.ClickException: The file has no rows.
    """
    if file is None:
        if payload.needs_rows(definition):
            raise click.UsageError(
                "ROWS is missing: the workflow begins with a webhook, which needs rows"
            )
    elif not count and Webhook.kind in definition.by_kind:
        name = STDIN if is_dash(file) else file
        raise click.ClickException(f"{name} has no rows; nothing was sent")


def _follow(
    run: Run, options: RunParameters, env: str | None
) -> tuple[int, int | None]:
    """Print its id, follow it, and save its rows.

    Returns:
        The exit code, and the number of rows that were saved.
    """
    began = time.monotonic()
    try:
        if is_dash(options.output):
            print_message(f"run {run.id}")
        elif not options.as_json:
            print_line(printable(run.id))
        if not options.wait:
            print_message(f"follow it: {format_watch_command(run.id, env)}")
            return 0, None
        code = follow_run(run, options.every, options.timeout)
        count = None if code else options.save_rows(run)
    except KeyboardInterrupt:
        print_message(f"the run goes on: {format_watch_command(run.id, env)}")
        return INTERRUPTED, None
    if not code and options.output is None:
        rows = "" if run.count is None else f"{pluralize(run.count, 'row')} "
        took = f"in {time.monotonic() - began:.0f} s"
        save = f"flow64 results {run.id} -o rows.csv"
        print_message(f"run {run.id}: {rows}{took}; {save}")
    elif not code and not is_dash(options.output):
        rows = "rows" if count is None else pluralize(count, "row")
        print_message(f"run {run.id}: {rows} in {options.output}")
    return code, count


RUN_FACTS: Final = ("workflow_id", "reason", "empty", "is_presumed", "is_attached")
"""Properties of a run that are data as they are."""


def _to_data(run: Run, output: Path | None, count: int | None) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "status": run.last_status,
        **{name: getattr(run, name) for name in RUN_FACTS},
        "output": None if count is None else str(output),
        "rows": count,
    }
