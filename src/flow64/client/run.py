"""Runs: watch them until they end, and read their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from operator import attrgetter
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, overload

from ..api.policy import DAY
from ..api.session import Session
from ..notebook import Badge, Cell, as_card, as_facts
from ..runs import results as result_files
from ..runs import watch as watching
from ..runs.state import RunState
from ..runs.typed import ResultRows

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def _fact(name: str) -> Any:
    """Return a property that reads a fact of the state of a run."""
    return property(attrgetter(f"state.{name}"))


def _call(
    function: Callable[Concatenate[Session, RunState, P], R],
) -> Callable[Concatenate[Any, P], R]:
    """Return a function of a session and the state of a run as a method of `Run`."""

    @wraps(function)
    def method(run: Any, /, *args: P.args, **options: P.kwargs) -> R:
        return function(run.session, run.state, *args, **options)

    return method


class RunFacts:
    """What is known of a run."""

    id: Final[str] = _fact("id")
    """Id of the run (`job_id`)."""
    workflow_id: Final[str] = _fact("workflow_id")
    """Id of its workflow; empty if it was fetched by its id and not polled yet."""
    last_status: Final[str] = _fact("status")
    """The last known status; empty if none is known yet."""
    is_ended: Final[bool] = _fact("is_ended")
    """True if it is known to have ended."""
    is_attached: Final[bool] = _fact("is_attached")
    """True if it was there before, and nothing was started now."""
    is_presumed: Final[bool] = _fact("is_presumed")
    """True if the answer to its start was lost. It was the only new run, so it is taken
    for ours. You get its rows once they prove that."""
    reason: Final[str | None] = _fact("reason")
    """Why it did not complete, if the service says so."""
    empty: Final[str | None] = _fact("empty")
    """That it completed without a row, in words; None if not known."""
    started_at: Final[str | None] = _fact("started_at")
    """When it was started, if the journal knows it."""
    count: Final[int | None] = _fact("count")
    """Rows that came out; None until it has completed, or if not known."""

    def __init__(self, state: RunState) -> None:
        self.state = state

    def _repr_html_(self) -> str:
        facts: dict[str, Cell] = {
            "status": Badge(self.state.status or "not known yet"),
            "workflow": self.workflow_id,
            "start": Badge("presumed") if self.is_presumed else None,
            "why": self.reason or self.state.empty,
        }
        return as_card(f"Run {self.id}", as_facts(facts))

    def __repr__(self) -> str:
        presumed = ", is_presumed=True" if self.is_presumed else ""
        facts = f"id={self.id!r}, workflow_id={self.workflow_id!r}"
        return f"{type(self).__name__}({facts}, status={self.state.status!r}{presumed})"


class Run(RunFacts):
    """A run on the service, and what is known of it."""

    def __init__(self, state: RunState, session: Session) -> None:
        super().__init__(state)
        self.session: Final = session

    @property
    def status(self) -> str:
        """The status. Unless the run is known to have ended, the service is asked."""
        return self.state.status if self.is_ended else self.refresh()

    def refresh(self) -> str:
        """Ask the service for the status, and return it."""
        watching.poll(self.session, self.state)
        return self.state.status

    watch: Final = _call(watching.watch)
    steps: Final = _call(watching.steps)
    cancel: Final = _call(watching.cancel)
    results: Final = _call(result_files.list_files)
    to_csv: Final = _call(result_files.save_csv)
    download: Final = _call(result_files.download)

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
        watching.wait(self.session, self.state, every=every, timeout=timeout)
        return self

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
        return result_files.read_rows(self.session, self.state, type, block=block)
