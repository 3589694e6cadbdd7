"""Starting a run once: look, write down, send with a key, and look again.

That the service honours an Idempotency-Key is inferred, so nothing rests on the key
alone. Only a success ends the question whether a run was bought. After any other
answer, and after none, the list of runs is read before the start is sent again, also
by the next process. A documented refusal is reported at once, and the next start looks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from unicodedata import normalize
from uuid import UUID, uuid4, uuid5

from attrs import define, field, frozen

from ..api import (
    COMPLETED,
    ENDED,
    Conversation,
    LiveStatus,
    Sleep,
    Started,
    Turn,
    as_flag,
    as_formats,
    get_workflow,
    host_of,
    is_loopback,
    is_refusal,
    is_unsent,
    list_runs,
    live_status,
    normal,
    start_run,
)
from ..definition import Definition, canonical_id, digest, retry_key, run_key
from ..deploy import Ready, compare
from ..errors import (
    ApiError,
    ArgumentError,
    ConflictError,
    FlowError,
    IntentChangedError,
    IntentFailedError,
    JournalError,
    NotFoundError,
    OutcomeUnknownError,
    RetryError,
    StaleDeploymentError,
    shortened,
)
from ..text import printable
from ._budget import Budget
from ._journal import Journal, Meant, Memory, Start

LOOKS: Final = (2.0, 4.0)
"""Seconds before each look after a start whose answer was lost."""

_OURS: Final[dict[str, _Known]] = {}
"""What this process knows of starts, by the turn that it had for them."""

_log = logging.getLogger("flow64")


@frozen
class Batch:
    """Which part of the rows of an intent a run is given.

    Attributes:
        index: Its place among the parts, from 0.
        size: Rows of each part but the last.
    """

    index: int
    size: int


@frozen
class StartedRun:
    """A run that was started, or found.

    Attributes:
        id: Its id (`job_id`).
        workflow_id: Id of its workflow.
        is_presumed: Whether no answer named it, and it was taken for ours because it
            was the only new one; its rows have to prove it.
        is_attached: Whether it was there before: nothing was started now.
        key: The Idempotency-Key that it was started with.
        digest: Hash of the body that it was, or is to have been, started with.
    """

    id: str
    workflow_id: str
    is_presumed: bool = False
    is_attached: bool = False
    key: str = ""
    digest: str = ""


def starting(
    ready: Ready,
    payload: Mapping[str, Any],
    *,
    intent: str | None = None,
    retry: str | None = None,
    stale: bool = False,
    journal: Journal | None = None,
    endpoint: str = "",
    budget: Budget | None = None,
    batch: Batch | None = None,
    save_json: bool = True,
    result_formats: Sequence[str] = (),
) -> Conversation[StartedRun]:
    """Start a run once for its intent, or find the one that was started for it.

    Args:
        ready: The workflow.
        payload: The body, as `payload_of` makes it.
        intent: Name of a run that must happen once; None for a run of its own.
        retry: A run of it that ended without success, to be started again, once.
        stale: Run what is deployed even if it is not this code.
        journal: Where it is remembered; None for nowhere.
        endpoint: Base URL of the client.
        budget: What it may take at most.
        batch: Which part of the rows of the intent these are.
        save_json: Whether results are kept as JSON too, so that types survive.
        result_formats: Further formats, such as `ndjson`.

    Raises:
        BudgetError: It may take more than was said.
        JournalError: It could not be remembered.
        StaleDeploymentError: What is deployed is not this code.
        IntentChangedError: The journal knows the intent with something else.
        IntentFailedError: The run of the intent ended without success.
        RetryError: `retry` names no run that can be started again.
        ApiError: The service refused it.
        OutcomeUnknownError: No answer came, and the looks did not tell.
    """
    require_named(intent, retry)
    if intent is not None:
        intent = normalize("NFC", intent)  # one name, as in keys, however it is typed
    # What the start itself would refuse must not look like a start that was lost.
    formats = as_formats("run", "result_formats", result_formats)
    save_json = as_flag("run", "save_json", save_json)
    rows = len(payload.get("webhook_payload") or ())
    limits = budget or Budget()
    # What costs nothing to find out is found out first.
    override = payload.get("specs_override")
    limits.require(ready.name, ready.definition, rows, override=override)
    if journal is not None:
        journal.require_writable()
    turn = f"{endpoint}|{canonical_id(ready.id)}"
    yield Turn(turn)
    yield from _require_deployed(ready, limits, rows, override, stale=stale)
    start = _Starting(
        ready=ready,
        payload=payload,
        save_json=save_json,
        formats=formats,
        digest=digest(payload),
        intent=intent,
        retry=retry,
        batch=batch,
        journal=journal,
        endpoint=endpoint,
        ours=_OURS.setdefault(turn, _Known()),
    )
    return (yield from start.carried_out())


def require_named(intent: str | None, retry: str | None = None) -> None:
    """Refuse an intent or a run that names nothing.

    Raises:
        ArgumentError: It is no text, an empty one, or none that can be written down.
    """
    for name, given, example in (
        ("intent", intent, "2026-W20"),
        ("retry", retry, "the id of the run"),
    ):
        if given is not None and not (isinstance(given, str) and _is_name(given)):
            problem = f"{name} is {shortened(given)}, which names no run"
            raise ArgumentError(
                "run", f'{problem}; write for example {name}="{example}"'
            )


def key_of(ready: Ready, intent: str, body: str, batch: Batch | None = None) -> UUID:
    """The Idempotency-Key of an intended run: the same on every machine.

    Args:
        ready: The workflow.
        intent: Name of the run.
        body: Hash of the body.
        batch: Which part of the rows these are; its size takes no part.
    """
    key = run_key(env=ready.env, workflow_id=ready.id, intent=intent, body_digest=body)
    return key if batch is None else uuid5(key, f"batch:{batch.index}")


@define
class _Known:
    """What this process knows of starts of one workflow, also without a journal.

    Attributes:
        runs: Runs that it has started or found.
        listed: The first list of each intended start whose run is not known, by key.
    """

    runs: set[str] = field(factory=set[str])
    listed: dict[str, frozenset[str]] = field(factory=dict[str, "frozenset[str]"])


@define
class _Starting:
    """One start, under one key."""

    ready: Ready
    payload: Mapping[str, Any] = field(repr=False)
    save_json: bool
    formats: Sequence[str]
    digest: str
    intent: str | None
    retry: str | None
    batch: Batch | None
    journal: Journal | None
    endpoint: str
    ours: _Known
    key: str = ""
    root: str = ""
    memory: Memory = field(factory=Memory, repr=False)
    listed: frozenset[str] = frozenset()
    has_failed: bool = False
    found: StartedRun | None = None

    def carried_out(self) -> Conversation[StartedRun]:
        """Until a run is known, or nothing more may be sent."""
        if self.journal is not None:
            self.memory = self.journal.memory(self.endpoint, self.ready.id)
        self._choose_key()
        yield from self._require_same()
        if (last := self._last()) is not None:
            known = yield from self._attached(last)
            if known is not None:
                return known
        if self.retry is not None:
            yield from self._require_over(self.retry)
        start = self.memory.of_key(self.key)
        if start is not None and start.is_open:
            was = start.outcome if start.is_answered else "cut off"
            return (yield from self._resumed(f"it was {was} before", start))
        if (listed := self.ours.listed.get(self.key)) is not None:
            self._write_down(listed)
            return (yield from self._resumed("its run is not known", None))
        self._write_down((yield from self._list()))
        return (yield from self._sent(None))

    def _resumed(self, reason: str, start: Start | None) -> Conversation[StartedRun]:
        """Look for the run of an earlier start of this key, and send it if none is."""
        lost = OutcomeUnknownError(self._what, reason)
        found = yield from self._looked(lost, is_sent=False)
        if found is not None:
            return found
        # After an answer and a look, a further refusal is simply reported.
        is_answered = start is not None and start.is_answered
        return (yield from self._sent(None if is_answered else lost))

    # -- Which key --------------------------------------------------------------------

    def _choose_key(self) -> None:
        """The key of the intent, of its retry, or a fresh one.

        A retry has a key that is made of the intent's and of the run that failed, also
        if that run was a retry: so any machine makes the same, with no journal at hand.
        """
        if self.retry is None:
            self.key = self.root = self._own_key() or str(uuid4())
            return
        failed = self.memory.of_job(self.retry)
        if failed is not None:
            self._take_over(failed.meant, self.retry)
        elif (own := self._own_key()) is not None:
            self.root = own
        else:
            raise RetryError(
                self.retry,
                "nothing here remembers how it was started; say the intent that it was "
                "started for, if it had one: run(..., intent=..., retry=...)",
            )
        self.key = str(retry_key(UUID(self.root), self.retry))

    def _own_key(self) -> str | None:
        if self.intent is None:
            return None
        return str(key_of(self.ready, self.intent, self.digest, self.batch))

    def _take_over(self, meant: Meant, retry: str) -> None:
        """What the run that is started again was started for, and with."""
        if self.intent not in (None, meant.intent) or meant.env != self.ready.env:
            was = f"the intent {meant.intent!r}" if meant.intent else "no intent"
            problem = f"it was started for {was} in the environment {meant.env!r}"
            raise RetryError(retry, problem)
        if meant.digest != self.digest:
            raise IntentChangedError("what is to retry", self._change(meant), retry)
        self.intent, self.root = meant.intent, meant.root
        if self.batch is None and meant.index is not None:
            self.batch = Batch(meant.index, meant.size or 0)

    @property
    def _index(self) -> int | None:
        return None if self.batch is None else self.batch.index

    @property
    def _size(self) -> int | None:
        return None if self.batch is None else self.batch.size

    # -- What is remembered -----------------------------------------------------------

    def _of_intent(self) -> Sequence[Start]:
        """The starts of the intent, oldest first."""
        if self.intent is None:
            return ()
        return self.memory.of_intent(self.ready.env, self.intent)

    def _require_same(self) -> Conversation[None]:
        """Refuse an intent that the journal knows with something else."""
        for start in self._of_intent():
            meant = start.meant
            is_other = meant.index == self._index and meant.digest != self.digest
            if not is_other and meant.size == self._size:
                continue
            if (yield from self._is_forgotten(start)):
                continue
            new = (yield from self._runs_of(start)) if start.is_answered else None
            if new == []:
                self._note_nothing(meant.key)
                continue
            job_id = new[0] if new else start.job_id
            what = f"intent {self.intent!r}"
            raise IntentChangedError(what, self._change(meant), job_id)

    def _is_forgotten(self, start: Start) -> Conversation[bool]:
        """Whether it was for an emulator that was made anew since."""
        if start.job_id is None or not self._is_local:
            return False
        return (yield from self._live(start.job_id)) is None

    def _change(self, meant: Meant) -> str:
        if meant.size != self._size:
            return f"batches of {meant.size} rows" if meant.size else "one run for all"
        return f"another body ({meant.rows:,} row{'s' * (meant.rows != 1)})"

    def _last(self) -> Start | None:
        """The start whose run is the one to attach to, if there is one."""
        if self.retry is not None:
            start = self.memory.of_key(self.key)
            return start if start is not None and start.job_id else None
        runs = [
            start
            for start in self._of_intent()
            if start.meant.index == self._index and start.job_id
        ]
        return runs[-1] if runs else None

    def _attached(self, start: Start) -> Conversation[StartedRun | None]:
        """The run that is remembered; None where an emulator has forgotten it."""
        job_id = str(start.job_id)
        live = yield from self._live(job_id)
        if live is None:
            if self._is_local:
                return None
            reason = (
                f"the journal has run {job_id}, for which the service answers 404: it "
                "may not be visible yet, belong to another organisation, or be gone"
            )
            raise OutcomeUnknownError(self._what, reason)
        self._require_success(job_id, live)
        if start.meant.fingerprint != self.ready.stamp.unbound:
            _log.warning(
                "run %s of intent %r was started by other code; it is not repeated",
                job_id,
                self.intent,
            )
        return self._run(
            job_id, is_presumed=start.is_presumed, is_attached=True, key=start.meant.key
        )

    def _require_over(self, job_id: str) -> Conversation[None]:
        """Refuse to start again what goes on, or was a success."""
        live = yield from live_status(job_id)
        status = normal(live.overall_status)
        elsewhere = canonical_id(live.workflow_id or self.ready.id)
        if elsewhere != canonical_id(self.ready.id):
            raise RetryError(job_id, f"it is a run of another workflow, {elsewhere}")
        if status == COMPLETED:
            raise RetryError(job_id, "it has completed, and its rows are there")
        if status not in ENDED:
            problem = f"it is {status} and goes on; wait for it, or cancel it"
            raise RetryError(job_id, problem)

    def _require_success(self, job_id: str, live: LiveStatus) -> None:
        """Report a run that ended otherwise; it is not repeated by itself."""
        status = normal(live.overall_status)
        if status not in ENDED or status == COMPLETED:
            return
        start = self.memory.of_job(job_id)
        if start is None or start.outcome != status:
            self._note(
                lambda journal: journal.ended(
                    self.endpoint, self.ready.id, job_id, status
                )
            )
        raise IntentFailedError(job_id, status, self.intent or "")

    def _live(self, job_id: str) -> Conversation[LiveStatus | None]:
        """How far a run has come; None where there is none, or none yet."""
        try:
            return (yield from live_status(job_id))
        except NotFoundError:
            return None

    # -- Sending ----------------------------------------------------------------------

    def _write_down(self, listed: Iterable[str]) -> None:
        """Remember what is about to be sent, and which runs were there before."""
        self.listed = frozenset(listed)
        if self.journal is not None:
            self._write_to(self.journal, [*listed])
        if self.intent is not None:
            self.ours.listed[self.key] = self.listed

    def _write_to(self, journal: Journal, listed: Sequence[str]) -> None:
        meant = Meant(
            key=self.key,
            digest=self.digest,
            env=self.ready.env,
            intent=self.intent,
            root=self.root,
            retry=self.retry,
            rows=len(self.payload.get("webhook_payload") or ()),
            index=self._index,
            size=self._size,
            fingerprint=self.ready.stamp.unbound,
            commit=self.ready.stamp.commit,
            known=self.memory.unseen(listed),
        )
        journal.meant(self.endpoint, self.ready.id, meant)

    def _sent(self, lost: FlowError | None) -> Conversation[StartedRun]:
        """Send it; once more with the same key where the answer and the run are lost.

        Args:
            lost: What became of an earlier attempt, which this one repeats.
        """
        while True:
            is_repeated = lost is not None
            try:
                started = yield from self._start()
            except OutcomeUnknownError:  # of a look after a 429
                raise
            except FlowError as error:
                if is_refusal(error) and not is_repeated:
                    self._note_refusal(error)
                    raise
                lost, self.has_failed = error, True
            else:
                return self.found or (yield from self._answered(started))
            found = yield from self._looked(lost)
            if found is not None:
                return found
            if is_repeated:
                reason = f"{lost}; the list shows no new run"
                raise OutcomeUnknownError(self._what, reason) from lost

    def _start(self) -> Conversation[Started]:
        return (
            yield from start_run(
                self.ready.id,
                self.payload,
                self.key,
                save_json=self.save_json,
                result_formats=self.formats,
                look=self._look_again,
            )
        )

    def _look_again(self, error: FlowError) -> Conversation[Started | None]:
        """Look for the run of a start that was answered 429, before it is repeated."""
        self.has_failed = True
        self.found = yield from self._looked(error)
        return None if self.found is None else Started(self.found.id)

    def _answered(self, started: Started) -> Conversation[StartedRun]:
        """The run that an answer names."""
        job_id = started.job_id
        is_old = started.already_started or self._is_known(job_id)
        self._keep(job_id, is_found=is_old)
        live = (yield from self._live(job_id)) if is_old else None
        if live is not None:  # what was just started may not be visible yet
            self._require_success(job_id, live)
        # An attempt of this call that failed may have started it.
        return self._run(job_id, is_attached=is_old and not self.has_failed)

    def _looked(
        self, lost: FlowError, *, is_sent: bool = True
    ) -> Conversation[StartedRun | None]:
        """The run of a start whose answer was lost: looked for twice, seconds apart.

        Args:
            lost: What became of the start.
            is_sent: Whether this process has sent it.

        Raises:
            OutcomeUnknownError: There are several new runs, or they cannot be listed.
        """
        try:
            found = yield from self._listed_twice()
        except FlowError as error:
            if not is_sent:
                raise
            reason = f"{lost}; then its runs could not be listed: {error}"
            raise OutcomeUnknownError(self._what, reason) from error
        if self.journal is not None:
            # Other processes may have written meanwhile which runs are theirs.
            with suppress(JournalError):
                self.memory = self.journal.memory(self.endpoint, self.ready.id)
        start = self.memory.of_key(self.key)
        if start is not None and start.job_id is not None:
            known = yield from self._attached(start)
            if known is not None:
                return known
        new = [run_id for run_id in found if not self._is_known(run_id)]
        if len(new) > 1:
            reason = f"{lost}; the list shows {len(new)} new runs"
            raise OutcomeUnknownError(self._what, reason) from lost
        if not new:
            self._require_no_doubt(found, lost)
            return None
        self._keep(new[0], is_found=True, is_presumed=True)
        return self._run(new[0], is_presumed=True, is_attached=not is_sent)

    def _listed_twice(self) -> Conversation[Sequence[str]]:
        """The runs that two lists show, seconds apart."""
        found: dict[str, None] = {}
        for wait in LOOKS:
            yield Sleep(wait)
            found |= dict.fromkeys((yield from self._list()))
        return [*found]

    def _runs_of(self, start: Start) -> Conversation[Sequence[str]]:
        """The runs that an earlier start of the intent may have made after all."""
        found = yield from self._listed_twice()
        return [run_id for run_id in found if not self._is_known(run_id, start)]

    def _require_no_doubt(self, found: Iterable[str], lost: FlowError) -> None:
        """Refuse to send again while a run that may be ours counts as another's.

        Raises:
            OutcomeUnknownError: One was only taken for that of another start.
        """
        start = self.memory.of_key(self.key)
        for run_id in found:
            other = self.memory.of_job(run_id)
            is_doubtful = (
                other is not None
                and other.is_presumed
                and run_id not in self.listed
                and start is not None
                and not self.memory.is_older(run_id, start)
            )
            if is_doubtful:
                reason = (
                    f"{lost}; run {run_id}, which may be the one, was taken for that "
                    "of another start, and nothing has proven it yet"
                )
                raise OutcomeUnknownError(self._what, reason) from lost

    def _is_known(self, run_id: str, start: Start | None = None) -> bool:
        """Whether a run was there before the start, or is known to be another's."""
        run_id = canonical_id(run_id)
        start = start or self.memory.of_key(self.key)
        if run_id in self.listed or run_id in self.ours.runs:
            return True
        if start is None:
            return run_id in self.memory.jobs
        return self.memory.is_known(run_id, start)

    def _list(self) -> Conversation[Sequence[str]]:
        listed = yield from list_runs(self.ready.id)
        return [canonical_id(entry.job_id) for entry in listed]

    # -- What is kept -----------------------------------------------------------------

    def _keep(
        self, job_id: str, *, is_found: bool = False, is_presumed: bool = False
    ) -> None:
        """Remember which run it is."""
        self.ours.runs.add(canonical_id(job_id))
        self.ours.listed.pop(self.key, None)
        self._note(
            lambda journal: journal.started(
                self.endpoint,
                self.ready.id,
                self.key,
                job_id,
                is_found=is_found,
                is_presumed=is_presumed,
            )
        )

    def _note_refusal(self, error: FlowError) -> None:
        """Remember a refusal; only of what was never sent does nothing come.

        A service may carry a start out and answer with an error all the same, so any
        answer leaves it open: the next start of the intent looks first.
        """
        if is_unsent(error):
            self.ours.listed.pop(self.key, None)
            self._note_nothing(self.key)
        elif isinstance(error, ApiError) and not isinstance(error, ConflictError):
            where, status = (self.endpoint, self.ready.id, self.key), error.status
            self._note(lambda journal: journal.answered(*where, status))

    def _note_nothing(self, key: str) -> None:
        """Remember that nothing came of a start."""
        self._note(lambda journal: journal.refused(self.endpoint, self.ready.id, key))

    def _note(self, write: Callable[[Journal], None]) -> None:
        """Write to the journal what cannot be undone: a failure is told and passed."""
        if self.journal is None:
            return
        try:
            write(self.journal)
        except JournalError as error:
            _log.warning(
                "%s: what became of it could not be written to %s (%s)",
                self._what,
                error.path,
                error.problem,
            )

    def _run(
        self,
        job_id: str,
        *,
        is_presumed: bool = False,
        is_attached: bool = False,
        key: str | None = None,
    ) -> StartedRun:
        return StartedRun(
            id=job_id,
            workflow_id=self.ready.id,
            is_presumed=is_presumed,
            is_attached=is_attached,
            key=self.key if key is None else key,
            digest=self.digest,
        )

    @property
    def _what(self) -> str:
        return f"starting {self.ready.name!r} ({self.ready.id})"

    @property
    def _is_local(self) -> bool:
        return is_loopback(host_of(self.endpoint))


