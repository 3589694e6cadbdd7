"""Shapes of the documented answers about workflows and runs."""

from __future__ import annotations

from typing import Final

from ._shapes import ANY_OBJECT, OPTIONAL_TEXT, TEXT, Shape, graph_shape

TIME: Final = Shape(type="string", format="date-time")
OPTIONAL_TIME: Final = Shape(type="string", format="date-time", nullable=True)
COUNT: Final = Shape(type="integer", minimum=0)
OPTIONAL_COUNT: Final = Shape(type="integer", minimum=0, nullable=True)
OPTIONAL_OBJECT: Final = Shape(type="object", nullable=True)
PERCENTAGE: Final = Shape(type="number", minimum=0, maximum=100)

WORKFLOW: Final = Shape(
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
        "workflow_definition": graph_shape(nullable=True),
    },
    required=("id", "name", "status", "step", "created_at", "updated_at"),
)

WORKFLOWS: Final = Shape(type="array", items=WORKFLOW)

BLOCK_INFOS: Final = Shape(
    type="array",
    items=Shape(
        type="object",
        name="BlockInfoResponse",
        fields={"block_name": TEXT, "specs_schema": ANY_OBJECT},
        required=("block_name", "specs_schema"),
    ),
)

STARTED: Final = Shape(
    type="object",
    name="WorkflowRunStartedResponse",
    fields={
        "status": TEXT,
        "workflow_id": TEXT,
        "job_id": TEXT,
        "cache_config": OPTIONAL_OBJECT,
        "already_started": Shape(type="boolean", nullable=True),
    },
    required=("status", "workflow_id", "job_id"),
)

RUNS: Final = Shape(
    type="array",
    items=Shape(
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
            "blocks": Shape(type="any"),
            "blocks_count": COUNT,
        },
        required=("job_id", "workflow_id", "status"),
    ),
)

CANCELLED: Final = Shape(
    type="object",
    name="WorkflowCancelResponse",
    fields={"job_id": TEXT, "status": TEXT},
    required=("job_id", "status"),
)

METRICS: Final = Shape(
    type="object",
    name="BlockMetrics",
    fields={
        "row_count": COUNT,
        "dataframe_type": TEXT,
        "processed_count": OPTIONAL_COUNT,
        "total_count": OPTIONAL_COUNT,
    },
)

BLOCK_STATUS: Final = Shape(
    type="object",
    name="BlockLiveStatus",
    fields={
        "block_id": OPTIONAL_TEXT,
        "block_name": TEXT,
        "sequence_number": Shape(type="integer"),
        "previous_block_ids": Shape(type="array", items=TEXT, nullable=True),
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

LIVE_STATUS: Final = Shape(
    type="object",
    name="WorkflowLiveStatusResponse",
    fields={
        "run_id": TEXT,
        "workflow_id": TEXT,
        "overall_status": TEXT,
        "current_block": OPTIONAL_TEXT,
        "current_block_sequence": Shape(type="integer", nullable=True),
        "total_blocks": COUNT,
        "completed_blocks": COUNT,
        "started_at": OPTIONAL_TEXT,
        "completed_at": OPTIONAL_TEXT,
        "last_updated": TEXT,
        "blocks": Shape(type="array", items=BLOCK_STATUS),
        "overall_progress_percentage": PERCENTAGE,
        "estimation_blocked_by": OPTIONAL_TEXT,
    },
    required=("run_id", "workflow_id", "overall_status", "last_updated"),
)

DOWNLOADS: Final = Shape(
    type="array",
    items=Shape(
        type="object",
        name="WorkflowResultItemWithDownload",
        fields={
            "filename": TEXT,
            "storage_bucket": TEXT,
            "file_size": OPTIONAL_COUNT,
            "row_count": COUNT,
            "block_number": Shape(type="integer", nullable=True),
            "created_at": OPTIONAL_TEXT,
            "message": OPTIONAL_TEXT,
            "content_type": OPTIONAL_TEXT,
            "download_url": OPTIONAL_TEXT,
            "download_expires_in_seconds": COUNT,
            "results": Shape(type="array", items=ANY_OBJECT, nullable=True),
        },
        required=("filename", "storage_bucket"),
    ),
)

BALANCE: Final = Shape(
    type="object",
    name="BalanceResponse",
    fields={"credits": Shape(type="number")},
    required=("credits",),
)

ERROR: Final = Shape(type="object", name="Error", fields={"detail": TEXT})

VALIDATION_ERROR: Final = Shape(
    type="object",
    name="ValidationErrors",
    fields={
        "detail": Shape(
            type="array",
            items=Shape(
                type="object",
                name="ValidationError",
                fields={
                    "loc": Shape(
                        type="array",
                        items=Shape(type="string", alternative=Shape(type="integer")),
                    ),
                    "msg": TEXT,
                    "type": TEXT,
                },
                required=("loc", "msg", "type"),
            ),
        )
    },
)
