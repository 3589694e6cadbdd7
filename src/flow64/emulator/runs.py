"""The operations of runs: start, list, watch and cancel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from attrs import evolve

from ..blocks import CompanyToLeads, ReadCsv, Webhook
from .document import as_response
from .engine import make_block_states
from .graph import to_definition
from .records import (
    BlockState,
    ClaimRecord,
    GraphRecord,
    JsonObject,
    RowData,
    RunRecord,
    WorkflowRecord,
    payload_owner,
)
from .results import CONTENT_TYPES, list_download_links
from .service import Call, Handler, RefusedError, Service, violation_error


def start_run(service: Service, call: Call) -> JsonObject:
    """Start a run, or return the run that the same key started."""
    workflow = service.find_workflow(call, call.query["workflow_id"])
    body = call.body or {}
    payload = body.get("webhook_payload")
    rows = [payload] if isinstance(payload, dict) else payload
    graph = _apply_override(workflow.definition, body.get("specs_override"))
    problem = next(_find_problems(graph, rows), None)
    if problem:
        raise RefusedError(400, problem)
    data = json.dumps([body, call.query], sort_keys=True)
    digest = sha256(data.encode()).hexdigest()
    key = call.idempotency_key if service.switches.honour_idempotency else None
    formats = _result_formats(call.query)
    run, is_repeated = add_run(
        service, workflow, graph, rows, formats, key=key, digest=digest
    )
    if run.digest != digest:
        words = "This Idempotency-Key was used with another request"
        raise RefusedError(409, words)
    started = {"job_id": run.id, "already_started": is_repeated}
    return as_response("WorkflowRunStartedResponse", run, **started)


def add_run(
    service: Service,
    workflow: WorkflowRecord,
    graph: JsonObject,
    rows: list[RowData] | None,
    formats: Sequence[str] = ("csv",),
    *,
    key: str | None = None,
    digest: str = "",
    schedule_id: str | None = None,
) -> tuple[RunRecord, bool]:
    """Save a run and start it, or return the run that has used the key, and True.

    Args:
        digest: Digest of the request that starts it.
    """
    store, now = service.store, service.clock.now()
    run = RunRecord(
        id=str(uuid4()),
        workflow_id=workflow.id,
        org_id=workflow.org_id,
        workflow_name=workflow.name,
        formats=formats,
        has_payload=rows is not None,
        queued_at=now,
        updated_at=now,
        blocks_count=len(graph["blocks"]),
        unlisted=service.switches.list_runs_late,
        digest=digest,
        schedule_id=schedule_id,
    )
    claim = ClaimRecord(id=f"{run.org_id}/{run.workflow_id}/{key}", run_id=run.id)
    with store.transaction():
        if key is not None and not store.claims.add(claim):
            earlier = store.claims.get(claim.id)
            first = None if earlier is None else store.runs.get(earlier.run_id)
            assert first is not None  # they were added together
            return first, True
        store.runs.add(run)
        store.graphs.add(GraphRecord(id=run.id, data=graph))
        for block in make_block_states(run.id, graph):
            store.blocks.add(block)
        store.add_rows(payload_owner(run.id), rows or [])
        if store.workflows.get(run.workflow_id):  # it may be deleted meanwhile
            store.workflows.change(
                run.workflow_id, lambda old: evolve(old, last_run_date=now)
            )
    service.engine.start(run.id)
    return run, False


def _result_formats(query: JsonObject) -> list[str]:
    formats = ["csv", *(["json"] if query["save_json"] else ())]
    formats += query["result_formats"] or ()
    return [word for word in dict.fromkeys(formats) if word in CONTENT_TYPES]


def _apply_override(graph: JsonObject, override: JsonObject | None) -> JsonObject:
    """Override specs of the first block of a graph."""
    if not override:
        return graph
    first = to_definition(graph).topology.order[0]
    blocks = [
        {**block, "specs": {**block["specs"], **override}} if at == first else block
        for at, block in enumerate(graph["blocks"])
    ]
    return {**graph, "blocks": blocks}


def _find_problems(graph: JsonObject, rows: list[RowData] | None) -> Iterator[str]:
    """Yield the reasons why a run cannot be started."""
    definition = to_definition(graph)
    if rows and Webhook.kind not in definition.by_kind:
        yield "webhook_payload is only for workflows whose source block is webhook"
    for position, block in definition.of_kind(ReadCsv.kind):
        is_source = not definition.topology.parents[position]
        if is_source and not block.specs.get("resource_handle_id"):
            yield (
                "Workflows that start with read_csv need "
                "specs_override.resource_handle_id to be run by API"
            )
    for _, block in definition.of_kind(Webhook.kind):
        declared = block.specs.get("input_schema")
        names = declared if isinstance(declared, dict) else {}
        required = [name for name in names if _is_required(names[name])]
        missing = sorted(
            {name for row in rows or () for name in required if name not in row}
        )
        if missing:
            yield f"Missing required columns: {', '.join(missing)}"


def _is_required(entry: Any) -> bool:
    return not (isinstance(entry, dict) and entry.get("required") is False)


def list_runs(service: Service, call: Call) -> list[JsonObject]:
    """List the organisation's runs, newest first."""
    workflow_id, status = call.query["workflow_id"], call.query["status"]
    runs = service.store.runs.of(call.org_id)[::-1]
    if workflow_id is not None:
        runs = [run for run in runs if run.workflow_id == workflow_id.lower()]
        if not runs:  # documented: runs outlive their workflow
            service.find_workflow(call, workflow_id)
    statuses = {"active": {"queued", "running"}}.get(status, {status})
    listed: list[JsonObject] = []
    for run in runs:
        if len(listed) == call.query["limit"]:
            break
        if _is_listed(service, run) and (status is None or run.status in statuses):
            listed.append(_run_response(run))
    return listed


