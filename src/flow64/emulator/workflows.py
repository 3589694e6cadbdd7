"""The operations of workflows and of the catalogue of blocks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any, Final
from uuid import uuid4

from attrs import evolve

from ..blocks import CATALOGUE, Search, specs_schema
from ..definition import is_uuid
from .document import as_response, keep_documented, make_violation
from .graph import (
    apply_save_switches,
    find_problems,
    normalise_graph,
)
from .records import (
    JsonObject,
    SpendingRecord,
    WorkflowRecord,
)
from .service import (
    Call,
    Handler,
    RefusedError,
    Service,
    not_found_error,
    violation_error,
)
from .steps import count_search_rows

_FIELDS: Final[Mapping[str, str]] = {
    "workflow_name": "name",
    "workflow_description": "description",
    "workflow_definition": "definition",
}
"""Keys of a body, and the fields of a record that they set."""


def create_workflow(service: Service, call: Call) -> JsonObject:
    """Create a workflow, with the id in the body or a new one."""
    workflow_id = call.body.get("id")
    if workflow_id is not None and not is_uuid(workflow_id):
        raise _uuid_error("body", "id")
    return _create(service, call, workflow_id or str(uuid4()))


def update_workflow(service: Service, call: Call) -> JsonObject:
    """Change the fields that the body names, or create a missing workflow."""
    workflow_id = call.query["workflow_id"]
    if service.store.workflows.get(workflow_id.lower()) is None:
        if not is_uuid(workflow_id):
            raise _uuid_error("query", "workflow_id")
        missing = [key for key in _FIELDS if call.body.get(key) is None]
        if missing:
            raise RefusedError(
                422,
                [
                    make_violation(("body", key), "missing", "Field required")
                    for key in missing
                ],
            )
        return _create(service, call, workflow_id)
    existing = service.find_workflow(call, workflow_id)
    changes: JsonObject = {
        field: call.body[key]
        for key, field in _FIELDS.items()
        if call.body.get(key) is not None
    }
    if "definition" in changes:
        changes["definition"] = _check_graph(service, changes["definition"])
    changes["updated_at"] = service.clock.now()
    changes["extra"] = _unknown_keys(service, call)
    try:
        workflow = service.store.workflows.change(
            existing.id, lambda old: evolve(old, **changes)
        )
    except KeyError:  # deleted meanwhile
        raise not_found_error("Workflow") from None
    return workflow_response(workflow)


def delete_workflow(service: Service, call: Call) -> JsonObject:
    """Remove a workflow for good; its runs stay."""
    workflow = service.find_workflow(call, call.query["workflow_id"])
    # Only one of two simultaneous requests deletes it.
    if not service.store.workflows.remove(workflow.id):
        raise not_found_error("Workflow")
    return workflow_response(workflow)


def list_workflows(service: Service, call: Call) -> list[JsonObject]:
    """List the workflows of the organisation, without their definitions."""
    workflows = service.store.workflows.of(call.org_id)
    return [
        {**workflow_response(workflow), "workflow_definition": None}
        for workflow in workflows
    ]


def get_workflow(service: Service, call: Call) -> JsonObject:
    """Return one workflow with its definition."""
    return workflow_response(service.find_workflow(call, call.path["workflow_id"]))


def list_blocks(service: Service, _call: Call) -> list[Any]:
    """List the kinds of blocks, with the schemas of their specs."""
    if service.blocks is not None:
        return [*service.blocks]
    # It parses sources, which Python 3.11 cannot do in two threads at once.
    with _CATALOGUE_LOCK:
        return _block_infos()


_CATALOGUE_LOCK: Final = Lock()


@cache
def _block_infos() -> list[JsonObject]:
    return [
        {"block_name": kind, "specs_schema": specs_schema(cls)}
        for kind, cls in CATALOGUE.items()
    ]


def workflow_response(workflow: WorkflowRecord) -> JsonObject:
    """Return a `WorkflowResponse`."""
    values = {"status": "ready", "step": "completed"}
    definition = workflow.definition
    return workflow.extra | as_response(
        "WorkflowResponse", workflow, **values, workflow_definition=definition
    )


def _create(service: Service, call: Call, workflow_id: str) -> JsonObject:
    now = service.clock.now()
    workflow = WorkflowRecord(
        id=workflow_id.lower(),
        org_id=call.org_id,
        name=call.body["workflow_name"],
        description=call.body["workflow_description"],
        definition=_check_graph(service, call.body["workflow_definition"]),
        created_at=now,
        updated_at=now,
        extra=_unknown_keys(service, call),
    )
    with service.store.transaction():
        if not service.store.workflows.add(workflow):
            raise RefusedError(
                409,
                f"Workflow with ID {workflow.id} already exists. Use update endpoint "
                "to modify existing workflows.",
            )
        _record_searches(service, workflow)
    return workflow_response(workflow)


def _record_searches(service: Service, workflow: WorkflowRecord) -> None:
    """Record the searches with `auto_execute`, which are bought at creation."""
    for block in workflow.definition["blocks"]:
        specs = block["specs"]
        if block["block_name"] == Search.kind and specs.get("auto_execute") is True:
            spending = SpendingRecord(
                id=str(uuid4()),
                org_id=workflow.org_id,
                workflow_id=workflow.id,
                run_id=None,
                kind=Search.kind,
                rows=count_search_rows(specs),
                credits=None,
                created_at=workflow.created_at,
            )
            service.store.spendings.add(spending)


def _check_graph(service: Service, graph: JsonObject) -> JsonObject:
    """Return the graph as it is stored, or refuse it."""
    graph = normalise_graph(graph)
    if problems := list(find_problems(graph)):
        raise RefusedError(400, "; ".join(problems))
    return apply_save_switches(graph, service.switches)


def _unknown_keys(service: Service, call: Call) -> JsonObject:
    if service.switches.drop_unknown:
        return {}
    documented = keep_documented("CreateWorkflowRequest", call.body)
    return {key: call.body[key] for key in call.body if key not in documented}


def _uuid_error(*place: str) -> RefusedError:
    return violation_error(place, "uuid_parsing", "Input should be a valid UUID")


HANDLERS: Final[Mapping[str, Handler]] = {
    "create_workflow_workflows_create_workflow_post": create_workflow,
    "update_workflow_workflows_update_workflow_post": update_workflow,
    "delete_workflow_workflows_delete_workflow_post": delete_workflow,
    "list_workflows_workflows_get": list_workflows,
    "get_workflow_workflows__workflow_id__get": get_workflow,
    "get_available_blocks_workflows_blocks_get": list_blocks,
}
