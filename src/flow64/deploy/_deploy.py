"""Deploy one workflow: plan it, and apply that plan in the same call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ..api.session import Session
from ..definition import (
    BoundSecret,
    Definition,
    Stamp,
    is_shared_path,
    redact_for_display,
)
from ..diff import as_lines
from ..errors import ConsentError, LocalNamespaceError, StateRefusedError
from ..notebook import Badge, Cell, Lines, as_card, as_change_lines, as_facts
from ..plan import Plan, State, Step, Target
from ._apply import apply_plan
from ._consent import NOTHING, Agreement
from ._git import Git
from ._history import History
from ._planner import plan_one
from ._target import Deployable, target_of


@frozen
class Deployment:
    """The outcome of a deploy.

    Attributes:
        workflow_id: Id of the workflow.
        state: The state before the deploy. If it was `unchanged`, nothing was sent.
        changes: What the write changed, as lines of a plan.
        unmanaged: Live fields that the code does not set. They were left as they are.
        replaced: The definition that was overwritten, with secrets masked.
    """

    workflow_id: str
    state: State
    changes: tuple[str, ...] = field(default=(), converter=tuple[str, ...])
    unmanaged: tuple[str, ...] = field(default=(), converter=tuple[str, ...])
    replaced: Definition | None = None

    @property
    def has_written(self) -> bool:
        """Return True if something was sent."""
        return self.state != "unchanged"

    def _repr_html_(self) -> str:
        facts = {
            "state before": Badge(self.state),
            "sent": "" if self.has_written else "nothing",
            "not set by code": ", ".join(self.unmanaged),
        }
        title = f"Deployment of workflow {self.workflow_id}"
        return as_card(title, as_facts(facts), as_change_lines(self.changes))


@frozen
class Preview:
    """The effect that a deploy would have now.

    Attributes:
        workflow_id: Id of the workflow.
        state: The state of the workflow.
        changes: What a write would change, as lines of a plan.
        edits: What was edited on the service since the last deploy, as such lines. They
            are known if the code has not changed since.
        lost: JSON pointers of texts that a write would lose: they stand in the place of
            a secret, so they are not saved.
        unmanaged: Live fields that the code does not set, and that stay as they are.
        spends: What would be bought as soon as it is written.
        is_taken: The id is taken by a workflow that the credential may not see.
    """

    workflow_id: str
    state: State
    changes: Sequence[str] = ()
    edits: Sequence[str] = ()
    unmanaged: Sequence[str] = ()
    spends: Sequence[str] = ()
    lost: Sequence[str] = ()
    is_taken: bool = False

    @property
    def is_empty(self) -> bool:
        """Return True if nothing would be sent."""
        return self.state == "unchanged"

    @property
    def needs_force(self) -> bool:
        """Return True if it would overwrite something that this code did not deploy."""
        states = ("foreign", "drifted", "conflict", "behind")
        return not self.is_taken and (self.state in states or bool(self.lost))

    def _repr_html_(self) -> str:
        facts: dict[str, Cell] = {
            "state": Badge(self.state),
            "edited on the service": Lines(self.edits),
            "not set by code": ", ".join(self.unmanaged),
            "spends at deploy": "; ".join(self.spends),
        }
        title = f"Preview of workflow {self.workflow_id}"
        return as_card(title, as_facts(facts), as_change_lines(self.changes))


@frozen
class Ready:
    """A workflow that is compiled for one environment, and checked.

    Attributes:
        name: Its title in the code, for errors.
        env: The environment.
        target: What is wanted there.
        secrets: Secrets to hide in everything live.
    """

    name: str
    env: str
    target: Target
    secrets: Sequence[BoundSecret] = field(default=(), repr=False)

    @property
    def definition(self) -> Definition:
        """The definition to deploy, with the values of the environment filled in."""
        return self.target.definition

    @property
    def stamp(self) -> Stamp:
        """The stamp that a deploy leaves."""
        return self.target.stamp

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self.target.id


def prepare_deploy(
    workflow: Deployable,
    env: str,
    values: Mapping[str, Any] | None,
    suffix: str = "",
) -> Ready:
    """Compile for an environment, before anything is sent.

    Args:
        workflow: The workflow to deploy.
        env: The environment.
        values: The values of this environment.
        suffix: What the environment adds to titles.

    Raises:
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not give all its values.
    """
    target = target_of(workflow, env, values, suffix=suffix, git=Git())
    return Ready(workflow.name, env, target)


def require_namespace(
    target: Target, title: str, endpoint: str, *, is_local: bool
) -> None:
    """Refuse an id that other users may have too, unless the service is local.

    Raises:
        LocalNamespaceError: Its id is in the namespace `local`.
    """
    is_shared = is_shared_path(target.stamp.path) and not target.is_pinned
    if is_shared and not is_local:
        raise LocalNamespaceError(title, endpoint)


def preview(session: Session, ready: Ready, *, endpoint: str) -> Preview:
    """Return what a deploy would do. Only reads are sent."""
    step = plan_one(
        session, ready.target, env=ready.env, endpoint=endpoint, secrets=ready.secrets
    )
    return Preview(
        ready.id,
        step.state,
        [*as_lines(step.changes)],
        [*as_lines(step.edits)],
        step.unmanaged,
        step.spends,
        step.lost,
        step.is_taken,
    )


def plan_and_apply(
    session: Session,
    ready: Ready,
    *,
    force: bool,
    allow_spend: bool,
    endpoint: str = "",
    history: History | None = None,
) -> Deployment:
    """Plan one workflow, and apply that plan.

    Args:
        session: Sends the requests.
        ready: The workflow to deploy.
        force: Overwrite what this code did not deploy.
        allow_spend: Allow that it buys as soon as it is written.
        endpoint: Base URL of the client.
        history: Where the replaced workflow is saved. None takes the default place.
    """
    code, target = ready.definition, ready.target
    secrets = ready.secrets
    step = plan_one(session, target, env=ready.env, endpoint=endpoint, secrets=secrets)
    before = step.live.definition if step.live else None
    is_refused = step.action == "refuse" and not (force and step.lifted_by)
    if step.is_taken:
        raise StateRefusedError(ready.name, ready.id, "taken")
    if is_refused and step.state != "update":  # applying says what would be lost
        raise StateRefusedError(ready.name, ready.id, step.state, _differences(step))
    if step.action == "none":
        return Deployment(ready.id, "unchanged", unmanaged=step.unmanaged)
    if step.spends and not allow_spend and not is_refused:
        raise ConsentError(ready.name, step.spends)
    key = frozenset({target.key})
    named = key if force else NOTHING.force
    agreed = Agreement(force=named, behind=named, allow_spend=key)
    # There is one read before the write: the plan is as old as that request.
    summary = apply_plan(
        session,
        Plan(ready.env, endpoint, [step], secrets=secrets),
        agreed,
        history=history or History.of(),
        is_fresh=True,
    )
    for failed in summary.failed:
        raise failed.error
    is_replaced = before is not None and step.action != "stamp"
    return Deployment(
        ready.id,
        step.state,
        as_lines(step.changes),
        step.unmanaged,
        replaced=redact_for_display(before, code, secrets)
        if before and is_replaced
        else None,
    )


def _differences(step: Step) -> Sequence[str]:
    """Return why a deploy is refused, as lines of text.

    If the code has changed too, it is not known which differences are edits.
    """
    if step.edits:
        return [*as_lines(step.edits)]
    about = "what is live differs from your code, which would change:"
    return [about, *(f"  {line}" for line in as_lines(step.changes))]
