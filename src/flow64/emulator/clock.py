"""The emulator's clock: real time, which a test can move forward."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, field


@define
class Clock:
    """Real time plus what it was moved forward by; all times and expiry follow it.

    Attributes:
        listeners: Are called after the clock was moved.
        ahead: How far it was moved.
    """

    listeners: list[Callable[[], None]] = field(factory=list, init=False, repr=False)
    ahead: timedelta = field(factory=timedelta, init=False)

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC) + self.ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward. Schedules that are due then start their runs."""
        self.ahead += timedelta(seconds=seconds)
        for listener in self.listeners:
            listener()


def format_time(moment: datetime) -> str:
    """Format a time as responses do: ISO 8601 with `Z`."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_optional_time(moment: datetime | None) -> str | None:
    """Format a time, or return None if there is none yet."""
    return None if moment is None else format_time(moment)
