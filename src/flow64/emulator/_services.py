"""The parts of one emulator, as its routes and its runs use them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve, frozen

from ..blocks import CATALOGUE
from ._clock import Clock
from ._fixtures import Fixture
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
        links: Signs download links.
        base_url: Returns the URL of the emulator.
        switches: Returns the switches as they are now.
        blocks: Returns the list of blocks to go by; None for the catalogue.
        fixtures: Replacements for synthetic values, by block id or kind.
        failures: Messages that blocks fail with, by block id or kind.
        allow_hosts: Hosts other than loopback that may be posted to.
    """

    store: Store
    clock: Clock
    links: Links
    base_url: Callable[[], str]
    switches: Callable[[], Switches]
    blocks: Callable[[], Sequence[Any] | None]
    fixtures: Mapping[str, Fixture]
    failures: Mapping[str, str]
    allow_hosts: Collection[str]

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

    def is_known(self, kind: str) -> bool:
        """Return True if the service has blocks of a kind."""
        listed = self.blocks()
        if listed is None:
            return kind in CATALOGUE
        entries = (one for one in listed if isinstance(one, Mapping))
        return any(one.get("block_name") == kind for one in entries)

    def update_run(self, run_id: str, **changes: Any) -> RunRecord:
        """Change a run, unless it has ended."""
        changes["updated_at"] = self.clock.now()
        return self.store.runs.change(
            run_id, lambda run: run if run.is_done else evolve(run, **changes)
        )

    def end_run(self, run_id: str, status: str, error: str | None = None) -> RunRecord:
        """End a run, unless it has ended already."""
        reasons = {"failed": "block_failed", "cancelled": "cancelled_by_user"}
        return self.update_run(
            run_id,
            status=status,
            completed_at=self.clock.now(),
            reason=reasons.get(status),
            error=error,
        )
