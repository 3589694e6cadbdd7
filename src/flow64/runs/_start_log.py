"""The memory of one start: its key, the earlier starts, and the runs before it.

The journal remembers them for other processes. Without a journal, this process does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from uuid import UUID, uuid4, uuid5

from attrs import define, field, frozen

from ..api import is_unsent
from ..definition import canonical_id, retry_key, run_key
from ..deploy import Ready
from ..errors import (
    ApiError,
    ConflictError,
    FlowError,
    IntentChangedError,
    JournalError,
    RetryError,
)
from ..text import pluralize
from ._journal import (
    ANSWERED,
    REFUSED,
    IntendedStart,
    Journal,
    Memory,
    RecordedStart,
)

_log = logging.getLogger("flow64")


@frozen
class BatchPlace:
    """The place of a run among the batches of its intent.

    Attributes:
        index: Index of the batch, from 0.
        size: Rows of each batch but the last.
    """

    index: int
    size: int


@define
class ProcessMemory:
    """The runs of one workflow that this process knows, also without a journal.

    Attributes:
        runs: Runs that it has started or found.
        listed: By key, the runs that were listed before an intended start that has no
            known run yet.
    """

    runs: set[str] = field(factory=set[str])
    listed: dict[str, frozenset[str]] = field(factory=dict[str, "frozenset[str]"])


@define
class StartLog:
    """The earlier starts of an intent, and the record of one more start.

    Attributes:
        rows: Rows in the body.
        digest: Hash of the body.
        process: The memory of this process.
        key: The Idempotency-Key; empty until it is chosen.
        root: The key from which the keys of retries are made.
        memory: What the journal knows of the workflow.
        listed: Runs that were listed before this start was sent.
    """

    ready: Ready
    rows: int
    digest: str
    intent: str | None
    retry: str | None
    batch: BatchPlace | None
    journal: Journal | None
    endpoint: str
    process: ProcessMemory
    key: str = ""
    root: str = ""
    memory: Memory = field(factory=Memory, repr=False)
    listed: frozenset[str] = frozenset()

    def load(self) -> None:
        """Read the journal, and choose the key.

        Raises:
            JournalError: The journal cannot be read.
            RetryError: `retry` is not a run of this intent.
            IntentChangedError: The run to retry had another body.
        """
        if self.journal is not None:
            self.memory = self.journal.memory(self.endpoint, self.ready.id)
        self._choose_key()

    def reload(self) -> None:
        """Read the journal again, since other processes may have written their runs."""
        if self.journal is not None:
            with suppress(JournalError):
                self.memory = self.journal.memory(self.endpoint, self.ready.id)

    # -- The key ----------------------------------------------------------------------

    def _choose_key(self) -> None:
        """Choose the key of the intent, the key of its retry, or a fresh one.

        The key of a retry is made from the key of the intent and from the run that
        failed, also if that run was a retry. So it is equal on every machine, with or
        without a journal.
        """
        if self.retry is None:
            self.key = self.root = self._make_own_key() or str(uuid4())
            return
        failed = self.memory.of_job(self.retry)
        if failed is not None:
            self._take_over(failed.intended, self.retry)
        elif (own := self._make_own_key()) is not None:
            self.root = own
        else:
            raise RetryError(
                self.retry,
                "nothing here remembers how it was started; say the intent that it was "
                "started for, if it had one: run(..., intent=..., retry=...)",
            )
        self.key = str(retry_key(UUID(self.root), self.retry))

    def _make_own_key(self) -> str | None:
        """Return the key of the intent, which is equal on every machine."""
        if self.intent is None:
            return None
        key = run_key(
            env=self.ready.env,
            workflow_id=self.ready.id,
            intent=self.intent,
            body_digest=self.digest,
        )
        return str(key if self.index is None else uuid5(key, f"batch:{self.index}"))

    def _take_over(self, intended: IntendedStart, retry: str) -> None:
        """Take intent, root and batch from the run that is started again."""
        is_other = self.intent not in (None, intended.intent)
        if is_other or intended.env != self.ready.env:
            was = f"the intent {intended.intent!r}" if intended.intent else "no intent"
            problem = f"it was started for {was} in the environment {intended.env!r}"
            raise RetryError(retry, problem)
        if intended.digest != self.digest:
            change = self.describe_change(intended)
            raise IntentChangedError("what is to retry", change, retry)
        self.intent, self.root = intended.intent, intended.root
        if self.batch is None and intended.index is not None:
            self.batch = BatchPlace(intended.index, intended.size or 0)

    @property
    def index(self) -> int | None:
        """Index of the batch; None for a run of its own."""
        return None if self.batch is None else self.batch.index

    @property
    def size(self) -> int | None:
        """Rows of each batch but the last; None for a run of its own."""
        return None if self.batch is None else self.batch.size

    # -- Earlier starts ---------------------------------------------------------------

    def starts_of_intent(self) -> Sequence[RecordedStart]:
        """Return the starts of the intent, oldest first."""
        if self.intent is None:
            return ()
        return self.memory.of_intent(self.ready.env, self.intent)

    def last_start(self) -> RecordedStart | None:
        """Return the start that has the run to attach to, if there is one."""
        if self.retry is not None:
            start = self.memory.of_key(self.key)
            return start if start is not None and start.job_id else None
        runs = [
            start
            for start in self.starts_of_intent()
            if start.intended.index == self.index and start.job_id
        ]
        return runs[-1] if runs else None

    def is_changed(self, intended: IntendedStart) -> bool:
        """Return True if an earlier start had another body, or other batches."""
        is_other = intended.index == self.index and intended.digest != self.digest
        return is_other or intended.size != self.size

    def describe_change(self, intended: IntendedStart) -> str:
        """Say what an earlier start had instead."""
        if intended.size != self.size:
            size = intended.size
            return f"batches of {pluralize(size, 'row')}" if size else "one run for all"
        rows = pluralize(intended.rows, "row")
        return f"another body ({rows})"

    def is_known(self, run_id: str, start: RecordedStart | None = None) -> bool:
        """Return True if a run is older than the start, or belongs to another one."""
        run_id = canonical_id(run_id)
        start = start or self.memory.of_key(self.key)
        if run_id in self.listed or run_id in self.process.runs:
            return True
        if start is None:
            return run_id in self.memory.jobs
        return self.memory.is_known(run_id, start)

    def find_doubtful(self, found: Iterable[str]) -> str | None:
        """Return a run that may be ours, but counts as that of another start."""
        start = self.memory.of_key(self.key)
        if start is None:
            return None
        for run_id in found:
            other = self.memory.of_job(run_id)
            is_presumed = other is not None and other.is_presumed
            is_old = run_id in self.listed or self.memory.is_older(run_id, start)
            if is_presumed and not is_old:
                return run_id
        return None

    # -- Writing ----------------------------------------------------------------------

    def write_intent(self, listed: Iterable[str]) -> None:
        """Write down what is about to be sent, and which runs were there before."""
        runs = [*listed]
        self.listed = frozenset(runs)
        if self.journal is not None:
            intended = IntendedStart(
                key=self.key,
                digest=self.digest,
                env=self.ready.env,
                intent=self.intent,
                root=self.root,
                retry=self.retry,
                rows=self.rows,
                index=self.index,
                size=self.size,
                fingerprint=self.ready.stamp.unbound,
                commit=self.ready.stamp.commit,
                known=self.memory.unseen(runs),
            )
            self.journal.write_intent(self.endpoint, self.ready.id, intended)
        if self.intent is not None:
            self.process.listed[self.key] = self.listed

    def write_run(
        self, job_id: str, *, is_found: bool = False, is_presumed: bool = False
    ) -> None:
        """Write down which run the start has."""
        self.process.runs.add(canonical_id(job_id))
        self.process.listed.pop(self.key, None)
        self._write(
            lambda journal: journal.write_run(
                *self._where,
                self.key,
                job_id,
                is_found=is_found,
                is_presumed=is_presumed,
            )
        )

    def write_end(self, job_id: str, status: str) -> None:
        """Write down how a run ended, unless the journal knows it."""
        start = self.memory.of_job(job_id)
        if start is None or start.outcome != status:
            self._write(lambda journal: journal.write_end(*self._where, job_id, status))

    def write_refusal(self, error: FlowError) -> None:
        """Write down a refusal. The start stays open unless it was never sent.

        A service may start a run and answer with an error all the same. So after any
        answer, the next start of the intent looks for a run first.
        """
        if is_unsent(error):
            self.process.listed.pop(self.key, None)
            self.write_outcome(self.key, REFUSED)
        elif isinstance(error, ApiError) and not isinstance(error, ConflictError):
            self.write_outcome(self.key, f"{ANSWERED}{error.status}")

    def write_outcome(self, key: str, outcome: str) -> None:
        """Write down the outcome of a start without a known run; see `Journal`."""
        self._write(lambda journal: journal.write_end(*self._where, None, outcome, key))

    def _write(self, write: Callable[[Journal], None]) -> None:
        """Write to the journal what has happened already; only warn if that fails."""
        if self.journal is None:
            return
        try:
            write(self.journal)
        except JournalError as error:
            _log.warning(
                "%s: what became of it could not be written to %s (%s)",
                self.what,
                error.path,
                error.problem,
            )

    @property
    def _where(self) -> tuple[str, str]:
        return self.endpoint, self.ready.id

    @property
    def what(self) -> str:
        """Name of the start, for messages."""
        return f"starting {self.ready.name!r} ({self.ready.id})"
