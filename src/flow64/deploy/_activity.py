"""What is at work with a workflow that is changed or deleted: schedules and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..api import (
    ENDED,
    MOST_RUNS,
    RunEntry,
    Schedule,
    Session,
    list_runs,
    list_schedules,
    normal,
)
from ..definition import canonical_id
from ..errors import FlowError
from ..plan import RunRef, ScheduleRef, Touched

Listed = TypeVar("Listed", Schedule, RunEntry)


def is_cut(runs: Sequence[RunEntry] | None) -> bool:
    """Whether there may be more runs than the service lists."""
    return runs is not None and len(runs) >= MOST_RUNS


def group_by_workflow(
    found: Sequence[Listed] | None,
) -> Mapping[str, Sequence[Listed]] | None:
    """What is listed by the workflow that it is of; None of what was not shown."""
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
    """What of all that is listed is at work with one workflow.

    Args:
        workflow_id: Its id.
        schedules: Those that are listed, by workflow; None where that is not known.
        runs: Likewise.
        has_more: Whether there may be runs that are not listed: that none is there is
            not known then.
    """
    ours = canonical_id(workflow_id)
    on = None if schedules is None else schedules.get(ours, ())
    flying = None if runs is None else runs.get(ours, ())
    under_way = [
        RunRef(one.job_id, one.status)
        for one in flying or ()
        if normal(one.status) not in ENDED
    ]
    is_unknown = flying is None or (has_more and not under_way)
    return Touched(
        schedules=None
        if on is None
        else tuple(
            ScheduleRef(one.id, one.name, one.cron_expression, one.timezone)
            for one in on
            if one.is_active is not False
        ),
        runs=None if is_unknown else tuple(under_way),
    )


async def fetch_activity(session: Session, workflow_id: str) -> Touched:
    """The schedules and runs that are at work with a workflow, asked for now."""
    schedules: Sequence[Schedule] | None
    runs: Sequence[RunEntry] | None
    try:
        schedules = await list_schedules(session, workflow_id)
    except FlowError:
        schedules = None
    try:
        runs = await list_runs(session, workflow_id, status="active")
    except FlowError:
        runs = None
    return find_activity(
        workflow_id,
        group_by_workflow(schedules),
        group_by_workflow(runs),
        has_more=is_cut(runs),
    )
