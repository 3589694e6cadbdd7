"""A plan as text and as JSON data; what looks like a secret is masked in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ..diff import as_data as change_data
from ..diff import as_lines, estimate, estimate_data, format_estimate, setting_lines
from ..errors import OTHER_ENVIRONMENT
from ..plan import (
    Action,
    Consent,
    Plan,
    Rename,
    RunRef,
    ScheduleRef,
    Step,
    Touched,
    counted,
    taking,
)
from ..redaction import redact_keys
from ..text import printable
from ._consent import FLAGS, NOTHING, Agreement, flags, is_lifted, may_skip

_SIGNS: Final[dict[Action, str]] = {
    "none": " ",
    "create": "+",
    "update": "~",
    "stamp": "=",
    "delete": "-",
    "refuse": "!",
}

_DOES: Final[dict[Action, str]] = {
    "none": "nothing is done",
    "create": "is created",
    "update": "is updated",
    "stamp": "gets its stamp, and nothing else",
    "delete": "is deleted",
    "refuse": "is refused",
}

_SUMMARY: Final[dict[Action, str]] = {
    "create": "to create",
    "update": "to update",
    "stamp": "to stamp",
    "delete": "to delete",
    "refuse": "refused",
}

_WAYS: Final[dict[Consent, tuple[str, str]]] = {
    "force": ("take what is there into the code: flow64 pull", "overwrite it"),
    "behind": ("bring your code up to that commit", "overwrite it"),
    "create": ("", "say that it is another workflow"),
}
"""The first way on from a refusal, and what the options that lift it do."""


def as_text(plan: Plan, agreed: Agreement = NOTHING) -> str:
    """A plan as people read it: what is done first, then what is not known.

    Workflows of which nothing is to be said are only counted.

    Args:
        plan: The plan.
        agreed: What is agreed to already: such steps are not shown as refused.
    """
    return "".join(f"{_clean(line)}\n" for line in _lines(plan, agreed))


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
        "cost": None if sent is None else estimate_data(estimate(sent, plan.prices)),
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


# -- Text ------------------------------------------------------------------------------


def _clean(line: str) -> str:
    return printable(redact_keys(line))


def _lines(plan: Plan, agreed: Agreement) -> Iterator[str]:
    yield f"plan for environment {plan.env} at {plan.endpoint}"
    for step in plan.steps:
        if step.state != "unchanged" or step.unmanaged:
            yield ""
            yield from _step_lines(step, plan, agreed)
    undecided = [rename for rename in plan.renames if not rename.is_decided]
    if undecided:
        yield ""
        yield "possibly renamed:"
        for rename in undecided:
            yield f"    {_rename_line(rename)}"
    if plan.not_checked:
        yield ""
        yield "not checked:"
        yield from (f"    {doubt}" for doubt in plan.not_checked)
    yield ""
    yield _summary(plan, agreed)


def _summary(plan: Plan, agreed: Agreement) -> str:
    """How many of each, and what it took."""
    parts: list[str] = []
    does = Counter(_does(step, is_lifted(step, agreed)) for step in plan.steps)
    for action, words in _SUMMARY.items():
        if number := does[action]:
            parts.append(f"{number:,} {words}")
    if number := sum(step.may_prune and step.action == "none" for step in plan.steps):
        parts.append(f"{number:,} to prune")
    if number := sum(step.state == "copy" for step in plan.steps):
        parts.append(f"{number:,} {'copy' if number == 1 else 'copies'}")
    if number := sum(step.state == "unchanged" for step in plan.steps):
        parts.append(f"{number:,} unchanged")
    if number := sum(bool(step.settings) for step in plan.steps):
        parts.append(f"{number:,} with settings that code does not set")
    told = ", ".join(parts) or "nothing to do"
    if not plan.requests:  # of a plan that was read again, or brings something back
        return told
    took = counted(plan.requests, "request")
    vouched = f", {plan.vouched:,} known from before" if plan.vouched else ""
    return f"{told} ({took}{vouched})"


def _does(step: Step, is_agreed: bool) -> Action:
    """What is done, where what is refused was agreed to as well."""
    if step.action != "refuse" or not is_agreed:
        return step.action
    if step.state == "orphan":
        return "delete"
    return "create" if step.live is None else "update"


def _step_lines(step: Step, plan: Plan, agreed: Agreement) -> Iterator[str]:
    action = _does(step, is_lifted(step, agreed))
    does = "" if action == "none" else f", {_DOES[action]}"
    given = [FLAGS[one] for one in step.consents] if action != step.action else []
    says = f", as {' and '.join(given)} {_say(given)}" if given else ""
    more = ", with settings that code does not set" if step.settings else ""
    yield f"{_SIGNS[action]} {step.key}: {step.state}{more}{does}{says}"
    yield f"    {step.name} ({step.id})"
    yield from (f"    {reason}" for reason in step.reasons)
    if step.edits:
        yield "    what was edited on the service:"
        yield from _indented(as_lines(step.edits))
    if step.changes:
        is_open = action == "refuse"
        yield "    what the code would change:" if is_open else "    what changes:"
        yield from _indented(as_lines(step.changes))
    if step.consequences:
        yield "    what follows:"
        yield from _indented(as_lines(step.consequences))
    yield from _unmanaged_lines(step, plan)
    yield from _spending_lines(step, plan, agreed)
    yield from (f"    {line}" for line in _touched_lines(step.touched))
    yield from (f"    not checked: {doubt}" for doubt in step.not_checked)
    if action == "refuse":
        yield f"    ways on: {'; '.join(_ways(step))}"
    elif step.state == "orphan" and action == "none" and step.consents:
        yield f"    deleted only with {flags(step.key, step.consents)}"


def _unmanaged_lines(step: Step, plan: Plan) -> Iterator[str]:
    """The live fields that code does not set; first those that cost or do something."""
    if step.settings:
        yield "    set on the service and not by code, so a deploy leaves it:"
        for setting in step.settings:
            yield from _indented(setting_lines(setting))
        yield f"        all of it as it is live: {taking(step, plan.env)}"
    if step.unmanaged:
        yield f"    left as it is, not set by code: {', '.join(step.unmanaged)}"


def _spending_lines(step: Step, plan: Plan, agreed: Agreement) -> Iterator[str]:
    """What it spends when it is written, what each run of a new one does and costs."""
    if step.spends:
        yield f"    {_spending(step, agreed)}"
    if step.effects and step.action == "create":
        yield f"    {step.effects}"
    if step.live is None and step.sent is not None:
        cost = format_estimate(estimate(step.sent.content, plan.prices))
        yield f"    cost of 1,000 input rows: {cost}"


def _say(given: Sequence[str]) -> str:
    return "says" if len(given) == 1 else "say"


def _spending(step: Step, agreed: Agreement) -> str:
    """What it buys at once, and what that needs; a stamp is not known to."""
    told = f"spends as soon as it is written: {', '.join(step.spends)}"
    if step.action == "stamp":
        told = f"may spend as soon as it is stamped: {', '.join(step.spends)}"
    option = FLAGS["allow_spend"]
    if step.key in agreed.allow_spend:
        return f"{told}, as {option} allows"
    return f"{told}; if that is meant: {flags(step.key, ['allow_spend'])}"


def _ways(step: Step) -> Iterator[str]:
    """The ways on from a refusal."""
    if step.is_taken:
        yield OTHER_ENVIRONMENT
        yield "leave it as it is: --skip-drifted"
        return
    if step.lifted_by is None:
        yield "correct the pin, or take it away to create a new workflow"
        return
    first, does = _WAYS[step.lifted_by]
    if step.state == "orphan":
        does = "delete it"
        if step.lifted_by == "behind":
            first = "bring your code up to what deployed it"
    if first:
        yield first
    yield f"{does}: {flags(step.key, step.consents)}"
    if step.lifted_by == "behind":
        yield "let branches deploy: branches = true in the environment"
    elif step.state != "orphan" and may_skip(step):
        yield "leave it as it is: --skip-drifted"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"        {line}" for line in lines)


def _touched_lines(touched: Touched) -> Iterator[str]:
    schedules, runs = touched.schedules, touched.runs
    if schedules:
        yield f"{counted(len(schedules), 'active schedule')}: {_named(schedules)}"
    if runs:
        yield f"{counted(len(runs), 'run')} in flight: {_named(runs)}"
    missing = ["schedules"] * (schedules is None) + ["runs in flight"] * (runs is None)
    if missing:
        yield f"not checked: {' and '.join(missing)}"


MOST_NAMED: Final = 3
"""Schedules or runs of one workflow that a text names; JSON has all."""


def _named(found: Sequence[ScheduleRef] | Sequence[RunRef]) -> str:
    names = [
        f"{one.name} ({one.cron_expression})"
        if isinstance(one, ScheduleRef)
        else f"{one.id} ({one.status})"
        for one in found[:MOST_NAMED]
    ]
    more = len(found) - len(names)
    return ", ".join([*names, *([f"{more} more"] if more else [])])


def _rename_line(rename: Rename) -> str:
    was = f'Workflow(..., was="{rename.was}")' if rename.was else ""
    keeps = f"{was} keeps its ids; " if was else "its ids hang on names that changed; "
    return (
        f"{rename.orphan} -> {rename.key}: {keeps}--create {rename.key} makes another"
    )
