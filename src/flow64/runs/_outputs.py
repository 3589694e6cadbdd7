"""The result files of a run and their rows, and the proof that a run is ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

from ..api import ResultItem, Session, get_workflow, live_status
from ..errors import (
    ArgumentError,
    NoResultError,
    OutcomeUnknownError,
    ResultError,
)
from ._download import (
    ALLOWANCE,
    Allowance,
    download_file,
    download_files,
    list_result_files,
)
from ._row_reader import read_rows
from ._stages import Stages
from ._tracked import Tracked
from ._watch import require_completed


class SavedRows(Iterator[Mapping[str, Any]]):
    """The rows of a file in a folder of its own, which is removed in the end."""

    def __init__(self, folder: Path, rows: Iterator[Mapping[str, Any]]) -> None:
        self._rows = rows
        self._remove = finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def __next__(self) -> Mapping[str, Any]:
        try:
            return next(self._rows)
        except BaseException:  # the end, or nothing more can be read
            self.close()
            raise

    def close(self) -> None:
        """Remove the file."""
        self._remove()


async def list_files(session: Session, tracked: Tracked) -> Sequence[ResultItem]:
    """Return the result files of a run by block number.

    Raises:
        OutcomeUnknownError: The run was taken for ours, and nothing proves it.
    """
    items = await list_result_files(session, tracked.id)
    if tracked.is_presumed:
        await prove_rows(session, tracked, items)
    return items


async def prove_rows(
    session: Session, tracked: Tracked, items: Sequence[ResultItem]
) -> None:
    """Compare the first rows of a presumed run with the rows that were sent.

    Args:
        tracked: The run. It is no longer presumed if they are equal.
        items: Its files by block number.

    Raises:
        OutcomeUnknownError: They are others, or cannot be compared.
    """
    if tracked.proof is None or not tracked.proof.is_telling:
        raise _make_unknown_error(tracked, "what rows were sent is not known here")
    first = items[0] if items else None
    number = tracked.stages.first
    if first is None or (number is not None and first.block_number != number):
        raise _make_unknown_error(tracked, "the rows of its first stage were not kept")
    # A file that is cut off has other rows, so no other proof of its end is needed.
    rows = await fetch_rows(session, tracked, first, Allowance(allow_unproven=True))
    try:
        is_ours = tracked.proof.fits(rows)
    except ResultError as error:
        reason = f"the rows of its first stage cannot be read: {error}"
        raise _make_unknown_error(tracked, reason) from error
    finally:
        if isinstance(rows, SavedRows):
            rows.close()
    if not is_ours:
        raise _make_unknown_error(
            tracked, "the rows of its first stage are not those sent"
        )
    tracked.confirm()


async def choose_file(
    session: Session, tracked: Tracked, block: str | int | None
) -> ResultItem:
    """Return the final file of a completed run, or the file of one block.

    Raises:
        AmbiguousRowsError: The workflow ends in several blocks, and none is named.
        ArgumentError: The block does not exist.
        NoResultError: The run, or the block, has no file.
        OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        RunFailedError: The run did not complete.
        WaitTimeoutError: The run goes on, so its last file is not the final one.
    """
    has_names = bool(tracked.stages.numbers)
    number = tracked.stages.number(tracked.id, block) if has_names else None
    await require_completed(session, tracked)
    if not has_names:
        stages = await _find_stages(session, tracked, block)
        number = stages.number(tracked.id, block)
    items = await list_files(session, tracked)
    if number is not None:
        items = [item for item in items if item.block_number == number]
    if not items:
        wanted = tracked.stages.block if block is None else block
        raise NoResultError(tracked.id, wanted)
    return items[-1]


async def _find_stages(
    session: Session, tracked: Tracked, block: str | int | None
) -> Stages:
    """Return the blocks of a run that was fetched by its id, as the service names them.

    The service knows no key paths. But the ids of blocks are made from key paths and
    from the path in the stamp of the workflow, so a block is found by its id.
    """
    seen = tracked.look
    if seen is None:
        seen = await live_status(session, tracked.id)
        tracked.record_look(seen)
    stages = Stages.of_run(seen)
    if isinstance(block, str) and stages.find(block) is None and tracked.workflow_id:
        live = await get_workflow(session, tracked.workflow_id)
        if live is not None:
            return stages.with_stamp(live.stamp, live.id)
    return stages


async def open_rows(
    session: Session,
    tracked: Tracked,
    block: str | int | None,
    allowance: Allowance = ALLOWANCE,
) -> tuple[Iterator[Mapping[str, Any]], int | None]:
    """Download the rows of the final file of a run, or of one block.

    Returns the rows, and their number if the service says it.
    """
    allowance.require_sound("rows")
    item = await choose_file(session, tracked, block)
    rows = await fetch_rows(session, tracked, item, allowance)
    listed = len(item.results or ()) if item.is_whole else None
    return rows, item.row_count or listed


async def fetch_rows(
    session: Session,
    tracked: Tracked,
    item: ResultItem,
    allowance: Allowance = ALLOWANCE,
) -> Iterator[Mapping[str, Any]]:
    """Return the rows of a file, from the list if that has all, else downloaded."""
    if item.results is not None and item.is_whole:
        return iter(item.results)
    folder = Path(mkdtemp(prefix="flow64-"))
    try:
        target = folder / "rows"
        path = await download_file(
            session, tracked.id, item, target, allowance=allowance
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    rows = read_rows(
        path,
        content_type=item.content_type or "",
        name=item.filename,
        expected=item.row_count or None,
    )
    return SavedRows(folder, rows)


async def download_results(
    session: Session,
    tracked: Tracked,
    folder: Path,
    *,
    block: str | int | None,
    every_stage: bool,
    overwrite: bool,
    allowance: Allowance = ALLOWANCE,
) -> Sequence[Path]:
    """Save the final file, the file of one block, or those of all stages.

    Raises:
        ArgumentError: Both a block and every stage are asked for, or `max_bytes` is not
            a positive integer.
    """
    allowance.require_sound("download")
    if every_stage and block is not None:
        problem = f"both block={block!r} and every_stage=True; leave one of them out"
        raise ArgumentError("download", problem)
    if every_stage:
        items = await list_files(session, tracked)
    else:
        items = [await choose_file(session, tracked, block)]
    return await download_files(
        session, tracked.id, items, folder, overwrite=overwrite, allowance=allowance
    )


def _make_unknown_error(tracked: Tracked, reason: str) -> OutcomeUnknownError:
    what = f"the start of run {tracked.id}, which was taken for ours"
    return OutcomeUnknownError(what, reason)
