"""A review as JSON data: every workflow with all facts about it."""

from __future__ import annotations

from typing import Any

from ...diff import as_data as change_data
from ...diff import impact_of
from ...plan import Review, Step
from ...redaction import redact_keys_in_json
from ._grouping import Group, group_alike, group_review
from ._headline import list_facts
from ._view import View


def as_data(review: Review) -> dict[str, Any]:
    """Return a review as plain JSON data, without secrets. Only headlines are cut.

    `workflows` has each workflow. `groups` says which are shown as one.
    """
    groups = group_alike(review.notable)
    asked, what, *facts = list_facts(review, group_review(review), str, str)
    data: dict[str, Any] = redact_keys_in_json(
        {
            "source": review.source,
            "env": review.env,
            "endpoint": review.endpoint,
            "is_empty": review.is_empty,
            "headline": f"{what.text} - {'; '.join(map(str, [asked, *facts]))}",
            "groups": [_group_data(group) for group in groups],
            "workflows": [_step_data(one, review) for one in review.workflows],
            "renames": [
                {
                    "key": one.key,
                    "orphan": one.orphan,
                    "was": one.was,
                    "others": [*one.others],
                }
                for one in review.renames
            ],
            "listed_kinds": [one.as_data() for one in review.listed_kinds],
            "not_checked": [*review.not_checked],
        }
    )
    return data


def _group_data(group: Group) -> dict[str, Any]:
    return {
        "state": group.one.state,
        "action": group.one.action,
        "keys": [*group.keys],
        "like": None if group.like is None else [*group.like.keys],
    }


def _step_data(one: Step, review: Review) -> dict[str, Any]:
    cost_before, cost_after = one.details.cost_before, one.details.cost_after
    return {
        "key": one.key,
        "workflow_id": one.id or None,
        "name": one.name,
        "state": one.state,
        "action": one.action,
        "reasons": [*one.reasons],
        "lifted_by": one.lifted_by,
        "also": list(one.also),
        "may_skip": review.source == "diff" or one.may_skip,
        "file": one.details.file,
        "are_edits_known": one.are_edits_known,
        "edits": [change_data(change) for change in one.edits],
        "changes": [
            change_data(change) for change in (*one.changes, *View(one).contents)
        ],
        "consequences": [change_data(found) for found in one.consequences],
        "impact": impact_of(one.consequences),
        "cost": {
            "before": cost_before and cost_before.as_data(),
            "after": cost_after and cost_after.as_data(),
        },
        "unmanaged": [*one.unmanaged],
        "settings": [change_data(setting) for setting in one.settings],
        "spends": [*one.spends],
        "effects": one.effects,
        **one.touched.as_data(),
        "not_checked": [*one.not_checked],
    }