def _is_name(text: str) -> bool:
    """Whether a text names something, with no blank that nobody sees, in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return bool(text) and text == text.strip()


def _require_deployed(
    ready: Ready,
    limits: Budget,
    rows: int,
    override: Mapping[str, Any] | None,
    *,
    stale: bool,
) -> Conversation[None]:
    """Refuse what would run something else, or cost more, than this code says."""
    if stale and not limits.depends_on_specs:
        return
    live = yield from get_workflow(ready.id)
    if live is None:
        raise StaleDeploymentError(ready.name, ready.id, "it is not deployed")
    if not stale:
        _require_this_code(ready, live)
    # Fields that code does not set are left as they are live, and may be dearer.
    limits.require(ready.name, live, rows, override=override)


def _require_this_code(ready: Ready, live: Definition) -> None:
    found = compare(ready.definition, live, ready.stamp, ready.secrets)
    reasons = {
        "foreign": "it was not deployed by this code",
        "update": "the code has changed since it was deployed",
        "drifted": "it was edited on the service",
        "conflict": "it was edited on the service, and the code has changed",
    }
    if reason := reasons.get(found.state):
        lines = found.changes if found.state == "update" else found.edits
        shown = f" ({printable('; '.join(lines[:3]))})" if lines else ""
        raise StaleDeploymentError(ready.name, ready.id, reason + shown)
