"""The parts of one emulator, as the handlers of its routes use them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from attrs import frozen

from ._clock import Clock
from ._engine import Engine
from ._http import ApiCall, RefusedError, not_found_error
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
        blocks: Returns the list of blocks to answer; None for the catalogue.
    """

    store: Store
    clock: Clock
    engine: Engine
    links: Links
    switches: Callable[[], Switches]
    blocks: Callable[[], Sequence[Any] | None]

    def check_owner(self, record: R | None, call: ApiCall, what: str) -> R:
        """Return the record.

        Raises:
            RefusedError: It does not exist, or belongs to another organisation.
        """
        if record is not None and record.org_id == call.org_id:
            return record
        if record is None or self.switches().foreign_status == 404:
            raise not_found_error(what)
        raise RefusedError(403, "Access denied")

    def key_of(self, call: ApiCall, workflow_id: str) -> str:
        """Return the id that a workflow of the caller is stored under.

        It is another one if two organisations have workflows with one id.
        """
        shared, own = workflow_id.lower(), f"{workflow_id.lower()} {call.org_id}"
        if not self.switches().ids_per_organisation:
            return shared
        found = self.store.workflows.get(shared)
        is_foreign = found is not None and found.org_id != call.org_id
        return own if is_foreign or self.store.workflows.get(own) else shared

    def find_workflow(self, call: ApiCall, workflow_id: str) -> WorkflowRecord:
        """Return a workflow of the caller's organisation, or refuse the request."""
        found = self.store.workflows.get(self.key_of(call, workflow_id))
        return self.check_owner(found, call, "Workflow")

    def find_run(self, call: ApiCall, run_id: str) -> RunRecord:
        """Return a run of the caller's organisation, or refuse the request."""
        return self.check_owner(self.store.runs.get(run_id.lower()), call, "Run")
