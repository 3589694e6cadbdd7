"""The emulator's clock: real time, which a test can move forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import define, field


@define
class Clock:
    """Real time plus what it was moved forward by; all times and expiry follow it."""

    _ahead: timedelta = field(factory=timedelta, init=False)

    def now(self) -> datetime:
        """Return the time, in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._ahead += timedelta(seconds=seconds)


def format_time(moment: datetime) -> str:
    """Format a time as responses do: ISO 8601 with `Z`."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_optional_time(moment: datetime | None) -> str | None:
    """Format a time, or return None if there is none yet."""
    return None if moment is None else format_time(moment)