def _is_listed(service: Service, run: RunRecord) -> bool:
    if run.unlisted > 0:
        service.store.runs.change(
            run.id, lambda run: evolve(run, unlisted=run.unlisted - 1)
        )
    return run.unlisted == 0


def _run_response(run: RunRecord) -> JsonObject:
    """Return a `WorkflowRunResponse`."""
    return as_response(
        "WorkflowRunResponse",
        run,
        job_id=run.id,
        created_at=run.queued_at,
        duration_ms=_milliseconds(run.started_at, run.completed_at),
        status_reason=run.reason,
        error_message=run.error,
    )


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    if start is None or end is None:
        return None
    return int((end - start).total_seconds() * 1000)


def get_live_status(service: Service, call: Call) -> JsonObject:
    """Return the progress of a run, block by block."""
    # In one transaction, so that a run that has ended has no running block.
    with service.store.transaction():
        run = service.find_run(call, call.path["run_id"])
        blocks = service.store.blocks.under(run.id)
    running = [block for block in blocks if block.status == "running"]
    current = running[0] if running and not run.is_done else None
    progress = [round(100 * block.progress, 1) for block in blocks]
    moments = [block.updated_at for block in blocks if block.updated_at]
    return as_response(
        "WorkflowLiveStatusResponse",
        run,
        run_id=run.id,
        overall_status=run.status,
        current_block=current and current.kind,
        current_block_sequence=current and current.number,
        total_blocks=len(blocks),
        completed_blocks=sum(block.status == "completed" for block in blocks),
        last_updated=max([run.updated_at, *moments]),
        overall_progress_percentage=round(sum(progress) / len(progress), 1),
        estimation_blocked_by=None if run.is_done else _find_blocking_kind(blocks),
        blocks=[_block_status(block, run) for block in blocks],
    )


def _block_status(block: BlockState, run: RunRecord) -> JsonObject:
    counts = {"processed_count": block.processed, "total_count": block.total}
    metrics = {"row_count": block.made, "dataframe_type": block.row_kind, **counts}
    return as_response(
        "BlockLiveStatus",
        block,
        block_name=block.kind,
        sequence_number=block.number,
        previous_block_ids=list(block.parents),
        progress_percentage=round(100 * block.progress, 1),
        last_updated=block.updated_at or run.queued_at,
        error_message=block.error,
        metrics=metrics,
        **counts,
    )


def _find_blocking_kind(blocks: Sequence[BlockState]) -> str | None:
    """Return the next block that may give any number of rows."""
    unfinished = (block.kind for block in blocks if block.status != "completed")
    return next((kind for kind in unfinished if kind == CompanyToLeads.kind), None)


def cancel_run(service: Service, call: Call) -> JsonObject:
    """Cancel a run, unless it has ended."""
    job_id = call.query["job_id"] or (call.body or {}).get("job_id")
    if not isinstance(job_id, str):
        raise violation_error(("query", "job_id"), "missing", "Field required")
    run = service.find_run(call, job_id)
    status = service.engine.cancel(run.id).status
    # This response spells it with one l, all others with two (documented).
    spelled = "canceled" if status == "cancelled" else status
    return {"job_id": run.id, "status": spelled}


HANDLERS: Final[Mapping[str, Handler]] = {
    "run_workflow_workflows_run_post": start_run,
    "list_workflow_runs_workflows_runs_get": list_runs,
    "get_workflow_run_live_status_workflows_runs__run_id__live_status_get": (
        get_live_status
    ),
    "list_run_results_with_download_links_"
    "workflows_runs__run_id__results_download_links_get": list_download_links,
    "cancel_workflow_run_workflows_cancel_post": cancel_run,
}
