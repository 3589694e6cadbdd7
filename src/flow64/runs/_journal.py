"""The journal of runs that were intended, started and found: one JSON object a line.

A run that was paid for is not bought again because a process died. So a start is
written down before it is sent, with its key and with the runs that were there before.
The journal holds no rows and no secrets: of what was sent, it has a hash.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from ..definition import canonical_id, is_uuid, load_json
from ..errors import JournalError
from ..files import Unusable, make_folder, open_plain, reason_of, try_lock

VERSION: Final = 1
"""Schema of the lines that are written here, and the newest that can be read."""

REFUSED: Final = "refused"
"""Outcome of a start that was never sent, or for which no run was found."""

ANSWERED: Final = "answered "
"""Start of the outcome of a start that was answered with an error."""

DISOWNED: Final = "not ours"
"""Outcome of a run that was presumed to be ours and is not."""

LOCKING: Final = 100
"""Attempts to lock the file, a hundredth of a second apart."""


@frozen
class IntendedStart:
    """A start that is about to be sent.

    Attributes:
        key: Its Idempotency-Key.
        digest: Hash of the body.
        intent: Name of the run, if it has one.
        root: The key from which the keys of its retries are made.
        retry: The run that it starts again, if any.
        rows: Rows in the body.
        index: Index of the batch; None for a run of its own.
        size: Rows of a batch.
        fingerprint: Fingerprint of the workflow, unbound.
        commit: Commit of the workflow's file.
        known: Runs of the workflow that were there before.
    """

    key: str
    digest: str
    env: str
    intent: str | None = None
    root: str = ""
    retry: str | None = None
    rows: int = 0
    index: int | None = None
    size: int | None = None
    fingerprint: str = ""
    commit: str | None = None
    known: Sequence[str] = ()


@define
class RecordedStart:
    """A start in the journal.

    Attributes:
        intended: What was to be sent.
        since: How many runs had been seen when it was sent.
        job_id: Its run, if it is known.
        is_presumed: True if that was the only new run, and no answer named it.
        outcome: How it ended, if that is known. It is "answered 422" if the start was
            answered with an error, and its run has not been looked for yet.
    """

    intended: IntendedStart
    since: int
    job_id: str | None = None
    is_presumed: bool = False
    outcome: str | None = None

    @property
    def is_open(self) -> bool:
        """True if it was intended, and its outcome is unknown."""
        return self.job_id is None and self.outcome != REFUSED

    @property
    def is_answered(self) -> bool:
        """True if it is open although the service answered, with an error."""
        return self.is_open and (self.outcome or "").startswith(ANSWERED)


@define
class Memory:
    """The starts and runs of one workflow at one endpoint, oldest first."""

    starts: dict[str, RecordedStart] = field(factory=dict[str, RecordedStart])
    jobs: dict[str, str] = field(factory=dict[str, str])
    _seen: dict[str, int] = field(factory=dict[str, int])

    def of_key(self, key: str) -> RecordedStart | None:
        """Return the start of a key, unless it has no run."""
        found = self.starts.get(key)
        return None if found is None or found.outcome == REFUSED else found

    def of_job(self, job_id: str) -> RecordedStart | None:
        """Return the start of a run."""
        return self.of_key(self.jobs.get(canonical_id(job_id), ""))

    def of_intent(self, env: str, intent: str) -> Sequence[RecordedStart]:
        """Return the starts of an intent, without those that have no run."""
        return [
            start
            for start in self.starts.values()
            if (start.intended.intent, start.intended.env) == (intent, env)
            and start.outcome != REFUSED
        ]

    def unseen(self, listed: Sequence[str]) -> Sequence[str]:
        """Return the runs that no earlier start has listed."""
        return [run for run in listed if run not in self._seen and run not in self.jobs]

    def is_known(self, run_id: str, start: RecordedStart) -> bool:
        """Return True if a run belongs to another start, or is older than a start."""
        return run_id in self.jobs or self.is_older(run_id, start)

    def is_older(self, run_id: str, start: RecordedStart) -> bool:
        """Return True if a run is older than a start."""
        return self._seen.get(run_id, start.since) < start.since

    def take(self, entry: Mapping[str, Any]) -> None:
        """Learn from one line."""
        match entry.get("event"):
            case "meant":
                self._take_intent(entry)
            case "started" | "found":
                self._take_job(entry)
            case "ended":
                self._take_end(entry)
            case _:  # of a later release that says no less by the others
                pass

    def _take_intent(self, entry: Mapping[str, Any]) -> None:
        intended = _read_intent(entry)
        if not is_uuid(intended.key):
            return
        for run_id in intended.known:
            self._seen.setdefault(run_id, len(self._seen))
        if self.of_key(intended.key) is None:
            # Moved to the end, since it is the latest of its intent now.
            self.starts.pop(intended.key, None)
            self.starts[intended.key] = RecordedStart(intended, len(self._seen))

    def _take_job(self, entry: Mapping[str, Any]) -> None:
        job_id, key = _as_text(entry.get("job")), _as_text(entry.get("key"))
        self.jobs[job_id] = key
        if (start := self.starts.get(key)) is not None:
            start.job_id, start.outcome = job_id, None
            start.is_presumed = entry.get("presumed") is True

    def _take_end(self, entry: Mapping[str, Any]) -> None:
        job_id, outcome = entry.get("job"), _as_text(entry.get("outcome"))
        key = _as_text(entry.get("key")) or self.jobs.get(_as_text(job_id), "")
        start = self.starts.get(key)
        if start is None or start.job_id != job_id:
            return
        if outcome == DISOWNED:
            start.job_id, start.is_presumed = None, False
        else:
            start.outcome = outcome


@frozen
class Journal:
    """A file that remembers runs. Threads and processes may share it.

    It is only appended to, one whole line at a time. A last line that was cut off is
    skipped. Only its owner may read a new file, and git ignores a new folder `.flow64`.

    Attributes:
        path: The file. It and its folder are made when they are needed.
    """

    path: Path

    def require_writable(self) -> None:
        """Make the file if it is missing, and check that it can be written to.

        Raises:
            JournalError: It cannot.
        """
        with self._open(os.O_RDWR | os.O_APPEND | os.O_CREAT, is_made=True):
            pass

    def write_intent(
        self, endpoint: str, workflow_id: str, intended: IntendedStart
    ) -> None:
        """Write down a start that is about to be sent.

        Raises:
            JournalError: It could not be written.
        """
        batch = {"index": intended.index, "size": intended.size}
        self.append(
            {
                **_make_head("meant", endpoint, workflow_id, intended.key),
                "env": intended.env,
                "intent": intended.intent,
                "root": intended.root or intended.key,
                "retry": intended.retry,
                "rows": intended.rows,
                "digest": intended.digest,
                "batch": None if intended.index is None else batch,
                "fingerprint": intended.fingerprint,
                "commit": intended.commit,
                "known": list(intended.known),
            }
        )

    def write_run(
        self,
        endpoint: str,
        workflow_id: str,
        key: str,
        job_id: str,
        *,
        is_found: bool = False,
        is_presumed: bool = False,
    ) -> None:
        """Write down the run of a start.

        Args:
            endpoint: Base URL.
            workflow_id: Id of the workflow.
            key: The Idempotency-Key.
            job_id: The run. It is written again, without `is_presumed`, once it is
                proven.
            is_found: True if the run was there, and was not started by this call.
            is_presumed: True if it was the only new run, and no answer named it.
        """
        event = "found" if is_found else "started"
        head = _make_head(event, endpoint, workflow_id, key)
        self.append({**head, "job": canonical_id(job_id), "presumed": is_presumed})

    def write_end(
        self,
        endpoint: str,
        workflow_id: str,
        job_id: str | None,
        outcome: str,
        key: str = "",
    ) -> None:
        """Write down how a run ended, or the outcome of a start without a known run.

        Args:
            endpoint: Base URL.
            workflow_id: Id of the workflow.
            job_id: The run; None if the start has none.
            outcome: The status of the run, `DISOWNED`, `REFUSED`, or `ANSWERED` and the
                HTTP status of an error, after which the start stays open.
            key: The Idempotency-Key; it may be left out if the run is known.
        """
        head = _make_head("ended", endpoint, workflow_id, key)
        job = None if job_id is None else canonical_id(job_id)
        self.append({**head, "job": job, "outcome": outcome})

    def append(self, entry: Mapping[str, Any]) -> None:
        """Append a line in one write, so that lines of several processes do not mix.

        Raises:
            JournalError: It could not be written completely.
        """
        line = json.dumps({"v": VERSION, **entry}, separators=(",", ":")).encode()
        with self._open(
            os.O_RDWR | os.O_APPEND | os.O_CREAT, is_made=True
        ) as descriptor:
            _wait_for_lock(descriptor)
            # What was cut off stays a line of its own.
            data = (b"" if _is_at_line(descriptor) else b"\n") + line + b"\n"
            if os.write(descriptor, data) != len(data):
                raise JournalError(str(self.path), "there is no room left for it")
            os.fsync(descriptor)

    def entries(self, naming: str = "") -> Iterator[Mapping[str, Any]]:
        """Yield the entries of all complete lines, oldest first.

        Args:
            naming: Yield only lines that contain this text, which is much faster.

        Raises:
            JournalError: The file cannot be read, was written by a later release, or is
                not a journal.
        """
        if not os.path.lexists(self.path):
            return
        needle = json.dumps(naming)[1:-1].encode()
        with (
            self._open(os.O_RDONLY) as descriptor,
            os.fdopen(descriptor, "rb", closefd=False) as file,
        ):
            for number, line in enumerate(file, 1):
                if line.startswith(_OURS) and needle not in line:
                    continue
                entry = load_json(line.strip(_BLANK), _CUT_OFF)
                if entry is not _CUT_OFF:
                    self._require_ours(entry, number)
                    yield entry
                elif number == 1 and line.strip(_BLANK)[:1] not in (b"{", b""):
                    problem = "it begins with something else than a run"
                    raise JournalError(str(self.path), problem)

    def memory(self, endpoint: str, workflow_id: str) -> Memory:
        """Return what the journal knows of a workflow at an endpoint.

        Raises:
            JournalError: See `entries`.
        """
        made, wanted = Memory(), (endpoint, canonical_id(workflow_id))
        for entry in self.entries(wanted[1]):
            if (entry.get("endpoint"), entry.get("workflow")) == wanted:
                made.take(entry)
        return made

    def _require_ours(self, entry: Any, number: int) -> None:
        version = entry.get("v") if isinstance(entry, dict) else None
        if type(version) is not int or version < 1:
            problem = f"line {number} is not an entry of a journal"
            raise JournalError(str(self.path), problem)
        if version > VERSION:
            problem = (
                f"line {number} was written by a later release of flow64 (schema "
                f"{version}, this one knows {VERSION}); update flow64"
            )
            raise JournalError(str(self.path), problem)

    @contextmanager
    def _open(self, flags: int, *, is_made: bool = False) -> Generator[int]:
        """Open the file. Follow no links, and accept only a regular file."""
        try:
            if is_made:
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


_OURS: Final = b'{"v":%d,' % VERSION
_BLANK: Final = b"\0\r\n "  # a machine that lost power may leave zeros
_CUT_OFF: Final = object()


def _make_head(event: str, endpoint: str, workflow_id: str, key: str) -> dict[str, Any]:
    """Return the fields that all lines have."""
    return {
        "event": event,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "endpoint": endpoint,
        "workflow": canonical_id(workflow_id),
        "key": key,
    }


def _read_intent(entry: Mapping[str, Any]) -> IntendedStart:
    batch = entry.get("batch")
    batch = batch if isinstance(batch, dict) else {}
    known, rows, root = (
        entry.get("known"),
        entry.get("rows"),
        _as_text(entry.get("root")),
    )
    return IntendedStart(
        key=_as_text(entry.get("key")),
        digest=_as_text(entry.get("digest")),
        env=_as_text(entry.get("env")),
        intent=entry.get("intent"),
        root=root if is_uuid(root) else _as_text(entry.get("key")),
        retry=entry.get("retry"),
        rows=rows if isinstance(rows, int) else 0,
        index=batch.get("index"),
        size=batch.get("size"),
        fingerprint=_as_text(entry.get("fingerprint")),
        commit=entry.get("commit"),
        known=[run for run in known if isinstance(run, str)]
        if isinstance(known, list)
        else (),
    )


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _is_at_line(descriptor: int) -> bool:
    """Return True if the next write begins a line."""
    if os.lseek(descriptor, 0, os.SEEK_END) == 0:
        return True
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


def _wait_for_lock(descriptor: int) -> None:
    """Lock the file until it is closed.

    Without the lock, lines do not mix either. So a process that was stopped, or a file
    system without locks, does not make others wait for long.
    """
    with suppress(OSError):  # a file system without locks
        for _ in range(LOCKING):
            if try_lock(descriptor):
                return
            time.sleep(0.01)
