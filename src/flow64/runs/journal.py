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
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

from attrs import define, field, frozen

from ..definition import canonical_id, is_uuid, load_json
from ..errors import JournalError
from ..files import Unusable, make_folder, open_plain, reason_of, try_lock

VERSION: Final = 1
"""Schema of the lines."""

REFUSED: Final = "refused"
"""Outcome of a start that was never sent, or that has no run although it was
answered."""

ANSWERED: Final = "answered "
"""Start of the outcome of a start that was answered with an error: `answered 422`. Its
run has not been looked for yet."""

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
        order: Its place among the starts of the workflow.
        digest: Digest of the body.
        intent: Name of the run; None for a run of its own.
        index: Index of the batch; None for a run of its own.
        root: The key from which the keys of its retries are made.
        rows: Number of rows in the body.
        proof: Digest of the rows; see `results.RowsDigest`.
        code: Fingerprint of the workflow in the code.
        at: When it was sent.
        writer: The call that has written it.
        since: How many runs had been listed when it was sent.
        job_id: Its run, if it is known.
        is_presumed: True if that was the only new run, and no answer named it.
        outcome: How it ended, if that is known; see `REFUSED` and `ANSWERED`.
    """

    key: str
    order: int
    digest: str
    env: str
    intent: str | None
    index: int | None
    root: str
    rows: int
    proof: Mapping[str, Any] | None
    code: str
    at: str
    writer: str
    since: int
    job_id: str | None = None
    is_presumed: bool = False
    outcome: str | None = None

    @property
    def is_answered(self) -> bool:
        """True if no run is known, although the service answered with an error."""
        return self.job_id is None and (self.outcome or "").startswith(ANSWERED)


@define
class Memory:
    """The starts and runs of one workflow at one endpoint, oldest first.

    Attributes:
        damage: Numbers of the lines that cannot be read; a start may be missing.
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
            if intent is not None
            and (start.env, start.intent) == (env, intent)
            and start.outcome != REFUSED
        ]

    def unseen(self, listed: Sequence[str]) -> Sequence[str]:
        """Return the runs that no earlier start has listed."""
        return [run for run in listed if run not in self._seen and run not in self.jobs]

    def is_older(self, run_id: str, start: Start) -> bool:
        """Return True if a run is known to be older than a start."""
        other = self.starts.get(self.jobs.get(run_id, ""))
        if other is not None and other.order < start.order and not other.is_presumed:
            return True
        return self._seen.get(run_id, start.since) < start.since

    def is_taken(self, run_id: str, start: Start) -> bool:
        """Return True if a run belongs to another start, or is older than a start."""
        return run_id in self.jobs or self.is_older(run_id, start)

    def read(self, entry: Mapping[str, Any], line: int) -> None:
        """Learn from a line. One that does not fit what stands before is damage."""
        key, job_id = entry["key"], entry.get("job")
        start = self.starts.get(key)
        match entry["event"]:
            case "meant":
                for run_id in entry["known"]:
                    self._seen.setdefault(run_id, len(self._seen))
                if self.of_key(key) is None:
                    # Moved to the end, since it is the latest of its intent now.
                    self.starts.pop(key, None)
                    self.starts[key] = _read_start(entry, line, len(self._seen))
            case "run":
                self.jobs[job_id] = key
                if start is not None:
                    start.job_id, start.is_presumed = job_id, entry["presumed"]
                    start.outcome = None
                else:
                    self.damage.append(line)
            case "end" if start is not None and start.job_id == job_id:
                start.outcome = entry["outcome"]
            case "end" if start is None:
                self.damage.append(line)
            case _:
                pass


