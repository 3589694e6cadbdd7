"""Runs, for a client that awaits: watched until they end, read back as rows."""

from __future__ import annotations

import os
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from attrs import define, evolve, field

from ..api import ResultItem
from ..runs import (
    DAY,
    Allowance,
    Journal,
    Row,
    RunEvent,
    Ties,
    Tracked,
    Writable,
    cancel_and_note,
    download_results,
    join_rows,
    keyed_rows,
    list_files,
    note_interrupted_run,
    open_rows,
    recall_run,
    require_free,
    require_times,
    typed_rows,
    wait_for_run,
    watch_run,
    write_csv,
    write_ndjson,
)

if TYPE_CHECKING:
    from ._async_client import AsyncClient

T = TypeVar("T")


@define(eq=False)
class AsyncRun(Tracked):
    """A run on the service: the same as `Run`, each method awaited.

    Attributes:
        id: Its id (`job_id`).
        workflow_id: Id of its workflow; empty until the first look where the run was
            got by its id.
        is_presumed: Whether the answer to its start was lost, and it was taken for ours
            because it was the only new one. Its rows are handed out once they prove it.
        status: Its last known status; empty where nothing is known yet.
        is_attached: Whether it was there before: nothing was started for it now.
        reason: Why it ended otherwise than completed, where the service says so.
    """

    _client: AsyncClient = field(repr=False)

    def __attrs_post_init__(self) -> None:
        self._is_at(self._client.endpoint)

    def watch(
        self, *, every: float = 5.0, timeout: float = DAY
    ) -> AsyncIterator[RunEvent]:
        """What happens to the run, until it has ended; each event prints as a line.

        Faults on the way are looked past, and nothing is told that goes back. The run
        goes on whatever becomes of the watching.

        Args:
            every: Seconds between looks.
            timeout: Seconds after which to give up; a look may then take 10 s more.

        Raises:
            ApiError: Looking again cannot help: the key is refused, or there is no such
                run.
            WaitTimeoutError: It had not ended by then; it says how to wait again.
        """
        require_times("watch", every, timeout)
        return self._watched(every, timeout)

    async def _watched(self, every: float, seconds: float) -> AsyncIterator[RunEvent]:
        # It is an async generator, and ends with this one also where that is left.
        talk = watch_run(self, every=every, timeout=seconds)
        events: Any = self._client.events(talk)
        with note_interrupted_run(self.id):
            async with aclosing(events):
                async for event in events:
                    yield event

    async def wait(
        self,
        timeout: float = DAY,  # noqa: ASYNC109 - as `Run.wait` has it; the run goes on
        *,
        every: float = 5.0,
    ) -> AsyncRun:
        """Wait until the run has completed, and give the run.

        Args:
            timeout: Seconds after which to give up; a look may then take 10 s more.
            every: Seconds between looks.

        Raises:
            ApiError: Looking again cannot help: the key is refused, or there is no such
                run.
            RunFailedError: It ended otherwise.
            WaitTimeoutError: It had not ended by then; it says how to wait again.
        """
        require_times("wait", every, timeout)
        with note_interrupted_run(self.id):
            await self._client.play(wait_for_run(self, every=every, timeout=timeout))
        return self

    async def cancel(self) -> str:
        """Cancel the run; gives its status, also of one that has ended already.

        Rows that were processed are presumably charged. A run that `is_presumed` may be
        somebody else's.
        """
        return await self._client.play(cancel_and_note(self))

    async def results(self) -> Sequence[ResultItem]:
        """The result files of all stages by block number; the last is the final one.

        As JSON, which keeps types; as CSV where no JSON was saved. Of a run that has
        not completed they are what was saved so far, if anything.

        Raises:
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        """
        return await self._client.play(list_files(self))

    @overload
    async def rows(
        self,
        *,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Iterator[Row[Mapping[str, Any]]]: ...
    @overload
    async def rows(
        self,
        type: type[T],
        *,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Iterator[Row[T]]: ...
    async def rows(
        self,
        type: Any = None,
        *,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Any:
        """The rows of a completed run: those of its final file, or of one block.

        They are downloaded while this is awaited, to a file that goes when they are
        read; what is given is an ordinary iterator, which reads that file.

        Args:
            type: An attrs class, dataclass or TypedDict whose fields are columns; None
                gives each row as a mapping.
            block: Key path of the block whose rows you want, such as
                `work/find_email`, its id, or its number. By default it is the block
                that was named with the start, else the one end. Needed if the workflow
                ends in several blocks, as it does with a side branch.
            max_bytes: The most bytes to download. Default: the size that the service
                lists, or 1 GiB if it lists none.
            allow_unproven: Keep a file even if nothing proves that it is complete:
                neither its length or chunks, nor a listed size or number of rows.

        Raises:
            AmbiguousRowsError: The workflow ends in several blocks, and none is named.
            ArgumentError: No block has that key path, the type has no columns, or
                `max_bytes` is not a positive integer.
            NoResultError: There is no file.
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
            ResultError: The file cannot be downloaded or read, is too large or too
                slow, or nothing proves that it is complete.
            RunFailedError: The run ended otherwise; `results()` has what was saved.
            WaitTimeoutError: It goes on, so the last file is not the final one.
        """
        typed_rows((), type)  # what cannot be read is not downloaded
        allowance = Allowance(max_bytes, allow_unproven)
        found = await self._client.play(open_rows(self, block, allowance))
        return typed_rows(found, type)

    @overload
    async def tied(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Ties[Mapping[str, Any]]: ...
    @overload
    async def tied(
        self,
        inputs: Iterable[Mapping[str, Any]],
        type: type[T],
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Ties[T]: ...
    async def tied(
        self,
        inputs: Iterable[Mapping[str, Any]],
        type: Any = None,
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Any:
        """The rows of a completed run, tied to those of the input by a column.

        Args:
            inputs: The rows that were sent.
            type: See `rows`.
            row_key: The column: each row of the input has a value of its own in it.
            block: See `rows`.
            max_bytes: See `rows`.
            allow_unproven: See `rows`.

        Raises:
            RowKeyError: A row of the input has no key, or that of another one.
            FlowError: The rows cannot be had; see `rows`.
        """
        given = list(inputs)
        keyed_rows(given, row_key)
        found = await self.rows(
            type, block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
        )
        made = join_rows(given, found, row_key)
        return evolve(made, may_be_lost=self._losses(row_key, block))

    async def to_csv(
        self,
        path: str | os.PathLike[str] | Writable,
        *,
        block: str | int | None = None,
        safe: bool = False,
        overwrite: bool = False,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> int:
        """Save the rows of a completed run as CSV, and give their number.

        Args:
            path: A file that is complete or absent, or an open text file.
            block: See `rows`.
            safe: Put a single quote before text that a spreadsheet may run.
            overwrite: Replace a file that is there.
            max_bytes: See `rows`.
            allow_unproven: See `rows`.

        Raises:
            SaveError: It is there already, or cannot be written.
            FlowError: The rows cannot be had; see `rows`.
        """
        require_free(path, overwrite=overwrite)
        found = await self.rows(
            block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
        )
        rows = (row.raw for row in found)
        return await to_thread(write_csv, rows, path, safe=safe, overwrite=overwrite)

    async def to_ndjson(
        self,
        path: str | os.PathLike[str] | Writable,
        *,
        block: str | int | None = None,
        overwrite: bool = False,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> int:
        """Save the rows of a completed run as NDJSON, and give their number.

        Args:
            path: A file that is complete or absent, or an open text file.
            block: See `rows`.
            overwrite: Replace a file that is there.
            max_bytes: See `rows`.
            allow_unproven: See `rows`.

        Raises:
            SaveError: It is there already, or cannot be written.
            FlowError: The rows cannot be had; see `rows`.
        """
        require_free(path, overwrite=overwrite)
        found = await self.rows(
            block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
        )
        rows = (row.raw for row in found)
        return await to_thread(write_ndjson, rows, path, overwrite=overwrite)

    async def download(
        self,
        folder: str | os.PathLike[str],
        *,
        block: str | int | None = None,
        every_stage: bool = False,
        overwrite: bool = False,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Sequence[Path]:
        """Save result files as they are, and give their paths.

        Args:
            folder: Where to; made where it is missing. No name leads out of it.
            block: The file of this block instead of the final one; see `rows`.
            every_stage: The files of all stages, also of a run that has not completed.
            overwrite: Replace files that are there.
            max_bytes: The most bytes of each file; see `rows`.
            allow_unproven: See `rows`.

        Raises:
            ArgumentError: Both a block and every stage are asked for, or `max_bytes` is
                not a positive integer.
            SaveError: A file is there already, or cannot be written.
            FlowError: A file cannot be had; see `rows`.
        """
        talk = download_results(
            self,
            Path(folder),
            block=block,
            every_stage=every_stage,
            overwrite=overwrite,
            allowance=Allowance(max_bytes, allow_unproven),
        )
        return await self._client.play(talk)


def async_run_of(
    client: AsyncClient,
    run_id: str,
    workflow_id: str = "",
    *,
    journal: Journal | None = None,
) -> AsyncRun:
    """The run of an id; nothing is asked for it.

    Args:
        client: Whose it is.
        run_id: Its id.
        workflow_id: Id of its workflow, where that is known.
        journal: The client's, which may know it; how it ends is written there.

    Raises:
        JournalError: The journal cannot be read, so nobody knows whether it is ours.
    """
    known = recall_run(run_id, workflow_id, journal, client.endpoint)
    return AsyncRun(run_id, known.pop("workflow_id"), client, **known)
