"""The results of a run: their files, their rows, and the proof that the run is ours.

A download is complete or absent. It goes to a temporary file, is verified and renamed.
If it breaks off, it is tried again whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO, Final
from weakref import finalize

from .. import errors
from ..api import calls, threads
from ..api.answers import ResultItem, transport_error
from ..api.calls import download_links
from ..api.network import DAY, is_refusal
from ..api.session import Session
from ..definition import canonical_id, genuine_stamp
from ..deploy import judge
from ..diff.replay import RecordedRow, Recording, Replay
from ..diff.words import format_name
from ..files import reason_of
from ..text import printable, shortened
from . import frames
from . import rows as row_files
from .rows import FORMS, RowFile, require_free, write_file
from .state import RunState, digest_rows
from .typed import ResultRows, structure_for
from .watch import poll, require_completion

WAITS: Final = (0.5, 2.0, 8.0, 20.0, 60.0)
"""Seconds before each further try of a download that broke off."""

LOWEST_RATE: Final = 4096
"""Bytes per second, for which a download has time after its first minutes."""

PARQUET: Final = "parquet"
"""The format that the libraries of frames write."""

MAX_BYTES: Final = 2**30
"""Most bytes of a file for which the service lists no size."""

MOST_ROWS: Final = 100_000
"""Most rows of a block that are held in memory."""


# -- Which files ----------------------------------------------------------------------


def list_files(
    session: Session, run: RunState, form: str | None = None
) -> Sequence[ResultItem]:
    """Return the result files of a run by block number; the final one is last.

    A run that has not completed may have files of some stages.

    Args:
        form: csv, json or ndjson. None takes JSON, which keeps types, or CSV if no JSON
            was saved.

    Raises:
        OutcomeUnknownError: The run was taken for ours, and nothing proves it.
    """
    items = _list_items(session, run.id, form)
    if run.is_presumed:
        _prove(session, run, _list_items(session, run.id) if form else items)
    return items


def _list_items(
    session: Session, run_id: str, form: str | None = None
) -> Sequence[ResultItem]:
    items: Sequence[ResultItem] = ()
    # The answer for a format that was not saved is unknown: no files, or an error.
    try:
        items = download_links(session, run_id, form or "json")
    except errors.FlowError as error:
        if not is_refusal(error):
            raise
    if not form and not any(item.is_readable for item in items):
        items = download_links(session, run_id, "csv") or items
    return sorted(items, key=lambda item: item.block_number or 0)


def _prove(session: Session, run: RunState, items: Sequence[ResultItem]) -> None:
    """Compare the rows of the first stage of a presumed run with those sent.

    Raises:
        OutcomeUnknownError: They are others, or cannot be compared.
    """
    start, first = run.recall_start(), next(iter(items), None)
    columns = start and start.proof["columns"]
    number = min(run.stages.numbers.values(), default=first and first.block_number)
    if start and columns and first and first.block_number == number:
        with suppress(errors.ResultError):
            rows = open_rows(session, run.id, first)
            if digest_rows(rows.raw, columns) == start.proof:
                run.confirm()
                return
    reason = "the rows of its first stage do not prove that they are those sent"
    raise errors.unknown_error(f"the start of run {run.id}", reason, [run.id])


def _choose(
    session: Session, run: RunState, block: str | int | None, form: str | None = None
) -> ResultItem:
    """Return the final file of a completed run, or the file of one block.

    Raises:
        RunError: The workflow ends in several blocks, and none is named.
        BuildError: The block does not exist.
        ResultError: The run, or the block, has no file.
        OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        RunFailedError: The run did not complete.
        WaitTimeoutError: The run goes on, so its last file is not the final one.
    """
    if not run.stages.numbers:  # the service names them
        poll(session, run)
    number = run.stages.number(run.id, block)
    require_completion(session, run)
    items = list_files(session, run, form)
    if number is not None:
        items = [item for item in items if item.block_number == number]
    if not items:
        of = "" if block is None else f" of block {shortened(block)}"
        of += f" in {form}" if form else ""
        raise errors.ResultError(
            f"run {printable(run.id)} has no result file{of}",
            hint="results() lists the files that there are",
            option="",
        )
    return items[-1]


# -- Rows -----------------------------------------------------------------------------


def read_rows(
    session: Session, run: RunState, kind: Any = None, *, block: str | int | None = None
) -> ResultRows[Any]:
    """Return the rows of a completed run, from its final file or from one block.

    They are downloaded at once to a temporary file, which is removed with the rows.

    Args:
        session: Sends the requests.
        run: The run.
        kind: An attrs class or dataclass with fields for columns. None gives each row
            as a mapping.
        block: The block that the rows come from: its key path or kind, id, or number.

    Raises:
        FlowError: See `_choose`; or `ResultError`: they cannot be downloaded.
    """
    return open_rows(session, run.id, _choose(session, run, block), kind)


def read_inputs(session: Session, run_id: str) -> tuple[ResultRows[Any], int | None]:
    """Return the rows that a run began with, and their number if it is known.

    They are what its webhook returned.

    Raises:
        ResultError: There is no such file, or it is damaged.
    """
    seen = calls.live_status(session, run_id)
    webhooks = {b.sequence_number: b for b in seen.blocks if b.block_name == "webhook"}
    for item in _list_items(session, run_id):
        if (block := webhooks.get(item.block_number or 0)) is not None:
            return open_rows(session, run_id, item), block.returned_rows
    raise row_files.result_error("of the webhook", "it is not listed")


def open_rows(
    session: Session, run_id: str, item: ResultItem, kind: Any = None
) -> ResultRows[Any]:
    """Return the rows of a file, from the list if that has all, else downloaded."""
    structure = structure_for(kind)
    if item.results is not None and item.is_whole:
        return ResultRows(item.results, len(item.results), structure)
    folder = Path(mkdtemp(prefix="flow64-"))
    fail = partial(row_files.result_error, item.filename)
    source = RowFile(folder / "rows", fail, form_of(item), item.row_count or None)
    rows = ResultRows(source, source.expected, structure)
    finalize(rows, shutil.rmtree, folder, ignore_errors=True)
    download_file(session, run_id, item, source.path)
    return rows


def save_csv(
    session: Session,
    run: RunState,
    path: str | os.PathLike[str],
    *,
    block: str | int | None = None,
    safe: bool = False,
    overwrite: bool = False,
) -> int:
    """Save the rows of a completed run as CSV, and return their number.

    Args:
        path: A file that will be complete or absent.
        block: The block that the rows come from: its key path or number. The default
            is the final one.
        safe: Put a single quote before text that a spreadsheet may run as a formula.
        overwrite: Replace an existing file.

    Raises:
        RowsError: The file exists, or cannot be written.
        FlowError: The rows cannot be read.
    """
    require_free(Path(path), overwrite=overwrite)
    rows = read_rows(session, run, block=block)
    return row_files.write_csv(rows.raw, path, safe=safe, overwrite=overwrite)


# -- Files ----------------------------------------------------------------------------


def download(
    session: Session,
    run: RunState,
    path: str | os.PathLike[str],
    *,
    block: str | int | None = None,
    every_stage: bool = False,
    overwrite: bool = False,
) -> Sequence[Path]:
    """Save result files as they are, and return their paths.

    Args:
        path: A file, if it ends in .csv, .json, .jsonl, .ndjson or .parquet: the result
            is saved in this format. Parquet needs polars or pyarrow. Any other one is a
            folder, which is made if it is missing. A file in it is named by the number
            of its block, such as `block_2.json`.
        block: Save the file of this block, by key path or number, not the final one.
        every_stage: Save the files of all stages, also of a run that has not completed.
        overwrite: Replace existing files.

    Raises:
        BuildError: Every stage is asked for, and a block or a file; or the path ends in
            another suffix, and is no folder yet.
        RowsError: A file exists, or cannot be written.
        FlowError: A file cannot be downloaded.
    """
    target = Path(path)
    form = form_of_target(target)
    if every_stage and (block is not None or form):
        raise errors.BuildError("every_stage=True takes no block: name only a folder")
    if form:
        require_free(target, overwrite=overwrite)
    if form == PARQUET:
        rows = read_rows(session, run, block=block)
        frames.save_parquet(rows.raw, target, overwrite=overwrite)
        return [target]
    is_one = not every_stage
    items = [_choose(session, run, block, form)] if is_one else list_files(session, run)
    files = [target] if form else _name_files(target, items)
    for file in files:  # all of them, before the first download
        require_free(file, overwrite=overwrite)
    return [
        download_file(session, run.id, item, file, form, overwrite=overwrite)
        for item, file in zip(items, files, strict=True)
    ]


def _name_files(folder: Path, items: Sequence[ResultItem]) -> Sequence[Path]:
    """Make a folder, and name a file in it for each result, by its block."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise row_files.save_error(folder, reason_of(error)) from None
    return [
        folder / f"block_{item.block_number or at}.{form_of(item)}"
        for at, item in enumerate(items)
    ]


