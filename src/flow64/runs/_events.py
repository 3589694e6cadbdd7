"""Events of a run that is watched. Each event prints as a line of text."""

from __future__ import annotations

from typing import Final, TypeAlias

from attrs import frozen

from ..api import COMPLETED
from ..text import printable

STEP: Final = 10.0
"""Percentage points of progress before a block gets another line in a log."""


@frozen
class Queued:
    """The run waits for its turn."""

    def __str__(self) -> str:
        return "queued"


@frozen
class Running:
    """The run is under way.

    Attributes:
        status: `running`, or an unknown word of the service.
    """

    status: str = "running"

    def __str__(self) -> str:
        return printable(self.status)


@frozen
class BlockStarted:
    """A block has started.

    Attributes:
        number: Its `sequence_number`.
        name: Its key path, or its kind if its code is not known.
        total: Rows to process; None if that is not known.
    """

    number: int
    name: str
    total: int | None = None

    def __str__(self) -> str:
        rows = f", {_format_rows(self.total)}" if self.total is not None else ""
        return f"{_name_block(self)}: started{rows}"


@frozen
class Progress:
    """A block has made progress. Neither count nor percentage ever goes back.

    Attributes:
        number: Its `sequence_number`.
        name: Its key path, or its kind if its code is not known.
        processed: Rows that it has processed.
        total: Rows to process; None if that is not known.
        percentage: Its progress as the service reports it, which may exceed 100.
    """

    number: int
    name: str
    processed: int
    total: int | None
    percentage: float

    @property
    def display_percentage(self) -> float:
        """The percentage to show: from 0 to 100."""
        return min(max(self.percentage, 0.0), 100.0)

    def __str__(self) -> str:
        of = f"{self.processed} of " if self.total is not None else ""
        rows = _format_rows(self.processed if self.total is None else self.total)
        percentage = f"{self.display_percentage:.0f} %"
        return f"{_name_block(self)}: {of}{rows} ({percentage})"


@frozen
class BlockDone:
    """A block has completed.

    Attributes:
        number: Its `sequence_number`.
        name: Its key path, or its kind if its code is not known.
        rows: Rows that it returned; None if that is not known.
    """

    number: int
    name: str
    rows: int | None = None

    def __str__(self) -> str:
        rows = f", {_format_rows(self.rows)}" if self.rows is not None else ""
        return f"{_name_block(self)}: done{rows}"


@frozen
class BlockFailed:
    """A block has ended without completing.

    Attributes:
        number: Its `sequence_number`.
        name: Its key path, or its kind if its code is not known.
        status: How it ended.
        message: Its error message.
    """

    number: int
    name: str
    status: str = "failed"
    message: str | None = None

    def __str__(self) -> str:
        why = f": {printable(self.message)}" if self.message else ""
        return f"{_name_block(self)}: {printable(self.status)}{why}"


@frozen
class Finished:
    """The run has ended. No event comes after this one.

    Attributes:
        status: `completed`, `failed`, `cancelled`, `timeout` or `terminated`.
        reason: Why it did not complete, if the service says so.
        empty: That it completed without a row, in words; None if rows came out.
    """

    status: str
    reason: str | None = None
    empty: str | None = None

    @property
    def is_completed(self) -> bool:
        """True if the run has completed."""
        return self.status == COMPLETED

    def __str__(self) -> str:
        why = self.reason or self.empty
        return f"{self.status}: {printable(why)}" if why else self.status


RunEvent: TypeAlias = (
    Queued | Running | BlockStarted | Progress | BlockDone | BlockFailed | Finished
)


class EventLines:
    """The lines of one run for a log, without small steps of progress.

    A run of many rows has thousands of events, and a log needs few of them.
    """

    def __init__(self) -> None:
        self._shown: dict[int, float] = {}

    def format(self, event: RunEvent) -> str | None:
        """Return the line of an event; None if it is too small a step."""
        if isinstance(event, Progress):
            if event.display_percentage < self._shown.get(event.number, 0.0) + STEP:
                return None
            self._shown[event.number] = event.display_percentage
        return str(event)


def _name_block(event: BlockStarted | Progress | BlockDone | BlockFailed) -> str:
    return f"{event.number} {printable(event.name)}"


def _format_rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
