"""The operations of runs: start, list, watch, cancel; and their result files."""

from __future__ import annotations

import csv
import hmac
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from math import ceil
from typing import Any, Final
from uuid import uuid4

from attrs import evolve
from werkzeug.wrappers import Response

from ..blocks import CATALOGUE, ReadCsv, Webhook
from ..definition import WireBlock
from . import records
from .operations import as_response
from .records import JsonObject, RowData, format_cell
from .service import Call, Handler, RefusedError, Service
from .store import Store
from .workflows import infer_row_kinds, to_definition

# -- Result files ----------------------------------------------------------------------


EXPIRES: Final = 900
"""Lifetime of a link, in seconds (documented)."""

INLINE_BYTES: Final = 16 * 1024
"""Files up to this size are also returned inline; the threshold is a guess."""

CONTENT_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}

FILE_ROUTE: Final = "/files/<run_id>/<filename>"


def file_path(run_id: str, block_id: str, format: str) -> str:
    """Return the path of a block's file."""
    return f"/files/{run_id}/{block_id}.{format}"


def sign_link(service: Service, base: str, path: str) -> str:
    """Return a signed link to a path."""
    expires = ceil(service.clock.now().timestamp()) + EXPIRES
    return f"{base}{path}?expires={expires}&signature={_sign(service, path, expires)}"


def _sign(service: Service, path: str, expires: int) -> str:
    return hmac.digest(service.secret, f"{path} {expires}".encode(), "sha256").hex()


def list_download_links(service: Service, call: Call) -> list[JsonObject]:
    """List the files of a run, one for each completed block."""
    run = service.find_run(call, call.path["run_id"])
    file_format: str = call.query["format"]
    if file_format not in CONTENT_TYPES:
        formats = ", ".join(CONTENT_TYPES)
        raise RefusedError(400, f"format must be one of {formats}")
    if file_format not in run.formats:
        return []
    return [
        _result_item(service, call, block, file_format)
        for block in _list_completed_blocks(service.store, run.id)
    ]


def _result_item(
    service: Service, call: Call, block: records.BlockState, format: str
) -> JsonObject:
    kind = re.sub(r"[^a-z0-9_]+", "-", block.kind.lower())[:40]
    path = file_path(block.run_id, block.block_id, format)
    size = count_bytes(service.store, block, format)
    is_small = size <= INLINE_BYTES
    return as_response(
        "WorkflowResultItemWithDownload",
        block,
        filename=f"block_{block.number}_{kind}.{format}",
        storage_bucket="emulator",
        file_size=size,
        block_number=block.number,
        created_at=block.completed_at,
        content_type=CONTENT_TYPES[format],
        download_url=sign_link(service, call.base_url, path),
        download_expires_in_seconds=EXPIRES,
        results=list(service.store.rows(block.rows)) if is_small else None,
    )


def download(service: Service, call: Call) -> Response:
    """Return a result file; its link must be signed and not expired."""
    expires, signature = call.query.get("expires"), call.query.get("signature")
    if not (expires and expires.isascii() and expires.isdecimal() and signature):
        raise RefusedError.violation(
            ("query", "signature"), "missing", "Field required"
        )
    expected = _sign(service, call.url, int(expires[:15]))
    # As bytes, since non-ASCII text cannot be compared in constant time.
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise RefusedError(403, "The link is not signed by this emulator")
    if service.clock.now().timestamp() >= int(expires):
        raise RefusedError(403, "The link has expired")
    block_id, _, file_format = call.path["filename"].rpartition(".")
    for block in _list_completed_blocks(service.store, call.path["run_id"].lower()):
        if block.block_id == block_id:
            # Always the whole file: a request for a range gets all of it.
            size = count_bytes(service.store, block, file_format)
            headers = {"content-length": str(size), "accept-ranges": "none"}
            file = read_file(service.store, block, file_format)
            media = CONTENT_TYPES[file_format]
            return Response(file, 200, headers, content_type=media)
    raise RefusedError.not_found("File")


def _list_completed_blocks(store: Store, run_id: str) -> list[records.BlockState]:
    """Return the completed blocks of a run, in the order of the graph."""
    blocks = store.blocks.under(run_id)
    return [block for block in blocks if block.status == "completed"]


def count_bytes(store: Store, block: records.BlockState, format: str) -> int:
    """Return the bytes of a block's file; they are counted once, then stored."""
    if format in block.sizes:
        return block.sizes[format]
    size = sum(map(len, read_file(store, block, format)))
    store.blocks.change(
        block.id, lambda old: evolve(old, sizes={**old.sizes, format: size})
    )
    return size


def read_file(store: Store, block: records.BlockState, format: str) -> Iterator[bytes]:
    """Yield the file of a block, in pieces."""
    match format:
        case "json":
            return _as_json(store.texts(block.rows))
        case "ndjson":
            return _as_ndjson(store.chunks(block.rows))
        case _:
            return _as_csv(store.chunks(block.rows), [*block.columns])


