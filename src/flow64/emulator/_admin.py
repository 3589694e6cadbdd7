"""Routes about the emulator itself: health, faults, switches, the clock, edits, more.

They need no credential. A web page of another origin cannot use them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from itertools import islice
from threading import Lock
from typing import Any, Final, get_type_hints

from attrs import asdict, evolve, field, fields, frozen
from starlette.responses import JSONResponse, Response

from ..errors import EmulatorStoreError
from ._clock import format_time
from ._faults import FAULT, Fault, Faults, find_problems
from ._guesses import GUESSES
from ._http import (
    ApiCall,
    Handler,
    RefusedError,
    Route,
    not_found_error,
    violation_error,
)
from ._middleware import ADMIN_PREFIX
from ._records import JsonObject, OutboxRecord
from ._responses import workflow_response
from ._schema import OPTIONAL_TEXT, UUID, Schema, graph_schema, make_violation
from ._services import Services
from ._store_file import MEMORY
from ._switches import MARKS, Switches, describe_switch_type, is_switch_value
from ._web_editor import copy_workflow, edit_workflow

EDIT: Final = Schema(
    type="object",
    fields={
        "name": OPTIONAL_TEXT,
        "description": OPTIONAL_TEXT,
        "specs": Schema(type="object", nullable=True),
        "definition": graph_schema(nullable=True),
    },
)

CLOCK: Final = Schema(
    type="object",
    fields={"advance": Schema(type="number", minimum=0, maximum=10 * 366 * 86_400)},
    required=("advance",),
)


def make_routes(
    services: Services, faults: Faults, set_switches: Callable[[Switches], None]
) -> tuple[Route, ...]:
    """Make the routes about the emulator itself."""
    admin = _AdminHandlers(services, faults, set_switches)
    one = {"workflow_id": UUID}
    count = Schema(type="integer", minimum=0, maximum=1000, default=100)
    return (
        _route("GET", "health", admin.health, answers={200: None, 503: None}),
        _route("GET", "faults", admin.faults_now),
        _route("POST", "faults", admin.add_fault, body=FAULT, answers={201: None}),
        _route("DELETE", "faults", admin.clear_faults),
        _route("GET", "switches", admin.switches_now),
        _route("PATCH", "switches", admin.turn_switches, body=Schema(type="object")),
        _route("GET", "clock", admin.time_now),
        _route("POST", "clock", admin.advance_clock, body=CLOCK),
        _route("GET", "guesses", admin.guesses),
        _route(
            "GET",
            "outbox",
            admin.outbox,
            query={"run_id": OPTIONAL_TEXT, "limit": count, "rows": count},
        ),
        _route(
            "POST", "workflows/{workflow_id}/edit", admin.edit, parts=one, body=EDIT
        ),
        _route(
            "POST",
            "workflows/{workflow_id}/copy",
            admin.copy,
            parts=one,
            answers={201: None},
        ),
    )


def _route(method: str, path: str, handler: Handler, **more: Any) -> Route:
    return Route(
        method=method,
        path=ADMIN_PREFIX + path,
        handler=handler,
        is_open=True,
        is_hidden=True,
        **more,
    )


@frozen
class _AdminHandlers:
    services: Services
    faults: Faults
    set_switches: Callable[[Switches], None]
    lock: Lock = field(factory=Lock)

    # -- Health -----------------------------------------------------------------------

    def health(self, _call: ApiCall) -> Response:
        """Say whether the emulator can serve requests; 503 if its store is unusable."""
        store, problem = self.services.store, None
        try:
            store.check()
        except EmulatorStoreError as error:
            problem = str(error)
        data = {
            "status": "failing" if problem else "ok",
            "version": version("flow64"),
            "store": "memory" if store.path == MEMORY else "file",
            "problem": problem,
        }
        headers = {"cache-control": "no-store"}
        return JSONResponse(data, 503 if problem else 200, headers)

    # -- Faults -----------------------------------------------------------------------

    def faults_now(self, _call: ApiCall) -> JsonObject:
        """List the faults that are still active, and those that happened."""
        log = [asdict(happened) for happened in self.faults.log]
        return {"active": self.faults.data(), "log": log}

    def add_fault(self, call: ApiCall) -> JsonObject:
        """Add a fault."""
        if found := find_problems(call.body):
            raise RefusedError(
                422, [{**one, "loc": ["body", *one["loc"]]} for one in found]
            )
        self.faults.add(Fault(**call.body))
        return {"active": self.faults.data()}

    def clear_faults(self, _call: ApiCall) -> JsonObject:
        """Remove all faults."""
        self.faults.clear()
        return {"active": []}

    # -- Switches and the clock -------------------------------------------------------

    def switches_now(self, _call: ApiCall) -> JsonObject:
        """Return the switches as they are."""
        return asdict(self.services.switches())

    def turn_switches(self, call: ApiCall) -> JsonObject:
        """Set the switches that the body names."""
        if found := list(_find_switch_violations(call.body)):
            raise RefusedError(422, found)
        with self.lock:
            self.set_switches(evolve(self.services.switches(), **call.body))
        return self.switches_now(call)

    def time_now(self, _call: ApiCall) -> JsonObject:
        """Return the time of the emulator's clock."""
        return {"now": format_time(self.services.clock.now())}

    def advance_clock(self, call: ApiCall) -> JsonObject:
        """Move the clock forward by some seconds."""
        self.services.clock.advance(call.body["advance"])
        return self.time_now(call)

    # -- Guesses and the outbox --------------------------------------------------------

    def guesses(self, _call: ApiCall) -> JsonObject:
        """List the guesses, grouped by how much is known."""
        return {
            words: [_without_mark(asdict(g)) for g in GUESSES if g.mark == mark]
            for mark, words in MARKS.items()
        }

    def outbox(self, call: ApiCall) -> list[JsonObject]:
        """List what runs wrote outside, or would have, newest first, with some rows."""
        records = reversed(self.services.store.sent.all())
        run_id = call.query["run_id"]
        chosen = (
            one for one in records if run_id is None or one.run_id == run_id.lower()
        )
        limit, rows = call.query["limit"], call.query["rows"]
        return [self._outbox_item(one, rows) for one in islice(chosen, limit)]

    def _outbox_item(self, record: OutboxRecord, rows: int) -> JsonObject:
        return {
            "org_id": record.org_id,
            "run_id": record.run_id,
            "block_id": record.block_id,
            "kind": record.kind,
            "target": record.target,
            "outcome": record.outcome,
            "created_at": format_time(record.created_at),
            "rows": list(islice(self.services.store.rows(record.rows), rows)),
        }

    # -- The web editor ---------------------------------------------------------------

    def edit(self, call: ApiCall) -> JsonObject:
        """Change a workflow as if in the web editor."""
        store, clock = self.services.store, self.services.clock
        workflow_id, known = call.path["workflow_id"], ", ".join(EDIT.fields)
        if store.workflows.get(workflow_id.lower()) is None:
            raise not_found_error("Workflow")
        if unknown := call.body.keys() - EDIT.fields.keys():
            words = f"An edit has no such field; its fields are {known}"
            raise RefusedError(
                422, [_extra_field(name, words) for name in sorted(unknown)]
            )
        specs: JsonObject = call.body.get("specs") or {}
        if not all(isinstance(specs[name], dict) for name in specs):
            words = "Input should be fields by block id or kind"
            raise violation_error(("body", "specs"), "dict_type", words)
        try:
            changed = edit_workflow(store, clock, workflow_id, **call.body)
        except KeyError as error:
            words = str(error.args[0])
            raise violation_error(("body", "specs"), "value_error", words) from None
        return workflow_response(changed)

    def copy(self, call: ApiCall) -> JsonObject:
        """Duplicate a workflow as if in the web editor."""
        store, clock = self.services.store, self.services.clock
        try:
            duplicate = copy_workflow(store, clock, call.path["workflow_id"])
        except KeyError:
            raise not_found_error("Workflow") from None
        return workflow_response(duplicate)


def _without_mark(guess: JsonObject) -> JsonObject:
    return {name: value for name, value in guess.items() if name != "mark"}


# -- Switches as data -----------------------------------------------------------------


def _find_switch_violations(data: JsonObject) -> Iterator[JsonObject]:
    """Yield an error for each switch that is unknown or has a wrong value."""
    hints = get_type_hints(Switches)
    known = ", ".join(attribute.name for attribute in fields(Switches))
    for name, value in data.items():
        if name not in hints:
            yield _extra_field(
                name, f"There is no such switch; the switches are {known}"
            )
        elif not is_switch_value(hints[name], value):
            words = f"Input should be {describe_switch_type(hints[name])}"
            yield make_violation(("body", name), "literal_error", words)


def _extra_field(name: str, words: str) -> JsonObject:
    return make_violation(("body", name), "extra_forbidden", words)
