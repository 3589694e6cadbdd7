"""Schedules in code: what people write, how it is judged, its stamp, when it is due.

A definition, a manifest and the history hold a schedule as one text, by its name: the
cron expression, the time zone, and `paused` if it is.

The stamp of a schedule is the last line of its description, a wire format:
`[flow64:schedule:1 PATH DIGEST]`. PATH is that of the workflow's id, followed by
`/schedule:NAME`. DIGEST is of the text that was deployed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain, takewhile
from typing import Any, Final, TypeVar
from unicodedata import normalize
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from attrs import evolve, field, frozen

from .definition import Definition, Stamp, canonical_id, digest, escape_key, is_plain
from .diagnostics import Finding, Place
from .errors import ApiError
from .text import shortened

T = TypeVar("T")

LONGEST_NAME: Final = 120
"""Characters of the longest name (documented)."""

DAYS: Final = 30
"""Days for which due times are counted."""

_CRON_FIELDS: Final = 5
_PAUSED: Final = " paused"
_STAMP: Final = re.compile(
    r"\[flow64:schedule:1 (?P<path>[A-Za-z0-9._~%:/-]+)"
    r"/schedule:(?P<name>[A-Za-z0-9._~%-]+) (?P<sent>[0-9a-f]{16})\]"
)


def _normalize_cron(cron: str) -> str:
    return " ".join(cron.split()) if isinstance(cron, str) else cron


def as_name(name: str) -> str:
    """Return a name in NFC, so that equal names are equal texts."""
    return normalize("NFC", name) if isinstance(name, str) else name


@frozen
class Schedule:
    """The times at which the service runs a workflow. You pay for each of these runs.

    Args:
        name: Identifies it among the schedules of its workflow; 1 to 120 characters.
        cron: Minute, hour, day of the month, month and weekday.
        timezone: An IANA name.
        active: Whether it is switched on when it is deployed.
    """

    name: str = field(converter=as_name)
    cron: str = field(converter=_normalize_cron)
    timezone: str = field(default="UTC", kw_only=True)
    active: bool = field(default=True, kw_only=True)

    @property
    def text(self) -> str:
        """Its times as one text, such as `0 9 * * 1-5 Europe/Berlin paused`."""
        return f"{self.cron} {self.timezone}{'' if self.active else _PAUSED}"

    @classmethod
    def from_text(cls, name: str, text: str) -> Schedule:
        """Return the schedule of a name and a text."""
        times = text.removesuffix(_PAUSED)
        cron, _, zone = times.rpartition(" ")
        return cls(name, cron, timezone=zone, active=times == text)


# -- Live schedules --------------------------------------------------------------------


def list_if_shown(list_all: Callable[[], T]) -> T | ApiError:
    """Return what a call lists; the error if the service does not show schedules."""
    try:
        return list_all()
    except ApiError as error:
        if error.status not in (403, 404, 405):  # not for this key, or nowhere
            raise
        return error


def put_schedules(live: Definition, listed: Sequence[Any] | ApiError) -> Definition:
    """Return a live workflow with all of its schedules, if they are shown.

    Args:
        live: The workflow.
        listed: The schedules of the service.
    """
    if isinstance(listed, ApiError):
        return live
    own_id = canonical_id(str(live.id))
    own = (each for each in listed if canonical_id(each.workflow_id) == own_id)
    texts = {as_name(each.name): text_of(each) for each in own}
    return evolve(live, schedules=dict(sorted(texts.items())))


def text_of(live: Any) -> str:
    """Return the text of a live schedule, as the service describes it."""
    is_active = live.is_active is not False
    cron, zone = live.cron_expression, live.timezone or "UTC"
    return Schedule(live.name, cron, timezone=zone, active=is_active).text


# -- Judging ---------------------------------------------------------------------------


def find_faults(
    schedules: Sequence[Schedule], place: Place | None = None
) -> Iterator[Finding]:
    """Yield what the service is documented to refuse, and names that stand twice."""
    names = [schedule.name for schedule in schedules]
    for at, schedule in enumerate(schedules):
        for problem, advice in _judge(schedule, names[:at]):
            words = f"schedule {shortened(schedule.name)}: {problem}"
            yield Finding(
                "invalid-schedule", "values", "error", words, advice, place=place
            )


def _is_name(name: Any) -> bool:
    is_text = type(name) is str and is_plain(name)
    return is_text and 0 < len(name) <= LONGEST_NAME and name.isprintable()


def _judge(schedule: Schedule, names: Sequence[Any]) -> Iterator[tuple[str, str]]:
    cron, zone = schedule.cron, schedule.timezone
    if schedule.name in names:
        yield "another one has this name", "give each a name of its own"
    if not _is_name(schedule.name):
        yield "it has no name", f"write 1 to {LONGEST_NAME} characters on one line"
    if type(cron) is not str or not cron.isascii() or len(cron.split()) != _CRON_FIELDS:
        problem = "its cron expression does not have five fields"
        yield problem, 'write minute, hour, day, month and weekday, as in "0 9 * * 1-5"'
    if type(zone) is not str or (not find_zone(zone) and available_timezones()):
        yield f"{shortened(zone)} is no time zone", 'write one such as "Europe/Berlin"'
    if type(schedule.active) is not bool:
        yield f"active is {shortened(schedule.active)}", "write True or False"


def find_zone(name: str) -> ZoneInfo | None:
    """Return a time zone. None if this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None