def _as_json(texts: Iterator[str]) -> Iterator[bytes]:
    # Each text is a list. Without their brackets they form one list.
    before = "["
    for text in texts:
        yield f"{before}{text[1:-1]}".encode()
        before = ","
    yield b"[]" if before == "[" else b"]"


def _as_ndjson(chunks: Iterator[list[RowData]]) -> Iterator[bytes]:
    for chunk in chunks:
        lines = (json.dumps(row, ensure_ascii=False) for row in chunk)
        yield "".join(f"{line}\n" for line in lines).encode()


def _as_csv(chunks: Iterator[list[RowData]], names: list[str]) -> Iterator[bytes]:
    # In the order of first appearance, as rows of several parents may differ.
    yield _format_csv([names] if names else [])
    for chunk in chunks:
        yield _format_csv(
            [[format_cell(row.get(name)) for name in names] for row in chunk]
        )


def _format_csv(cells: Iterable[Sequence[str]]) -> bytes:
    """Return lines of cells as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(cells)
    return text.getvalue().encode()


# -- Operations ------------------------------------------------------------------------


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
    if not is_repeated:
        service.engine.start(run.id)
    started = {"job_id": run.id, "already_started": is_repeated}
    return as_response("WorkflowRunStartedResponse", run, **started)


def add_run(
    service: Service,
    workflow: records.WorkflowRecord,
    graph: JsonObject,
    rows: list[RowData] | None,
    formats: Sequence[str] = ("csv",),
    *,
    key: str | None = None,
    digest: str = "",
    schedule_id: str | None = None,
) -> tuple[records.RunRecord, bool]:
    """Save a run, or return the run that has used the key, and True.

    The engine starts it, after it was saved.

    Args:
        digest: Digest of the request that starts it.
    """
    store, now = service.store, service.clock.now()
    run = records.RunRecord(
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
    claim = records.ClaimRecord(
        id=f"{run.org_id}/{run.workflow_id}/{key}", run_id=run.id
    )
    with store.transaction():
        if key is not None and not store.claims.add(claim):
            earlier = store.claims.get(claim.id)
            first = None if earlier is None else store.runs.get(earlier.run_id)
            assert first is not None  # they were added together
            return first, True
        store.runs.add(run)
        store.graphs.add(records.GraphRecord(id=run.id, data=graph))
        for block in make_block_states(run.id, graph):
            store.blocks.add(block)
        store.add_rows(records.payload_owner(run.id), rows or [])
        if store.workflows.get(run.workflow_id):  # it may be deleted meanwhile
            store.workflows.change(
                run.workflow_id, lambda old: evolve(old, last_run_date=now)
            )
    return run, False


def make_block_states(run_id: str, graph: JsonObject) -> Iterator[records.BlockState]:
    """Yield the states of a run's blocks before it starts."""
    definition = to_definition(graph)
    kinds = infer_row_kinds(definition)
    for position, block in enumerate(definition.blocks):
        parents = sorted(set(definition.topology.parents[position]))
        yield records.BlockState(
            run_id=run_id,
            position=position,
            block_id=block.id,
            kind=block.kind,
            number=block.number,
            parents=[definition.blocks[parent].id for parent in parents],
            row_kind=kinds[position] or _guess_row_kind(block),
        )


def _guess_row_kind(block: WireBlock) -> str:
    """Guess the row kind of a block for its metrics, if no document states it."""
    word = block.specs.get("dataframe_type")
    if word in ("LEAD", "COMPANY"):  # a tuple, since it may be a list
        return str(word)
    cls = CATALOGUE.get(block.kind)
    return "COMPANY" if cls is not None and cls.about.gives == "COMPANY" else "LEAD"


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
    if not isinstance(entry, dict):
        return True
    # No document names the mark of a column that may be missing.
    marks = (entry.get("required") is False, entry.get("optional") is True)
    return not (any(marks) or "default" in entry)


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


def _is_listed(service: Service, run: records.RunRecord) -> bool:
    if run.unlisted > 0:
        service.store.runs.change(
            run.id, lambda run: evolve(run, unlisted=run.unlisted - 1)
        )
    return run.unlisted == 0


def _run_response(run: records.RunRecord) -> JsonObject:
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
    return describe_progress(service, service.find_run(call, call.path["run_id"]))


def describe_progress(service: Service, run: records.RunRecord) -> JsonObject:
    """Return a `WorkflowLiveStatusResponse`."""
    # In one transaction, so that a run that has ended has no running block.
    with service.store.transaction():
        run = service.store.runs.get(run.id) or run
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
        blocks=[_block_status(block, run) for block in blocks],
    )


def _block_status(block: records.BlockState, run: records.RunRecord) -> JsonObject:
    counts = {"processed_count": block.processed, "total_count": block.total}
    metrics = {"row_count": block.row_count, "dataframe_type": block.row_kind, **counts}
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


def cancel_run(service: Service, call: Call) -> JsonObject:
    """Cancel a run, unless it has ended."""
    job_id = call.query["job_id"] or (call.body or {}).get("job_id")
    if not isinstance(job_id, str):
        raise RefusedError.violation(("query", "job_id"), "missing", "Field required")
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
