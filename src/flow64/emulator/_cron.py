"""Times of a schedule: a cron expression of five fields, in an IANA time zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS: Final = 5
_SOME_DAY: Final = datetime(2096, 3, 1, tzinfo=UTC)
"""The day after 29 February 2096. The next 29 February is in 2104."""


def next_times(
    expression: str, zone: tzinfo, after: datetime, count: int
) -> list[datetime]:
    """Return the first due times after a moment, in UTC."""
    times = (
        time.astimezone(UTC) for time in CronSim(expression, after.astimezone(zone))
    )
    # In an hour that the clocks repeat, the first may have been.
    return [*islice((time for time in times if time > after), count)]


def describe_wrong_cron(expression: str) -> str | None:
    """Describe what is wrong with a cron expression; None if it can be used."""
    count = len(expression.split())
    if count != _FIELDS:  # the library takes a sixth field, for seconds
        return f"a cron expression has {_FIELDS} fields, not {count}"
    try:
        is_ever = any(CronSim(expression, _SOME_DAY))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        return f"the {field} of {expression!r} cannot be read, or never comes"
    except ValueError:  # a number with thousands of digits
        return "a number in it is too long"
    return None if is_ever else f"{expression!r} is never due"


def as_zone(name: str) -> tzinfo | None:
    """Return the time zone of a name, or None."""
    if name == "UTC":  # also if the system has no time zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None
