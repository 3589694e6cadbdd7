"""`flow64 run`: run a workflow, once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import frozen

from .. import loading
from ..analysis.check import findings
from ..analysis.column_rules import ABOUT_READS
from ..analysis.costs import Cost, cost, count_start_rows
from ..blocks import Webhook
from ..client import Client, Run
from ..definition import Definition, is_uuid, parse_json
from ..deploy.plan import seal_of
from ..errors import ApiError, NoNewRowsError, ReadError
from ..runs import inputs, payload
from ..runs.rows import FORMS
from ..runs.starter import Starter, make_starter
from ..secrets import mask
from ..text import STDIN, did_you_mean, format_dollars, pluralize, shortened
from ..workflow import Workflow
from . import params, printing
from .commands import STATE
from .errors import INTERRUPTED
from .results import Delivery
from .service import connect, find_run, format_watch_command
from .watch import follow


def _parse_settings(
    _: click.Context, __: click.Parameter, texts: Sequence[str]
) -> Mapping[str, Any] | None:
    """Parse `--set field=value`; return None without any.

    Raises:
        click.UsageError: One has no value, a value that is not JSON, or a field that
            another one has.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign) or name in settings:
            advice = "write each field once, and its value in JSON: max_results=50"
            raise params.option_error("--set", f"{shortened(text)}: {advice}")
        try:
            settings[name] = parse_json(value, "--set")
        except ReadError as error:
            advice = f"""for a text, write --set '{name}="..."'"""
            problem = f"{shortened(value)} is not JSON; {advice}"
            raise params.option_error("--set", problem) from error
    return settings or None


