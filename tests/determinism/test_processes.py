"""Processes that compile: their clock, and how their outcomes are compared."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from flow64.determinism import CompiledWorkflow, ProcessOutcome, list_differences

CLOCK = """
import datetime, time
before = datetime.datetime(2020, 1, 2), datetime.date(2020, 1, 2)
began = time.monotonic()
from flow64.determinism._child import start_clock
start_clock("2031-08-03T06:30:15.5+00:00")
import json
from datetime import date, datetime as moment, timezone, timedelta
utc = timezone.utc
print(json.dumps([
    0 <= time.time() - 1943505015.5 < 1,
    time.time_ns() // 10**9 == int(time.clock_gettime(time.CLOCK_REALTIME)),
    time.clock_gettime_ns(time.CLOCK_REALTIME) // 10**9 == int(time.time()),
    abs(time.clock_gettime(time.CLOCK_MONOTONIC) - time.monotonic()) < 5,
    time.gmtime().tm_year, time.localtime(None).tm_year, time.gmtime(0).tm_year,
    time.ctime()[-4:], time.asctime()[-4:], time.ctime(0)[-4:],
    time.strftime("%Y"), time.strftime("%Y", time.gmtime(0)),
    date.today().year, moment.now().year, moment.today().year, moment.utcnow().year,
    moment.now(utc).tzinfo is utc,
    (moment.now(utc) + timedelta(days=366)).year,
    isinstance(before[0], moment), isinstance(before[0], date),
    isinstance(before[1], date), isinstance(before[1], moment),
    issubclass(type(before[0]), moment), issubclass(int, date),
    moment.fromisoformat("2020-01-02") == before[0], type(moment.now()).__name__,
    moment.now() > before[0], 0 <= time.monotonic() - began < 5,
]))
"""


def test_clock():
    """All of Python's ways to ask for the time of day give another one."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLOCK],
        capture_output=True,
        check=True,
        timeout=30,
    )

    told = json.loads(done.stdout)
    assert told == [
        *(True, True, True, True),
        *(2031, 2031, 1970),
        *("2031", "2031", "1970"),
        *("2031", "1970"),
        *(2031, 2031, 2031, 2031),
        True,
        2032,
        *(True, True, True, False),
        *(True, False),
        *(True, "datetime"),
        *(True, True),
    ]


def compiled(text, name="w", places=("leads.py:7",)):
    return CompiledWorkflow(name, "leads.py: w", "id", text, places)


def outcome(*workflows):
    return ProcessOutcome({one.name: one for one in workflows})


def block(specs):
    return json.dumps({"workflow_definition": {"blocks": [{"specs": specs}]}})


@pytest.mark.parametrize(
    ("before", "after", "pointer"),
    [
        ({"a/b": 1}, {"a/b": 2}, "/a~1b"),
        ({"a": 1}, {"a": True}, "/a"),
        ({"a": 1}, {"a": 1.0}, "/a"),
        ({"a": [1, 2]}, {"a": [1]}, "/a"),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, "/a/1/b"),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ""),
        ({"a": 1}, {"b": 1}, ""),
    ],
)
def test_pointers(before, after, pointer):
    """A difference is told where it is, also one of order or type alone."""
    first, other = outcome(compiled(block(before))), outcome(compiled(block(after)))

    (one,) = list_differences(first, other)

    assert one.pointer == f"/workflow_definition/blocks/0/specs{pointer}"
    assert one.place == "leads.py:7"
    assert not first.is_same(other)


@pytest.mark.parametrize("places", [(None,), ("leads.py:7",)])
def test_other_places(places):
    """What belongs to no block, or to one that has no line, is at its workflow."""
    first = outcome(compiled('{"name": "a"}', places=places))
    other = outcome(compiled('{"name": "b"}', places=places))
    alone = outcome(compiled(block(1), places=(None,)))
    without = outcome(compiled(block(2), places=(None,)))

    assert [one.place for one in list_differences(first, other)] == ["leads.py: w"]
    assert [one.place for one in list_differences(alone, without)] == ["leads.py: w"]


def test_missing():
    """A workflow that is there in one process alone is told."""
    first = outcome(compiled("{}", "a"), compiled("{}", "b"))
    other = outcome(compiled("{}", "b"), compiled("{}", "c"))

    told = [(one.key, one.before, one.after) for one in list_differences(first, other)]

    assert told == [
        ("a", "it is there, in leads.py: w", "it is not there"),
        ("c", "it is not there", "it is there, in leads.py: w"),
    ]
    assert [*list_differences(first, first)] == []


def test_few():
    """Of very many differences a few are told."""
    first = outcome(compiled(block(list(range(100)))))
    other = outcome(compiled(block(list(range(1, 101)))))

    assert len([*list_differences(first, other)]) == 20
