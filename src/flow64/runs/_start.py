"""Start a run once: look, write down, send with a key, and look again.

That the service honours an Idempotency-Key is inferred, so nothing rests on the key
alone. Only a success proves that a run was bought. After any other answer, and after
none, the list of runs is read before the start is sent again, also by the next process.
A documented refusal is reported at once, and the next start looks first.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from ..api import (
    COMPLETED,
    ENDED,
    LiveStatus,
    Session,
    Started,
    is_refusal,
    list_runs,
    live_status,
    normal,
    start_run,
)
from ..definition import canonical_id
from ..deploy import Ready
from ..endpoints import host_of, is_loopback
from ..errors import (
    FlowError,
    IntentChangedError,
    IntentFailedError,
    NotFoundError,
    OutcomeUnknownError,
    RetryError,
)
from ._journal import REFUSED, RecordedStart
from ._start_log import StartLog

LOOKS: Final = (2.0, 4.0)
"""Seconds to wait before each look for a run, after a start without an answer."""

_log = logging.getLogger("flow64")


@frozen
class StartedRun:
    """A run that was started, or found.

    Attributes:
        id: Its id (`job_id`).
        workflow_id: Id of its workflow.
        is_presumed: True if no answer named it. It was the only new run, and its rows
            have to prove that it is ours.
        is_attached: True if it was there before, and nothing was started now.
    """

    id: str
    workflow_id: str
    is_presumed: bool = False
    is_attached: bool = False


@define
class Starter:
    """Starts one run under one key."""

    session: Session = field(repr=False)
    ready: Ready
    payload: Mapping[str, Any] = field(repr=False)
    save_json: bool
    formats: Sequence[str]
    log: StartLog
    has_failed: bool = False
    found: StartedRun | None = None

    async def start(self) -> StartedRun:
        """Start the run, or find it."""
        log = self.log
        log.load()
        await self._require_same()
        if (last := log.last_start()) is not None:
            known = await self._attach(last)
            if known is not None:
                return known
        if log.retry is not None:
            await self._require_failed(log.retry)
        start = log.memory.of_key(log.key)
        if start is not None and start.is_open:
            was = start.outcome if start.is_answered else "cut off"
            return await self._resume(f"it was {was} before", start)
        if (listed := log.process.listed.get(log.key)) is not None:
            log.write_intent(listed)
            return await self._resume("its run is not known", None)
        log.write_intent(await self._list_ids())
        return await self._send(None)

    async def _resume(self, reason: str, start: RecordedStart | None) -> StartedRun:
        """Look for the run of an earlier start. Send the start if it is not found."""
        lost = OutcomeUnknownError(self.log.what, reason)
        found = await self._find_run(lost, is_sent=False)
        if found is not None:
            return found
        # After an answer and a look, a further refusal is simply reported.
        is_answered = start is not None and start.is_answered
        return await self._send(None if is_answered else lost)

    # -- Earlier starts ---------------------------------------------------------------

    async def _require_same(self) -> None:
        """Refuse an intent that the journal knows with another body or batches."""
        for start in self.log.starts_of_intent():
            if not self.log.is_changed(start.intended):
                continue
            if await self._is_forgotten(start):
                continue
            new = (await self._runs_of(start)) if start.is_answered else None
            if new == []:
                self.log.write_outcome(start.intended.key, REFUSED)
                continue
            job_id = new[0] if new else start.job_id
            what = f"intent {self.log.intent!r}"
            change = self.log.describe_change(start.intended)
            raise IntentChangedError(what, change, job_id)

    async def _is_forgotten(self, start: RecordedStart) -> bool:
        """Return True if its run was in an emulator that has been reset since."""
        if start.job_id is None or not self._is_local:
            return False
        return (await self._get_status(start.job_id)) is None

    async def _attach(self, start: RecordedStart) -> StartedRun | None:
        """Return the run of an earlier start; None if an emulator was reset since."""
        job_id = str(start.job_id)
        live = await self._get_status(job_id)
        if live is None:
            if self._is_local:
                return None
            reason = (
                f"the journal has run {job_id}, for which the service answers 404: it "
                "may not be visible yet, belong to another organisation, or be gone"
            )
            raise OutcomeUnknownError(self.log.what, reason)
        self._require_success(job_id, live)
        if start.intended.fingerprint != self.ready.stamp.unbound:
            _log.warning(
                "run %s of intent %r was started by other code; it is not repeated",
                job_id,
                self.log.intent,
            )
        return self._run(job_id, is_presumed=start.is_presumed, is_attached=True)

    async def _require_failed(self, job_id: str) -> None:
        """Refuse to start a run again that goes on, or has completed."""
        live = await live_status(self.session, job_id)
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
        """Report a run that has failed. It is not repeated unless you say so."""
        status = normal(live.overall_status)
        if status not in ENDED or status == COMPLETED:
            return
        self.log.write_end(job_id, status)
        raise IntentFailedError(job_id, status, self.log.intent or "")

    async def _get_status(self, job_id: str) -> LiveStatus | None:
        """Return the status of a run; None if the service does not show the run."""
        try:
            return await live_status(self.session, job_id)
        except NotFoundError:
            return None

    # -- Sending ----------------------------------------------------------------------

    async def _send(self, lost: FlowError | None) -> StartedRun:
        """Send the start. Repeat it once if neither answer nor run is found.

        Args:
            lost: How an earlier attempt failed that this one repeats.
        """
        while True:
            is_repeated = lost is not None
            try:
                started = await self._post()
            except OutcomeUnknownError:  # of a look after a 429
                raise
            except FlowError as error:
                if is_refusal(error) and not is_repeated:
                    self.log.write_refusal(error)
                    raise
                lost, self.has_failed = error, True
            else:
                return self.found or (await self._accept(started))
            found = await self._find_run(lost)
            if found is not None:
                return found
            if is_repeated:
                reason = f"{lost}; the list shows no new run"
                raise OutcomeUnknownError(self.log.what, reason) from lost

    async def _post(self) -> Started:
        return await start_run(
            self.session,
            self.ready.id,
            self.payload,
            self.log.key,
            save_json=self.save_json,
            result_formats=self.formats,
            look=self._look_again,
        )

    async def _look_again(self, error: FlowError) -> Started | None:
        """Look for the run of a start that was answered 429, before it is repeated."""
        self.has_failed = True
        self.found = await self._find_run(error)
        return None if self.found is None else Started(self.found.id)

    async def _accept(self, started: Started) -> StartedRun:
        """Return the run that an answer names."""
        job_id = started.job_id
        is_old = started.already_started or self.log.is_known(job_id)
        self.log.write_run(job_id, is_found=is_old)
        live = (await self._get_status(job_id)) if is_old else None
        if live is not None:  # a run that was just started may not be visible yet
            self._require_success(job_id, live)
        # An attempt of this call that failed may have started it.
        return self._run(job_id, is_attached=is_old and not self.has_failed)

    # -- Looking ----------------------------------------------------------------------

    async def _find_run(
        self, lost: FlowError, *, is_sent: bool = True
    ) -> StartedRun | None:
        """Look for the run of a start without an answer, twice and seconds apart.

        Args:
            lost: How the start failed.
            is_sent: Whether this process has sent it.

        Raises:
            OutcomeUnknownError: There are several new runs, or they cannot be listed.
        """
        try:
            found = await self._list_twice()
        except FlowError as error:
            if not is_sent:
                raise
            reason = f"{lost}; then its runs could not be listed: {error}"
            raise OutcomeUnknownError(self.log.what, reason) from error
        self.log.reload()
        start = self.log.memory.of_key(self.log.key)
        if start is not None and start.job_id is not None:
            known = await self._attach(start)
            if known is not None:
                return known
        new = [run_id for run_id in found if not self.log.is_known(run_id)]
        if len(new) > 1:
            reason = f"{lost}; the list shows {len(new)} new runs"
            raise OutcomeUnknownError(self.log.what, reason) from lost
        if not new:
            if (doubtful := self.log.find_doubtful(found)) is not None:
                reason = (
                    f"{lost}; run {doubtful}, which may be the one, was taken for that "
                    "of another start, and nothing has proven it yet"
                )
                raise OutcomeUnknownError(self.log.what, reason) from lost
            return None
        self.log.write_run(new[0], is_found=True, is_presumed=True)
        return self._run(new[0], is_presumed=True, is_attached=not is_sent)

    async def _list_twice(self) -> Sequence[str]:
        """Return the runs of two lists, taken seconds apart."""
        found: dict[str, None] = {}
        for wait in LOOKS:
            await self.session.sleep(wait)
            found |= dict.fromkeys(await self._list_ids())
        return [*found]

    async def _runs_of(self, start: RecordedStart) -> Sequence[str]:
        """Return the runs that an earlier start may have made after all."""
        found = await self._list_twice()
        return [run_id for run_id in found if not self.log.is_known(run_id, start)]

    async def _list_ids(self) -> Sequence[str]:
        listed = await list_runs(self.session, self.ready.id)
        return [canonical_id(entry.job_id) for entry in listed]

    def _run(
        self, job_id: str, *, is_presumed: bool = False, is_attached: bool = False
    ) -> StartedRun:
        return StartedRun(job_id, self.ready.id, is_presumed, is_attached)

    @property
    def _is_local(self) -> bool:
        return is_loopback(host_of(self.log.endpoint))
