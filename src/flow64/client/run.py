"""Runs: watch them until they end, and read their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..api.calls import ResultItem
from ..notebook import Badge, Cell, as_card, as_facts, as_table
from ..runs import results, watch
from ..runs.state import RunState
from ..runs.typed import ResultRows
from ..runs.watch import DAY, Event

if TYPE_CHECKING:
    from .client import Client

T = TypeVar("T")


class RunFacts:
    """What is known of a run."""

    def __init__(self, state: RunState) -> None:
        # Kept apart, so that a run shows its users only what is for them.
        self._state = state

    @property
    def id(self) -> str:
        """Id of the run (`job_id`)."""
        return self._state.id

    @property
    def workflow_id(self) -> str:
        """Id of its workflow; empty if it was fetched by its id and not polled yet."""
        return self._state.workflow_id

    @property
    def last_status(self) -> str:
        """The last known status; empty if none is known yet."""
        return self._state.status

    @property
    def is_ended(self) -> bool:
        """True if the run is known to have ended."""
        return self._state.is_ended

    @property
    def is_attached(self) -> bool:
        """True if the run was there before, and nothing was started now."""
        return self._state.is_attached

    @property
    def is_presumed(self) -> bool:
        """True if the answer to its start was lost.

        It was the only new run, so it is taken for ours. You get its rows once they
        prove that.
        """
        return self._state.is_presumed

    @property
    def reason(self) -> str | None:
        """Why it did not complete, if the service says so."""
        return self._state.reason

    @property
    def empty(self) -> str | None:
        """That it completed without a row, in words; None if that is not known."""
        return self._state.empty

    @property
    def started_at(self) -> str | None:
        """When it was started, if the journal knows it."""
        return self._state.started_at

    @property
    def count(self) -> int | None:
        """Rows that came out; None until it has completed, or if that is not known."""
        return self._state.count

    @property
    def stages(self) -> Mapping[str, int]:
        """Number of each block (`sequence_number`), by key path; empty if unknown."""
        return dict(self._state.stages.numbers)

    def _repr_html_(self) -> str:
        facts: dict[str, Cell] = {
            "status": Badge(self._state.status or "not known yet"),
            "workflow": self.workflow_id,
            "start": Badge("presumed") if self.is_presumed else None,
            "why": self.reason or self._state.empty,
        }
        names = {number: key for key, number in self.stages.items()}
        rows = [
            (
                names.get(block.sequence_number, block.block_name),
                Badge(block.status),
                block.returned_rows,
            )
            for block in (self._state.look.blocks if self._state.look else ())
        ]
        table = as_table(("block", "status", "rows"), rows)
        return as_card(f"Run {self.id}", as_facts(facts), table)

    def __repr__(self) -> str:
        presumed = ", is_presumed=True" if self.is_presumed else ""
        facts = f"id={self.id!r}, workflow_id={self.workflow_id!r}"
        return (
            f"{type(self).__name__}({facts}, status={self._state.status!r}{presumed})"
        )


class Run(RunFacts):
    """A run on the service, and what is known of it."""

    def __init__(self, state: RunState, client: Client) -> None:
        super().__init__(state)
        self._client = client

    @property
    def state(self) -> RunState:
        """What the functions of `flow64.runs` take."""
        return self._state

    @property
    def status(self) -> str:
        """The status. Unless the run is known to have ended, the service is asked."""
        return self._state.status if self.is_ended else self.refresh()

    def refresh(self) -> str:
        """Ask the service for the status, and return it."""
        watch.poll(self._client.session, self._state)
        return self._state.status

    def watch(self, *, every: float = 5.0, timeout: float = DAY) -> Iterator[Event]:
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
        session = self._client.session
        return watch.watch(session, self._state, every=every, timeout=timeout)

    def steps(
        self, *, every: float = 5.0, timeout: float = DAY
    ) -> Iterator[Event | float]:
        """Yield events as `watch` does, and the seconds to wait before each poll."""
        session = self._client.session
        return watch.steps(session, self._state, every=every, timeout=timeout)

    def wait(self, timeout: float = DAY, *, every: float = 5.0) -> Run:
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
        session = self._client.session
        watch.wait(session, self._state, every=every, timeout=timeout)
        return self

    def cancel(self) -> str:
        """Cancel the run, and return its status. A run that has ended keeps its status.

        Rows that were processed are presumably charged. A run that `is_presumed` may
        belong to another user.
        """
        return watch.cancel(self._client.session, self._state)

    def results(self) -> Sequence[ResultItem]:
        """Return the result files of all stages by block number; the final one is last.

        They are JSON, which keeps types, or CSV if no JSON was saved. A run that has
        not completed may have files of some stages.

        Raises:
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        """
        return results.list_files(self._client.session, self._state)

    @overload
    def rows(
        self, *, block: str | int | None = None
    ) -> ResultRows[Mapping[str, Any]]: ...
    @overload
    def rows(
        self, type: type[T], *, block: str | int | None = None
    ) -> ResultRows[T]: ...
    def rows(
        self, type: type[Any] | None = None, *, block: str | int | None = None
    ) -> ResultRows[Any]:
        """Yield the rows of a completed run: `value`, and `raw` as it came.

        Args:
            type: The type of each value, such as a class of `@returns`. None gives the
                row itself.
            block: The block that the rows come from: its key path or number. The
                default is that of the run, and then the final one.

        Raises:
            ResultError: There is no such file, or it is damaged.
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        """
        session = self._client.session
        return results.read_rows(session, self._state, type, block=block)

    def to_csv(
        self,
        path: str | PathLike[str],
        *,
        block: str | int | None = None,
        safe: bool = False,
        overwrite: bool = False,
    ) -> int:
        """Save the rows of a completed run as CSV, and return their number.

        Args:
            path: A file that will be complete or absent.
            block: See `rows`.
            safe: Put a single quote before text that a spreadsheet may run as a
                formula.
            overwrite: Replace an existing file.

        Raises:
            RowsError: The file exists, or cannot be written.
            FlowError: The rows cannot be read; see `rows`.
        """
        return results.save_csv(
            self._client.session,
            self._state,
            path,
            block=block,
            safe=safe,
            overwrite=overwrite,
        )

    def download(
        self,
        path: str | PathLike[str],
        *,
        block: str | int | None = None,
        every_stage: bool = False,
        overwrite: bool = False,
    ) -> Sequence[Path]:
        """Save result files as they are, and return their paths.

        Args:
            path: A file, if it ends in `.csv`, `.json` or `.ndjson`; else a folder. No
                file is saved outside it.
            block: Save the file of this block instead of the final one; see `rows`.
            every_stage: Save the files of all stages, also of a run that has not
                completed.
            overwrite: Replace existing files.

        Raises:
            RowsError: A file exists, or cannot be written.
            FlowError: A file cannot be downloaded; see `rows`.
        """
        return results.download(
            self._client.session,
            self._state,
            path,
            block=block,
            every_stage=every_stage,
            overwrite=overwrite,
        )
