"""A plan as a review, so that what renders one knows nothing of the service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from attrs import evolve

from ..definition import EMPTY, redact_for_display
from ..diff import Consequence, estimate
from ..plan import Action, Flag, Plan, Step, Target, taking
from ..render import (
    InFlight,
    Rename,
    Review,
    Reviewed,
    Schedule,
    created,
    fields_of,
    redact_pair,
)
from ._consent import NOTHING, Agreement, is_lifted, may_skip
from ._drift import shown_as


def review_of_plan(
    plan: Plan,
    agreed: Agreement = NOTHING,
    *,
    prices: Mapping[str, float] = EMPTY,
    root: Path | None = None,
) -> Review:
    """Return what a plan would do, as a review that can be rendered.

    Args:
        plan: The plan, made or loaded.
        agreed: What was agreed to already: such steps are not shown as refused.
        prices: Dollars for one row by kind, in place of those that are documented.
        root: The folder of the repository; files below it are named from there.

    Raises:
        ArgumentError: A price is no number of dollars.
    """
    return Review(
        "plan",
        [_reviewed(step, plan, agreed, prices, root) for step in plan.steps],
        env=plan.env,
        endpoint=plan.endpoint,
        renames=tuple(
            Rename(rename.key, rename.orphan, rename.was)
            for rename in plan.renames
            if not rename.is_decided
        ),
        not_checked=plan.not_checked,
        requests=plan.requests,
        cached=plan.vouched,
    )


def _reviewed(
    step: Step,
    plan: Plan,
    agreed: Agreement,
    prices: Mapping[str, float],
    root: Path | None,
) -> Reviewed:
    env, secrets = plan.env, plan.secrets
    is_allowed = step.action == "refuse" and is_lifted(step, agreed)
    given: list[Flag] = [*step.consents] if is_allowed else []
    if step.spends and step.key in agreed.allow_spend:
        given.append("allow_spend")
    told = Reviewed(
        step.key,
        step.state,
        id=step.id,
        title=step.name,
        action=_action_if_lifted(step) if is_allowed else step.action,
        reasons=step.reasons,
        lifted_by=step.lifted_by,
        also=step.also,
        may_skip=may_skip(step),
        file=_file(step, root),
        are_edits_known=step.base is not None or step.state not in _EDITED,
        edits=step.edits,
        changes=step.changes,
        consequences=step.consequences,
        unmanaged=step.unmanaged,
        settings=step.settings,
        taking=taking(step, env) if step.settings else "",
        spends=step.spends,
        effects=step.effects,
        schedules=_schedules(step),
        runs=_runs(step),
        not_checked=step.not_checked,
        given=tuple(given),
    )
    # What is not written is not drawn. Of what has no code, secrets are not known.
    if step.target is None:
        return _without_code(told, step, prices)
    if step.sent is None and not step.settings:
        return told
    if step.live is None:
        return _new(told, step.target, prices)
    code = step.target.definition
    live = shown_as(step.live.definition, code, secrets)
    if step.sent is None:
        cost = estimate(live, prices)
        return evolve(told, cost_before=cost, cost_after=cost)
    sent = step.sent.content
    shown = redact_for_display(sent, code, secrets)
    before, after = redact_pair(live, shown, written=({}, fields_of(code)))
    return evolve(
        told,
        before=before,
        after=after,
        cost_before=estimate(live, prices),
        cost_after=estimate(sent, prices),
    )


def _action_if_lifted(step: Step) -> Action:
    if step.state == "orphan":
        return "delete"
    return "create" if step.live is None else "update"


_EDITED: Final = ("drifted", "conflict")


def _without_code(told: Reviewed, step: Step, prices: Mapping[str, float]) -> Reviewed:
    """A workflow of a plan that the history made, with its cost alone."""
    if step.sent is None:
        return told
    live = None if step.live is None else estimate(step.live.definition, prices)
    cost = estimate(step.sent.content, prices)
    return evolve(told, cost_before=live, cost_after=cost)


def _new(told: Reviewed, target: Target, prices: Mapping[str, float]) -> Reviewed:
    """A workflow that is not there, of which a plan says no more than its effects."""
    new = created(told.key, target.definition, prices)
    follows: tuple[Consequence, ...] = new.consequences
    return evolve(
        told, after=new.after, consequences=follows, cost_after=new.cost_after
    )


def _file(step: Step, root: Path | None) -> str | None:
    """The file of a workflow as people name it."""
    file = None if step.target is None else step.target.file
    if file is None or root is None or not PurePath(file).is_relative_to(root):
        return file
    return PurePath(file).relative_to(root).as_posix()


def _schedules(step: Step) -> tuple[Schedule, ...] | None:
    if step.touched.schedules is None:
        return None
    return tuple(
        Schedule(one.id, one.name, one.cron_expression, one.timezone)
        for one in step.touched.schedules
    )


def _runs(step: Step) -> tuple[InFlight, ...] | None:
    if step.touched.runs is None:
        return None
    return tuple(InFlight(one.id, one.status) for one in step.touched.runs)
