"""A batch that has completed, as it is handed out."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from ..deploy import Deployable
from ..errors import FlowError
from ..runs import DAY, Allowance, BatchSettings, FinishedBatch, require_times
from ._async_run import AsyncRun
from ._deploying import launcher
from ._run import Run
from ._settings import Settled

R = TypeVar("R", Run, AsyncRun)


@frozen
class Batch(Generic[R]):
    """A batch that has completed.

    Attributes:
        index: Its place among the batches, from 0.
        first: Number of its first row in the input, from 1.
        count: How many rows of the input it has.
        run: Its run, whose `rows()` are those that came of it.
        path: Where its rows were saved; None where nobody asked for that.
    """

    index: int
    first: int
    count: int
    run: R = field(repr=False)
    path: Path | None = None

    @classmethod
    def of(cls, done: FinishedBatch, run: R) -> Batch[R]:
        """The batch with its run."""
        part = done.part
        return cls(part.index, part.first, part.count, run, done.path)


@contextmanager
def note_interrupted_batches(intent: str) -> Generator[None]:
    """Say that nothing is lost: with a Ctrl-C, the end of a task, or bad input."""
    try:
        yield
    except (FlowError, GeneratorExit):  # it says so itself; nobody reads on
        raise
    except BaseException as stop:
        stop.add_note(
            f"runs of intent {intent!r} that were started go on; the same call goes on "
            "with them, and buys no finished batch again"
        )
        raise


def facts_of(done: FinishedBatch) -> dict[str, Any]:
    """What a handle of its run is told."""
    return {**done.facts, "status": "completed", "is_new": False}


def batch_settings(
    workflow: Deployable,
    settled: Settled,
    *,
    intent: str,
    size: int = 1000,
    concurrency: int = 4,
    retry_failed: bool = False,
    folder: str | PathLike[str] | None = None,
    every: float = 5.0,
    timeout: float = DAY,
    max_bytes: int | None = None,
    allow_unproven: bool = False,
    **more: Any,
) -> BatchSettings:
    """How an input is fed; see `Client.run_batches`."""
    require_times("run_batches", every, timeout)
    allowance = Allowance(max_bytes, allow_unproven)
    allowance.require_sound("run_batches")
    made = launcher("run_batches", workflow, settled, **more)
    if folder is not None:
        made.stages.number("", None)  # of several ends none is saved silently
    place = None if folder is None else Path(folder)
    return BatchSettings(
        made, intent, size, concurrency, retry_failed, place, every, timeout, allowance
    )
