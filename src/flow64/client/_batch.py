"""Batches that have completed."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from attrs import field, frozen

from ..errors import FlowError
from ..runs import FinishedBatch
from ._async_run import AsyncRun
from ._run import Run

R = TypeVar("R", Run, AsyncRun)


@frozen
class Batch(Generic[R]):
    """A batch that has completed.

    Attributes:
        index: Index of the batch, from 0.
        first: Number of its first row in the input, from 1.
        count: Number of its rows in the input.
        run: Its run. `run.rows()` gives the rows of the result.
        path: The file with its rows; None if no `folder` was given.
    """

    index: int
    first: int
    count: int
    run: R = field(repr=False)
    path: Path | None = None


def batch_of(done: FinishedBatch, run: R) -> Batch[R]:
    """Return a finished batch with the handle of its run."""
    part = done.part
    return Batch(part.index, part.first, part.count, run, done.path)


@contextmanager
def note_interrupted_batches(intent: str) -> Generator[None]:
    """Add to an interruption that the runs go on, and how to continue."""
    try:
        yield
    except (FlowError, GeneratorExit):  # it says so itself, or reading has stopped
        raise
    except BaseException as stop:
        stop.add_note(
            f"runs of intent {intent!r} that were started go on; the same call goes on "
            "with them, and buys no finished batch again"
        )
        raise
