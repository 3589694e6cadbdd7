"""Leave out rows that an earlier run of the workflow had: `new_since` and `by`.

The service keeps the input rows of a run, as the result of its webhook. So any machine
can compare, without a journal. What cannot be compared is refused.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any

from .. import errors
from ..analysis.costs import cost
from ..api import calls
from ..api.session import Session
from ..definition import canonical_id
from ..text import (
    did_you_mean,
    format_dollars,
    join_words,
    pluralize,
    printable,
    shortened,
)
from .launch import Launch
from .results import read_inputs
from .rows import list_columns, rows_error
from .starter import make_starter
from .state import normalize

_log = logging.getLogger("flow64")


def select_rows(
    session: Session, launch: Launch, rows: Any, since: Any, by: Any, **options: Any
) -> tuple[Any, frozenset[str] | None]:
    """Return the rows that no run since a certain one had, and which runs are known.

    Args:
        session: Sends the requests. They only read.
        launch: What to run.
        rows: Rows as `payload.as_rows` takes them.
        since: The run, its id, or `latest`. None returns all rows, and no runs.
        by: The columns to compare by.
        **options: As for `make_starter`. The rows of a run that is named there are not
            left out.

    Raises:
        RowsError: Rows cannot be sent, or lack a column of `by`.
        NoNewRowsError: No row is left.
        RunFailedError: A run that did not complete may have charged for some.
        RunError: The rows of a run are not known.
    """
    if since is None and not by:
        return rows, None
    if since is None or not by:
        raise errors.BuildError("new_since and by belong together: give both")
    columns = [by] if isinstance(by, str) or not isinstance(by, Iterable) else [*by]
    if not all(isinstance(column, str) for column in columns):
        problem = f"by is {shortened(by)}, which does not name columns"
        raise errors.BuildError(problem, hint='write by=["email"]')
    rows = launch.build_payload(rows).get("webhook_payload", [])
    keys = _keys_of_rows(rows, columns)
    runs, snapshot = _list_runs(session, launch)
    runs = _select_later(runs, str(getattr(since, "id", since)))
    named = [canonical_id(options.get(name) or "") for name in ("attach", "retry")]
    # With `new`, rows of runs that failed are bought again.
    failed = calls.ENDED - {calls.COMPLETED} if options.get("new") else ()
    left_out = {*named, *(run for run, status in runs.items() if status in failed)}
    runs = {run: status for run, status in runs.items() if run not in left_out}
    positions, sources, active = _leave_out(session, runs, keys, columns)
    chosen = [rows[at] for at in positions]
    if active and chosen:
        own = make_starter(session, launch, chosen, **options).recall()
        if active != [own]:
            raise errors.RunError(
                f"run {active[0]} goes on, and may be buying these rows; nothing was "
                "started",
                hint=f"wait until it has ended: flow64 watch {active[0][:8]}",
            )
    _tell(launch, len(rows), len(rows) - len(chosen), sources, columns)
    return chosen, snapshot


def _leave_out(
    session: Session,
    runs: Mapping[str, str],
    keys: Sequence[str],
    columns: Sequence[str],
) -> tuple[Sequence[int], Sequence[str], Sequence[str]]:
    """Return the rows that no run had, the runs that had the others, and active runs.

    Args:
        session: Sends the requests.
        runs: The status of each run, newest first.
        keys: The keys of the rows.
        columns: The columns that they are made of.
    """
    positions, sources, active = [*range(len(keys))], list[str](), list[str]()
    doubts: dict[str, set[str]] = {}
    for run_id, status in runs.items():
        if not positions:
            break
        if status not in calls.ENDED:
            active.append(run_id)
            continue
        run_keys = _keys_of_run(session, run_id, columns)
        if status != calls.COMPLETED:
            doubts[run_id] = run_keys
        elif any(keys[at] in run_keys for at in positions):
            positions = [at for at in positions if keys[at] not in run_keys]
            sources.append(run_id[:8])
    for run_id, run_keys in doubts.items():
        if count := sum(keys[at] in run_keys for at in positions):
            raise errors.RunFailedError(
                f"run {run_id} ended as {printable(runs[run_id])}, and may have "
                f"charged for {pluralize(count, 'row')} of these; nothing was started",
                hint="to pay again: retry (--retry) for its rows, or new (--new)",
                run_id=run_id,
                status=runs[run_id],
                is_earlier=True,
            )
    return positions, sources, active


def _list_runs(
    session: Session, launch: Launch
) -> tuple[dict[str, str], frozenset[str]]:
    """Return the status of each run of the workflow, newest first, and all known ids.

    Those that the service does not list yet are asked for by the ids in the journal.
    """
    try:
        listed = calls.list_runs(session, launch.ready.id)
    except errors.NotFoundError:
        launch.check_deployment(session, 0)  # it says if it is not deployed
        raise
    runs = {canonical_id(run.job_id): calls.normal(run.status) for run in listed}
    memory = launch.journal.of(session.place, launch.ready.id).memory()
    later: dict[str, str] = {}
    is_all = len(listed) < calls.MOST_RUNS  # else older ones are left out
    jobs = takewhile(lambda job: is_all or job not in runs, reversed(memory.jobs))
    for run_id in (job for job in jobs if job not in runs):
        try:
            seen = calls.live_status(session, run_id)
            later[run_id] = calls.normal(seen.overall_status)
        except errors.NotFoundError:
            start = memory.of_job(run_id)
            if start and start.outcome is None:
                later[run_id] = "queued"  # it may not be visible yet
    return later | runs, frozenset([*runs, *memory.jobs])


def _select_later(runs: dict[str, str], since: str) -> dict[str, str]:
    """Return a run and those after it."""
    name = since.lower()
    places = [at for at, run_id in enumerate(runs, 1) if run_id.startswith(name)]
    problem = f"{len(places)} of {pluralize(len(runs), 'run')} of the workflow begin so"
    if name == "latest":
        if len(runs) < calls.MOST_RUNS:
            return runs
        problem = f"the service lists {len(runs)} runs, and there may be older ones"
    elif len(places) == 1 and len(name) >= 4:  # digits, as on the command line
        return dict(islice(runs.items(), places[0]))
    hint = "name the oldest run that counts, by its id: flow64 runs lists the newest"
    message, is_wrong = f"new_since {shortened(since)}: {problem}", name != "latest"
    raise errors.RunError(message, hint=hint, is_usage=is_wrong)


def _key(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    return json.dumps([_plain(row.get(name)) for name in columns], sort_keys=True)


def _plain(value: Any) -> Any:
    """Return the value of a cell. `1.10` and `1e5` are texts, and no numbers."""
    plain = normalize(value)
    may_be_other = isinstance(value, str) and type(plain) in (str, int, float)
    return value if may_be_other and value not in (f"{plain}", f"{plain}.0") else plain


def _keys_of_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> list[str]:
    """Return the key of each row, by which it agrees with another one."""
    names = list_columns(rows)
    problems = list[str]()
    for column in columns:
        if column not in names:
            near = did_you_mean(column, names)
            problem = f"no row has the column {column!r} of by{near}"
            raise rows_error([problem], is_usage=True)
    for number, row in enumerate(rows, 1):
        if empty := [name for name in columns if normalize(row.get(name)) is None]:
            problems.append(f"row {number} has no {', '.join(empty)} to compare by")
    if problems:
        raise rows_error(problems)
    return [_key(row, columns) for row in rows]


def _keys_of_run(session: Session, run_id: str, columns: Sequence[str]) -> set[str]:
    """Return the keys of the input rows of a run."""
    keys, names, count = set[str](), set[str](), 0
    try:
        inputs, expected = read_inputs(session, run_id)  # its file goes with it
        for row in inputs.raw:
            count += 1
            names.update(row)
            keys.add(_key(row, columns))
    except errors.ResultError as error:
        raise _unread_error(run_id, error.message) from error
    if expected not in (None, count):
        raise _unread_error(run_id, f"its file has {count} of {expected}")
    if missing := [column for column in columns if column not in names]:
        raise _unread_error(run_id, f"they have no {', '.join(missing)}")
    return keys


def _tell(
    launch: Launch,
    count: int,
    skipped: int,
    runs: Sequence[str],
    columns: Sequence[str],
) -> None:
    """Say how many rows are left out, and what that saves."""
    origin = f"run {join_words(runs, 3)} had them" if runs else "no run had one"
    origin += f" (by {', '.join(columns)})"
    if skipped == count:
        words = f"no row of {count:,} is new: {origin}; nothing was started"
        raise errors.NoNewRowsError(words, count=count)
    saved = cost(launch.definition, skipped, launch.budget.prices, of_payload=True)
    if runs:
        dollars = f"at most {format_dollars(saved.dollars)}"
        origin += f". Saves {dollars}{'' if saved.is_whole else ' and unknown costs'}"
    _log.warning("%d of %s left out: %s", skipped, pluralize(count, "row"), origin)


def _unread_error(run_id: str, problem: str) -> errors.RunError:
    return errors.RunError(
        f"the input rows of run {run_id} are not known ({problem}), so some may be "
        "bought again; nothing was started",
        hint="name a later run: new_since (--new-since)",
    )
