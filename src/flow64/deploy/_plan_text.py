"""A plan as text and as JSON data. Both mask texts that look like secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import asdict

from ..analysis import estimate_cost
from ..diff import as_data as change_data
from ..diff import impact_of
from ..plan import Plan, Step
from ..redaction import redact_keys_in_json
from ..render import as_text as review_text
from ._consent import NOTHING, Agreement
from ._review_of_plan import review_of_plan


def as_text(
    plan: Plan,
    agreed: Agreement = NOTHING,
    *,
    in_full: bool = False,
    command: str = "",
    is_applied: bool = False,
) -> str:
    """Return a plan as text for a terminal. Equal changes are shown once.

    Args:
        plan: The plan.
        agreed: The consents. A step that needs only these is not shown as refused.
        in_full: Show each workflow by itself.
        command: The command that deploys the plan, without consents.
        is_applied: Whether the plan is applied next, so that no command is named.
    """
    review = review_of_plan(plan, agreed, root=Path.cwd(), command=command)
    return review_text(review, in_full=in_full, is_plan=True, is_applied=is_applied)


def as_data(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain JSON data, without definitions and secrets."""
    data: dict[str, Any] = {
        "env": plan.env,
        "endpoint": plan.endpoint,
        "is_empty": plan.is_empty,
        "has_changes": plan.has_changes,
        "workflows": [_step_data(step, plan) for step in plan.steps],
        "renames": [*map(asdict, plan.renames)],
        "projects": None
        if plan.projects is None
        else [{"key": one.key, "namespace": one.namespace} for one in plan.projects],
        "not_checked": list(plan.not_checked),
        "requests": plan.requests,
    }
    found: dict[str, Any] = redact_keys_in_json(data)
    return found


def _step_data(step: Step, plan: Plan) -> dict[str, Any]:
    sent = None if step.sent is None else step.sent.content
    return {
        "key": step.key,
        "workflow_id": step.id,
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
        "impact": impact_of(step.consequences),
        "cost": None if sent is None else estimate_cost(sent, plan.prices).as_data(),
        "unmanaged": list(step.unmanaged),
        "settings": [change_data(setting) for setting in step.settings],
        "spends": list(step.spends),
        "effects": step.effects,
        "touched": step.touched.as_data(),
        "not_checked": list(step.not_checked),
        "live": step.live.digest if step.live else None,
        "stamp": str(step.target.stamp) if step.target else None,
    }
