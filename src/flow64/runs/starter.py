"""One start: look, write down, send with a key, and look again.

That the service honours an Idempotency-Key is inferred, so nothing rests on the key
alone. Only a success proves that a run was bought. After any other answer, and after
none, the list of runs is read before the start is sent again, also by the next process.
A documented refusal is reported at once, and the next start looks first.
"""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Final
from unicodedata import normalize
from uuid import UUID, uuid4, uuid5

from attrs import define, field

from .. import errors
from ..api import answers, calls, threads
from ..api.network import is_refusal, is_unsent
from ..api.session import Session
from ..definition import canonical_id, digest, is_encodable, retry_key, run_key
from ..text import pluralize, printable, shortened
from .journal import REFUSED, STOPPED, Ledger, Memory, Start, is_run_id
from .launch import Launch
from .rows import list_columns
from .state import RunState, digest_rows
from .watch import failed_error

LOOKS: Final = (2.0, 4.0)
"""Seconds to wait before each look for a run, after a start without an answer."""

_log = logging.getLogger("flow64")

_TURNS: Final[dict[tuple[str, str], Lock]] = {}
"""The starts of one workflow in this process follow each other. Otherwise the new run
of one could be taken for that of another."""

os.register_at_fork(after_in_child=_TURNS.clear)


def make_starter(
    session: Session,
    launch: Launch,
    rows: Any = (),
    *,
    intent: str | None = None,
    new: bool = False,
    retry: str | None = None,
    attach: str | None = None,
    index: int | None = None,
    first: int = 1,
    total: int = 0,
    compared: frozenset[str] | None = None,
) -> Starter:
    """Check a start. No request is sent.

    Args:
        rows: Rows as `payload.as_rows` takes them.
        intent: Name of a run that must happen once. Without one, the same definition
            and rows are the same intent.
        new: Start a run of its own, in any case.
        retry: A run of the intent that ended without success, to be started again.
        attach: The run of the intent, if only you can know it.
        index: Index of the batch that these rows are.
        first: Number of the first row.
        total: Rows of all batches, as far as known, for the limits.
        compared: The runs that the rows were compared with; see `inputs.select_rows`.

    Raises:
        BuildError: The options contradict each other.
        RowsError: Rows cannot be sent.
    """
    for text in (intent, retry, attach):
        if text is not None and (not is_encodable(text) or not text.strip()):
            raise errors.BuildError(f"{shortened(text)} names no run")
    if sum((new, retry is not None, attach is not None)) > 1 or (new and intent):
        raise errors.BuildError("new, retry, attach: one at most; new takes no intent")
    body = launch.build_payload(rows, first)
    # One, as in keys, however it is typed.
    name = normalize("NFC", intent or f"flow64:{launch.ready.stamp.bound}")
    count = max(total, first - 1 + len(body.get("webhook_payload") or ()))
    ledger = launch.journal.of(session.place, launch.ready.id)
    own = None if new else name, intent is None, retry, attach, index, compared
    return Starter(session, launch, ledger, body, digest(body), count, *own)