# -- Due times -------------------------------------------------------------------------


@frozen
class Spending:
    """Runs that a schedule starts by itself.

    Attributes:
        schedule: The name of the schedule.
        text: Its text.
        next: When it is due next, in its time zone (ISO 8601). Empty if that is not
            known, or if it never is.
        unknown: Why its times are unknown.
        runs: How often it is due within 30 days. None if that is unknown.
        dollars: The most that these runs may cost. None if that is unknown.
        dollars_a_run: The most that one of them may cost. None if that is unknown.
        runs_before: `runs` of what it replaces: 0 if nothing, None if unknown.
    """

    schedule: str
    text: str
    next: str = ""
    unknown: str = ""
    runs: int | None = None
    dollars: float | None = None
    dollars_a_run: float | None = None
    runs_before: int | None = 0


def read_cron(cron: str, start: datetime) -> Iterator[datetime] | str | None:
    """Return the due times; why cronsim cannot read it; None without cronsim."""
    try:
        from cronsim import CronSim, CronSimError  # noqa: PLC0415 - an extra

        return CronSim(cron, start)
    except ImportError:
        return None
    except CronSimError as error:
        return str(error)


@lru_cache
def find_times(schedule: Schedule, start: datetime) -> tuple[str, str, int | None]:
    """Return `next`, `unknown` and `runs` of a `Spending`."""
    zone = find_zone(schedule.timezone)
    now = start.astimezone(zone)
    times = read_cron(schedule.cron, now)
    if times is None:
        return "", "unknown without cronsim, of the extra cli", None
    if isinstance(times, str):
        return "", f"unknown: cronsim cannot read it ({times}); it may be refused", None
    if zone is None:
        return "", "unknown, since this machine does not know the time zone", None
    end = now + timedelta(days=DAYS)
    first = next(times, None)
    due = takewhile(lambda time: time <= end, chain([first] if first else [], times))
    return first.isoformat() if first else "", "", sum(1 for _ in due)


# -- The stamp -------------------------------------------------------------------------


def make_stamp(path: str, name: str, text: str) -> str:
    """Return the stamp of a schedule.

    Args:
        path: The path of the workflow's id.
        name: The name of the schedule.
        text: Its text.
    """
    return f"[flow64:schedule:1 {path}/schedule:{escape_key(name)} {sent_digest(text)}]"


def sent_digest(text: str) -> str:
    """Return what a stamp says of a text: the first 16 hex digits of its SHA-256."""
    return digest(text)[:16]


def split_stamp(description: str, workflow_id: str) -> tuple[str, str, str, str]:
    """Return the text above a stamp, the stamp, its name and its digest.

    All but the text are empty if no deploy of this workflow left a stamp. A copy for
    another workflow may have the stamp of the first one.
    """
    lines = description.splitlines()
    for at, line in enumerate(lines):
        match = _STAMP.fullmatch(line.strip())
        if match and Stamp(match["path"], "", "").is_genuine(workflow_id):
            above = "\n".join([*lines[:at], *lines[at + 1 :]])
            return above, match[0], unquote(match["name"]), match["sent"]
    return description, "", "", ""
