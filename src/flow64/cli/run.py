"""`flow64 run`: say what it would spend, ask, start it once, and follow it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from attrs import frozen

from ..blocks import Webhook
from ..client import Client, Run
from ..definition import Definition, add_suffix
from ..errors import AmbiguousRowsError, ArgumentError, ForbiddenError, NotFoundError
from ..loading import LiveAddress, load_live_definition, parse_address, require_same_env
from ..runs import Budget, needs_rows, require_free, rows_from, stages_of
from ..text import printable
from ..workflow import Workflow
from ._estimate import estimate
from ._exit_codes import INTERRUPTED, RefusedError
from ._load import load_source
from ._options import OPTIONS
from ._service import connect, find_environment, format_watch_command
from ._shared import (
    FILE,
    Whole,
    allow_unproven_option,
    dry_run_option,
    env_option,
    every_option,
    format_example,
    json_option,
    max_bytes_option,
    no_code_option,
    option_error,
    parse_block,
    read_values,
    timeout_option,
    values_option,
    yes_option,
)
from ._terminal import confirm, is_interactive, print_json, print_line, print_message
from .watch import follow_run


@frozen
class Output:
    """The file for the rows of a run.

    Attributes:
        path: A CSV or NDJSON file.
        block: Whose rows, by its key path or number; None for whatever comes last.
        is_safe: Whether no cell of a CSV may be run as a formula.
        overwrite: Whether a file that is there is replaced.
        max_bytes: The most bytes to download; None for the default of `Run.rows`.
        allow_unproven: Whether rows are kept if nothing proves that they are complete.
    """

    path: Path
    block: str | int | None
    is_safe: bool
    overwrite: bool
    max_bytes: int | None = None
    allow_unproven: bool = False

    def require_usable(self) -> None:
        """Refuse what cannot be written, before anything is spent.

        Raises:
            click.UsageError: It is neither CSV nor NDJSON, or its folder is not there.
            SaveError: It is there already.
        """
        if self.path.suffix not in (".csv", ".ndjson"):
            raise option_error(
                "--output", f"{self.path} ends neither in .csv nor in .ndjson"
            )
        if self.is_safe and self.path.suffix != ".csv":
            raise option_error("--safe-csv", f"{self.path} is no CSV file")
        if not self.path.parent.is_dir():
            raise option_error("--output", f"there is no folder {self.path.parent}")
        require_free(self.path, overwrite=self.overwrite)

    def require_block(self, definition: Definition) -> None:
        """Refuse to start a run if it is not clear which rows are saved.

        Raises:
            click.UsageError: No block has that name, or none is named and the workflow
                ends in several.
        """
        try:
            stages_of(definition).number("", self.block)
        except AmbiguousRowsError as error:
            ends = printable(", ".join(error.ends))
            problem = f"the workflow ends in several blocks: {ends}; name one of them"
            raise option_error("--block", problem) from error
        except ArgumentError as error:
            raise option_error("--block", error.problem) from error

    def save(self, run: Run) -> int:
        """Save the rows of a run, and give their number."""
        facts: Any = {
            "block": self.block,
            "overwrite": self.overwrite,
            "max_bytes": self.max_bytes,
            "allow_unproven": self.allow_unproven,
        }
        if self.path.suffix == ".ndjson":
            return run.to_ndjson(self.path, **facts)
        if self.is_safe:
            print_message("text that a spreadsheet might run gets a ' before it")
        return run.to_csv(self.path, safe=self.is_safe, **facts)


@click.command(
    "run",
    epilog=format_example(
        "flow64 run leads.py:inbound people.csv --intent 2026-W20 --output found.csv",
        "flow64 run leads.py:inbound people.csv --intent 2026-W20 --max-cost 50 --yes",
        "flow64 run prod:inbound people.csv --intent 2026-W20",
        "flow64 run leads.py:inbound people.csv --retry 0b9b5ac1-5a0e-4d6f-9a2c-1f5d",
    ),
)
@click.argument("source")
@click.argument("rows", required=False, type=FILE)
@click.option(
    "--intent",
    metavar="NAME",
    help="Names a run that must happen once, such as a date or a CI job: the same "
    "intent with the same rows is the same run, on any machine.",
)
@click.option(
    "--retry",
    metavar="RUN_ID",
    help="Start this run again, once, which ended without success; what it has "
    "processed may be paid for again.",
)
@click.option("--new", "is_new", is_flag=True, help="Start a run whatever ran before.")
@env_option
@values_option
@click.option(
    "--max-rows",
    type=Whole(min=0),
    metavar="N",
    help="Refuse to start with more rows.",
)
@click.option(
    "--max-cost",
    type=click.FloatRange(min=0),
    metavar="DOLLARS",
    help="Refuse what may cost more by documented prices, or whose price is unknown.",
)
@click.option(
    "--allow-unpriced", is_flag=True, help="Go on where a price is not known."
)
@click.option("--stale", is_flag=True, help="Run what is there, although code differs.")
@click.option(
    "--check-columns/--no-check-columns",
    default=True,
    help="Hold rows against the columns that the webhook declares; default.",
)
@dry_run_option("Show the estimate and stop: only reads are sent, nothing is started.")
@yes_option
@click.option(
    "--wait/--no-wait", default=True, help="Follow it until it ends; default."
)
@every_option
@timeout_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save the rows that it gives as .csv or .ndjson.",
)
@click.option(
    "--block",
    metavar="KEY",
    help="Save the rows of this block, by its key path or number; needed if the "
    "workflow ends in several.",
)
@click.option(
    "--safe-csv",
    is_flag=True,
    help="Let no cell of the CSV be run as a formula by a spreadsheet.",
)
@click.option("--overwrite", is_flag=True, help="Replace the file that is there.")
@max_bytes_option
@allow_unproven_option
@no_code_option
@json_option
def command(
    *,
    source: str,
    rows: Path | None,
    intent: str | None,
    retry: str | None,
    is_new: bool,
    env: str | None,
    values: Path | None,
    max_rows: int | None,
    max_cost: float | None,
    allow_unpriced: bool,
    stale: bool,
    check_columns: bool,
    dry_run: bool,
    yes: bool,
    wait: bool,
    every: float,
    timeout: float,
    output: Path | None,
    block: str | None,
    safe_csv: bool,
    overwrite: bool,
    max_bytes: int | None,
    allow_unproven: bool,
    no_code: bool,
    as_json: bool,
) -> int:
    """Run a workflow with the rows of a file, once for each intent.

    SOURCE is one workflow: SOURCE:KEY, or the source alone where it holds no other;
    ENV:KEY or ENV:id:UUID runs what is live in an environment, whatever code says.
    ROWS is a CSV, JSON or NDJSON file; workflows that find their rows themselves take
    none. What it would spend is shown before it asks. Ctrl-C leaves the run going.
    With --dry-run it shows what the run would spend, and starts nothing.

    The id of the run goes to stdout as soon as it is known. It ends with 1 where the
    run ended otherwise than completed, with 3 where it was refused and nothing was
    sent, and with 4 where nobody knows whether a run was started.
    """
    _require_name(intent, retry, is_new=is_new)
    saved = _save_rows(
        output,
        safe_csv,
        block,
        wait=wait,
        overwrite=overwrite,
        max_bytes=max_bytes,
        allow_unproven=allow_unproven,
    )
    given = read_values(values)
    workflow, env = _find_workflow(source, env, code=not no_code)
    is_nameless = not (intent or retry or is_new)
    if is_nameless and not (dry_run or is_interactive()):
        raise RefusedError(
            "repeated, this command would start a run each time and pay again: name "
            "the run with --intent, as in --intent 2026-W20, or say --new"
        )
    sent = [] if rows is None else rows_from(rows)
    environment = find_environment(env)
    bound = environment.bound if given is None else given
    definition = add_suffix(
        workflow.compile(environment.name, bound), environment.suffix
    )
    _require_rows(definition, rows, len(sent))
    if saved is not None:
        saved.require_block(definition)
    Budget(
        environment.max_rows if max_rows is None else max_rows,
        environment.max_cost if max_cost is None else max_cost,
        allow_unpriced,
    ).require(workflow.name, definition, len(sent))
    with connect(env) as client:
        facts = _facts(client, workflow, definition, len(sent))
        if dry_run:
            _print_result(facts, as_json=as_json)
            return 0
        _print_facts(facts)
        if is_nameless:
            print_message(
                "it has no --intent, so the same command starts another run, and pays "
                "again; with one, as in --intent 2026-W20, it would be the same run"
            )
        confirm("Start it?", yes=yes)
        try:
            run = client.run(
                workflow,
                sent,
                env=env,
                intent=intent,
                retry=retry,
                values=given,
                stale=stale,
                check_columns=check_columns,
                max_rows=max_rows,
                max_cost=max_cost,
                allow_unpriced=allow_unpriced,
            )
        except KeyboardInterrupt:
            print_message(_cut_off(intent or retry))
            return INTERRUPTED
        OPTIONS.is_done = True
        if run.is_attached:
            print_message("it was started before; nothing was started or bought now")
        if not as_json:
            print_line(printable(run.id))
        if not wait:
            print_message(f"follow it: {format_watch_command(run.id, env)}")
            code, count = 0, None
        else:
            code, count = _follow(run, every, timeout, saved, env)
    if as_json:
        print_json(_to_data(run, output, count))
    return code


def _find_workflow(
    source: str, env: str | None, *, code: bool
) -> tuple[Workflow, str | None]:
    """Return the workflow at an address, and the environment to run it in."""
    address = parse_address(source)
    if not isinstance(address, LiveAddress):
        return load_source(address.source, code=code).only.workflow, env
    env = require_same_env(address, env)
    with connect(env) as client:
        return Workflow.from_definition(load_live_definition(client, address)), env


def _require_name(intent: str | None, retry: str | None, *, is_new: bool) -> None:
    """Refuse names that are none.

    Raises:
        click.UsageError: One is empty, or stands beside `--new`.
    """
    if is_new and (intent or retry):
        raise click.UsageError("--new starts a run of its own: leave out its name")
    for option, name in (("--intent", intent), ("--retry", retry)):
        if name is not None and not name.strip():
            problem = f"{option} is empty: is the variable set that it comes from?"
            raise click.UsageError(problem)


def _require_rows(definition: Definition, file: Path | None, count: int) -> None:
    """Refuse to start a workflow without the rows that it takes.

    A webhook with `webhook_input` has sample rows, so it needs no file. A file without
    rows is more likely a mistake: it would use up the intent.

    Raises:
        click.UsageError: No file is named.
        click.ClickException: It has no rows.
    """
    if file is None:
        if needs_rows(definition):
            raise click.UsageError(
                "ROWS is missing: the workflow begins with a webhook, which brings them"
            )
    elif not count and Webhook.kind in definition.by_kind:
        raise click.ClickException(f"{file} has no rows; nothing was sent")


def _save_rows(
    path: Path | None,
    is_safe: bool,
    block: str | None,
    *,
    wait: bool,
    overwrite: bool,
    max_bytes: int | None,
    allow_unproven: bool,
) -> Output | None:
    """Return the file for the rows, after checking that it can be written.

    Raises:
        click.UsageError: Options do not go together, or name no file that can be made.
        SaveError: The file is there already.
    """
    if path is None:
        if is_safe or overwrite or block or max_bytes or allow_unproven:
            raise click.UsageError("rows are saved with --output FILE: name it")
        return None
    if not wait:
        raise click.UsageError("--no-wait saves nothing: leave out --output")
    saved = Output(
        path,
        parse_block(block),
        is_safe=is_safe,
        overwrite=overwrite,
        max_bytes=max_bytes,
        allow_unproven=allow_unproven,
    )
    saved.require_usable()
    return saved


def _follow(
    run: Run, every: float, timeout: float, saved: Output | None, env: str | None
) -> tuple[int, int | None]:
    """Follow a run and save its rows; gives the exit code and the number of rows."""
    try:
        code = follow_run(run, every, timeout)
        if saved is None or code:
            return code, None
        count = saved.save(run)
    except KeyboardInterrupt:
        print_message(
            f"the run goes on; follow it again: {format_watch_command(run.id, env)}"
        )
        return INTERRUPTED, None
    print_message(
        f"1 row is in {saved.path}"
        if count == 1
        else f"{count} rows are in {saved.path}"
    )
    return code, count


def _facts(
    client: Client,
    workflow: Workflow,
    definition: Definition,
    rows: int,
) -> Sequence[tuple[str, str]]:
    """Return what would be run, where, for whom, and for how much: labels and texts.

    The price is that of what is deployed, since that is what runs.
    """
    facts = [
        ("run", f"{workflow.name} ({definition.id})"),
        ("environment", f"{client.env} at {client.endpoint}"),
    ]
    try:
        live = client.workflows.get(str(definition.id))
    except NotFoundError:
        facts.append(("deployed", "no: there is no such workflow, so it cannot run"))
    except ForbiddenError:
        facts.append(("deployed", "unknown: this credential may not see the workflow"))
    else:
        definition = live.definition or definition
        if live.org_id:
            facts.append(("organisation", live.org_id))
    return [*facts, *estimate(definition, rows)]


def _print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print what would be run."""
    for label, text in facts:
        print_message(text, f"{label:13}", "bold")


def _print_result(facts: Sequence[tuple[str, str]], *, as_json: bool) -> None:
    """Write the estimate of a run to stdout, as lines or as data."""
    if not as_json:
        for label, text in facts:
            print_line(printable(f"{label:13}{text}"))
        return
    uncounted = [text for label, text in facts if label == "not counted"]
    found = {label: text for label, text in facts if label != "not counted"}
    print_json({**found, "not_counted": uncounted})


def _cut_off(name: str | None) -> str:
    """Advise what to do after Ctrl-C during a start."""
    if name:
        return "it may have been started: the same command finds it, and pays once"
    return "it may have been started: look at `flow64 runs` before starting another"


def _to_data(run: Run, output: Path | None, count: int | None) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "workflow_id": run.workflow_id,
        "status": run.status,
        "reason": run.reason,
        "is_presumed": run.is_presumed,
        "is_attached": run.is_attached,
        "output": None if count is None else str(output),
        "rows": count,
    }