@define
class Starter:
    """One start that was checked; see `make_starter`."""

    session: Session = field(repr=False)
    launch: Launch
    ledger: Ledger
    body: Mapping[str, Any] = field(repr=False)
    digest: str
    count: int
    intent: str | None
    is_default: bool
    retry: str | None
    attach: str | None
    index: int | None
    compared: frozenset[str] | None
    key: str = field(default="", init=False)
    root: str = field(default="", init=False)
    memory: Memory = field(factory=Memory, init=False, repr=False)
    writer: str = field(factory=lambda: uuid4().hex, init=False)
    instead: str = field(default="", init=False)
    was_sent: bool = field(default=False, init=False)
    seal: str = field(default="", init=False)

    def recall(self) -> str | None:
        """Return the run that the journal has for it; None if it may buy."""
        self._load()
        start = self._last_start()
        return start.job_id if start else None

    def run(self) -> RunState:
        """Start the run once for its intent, or return the run that it has.

        Raises:
            BudgetError: It may exceed a limit.
            IntentError: The journal knows the intent with other rows, or `retry` or
                `attach` is not such a run.
            RunError: The deployed workflow is not this code; or the journal cannot be
                written, or is damaged.
            RunFailedError: The run of the intent ended without success.
            ApiError: The service refused it.
            OutcomeUnknownError: No answer came, and the list of runs does not show
                whether it was started.
        """
        with _TURNS.setdefault((self.session.place, self.launch.ready.id), Lock()):
            self.launch.check_deployment(self.session, self.count, self.seal)
            self._load()
            self._require_same()
            return self._attach_to(self.attach) if self.attach else self._start()

    def _start(self) -> RunState:
        if (last := self._last_start()) is not None:
            return self._attach(last)
        if self.retry is not None:
            self._require_failure(self.retry)
        while True:
            if self.intent is not None:
                self.ledger.require_sound(self.memory)
            listed = self._list_ids()
            self._write_intent(listed)
            start = self.memory.starts[self.key]
            if start.writer == self.writer:
                self._require_compared(listed)
                try:
                    return self._send()
                except KeyboardInterrupt as stop:
                    if not isinstance(stop, threads.StopNow):  # no request is under way
                        self.ledger.write_end(self.key, None, STOPPED, self.writer)
                    raise
            # It was sent before, or another process is sending it now.
            lost = errors.OutcomeUnknownError(f"it was {start.outcome or 'cut off'}")
            run = self._find_run(lost, is_sent=False)
            if not (run or start.outcome) and (wait := start.patience) > 0:
                _log.warning("another process may send it; waiting up to %.0f s", wait)
                self.ledger.wait_for(start)
                run = self._find_run(lost, is_sent=False)
            if run is not None:
                return run
            self.instead = start.writer
            self.launch.check_deployment(self.session, self.count, self.seal)

    def _attach_to(self, job_id: str) -> RunState:
        """Return the run that the user names, and remember it for the intent."""
        job_id = canonical_id(job_id)
        owner = self.memory.of_job(job_id)
        if owner is not None and owner.key != self.key and not owner.is_presumed:
            problem = f"it is the run of intent {owner.intent!r}"
            raise _named_error(job_id, problem, "attach")
        live = self._require_own(job_id, "attach")
        if self.memory.of_key(self.key) is None:
            self._write_intent(self._list_ids())
        self.ledger.write_run(self.key, job_id)
        return self._run(job_id, live, is_attached=True)

    # -- The key ----------------------------------------------------------------------

    def _load(self) -> None:
        """Read the journal, and choose the key.

        The key of a retry is made from the key of the intent and from the run that
        failed, also if that run was a retry. So it is equal on every machine, with or
        without a journal.
        """
        self.memory = self.ledger.memory()
        self.key = self.root = self._make_key()
        if self.retry is not None:
            if (failed := self.memory.of_job(self.retry)) is not None:
                self._take_over(failed, self.retry)
            self.key = str(retry_key(UUID(self.root), self.retry))

    def _make_key(self) -> str:
        if self.intent is None:
            return str(uuid4())
        ready = self.launch.ready
        facts = {"env": ready.env, "workflow_id": ready.id, "intent": self.intent}
        key = run_key(**facts, body_digest=self.digest)
        return str(key if self.index is None else uuid5(key, f"batch:{self.index}"))

    def _take_over(self, failed: Start, retry: str) -> None:
        """Take intent, root and batch from the run that is started again."""
        is_other = not self.is_default and self.intent != failed.intent
        same = (self.launch.ready.env, self.digest)
        if is_other or (failed.env, failed.digest) != same:
            problem = "it was started for another intent or environment, or other rows"
            raise _named_error(retry, problem)
        self.intent, self.index, self.root = failed.intent, failed.index, failed.root

    # -- Earlier starts ---------------------------------------------------------------

    def _last_start(self) -> Start | None:
        """Return the start that has the run to attach to, if there is one."""
        same = [self.memory.of_key(self.key)]
        if self.retry is None and self.intent is not None:
            starts = self.memory.of_intent(self.launch.ready.env, self.intent)
            part = self.index, self.digest
            same = [start for start in starts if (start.index, start.digest) == part]
        return next((start for start in reversed(same) if start and start.job_id), None)

    def _require_same(self) -> None:
        """Refuse a named intent that the journal knows with another body."""
        env = self.launch.ready.env
        starts = [] if self.is_default else self.memory.of_intent(env, self.intent)
        for start in starts:
            is_alone = self.index is None or start.index is None
            is_same_part = start.index == self.index
            if start.digest == self.digest if is_same_part else not is_alone:
                continue
            run = f" (run {printable(start.job_id)})" if start.job_id else ""
            raise errors.IntentError(
                f"intent {self.intent!r} was started before{run} with other rows or "
                "batches; nothing was sent",
                hint="give it what it had, or name what is new: run(..., intent=...)",
                option="give it what it had, or name what is new: --intent NAME",
                run_id=start.job_id,
            )

    def _require_compared(self, listed: Sequence[str]) -> None:
        """Refuse to send rows that were not compared with those of all other runs.

        A start that is written down before this one may be buying them.
        """
        if self.compared is None:
            return
        begun = self.memory.list_begun(self.key)
        if not self.compared.issuperset([*listed, *begun]):
            self.ledger.write_end(self.key, None, self._unsent, self.writer)
            raise errors.RunError(
                "another run was started meanwhile, and may be buying these rows; "
                "nothing was started",
                hint="repeat this, which compares again",
            )

    def _attach(self, start: Start, *, is_ours: bool = False) -> RunState:
        """Return the run of an earlier start, which may be of this call: `is_ours`."""
        job_id = str(start.job_id)
        live = self._get_status(job_id)
        if live is None:
            reason = f"the service does not show run {job_id} of the journal"
            raise errors.unknown_error(self._what, reason, [job_id])
        if start.code != self.launch.ready.stamp.unbound:
            text = "run %s of intent %r was started by other code; it is not repeated"
            _log.warning(text, job_id, self.intent)
        facts: Any = {"is_presumed": start.is_presumed, "started_at": start.at}
        return self._run(job_id, live, is_attached=not is_ours, **facts)

    def _require_failure(self, job_id: str) -> None:
        """Refuse to start a run again that goes on, or has completed."""
        status = calls.normal(self._require_own(job_id, "retry").overall_status)
        if status == calls.COMPLETED or status not in calls.ENDED:
            raise _named_error(job_id, f"it is {status}, and has not failed")

    def _require_own(self, job_id: str, option: str) -> answers.LiveStatus:
        """Return the status of a run that the user names."""
        live, own = self._get_status(job_id), self.launch.ready.id
        if live is None:
            raise _named_error(job_id, "there is no such run", option, is_usage=True)
        elsewhere = canonical_id(live.workflow_id or own)
        if elsewhere != canonical_id(own):
            raise _named_error(job_id, f"it is a run of workflow {elsewhere}", option)
        return live

    def _get_status(self, job_id: str) -> answers.LiveStatus | None:
        """Return the status of a run; None if the service does not show the run."""
        try:
            return calls.live_status(self.session, job_id)
        except errors.ApiError as error:
            if _status(error) in (404, 422):  # 422: it has not the form of an id
                return None
            raise

    # -- Sending ----------------------------------------------------------------------

    def _send(self) -> RunState:
        """Send the start. Repeat it once if neither answer nor run is found."""
        lost: errors.FlowError | None = None
        policy, failures = self.session.policy, 0
        ends = threads.now() + policy.deadline
        while True:
            failure = self._post(ends - threads.now())
            if not isinstance(failure, errors.FlowError):
                return failure
            failures += 1
            wait: float | None = None
            if _status(failure) == 429:
                wait = policy.choose_wait(failure, failures, repeat="if refused")
            if wait is not None and threads.now() + wait + sum(LOOKS) >= ends:
                wait = None
            if wait is None and lost is None and is_refusal(failure):
                self._write_refusal(failure)
                raise failure
            # Another process may send it meanwhile, so the look comes after the wait.
            threads.sleep(wait or 0)
            run = self._find_run(failure)
            if run is not None:
                return run
            if wait is None and lost is not None:
                raise self._make_doubt(failure, "the list shows no new run")
            lost = failure if wait is None else lost
            try:
                self.launch.check_deployment(self.session, self.count, self.seal)
            except errors.FlowError as error:
                raise self._make_doubt(failure, error.message) from error

    def _post(self, seconds: float) -> RunState | errors.FlowError:
        """Send the start once. Return its run, or how it failed."""
        launch = self.launch
        try:
            with threads.deadline(seconds):  # after it, another process may send it
                started = calls.start_run(
                    self.session,
                    launch.ready.id,
                    launch.fill_in(self.body, launch.ready.values),
                    self.key,
                    result_formats=launch.result_formats,
                )
            if not is_run_id(started.job_id):
                problem = "its job_id is not the id of a run"
                raise answers.answer_error("POST", "/workflows/run", problem)
        except errors.FlowError as error:
            self.was_sent = self.was_sent or not is_unsent(error)
            return error
        return self._accept(canonical_id(started.job_id), started.already_started)

    def _accept(self, job_id: str, already_started: bool) -> RunState:
        """Return the run that an answer names."""
        start, owner = self.memory.of_key(self.key), self.memory.of_job(job_id)
        if owner is not None and owner.key != self.key and not owner.is_presumed:
            reason = f"the answer names run {job_id}, which another start has"
            raise errors.unknown_error(self._what, reason, [job_id])
        is_earlier = start is not None and self.memory.is_older(job_id, start)
        self.ledger.write_run(self.key, job_id)
        is_old = already_started or is_earlier
        # A run that was just started may not be visible yet.
        live = self._get_status(job_id) if is_old else None
        # An attempt of this call that failed may have started it.
        return self._run(job_id, live, is_attached=is_old and not self.was_sent)

    # -- Looking ----------------------------------------------------------------------

    def _find_run(
        self, lost: errors.FlowError, *, is_sent: bool = True
    ) -> RunState | None:
        """Look for the run of a start without an answer, twice and seconds apart.

        It may be the start of another process: then not `is_sent`.

        Raises:
            OutcomeUnknownError: There are several new runs, or they cannot be listed.
        """
        page: dict[str, None] = {}
        try:
            for wait in LOOKS:
                threads.sleep(wait)
                page |= dict.fromkeys(self._list_ids())
            self.memory = self.ledger.memory()
        except errors.FlowError as error:
            if not is_sent:
                raise
            reason = f"then its runs could not be listed: {error.message}"
            raise self._make_doubt(lost, reason) from error
        start = self.memory.of_key(self.key)
        if start is None and not is_sent and self.key in self.memory.starts:
            return None  # another process could not send it
        if start is not None and start.job_id is not None:
            return self._attach(start, is_ours=is_sent)
        reason, runs = self._list_candidates(start, [*page])
        if reason:
            raise self._make_doubt(lost, reason, runs)
        if not runs:
            return None
        self.ledger.write_run(self.key, runs[0], is_presumed=True)
        return self._run(runs[0], None, is_presumed=True, is_attached=not is_sent)

    def _list_candidates(
        self, start: Start | None, page: Sequence[str]
    ) -> tuple[str, Sequence[str]]:
        """Return the runs that may be that of a start, and why none can be presumed."""
        if start is None:
            return "the journal does not have it any more", []
        later = [run for run in page if not self.memory.is_older(run, start)]
        fresh = [run for run in later if run not in self.memory.jobs]
        # They may be ours, but are presumed to be of another start.
        owners = {run: self.memory.of_job(run) for run in later}
        doubtful = [run for run, owner in owners.items() if owner and owner.is_presumed]
        if len(later) == len(page) >= calls.MOST_RUNS:
            return f"the list ends at {calls.MOST_RUNS}, before this start", fresh
        if len(fresh) > 1 or not all(map(is_run_id, fresh)):
            return f"the list shows {pluralize(len(fresh), 'new run')}", fresh
        if doubtful and not fresh:
            return f"run {doubtful[0]} was taken for that of another", doubtful
        return "", fresh

    def _make_doubt(
        self, lost: errors.FlowError, reason: str, candidates: Sequence[str] = ()
    ) -> errors.OutcomeUnknownError:
        return errors.unknown_error(self._what, f"{lost.message}; {reason}", candidates)

    def _list_ids(self) -> Sequence[str]:
        entries = calls.list_runs(self.session, self.launch.ready.id)
        return [canonical_id(entry.job_id) for entry in entries]

    # -- Writing ----------------------------------------------------------------------

    def _write_intent(self, listed: Sequence[str]) -> None:
        """Write down what is about to be sent, and which runs were there before.

        It is ours if the key has no start, or only that of the writer `instead`, which
        may have a run all the same.
        """
        rows = self.body.get("webhook_payload") or []
        stamp = self.launch.ready.stamp
        self.ledger.write_intent(
            key=self.key,
            digest=self.digest,
            env=self.launch.ready.env,
            intent=self.intent,
            index=self.index,
            root=self.root,
            proof=digest_rows(rows, sorted(list_columns(rows))),
            code=stamp.unbound,
            # What was sent last may be listed a little later.
            seconds=self.session.policy.deadline + sum(LOOKS),
            writer=self.writer,
            instead=self.instead,
            known=list(self.memory.unseen(listed)),
        )
        self.memory = self.ledger.memory()

    def _write_refusal(self, error: errors.FlowError) -> None:
        """Write down a refusal. What was sent stays open: it may have a run."""
        is_over = is_unsent(error) and not self.was_sent
        if is_over or _status(error) not in (0, 409):  # which has the key is not known
            outcome = self._unsent if is_over else f"answered {_status(error)}"
            self.ledger.write_end(self.key, None, outcome, self.writer)

    @property
    def _unsent(self) -> str:
        """The outcome of a start that this call has not sent."""
        return STOPPED if self.instead else REFUSED

    def _run(
        self, job_id: str, live: answers.LiveStatus | None, **facts: Any
    ) -> RunState:
        """Return a run. One that has failed is not repeated unless you say so."""
        run = RunState(job_id, self.ledger, stages=self.launch.stages, **facts)
        if live is not None:
            run.record_look(live)
        if run.is_ended and run.status != calls.COMPLETED:
            intent = "" if self.is_default else f"intent={self.intent!r}, "
            again = "it is not repeated by itself, and you may pay again for its rows"
            raise failed_error(
                run,
                hint=f"{again}: run(..., {intent}retry={job_id!r})",
                option=f"{again}: --retry {shlex.quote(job_id)}",
                is_earlier=run.is_attached,
            )
        return run

    @property
    def _what(self) -> str:
        return f"starting {self.launch.ready.name!r} ({self.launch.ready.id})"


def _named_error(
    run_id: str, problem: str, option: str = "retry", **facts: Any
) -> errors.IntentError:
    """Return the error of a run that an option cannot name."""
    words = f"{option} {printable(run_id)}: {printable(problem)}; nothing was sent"
    return errors.IntentError(words, run_id=run_id, **facts)


def _status(error: errors.FlowError) -> int:
    return error.status if isinstance(error, errors.ApiError) and error.sent else 0