@params.command(
    "run",
    "flow64 run leads.py:inbound people.csv -o found.csv",
    "flow64 run leads.py:inbound people.csv --first 5",
    "flow64 run inbound people.csv --new-since latest --by email",
    "flow64 run inbound people.csv --intent 2026-W20 --max-cost 50 --yes",
    "flow64 run prod:inbound people.csv",
    "flow64 run leads.py:search --set max_results=50",
    "flow64 run leads.py people.csv --retry 0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90",
)
@click.argument("source")
@click.argument(
    "rows", required=False, type=params.PathName(dir_okay=False, allow_dash=True)
)
@params.option(
    "--first", "Take only the first N rows, to try it.", "N", type=click.IntRange(min=1)
)
@params.option(
    "--intent",
    "Name a run that must happen once, such as a date. Without a name, the "
    "same definition and rows are the same run.",
    "NAME",
)
@params.option(
    "--retry",
    "Start this run again, once, if it ended without success. You may pay again "
    "for rows that it has processed.",
    "RUN_ID",
)
@params.option(
    "--attach",
    "Take this run for the one that a start without an answer has made.",
    "RUN_ID",
)
@params.option(
    "--new",
    "Start another run of the same rows, and pay again. With --new-since: only of rows "
    "that no completed run had.",
)
@params.option(
    "--new-since",
    "Leave out rows that this run or a later one had (latest: any run); see --by.",
    "RUN_ID",
)
@params.option("--by", "A column to compare by; repeatable.", "COLUMN", multiple=True)
@params.env
@params.option(
    "--max-cost",
    "Refuse to start if it may cost more, or if a price is unknown.",
    "DOLLARS",
    type=click.FloatRange(min=0),
)
@params.option(
    "--set settings",
    "Set a field of the source block for this run alone, in JSON: "
    "--set max_results=50. Repeat it for more fields.",
    "FIELD=VALUE",
    multiple=True,
    callback=_parse_settings,
)
@params.option("--dry-run", "Show the estimate and stop. Only reads are sent.")
@params.yes
@params.option("--no-wait", "Do not follow the run until it ends.")
@params.output(
    "FILE",
    "Save the rows in a .csv, .json, .ndjson or .parquet file. - is stdout.",
    callback=None,
)
@params.block
@params.as_json
def command(
    *,
    source: str,
    rows: Path | None,
    first: int | None,
    intent: str | None,
    retry: str | None,
    attach: str | None,
    new: bool,
    new_since: str | None,
    by: Sequence[str],
    env: str | None,
    max_cost: float | None,
    settings: Mapping[str, Any] | None,
    dry_run: bool,
    yes: bool,
    no_wait: bool,
    output: Path | None,
    block: str | int | None,
) -> int:
    """Run a workflow with the rows of a file, once.

    SOURCE is one workflow: a file, a key, or ENV:KEY, which runs what is live.
    ROWS is a CSV, JSON or NDJSON file, or - for stdin. Workflows that find their
    rows themselves take none. You see what the run would spend before you are asked to
    start it. The same command again attaches to the run, and buys nothing. Ctrl-C does
    not stop the run.

    The id of the run goes to stdout as soon as it is known. Exits with 1 if the run did
    not complete, with 3 if it was refused and nothing was sent, and with 4 if it is
    unknown whether a run was started.
    """
    is_named = bool(intent or retry or attach)
    if new and is_named:
        raise params.option_error("--new", "it has no --intent, --retry or --attach")
    if bool(new_since) != bool(by):
        raise click.UsageError("--new-since and --by belong together: give both")
    delivery = Delivery(output, block)
    delivery.require_sound(no_wait=no_wait)
    workflow, env = _find_workflow(source, rows, env)
    start_rows = _read_rows(rows)
    with connect(env) as client:
        options = {
            "env": env,
            "max_cost": max_cost,
            "specs_override": settings,
            "result_formats": delivery.formats,
        }
        retry, attach = (
            text if text is None or is_uuid(text) else find_run(client, text).id
            for text in (retry, attach)
        )
        launch, _ = client.make_launch(workflow, options)
        key = launch.ready.target.key
        _require_rows(launch.definition, rows, len(start_rows))
        named: Any = {"intent": intent, "new": new, "retry": retry}
        all_rows = client.session, launch, start_rows, new_since, by
        try:
            start_rows, snapshot = inputs.select_rows(*all_rows, attach=attach, **named)
        except NoNewRowsError as error:
            return _tell_nothing_new(key, error, output)
        start_rows = start_rows[:first]
        what = client.session, launch, start_rows
        starter = make_starter(*what, attach=attach, compared=snapshot, **named)
        if output is not None:
            launch.stages.number("", block)  # or an error says what is wrong
        earlier, dollars = attach or starter.recall(), ""
        if dry_run or not earlier:  # it may buy
            estimate = estimate_run(client, key, starter, start_rows)
            dollars = estimate.describe_cost()
            if dry_run:
                printing.emit(estimate)
                return 0
            printing.message(estimate.__rich__())
            printing.confirm("Start?", yes=yes)
        try:
            state = starter.run()
        except KeyboardInterrupt:
            printing.message("it may have been started: the same command finds it")
            return INTERRUPTED
        run = Run(state, client.session)
        STATE.is_done = True
        if run.is_attached:
            printing.message(_describe_attached_run(run, key, is_named=is_named))
            dollars = ""
        code, count = _follow(client, run, delivery, dollars, no_wait=no_wait)
    if STATE.is_json:
        data = {
            "key": key,
            "env": client.env,
            "run_id": run.id,
            "status": run.last_status,
            "workflow_id": run.workflow_id,
            "reason": run.reason,
            "empty": run.empty,
            "is_presumed": run.is_presumed,
            "is_attached": run.is_attached,
            "output": None if count is None else str(output),
            "rows": count,
        }
        printing.emit_data(mask(data))
    return code


# -- What to run -----------------------------------------------------------------------


def _find_workflow(
    source: str, rows: Path | None, env: str | None
) -> tuple[Workflow, str | None]:
    """Return the workflow to run, and the environment to run it in."""
    if Path(source).suffix.lower() in FORMS and rows and rows.suffix == ".py":
        raise click.UsageError(f"the workflow comes first: flow64 run {rows} {source}")
    address = params.parse_address(source, env)
    if isinstance(address, loading.SourceAddress):
        return params.load(address).only.workflow, env
    with connect(address.env) as client:
        return loading.load_live(client, address).only.workflow, address.env


