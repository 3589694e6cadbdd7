"""One compilation in a process of its own, with a fake wall clock.

    python -P _child.py FOLDER < job

FOLDER is where flow64 is. The job names the file for the outcome. This is a script, so
that nothing of flow64 and of the user is imported before the clock is set.

The functions of `time` and `datetime` that return the time of day are replaced. Modules
that are imported afterwards use the new ones. Not replaced are monotonic clocks, times
of files, and what compiled code and other programs ask the system.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import sys
import time
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeAlias

DONE: Final = "done"
FAILED: Final = "failed"

STEP: Final = 1_000_000
"""Nanoseconds that each reading adds, so that code that waits for the clock goes on."""


def main() -> None:
    """Read a job from stdin, and write the outcome to the file that it names.

    Output of the user's modules cannot get into that file.
    """
    sys.path.append(sys.argv[1])
    job = json.loads(sys.stdin.buffer.read())
    os.umask(job["umask"])
    os.chdir(job["folder"])
    # Modules next to the command are found, whatever the working folder.
    sys.path.append(job["home"])
    start_clock(job["clock"])
    random.seed(job["random"])
    _write(Path(job["outcome"]), _compile_source(job))


def _compile_source(job: Any) -> dict[str, Any]:
    from flow64.diagnostics import as_text  # noqa: PLC0415 - after the clock was set
    from flow64.errors import CompileError, FlowError  # noqa: PLC0415 - see above
    from flow64.loading import load_source  # noqa: PLC0415 - see above

    try:
        loaded = load_source(job["source"])
        compiled = [
            _compile(one, job["env"], job["values"]) for one in loaded.workflows
        ]
    except CompileError as error:
        return {"state": FAILED, "problem": as_text(error.findings).rstrip("\n")}
    except FlowError as error:
        return {"state": FAILED, "problem": str(error)}
    return {"state": DONE, "workflows": compiled}


def _compile(one: Any, env: str | None, values: Any) -> dict[str, Any]:
    from flow64.definition import dumps  # noqa: PLC0415 - see above

    definition = one.workflow.compile(env, values)
    places = [definition.origins[at].place for at in range(len(definition.blocks))]
    return {
        "name": one.name,
        "where": one.where,
        "id": str(definition.id),
        "text": dumps(definition),
        "places": [None if place is None else str(place) for place in places],
    }


def _write(file: Path, outcome: dict[str, Any]) -> None:
    part = file.with_suffix(".part")
    part.write_bytes(json.dumps(outcome).encode())
    part.replace(file)  # so that the file is complete or absent


# -- The clock ------------------------------------------------------------------------


def start_clock(moment: str) -> None:
    """Start the wall clock of this process at a moment. It moves only when it is read.

    Two processes that read it equally often see the same times. It is not undone, so it
    is for a process that ends soon.

    Args:
        moment: An ISO 8601 time with its offset.
    """
    start = _DateTime.fromisoformat(moment)
    clock = _SteppingClock(round(start.timestamp() * 1_000) * 1_000_000)
    _replace_time(clock)
    _replace_datetime(clock)


class _SteppingClock:
    """A clock that counts its readings."""

    def __init__(self, start: int) -> None:
        self._now = start
        self._lock = Lock()

    def nanoseconds(self) -> int:
        """Return the nanoseconds since 1970."""
        with self._lock:
            self._now += STEP
            return self._now

    def seconds(self) -> float:
        """Return the seconds since 1970."""
        return self.nanoseconds() / 1e9


_Date: TypeAlias = dt.date
_DateTime: TypeAlias = dt.datetime


def _replace_time(clock: _SteppingClock) -> None:
    real: Any = dict(vars(time))

    def default_to_now(name: str, position: int = 0) -> Any:
        """Make a function that takes a time, or else uses the present one."""

        def call(*given: Any) -> Any:
            if len(given) <= position or given[position] is None:
                now = clock.seconds()
                is_parts = name in ("asctime", "strftime")
                present = real["localtime"](now) if is_parts else now
                given = (*given[:position], present)
            return real[name](*given)

        return call

    def replace_wall(name: str, made: Any) -> Any:
        """Make a function that takes a clock. Only the wall clock is replaced."""
        wall = getattr(time, "CLOCK_REALTIME", None)

        def call(which: int) -> Any:
            return made() if which == wall else real[name](which)

        return call

    changed: dict[str, Any] = {
        "time": clock.seconds,
        "time_ns": clock.nanoseconds,
        "strftime": default_to_now("strftime", 1),
        **{
            name: default_to_now(name)
            for name in ("asctime", "ctime", "gmtime", "localtime")
        },
        "clock_gettime": replace_wall("clock_gettime", clock.seconds),
        "clock_gettime_ns": replace_wall("clock_gettime_ns", clock.nanoseconds),
    }
    for name, made in changed.items():
        if name in real:  # not every system has all clocks
            setattr(time, name, made)


def _replace_datetime(clock: _SteppingClock) -> None:
    class OfDate(type):
        """Accepts every date as an instance, also those made before."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _Date)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, _Date)

    class OfDateTime(type):
        """Accepts every time as an instance."""

        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, _DateTime)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, _DateTime)

    class Date(_Date, metaclass=OfDate):
        """A date with the `today` of the clock."""

        @classmethod
        def today(cls) -> Any:
            """Return today, by the clock."""
            return cls.fromtimestamp(clock.seconds())

    class DateTime(_DateTime, metaclass=OfDateTime):
        """A time with the `now` of the clock."""

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            """Return now, by the clock."""
            return cls.fromtimestamp(clock.seconds(), tz)

        @classmethod
        def today(cls) -> Any:
            """Return now without a zone."""
            return cls.fromtimestamp(clock.seconds())

        @classmethod
        def utcnow(cls) -> Any:
            """Return now in UTC, without a zone."""
            now = _DateTime.fromtimestamp(clock.seconds(), dt.UTC)
            return cls(*now.timetuple()[:6], now.microsecond)

    replaced: tuple[tuple[str, type], ...] = (("date", Date), ("datetime", DateTime))
    for name, made in replaced:
        made.__name__ = made.__qualname__ = name
        made.__module__ = "datetime"
        setattr(dt, name, made)


if __name__ == "__main__":
    main()
