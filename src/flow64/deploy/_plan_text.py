"""A plan as text and as JSON data; what looks like a secret is masked in both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..analysis import estimate_cost
from ..diff import as_data as change_data
from ..plan import Plan, Rename, Step, Touched
from ..redaction import redact_keys
from ..render import as_text as review_text
from ._consent import NOTHING, Agreement
from ._review_of_plan import review_of_plan


def as_text(plan: Plan, agreed: Agreement = NOTHING, *, in_full: bool = False) -> str:
    """Return a plan as text for a terminal; what changes alike is shown once.

    Args:
        plan: The plan.
        agreed: What was agreed to already: such steps are not shown as refused.
        in_full: Show each workflow by itself.
    """
    review = review_of_plan(plan, agreed, prices=plan.prices, root=Path.cwd())
    return review_text(review, in_full=in_full)


def as_data(plan: Plan) -> dict[str, Any]:
    """A plan as plain JSON data: no definition and no secret is in it."""
    projects = plan.projects
    data: dict[str, Any] = {
        "environment": plan.env,
        "endpoint": plan.endpoint,
        "is_empty": plan.is_empty,
        "has_changes": plan.has_changes,
        "steps": [_step_data(step, plan) for step in plan.steps],
        "renames": [_rename_data(rename) for rename in plan.renames],
        "projects": None
        if projects is None
        else [{"key": one.key, "namespace": one.namespace} for one in projects],
        "not_checked": list(plan.not_checked),
        "requests": plan.requests,
        "vouched": plan.vouched,
    }
    found: dict[str, Any] = _masked(data)
    return found


# -- JSON ------------------------------------------------------------------------------


def _step_data(step: Step, plan: Plan) -> dict[str, Any]:
    sent = None if step.sent is None else step.sent.content
    return {
        "key": step.key,
        "id": step.id,
        "name": step.name,
        "path": step.path,
        "state": step.state,
        "action": step.action,
        "lifted_by": step.lifted_by,
        "also": list(step.also),
        "lost": list(step.lost),
        "reasons": list(step.reasons),
        "base": step.base,
        "edits": [change_data(change) for change in step.edits],
        "changes": [change_data(change) for change in step.changes],
        "consequences": [change_data(found) for found in step.consequences],
        "cost": None if sent is None else estimate_cost(sent, plan.prices).as_data(),
        "unmanaged": list(step.unmanaged),
        "settings": [change_data(setting) for setting in step.settings],
        "spends": list(step.spends),
        "effects": step.effects,
        "touched": _touched_data(step.touched),
        "not_checked": list(step.not_checked),
        "live": step.live.digest if step.live else None,
        "stamp": str(step.target.stamp) if step.target else None,
    }


def _touched_data(touched: Touched) -> dict[str, Any]:
    schedules, runs = touched.schedules, touched.runs
    return {
        "schedules": None
        if schedules is None
        else [
            {
                "id": one.id,
                "name": one.name,
                "cron_expression": one.cron_expression,
                "timezone": one.timezone,
            }
            for one in schedules
        ],
        "runs": None
        if runs is None
        else [{"id": one.id, "status": one.status} for one in runs],
    }


def _rename_data(rename: Rename) -> dict[str, Any]:
    return {
        "key": rename.key,
        "orphan": rename.orphan,
        "orphan_id": rename.orphan_id,
        "was": rename.was,
        "is_decided": rename.is_decided,
    }


def _masked(value: Any) -> Any:
    """Data in which no text is shaped like a key."""
    if isinstance(value, str):
        return redact_keys(value)
    if isinstance(value, dict):
        return {redact_keys(key): _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return value
