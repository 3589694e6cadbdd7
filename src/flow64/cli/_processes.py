"""Compilations in fresh processes: under which settings, and what they differ in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, Final, TypeAlias

from attrs import evolve, field, frozen

from ._child import DONE
from ._importing import OURS

AT_ONCE: Final = 4
"""Processes that run at one time, where the machine has as many."""

MOST: Final = 20
"""Differences of one workflow that are told."""

TAIL: Final = 2_000
"""Characters of what a process printed that are told where it ended without a word."""

PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from flow64.cli._child import main; main()"
)


@frozen
class Settings:
    """What a process finds around it; none of it may matter.

    Attributes:
        hash_seed: `PYTHONHASHSEED`: the order of sets, and with it much else.
        clock: When its wall clock begins, in UTC; it goes on by looks.
        locale: `LC_ALL` and `LANG`.
        zone: `TZ`, in a form that needs no table of zones.
        folder: The working folder: the one of the command, or an empty one.
        umask: The rights that new files do not get.
        random_seed: What `random` is seeded with.
    """

    hash_seed: int = 0
    clock: str = "2026-01-15T12:00:00+00:00"
    locale: str = "C.UTF-8"
    zone: str = "UTC0"
    folder: str = "here"
    umask: int = 0o022
    random_seed: int = 0


NAMES: Final[Mapping[str, str]] = {
    "hash_seed": "the hash seed (PYTHONHASHSEED)",
    "clock": "the clock",
    "locale": "the locale (LC_ALL, LANG)",
    "zone": "the time zone (TZ)",
    "folder": "the working folder",
    "umask": "the umask",
    "random_seed": "the seed of random",
}
"""What each setting is called."""

ALWAYS: Final = "nothing that was set"
"""What two processes differ by that have the same settings."""

TOGETHER: Final = "several settings together"
"""What they differ by where no setting alone makes a difference."""

Way: TypeAlias = tuple[str | int, ...]
"""Keys and positions that lead to a place in JSON."""

_CLOCKS: Final = (
    "2027-03-01T00:00:00.125+00:00",
    "2024-02-29T23:59:59.875+00:00",
    "2031-08-03T06:30:15.5+00:00",
)
_LOCALES: Final = ("tr_TR.UTF-8", "C", "de_DE.UTF-8")
_ZONES: Final = ("AAA-14", "BBB+12", "CCC-5:45")
_UMASKS: Final = (0o077, 0o000, 0o027)


def varied(number: int) -> Settings:
    """The settings of a process that differs from the first one in all of them."""
    at = number % len(_CLOCKS)
    return Settings(
        hash_seed=number,
        clock=_CLOCKS[at],
        locale=_LOCALES[at],
        zone=_ZONES[at],
        folder="an empty one",
        umask=_UMASKS[at],
        random_seed=number,
    )


@frozen
class Compiled:
    """One workflow as a process compiled it.

    Attributes:
        name: Its name.
        where: Where it stands.
        id: Its id.
        text: Its JSON.
        blocks: The ids of its blocks.
        places: File and line of each block, where it has one.
    """

    name: str
    where: str
    id: str
    text: str = field(repr=False)
    blocks: Sequence[str]
    places: Sequence[str | None]


@frozen
class Outcome:
    """What came of one process.

    Attributes:
        workflows: What it compiled, by name.
        problem: Why it compiled nothing; None where it did.
        printed: What it printed meanwhile.
    """

    workflows: Mapping[str, Compiled]
    problem: str | None = None
    printed: str = field(default="", repr=False)

    def is_same(self, other: Outcome) -> bool:
        """Whether another process came to the same, byte by byte."""
        return (self.problem is None) == (other.problem is None) and {
            name: (one.id, one.text) for name, one in self.workflows.items()
        } == {name: (one.id, one.text) for name, one in other.workflows.items()}


@frozen
class Difference:
    """One place where two processes differ.

    Attributes:
        workflow: Which workflow; empty where it is not about one.
        pointer: The JSON pointer into what is compiled; empty for all of it.
        before: What the first process has there.
        after: What the other one has.
        place: File and line of the block, or of the workflow.
    """

    workflow: str
    pointer: str
    before: Any
    after: Any
    place: str | None


@frozen
class Cause:
    """A setting that makes a difference, and what it is.

    Attributes:
        setting: Its name in `Settings`; None where it is none of them.
        says: What it is called.
        before: What it was; None without a setting.
        after: What it was changed to.
        differences: What differs then.
    """

    setting: str | None
    says: str
    before: str | None
    after: str | None
    differences: Sequence[Difference]


class _Running:
    """Processes that run, so that all of them can be ended."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Know a process; one that comes too late is ended."""
        with self._lock:
            self._processes.add(process)
            if self._is_over:
                _end(process)

    def remove(self, process: subprocess.Popen[bytes]) -> None:
        """Forget a process that has ended."""
        with self._lock:
            self._processes.discard(process)

    def end(self) -> None:
        """End them all."""
        with self._lock:
            self._is_over = True
            for process in self._processes:
                _end(process)


