"""`flow64 deploy`: show a plan, ask, and apply exactly this plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import define, evolve, field, frozen

from .. import loading
from ..client import Client
from ..definition import Values
from ..deploy.apply import (
    Began,
    Result,
    StepOutcome,
    apply_plan,
    check_plan,
    first_interrupt_waits,
)
from ..deploy.plan import Action, Consents, Plan, Step, load_plan
from ..errors import FlowError, OutcomeUnknownError
from ..text import MOST_NAMES, join_names, pluralize
from . import errors, params, printing
from .commands import STATE
from .plan import PlanSource, plan_workflows
from .service import connect

DONE: Final[Mapping[Action, str]] = {
    "create": "created",
    "update": "updated",
    "stamp": "stamped",
    "schedule": "updated",
    "delete": "deleted",
}
"""Words for the changes that were made."""

MANY: Final = 50
"""Progress is printed each time that so many workflows were written."""


@params.command(
    "deploy",
    "flow64 deploy pipelines/leads.py",
    "flow64 deploy pipelines --env staging --yes",
    "flow64 deploy --select 'leads/*' --exclude leads/jp",
    "flow64 deploy pipelines --force inbound --allow-spend search",
    "flow64 deploy --plan plan.json --yes",
)
@params.source
@params.selection
@params.env
@params.option(
    "--plan plan_file",
    "Make the saved plan again, and apply exactly it, or nothing.",
    "FILE",
    type=params.FILE,
)
@params.keys(
    "--force",
    "Overwrite or delete this workflow although it was edited on the service, was "
    "deployed by newer code, or was not deployed by this code.",
)
@params.create
@params.allow_spend
@params.option(
    "--skip-drifted", "Leave the workflows that need --force, and deploy the rest."
)
@params.option(
    "--prune",
    "Delete the N workflows that are no longer in the code, as in --prune=2.",
    "N",
    type=click.IntRange(min=0),
)
@params.no_code
@params.yes
@params.as_json
def command(
    *,
    source: str | None,
    selection: loading.Selection,
    env: str | None,
    plan_file: Path | None,
    prune: int | None,
    skip_drifted: bool,
    no_code: bool,
    yes: bool,
    **keys: Sequence[str],
) -> int:
    """Show a plan, ask, and apply exactly this plan.

    SOURCE is a file, folder, module or key; by default the project's code. All
    workflows are checked before the first is written. If one is refused, none is
    written. What is replaced is saved first: `flow64 restore` lists it.

    Exits with 3 if it was refused, and with 4 if it is unknown whether a write was
    carried out. The first Ctrl-C lets the current writes finish, the second stops at
    once.
    """
    origin = PlanSource(source, selection.select, selection.exclude, no_code)
    saved = None
    if plan_file is not None:
        if selection or source is not None:
            problem = "a saved plan knows what it is made of: leave SOURCE and the "
            raise params.option_error("--plan", f"{problem}selection out")
        saved = load_plan(plan_file)
        env = env or saved.env
        origin = PlanSource.of(saved.source)
        origin = evolve(origin, no_code=origin.no_code or no_code)
    params.find_environment(env)  # a wrong name, before code is loaded
    loaded = origin.load(env)
    if prune is not None and loaded.is_picked:
        raise params.option_error("--prune", "it needs the whole project: select none")
    with connect(env) as client:
        plan = plan_workflows(client, loaded)
        if plan is None:
            printing.error("nothing was sent")
            return min(errors.find_exit_code(fault) for _, fault in STATE.faults)
        consents = Consents(prune=prune, skip_drifted=skip_drifted)
        if saved is not None and not saved.require_same(plan):
            printing.message("applied already: nothing to do")
        else:
            consents = evolve(consents, **_pick_keys(keys, plan, loaded))
        return confirm_and_apply(client, plan, consents, yes=yes)


def _pick_keys(
    keys: Mapping[str, Sequence[str]], plan: Plan, loaded: loading.Loaded
) -> Mapping[str, Any]:
    """Return the keys that were agreed to, of workflows of the plan."""
    names = [step.key for step in plan.steps]
    left_out = [workflow.name for workflow in loaded.left_out]
    return {
        name: params.pick_keys(f"--{name.replace('_', '-')}", texts, names, left_out)
        for name, texts in keys.items()
    }


# -- Applying --------------------------------------------------------------------------


def confirm_and_apply(
    client: Client, plan: Plan, consents: Consents, *, yes: bool
) -> int:
    """Show a plan, ask, apply it, print what became of it, and return the exit code."""
    (printing.message if yes else printing.tell)(str(plan))
    deployment = Deployment(plan, consents)
    values = Values(client.terms.values)
    options: dict[str, Any] = {"history": client.history, "values": values}
    try:
        steps = check_plan(plan, consents, **options)
        if steps:
            printing.confirm(_ask(steps), yes=yes)
            deployment.apply(client, options)
    except (FlowError, errors.NoConsentError) as error:
        if not STATE.is_json:
            raise
        deployment.fail(error, errors.find_exit_code(error))
    printing.emit(deployment.result())
    if deployment.code in (errors.FAILED, errors.INTERRUPTED):
        printing.tell("deploy again: what is done by then is not written again")
    return deployment.code


def _ask(steps: Sequence[Step]) -> str:
    deletions = sum(step.action == "delete" for step in steps)
    writes = len(steps) - deletions
    parts = [f"write {pluralize(writes, 'workflow')}"] * bool(writes)
    parts += [f"delete {pluralize(deletions, 'workflow')}"] * bool(deletions)
    return f"{' and '.join(parts).capitalize()}?"


@frozen
class Deployed:
    """A plan that was applied, with the outcome of each workflow."""

    env: str
    endpoint: str
    workflows: Sequence[Mapping[str, Any]]
    plan: Mapping[str, Any]
    error: Mapping[str, Any] | None

    def __rich__(self) -> str:
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for workflow in self.workflows:
            if workflow["outcome"] not in ("unchanged", "left"):
                groups.setdefault(workflow["outcome"], []).append(workflow)
        return "\n".join(self._describe(*group) for group in groups.items())

    def _describe(self, outcome: str, workflows: Sequence[Mapping[str, Any]]) -> str:
        names = [workflow["key"] for workflow in workflows]
        # The plan, which stands above, names more of what is done.
        most = 3 if outcome in DONE.values() else MOST_NAMES
        line = f"{outcome:9}  {join_names(names, most)}"
        files = [workflow["saved"] for workflow in workflows if workflow["saved"]]
        if len(workflows) == 1:
            own = workflows[0]["workflow_id"]
            line += f"  {printing.name_file(files[0]) if files else own}"
        elif files:
            line += f"; as they were: {printing.name_file(files[0].parent)}"
        return line


@define
class Deployment:
    """The progress of each workflow while a plan is applied."""

    plan: Plan
    consents: Consents
    words: dict[str, str] = field(factory=dict)
    errors: dict[str, FlowError] = field(factory=dict)
    saved: dict[str, Path] = field(factory=dict)
    under_way: dict[str, None] = field(factory=dict)
    cause: Exception | None = None
    code: int = 0

    def __attrs_post_init__(self) -> None:
        for step in self.plan.steps:
            word = "not tried"
            if self.consents.skips(step) or step.refusal:
                word = "left" if step.action == "delete" else "skipped"
            elif step.is_idle:
                word = "unchanged"
            self.words[step.key] = word

    def apply(self, client: Client, options: Mapping[str, Any]) -> None:
        """Apply the plan, and note what becomes of it."""
        try:
            with first_interrupt_waits(self._announce_stop) as stop:
                result = apply_plan(
                    client.session,
                    self.plan,
                    self.consents,
                    **options,
                    stopped=stop,
                    emit=self._note,
                )
        except KeyboardInterrupt:
            self.code = errors.INTERRUPTED
        except FlowError as error:
            if not self.under_way:
                raise
            self.fail(error, errors.UNKNOWN)
        else:
            self.code = self._find_code(result)
        if self.under_way:
            self.words |= dict.fromkeys(self.under_way, "unknown")
            names = join_names([*self.under_way])
            printing.tell(f"{names} may have been written: deploy again, which looks")

    def fail(self, error: Exception, code: int) -> None:
        """Note and print why the plan was not applied, or not all of it."""
        printing.error(errors.describe(error))
        self.cause, self.code = error, code

    def _announce_stop(self) -> None:
        printing.tell("stopping after what is under way; Ctrl-C again stops at once")

    def _note(self, event: Began | StepOutcome) -> None:
        key = event.step.key
        if isinstance(event, Began):
            self.under_way[key] = None
            if STATE.is_verbose or event.number % MANY == 0:
                at = f"{event.number} of {event.count}"
                printing.message(f"{at}: {event.step.action} {key}")
            return
        del self.under_way[key]
        if event.saved is not None and event.saved.file is not None:
            self.saved[key] = event.saved.file
        if event.error is None:
            STATE.is_done = True
            self.words[key] = DONE[event.step.action]
            return
        printing.error(f"{key}: {errors.describe(event.error)}")
        self.errors[key] = event.error
        is_unknown = isinstance(event.error, OutcomeUnknownError)
        self.words[key] = "unknown" if is_unknown else "failed"

    def _find_code(self, result: Result) -> int:
        codes = {errors.find_exit_code(error) for error in result.errors}
        if errors.UNKNOWN in codes:
            return errors.UNKNOWN
        if codes:  # REFUSED promises that nothing was written
            outcomes = result.outcomes
            is_done = any(not outcome.error or outcome.saved for outcome in outcomes)
            is_refused = codes == {errors.REFUSED} and not is_done
            return errors.REFUSED if is_refused else errors.FAILED
        return errors.INTERRUPTED if result.was_stopped else 0

    def result(self) -> Deployed:
        """Return what became of each workflow."""
        causes = [self.cause, *self.errors.values()]
        cause = next(filter(None, causes), None)
        return Deployed(
            self.plan.label or self.plan.env,
            self.plan.endpoint,
            [
                {
                    "key": step.key,
                    "workflow_id": step.id,
                    "state": step.state,
                    "action": step.action,
                    "outcome": self.words[step.key],
                    "saved": self.saved.get(step.key),
                    "error": str(self.errors.get(step.key, "")) or None,
                }
                for step in self.plan.steps
            ],
            self.plan.as_data(),
            errors.as_data(self.code, cause) if self.code else None,
        )
