"""The journal of runs that were intended, started and found: one JSON object a line.

A run that was paid for is not bought again because a process died. So a start is
written down before it is sent, with its key and with the runs that were there before.
The journal holds no rows and no secrets: of what was sent, it has digests.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

from attrs import define, field, fields_dict, frozen

from ..api import threads
from ..definition import canonical_id, load_json
from ..errors import RunError
from ..files import Unusable, make_folder, open_plain, reason_of
from ..text import printable

REFUSED: Final = "refused"
"""Outcome of a start that was never sent, or that has no run although it was
answered."""

STOPPED: Final = "stopped"
"""Outcome of a start that its writer has given up. It may have a run."""

PAUSE: Final = 5.0
"""Seconds between two looks at what another process has written."""

_log = logging.getLogger("flow64")


def is_run_id(text: Any) -> bool:
    """Return True for the id of a run: letters, digits, `-`, `_`, `.` and `:`."""
    return isinstance(text, str) and bool(_RUN_ID.fullmatch(text))


_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


@define
class Start:
    """A start in the journal.

    Attributes:
        key: Its Idempotency-Key.
        digest: Digest of the body.
        intent: Name of the run; None for a run of its own.
        index: Index of the batch; None for a run of its own.
        root: The key from which the keys of its retries are made.
        proof: Digest of the rows, see `state.digest_rows`.
        code: Fingerprint of the workflow in the code.
        at: When it was sent.
        seconds: That long after `at`, its writer can no longer send it, and its run
            is listed if it has one.
        writer: The call that has written it.
        order: Its line.
        since: How many runs had been listed when it was sent.
        job_id: Its run, if it is known.
        is_presumed: True if that was the only new run, and no answer named it.
        outcome: How it ended, if that is known. Without a run, it is `REFUSED`,
            `STOPPED`, or `answered 422` for an error whose run has not been looked for.
    """

    key: str
    digest: str
    env: str
    intent: str | None
    index: int | None
    root: str
    proof: Mapping[str, Any]
    code: str
    at: str
    seconds: float = field(converter=float)
    writer: str
    order: int
    since: int
    job_id: str | None = None
    is_presumed: bool = False
    outcome: str | None = None

    @property
    def patience(self) -> float:
        """Seconds in which its writer may still be sending it."""
        age = datetime.now(UTC) - datetime.fromisoformat(self.at).astimezone(UTC)
        return min(self.seconds - age.total_seconds(), self.seconds)


@define
class Memory:
    """The starts and runs of one workflow at one endpoint, oldest first.

    Attributes:
        damage: Lines that cannot be read, or do not fit; a start may be missing.
    """

    starts: dict[str, Start] = field(factory=dict[str, Start])
    jobs: dict[str, str] = field(factory=dict[str, str])
    damage: list[int] = field(factory=list[int])
    _seen: dict[str, int] = field(factory=dict[str, int])

    def of_key(self, key: str) -> Start | None:
        """Return the start of a key, unless it has no run."""
        start = self.starts.get(key)
        return None if start is None or start.outcome == REFUSED else start

    def of_job(self, job_id: str) -> Start | None:
        """Return the start of a run."""
        return self.of_key(self.jobs.get(canonical_id(job_id), ""))

    def of_intent(self, env: str, intent: str | None) -> Sequence[Start]:
        """Return the starts of an intent, without those that have no run."""
        return [
            start
            for start in self.starts.values()
            if (start.env, start.intent) == (env, intent) and start.outcome != REFUSED
        ]

    def list_begun(self, key: str) -> Sequence[str | None]:
        """Return the runs of the starts before another one; None if one may be sent.

        Args:
            key: The key of the other start.
        """
        order = self.starts[key].order
        earlier = [start for start in self.starts.values() if start.order < order]
        begun = [start for start in earlier if start.job_id]
        # What was presumed may be the run of another start.
        unsure = [start for start in begun if start.is_presumed]
        unsure += [s for s in earlier if not s.job_id and s.outcome in (None, STOPPED)]
        is_open = any(start.patience > 0 for start in unsure)
        return [*[None] * is_open, *(start.job_id for start in begun)]

    def unseen(self, listed: Sequence[str]) -> Sequence[str]:
        """Return the runs that no earlier start has listed."""
        return [run for run in listed if run not in self._seen]

    def is_older(self, run_id: str, start: Start) -> bool:
        """Return True if a run is known to be older than a start."""
        owner = self.starts.get(self.jobs.get(run_id, ""))
        if owner is not None and owner.order < start.order and not owner.is_presumed:
            return True
        return self._seen.get(run_id, start.since) < start.since

    def read(self, entry: Mapping[str, Any], line: int) -> None:
        """Learn from a line."""
        key, job_id = entry["key"], entry.get("job")
        start = self.starts.get(key)
        if entry["event"] == "meant":
            datetime.fromisoformat(entry["at"])
            for run_id in entry["known"]:
                self._seen.setdefault(run_id, len(self._seen))
            last = self.of_key(key)
            # Only the first of those that take over a start without a run has it.
            if last is None or (not last.job_id and entry["instead"] == last.writer):
                # Moved to the end, since it is the latest of its intent now.
                self.starts.pop(key, None)
                facts: Any = {n: entry[n] for n in fields_dict(Start) if n in entry}
                since = len(self._seen) if last is None else last.since
                self.starts[key] = Start(**facts, order=line, since=since)
            return
        if start is None or (job_id is not None and not is_run_id(job_id)):
            self.damage.append(line)  # the line of the start is missing
        elif entry["event"] == "run":
            old = start.job_id or ""
            if start.is_presumed and old != job_id and self.jobs.get(old) == key:
                del self.jobs[old]  # it may be that of another start
            self.jobs[entry["job"]], start.job_id = key, job_id
            start.is_presumed, start.outcome = entry["presumed"], None
        elif start.job_id == job_id and entry["writer"] in ("", start.writer):
            start.outcome = entry["outcome"]


@frozen
class Journal:
    """A file that remembers runs. Threads and processes may share it.

    It is only appended to, one whole line at a time. Only its owner may read a new
    file, and git ignores a new folder `.flow64`. What could not be written, this
    process remembers, and writes it with the next line.

    Attributes:
        path: The file. It and its folder are made when they are needed. None remembers
            runs in this process alone.
    """

    path: Path | None

    def of(self, place: str, workflow_id: str) -> Ledger:
        """Return the part of a workflow at an endpoint."""
        return Ledger(self, place, canonical_id(workflow_id))

    def append(self, entry: Mapping[str, Any]) -> None:
        """Append a line in one write, so that lines of several processes do not mix.

        Raises:
            RunError: It could not be written completely.
        """
        if self.path is None:
            self.remember(entry)
            return
        with _LOCK, self._open(_APPEND) as descriptor:
            lines = [*_UNWRITTEN.get(self.path, ()), _encode(entry)]
            # What was cut off stays a line of its own.
            data = (b"" if _is_at_line(descriptor) else b"\n") + b"".join(lines)
            if os.write(descriptor, data) != len(data):
                raise self.make_error("there is no room left for it")
            os.fsync(descriptor)
            _UNWRITTEN.pop(self.path, None)

    def remember(self, entry: Mapping[str, Any]) -> None:
        """Remember a line in this process."""
        with _LOCK:
            _UNWRITTEN.setdefault(self.path, []).append(_encode(entry))

    def entries(self, naming: str) -> Iterator[tuple[int, Mapping[str, Any] | None]]:
        """Yield the lines that contain a text, with their numbers; None for damage.

        Raises:
            RunError: The file cannot be read, or is not a journal.
        """
        needle, number = json.dumps(naming)[1:-1].encode(), 0
        if self.path is not None and os.path.lexists(self.path):
            with (
                self._open(os.O_RDONLY) as descriptor,
                os.fdopen(descriptor, "rb", closefd=False) as file,
            ):
                for number, line in enumerate(file, 1):
                    is_whole = line.startswith(_HEAD) and line.endswith(b"}\n")
                    if needle in line or not is_whole:
                        yield from self._read_line(number, line)
        for line in [*_UNWRITTEN.get(self.path, ())]:
            number += 1
            yield from self._read_line(number, line)

    def _read_line(
        self, number: int, line: bytes
    ) -> Iterator[tuple[int, Mapping[str, Any] | None]]:
        entry = load_json(line)
        is_entry = isinstance(entry, dict) and line.startswith(_HEAD)
        if is_entry and {"event", "place", "workflow", "key"} <= entry.keys():
            yield number, entry
            return
        # A line that a killed process has cut off hides nothing: before a start is
        # sent, its line is complete.
        is_cut = line.startswith(_HEAD) and not line.endswith(b"}\n") and entry is None
        if not line.strip() or _HEAD.startswith(line.strip()):
            return
        if number == 1 and not line.startswith(_HEAD):
            problem = "it begins with something else than a run of this release"
            raise self.make_error(problem)
        if not is_cut or b"\0" in line:
            yield number, None

    def make_error(self, problem: str) -> RunError:
        """Return the error of a journal that cannot be used."""
        twice = "journal=None remembers nothing, so a start may be paid twice"
        advice = "correct that, or name another file with"
        return RunError(
            f"the journal of runs {printable(str(self.path))}: {printable(problem)}",
            hint=f"{advice} journal= or FLOW64_JOURNAL ({twice})",
            option=f"{advice} FLOW64_JOURNAL",
        )

    @contextmanager
    def _open(self, flags: int) -> Generator[int]:
        """Open the file. Follow no links, and accept only a regular file."""
        path = self.path or Path()
        try:
            if flags & os.O_CREAT:
                make_folder(path.parent)
            descriptor = open_plain(path, flags)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except Unusable as error:
            raise self.make_error(str(error)) from None
        except OSError as error:
            raise self.make_error(f"it cannot be used: {reason_of(error)}") from None


@frozen
class Ledger:
    """The part of a journal about one workflow at one endpoint."""

    journal: Journal
    place: str
    workflow_id: str

    def memory(self) -> Memory:
        """Return what is known.

        Raises:
            RunError: The file cannot be read, or is not a journal.
        """
        memory, wanted = Memory(), (self.place, self.workflow_id)
        for number, entry in self.journal.entries(self.workflow_id):
            try:
                if entry is None:
                    memory.damage.append(number)
                elif (entry["place"], entry["workflow"]) == wanted:
                    memory.read(entry, number)
            except (KeyError, TypeError, ValueError):
                memory.damage.append(number)
        return memory

    def wait_for(self, start: Start) -> None:
        """Wait until more is known of a start, or its writer can send it no more."""
        ends = threads.now() + start.patience
        while threads.now() < ends and self.memory().of_key(start.key) == start:
            threads.sleep(min(ends - threads.now(), PAUSE))

    def require_sound(self, memory: Memory) -> None:
        """Refuse to start if the file may have lost the line of an earlier start.

        Raises:
            RunError: A line is damaged.
        """
        if not memory.damage:
            return
        line = memory.damage[0]
        problem = f"line {line} is damaged, so this run may have been started"
        error = self.journal.make_error(problem)
        look = "look at `flow64 runs`, and name it"
        error.hint = f"{look}: attach=ID; or new=True"
        error.option = f"{look}: --attach ID; or --new"
        raise error

    def write_intent(self, **facts: Any) -> None:
        """Write down a start that is about to be sent.

        Args:
            **facts: Fields of `Start`; `known`, the runs that are listed for the first
                time; and `instead`, the writer whose start it takes over, if any.

        Raises:
            RunError: It could not be written, so it must not be sent.
        """
        self.journal.append({**self._head("meant"), **facts})

    def write_run(self, key: str, job_id: str, *, is_presumed: bool = False) -> None:
        """Write down the run of a start, and again when it is proven to be ours.

        Args:
            key: The Idempotency-Key.
            job_id: The run.
            is_presumed: True if it was the only new run, and no answer named it.
        """
        self._note("run", key=key, job=canonical_id(job_id), presumed=is_presumed)

    def write_end(
        self, key: str, job_id: str | None, outcome: str, writer: str = ""
    ) -> None:
        """Write down how a run ended, or the outcome of a start without a known run.

        Args:
            key: The Idempotency-Key.
            job_id: The run; None if the start has none.
            outcome: See `Start.outcome`.
            writer: The call that had no run. If another one has taken over its start,
                that stays open.
        """
        job_id = None if job_id is None else canonical_id(job_id)
        self._note("end", key=key, job=job_id, outcome=outcome, writer=writer)

    def _note(self, event: str, **facts: Any) -> None:
        """Write what has happened already. If that fails, this process remembers it."""
        entry = {**self._head(event), **facts}
        try:
            self.journal.append(entry)
        except RunError as error:
            self.journal.remember(entry)
            run = facts["job"] or facts["key"]
            _log.warning("only this process remembers run %s: %s", run, error.message)

    def _head(self, event: str) -> dict[str, Any]:
        """Return the fields that all lines have."""
        return {
            "event": event,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "place": self.place,
            "workflow": self.workflow_id,
        }


_LOCK: Final = Lock()
os.register_at_fork(
    before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
)

_UNWRITTEN: Final[dict[Path | None, list[bytes]]] = {}
"""Lines that only this process knows, by the path of their journal."""

_APPEND: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT
_HEAD: Final = b'{"v":1,"event":"'


def _encode(entry: Mapping[str, Any]) -> bytes:
    return json.dumps({"v": 1, **entry}, separators=(",", ":")).encode() + b"\n"


def _is_at_line(descriptor: int) -> bool:
    """Return True if the next write begins a line."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
