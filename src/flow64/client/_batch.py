"""Batches that have completed, and the settings to run them with."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from ..deploy import Deployable
from ..errors import FlowError
from ..runs import (
    DAY,
    Allowance,
    BatchSettings,
    FinishedBatch,
    require_times,
)
from ._async_run import AsyncRun
from ._compiling import make_launcher
from ._run import Run
from ._settings import ClientSettings

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


def batch_settings(
    workflow: Deployable,
    settings: ClientSettings,
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
    """Compile the workflow, and check the options of `Client.run_batches`."""
    require_times("run_batches", every, timeout)
    allowance = Allowance(max_bytes, allow_unproven)
    allowance.require_sound("run_batches")
    made = make_launcher("run_batches", workflow, settings, **more)
    if folder is not None:
        made.stages.number("", None)  # of several ends none is saved silently
    place = None if folder is None else Path(folder)
    return BatchSettings(
        made, intent, size, concurrency, retry_failed, place, every, timeout, allowance
    )