def _read_rows(file: Path | None) -> Sequence[Mapping[str, Any]]:
    """Return the rows of a file, or of stdin."""
    if file is None:
        return []
    if params.is_dash(file):
        content = params.read_stdin()
        return payload.parse_rows(content, STDIN)
    if not file.exists():
        near = did_you_mean(str(file), map(str, file.parent.glob("*")))
        raise params.option_error("ROWS", f"there is no file {str(file)!r}{near}")
    return payload.as_rows(file)


def _require_rows(definition: Definition, file: Path | None, count: int) -> None:
    """Refuse to start a workflow without the rows that it takes.

    A webhook with `webhook_input` has sample rows, so it needs no file. A file without
    rows is more likely a mistake: it would use up the intent.
    """
    if file is None and payload.needs_rows(definition):
        raise click.UsageError("ROWS is missing: the workflow begins with a webhook")
    if file is not None and not count and Webhook.kind in definition.by_kind:
        name = STDIN if params.is_dash(file) else file
        raise click.ClickException(f"{name} has no rows; nothing was sent")


def _tell_nothing_new(key: str, error: NoNewRowsError, output: Path | None) -> int:
    """Print that `--new-since` leaves out all rows, and return the exit code."""
    place = "" if output is None else f"; {output} is not written"
    printing.message(f"{key}: {error.message}{place}")
    if STATE.is_json:
        printing.emit_data({"run_id": None, "left_out": error.count})
    return 0


# -- What it would spend ---------------------------------------------------------------


@frozen
class Estimate:
    """The most that a run would spend.

    Attributes:
        rows: The most rows that it starts with; None if that is unknown.
        size: The same in words.
        dollars: The most that the blocks with a known price cost.
        is_whole: Whether that is all.
        not_counted: What it leaves out, and why.
        notes: What may be missing or unknown.
    """

    key: str
    env: str
    workflow_id: str
    rows: int | None
    size: str
    repeated_rows: int
    dollars: float
    is_whole: bool
    not_counted: Sequence[str]
    notes: Sequence[str]

    def __rich__(self) -> str:
        parts = [self.size]
        if self.repeated_rows:
            verb = "occur" if self.repeated_rows > 1 else "occurs"
            parts.append(f"{self.repeated_rows:,} {verb} twice")
        parts.append(self.describe_cost())
        lines = [*self.notes, *(f"unknown   {text}" for text in self.not_counted)]
        return "\n".join([*lines, f"{self.key} ({self.env}): {', '.join(parts)}"])

    def describe_cost(self) -> str:
        """Return the most that it would cost, in words."""
        each = "" if self.rows is not None else " per 1,000 rows"
        dollars = f"{format_dollars(self.dollars)}{each}"
        if self.is_whole:
            return f"at most {dollars}"
        return f"{dollars} and unknown costs" if self.dollars else "cost unknown"


def estimate_run(
    client: Client, key: str, starter: Starter, rows: Sequence[Mapping[str, Any]]
) -> Estimate:
    """Estimate a run by what is deployed, since this is what runs."""
    definition, notes = _find_live_definition(client, starter)
    notes += [f"columns   {text}" for text in _describe_missing_columns(definition)]
    prices = starter.launch.budget.prices
    count = count_start_rows(definition, len(rows))
    if count is None:
        price: Cost = cost(definition, prices=prices)
    else:
        price = cost(definition, len(rows), prices, of_payload=True)
    if unconfirmed := price.describe_unconfirmed_prices():
        notes.append(f"unsure    the price of {unconfirmed}")
    sources = {definition.blocks[at].kind for at in definition.topology.roots}
    size = "as many rows as its source makes"
    if count is not None:
        size = f"{'at most ' * (count != len(rows))}{pluralize(count, 'row')}"
    elif sources == {Webhook.kind}:
        size = "the rows of webhook_input"
    return Estimate(
        key,
        str(client.env),
        str(definition.id),
        count,
        size,
        payload.count_repeats(rows),
        price.dollars,
        price.is_whole,
        [*price.list_omissions(definition)],
        notes,
    )


