"""The emulator's clock: the real one, which a test can put forward."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import define, field


@define
class Clock:
    """Real time and what it was put forward by; stamps and expiry follow it."""

    _ahead: timedelta = field(factory=timedelta, init=False)

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the clock forward."""
        self._ahead += timedelta(seconds=seconds)


def format_time(moment: datetime) -> str:
    """A moment as answers spell it: ISO 8601 with `Z`."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_optional_time(moment: datetime | None) -> str | None:
    """The same for a moment that may not have come yet."""
    return None if moment is None else format_time(moment)
