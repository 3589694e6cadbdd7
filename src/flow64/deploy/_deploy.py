"""Deploy: plan and apply of one workflow, with a look before the write and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from ..api import Channel, Session
from ..definition import (
    LOCAL,
    BoundSecret,
    Definition,
    Stamp,
    redact_for_display,
)
from ..diff import as_lines
from ..errors import ConsentError, LocalNamespaceError, StateRefusedError
from ..plan import Plan, State, Step, Target
from ._apply import apply_plan
from ._consent import NOTHING, Agreement
from ._git import Git
from ._history import History
from ._planner import plan_one
from ._target import Deployable, target_of

__all__ = [
    "Deployable",
    "Deployment",
    "Preview",
    "Ready",
    "before_step",
    "plan_and_apply",
    "prepare_deploy",
    "require_namespace",
]


@frozen
class Deployment:
    """What a deploy did.

    Attributes:
        workflow_id: Id of the workflow.
        state: What was found before: `unchanged` means that nothing was sent.
        changes: What the write changed, in the lines of a plan.
        unmanaged: Live fields that code does not set; they were left as they are.
        replaced: The definition that was there before, where one was overwritten; what
            stands in the place of a secret is masked in it.
    """

    workflow_id: str
    state: State
    changes: tuple[str, ...] = field(default=(), converter=tuple[str, ...])
    unmanaged: tuple[str, ...] = field(default=(), converter=tuple[str, ...])
    replaced: Definition | None = None

    @property
    def has_written(self) -> bool:
        """Whether anything was sent."""
        return self.state != "unchanged"


@frozen
class Preview:
    """What a deploy would do, as things are now.

    Attributes:
        workflow_id: Id of the workflow.
        state: What is the case.
        changes: What a write would change, in the lines of a plan.
        edits: What was edited on the service since the last deploy, in such lines. They
            are known if the code has not changed since.
        lost: JSON pointers of texts that a write would lose, since they stand where a
            secret does and so are not saved.
        unmanaged: Live fields that code does not set, and that stay as they are.
        spends: What would be bought as soon as it is written.
        is_taken: Whether the id is taken by a workflow that the credential may not see.
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
        """Whether nothing is to be sent."""
        return self.state == "unchanged"

    @property
    def needs_force(self) -> bool:
        """Whether it would overwrite what this code did not put there."""
        states = ("foreign", "drifted", "conflict", "behind")
        return not self.is_taken and (self.state in states or bool(self.lost))


@frozen
class Ready:
    """A workflow compiled for one environment, and checked before anything is sent."""

    workflow: Deployable
    env: str
    target: Target
    secrets: Sequence[BoundSecret] = field(default=(), repr=False)

    @property
    def definition(self) -> Definition:
        """What is wanted, with the values of the environment filled in."""
        return self.target.definition

    @property
    def stamp(self) -> Stamp:
        """What a deploy of it leaves behind."""
        return self.target.stamp

    @property
    def name(self) -> str:
        """The title, for errors."""
        return self.workflow.name

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self.target.id

    @property
    def is_pinned(self) -> bool:
        """Whether the code names an imported workflow."""
        return self.target.is_pinned


def prepare_deploy(
    workflow: Deployable,
    env: str,
    values: Mapping[str, Any] | None,
    suffix: str = "",
) -> Ready:
    """Compile for an environment, before anything is sent.

    Args:
        workflow: What to deploy.
        env: Where.
        values: What its values stand for there.
        suffix: What the environment adds to titles.

    Raises:
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not fill in all its values.
    """
    target = target_of(workflow, env, values, suffix=suffix, git=Git())
    return Ready(workflow, env, target)


def require_namespace(ready: Ready, channel: Channel) -> None:
    """Refuse a workflow whose id others may share, anywhere but on this machine."""
    is_shared = ready.stamp.path.startswith(f"ns:{LOCAL}/") and not ready.is_pinned
    if is_shared and not channel.is_local:
        raise LocalNamespaceError(ready.name, channel.endpoint)


async def preview(session: Session, ready: Ready, *, endpoint: str) -> Preview:
    """Return what a deploy would do. Only reads are sent."""
    step = await plan_one(
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


async def plan_and_apply(
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
        ready: What to deploy.
        force: Whether to overwrite what this code did not leave there.
        allow_spend: Whether it may buy as soon as it is written.
        endpoint: Where the client that plays this leads.
        history: Where what is replaced is saved; None takes the default place.
    """
    code, target = ready.definition, ready.target
    secrets = ready.secrets
    step = await plan_one(
        session, target, env=ready.env, endpoint=endpoint, secrets=secrets
    )
    before = before_step(step)
    is_refused = step.action == "refuse" and not (force and step.lifted_by)
    if step.is_taken:
        raise StateRefusedError(ready.name, ready.id, "taken")
    if is_refused and step.state != "update":  # what would be lost, applying says
        raise StateRefusedError(ready.name, ready.id, step.state, _differences(step))
    if step.action == "none":
        return Deployment(ready.id, "unchanged", unmanaged=step.unmanaged)
    if step.spends and not allow_spend and not is_refused:
        raise ConsentError(ready.name, step.spends)
    key = frozenset({target.key})
    named = key if force else NOTHING.force
    agreed = Agreement(force=named, behind=named, allow_spend=key)
    # One look is all there is: the plan is as old as the request before.
    summary = await apply_plan(
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
    """Return what stands against a deploy, as lines of text.

    If the code has changed as well, nobody knows which of the differences are edits.
    """
    if step.edits:
        return [*as_lines(step.edits)]
    about = "what is live differs from your code, which would change:"
    return [about, *(f"  {line}" for line in as_lines(step.changes))]


def before_step(step: Step) -> Definition | None:
    """What is there, as it was read."""
    return step.live.definition if step.live else None
