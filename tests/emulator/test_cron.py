"""Due times of schedules, by facts about calendars and clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.emulator._cron import as_zone, describe_wrong_cron, next_times


def due(expression, zone, after, count=3):
    """Return the next times, as text in UTC."""
    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    times = next_times(expression, as_zone(zone), moment, count)
    return [time.strftime("%Y-%m-%d %H:%M") for time in times]


@pytest.mark.parametrize(
    ("expression", "zone", "after", "times"),
    [
        # A time that is due at this very moment has been.
        (
            "*/15 * * * *",
            "UTC",
            "2026-06-01 10:00",
            ["2026-06-01 10:15", "2026-06-01 10:30", "2026-06-01 10:45"],
        ),
        # Mondays: 1 June 2026 is one.
        (
            "0 9 * * 1",
            "UTC",
            "2026-06-01 09:00",
            ["2026-06-08 09:00", "2026-06-15 09:00", "2026-06-22 09:00"],
        ),
        ("0 9 * * MON-WED", "UTC", "2026-06-02 10:00", ["2026-06-03 09:00"]),
        # Sunday is 0, and 7 as well.
        ("0 0 * * 0", "UTC", "2026-06-01 00:00", ["2026-06-07 00:00"]),
        ("0 0 * * 7", "UTC", "2026-06-01 00:00", ["2026-06-07 00:00"]),
        # A day of the month and one of the week: either will do.
        (
            "0 0 13 * FRI",
            "UTC",
            "2026-06-10 00:00",
            ["2026-06-12 00:00", "2026-06-13 00:00", "2026-06-19 00:00"],
        ),
        # A short month has no 31st.
        (
            "0 0 31 * *",
            "UTC",
            "2026-01-31 00:00",
            ["2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00"],
        ),
        # 2100 is no leap year.
        ("0 0 29 2 *", "UTC", "2096-03-01 00:00", ["2104-02-29 00:00"]),
        ("5,35 6/6 1 jan,JUL *", "UTC", "2026-01-01 12:10", ["2026-01-01 12:35"]),
        # Noon in New York is 17:00 UTC in winter and 16:00 in summer.
        (
            "0 12 * * *",
            "America/New_York",
            "2026-03-07 00:00",
            ["2026-03-07 17:00", "2026-03-08 16:00", "2026-03-09 16:00"],
        ),
        # 02:30 did not exist there on 8 March 2026: it is due at 03:00.
        (
            "30 2 * * *",
            "America/New_York",
            "2026-03-07 00:00",
            ["2026-03-07 07:30", "2026-03-08 07:00", "2026-03-09 06:30"],
        ),
        # 01:30 came twice there on 1 November 2026: once is enough.
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31 12:00",
            ["2026-11-01 05:30", "2026-11-02 06:30", "2026-11-03 06:30"],
        ),
        # Also if the second one has begun.
        (
            "30 1 * * *",
            "America/New_York",
            "2026-11-01 06:15",
            ["2026-11-02 06:30"],
        ),
        # What is due every hour is due in both of them.
        (
            "0 * * * *",
            "America/New_York",
            "2026-11-01 04:30",
            ["2026-11-01 05:00", "2026-11-01 06:00", "2026-11-01 07:00"],
        ),
        # Kathmandu is 5:45 ahead.
        ("0 0 * * *", "Asia/Kathmandu", "2026-06-01 00:00", ["2026-06-01 18:15"]),
    ],
)
def test_times_are_those_of_the_calendar(expression, zone, after, times):
    """Each can be looked up."""
    assert due(expression, zone, after, len(times)) == times


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "has 5 fields, not 0"),
        ("* * * *", "has 5 fields, not 4"),
        ("* * * * * *", "has 5 fields, not 6"),
        ("60 * * * *", "the minute of '60 * * * *'"),
        ("* 24 * * *", "the hour of"),
        ("* * 0 * *", "the day-of-month of"),
        ("* * * 13 *", "the month of"),
        ("* * * * 8", "the day-of-week of"),
        ("5-1 * * * *", "the minute of"),
        ("*/0 * * * *", "the minute of"),
        ("1,,2 * * * *", "the minute of"),
        ("-1 * * * *", "the minute of"),
        ("x * * * *", "the minute of"),
        ("\u0663 * * * *", "the minute of"),
        ("* * * mon *", "the month of"),
        ("@daily", "has 5 fields, not 1"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 feb,apr *", "never comes"),
        ("0 0 31 feb */8", "never comes"),
        ("9" * 5000 + " * * * *", "too long"),
    ],
)
def test_what_is_no_expression_is_told_why(expression, words):
    """The message names the wrong field."""
    assert words in describe_wrong_cron(expression)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "America", "../etc/passwd", "/etc/passwd", "a\0b"]
)
def test_what_is_no_time_zone_is_none(name):
    """So are a folder, and a path outside the data."""
    assert as_zone(name) is None


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "30", "*/20", "1-3"]),
    st.sampled_from(["*", "0", "2", "9-17", "*/6"]),
    st.sampled_from(["*", "1", "31", "10-20"]),
    st.sampled_from(["*", "1", "mar", "6-9"]),
    st.sampled_from(["*", "0", "mon-fri", "3"]),
)


@given(
    FIELDS,
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(
        timezones=st.just(UTC),
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2035, 1, 1),  # noqa: DTZ001 - as above
    ),
)
def test_times_ascend(fields, zone, after):
    """Each is after the one before, also where clocks change."""
    expression, at = " ".join(fields), as_zone(zone)

    # A pair of day and month such as 31 June is refused before.
    if describe_wrong_cron(expression):
        assert fields[2] == "31"
        return
    times = next_times(expression, at, after, 3)

    assert len(times) == 3
    assert after < times[0] < times[1] < times[2]


def test_fixed_offsets_need_no_clock_change():
    """Any time zone of Python works."""
    zone = timezone(timedelta(hours=-3))
    after = datetime(2026, 6, 1, tzinfo=UTC)

    (time,) = next_times("0 0 * * *", zone, after, 1)

    assert time == datetime(2026, 6, 1, 3, tzinfo=UTC)