def _find_live_definition(
    client: Client, starter: Starter
) -> tuple[Definition, list[str]]:
    """Return what is deployed, else the code, and what is wrong with it.

    The starter then starts only what is deployed now.
    """
    launch = starter.launch
    try:
        live = client.workflows.get(launch.ready.id).definition
    except ApiError as error:
        if error.status not in _UNSEEN:
            raise
        return launch.definition, [f"deployed  {_UNSEEN[error.status]}"]
    if live is None:
        return launch.definition, []
    starter.seal = seal_of(live)
    why = launch.describe_staleness(live)
    first = f"deploy first: {launch.ready.command}"
    notes = [f"deployed  not this code: {why}; {first}"] if why else []
    return launch.override_live(live), notes


_UNSEEN: Final = {
    403: "unknown: the credential may not see the workflow",
    404: "no: there is no such workflow, so it cannot run",
}

_WORTH_SAYING: Final = ABOUT_READS | {
    "unlisted-value",
    "wrong-value-type",
    "contradicting-conditions",
}


def _describe_missing_columns(definition: Definition) -> Iterator[str]:
    """Yield which blocks read columns that may be missing: rows may be lost there."""
    for finding in findings(definition):
        if finding.code in _WORTH_SAYING:
            at = definition.index[finding.block_id or ""]
            name = definition.origins[at].path or definition.blocks[at].kind
            yield f"{name}: {finding.message}"


# -- What becomes of it ----------------------------------------------------------------


def _describe_attached_run(run: Run, key: str, *, is_named: bool) -> str:
    when = f" ({run.started_at[:10]})" if run.started_at else ""
    same = "same intent as" if is_named else "same rows and definition as"
    again = "" if is_named else "; --new buys again"
    return f"{key}: {same} run {run.id[:8]}{when}. Nothing bought{again}"


def _follow(
    client: Client, run: Run, delivery: Delivery, dollars: str, *, no_wait: bool
) -> tuple[int, int | None]:
    """Print its id, follow it, and save its rows.

    Args:
        dollars: What it may have cost, in words; nothing if it was there before.

    Returns:
        The exit code, and the number of rows that were saved.
    """
    began = time.monotonic()
    again = format_watch_command(run.id, client.env)
    is_stdout = params.is_dash(delivery.output)
    try:
        if is_stdout:
            printing.message(f"run {run.id}")
        elif not STATE.is_json:
            printing.show(run.id)
        if no_wait:
            printing.message(f"follow it: {again}")
            return 0, None
        code = follow(client, run)
        count = None if code else delivery.save(run)
    except KeyboardInterrupt:
        printing.message(f"the run goes on: {again}")
        return INTERRUPTED, None
    if not code and not is_stdout:
        rows = _describe_rows(run)
        place = f"; flow64 results {run.id[:8]} -o rows.csv"
        if delivery.output is not None:
            place = f", saved in {delivery.output}"
        took = f" in {_describe_time(began)}, {dollars}" if dollars else ""
        printing.message(f"run {run.id[:8]}: {rows}{took}{place}")
    return code, count


def _describe_time(began: float) -> str:
    """Return how long ago something began, as in `12 s` and `6m12s`."""
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    return f"{minutes}m{seconds:02}s" if minutes else f"{seconds} s"


def _describe_rows(run: Run) -> str:
    """Return how many rows came out; of several ends, how many of each."""
    state = run.state
    if state.look is None or len(state.stages.ends) < 2 or run.count is None:
        return "rows" if run.count is None else pluralize(run.count, "row")
    rows = {block.sequence_number: block.returned_rows for block in state.look.blocks}
    ends = [
        f"{end} {pluralize(rows.get(state.stages.numbers[end]) or 0, 'row')}"
        for end in state.stages.ends
    ]
    return f"{', '.join(ends)} (--block KEY takes one of them)"
