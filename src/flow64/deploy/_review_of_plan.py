"""A plan as a review, so that what renders one knows nothing of the service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final

from attrs import evolve

from ..definition import EMPTY, redact_for_display
from ..diff import Consequence, estimate
from ..plan import Plan, Step, Target, taking
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
from ._consent import may_skip
from ._drift import shown_as


def review_of_plan(
    plan: Plan, *, prices: Mapping[str, float] = EMPTY, root: Path | None = None
) -> Review:
    """What a plan would do, as a review that can be rendered.

    Args:
        plan: What `planning` made; one that was saved and loaded does as well.
        prices: Dollars for one row by kind, in place of those that are documented.
        root: The folder of the repository; files below it are named from there.

    Raises:
        ArgumentError: A price is no number of dollars.
    """
    return Review(
        "plan",
        [_reviewed(step, plan, prices, root) for step in plan.steps],
        env=plan.env,
        endpoint=plan.endpoint,
        renames=tuple(
            Rename(rename.key, rename.orphan, rename.was)
            for rename in plan.renames
            if not rename.is_decided
        ),
        not_checked=plan.not_checked,
    )


def _reviewed(
    step: Step, plan: Plan, prices: Mapping[str, float], root: Path | None
) -> Reviewed:
    env, secrets = plan.env, plan.secrets
    told = Reviewed(
        step.key,
        step.state,
        id=step.id,
        title=step.name,
        action=step.action,
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
    )
    # What is not written is not drawn, and an orphan holds secrets that nobody knows.
    if step.target is None or (step.sent is None and not step.settings):
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


_EDITED: Final = ("drifted", "conflict")


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
