"""The operations of workflows and of the catalogue of blocks; graphs as saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from attrs import evolve

from ..blocks import CATALOGUE, OutgoingWebhook, Webhook, facts_of, specs_schema
from ..definition import Definition, canonical_id, from_data, is_uuid
from ..endpoints import host_of
from ..errors import ReadError
from .operations import as_response, make_violation, pick_keys
from .records import JsonObject, WorkflowRecord
from .service import Call, Handler, RefusedError, Service, Switches

# -- Graphs ----------------------------------------------------------------------------


_ENDS: Final = ("from_block_id", "to_block_id")


def normalise_graph(graph: JsonObject) -> JsonObject:
    """Give each block a UUID and a whole number, and rewrite the edges to match."""
    new_ids: dict[str, str] = {}
    blocks = []
    for block in graph["blocks"]:
        block_id = block.get("block_id")
        if not is_uuid(block_id):
            new_id = str(uuid4())
            block_id = new_ids.setdefault(block_id, new_id) if block_id else new_id
        number = int(block["sequence_number"])  # 1.0 is an integer in JSON
        blocks.append({**block, "sequence_number": number, "block_id": block_id})
    edges = [
        {**edge, **{end: new_ids.get(edge[end], edge[end]) for end in _ENDS}}
        for edge in graph["edges"]
    ]
    return {**graph, "blocks": blocks, "edges": edges}


def apply_save_switches(graph: JsonObject, switches: Switches) -> JsonObject:
    """Change a normalised graph as the switches for saving say."""
    if switches.drop_unknown:
        graph = {
            "blocks": [pick_keys("Block", block) for block in graph["blocks"]],
            "edges": [pick_keys("WorkflowEdge", edge) for edge in graph["edges"]],
        }
    if switches.fill_defaults:
        blocks = [
            {
                **block,
                "specs": {**_list_defaults(block["block_name"]), **block["specs"]},
            }
            for block in graph["blocks"]
        ]
        graph = {**graph, "blocks": blocks}
    if switches.reorder:
        blocks = [
            {**block, "specs": dict(reversed(block["specs"].items()))}
            for block in reversed(graph["blocks"])
        ]
        graph = {**graph, "blocks": blocks, "edges": graph["edges"][::-1]}
    return graph


def to_definition(graph: JsonObject) -> Definition:
    """Convert a normalised graph, for its order and its edges by position."""
    return from_data({"name": "", "workflow_definition": graph})


def find_problems(graph: JsonObject) -> Iterator[str]:
    """Yield the reasons why a normalised graph cannot be saved."""
    blocks = graph["blocks"]
    if not blocks:
        yield "Workflow must have at least one block"
    ids = Counter(canonical_id(block["block_id"]) for block in blocks)
    repeated = [block_id for block_id, times in ids.items() if times > 1]
    yield from (f"Duplicate block_id: {block_id}" for block_id in repeated)
    existing = {block["block_id"] for block in blocks}
    ends = [edge[end] for edge in graph["edges"] for end in _ENDS]
    yield from (
        f"Edge references a block that does not exist: {end}"
        for end in ends
        if end not in existing
    )
    try:
        definition = to_definition(graph)
    except ReadError as error:
        yield f"The emulator cannot read it: {error.problem}"
        return
    if definition.topology.has_cycle:
        yield "Workflow graph contains a cycle"
    else:
        yield from _row_kind_mismatches(definition)
    for block in blocks:
        is_delivery = block["block_name"] == OutgoingWebhook.kind
        if is_delivery and not _is_web_address(block["specs"].get("url")):
            yield "outgoing_webhook: url must be an absolute http or https URL"


def infer_row_kinds(definition: Definition) -> Sequence[str | None]:
    """Return the row kind that each block gives; None if no document states it."""
    kinds: list[str | None] = [None] * len(definition.blocks)
    for position in definition.topology.order:
        block = definition.blocks[position]
        cls = CATALOGUE.get(block.kind)
        gives = cls.about.gives if cls and cls.about.rows in {"D", "D1"} else "unknown"
        if gives == "same":
            inputs = {kinds[at] for at in definition.topology.parents[position]}
            kinds[position] = inputs.pop() if len(inputs) == 1 else None
        elif gives == "dataframe_type":
            word = block.specs.get("dataframe_type")
            kinds[position] = word if word in ("LEAD", "COMPANY") else None
        elif gives != "unknown":
            kinds[position] = gives
    return kinds


def _list_defaults(kind: str) -> Mapping[str, Any]:
    """Return the documented or inferred defaults of spec fields."""
    cls = CATALOGUE.get(kind)
    facts = facts_of(cls) if cls else {}
    defaults = {
        name: fact.value for name, fact in facts.items() if fact.value is not None
    }
    # Frameworks write null for a field that is not set. Here only a field with no
    # effect is written so, since no document says that the service does it.
    return {**defaults, "webhook_input": None} if kind == Webhook.kind else defaults


def _row_kind_mismatches(definition: Definition) -> Iterator[str]:
    kinds = infer_row_kinds(definition)
    for position, block in enumerate(definition.blocks):
        cls = CATALOGUE.get(block.kind)
        if cls is None or cls.about.rows not in {"D", "D1"}:
            continue
        takes = cls.about.takes
        for parent in definition.topology.parents[position]:
            if takes in {"LEAD", "COMPANY"} and kinds[parent] not in {None, takes}:
                source = definition.blocks[parent].kind
                gives = f"{source} gives {kinds[parent]} rows"
                yield f"{block.kind} takes {takes} rows, and {gives}"


def _is_web_address(url: object) -> bool:
    is_address = isinstance(url, str) and bool(host_of(url))
    return is_address and urlsplit(str(url)).scheme in {"http", "https"}


# -- Operations ------------------------------------------------------------------------


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
        raise RefusedError.not_found("Workflow") from None
    return workflow_response(workflow)


def delete_workflow(service: Service, call: Call) -> JsonObject:
    """Remove a workflow for good; its runs stay."""
    workflow = service.find_workflow(call, call.query["workflow_id"])
    # Only one of two simultaneous requests deletes it.
    if not service.store.workflows.remove(workflow.id):
        raise RefusedError.not_found("Workflow")
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
    if not service.store.workflows.add(workflow):
        raise RefusedError(
            409,
            f"Workflow with ID {workflow.id} already exists. Use update endpoint "
            "to modify existing workflows.",
        )
    return workflow_response(workflow)


def _check_graph(service: Service, graph: JsonObject) -> JsonObject:
    """Return the graph as it is stored, or refuse it."""
    graph = normalise_graph(graph)
    if problems := list(find_problems(graph)):
        raise RefusedError(400, "; ".join(problems))
    return apply_save_switches(graph, service.switches)


def _unknown_keys(service: Service, call: Call) -> JsonObject:
    if service.switches.drop_unknown:
        return {}
    documented = pick_keys("CreateWorkflowRequest", call.body)
    return {key: call.body[key] for key in call.body if key not in documented}


def _uuid_error(*place: str) -> RefusedError:
    return RefusedError.violation(place, "uuid_parsing", "Input should be a valid UUID")


HANDLERS: Final[Mapping[str, Handler]] = {
    "create_workflow_workflows_create_workflow_post": create_workflow,
    "update_workflow_workflows_update_workflow_post": update_workflow,
    "delete_workflow_workflows_delete_workflow_post": delete_workflow,
    "list_workflows_workflows_get": list_workflows,
    "get_workflow_workflows__workflow_id__get": get_workflow,
    "get_available_blocks_workflows_blocks_get": list_blocks,
}
