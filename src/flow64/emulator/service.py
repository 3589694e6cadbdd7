"""The parts of one emulator, as its handlers and its runs use them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen

from .document import Location, make_violation
from .faults import Faults
from .records import (
    Clock,
    JsonObject,
    NotebookRecord,
    RunRecord,
    ScheduleRecord,
    WorkflowRecord,
)
from .store import Store
from .switches import Switches

if TYPE_CHECKING:
    from .engine import Engine
    from .fixtures import Fixtures

R = TypeVar("R", WorkflowRecord, RunRecord, ScheduleRecord, NotebookRecord)


class RefusedError(Exception):
    """A request is refused.

    Attributes:
        status: The status of the response.
        body: Its body, with the reason as `detail`.
    """

    def __init__(
        self, status: int, detail: object, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body: JsonObject = {"detail": detail}
        self.headers: Mapping[str, str] = headers or {}


def not_found_error(what: str) -> RefusedError:
    """Make the error of something that does not exist."""
    return RefusedError(404, f"{what} not found")


def violation_error(place: Location, type: str, message: str) -> RefusedError:
    """Make the error of a request with one violation."""
    return RefusedError(422, [make_violation(place, type, message)])


@frozen(kw_only=True)
class Call:
    """A request that passed validation.

    Attributes:
        org_id: Organisation of the credential; empty on operations that need none.
        path: Path parameters.
        query: Query parameters, with their defaults.
        url: Path without the query.
        base_url: Scheme, host and port of the request.
    """

    org_id: str
    path: JsonObject
    query: JsonObject
    body: Any
    url: str
    base_url: str
    idempotency_key: str | None


@define(eq=False, slots=False, kw_only=True)
class Service:
    """The parts of one emulator.

    Attributes:
        store: Holds everything that survives a restart.
        switches: Behaviours that can be changed.
        fixtures: Replacements for synthetic values, by block id or kind.
        failures: Messages that blocks fail with, by block id or kind.
        blocks: What `GET /workflows/blocks` answers; None for the catalogue.
        allow_hosts: Hosts other than loopback that may be posted to.
        url: The address of the emulator while it is served.
        secret: Signs download links.
    """

    store: Store
    switches: Switches
    faults: Faults
    fixtures: Fixtures
    blocks: Sequence[Any] | None
    allow_hosts: Collection[str]
    clock: Clock = field(factory=Clock)
    failures: dict[str, str] = field(factory=dict)
    url: str = ""
    secret: bytes = field(factory=lambda: secrets.token_bytes(32), repr=False)
    engine: Engine = field(init=False)

    def check_owner(self, record: R | None, call: Call, what: str) -> R:
        """Return the record.

        Raises:
            RefusedError: It does not exist, or belongs to another organisation.
        """
        if record is None or record.org_id != call.org_id:
            raise not_found_error(what)
        return record

    def find_workflow(self, call: Call, workflow_id: str) -> WorkflowRecord:
        """Return a workflow of the caller's organisation, or refuse the request."""
        record = self.store.workflows.get(workflow_id.lower())
        return self.check_owner(record, call, "Workflow")

    def find_run(self, call: Call, run_id: str) -> RunRecord:
        """Return a run of the caller's organisation, or refuse the request."""
        return self.check_owner(self.store.runs.get(run_id.lower()), call, "Run")

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


Handler: TypeAlias = Callable[[Service, Call], Any]
"""Returns the JSON data of a response, or a response of another form."""
