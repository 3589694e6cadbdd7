"""Records as the answers of the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ._clock import stamp, stamp_or_none
from ._records import BlockState, Data, Run, Workflow


def workflow_answer(workflow: Workflow, *, with_definition: bool = True) -> Data:
    """A `WorkflowResponse`."""
    return {
        **workflow.extra,
        "id": workflow.id,
        "user_uuid": None,
        "org_id": workflow.org_id,
        "name": workflow.name,
        "description": workflow.description,
        "status": "ready",
        "step": "completed",
        "created_at": stamp(workflow.created_at),
        "updated_at": stamp(workflow.updated_at),
        "last_run_date": stamp_or_none(workflow.last_run_date),
        "workflow_definition": workflow.definition if with_definition else None,
    }


def started_answer(run: Run, *, already_started: bool) -> Data:
    """A `WorkflowRunStartedResponse`."""
    return {
        "status": run.status if already_started else "queued",
        "workflow_id": run.workflow_id,
        "job_id": run.id,
        "cache_config": None,
        "already_started": already_started or None,
    }


def run_answer(run: Run) -> Data:
    """A `WorkflowRunResponse`."""
    return {
        "job_id": run.id,
        "workflow_id": run.workflow_id,
        "workflow_name": run.workflow_name,
        "status": run.status,
        "step": None,
        "user_id": None,
        "created_at": stamp(run.queued_at),
        "updated_at": stamp(run.updated_at),
        "queued_at": stamp(run.queued_at),
        "started_at": stamp_or_none(run.started_at),
        "completed_at": stamp_or_none(run.completed_at),
        "duration_ms": _milliseconds(run.started_at, run.completed_at),
        "status_reason": run.reason,
        "error_message": run.error,
        "metrics": None,
        "blocks": None,
        "blocks_count": run.blocks_count,
    }


def live_answer(run: Run, blocks: Sequence[BlockState]) -> Data:
    """A `WorkflowLiveStatusResponse`."""
    working = [block for block in blocks if block.status == "running"]
    current = working[0] if working and not run.is_done else None
    progress = [_progress(block) for block in blocks]
    moments = [block.updated_at for block in blocks if block.updated_at]
    return {
        "run_id": run.id,
        "workflow_id": run.workflow_id,
        "overall_status": run.status,
        "current_block": current and current.kind,
        "current_block_sequence": current and current.number,
        "total_blocks": len(blocks),
        "completed_blocks": sum(block.status == "completed" for block in blocks),
        "started_at": stamp_or_none(run.started_at),
        "completed_at": stamp_or_none(run.completed_at),
        "last_updated": stamp(max([run.updated_at, *moments])),
        "overall_progress_percentage": round(sum(progress) / len(progress), 1),
        "estimation_blocked_by": None if run.is_done else _blocking(blocks),
        "blocks": [_block_answer(block, run) for block in blocks],
    }


def _block_answer(block: BlockState, run: Run) -> Data:
    return {
        "block_id": block.block_id,
        "block_name": block.kind,
        "sequence_number": block.number,
        "previous_block_ids": list(block.parents),
        "status": block.status,
        "started_at": stamp_or_none(block.started_at),
        "completed_at": stamp_or_none(block.completed_at),
        "progress_percentage": _progress(block),
        "current_step": None,
        "processed_count": block.processed,
        "total_count": block.total,
        "estimated_total_count": None,
        "last_updated": stamp(block.updated_at or run.queued_at),
        "error_message": block.error,
        "metrics": {
            "row_count": block.made,
            "dataframe_type": block.row_kind,
            "processed_count": block.processed,
            "total_count": block.total,
        },
    }


def _progress(block: BlockState) -> float:
    if block.status == "completed":
        return 100.0
    return round(100 * block.processed / block.total, 1) if block.total else 0.0


def _blocking(blocks: Sequence[BlockState]) -> str | None:
    """The first block to come whose row count nobody can know before it ran."""
    return next(
        (
            block.kind
            for block in blocks
            if block.kind == "company_to_leads" and block.status != "completed"
        ),
        None,
    )


def _milliseconds(start: datetime | None, end: datetime | None) -> int | None:
    if start is None or end is None:
        return None
    return int((end - start).total_seconds() * 1000)