@frozen
class Job:
    """What is compiled.

    Attributes:
        source: The source; a file or folder is absolute.
        home: The working folder of the command.
        env: The environment.
        values: What values stand for.
        seconds: How long a process may take.
    """

    source: str
    home: Path
    env: str | None = None
    values: Mapping[str, Any] | None = field(default=None, repr=False)
    seconds: float = 60.0

    def outcomes(self, settings: Sequence[Settings]) -> Sequence[Outcome]:
        """Compile in a process for each of the settings; some run at one time."""
        running = _Running()

        def outcome(one: Settings) -> Outcome:
            return self.outcome(one, running)

        with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
            try:
                return [*pool.map(outcome, settings)]
            except BaseException:  # such as Ctrl-C, which the processes do not get
                running.end()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def outcome(self, settings: Settings, running: _Running | None = None) -> Outcome:
        """Compile in one process."""
        with TemporaryDirectory(prefix="flow64-") as kept:
            folder, file = Path(kept, "empty"), Path(kept, "outcome.json")
            folder.mkdir()
            is_here = settings.folder == "here"
            job = {
                "source": self.source,
                "home": str(self.home),
                "env": self.env,
                "values": None if self.values is None else dict(self.values),
                "umask": settings.umask,
                "clock": settings.clock,
                "random": settings.random_seed,
                "folder": str(self.home if is_here else folder),
                "outcome": str(file),
            }
            printed, ending = self._run(
                json.dumps(job).encode(), settings, running or _Running()
            )
            if not file.exists():
                return Outcome({}, _silent(ending, printed), printed)
            return _read(json.loads(file.read_bytes()), printed)

    def _run(
        self, job: bytes, settings: Settings, running: _Running
    ) -> tuple[str, str]:
        """Run a process; gives what it printed, and how it ended in words."""
        process = subprocess.Popen(  # noqa: S603 - it is Python itself, and no shell
            [sys.executable, "-P", "-c", PROGRAM, str(OURS.parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment(settings),
            start_new_session=True,  # so that what it starts ends with it
        )
        running.add(process)
        try:
            printed, _ = process.communicate(job, timeout=self.seconds)
            ending = f"ended with {process.returncode}"
        except subprocess.TimeoutExpired:
            _end(process)
            printed, _ = process.communicate()
            ending = f"did not end within {self.seconds:g} s, and was ended"
        except BaseException:
            _end(process)
            process.communicate()
            raise
        finally:
            running.remove(process)
        return printed.decode(errors="replace"), ending

    def _environment(self, settings: Settings) -> Mapping[str, str]:
        """The variables of a process: those of the command, and what is set."""
        changed = {
            "PYTHONHASHSEED": str(settings.hash_seed),
            "LC_ALL": settings.locale,
            "LANG": settings.locale,
            "TZ": settings.zone,
        }
        is_ascii = f"{self.source}{self.home}".isascii()
        if settings.locale == "C" and is_ascii:
            # Else Python takes UTF-8 there, and what depends on it would not show.
            changed |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LC_")}
        return {**kept, **changed}


def causes(job: Job, first: Outcome, other: Settings) -> Sequence[Cause]:
    """Why a process with other settings came to something else.

    Each setting is changed by itself. Where a process with no change at all differs,
    that is the answer, since nothing that follows could be told from it.

    Args:
        job: What is compiled.
        first: What the first process came to, with the settings as they are by default.
        other: The settings of the one that differs.
    """
    plain = Settings()
    singles = {
        name: evolve(plain, **{name: getattr(other, name)})
        for name in NAMES
        if getattr(other, name) != getattr(plain, name)
    }
    again = job.outcome(plain)
    if not again.is_same(first):
        return [Cause(None, ALWAYS, None, None, [*differences(first, again)])]
    alone = job.outcomes([*singles.values()])
    found = [
        Cause(
            name,
            NAMES[name],
            _shown(name, plain),
            _shown(name, other),
            [*differences(first, outcome)],
        )
        for name, outcome in zip(singles, alone, strict=True)
        if not outcome.is_same(first)
    ]
    if found:
        return found
    whole = job.outcome(other)
    return [Cause(None, TOGETHER, None, None, [*differences(first, whole)])]


def differences(first: Outcome, other: Outcome) -> Iterator[Difference]:
    """What two processes differ in."""
    if first.problem != other.problem:
        yield Difference("", "", first.problem, other.problem, None)
        return
    for name in sorted({*first.workflows, *other.workflows}):
        before, after = first.workflows.get(name), other.workflows.get(name)
        if before is None or after is None:
            known = before or after
            assert known is not None
            there, missing = f"it is there, in {known.where}", "it is not there"
            told = (missing, there) if before is None else (there, missing)
            yield Difference(name, "", *told, known.where)
        elif before.text != after.text:
            yield from _within(before, after)


def _within(before: Compiled, after: Compiled) -> Iterator[Difference]:
    found = _unlike(json.loads(before.text), json.loads(after.text), ())
    for count, (path, here, there) in enumerate(found):
        if count == MOST:
            return
        pointer = "".join(f"/{_escaped(part)}" for part in path)
        yield Difference(before.name, pointer, here, there, _place(before, path))


def _unlike(before: Any, after: Any, path: Way) -> Iterator[tuple[Way, Any, Any]]:
    """Where two trees of JSON data differ, also in the order of their keys."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys, others = _keys(before), _keys(after)
        if keys != others:
            yield path, keys, others
        for key in keys:
            if key in after:
                yield from _unlike(before[key], after[key], (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        items, others = _items(before), _items(after)
        if len(items) != len(others):
            yield path, items, others
            return
        for at, (one, other) in enumerate(zip(items, others, strict=True)):
            yield from _unlike(one, other, (*path, at))
    elif not _is_same(before, after):
        yield path, before, after


def _is_same(before: Any, after: Any) -> bool:
    return type(before) is type(after) and before == after


def _keys(data: Any) -> Sequence[str]:
    return [*data]


def _items(data: Any) -> Sequence[Any]:
    return [*data]


def _place(one: Compiled, path: Way) -> str | None:
    """Where the code of a block stands, and else that of the workflow."""
    if path[:2] == ("workflow_definition", "blocks") and len(path) > 2:
        return one.places[int(path[2])] or one.where
    return one.where


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _shown(name: str, settings: Settings) -> str:
    value = getattr(settings, name)
    return f"{value:03o}" if name == "umask" else str(value)


def _read(data: Any, printed: str) -> Outcome:
    if data["state"] != DONE:
        return Outcome({}, data["problem"], printed)
    made = [Compiled(**one) for one in data["workflows"]]
    return Outcome({one.name: one for one in made}, None, printed)


def _silent(ending: str, printed: str) -> str:
    """What is said of a process that says nothing itself."""
    tail = printed[-TAIL:].strip()
    problem = f"the process {ending} while the source was imported and compiled"
    return f"{problem}; it printed:\n{tail}" if tail else problem


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):  # it has ended by itself
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
