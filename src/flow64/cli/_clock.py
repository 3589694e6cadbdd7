"""A wall clock of one's own, for a process that is to see another time.

Python's own ways to ask for the time of day are replaced: of `time` and of `datetime`.
What is imported afterwards sees the new ones. What asks elsewhere does not: monotonic
clocks, times of files, compiled code that asks the system itself, other programs.
"""

from __future__ import annotations

import datetime as dt
import time
from threading import Lock
from typing import Any, Final, TypeAlias

STEP: Final = 1_000_000
"""Nanoseconds that it goes on with each look, so that whoever waits for it goes on."""


def begin_at(moment: str) -> None:
    """Let the wall clock of this process begin at a moment, and stand between looks.

    Two processes that look at it equally often see the same times, which the real clock
    never gives. It is not undone, so it is for a process that ends soon.

    Args:
        moment: An ISO 8601 time with its offset.
    """
    begins = _DateTime.fromisoformat(moment)
    looks = _Looks(round(begins.timestamp() * 1_000) * 1_000_000)
    _replace_time(looks)
    _replace_datetime(looks)


class _Looks:
    """Counts the looks at a clock."""

    def __init__(self, begins: int) -> None:
        self._now = begins
        self._lock = Lock()

    def nanoseconds(self) -> int:
        """The time by this clock, since 1970."""
        with self._lock:
            self._now += STEP
            return self._now

    def seconds(self) -> float:
        """The same in seconds."""
        return self.nanoseconds() / 1e9


_Date: TypeAlias = dt.date
_DateTime: TypeAlias = dt.datetime


def _replace_time(looks: _Looks) -> None:
    real: Any = dict(vars(time))

    def or_now(name: str, position: int = 0) -> Any:
        """A function that takes a time, and the present one where none is given."""

        def asked(*given: Any) -> Any:
            if len(given) <= position or given[position] is None:
                now = looks.seconds()
                is_parts = name in ("asctime", "strftime")
                told = real["localtime"](now) if is_parts else now
                given = (*given[:position], told)
            return real[name](*given)

        return asked

    def clock(name: str, made: Any) -> Any:
        """A function that takes a clock, of which the wall clock alone is ours."""
        wall = getattr(time, "CLOCK_REALTIME", None)

        def asked(which: int) -> Any:
            return made() if which == wall else real[name](which)

        return asked

    changed: dict[str, Any] = {
        "time": looks.seconds,
        "time_ns": looks.nanoseconds,
        "strftime": or_now("strftime", 1),
        **{name: or_now(name) for name in ("asctime", "ctime", "gmtime", "localtime")},
        "clock_gettime": clock("clock_gettime", looks.seconds),
        "clock_gettime_ns": clock("clock_gettime_ns", looks.nanoseconds),
    }
    for name, made in changed.items():
        if name in real:  # not every system has all clocks
            setattr(time, name, made)


def _replace_datetime(looks: _Looks) -> None:
    class OfDate(type):
        """Takes every date for one of its own, also those of before."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _Date)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, _Date)

    class OfDateTime(type):
        """The same for a date with a time."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _DateTime)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, _DateTime)

    class Date(_Date, metaclass=OfDate):
        """A date whose `today` is that of the clock."""

        @classmethod
        def today(cls) -> Any:
            """Today, by the clock."""
            return cls.fromtimestamp(looks.seconds())

    class DateTime(_DateTime, metaclass=OfDateTime):
        """A time whose `now` is that of the clock."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            """Now, by the clock."""
            return cls.fromtimestamp(looks.seconds(), tz)

        @classmethod
        def today(cls) -> Any:
            """The same without a zone."""
            return cls.fromtimestamp(looks.seconds())

        @classmethod
        def utcnow(cls) -> Any:
            """The same in UTC, and without saying so."""
            told = _DateTime.fromtimestamp(looks.seconds(), dt.UTC)
            return cls(*told.timetuple()[:6], told.microsecond)

    replaced: tuple[tuple[str, type], ...] = (("date", Date), ("datetime", DateTime))
    for name, made in replaced:
        made.__name__ = made.__qualname__ = name
        made.__module__ = "datetime"
        setattr(dt, name, made)
