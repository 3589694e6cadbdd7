"""Turn a plan into a review, which renderers show."""

from __future__ import annotations

from pathlib import Path, PurePath

from attrs import evolve

from ..analysis import estimate_cost
from ..definition import redact_for_display
from ..diff import fields_of, redact_pair
from ..plan import (
    Action,
    Details,
    Flag,
    Plan,
    Review,
    Step,
    take_over_command,
)
from ..render import make_new_step
from ._consent import NOTHING, Agreement, is_lifted
from ._drift import prepare_for_display
from ._target import key_of


def review_of_plan(
    plan: Plan,
    agreed: Agreement = NOTHING,
    *,
    root: Path | None = None,
    command: str = "",
) -> Review:
    """Return a review of what a plan would do.

    Args:
        plan: The plan, made or loaded.
        agreed: The consents. A step that needs only these is not shown as refused.
        root: The folder of the repository. Paths of files below it are relative.
        command: The command that deploys the plan, without consents. By default it is
            `flow64 deploy` for the environment.

    Raises:
        ArgumentError: A price is not a number of dollars.
    """
    return Review(
        "plan",
        [_with_details(step, plan, agreed, root) for step in plan.steps],
        env=plan.env,
        endpoint=plan.endpoint,
        renames=tuple(one for one in plan.renames if not one.is_decided),
        not_checked=plan.not_checked,
        requests=plan.requests,
        cached=plan.vouched,
        command=command,
    )


def _with_details(
    step: Step,
    plan: Plan,
    agreed: Agreement,
    root: Path | None,
) -> Step:
    is_allowed = step.action == "refuse" and is_lifted(step, agreed)
    given: list[Flag] = [*step.consents] if is_allowed else []
    if step.spends and step.key in agreed.allow_spend:
        given.append("allow_spend")
    details = Details(
        file=_file(step, root),
        taking=take_over_command(step, plan.env) if step.settings else "",
        given=tuple(given),
        was=_old_key(step),
    )
    if is_allowed:
        step = evolve(step, action=_action_if_lifted(step))
    if step.target is not None and step.live is None and step.sent is not None:
        # The step of a new workflow only has its effects.
        new = make_new_step(step.key, step.target.definition, plan.prices)
        step = evolve(step, consequences=new.consequences)
        after, cost = new.details.after, new.details.cost_after
        details = evolve(details, after=after, cost_after=cost)
    else:
        details = _with_sides(details, step, plan)
    return evolve(step, details=details)


def _with_sides(details: Details, step: Step, plan: Plan) -> Details:
    """Add costs, and both definitions if one is written."""
    if step.sent is None and not (step.target and step.settings):
        return details
    code = None if step.target is None else step.target.definition
    live = None if step.live is None else step.live.definition
    if live is not None and code is not None:
        live = prepare_for_display(live, code, plan.secrets)
    sent = live if step.sent is None else step.sent.content
    assert sent is not None  # settings are those of a live workflow
    details = evolve(
        details,
        cost_before=None if live is None else estimate_cost(live, plan.prices),
        cost_after=estimate_cost(sent, plan.prices),
    )
    # Only what is written is drawn. Without code, secrets are not known.
    if step.sent is None or live is None or code is None:
        return details
    shown = redact_for_display(sent, code, plan.secrets)
    before, after = redact_pair(live, shown, written=({}, fields_of(code)))
    return evolve(details, before=before, after=after)


def _action_if_lifted(step: Step) -> Action:
    if step.state == "orphan":
        return "delete"
    return "create" if step.live is None else "update"


def _old_key(step: Step) -> str | None:
    """Return the key of the path of a workflow, if `was=` says that it had another."""
    if step.target is None or step.state == "new":
        return None
    # A file of JSON may be called anything, whatever the key is.
    if not str(step.target.file).endswith(".py"):
        return None
    path = step.target.stamp.path
    is_renamed = key_of(path, step.key.partition("/")[0]) == step.key != key_of(path)
    return key_of(path) if is_renamed else None


def _file(step: Step, root: Path | None) -> str | None:
    """Return the file of a workflow, relative to the repository."""
    file = None if step.target is None else step.target.file
    if file is None or root is None or not PurePath(file).is_relative_to(root):
        return file
    return PurePath(file).relative_to(root).as_posix()
