"""A review as JSON data: every workflow with all that is known of it."""

from __future__ import annotations

from typing import Any, Final, cast

from ...diff import Estimate
from ...diff import as_data as change_data
from ...plan import Review, Step
from ...redaction import redact_keys
from ._grouping import Group, group_alike
from ._words import headline

FORMAT: Final = "flow64-review"
VERSION: Final = 1
"""Counts up when a key goes or means something else; new keys do not count."""


def as_data(review: Review) -> dict[str, Any]:
    """A review as plain JSON data; nothing is cut, and no secret is in it.

    `workflows` has each one by itself; `groups` says which are shown as one.
    """
    groups = group_alike(review.notable)
    line = headline(review, groups, str)
    data = {
        "format": FORMAT,
        "version": VERSION,
        "source": review.source,
        "environment": review.env,
        "endpoint": review.endpoint,
        "is_empty": review.is_empty,
        "headline": f"{line.what} - {line.more}" if line.more else line.what,
        "groups": [_group_data(group) for group in groups],
        "workflows": [_step_data(one, review) for one in review.workflows],
        "renames": [
            {"key": one.key, "orphan": one.orphan, "was": one.was}
            for one in review.renames
        ],
        "not_checked": [*review.not_checked],
    }
    found: dict[str, Any] = _masked(data)
    return found


def _group_data(group: Group) -> dict[str, Any]:
    return {
        "state": group.one.state,
        "action": group.one.action,
        "keys": [*group.keys],
        "like": None if group.like is None else [*group.like.keys],
    }


def _step_data(one: Step, review: Review) -> dict[str, Any]:
    return {
        "key": one.key,
        "id": one.id or None,
        "title": one.name,
        "state": one.state,
        "action": one.action,
        "reasons": [*one.reasons],
        "lifted_by": one.lifted_by,
        "also": list(one.also),
        "may_skip": review.source == "diff" or one.may_skip,
        "file": one.details.file,
        "are_edits_known": one.are_edits_known,
        "edits": [change_data(change) for change in one.edits],
        "changes": [change_data(change) for change in one.changes],
        "consequences": [change_data(found) for found in one.consequences],
        "cost": {
            "before": _cost_data(one.details.cost_before),
            "after": _cost_data(one.details.cost_after),
        },
        "unmanaged": [*one.unmanaged],
        "settings": [change_data(setting) for setting in one.settings],
        "spends": [*one.spends],
        "effects": one.effects,
        "schedules": None
        if one.touched.schedules is None
        else [
            {
                "id": schedule.id,
                "name": schedule.name,
                "cron_expression": schedule.cron_expression,
                "timezone": schedule.timezone,
            }
            for schedule in one.touched.schedules
        ],
        "runs": None
        if one.touched.runs is None
        else [{"id": run.id, "status": run.status} for run in one.touched.runs],
        "not_checked": [*one.not_checked],
    }


def _cost_data(found: Estimate | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "dollars": found.dollars,
        "unpriced": [*found.unpriced],
        "open": [{"kind": row.kind, "dollars": row.dollars} for row in found.open],
    }


def _masked(value: Any) -> Any:
    """Data in which no text is shaped like a key."""
    match value:
        case str():
            return redact_keys(value)
        case dict():
            members = cast(dict[str, Any], value).items()
            return {redact_keys(key): _masked(item) for key, item in members}
        case list():
            items: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - of anything
            return [_masked(item) for item in items]
        case _:
            return value
