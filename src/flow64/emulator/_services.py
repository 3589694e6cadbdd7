"""The parts of one emulator, as the handlers of its routes use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attrs import frozen
from starlette.responses import Response

from ._clock import Clock
from ._engine import Engine
from ._http import Call, error_response, not_found
from ._records import RunRecord, ScheduleRecord, WorkflowRecord
from ._results import Links
from ._store import Store
from ._switches import Switches

R = TypeVar("R", WorkflowRecord, RunRecord, ScheduleRecord)


@frozen
class Services:
    """The parts of one emulator.

    Attributes:
        store: Holds everything that survives a restart.
        engine: Executes runs.
        links: Signs download links.
        switches: Returns the switches as they are now.
    """

    store: Store
    clock: Clock
    engine: Engine
    links: Links
    switches: Callable[[], Switches]

    def check_owner(self, record: R | None, call: Call, what: str) -> R | Response:
        """Return the record, or the error if the caller's organisation has none."""
        if record is None:
            return not_found(what)
        if record.org_id == call.org_id:
            return record
        status = self.switches().foreign_status
        return (
            not_found(what) if status == 404 else error_response(403, "Access denied")
        )

    def find_workflow(self, call: Call, workflow_id: str) -> WorkflowRecord | Response:
        """Return a workflow of the caller's organisation, or the error."""
        found = self.store.workflows.get(workflow_id.lower())
        return self.check_owner(found, call, "Workflow")

    def find_run(self, call: Call, run_id: str) -> RunRecord | Response:
        """Return a run of the caller's organisation, or the error."""
        return self.check_owner(self.store.runs.get(run_id.lower()), call, "Run")