def form_of_target(path: Path) -> str:
    """Return the format of a file that rows are saved in; nothing for a folder.

    Raises:
        BuildError: It ends in another suffix, and is no folder yet.
        ConfigError: It is a Parquet file, and no library can write one.
    """
    suffix = path.suffix.lower()
    if suffix == ".parquet" and frames.load("polars", "pyarrow"):
        return PARQUET
    if suffix and suffix not in FORMS and not path.is_dir():
        problem = f"{printable(str(path))} does not end in {', '.join(FORMS)}, .parquet"
        hint = "name such a file, or a folder without a suffix"
        raise errors.BuildError(problem, hint=hint, is_usage=True)
    return FORMS.get(suffix, "")


def form_of(item: ResultItem) -> str:
    """Return csv, json or ndjson, by the content type or else by the name."""
    content_type = (item.content_type or "").lower()
    form = FORMS.get(Path(item.filename).suffix.lower(), "csv")
    if "json" in content_type and form != "ndjson":  # which not every store knows
        form = "ndjson" if "ndjson" in content_type else "json"
    return "csv" if "csv" in content_type else form


def download_file(
    session: Session,
    run_id: str,
    item: ResultItem,
    target: Path,
    form: str | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Download one result file, and return its path.

    Args:
        session: Sends the requests.
        run_id: The run.
        item: The file. If its link has expired, a fresh one is asked for.
        target: The path.
        form: The format that the file was listed with.
        overwrite: Replace an existing file.

    Raises:
        RowsError: The target exists, or cannot be written.
        ResultError: The file is not the one that was listed, is too large, or nothing
            proves that it is complete.
        TransportError: It broke off again and again.
    """
    require_free(target, overwrite=overwrite)
    for wait in (*WAITS, None):
        try:
            with write_file(target, overwrite=overwrite) as new:
                _fetch(session, item, new.file)
        except errors.TransportError:
            if wait is None:
                raise
            threads.sleep(wait)
            item = _relist(session, run_id, item, form)
        else:
            break
    return target


def _relist(
    session: Session, run_id: str, item: ResultItem, form: str | None
) -> ResultItem:
    """Return a file with a fresh link."""
    for listed in _list_items(session, run_id, form):
        names = listed.filename, listed.block_number
        if names == (item.filename, item.block_number):
            return listed
    raise row_files.result_error(item.filename, "it is no longer listed")


def _fetch(session: Session, item: ResultItem, file: BinaryIO) -> None:
    """Write the bytes as they come, and check that they are the whole file.

    Raises:
        ResultError: It is too large, or nothing proves that it is complete.
        TransportError: It was cut off, or its link has expired; or it was too slow.
    """
    if item.download_url is None:
        raise _cut_error(item, printable(item.message or "it has no link"))
    fail = partial(row_files.result_error, item.filename)
    limit = MAX_BYTES if item.file_size is None else item.file_size
    size, seconds = 0, session.policy.deadline + (item.file_size or 0) / LOWEST_RATE
    with session.open(item.download_url, min(seconds, DAY)) as answer:
        if 300 <= answer.status_code < 400:
            raise fail("its link leads on to somewhere else, and is not followed")
        if answer.status_code != 200:
            raise _cut_error(item, f"the store answered {answer.status_code}")
        for piece in answer.iter_bytes():
            file.write(piece)
            size += len(piece)
            if size > limit:
                raise fail(f"it has more than the {limit:,} bytes that it may have")
        length = answer.headers.get("content-length", "")
    expected = int(length) if length.isdecimal() else size
    expected = expected if item.file_size is None else item.file_size
    if size < expected:
        raise _cut_error(item, f"it was cut off: {size} bytes of {expected}")
    if item.file_size is None and not answer.extensions.get("is_framed"):
        raise fail("nothing proves that it is complete: no length of it is known")


def _cut_error(item: ResultItem, reason: str) -> errors.TransportError:
    """Return the error of an incomplete file; another try may do better."""
    return transport_error("GET", printable(item.filename), reason)


# -- What a run recorded --------------------------------------------------------------


def read_recording(session: Session, run: RunState) -> Recording | Replay:
    """Return the rows of a run, or why they tell nothing. Only reads are sent."""
    seen = run.look or poll(session, run)
    if run.status != calls.COMPLETED:
        return Replay(run.id, unknown=f"it is {run.status}")
    info = calls.read_workflow(session, seen.workflow_id)
    live = calls.require_definition(info)
    entries = calls.list_runs(session, seen.workflow_id)
    queued_at = {canonical_id(entry.job_id): entry.queued_at for entry in entries}
    if not _is_before(info.updated_at, queued_at.get(canonical_id(run.id))):
        return Replay(run.id, unknown="its workflow may have been edited since")
    blocks = [(block.number, block.kind) for block in live.blocks]
    if sorted(blocks) != sorted((b.sequence_number, b.block_name) for b in seen.blocks):
        return Replay(run.id, unknown="its workflow has other blocks now")
    metrics = {block.sequence_number: block.metrics or {} for block in seen.blocks}
    items = list_files(session, run, "json")

    @cache
    def load(at: int) -> list[RecordedRow]:
        number, kind = live.blocks[at].number, format_name(live.blocks[at].kind)
        own = [item for item in items if item.block_number == number]
        if len(own) != 1 or form_of(own[0]) == "csv":
            raise errors.ResultError(f"the run has no JSON file of {kind}")
        if own[0].row_count > MOST_ROWS:
            raise errors.ResultError(f"{kind} has more than {MOST_ROWS:,} rows")
        file = open_rows(session, run.id, own[0])
        rows = [row.raw for row in file]
        if not len(rows) == own[0].row_count == metrics[number].get("row_count"):
            raise errors.ResultError(f"the file of {kind} does not have all rows")
        return rows

    stamp = genuine_stamp(live.stamp, live.id)
    managed = judge.fields_of_last_deploy(live, stamp) or judge.fields_of(live)
    return Recording(run.id, live, load, managed)


def _is_before(first: str | None, second: str | None) -> bool:
    """Whether a time is certainly before another one."""
    try:
        return datetime.fromisoformat(str(first)) < datetime.fromisoformat(str(second))
    except (TypeError, ValueError):  # one of them may have no zone
        return False
