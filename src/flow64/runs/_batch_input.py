"""How an input is run in batches, and its rows, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from ..api import as_flag
from ..errors import ArgumentError, RowsError, shortened
from ._download import ALLOWANCE, Allowance
from ._launch import Launcher, require_name
from ._payload import as_iterable
from ._watch import require_times

MAX_WRONG: Final = 1000
"""Problems with rows after which the rest of the input is not checked."""


@frozen
class RowRange:
    """The rows of one batch.

    Attributes:
        index: Index of the batch, from 0.
        first: Number of its first row in the input, from 1.
        count: Number of rows.
    """

    index: int
    first: int
    count: int


def _as_folder(folder: str | PathLike[str] | None) -> Path | None:
    return None if folder is None else Path(folder)


@frozen
class BatchSettings:
    """The options of one call of `Client.run_batches`.

    Attributes:
        launcher: Starts each run.
        intent: Name of the whole input.
        size: Rows of each batch but the last.
        concurrency: Most runs under way at a time.
        retry_failed: Start batches again that failed when this intent was run before.
        folder: Folder for the final file of each batch; None saves no files.
        every: Seconds between two polls of a run.
        timeout: Seconds to wait for each run.
        allowance: Limits of each download.
    """

    launcher: Launcher
    intent: str
    size: int
    concurrency: int
    retry_failed: bool
    folder: Path | None = field(converter=_as_folder)
    every: float
    timeout: float
    allowance: Allowance = ALLOWANCE

    def __attrs_post_init__(self) -> None:
        callee = "run_batches"
        intent: Any = self.intent
        if intent is None:
            problem = "intent is missing: it is what keeps a batch from being bought"
            raise ArgumentError(callee, f'{problem} twice; intent="2026-W20"')
        require_name(intent)
        for name in ("size", "concurrency"):
            given = getattr(self, name)
            if type(given) is not int or given < 1:
                problem = f"{name} is {shortened(given)}, no count from 1 up"
                raise ArgumentError(callee, problem)
        as_flag(callee, "retry_failed", self.retry_failed)
        require_times(callee, self.every, self.timeout)
        self.allowance.require_sound(callee)
        if self.folder is not None:
            self.launcher.stages.number("", None)  # none of several ends is a default


class BatchInput:
    """The rows of an input, batch by batch."""

    def __init__(self, settings: BatchSettings, rows: Any) -> None:
        self.settings: Final = settings
        self.index = 0
        self.first = 1
        self.total: int | None = None
        given = as_iterable(rows)
        if isinstance(rows, str | PathLike) or iter(given) is not given:
            self.total = self._check_all(given)
            given = as_iterable(rows)
        self._chunks: Final = _chunks(given, settings.size)

    def _check_all(self, given: Iterable[Any]) -> int:
        """Check all rows before anything is spent, and count them."""
        wrong: dict[str, None] = {}
        first = 1
        for rows in _chunks(given, self.settings.size):
            try:
                self.settings.launcher.payload(rows, first)
            except RowsError as error:
                wrong |= dict.fromkeys(error.problems)
            first += len(rows)
            if len(wrong) > MAX_WRONG:
                break
        if wrong:
            raise RowsError(list(wrong))
        return first - 1

    def next(self) -> tuple[RowRange, list[Any]] | None:
        """Return the next batch and its rows; None after the last one."""
        rows = next(self._chunks, None)
        if rows is None:
            return None
        part = RowRange(self.index, self.first, len(rows))
        self.index, self.first = part.index + 1, part.first + part.count
        return part, rows

    def count(self) -> int:
        """Count the rows of all batches that are known by now."""
        return self.first - 1 if self.total is None else self.total


def _chunks(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    given = iter(rows)
    while chunk := list(islice(given, size)):
        yield chunk
