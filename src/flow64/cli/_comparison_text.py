"""A comparison of two sides in words and as data. Equal differences are shown once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ..diff import ARROW, as_data, as_lines, format_sections, impact_of
from ..loading import SideWorkflow
from ..plan import Details, State, Step
from ..redaction import clean_text, redact_keys
from ..render import (
    Group,
    format_changes_title,
    group_alike,
    list_changes,
    name_group,
)
from ..text import join_first, pluralize
from ._comparing import SIGNS, ComparedSides, ComparedWorkflow, SideOutcome


def format_comparison(found: ComparedSides) -> Iterator[str]:
    """Return the differences, and live fields that are not managed, as lines.

    Workflows that differ alike are shown once, as in a review.
    """
    if found.hidden_for:
        for one in found.workflows:
            if one.outcome != "same" or one.unmanaged:
                yield from _format_workflow(one, is_hidden=True)
        return
    for group in _group(found):
        one = found.workflows[int(group.one.path)]
        if len(group.views) == 1 and group.like is None:
            yield from _format_workflow(one, is_hidden=False)
        else:
            yield from _format_group(group, one)


def comparison_data(found: ComparedSides) -> dict[str, Any]:
    """Return a comparison as JSON data."""
    return {
        "before": found.before.label,
        "after": found.after.label,
        "differs": found.differs,
        "hidden_for": list(found.hidden_for),
        "groups": [*map(_group_data, [] if found.hidden_for else _group(found))],
        "workflows": [
            _workflow_data(one, is_hidden=bool(found.hidden_for))
            for one in found.workflows
        ],
    }


def summarize(found: ComparedSides) -> str:
    """Return one line: the number of workflows with each outcome."""
    counts = found.counts()
    parts = [f"{count} {outcome}" for outcome, count in counts.items() if count]
    return ", ".join(parts) or "there are no workflows on either side"


def _format_workflow(one: ComparedWorkflow, *, is_hidden: bool) -> Iterator[str]:
    entry = one.entry
    title, key = entry.definition.name, clean_text(entry.key)
    yield f"{SIGNS[one.outcome]} {key}: {one.outcome}"
    if title not in ("", entry.key):
        yield f"    {clean_text(title)}"
    yield from _count_blocks(one)
    if one.renamed_from:
        yield f"    key: {clean_text(one.renamed_from)} {ARROW} {key} (was=)"
    if not is_hidden:
        yield from _format_parts(_list_parts(one))


def _count_blocks(one: ComparedWorkflow) -> Iterator[str]:
    if one.outcome in ("added", "removed"):
        yield f"    {pluralize(len(one.entry.definition.blocks), 'block')}"


def _list_parts(one: ComparedWorkflow) -> Mapping[str, Iterable[str]]:
    return {
        "what changes": as_lines(one.changes),
        "what follows": as_lines(one.consequences),
        "not managed by code": as_lines(one.unmanaged),
    }


def _format_parts(parts: Mapping[str, Iterable[str]]) -> Iterator[str]:
    for heading, found in parts.items():
        if lines := [*found]:
            yield f"    {heading}:"
            yield from (f"        {line}" for line in lines)


def _group(found: ComparedSides) -> Sequence[Group]:
    """Group the workflows that differ alike; one with another key is by itself.

    Each step has the position of its workflow as its path.
    """
    steps = [
        (one, _make_step(one, position))
        for position, one in enumerate(found.workflows)
        if one.outcome != "same" or one.unmanaged
    ]
    alike = group_alike(step for one, step in steps if not one.renamed_from)
    apart = group_alike((step for one, step in steps if one.renamed_from), in_full=True)
    return sorted([*alike, *apart], key=_order_group)


def _order_group(group: Group) -> tuple[bool, int]:
    return group.like is not None, int(group.one.path)


def _make_step(one: ComparedWorkflow, position: int) -> Step:
    return Step(
        clean_text(one.entry.key),
        "",
        "",
        str(position),
        _STATES[one.outcome],
        changes=tuple(one.changes),
        consequences=tuple(one.consequences),
        unmanaged=tuple(as_lines(one.unmanaged)),
        details=Details(
            before=None if one.before is None else one.before.definition,
            after=None if one.after is None else one.after.definition,
        ),
    )


def _group_data(group: Group) -> Mapping[str, Any]:
    return {
        "outcome": _OUTCOMES[group.one.state],
        "keys": [*map(redact_keys, group.keys)],
        "like": None if group.like is None else [*map(redact_keys, group.like.keys)],
    }


def _format_group(group: Group, one: ComparedWorkflow) -> Iterator[str]:
    """Return lines for workflows that differ alike, or nearly as others do."""
    yield f"{SIGNS[one.outcome]} {name_group(group, str)}: {one.outcome}"
    if len(group.views) > 1:
        yield f"    {join_first(group.keys, MOST_KEYS)}"
    yield from _count_blocks(one)
    unmanaged = {"not managed by code": as_lines(one.unmanaged)}
    if group.like is None:
        follows = group.merge(lambda view: view.consequences)
        parts = {
            format_changes_title(group): format_sections(list_changes(group)),
            "what follows": format_sections(follows),
        }
    else:
        yield f"    like {name_group(group.like, str)}"
        parts = {
            "except": format_sections(group.without),
            "and also": format_sections(group.besides),
            "what also follows": format_sections(group.follows),
        }
    yield from _format_parts({**parts, **unmanaged})


MOST_KEYS: Final = 20
"""Keys of a group that are named. JSON names all."""

_STATES: Final[Mapping[SideOutcome, State]] = {
    "added": "new",
    "removed": "removed",
    "changed": "update",
    "same": "unchanged",
}
"""The state of a step that has the outcome of a comparison."""

_OUTCOMES: Final = {state: outcome for outcome, state in _STATES.items()}


def _workflow_data(one: ComparedWorkflow, *, is_hidden: bool) -> dict[str, Any]:
    found = {
        "changes": one.changes,
        "consequences": one.consequences,
        "unmanaged": one.unmanaged,
    }
    return {
        "key": redact_keys(one.entry.key),
        "outcome": one.outcome,
        "renamed_from": one.renamed_from and redact_keys(one.renamed_from),
        "before": _entry_data(one.before),
        "after": _entry_data(one.after),
        "impact": impact_of(one.consequences),
        **({} if is_hidden else {k: [*map(as_data, v)] for k, v in found.items()}),
    }


def _entry_data(entry: SideWorkflow | None) -> Mapping[str, Any] | None:
    if entry is None:
        return None
    return {
        "key": redact_keys(entry.key),
        "workflow_id": entry.definition.id,
        "name": redact_keys(entry.definition.name),
        "is_live": entry.is_live,
    }
