"""The known state of a run, which is also written to the journal."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field

from ..api import COMPLETED, ENDED, LiveStatus, later, normal
from ..definition import Definition, canonical_id
from ..errors import JournalError
from ._join_rows import list_key_losses
from ._journal import Journal, RecordedStart
from ._proof import Proof, SentBody, as_proof
from ._stages import Stages

_log = logging.getLogger("flow64")


@define(eq=False)
class Tracked:
    """A run, and what is known of it.

    Attributes:
        id: Its id (`job_id`).
        workflow_id: Id of its workflow. Empty if the run was fetched by its id and not
            polled yet.
        is_presumed: True if the answer to its start was lost. It was the only new run,
            so it is taken for ours. You get its rows once they prove that.
        status: The last known status; empty if none is known yet.
        is_attached: True if the run was there before, and nothing was started now.
        reason: Why it did not complete, if the service says so.
        empty: That it completed without a row, in words. None if rows came out, or if
            that is not known.
    """

    id: str
    workflow_id: str
    is_presumed: bool = field(default=False, kw_only=True)
    status: str = field(default="queued", kw_only=True)
    stages: Stages = field(factory=Stages, kw_only=True, repr=False)
    definition: Definition | None = field(default=None, kw_only=True, repr=False)
    proof: Proof | None = field(
        default=None, kw_only=True, repr=False, converter=as_proof
    )
    journal: Journal | None = field(default=None, kw_only=True, repr=False)
    is_attached: bool = field(default=False, kw_only=True, repr=False)
    is_new: bool = field(default=True, kw_only=True, repr=False)
    endpoint: str = field(default="", kw_only=True, repr=False)
    reason: str | None = field(default=None, init=False, repr=False)
    empty: str | None = field(default=None, init=False, repr=False)
    look: LiveStatus | None = field(default=None, init=False, repr=False)

    def list_losses(self, key: str, block: str | int | None) -> Sequence[str]:
        """Return the blocks that may drop or change a column on its way to a block."""
        if self.definition is None:
            return ()
        number = self.stages.number(self.id, block)
        blocks = enumerate(self.definition.blocks)
        end = next((at for at, found in blocks if found.number == number), None)
        return list_key_losses(self.definition, key, end=end)

    @property
    def is_ended(self) -> bool:
        """True if the run is known to have ended."""
        return self.status in ENDED

    def record_status(self, word: str) -> None:
        """Set the status, unless it is older than the known one."""
        was_ended = self.is_ended
        self.status = later(self.status, normal(word))
        if self.is_ended and not was_ended:
            self._remember(self._write_end)

    def record_look(self, seen: LiveStatus) -> None:
        """Record the answer to a poll."""
        self.is_new, self.look = False, seen
        self.workflow_id = self.workflow_id or seen.workflow_id
        self.record_status(seen.overall_status)
        if self.status == COMPLETED:
            self.empty = self.stages.describe_empty_end(seen)

    def confirm(self) -> None:
        """Record that the run is proven to be ours."""
        self.is_presumed, self.proof = False, None
        self._remember(self._write_proven)

    def _write_proven(self, journal: Journal, start: RecordedStart) -> None:
        # Said again without being presumed, which takes back how it ended.
        key = start.intended.key
        journal.write_run(*self._where, key, self.id, is_found=True)
        if self.is_ended:
            journal.write_end(*self._where, self.id, self.status, key)

    def _write_end(self, journal: Journal, start: RecordedStart) -> None:
        if start.outcome != self.status:
            journal.write_end(*self._where, self.id, self.status, start.intended.key)

    @property
    def _where(self) -> tuple[str, str]:
        return self.endpoint, self.workflow_id

    def _remember(self, write: Callable[[Journal, RecordedStart], None]) -> None:
        """Write to the journal if it has the run. If that fails, only warn.

        The state of a run that was paid for counts more than the journal.
        """
        if self.journal is None or not self.workflow_id:
            return
        try:
            start = self.journal.memory(*self._where).of_job(self.id)
            if start is not None:
                write(self.journal, start)
        except JournalError as error:
            _log.warning("run %s, %s: %s", self.id, self.status, error)


def recall_run(
    run_id: str, workflow_id: str, journal: Journal | None, endpoint: str
) -> Tracked:
    """Return what is known of a run that is fetched by its id.

    Args:
        run_id: Its id.
        workflow_id: Id of its workflow; empty if only the journal may know it.
        journal: The journal, which may know that the run was presumed to be ours.
        endpoint: Base URL.

    Raises:
        JournalError: The journal cannot be read, so the run may not be ours.
    """
    known = Tracked(run_id, workflow_id, journal=journal, endpoint=endpoint)
    known.status, known.is_new = "", False
    entry = None if journal is None else _find_last_entry(run_id, journal, endpoint)
    if journal is not None and entry is not None:
        known.workflow_id = workflow_id or str(entry.get("workflow"))
        if entry.get("presumed") is True:
            start = journal.memory(endpoint, known.workflow_id).of_job(run_id)
            known.is_presumed = True
            known.proof = SentBody(start.intended.digest if start is not None else "")
    return known


def _find_last_entry(
    run_id: str, journal: Journal, endpoint: str
) -> Mapping[str, Any] | None:
    """Return the last line of a journal with the start of a run, if there is one."""
    job_id = canonical_id(run_id)
    found = None
    for entry in journal.entries(job_id):
        is_here = (entry.get("endpoint"), entry.get("job")) == (endpoint, job_id)
        if is_here and entry.get("event") in {"started", "found"}:
            found = entry
    return found
