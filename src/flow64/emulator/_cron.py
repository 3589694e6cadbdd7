"""Times of a schedule: a cron expression of five fields, in an IANA time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice, product
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from attrs import frozen

LONGEST_WAIT: Final = 366 * 9
"""Days within which every date occurs: 29 February skips the year 2100."""


@frozen
class Cron:
    """A parsed cron expression.

    Attributes:
        weekdays: Days of the week; Monday is 0.
        is_either: Whether a matching day of the month or of the week is enough. This
            is so if the expression restricts both.
        is_hourly: Whether every hour matches.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    is_either: bool
    is_hourly: bool

    def times(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Yield the due times after a moment, in UTC."""
        for day in self.dates(after.astimezone(zone).date()):
            yield from (time for time in self._times_of(day, zone) if time > after)

    def dates(self, first: date) -> Iterator[date]:
        """Yield the days with due times, from a day on."""
        for offset in range(LONGEST_WAIT):
            day = first + timedelta(days=offset)
            if self._is_due(day):
                yield day

    def _is_due(self, day: date) -> bool:
        of_month, of_week = day.day in self.days, day.weekday() in self.weekdays
        is_due = of_month or of_week if self.is_either else of_month and of_week
        return is_due and day.month in self.months

    def _times_of(self, day: date, zone: tzinfo) -> Sequence[datetime]:
        """Return the due times of a day."""
        found: set[datetime] = set()
        for hour, minute in product(self.hours, self.minutes):
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
            # An hour that the clocks repeat counts twice only if every hour matches.
            for fold in (0, 1) if self.is_hourly else (0,):
                time = local.replace(fold=fold).astimezone(UTC)
                back = time.astimezone(zone)
                # Otherwise the clocks skip this time.
                if (back.hour, back.minute) == (hour, minute):
                    found.add(time)
        return sorted(found)


def next_times(cron: Cron, zone: tzinfo, after: datetime, count: int) -> list[datetime]:
    """Return the first due times after a moment, in UTC."""
    return list(islice(cron.times(after, zone), count))


def as_cron(text: str) -> Cron | str:
    """Parse a cron expression, or return the problem with it."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return f"a cron expression has {len(_FIELDS)} fields, not {len(fields)}"
    found: list[frozenset[int]] = []
    for written, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        values = _parse_field(written.lower(), low, high, words)
        if values is None:
            return f"the {name} {written!r} cannot be read, or is out of range"
        found.append(values)
    minutes, hours, days, months, weekdays = found
    cron = Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        # Cron's Sunday is 0, and 7 as well.
        weekdays=frozenset((day - 1) % 7 for day in weekdays),
        is_either=not (fields[2].startswith("*") or fields[4].startswith("*")),
        is_hourly=len(hours) == 24,
    )
    is_ever = any(cron.dates(date(2096, 3, 1)))
    return cron if is_ever else "there is no such day in any year"


def as_zone(name: str) -> tzinfo | None:
    """Return the time zone of a name, or None."""
    if name == "UTC":  # also if the system has no time zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None


_Field: TypeAlias = tuple[str, int, int, Sequence[str]]

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

_FIELDS: Final[tuple[_Field, ...]] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
"""Name, lowest and highest value of each field, and words for its values."""

_PART: Final = re.compile(r"(?:\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/([0-9]{1,2}))?")


def _parse_field(
    written: str, low: int, high: int, words: Sequence[str]
) -> frozenset[int] | None:
    """Parse a field into its values, or return None."""
    found: set[int] = set()
    for part in written.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return None
        first, last, every = match.groups()
        start = low if first is None else _parse_value(first, low, words)
        if last is not None:
            end = _parse_value(last, low, words)
        else:
            # Without a step, one value is that value alone.
            end = start if first is not None and every is None else high
        step = int(every or 1)
        if start is None or end is None or not step or not low <= start <= end <= high:
            return None
        found.update(range(start, end + 1, step))
    return frozenset(found)


def _parse_value(text: str, low: int, words: Sequence[str]) -> int | None:
    if text in words:
        return words.index(text) + low
    return int(text) if text.isascii() and text.isdigit() else None
