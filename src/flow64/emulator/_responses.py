"""Documented responses about workflows and runs: their schemas and their contents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ..blocks import CompanyToLeads
from ._clock import format_optional_time, format_time
from ._records import BlockState, JsonObject, RunRecord, WorkflowRecord, public_id
from ._schema import ANY_OBJECT, OPTIONAL_TEXT, TEXT, Schema, graph_schema

TIME: Final = Schema(type="string", format="date-time")
OPTIONAL_TIME: Final = Schema(type="string", format="date-time", nullable=True)
COUNT: Final = Schema(type="integer", minimum=0)
OPTIONAL_COUNT: Final = Schema(type="integer", minimum=0, nullable=True)
OPTIONAL_OBJECT: Final = Schema(type="object", nullable=True)
PERCENTAGE: Final = Schema(type="number", minimum=0, maximum=100)

# -- Workflows ------------------------------------------------------------------------

WORKFLOW: Final = Schema(
    type="object",
    name="WorkflowResponse",
    fields={
        "id": TEXT,
        "user_uuid": OPTIONAL_TEXT,
        "org_id": OPTIONAL_TEXT,
        "name": TEXT,
        "description": OPTIONAL_TEXT,
        "status": TEXT,
        "step": TEXT,
        "created_at": TIME,
        "updated_at": TIME,
        "last_run_date": OPTIONAL_TIME,
        "workflow_definition": graph_schema(nullable=True),
    },
    required=("id", "name", "status", "step", "created_at", "updated_at"),
)

WORKFLOWS: Final = Schema(type="array", items=WORKFLOW)

BLOCK_INFOS: Final = Schema(
    type="array",
    items=Schema(
        type="object",
        name="BlockInfoResponse",
        fields={"block_name": TEXT, "specs_schema": ANY_OBJECT},
        required=("block_name", "specs_schema"),
    ),
)


def workflow_response(
    workflow: WorkflowRecord, *, with_definition: bool = True
) -> JsonObject:
    """Return a `WorkflowResponse`."""
    return {
        **workflow.extra,
        "id": public_id(workflow.id),
        "user_uuid": None,
        "org_id": workflow.org_id,
        "name": workflow.name,
        "description": workflow.description,
        "status": "ready",
        "step": "completed",
        "created_at": format_time(workflow.created_at),
        "updated_at": format_time(workflow.updated_at),
        "last_run_date": format_optional_time(workflow.last_run_date),
        "workflow_definition": workflow.definition if with_definition else None,
    }


# -- Runs -----------------------------------------------------------------------------

STARTED: Final = Schema(
    type="object",
    name="WorkflowRunStartedResponse",
    fields={
        "status": TEXT,
        "workflow_id": TEXT,
        "job_id": TEXT,
        "cache_config": OPTIONAL_OBJECT,
        "already_started": Schema(type="boolean", nullable=True),
    },
    required=("status", "workflow_id", "job_id"),
)

RUNS: Final = Schema(
    type="array",
    items=Schema(
        type="object",
        name="WorkflowRunResponse",
        fields={
            "job_id": TEXT,
            "workflow_id": TEXT,
            "workflow_name": TEXT,
            "status": TEXT,
            "step": OPTIONAL_TEXT,
            "user_id": OPTIONAL_TEXT,
            "created_at": OPTIONAL_TIME,
            "updated_at": OPTIONAL_TIME,
            "queued_at": OPTIONAL_TIME,
            "started_at": OPTIONAL_TIME,
            "completed_at": OPTIONAL_TIME,
            "duration_ms": OPTIONAL_COUNT,
            "status_reason": OPTIONAL_TEXT,
            "error_message": OPTIONAL_TEXT,
            "metrics": OPTIONAL_OBJECT,
            "blocks": Schema(type="any"),
            "blocks_count": COUNT,
        },
        required=("job_id", "workflow_id", "status"),
    ),
)


def run_started_response(run: RunRecord, *, already_started: bool) -> JsonObject:
    """Return a `WorkflowRunStartedResponse`."""
    return {
        "status": run.status if already_started else "queued",
        "workflow_id": public_id(run.workflow_id),
        "job_id": run.id,
        "cache_config": None,
        "already_started": already_started or None,
    }


def run_response(run: RunRecord) -> JsonObject:
    """Return a `WorkflowRunResponse`."""
    return {
        "job_id": run.id,
        "workflow_id": public_id(run.workflow_id),
        "workflow_name": run.workflow_name,
        "status": run.status,
        "step": None,
        "user_id": None,
        "created_at": format_time(run.queued_at),
        "updated_at": format_time(run.updated_at),
        "queued_at": format_time(run.queued_at),
        "started_at": format_optional_time(run.started_at),
        "completed_at": format_optional_time(run.completed_at),
        "duration_ms": _milliseconds(run.started_at, run.completed_at),
        "status_reason": run.reason,
        "error_message": run.error,
        "metrics": None,
        "blocks": None,
        "blocks_count": run.blocks_count,
    }


# -- Progress -------------------------------------------------------------------------

METRICS: Final = Schema(
    type="object",
    name="BlockMetrics",
    fields={
        "row_count": COUNT,
        "dataframe_type": TEXT,
        "processed_count": OPTIONAL_COUNT,
        "total_count": OPTIONAL_COUNT,
    },
)

BLOCK_STATUS: Final = Schema(
    type="object",
    name="BlockLiveStatus",
    fields={
        "block_id": OPTIONAL_TEXT,
        "block_name": TEXT,
        "sequence_number": Schema(type="integer"),
        "previous_block_ids": Schema(type="array", items=TEXT, nullable=True),
        "status": TEXT,
        "started_at": OPTIONAL_TEXT,
        "completed_at": OPTIONAL_TEXT,
        "progress_percentage": PERCENTAGE,
        "current_step": OPTIONAL_TEXT,
        "processed_count": COUNT,
        "total_count": COUNT,
        "estimated_total_count": OPTIONAL_COUNT,
        "last_updated": TEXT,
        "error_message": OPTIONAL_TEXT,
        "metrics": METRICS,
    },
    required=("block_name", "sequence_number", "status", "last_updated", "metrics"),
)

LIVE_STATUS: Final = Schema(
    type="object",
    name="WorkflowLiveStatusResponse",
    fields={
        "run_id": TEXT,
        "workflow_id": TEXT,
        "overall_status": TEXT,
        "current_block": OPTIONAL_TEXT,
        "current_block_sequence": Schema(type="integer", nullable=True),
        "total_blocks": COUNT,
        "completed_blocks": COUNT,
        "started_at": OPTIONAL_TEXT,
        "completed_at": OPTIONAL_TEXT,
        "last_updated": TEXT,
        "blocks": Schema(type="array", items=BLOCK_STATUS),
        "overall_progress_percentage": PERCENTAGE,
        "estimation_blocked_by": OPTIONAL_TEXT,
    },
    required=("run_id", "workflow_id", "overall_status", "last_updated"),
)


def live_status_response(run: RunRecord, blocks: Sequence[BlockState]) -> JsonObject:
    """Return a `WorkflowLiveStatusResponse`."""
    working = [block for block in blocks if block.status == "running"]
    current = working[0] if working and not run.is_done else None
    progress = [round(100 * block.progress, 1) for block in blocks]
    moments = [block.updated_at for block in blocks if block.updated_at]
    return {
        "run_id": run.id,
        "workflow_id": public_id(run.workflow_id),
        "overall_status": run.status,
        "current_block": current and current.kind,
        "current_block_sequence": current and current.number,
        "total_blocks": len(blocks),
        "completed_blocks": sum(block.status == "completed" for block in blocks),
        "started_at": format_optional_time(run.started_at),
        "completed_at": format_optional_time(run.completed_at),
        "last_updated": format_time(max([run.updated_at, *moments])),
        "overall_progress_percentage": round(sum(progress) / len(progress), 1),
        "estimation_blocked_by": None if run.is_done else _find_blocking_kind(blocks),
        "blocks": [_block_status(block, run) for block in blocks],
    }


def _block_status(block: BlockState, run: RunRecord) -> JsonObject:
    return {
        "block_id": block.block_id,
        "block_name": block.kind,
        "sequence_number": block.number,
        "previous_block_ids": list(block.parents),
        "status": block.status,
        "started_at": format_optional_time(block.started_at),
        "completed_at": format_optional_time(block.completed_at),
        "progress_percentage": round(100 * block.progress, 1),
        "current_step": None,
        "processed_count": block.processed,
        "total_count": block.total,
        "estimated_total_count": None,
        "last_updated": format_time(block.updated_at or run.queued_at),
        "error_message": block.error,
        "metrics": {
            "row_count": block.made,
            "dataframe_type": block.row_kind,
            "processed_count": block.processed,
            "total_count": block.total,
        },
    }


def _find_blocking_kind(blocks: Sequence[BlockState]) -> str | None:
    """Return the next block that may give any number of rows."""
    return next(
        (
            block.kind
            for block in blocks
            if block.kind == CompanyToLeads.kind and block.status != "completed"
        ),
        None,
    )


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    if start is None or end is None:
        return None
    return int((end - start).total_seconds() * 1000)


# -- Cancelling and downloads ---------------------------------------------------------

CANCELLED: Final = Schema(
    type="object",
    name="WorkflowCancelResponse",
    fields={"job_id": TEXT, "status": TEXT},
    required=("job_id", "status"),
)

DOWNLOADS: Final = Schema(
    type="array",
    items=Schema(
        type="object",
        name="WorkflowResultItemWithDownload",
        fields={
            "filename": TEXT,
            "storage_bucket": TEXT,
            "file_size": OPTIONAL_COUNT,
            "row_count": COUNT,
            "block_number": Schema(type="integer", nullable=True),
            "created_at": OPTIONAL_TEXT,
            "message": OPTIONAL_TEXT,
            "content_type": OPTIONAL_TEXT,
            "download_url": OPTIONAL_TEXT,
            "download_expires_in_seconds": COUNT,
            "results": Schema(type="array", items=ANY_OBJECT, nullable=True),
        },
        required=("filename", "storage_bucket"),
    ),
)
