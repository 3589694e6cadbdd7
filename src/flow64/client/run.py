"""Runs: watch them until they end, and read their rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from ..api.calls import ResultItem
from ..notebook import Badge, Cell, as_card, as_facts, as_table
from ..runs import results, watch
from ..runs.state import RunState
from ..runs.typed import ResultRows
from ..runs.watch import DAY, Event

if TYPE_CHECKING:
    from .client import Client

T = TypeVar("T")


def _fact(name: str, doc: str) -> Any:
    """Return a property that reads a fact of the state of a run."""
    return property(attrgetter(f"state.{name}"), doc=doc)


class RunFacts:
    """What is known of a run."""

    id: Final[str] = _fact("id", "Id of the run (`job_id`).")
    workflow_id: Final[str] = _fact(
        "workflow_id",
        "Id of its workflow; empty if it was fetched by its id and not polled yet.",
    )
    last_status: Final[str] = _fact(
        "status", "The last known status; empty if none is known yet."
    )
    is_ended: Final[bool] = _fact("is_ended", "True if it is known to have ended.")
    is_attached: Final[bool] = _fact(
        "is_attached", "True if it was there before, and nothing was started now."
    )
    is_presumed: Final[bool] = _fact(
        "is_presumed",
        "True if the answer to its start was lost. It was the only new run, so it is "
        "taken for ours. You get its rows once they prove that.",
    )
    reason: Final[str | None] = _fact(
        "reason", "Why it did not complete, if the service says so."
    )
    empty: Final[str | None] = _fact(
        "empty", "That it completed without a row, in words; None if not known."
    )
    started_at: Final[str | None] = _fact(
        "started_at", "When it was started, if the journal knows it."
    )
    count: Final[int | None] = _fact(
        "count", "Rows that came out; None until it has completed, or if not known."
    )

    def __init__(self, state: RunState) -> None:
        self.state = state

    @property
    def stages(self) -> Mapping[str, int]:
        """Number of each block (`sequence_number`), by key path; empty if unknown."""
        return dict(self.state.stages.numbers)

    def _repr_html_(self) -> str:
        facts: dict[str, Cell] = {
            "status": Badge(self.state.status or "not known yet"),
            "workflow": self.workflow_id,
            "start": Badge("presumed") if self.is_presumed else None,
            "why": self.reason or self.state.empty,
        }
        names = {number: key for key, number in self.stages.items()}
        rows = [
            (
                names.get(block.sequence_number, block.block_name),
                Badge(block.status),
                block.returned_rows,
            )
            for block in (self.state.look.blocks if self.state.look else ())
        ]
        table = as_table(("block", "status", "rows"), rows)
        return as_card(f"Run {self.id}", as_facts(facts), table)

    def __repr__(self) -> str:
        presumed = ", is_presumed=True" if self.is_presumed else ""
        facts = f"id={self.id!r}, workflow_id={self.workflow_id!r}"
        return f"{type(self).__name__}({facts}, status={self.state.status!r}{presumed})"


class Run(RunFacts):
    """A run on the service, and what is known of it."""

    def __init__(self, state: RunState, client: Client) -> None:
        super().__init__(state)
        self._client = client

    @property
    def status(self) -> str:
        """The status. Unless the run is known to have ended, the service is asked."""
        return self.state.status if self.is_ended else self.refresh()

    def refresh(self) -> str:
        """Ask the service for the status, and return it."""
        watch.poll(self._client.session, self.state)
        return self.state.status

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
        return watch.watch(session, self.state, every=every, timeout=timeout)

    def steps(
        self, *, every: float = 5.0, timeout: float = DAY
    ) -> Iterator[Event | float]:
        """Yield events as `watch` does, and the seconds to wait before each poll."""
        session = self._client.session
        return watch.steps(session, self.state, every=every, timeout=timeout)

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
        watch.wait(session, self.state, every=every, timeout=timeout)
        return self

    def cancel(self) -> str:
        """Cancel the run, and return its status. A run that has ended keeps its status.

        Rows that were processed are presumably charged. A run that `is_presumed` may
        belong to another user.
        """
        return watch.cancel(self._client.session, self.state)

    def results(self) -> Sequence[ResultItem]:
        """Return the result files of all stages by block number; the final one is last.

        They are JSON, which keeps types, or CSV if no JSON was saved. A run that has
        not completed may have files of some stages.

        Raises:
            OutcomeUnknownError: The run was taken for ours, and nothing proves it.
        """
        return results.list_files(self._client.session, self.state)

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
        return results.read_rows(session, self.state, type, block=block)

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
            self.state,
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
            self.state,
            path,
            block=block,
            every_stage=every_stage,
            overwrite=overwrite,
        )
