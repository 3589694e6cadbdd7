"""The routes of workflows: create, update, delete, list, read; and the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any, Final
from uuid import uuid4

from attrs import evolve, frozen

from ..blocks import CATALOGUE, specs_schema
from ..definition import is_uuid
from ._credits import charge_searches
from ._graph import apply_save_switches, find_problems, normalise_graph
from ._http import (
    ApiCall,
    RefusedError,
    Route,
    not_found_error,
    violation_error,
)
from ._records import JsonObject, WorkflowRecord
from ._responses import BLOCK_INFOS, WORKFLOW, WORKFLOWS, workflow_response
from ._schema import OPTIONAL_TEXT, TEXT, UUID, Schema, graph_schema, make_violation
from ._services import Services

CREATE: Final = Schema(
    type="object",
    name="CreateWorkflowRequest",
    fields={
        "workflow_name": TEXT,
        "workflow_description": TEXT,
        "workflow_definition": graph_schema(nullable=False),
        "id": Schema(type="string", nullable=True, is_uuid=True),
    },
    required=("workflow_name", "workflow_description", "workflow_definition"),
)

UPDATE: Final = Schema(
    type="object",
    name="UpdateWorkflowRequest",
    fields={
        "workflow_name": OPTIONAL_TEXT,
        "workflow_description": OPTIONAL_TEXT,
        "workflow_definition": graph_schema(nullable=True),
    },
)


def make_routes(services: Services) -> tuple[Route, ...]:
    """Make the routes of workflows."""
    api = _WorkflowHandlers(services)
    named = {"workflow_id": TEXT}
    return (
        Route(
            "POST",
            "/workflows/create_workflow",
            api.create_workflow,
            body=CREATE,
            answers={200: WORKFLOW},
        ),
        Route(
            "POST",
            "/workflows/update_workflow",
            api.update_workflow,
            body=UPDATE,
            query=named,
            required=tuple(named),
            answers={200: WORKFLOW},
        ),
        Route(
            "POST",
            "/workflows/delete_workflow",
            api.delete_workflow,
            query=named,
            required=tuple(named),
            answers={200: WORKFLOW},
        ),
        Route("GET", "/workflows", api.workflows, answers={200: WORKFLOWS}),
        Route("GET", "/workflows/blocks", api.blocks, answers={200: BLOCK_INFOS}),
        Route(
            "GET",
            "/workflows/{workflow_id}",
            api.workflow,
            parts={"workflow_id": UUID},
            answers={200: WORKFLOW},
        ),
    )


@frozen
class _WorkflowHandlers:
    services: Services

    def create_workflow(self, call: ApiCall) -> JsonObject:
        """Create a workflow, with the id in the body or a new one."""
        return self._create(call, call.body.get("id") or str(uuid4()))

    def update_workflow(self, call: ApiCall) -> JsonObject:
        """Change the fields that the body names, or create a missing workflow."""
        workflow_id = call.query["workflow_id"]
        store = self.services.store
        existing = store.workflows.get(self.services.key_of(call, workflow_id))
        if existing is None:
            return self._create_by_update(call, workflow_id)
        found = self.services.check_owner(existing, call, "Workflow")
        changes: JsonObject = {
            field: call.body[key]
            for key, field in _UPDATED.items()
            if call.body.get(key) is not None
        }
        if "definition" in changes:
            changes["definition"] = self._check_graph(changes["definition"])
        if "description" in changes:
            changes["description"] = self._check_description(changes["description"])
        changes |= {
            "updated_at": self.services.clock.now(),
            "extra": self._unknown_keys(call),
        }
        try:
            with store.transaction():
                changed = store.workflows.change(
                    found.id, lambda old: evolve(old, **changes)
                )
                is_executed = self.services.switches().auto_execute_on_update
                if is_executed and "definition" in changes:
                    charge_searches(store, changed, changed.updated_at)
        except KeyError:  # deleted meanwhile
            return self._create_by_update(call, workflow_id)
        return workflow_response(changed)

    def delete_workflow(self, call: ApiCall) -> JsonObject:
        """Remove a workflow for good; its runs stay."""
        found = self.services.find_workflow(call, call.query["workflow_id"])
        # Only one of two simultaneous requests deletes it.
        if not self.services.store.workflows.remove(found.id):
            raise not_found_error("Workflow")
        return workflow_response(found)

    def workflows(self, call: ApiCall) -> list[JsonObject]:
        """List the workflows of the organisation, without their definitions."""
        found = self.services.store.workflows.of(call.org_id)
        return [workflow_response(one, with_definition=False) for one in found]

    def workflow(self, call: ApiCall) -> JsonObject:
        """Return one workflow with its definition."""
        found = self.services.find_workflow(call, call.path["workflow_id"])
        return workflow_response(found)

    def blocks(self, _call: ApiCall) -> list[Any]:
        """List the kinds of blocks, with the schemas of their specs."""
        listed = self.services.blocks()
        if listed is not None:
            return [*listed]
        # It parses sources, which Python 3.11 cannot do in two threads at once.
        with _CATALOGUE_LOCK:
            return _block_infos()

    # -- Helpers ----------------------------------------------------------------------

    def _create_by_update(self, call: ApiCall, workflow_id: str) -> JsonObject:
        if not is_uuid(workflow_id):
            words = "Input should be a valid UUID"
            raise violation_error(("query", "workflow_id"), "uuid_parsing", words)
        missing = [key for key in _UPDATED if call.body.get(key) is None]
        is_partial = self.services.switches().partial_upsert
        if missing and not (is_partial and "workflow_definition" not in missing):
            raise RefusedError(
                422,
                [
                    make_violation(("body", key), "missing", "Field required")
                    for key in missing
                ],
            )
        return self._create(call, workflow_id)

    def _create(self, call: ApiCall, workflow_id: str) -> JsonObject:
        saved = self._check_graph(call.body["workflow_definition"])
        now = self.services.clock.now()
        workflow = WorkflowRecord(
            id=self.services.key_of(call, workflow_id),
            org_id=call.org_id,
            name=call.body.get("workflow_name") or "",
            description=self._check_description(
                call.body.get("workflow_description") or ""
            ),
            definition=saved,
            created_at=now,
            updated_at=now,
            extra=self._unknown_keys(call),
        )
        store = self.services.store
        with store.transaction():
            if not store.workflows.add(workflow):
                raise RefusedError(
                    409, "A workflow with this ID already exists; use update_workflow"
                )
            charge_searches(store, workflow, now)
        return workflow_response(workflow)

    def _check_graph(self, graph: JsonObject) -> JsonObject:
        """Return the graph as it is stored, or refuse it."""
        switches = self.services.switches()
        graph = normalise_graph(graph, switches)
        problems = list(find_problems(graph, switches))
        if not problems:
            return apply_save_switches(graph, switches)
        if switches.bad_graph_status == 400:
            raise RefusedError(400, "; ".join(problems))
        place = ("body", "workflow_definition")
        raise RefusedError(
            422, [make_violation(place, "value_error", text) for text in problems]
        )

    def _check_description(self, text: str) -> str:
        """Return the description as it is stored, or refuse it."""
        switches = self.services.switches()
        text = text.strip() if switches.strip_description else text
        most = switches.max_description
        if most is not None and len(text) > most:
            words = f"String should have at most {most} characters"
            place = ("body", "workflow_description")
            raise violation_error(place, "string_too_long", words)
        return text

    def _unknown_keys(self, call: ApiCall) -> JsonObject:
        if self.services.switches().drop_unknown:
            return {}
        return {key: call.body[key] for key in call.body if key not in CREATE.fields}


_CATALOGUE_LOCK: Final = Lock()


@cache
def _block_infos() -> list[JsonObject]:
    """Return each kind as a `BlockInfoResponse`."""
    return [
        {"block_name": kind, "specs_schema": specs_schema(cls)}
        for kind, cls in CATALOGUE.items()
    ]


_UPDATED: Final[Mapping[str, str]] = {
    "workflow_name": "name",
    "workflow_description": "description",
    "workflow_definition": "definition",
}
"""Keys of an update body, and the fields that they change."""
