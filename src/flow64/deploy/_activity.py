"""Schedules and active runs of a workflow that a plan changes or deletes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..api.calls import (
    ENDED,
    MOST_RUNS,
    RunEntry,
    Schedule,
    list_runs,
    list_schedules,
    normal,
)
from ..api.session import Session
from ..definition import canonical_id
from ..errors import FlowError
from ..plan import RunRef, ScheduleRef, Touched

Listed = TypeVar("Listed", Schedule, RunEntry)


def is_cut(runs: Sequence[RunEntry] | None) -> bool:
    """Return True if there may be more runs than the service lists."""
    return runs is not None and len(runs) >= MOST_RUNS


def group_by_workflow(
    found: Sequence[Listed] | None,
) -> Mapping[str, Sequence[Listed]] | None:
    """Group schedules or runs by the id of their workflow. None stays None."""
    if found is None:
        return None
    grouped: dict[str, list[Listed]] = {}
    for one in found:
        grouped.setdefault(canonical_id(one.workflow_id), []).append(one)
    return grouped


def find_activity(
    workflow_id: str,
    schedules: Mapping[str, Sequence[Schedule]] | None,
    runs: Mapping[str, Sequence[RunEntry]] | None,
    *,
    has_more: bool,
) -> Touched:
    """Return the schedules and active runs of one workflow.

    Args:
        workflow_id: Its id.
        schedules: The listed schedules by workflow. None if they are not known.
        runs: The listed runs by workflow. None if they are not known.
        has_more: There may be runs that are not listed. So it is not known that a
            workflow has none.
    """
    ours = canonical_id(workflow_id)
    on = tuple(
        ScheduleRef(one.id, one.name, one.cron_expression, one.timezone)
        for one in (schedules or {}).get(ours, ())
        if one.is_active is not False
    )
    active = tuple(
        RunRef(one.job_id, one.status)
        for one in (runs or {}).get(ours, ())
        if normal(one.status) not in ENDED
    )
    is_unknown = runs is None or (has_more and not active)
    return Touched(None if schedules is None else on, None if is_unknown else active)


def fetch_activity(session: Session, workflow_id: str) -> Touched:
    """Read the schedules and active runs of a workflow."""
    schedules: Sequence[Schedule] | None
    runs: Sequence[RunEntry] | None
    try:
        schedules = list_schedules(session, workflow_id)
    except FlowError:
        schedules = None
    try:
        runs = list_runs(session, workflow_id, status="active")
    except FlowError:
        runs = None
    return find_activity(
        workflow_id,
        group_by_workflow(schedules),
        group_by_workflow(runs),
        has_more=is_cut(runs),
    )
