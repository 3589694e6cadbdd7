"""Compiling in fresh processes under different settings, and comparing the results."""

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

from ..definition import pointer
from ..loading import PACKAGE_FOLDER
from ._child import DONE

AT_ONCE: Final = 4
"""The most processes that run at one time."""

MOST: Final = 20
"""The most differences of one workflow that are reported."""

TAIL: Final = 2_000
"""Characters of its output that are shown if a process ended without an answer."""

CHILD: Final = Path(__file__).with_name("_child.py")
"""The script of a process."""


@frozen
class ProcessSettings:
    """The surroundings of a process. They must not change what it compiles.

    Attributes:
        hash_seed: `PYTHONHASHSEED`: the order of sets, and with it much else.
        clock: When its wall clock starts, in UTC. It moves each time it is read.
        locale: `LC_ALL` and `LANG`.
        zone: `TZ`, in a form that needs no table of zones.
        folder: The working folder: the one of the command, or an empty one.
        umask: The rights that new files do not get.
        random_seed: The seed of `random`.
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
"""The setting names that people read."""

ALWAYS: Final = "nothing that was set"
"""The cause if two processes differ although they have the same settings."""

TOGETHER: Final = "several settings together"
"""The cause if no setting alone makes a difference."""

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


def vary_settings(number: int) -> ProcessSettings:
    """Return settings that all differ from those of the first process."""
    at = number % len(_CLOCKS)
    return ProcessSettings(
        hash_seed=number,
        clock=_CLOCKS[at],
        locale=_LOCALES[at],
        zone=_ZONES[at],
        folder="an empty one",
        umask=_UMASKS[at],
        random_seed=number,
    )


@frozen
class CompiledWorkflow:
    """One workflow as a process compiled it.

    Attributes:
        where: The file or module, and the variable.
        text: Its JSON.
        places: File and line of each block, if known.
    """

    name: str
    where: str
    id: str
    text: str = field(repr=False)
    places: Sequence[str | None]


@frozen
class ProcessOutcome:
    """The result of one process.

    Attributes:
        workflows: The compiled workflows, by name.
        problem: Why it compiled nothing; None if it did.
        printed: What it printed meanwhile.
    """

    workflows: Mapping[str, CompiledWorkflow]
    problem: str | None = None
    printed: str = field(default="", repr=False)

    def is_same(self, other: ProcessOutcome) -> bool:
        """Return True if another process came to the same ids and bytes."""
        return (self.problem is None) == (other.problem is None) and {
            name: (one.id, one.text) for name, one in self.workflows.items()
        } == {name: (one.id, one.text) for name, one in other.workflows.items()}


@frozen
class Difference:
    """One place where two processes differ.

    Attributes:
        key: The name of the workflow; None if it is not about one.
        pointer: The JSON pointer into its JSON; empty for all of it.
        before: The value of the first process.
        after: The value of the other process.
        place: File and line of the block, or of the workflow.
    """

    key: str | None
    pointer: str
    before: Any
    after: Any
    place: str | None


@frozen
class Cause:
    """A setting that makes a difference.

    Attributes:
        setting: Its name in `ProcessSettings`. None for a cause that is not a setting.
        says: Its name for people.
        before: Its first value; None without a setting.
        after: The value it was changed to.
        differences: The differences that it makes.
    """

    setting: str | None
    says: str
    before: str | None
    after: str | None
    differences: Sequence[Difference]


class _ProcessGroup:
    """The running processes, so that all of them can be killed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._is_over = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Add a process. If the others were killed already, kill it."""
        with self._lock:
            self._processes.add(process)
            if self._is_over:
                _kill(process)

    def remove(self, process: subprocess.Popen[bytes]) -> None:
        """Remove a process that has ended."""
        with self._lock:
            self._processes.discard(process)

    def kill_all(self) -> None:
        """Kill all processes."""
        with self._lock:
            self._is_over = True
            for process in self._processes:
                _kill(process)


@frozen
class Compilation:
    """A source to compile, in as many processes as needed.

    Attributes:
        source: The source. A file or folder is absolute.
        home: The working folder of the command.
        values: The values to fill in.
        seconds: How long a process may take.
    """

    source: str
    home: Path
    env: str | None = None
    values: Mapping[str, Any] | None = field(default=None, repr=False)
    seconds: float = 60.0

    def run_all(self, settings: Sequence[ProcessSettings]) -> Sequence[ProcessOutcome]:
        """Compile in one process for each of the settings. Some run at one time."""
        running = _ProcessGroup()

        def run(one: ProcessSettings) -> ProcessOutcome:
            return self.run(one, running)

        with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
            try:
                return [*pool.map(run, settings)]
            except BaseException:  # such as Ctrl-C, which the processes do not get
                running.kill_all()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def run(
        self, settings: ProcessSettings, running: _ProcessGroup | None = None
    ) -> ProcessOutcome:
        """Compile in one process."""
        with TemporaryDirectory(prefix="flow64-") as scratch:
            folder, file = Path(scratch, "empty"), Path(scratch, "outcome.json")
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
            printed, ending = self._communicate(
                json.dumps(job).encode(), settings, running or _ProcessGroup()
            )
            if not file.exists():
                return ProcessOutcome({}, _describe_silence(ending, printed), printed)
            return _read(json.loads(file.read_bytes()), printed)

    def _communicate(
        self, job: bytes, settings: ProcessSettings, running: _ProcessGroup
    ) -> tuple[str, str]:
        """Run a process. Return what it printed, and how it ended in words."""
        process = subprocess.Popen(  # noqa: S603 - it is Python itself, and no shell
            [sys.executable, "-P", str(CHILD), str(PACKAGE_FOLDER.parent)],
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
            _kill(process)
            printed, _ = process.communicate()
            ending = f"did not end within {self.seconds:g} s, and was ended"
        except BaseException:
            _kill(process)
            process.communicate()
            raise
        finally:
            running.remove(process)
        return printed.decode(errors="replace"), ending

    def _environment(self, settings: ProcessSettings) -> Mapping[str, str]:
        """Return the variables of a process: those of the command, and the settings."""
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


def find_causes(
    job: Compilation, first: ProcessOutcome, other: ProcessSettings
) -> Sequence[Cause]:
    """Find the settings that make a process differ.

    Each setting is changed alone. If a process without any change differs too, that is
    the answer: settings cannot be compared then.

    Args:
        job: The source.
        first: The outcome of the first process, which has the default settings.
        other: The settings of the process that differs.
    """
    plain = ProcessSettings()
    singles = {
        name: evolve(plain, **{name: getattr(other, name)})
        for name in NAMES
        if getattr(other, name) != getattr(plain, name)
    }
    again = job.run(plain)
    if not again.is_same(first):
        return [Cause(None, ALWAYS, None, None, [*list_differences(first, again)])]
    alone = job.run_all([*singles.values()])
    found = [
        Cause(
            name,
            NAMES[name],
            _format_setting(name, plain),
            _format_setting(name, other),
            [*list_differences(first, outcome)],
        )
        for name, outcome in zip(singles, alone, strict=True)
        if not outcome.is_same(first)
    ]
    if found:
        return found
    whole = job.run(other)
    return [Cause(None, TOGETHER, None, None, [*list_differences(first, whole)])]


def list_differences(
    first: ProcessOutcome, other: ProcessOutcome
) -> Iterator[Difference]:
    """The differences between the outcomes of two processes."""
    if first.problem != other.problem:
        yield Difference(None, "", first.problem, other.problem, None)
        return
    for name in sorted({*first.workflows, *other.workflows}):
        before, after = first.workflows.get(name), other.workflows.get(name)
        if before is None or after is None:
            known = before or after
            assert known is not None
            there, missing = f"it is there, in {known.where}", "it is not there"
            texts = (missing, there) if before is None else (there, missing)
            yield Difference(name, "", *texts, known.where)
        elif before.text != after.text:
            yield from _differences_in(before, after)


def _differences_in(
    before: CompiledWorkflow, after: CompiledWorkflow
) -> Iterator[Difference]:
    found = _tree_differences(json.loads(before.text), json.loads(after.text), ())
    for count, (path, here, there) in enumerate(found):
        if count == MOST:
            return
        place = _place(before, path)
        yield Difference(before.name, pointer(path), here, there, place)


def _tree_differences(
    before: Any, after: Any, path: Way
) -> Iterator[tuple[Way, Any, Any]]:
    """The places where two JSON trees differ, also in the order of their keys."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys, others = _members(before), _members(after)
        if keys != others:
            yield path, keys, others
        for key in keys:
            if key in after:
                yield from _tree_differences(before[key], after[key], (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        items, others = _members(before), _members(after)
        if len(items) != len(others):
            yield path, items, others
            return
        for at, (one, other) in enumerate(zip(items, others, strict=True)):
            yield from _tree_differences(one, other, (*path, at))
    elif not _is_same(before, after):
        yield path, before, after


def _is_same(before: Any, after: Any) -> bool:
    return type(before) is type(after) and before == after


def _members(data: Any) -> Sequence[Any]:
    return [*data]


def _place(one: CompiledWorkflow, path: Way) -> str | None:
    """Return where the block is in the code, or where the workflow is."""
    if path[:2] == ("workflow_definition", "blocks") and len(path) > 2:
        return one.places[int(path[2])] or one.where
    return one.where


def _format_setting(name: str, settings: ProcessSettings) -> str:
    value = getattr(settings, name)
    return f"{value:03o}" if name == "umask" else str(value)


def _read(data: Any, printed: str) -> ProcessOutcome:
    if data["state"] != DONE:
        return ProcessOutcome({}, data["problem"], printed)
    made = [CompiledWorkflow(**one) for one in data["workflows"]]
    return ProcessOutcome({one.name: one for one in made}, None, printed)


def _describe_silence(ending: str, printed: str) -> str:
    """Describe how a process ended that gave no answer."""
    tail = printed[-TAIL:].strip()
    problem = f"the process {ending} while the source was imported and compiled"
    return f"{problem}; it printed:\n{tail}" if tail else problem


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):  # it has ended by itself
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
