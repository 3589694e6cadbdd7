"""`flow64 run`: show what a run would spend, ask, start it once, and follow it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click
from attrs import field, frozen

from ..blocks import Webhook
from ..client import Run
from ..definition import Definition
from ..errors import AmbiguousRowsError, ArgumentError, RowsError, did_you_mean
from ..loading import AddressError, LiveAddress, load_live_definition
from ..runs import payload
from ..runs.rows import FORMS, require_free
from ..runs.state import Stages
from ..text import STDIN, pluralize, printable
from ..workflow import Workflow
from . import _params as params
from ._estimate import (
    collect_run_facts,
    describe_input,
    describe_settings,
    make_estimate_data,
    print_facts,
)
from ._exit_codes import INTERRUPTED
from ._options import OPTIONS
from ._output_options import ROW_FILES, rows_file
from ._param_types import NonEmpty, PathName
from ._service import connect, find_environment, format_watch_command
from ._stdin import is_dash, read_stdin
from ._terminal import (
    confirm,
    print_json,
    print_line,
    print_message,
    print_text,
)
from .watch import follow_run

PART: Final = 1 << 16
"""Characters that are printed at once."""


@frozen
class RunParameters:
    """The options of a run, by the names of their parameters."""

    source: str
    rows: Path | None
    intent: str | None
    retry: str | None
    attach: str | None
    is_new: bool
    first: int | None
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

    def require_fresh(self) -> None:
        """Refuse `--set` together with `--stale`.

        Raises:
            click.UsageError: Both were given.
        """
        if self.stale and self.settings is not None:
            problem = "--set sends all settings of the source block, and with --stale"
            advice = "name the live workflow in place of --stale, as in prod:inbound"
            raise click.UsageError(f"{problem} the code may have others; {advice}")

    def require_output(self) -> None:
        """Refuse a file that cannot be written, before anything is spent.

        Raises:
            click.UsageError: Options contradict each other, the file is neither CSV nor
                NDJSON, or its folder does not exist.
            SaveError: The file exists.
        """
        path = self.output
        if path is None:
            if self._has_output_options:
                raise click.UsageError("rows are saved with --output FILE: name it")
            return
        if not self.wait:
            raise click.UsageError("--no-wait saves nothing: leave out --output")
        if is_dash(path):
            if self.as_json:
                problem = "it prints rows, and --json data; leave one of them out"
                raise params.option_error("--output -", problem)
            return
        if FORMS.get(path.suffix.lower()) not in ("csv", "ndjson"):
            problem = f"{path} ends neither in .csv nor in .ndjson"
            raise params.option_error("--output", problem)
        if self.safe_csv and path.suffix.lower() != ".csv":
            raise params.option_error("--safe-csv", f"{path} is not a CSV file")
        if not path.parent.is_dir():
            raise params.option_error("--output", f"there is no folder {path.parent}")
        require_free(path, overwrite=self.overwrite)

    @property
    def _has_output_options(self) -> bool:
        return bool(self.safe_csv or self.overwrite or self.block)

    def require_block(self, definition: Definition) -> None:
        """Refuse to start a run if it is unclear which rows to save.

        Raises:
            click.UsageError: The block is unknown; or none is named, and the workflow
                ends in several.
        """
        try:
            Stages.of(definition).number("", self.block)
        except AmbiguousRowsError as error:
            ends = printable(", ".join(error.ends))
            problem = f"the workflow ends in several blocks: {ends}; name one of them"
            raise params.option_error("--block", problem) from error
        except ArgumentError as error:
            problem = params.describe_blocks(error)
            raise params.option_error("--block", problem) from error

    def print_id(self, run: Run) -> None:
        """Print the id of a run, unless stdout is for something else."""
        if is_dash(self.output):
            print_message(f"run {run.id}")
        elif not self.as_json:
            print_line(printable(run.id))

    def save_rows(self, run: Run) -> int | None:
        """Save the rows of a run to `--output`, and return their number."""
        if self.output is None:
            return None
        facts: Any = {"block": self.block, "overwrite": self.overwrite}
        if is_dash(self.output):
            return self._print_rows(run, facts)
        if FORMS[self.output.suffix.lower()] == "ndjson":
            count = run.to_ndjson(self.output, **facts)
        else:
            if self.safe_csv:
                print_message("text that a spreadsheet might run gets a ' before it")
            count = run.to_csv(self.output, safe=self.safe_csv, **facts)
        rows = "1 row is" if count == 1 else f"{count} rows are"
        print_message(f"{rows} in {self.output}")
        return count

    def _print_rows(self, run: Run, facts: Mapping[str, Any]) -> int:
        """Print the rows of a run as CSV: all of them, or none."""
        with TemporaryDirectory(prefix="flow64-") as folder:
            file = Path(folder) / "rows.csv"
            count = run.to_csv(file, safe=self.safe_csv, **facts)
            with file.open(encoding="utf-8", newline="") as lines:
                while part := lines.read(PART):
                    print_text(part)
        return count


@params.command(
    "run",
    "flow64 run leads.py:inbound people.csv --intent 2026-W20 -o found.csv",
    "flow64 run leads.py:inbound people.csv --intent 2026-W20 --max-cost 50 --yes",
    "flow64 run inbound people.csv --intent 2026-W20",
    "flow64 run prod:inbound people.csv --intent 2026-W20",
    "flow64 run leads.py:search --set max_results=50 --intent 2026-W20",
    "flow64 run leads.py people.csv --retry 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90",
)
@click.argument("source")
@click.argument(
    "rows",
    required=False,
    type=PathName(dir_okay=False, allow_dash=True),
)
@click.option(
    "--intent",
    type=NonEmpty(),
    metavar="NAME",
    help="Name a run that must happen once, such as a date or a CI job. The same "
    "intent with the same rows is the same run, on any machine.",
)
@click.option(
    "--retry",
    type=NonEmpty(),
    metavar="RUN_ID",
    help="Start this run again, once, if it ended without success. You may pay again "
    "for rows that it has processed.",
)
@click.option(
    "--new",
    "is_new",
    is_flag=True,
    help="Start another run of the same definition and rows, and pay again.",
)
@click.option(
    "--attach",
    type=NonEmpty(),
    metavar="RUN_ID",
    help="Take this run for the one that a start without an answer has started.",
)
@click.option(
    "--first",
    type=Whole(min=1),
    metavar="N",
    help="Send only the first rows, to try the workflow for little.",
)
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
@rows_file("Save the resulting rows in a file, .csv or .ndjson. - is stdout, as CSV.")
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
    """Run a workflow with the rows of a file, once for each intent.

    SOURCE is one workflow: a file, a key, or ENV:KEY. A live one is
    run whatever the code says. ROWS is a CSV, JSON or NDJSON file, or - for stdin,
    which is JSON if it begins with [ or {. Workflows that find their rows themselves
    take none. You see what the run would spend before you are asked to start it. Ctrl-C
    does not stop the run. With --dry-run nothing is started.

    The id of the run goes to stdout as soon as it is known. Exits with 1 if the run did
    not complete, with 3 if it was refused and nothing was sent, and with 4 if it is
    unknown whether a run was started.
    """
    options = RunParameters(**given)
    options.require_fresh()
    options.require_output()
    values = params.read_values(options.values)
    workflow, env = _find_workflow(options)
    rows = _read_rows(options.rows)[: options.first]
    with connect(env) as client:
        launch = client.make_launch(
            "run",
            workflow,
            env=env,
            values=values,
            stale=options.stale,
            specs_override=options.settings,
            max_rows=options.max_rows,
            max_cost=options.max_cost,
        )
        definition = launch.definition
        _require_rows(definition, options.rows, len(rows))
        launch.build_payload(rows)
        if options.output is not None:
            options.require_block(definition)
        launch.budget.require(workflow.name, definition, len(rows))
        facts = collect_run_facts(
            client,
            workflow,
            definition,
            len(rows),
            is_overridden=options.settings is not None,
            ready=None if options.stale else launch.ready,
        )
        facts[2:2] = describe_settings(launch.ready.definition, definition)
        facts += describe_input(rows)
        if options.dry_run:
            if options.as_json:
                print_json(make_estimate_data(facts, client, workflow, definition))
            else:
                print_facts(facts, is_result=True)
            return 0
        print_facts(facts)
        confirm("Start it?", yes=options.yes)
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
                max_rows=options.max_rows,
                max_cost=options.max_cost,
            )
        except KeyboardInterrupt:
            print_message(_CUT_OFF)
            return INTERRUPTED
        OPTIONS.is_done = True
        options.print_id(run)
        if not options.wait:
            print_message(f"follow it: {format_watch_command(run.id, env)}")
            code, count = 0, None
        else:
            code, count = _follow(run, options, env)
        if options.as_json:
            place = {"key": workflow.key, "env": str(client.env)}
            print_json({**place, **_to_data(run, options.output, count)})
    return code


_CUT_OFF: Final = (
    "it may have been started: the same command finds it, and pays once (with --new, "
    "look at `flow64 runs` first)"
)


def _find_workflow(options: RunParameters) -> tuple[Workflow, str | None]:
    """Return the workflow to run, and the environment to run it in."""
    code = not options.no_code
    try:
        address = params.find_address(options.source, options.env, code=code)
        if not isinstance(address, LiveAddress):
            return params.load_source(address, code=code).only.workflow, options.env
    except AddressError as error:
        if advice := _advise_source(options):
            raise AddressError(advice, error.notes) from error
        raise
    with connect(address.env) as client:
        live = load_live_definition(client, address)
    return Workflow.from_definition(live), address.env


def _advise_source(options: RunParameters) -> str:
    """Return what to write if SOURCE is meant as something else; else nothing."""
    rows = options.rows
    if rows is not None and Path(options.source).suffix.lower() in ROW_FILES:
        words = ["flow64", "run", str(rows), options.source]
        return f"{options.source} is not a workflow: write {shlex.join(words)}"
    meant = _MEANT.get(options.source)
    return f"there is no workflow {options.source!r}; {meant}" if meant else ""


_MEANT: Final = {
    "list": "flow64 runs lists the newest runs",
    "view": "flow64 results saves the files of a run",
    "watch": "flow64 watch follows a run",
}
"""Commands of other tools that begin with `run`."""


def _read_rows(file: Path | None) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a file, or of stdin."""
    if file is None:
        return []
    if not is_dash(file):
        if not file.exists():
            near = did_you_mean(str(file), map(str, file.parent.glob("*")))
            raise RowsError([f"there is no file {str(file)!r}{near}"])
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
    """Follow a run, and save its rows. Return the exit code and the number of rows."""
    try:
        code = follow_run(run, options.every, options.timeout)
        if code:
            return code, None
        if options.output is None:
            _print_results_command(run, env)
        return code, options.save_rows(run)
    except KeyboardInterrupt:
        print_message(
            f"the run goes on; follow it again: {format_watch_command(run.id, env)}"
        )
        return INTERRUPTED, None


def _print_results_command(run: Run, env: str | None) -> None:
    """Print how many rows there are, and the line that gets them."""
    items = run.results()
    rows = pluralize(items[-1].row_count if items else 0, "row")
    option = f" --env {shlex.quote(env)}" if env else ""
    command = f"flow64 results {shlex.quote(run.id)} -o rows.csv{option}"
    print_message(f"run {run.id}: {rows}; {command}")


RUN_FACTS: Final = (
    "workflow_id",
    "last_status",
    "reason",
    "empty",
    "is_presumed",
    "is_attached",
)
"""Properties of a run that are data as they are."""


def _to_data(run: Run, output: Path | None, count: int | None) -> dict[str, Any]:
    return {
        "run_id": run.id,
        **{name.removeprefix("last_"): getattr(run, name) for name in RUN_FACTS},
        "output": None if count is None else str(output),
        "rows": count,
    }