def _read_start(entry: Mapping[str, Any], line: int, since: int) -> Start:
    names = ("key", "digest", "env", "intent", "index", "root", "rows", "proof")
    names = (*names, "code", "at", "writer")
    return Start(order=line, since=since, **{name: entry[name] for name in names})


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

    def require_writable(self) -> None:
        """Make the file if it is missing, and check that it can be written to.

        Raises:
            JournalError: It cannot.
        """
        if self.path is not None:
            with self._open(os.O_RDWR | os.O_APPEND | os.O_CREAT):
                pass

    def write_intent(self, place: str, workflow_id: str, **facts: Any) -> None:
        """Write down a start that is about to be sent: the fields of `Start`.

        Raises:
            JournalError: It could not be written, so it must not be sent.
        """
        self._append({**_make_head("meant", place, workflow_id), **facts})

    def write_run(
        self,
        place: str,
        workflow_id: str,
        key: str,
        job_id: str,
        *,
        is_presumed: bool = False,
    ) -> None:
        """Write down the run of a start, once more when it is proven to be ours.

        Args:
            place: The endpoint.
            workflow_id: Id of the workflow.
            key: The Idempotency-Key.
            job_id: The run.
            is_presumed: True if it was the only new run, and no answer named it.
        """
        head = _make_head("run", place, workflow_id)
        job = canonical_id(job_id)
        self._note({**head, "key": key, "job": job, "presumed": is_presumed})

    def write_end(
        self, place: str, workflow_id: str, key: str, job_id: str | None, outcome: str
    ) -> None:
        """Write down how a run ended, or the outcome of a start without a known run.

        Args:
            place: The endpoint.
            workflow_id: Id of the workflow.
            key: The Idempotency-Key.
            job_id: The run; None if the start has none.
            outcome: The status of the run, `REFUSED`, or `ANSWERED` and a status.
        """
        head = _make_head("end", place, workflow_id)
        job = None if job_id is None else canonical_id(job_id)
        self._note({**head, "key": key, "job": job, "outcome": outcome})

    def memory(self, place: str, workflow_id: str) -> Memory:
        """Return what is known of a workflow at an endpoint.

        Raises:
            JournalError: The file cannot be read, or is not a journal.
        """
        memory, wanted = Memory(), (place, canonical_id(workflow_id))
        for number, entry in self._entries(wanted[1]):
            if entry is None:
                memory.damage.append(number)
            elif (entry["place"], entry["workflow"]) == wanted:
                memory.read(entry, number)
        return memory

    def find_workflow(self, place: str, job_id: str) -> str | None:
        """Return the id of the workflow that a run belongs to, if it is known here."""
        wanted = (place, canonical_id(job_id))
        workflow_id = None
        for _, entry in self._entries(wanted[1]):
            if entry is not None and (entry["place"], entry.get("job")) == wanted:
                workflow_id = entry["workflow"]
        return workflow_id

    # -- Lines ------------------------------------------------------------------------

    def _note(self, entry: Mapping[str, Any]) -> None:
        """Write what has happened already. If that fails, this process remembers it."""
        try:
            self._append(entry)
        except JournalError as error:
            with _LOCK:
                _UNWRITTEN.setdefault(self.path, []).append(_encode(entry))
            _log.warning(
                "run %s is remembered by this process alone: %s",
                entry["job"] or entry["key"],
                error.problem,
            )

    def _append(self, entry: Mapping[str, Any]) -> None:
        """Append a line in one write, so that lines of several processes do not mix."""
        if self.path is None:
            with _LOCK:
                _UNWRITTEN.setdefault(None, []).append(_encode(entry))
            return
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
        with _LOCK, self._open(flags) as descriptor:
            _wait_for_lock(descriptor)
            lines = [*_UNWRITTEN.get(self.path, ()), _encode(entry)]
            # What was cut off stays a line of its own.
            data = (b"" if _is_at_line(descriptor) else b"\n") + b"".join(lines)
            if os.write(descriptor, data) != len(data):
                raise JournalError(str(self.path), "there is no room left for it")
            os.fsync(descriptor)
            _UNWRITTEN.pop(self.path, None)

    def _entries(self, naming: str) -> Iterator[tuple[int, Mapping[str, Any] | None]]:
        """Yield the lines that contain a text, with their numbers; None for damage."""
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
        if isinstance(entry, dict) and entry.get("v") == VERSION and _is_sound(entry):
            yield number, entry
            return
        # A line that a killed process has cut off hides nothing: before a start is
        # sent, its line is complete.
        if line.strip(b"\r\n ") and not (_HEAD.startswith(line) or _is_cut(line)):
            if number == 1:
                problem = "it begins with something else than a run of this release"
                raise JournalError(str(self.path), problem)
            yield number, None

    @contextmanager
    def _open(self, flags: int) -> Generator[int]:
        """Open the file. Follow no links, and accept only a regular file."""
        assert self.path is not None
        try:
            if flags & os.O_CREAT:
                make_folder(self.path.parent)
            descriptor = open_plain(self.path, flags)
            try:
                yield descriptor
            finally:
                os.close(descriptor)
        except Unusable as error:
            raise JournalError(str(self.path), str(error)) from None
        except OSError as error:
            problem = f"it cannot be used: {reason_of(error)}"
            raise JournalError(str(self.path), problem) from None


_LOCK: Final = Lock()

_UNWRITTEN: Final[dict[Path | None, list[bytes]]] = {}
"""Lines that only this process knows, by the path of their journal."""

_HEAD: Final = b'{"v":%d,"event":"' % VERSION
_LOCKING: Final = 100
"""Attempts to lock the file, a hundredth of a second apart."""


def _encode(entry: Mapping[str, Any]) -> bytes:
    line = json.dumps({"v": VERSION, **entry}, separators=(",", ":"))
    return line.encode() + b"\n"


def _make_head(event: str, place: str, workflow_id: str) -> dict[str, Any]:
    """Return the fields that all lines have."""
    return {
        "event": event,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "place": place,
        "workflow": canonical_id(workflow_id),
    }


_FIELDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "meant": {
        "digest": str,
        "env": str,
        "intent": str | None,
        "index": int | None,
        "root": str,
        "rows": int,
        "proof": dict | None,
        "code": str,
        "writer": str,
        "known": list,
    },
    "run": {"job": str, "presumed": bool},
    "end": {"job": str | None, "outcome": str},
}


def _is_sound(entry: Mapping[str, Any]) -> bool:
    """Return True if a line has the fields of its event, and the form of ids."""
    fields = _FIELDS.get(str(entry.get("event")), {"event": int})
    texts = dict.fromkeys(("at", "place", "workflow", "key"), str)
    return (
        all(isinstance(entry.get(name), kind) for name, kind in texts.items())
        and all(
            name in entry and isinstance(entry[name], kind)
            for name, kind in fields.items()
        )
        and is_uuid(entry["key"])
        and (entry.get("job") is None or is_run_id(entry["job"]))
    )


def _is_cut(line: bytes) -> bool:
    """Return True if a line begins well, and ends too early."""
    return line.startswith(_HEAD) and b"\0" not in line and not line.endswith(b"}\n")


def _is_at_line(descriptor: int) -> bool:
    """Return True if the next write begins a line."""
    if os.lseek(descriptor, 0, os.SEEK_END) == 0:
        return True
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


def _wait_for_lock(descriptor: int) -> None:
    """Lock the file until it is closed, but do not wait for a stopped process."""
    with suppress(OSError):  # a file system without locks
        for _ in range(_LOCKING):
            if try_lock(descriptor):
                return
            time.sleep(0.01)
