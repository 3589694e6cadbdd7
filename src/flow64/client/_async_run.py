"""Runs of a client that awaits: watch them until they end, and read their rows."""

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
    JoinedRows,
    Journal,
    Row,
    RunEvent,
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
    """A run on the service; see `Run` for its attributes."""

    _client: AsyncClient = field(repr=False)

    def __attrs_post_init__(self) -> None:
        self._set_endpoint(self._client.endpoint)

    def watch(
        self, *, every: float = 5.0, timeout: float = DAY
    ) -> AsyncIterator[RunEvent]:
        """Yield what happens to the run until it ends; see `Run.watch`."""
        require_times("watch", every, timeout)
        return self._watch(every, timeout)

    async def _watch(self, every: float, seconds: float) -> AsyncIterator[RunEvent]:
        # An async generator, which has to end with this one, also if this is left.
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
        """Wait until the run has completed, and return the run; see `Run.wait`."""
        require_times("wait", every, timeout)
        with note_interrupted_run(self.id):
            await self._client.play(wait_for_run(self, every=every, timeout=timeout))
        return self

    async def cancel(self) -> str:
        """Cancel the run, and return its status; see `Run.cancel`."""
        return await self._client.play(cancel_and_note(self))

    async def results(self) -> Sequence[ResultItem]:
        """Return the result files of all stages by block number; see `Run.results`."""
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
        """Return the rows of a completed run; see `Run.rows`."""
        typed_rows((), type)  # what cannot be read is not downloaded
        allowance = Allowance(max_bytes, allow_unproven)
        found = await self._client.play(open_rows(self, block, allowance))
        return typed_rows(found, type)

    @overload
    async def join_rows(
        self,
        inputs: Iterable[Mapping[str, Any]],
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> JoinedRows[Mapping[str, Any]]: ...
    @overload
    async def join_rows(
        self,
        inputs: Iterable[Mapping[str, Any]],
        type: type[T],
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> JoinedRows[T]: ...
    async def join_rows(
        self,
        inputs: Iterable[Mapping[str, Any]],
        type: Any = None,
        *,
        row_key: str,
        block: str | int | None = None,
        max_bytes: int | None = None,
        allow_unproven: bool = False,
    ) -> Any:
        """Join the rows of a completed run to its input; see `Run.join_rows`."""
        given = list(inputs)
        keyed_rows(given, row_key)
        found = await self.rows(
            type, block=block, max_bytes=max_bytes, allow_unproven=allow_unproven
        )
        made = join_rows(given, found, row_key)
        return evolve(made, may_be_lost=self._list_losses(row_key, block))

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
        """Save the rows of a completed run as CSV; see `Run.to_csv`."""
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
        """Save the rows of a completed run as NDJSON; see `Run.to_ndjson`."""
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
        """Save result files as they are, and return their paths; see `Run.download`."""
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
    """Return the handle of a run by its id; see `run_of`."""
    known = recall_run(run_id, workflow_id, journal, client.endpoint)
    return AsyncRun(run_id, known.pop("workflow_id"), client, **known)
