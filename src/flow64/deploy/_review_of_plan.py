"""Turn a plan into a review, which renderers show."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from ..analysis import estimate_cost
from ..definition import redact_for_display
from ..diff import fields_of, redact_pair
from ..files import relative_path
from ..plan import (
    Action,
    Details,
    Flag,
    Plan,
    Review,
    Step,
    take_over_command,
)
from ..render import list_other_changes, make_new_step
from ._consent import NOTHING, Agreement, is_lifted
from ._drift import fields_of_last_deploy, keep_fields, prepare_for_display
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
        if step.action == "refuse":
            details = _with_orphan(details, step, plan)
    else:
        details = _with_sides(details, step, plan)
    return evolve(step, details=details)


def _with_orphan(details: Details, step: Step, plan: Plan) -> Details:
    """Add how a workflow differs from the one that it may be a rename of."""
    orphans = {
        one.orphan for one in plan.renames if one.key == step.key and not one.others
    }
    found = [one for one in plan.steps if one.key in orphans and one.state == "orphan"]
    if not found or found[0].live is None or step.target is None:
        return details
    live, code = found[0].live.definition, step.target.definition
    cost = estimate_cost(live, plan.prices)
    if live.stamp is not None and live.stamp.fields is not None:
        live = keep_fields(live, fields_of_last_deploy(live, live.stamp))
    shown = prepare_for_display(live, code, plan.secrets)
    differs = list_other_changes(shown, code, bound=True, written=("after",))
    return evolve(details, cost_before=cost, differs=differs)


def _with_sides(details: Details, step: Step, plan: Plan) -> Details:
    """Add costs, and both definitions if one is written."""
    if details.was and step.sent is None and step.target is not None:
        held = step.target.definition if step.live is None else step.live.definition
        cost = estimate_cost(held, plan.prices)
        return evolve(details, cost_before=cost, cost_after=cost)
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
    old = key_of(path)
    # With several projects of the same keys, that of the project precedes a key.
    ours = step.key.rpartition(":")[2]
    variants = old.partition("/")[2]
    return None if ours == old or not ours.endswith(variants) else old


def _file(step: Step, root: Path | None) -> str | None:
    """Return the file of a workflow, relative to the repository."""
    file = None if step.target is None else step.target.file
    return file if file is None or root is None else relative_path(file, root)
