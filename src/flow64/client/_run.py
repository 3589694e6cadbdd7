# Written by scripts/unasync.py from _async_run.py. Change that file instead.
"""Runs: watch them until they end, and read their rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from attrs import evolve

from ..api import LiveStatus, ResultItem
from ..runs import (
    CSV,
    DAY,
    NDJSON,
    Allowance,
    JoinedRows,
    Journal,
    Report,
    ResultRows,
    RunEvent,
    Tracked,
    Writable,
    cancel_and_note,
    download_results,
    index_rows,
    join_rows,
    list_files,
    note_interrupted_run,
    open_rows,
    recall_run,
    report_rows,
    require_ending,
    require_free,
    require_times,
    typed_rows,
    wait_for_run,
    watch_run,
    write_csv,
    write_ndjson,
)
from ._handle import RunHandle

if TYPE_CHECKING:
    from ._client import Client

T = TypeVar("T")


class Run(RunHandle):
    """A run on the service."""

    def __init__(self, tracked: Tracked, client: Client) -> None:
        super().__init__(tracked)
        self._client = client

    def watch(self, *, every: float = 5.0, timeout: float = DAY) -> Iterator[RunEvent]:
        """Yield what happens to the run until it ends. Each event prints as a line.

        Faults on the way are retried, and no event takes back an earlier one. The run
        itself goes on, even if watching it fails.

        Args:
            every: Seconds between polls.
            timeout: Seconds after which to give up. The last poll may take 10 s more.

        Raises:
            ApiError: Polling again cannot help: the key is refused, or the run does not
                exist.
            WaitTimeoutError: The run had not ended in time. The error says how to wait
                again.
        """
        require_times("watch", every, timeout)
        return self._watch(every, timeout)

    def _watch(self, every: float, seconds: float) -> Iterator[RunEvent]:
        events = self._client.stream(
            watch_run, self._tracked, every=every, timeout=seconds
        )
        with note_interrupted_run(self.id), closing(events):
            yield from events

    def wait(
        self,
        timeout: float = DAY,
        *,
        every: float = 5.0,
    ) -> Run:
        """Wait until the run has completed, and return the run.

        Args:
            timeout: Seconds after which to give up. The last poll may take 10 s more.
            every: Seconds between polls.

        Raises:
            ApiError: Polling again cannot help: the key is refused, or the run does not
                exist.
            RunFailedError: The run did not complete.
            WaitTimeoutError: The run had not ended in time. The error says how to wait
                again.
        """
        require_times("wait", every, timeout)
        with note_interrupted_run(self.id):
            self._client.call(wait_for_run, self._tracked, every=every, timeout=timeout)
        return self

    def cancel(self) -> str:
        """Cancel the run, and return its status. A run that has ended keeps its status.

        Rows that were processed are presumably charged. A run that `is_presumed` may
        belong to another user.
        """
        return self._client.call(cancel_and_note, self._tracked)

    def results(self) -> Sequence[ResultItem]:
        """Return the result files of all stages by block number; the final one is last.

        They are JSON, which keeps types, or CSV if no JSON was saved. A run that has
        not completed may have files of some stages.

        Raises:
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        """
        return self._client.call(list_files, self._tracked)

    @overload
    def rows(
        self,
        *,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> ResultRows[Mapping[str, Any]]: ...
    @overload
    def rows(
        self,
        type: type[T],
        *,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> ResultRows[T]: ...
    def rows(
        self,
        type: Any = None,
        *,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Any:
        """Return the rows of a completed run, from its final file or from one block.

        They are downloaded at once to a temporary file. The file is removed when all
        rows are read. `len(run.rows())` is their number, if the service says it.

        Args:
            type: An attrs class, dataclass, TypedDict or pydantic model with fields
                for columns. None gives each row as a mapping.
            block: The block that the rows come from: its key path, such as
                `work/find_email`, its id, or its number. The default is the block that
                was named at the start, else the last block. Needed if the workflow ends
                in several blocks, as it does with a side branch.
            max_bytes: The most bytes to download. Default: the size that the service
                lists, or 1 GiB if it lists none.
            allow_unproven: Keep a file even if nothing proves that it is complete:
                neither its length or chunks, nor a listed size or number of rows.

        Raises:
            AmbiguousRowsError: The workflow ends in several blocks, and none is named.
            ArgumentError: No block has that key path, the type has no columns, or
                `max_bytes` is not a positive integer.
            NoResultError: The run has no such file.
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
            ResultError: The file cannot be downloaded or read, is too large or too
                slow, or nothing proves that it is complete.
            RunFailedError: The run did not complete. `results()` has what was saved.
            WaitTimeoutError: The run goes on, so its last file is not the final one.
        """
        typed_rows((), type)  # what cannot be read is not downloaded
        allowance = Allowance(max_bytes, allow_unproven)
        found, total = self._client.call(open_rows, self._tracked, block, allowance)
        return ResultRows(typed_rows(found, type), total)

    @overload
    def join_rows(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> JoinedRows[Mapping[str, Any]]: ...
    @overload
    def join_rows(
        self,
        inputs: Iterable[Mapping[str, Any]],
        type: type[T],
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> JoinedRows[T]: ...
    def join_rows(
        self,
        inputs: Iterable[Mapping[str, Any]],
        type: Any = None,
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Any:
        """Join the rows of a completed run to the rows of the input, by a column.

        Args:
            inputs: The rows that were sent.
            type: See `rows`.
            row_key: Name of the column. Each row of the input needs a value of its own
                in it.
            block: See `rows`.
            max_bytes: See `rows`.
            allow_unproven: See `rows`.

        Raises:
            RowKeyError: A row of the input has no key, or the key of another row.
            FlowError: The rows cannot be read; see `rows`.
        """
        given = list(inputs)
        index_rows(given, row_key)
        found = self.rows(
            type, block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
        )
        made = join_rows(given, found, row_key)
        return evolve(made, may_be_lost=self._tracked.list_losses(row_key, block))

    def to_csv(
        self,
        path: str | os.PathLike[str] | Writable,
        *,
        block: str | int | None = None,
        safe: bool = False,
        overwrite: bool = False,
        progress: Report | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> int:
        """Save the rows of a completed run as CSV, and return their number.

        Args:
            path: A file that will be complete or absent, or an open text file.
            block: See `rows`.
            safe: Put a single quote before text that a spreadsheet may run as a
                formula.
            overwrite: Replace an existing file.
            progress: Called with the number of rows that were written so far, and of
                all rows or None, every 1,000 rows. It may be called in another thread.
            max_bytes: See `rows`.
            allow_unproven: See `rows`.

        Raises:
            SaveError: The file exists, ends like one of another format, or cannot be
                written.
            FlowError: The rows cannot be read; see `rows`.
        """
        require_ending(path, CSV)
        require_free(path, overwrite=overwrite)
        found = self.rows(
            block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
        )
        rows = report_rows((row.raw for row in found), found.total, progress)
        return write_csv(rows, path, safe=safe, overwrite=overwrite)

    def to_ndjson(
        self,
        path: str | os.PathLike[str] | Writable,
        *,
        block: str | int | None = None,
        overwrite: bool = False,
        progress: Report | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> int:
        """Save the rows of a completed run as NDJSON, and return their number.

        Args:
            path: A file that will be complete or absent, or an open text file.
            block: See `rows`.
            overwrite: Replace an existing file.
            progress: Called with the number of rows that were written so far, and of
                all rows or None, every 1,000 rows. It may be called in another thread.
            max_bytes: See `rows`.
            allow_unproven: See `rows`.

        Raises:
            SaveError: The file exists, ends like one of another format, or cannot be
                written.
            FlowError: The rows cannot be read; see `rows`.
        """
        require_ending(path, NDJSON)
        require_free(path, overwrite=overwrite)
        found = self.rows(
            block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
        )
        rows = report_rows((row.raw for row in found), found.total, progress)
        return write_ndjson(rows, path, overwrite=overwrite)

    def download(
        self,
        folder: str | os.PathLike[str],
        *,
        block: str | int | None = None,
        every_stage: bool = False,
        overwrite: bool = False,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Sequence[Path]:
        """Save result files as they are, and return their paths.

        Args:
            folder: The folder; it is made if it is missing. No file is saved outside
                it.
            block: Save the file of this block instead of the final one; see `rows`.
            every_stage: Save the files of all stages, also of a run that has not
                completed.
            overwrite: Replace existing files.
            max_bytes: The most bytes of each file; see `rows`.
            allow_unproven: See `rows`.

        Raises:
            ArgumentError: Both a block and every stage are asked for, or `max_bytes` is
                not a positive integer.
            SaveError: A file exists, or cannot be written.
            FlowError: A file cannot be downloaded; see `rows`.
        """
        return self._client.call(
            download_results,
            self._tracked,
            Path(folder),
            block=block,
            every_stage=every_stage,
            overwrite=overwrite,
            allowance=Allowance(max_bytes, allow_unproven),
        )


def run_of(
    client: Client,
    run_id: str,
    *,
    journal: Journal | None = None,
    seen: LiveStatus | None = None,
) -> Run:
    """Return the handle of a run by its id. No request is sent.

    Args:
        client: The client to read the run with.
        run_id: Id of the run.
        journal: The journal of the client. It may know the run, and how the run ends is
            written there.
        seen: The answer to a poll of the run.

    Raises:
        JournalError: The journal cannot be read, so the run may not be ours.
    """
    workflow_id = "" if seen is None else seen.workflow_id
    tracked = recall_run(run_id, workflow_id, journal, client.endpoint)
    if seen is not None:
        tracked.record_look(seen)
    return Run(tracked, client)
