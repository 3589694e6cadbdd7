"""Planning: read what the service has, and say what a deploy would do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

from attrs import define, evolve, field, frozen

from ..api import threads
from ..api.calls import (
    MOST_RUNS,
    WorkflowInfo,
    get_workflow,
    list_runs,
    list_schedules,
    list_workflows,
    read_workflow,
)
from ..api.session import Session
from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    ProjectKey,
    canonical_id,
    secret_texts,
)
from ..errors import (
    AnswerError,
    ApiError,
    ArgumentError,
    ForbiddenError,
    NotFoundError,
)
from ..plan import Plan, Step, Target, hold_renames
from ._activity import find_activity, group_by_workflow, is_cut
from ._git import Ancestry, Git
from ._orphans import find_leftovers, leftover_steps
from ._renames import find_renamed_steps
from ._steps import (
    Bases,
    PlanContext,
    forbidden_step,
    missing_step,
    no_base,
)

T = TypeVar("T")


@frozen
class Looked:
    """One more workflow was read.

    Attributes:
        done: How many were read so far.
        total: How many targets there are.
    """

    done: int
    total: int


def make_plan(
    session: Session,
    targets: Iterable[Target],
    *,
    env: str,
    endpoint: str,
    projects: Iterable[ProjectKey] | None = None,
    left_out: Iterable[str] | None = None,
    create: Iterable[str] = (),
    branches: bool = False,
    prune: bool = False,
    prices: Mapping[str, float] = EMPTY,
    git: Ancestry | None = None,
    bases: Bases = no_base,
    secrets: Iterable[BoundSecret] = (),
    emit: Callable[[Looked], None] = lambda _: None,
) -> Plan:
    """Read what the service has, and say what a deploy would do.

    One list shows which workflows exist, and which code deployed them. Each workflow
    is read. Two more lists show the
    schedules and runs of workflows that would be changed or pruned. A plan of a single
    target reads only that one.

    Args:
        session: Sends the requests.
        targets: The wanted workflows. Ids and keys are unique.
        env: Name of the environment.
        endpoint: Base URL of the client.
        projects: The projects that were loaded whole. Workflows that they deployed and
            that are no longer in the code are orphans. None looks for no orphans.
        left_out: Ids of other workflows of these projects, if the targets are only a
            part of them. Such a plan has no orphans. They are only looked for if a
            target is new, since it may be an orphan under another key.
        create: Keys of workflows that are new, even if an orphan is like them.
        branches: Allow to update workflows, and to delete orphans, that were deployed
            by a commit that the code does not have.
        prune: Delete orphans. Pinned ones are never deleted.
        prices: Dollars for one row by kind, in place of the documented ones.
        git: Knows the commits. None asks git.
        bases: Finds the definition that was deployed last, to show what was edited.
        secrets: Secrets to hide in everything live, also where code does not mark
            them, such as values of the environment that come from variables.
        emit: Called after each workflow that was read, in any thread.

    Raises:
        ArgumentError: Two targets have one id or one key.
        ApiError: The service refused to show a workflow.
        TransportError: It cannot be reached.
    """
    wanted = tuple(targets)
    _require_unique(wanted)
    context = PlanContext(
        wanted,
        branches=branches,
        prune=prune,
        prices=prices,
        git=Git() if git is None else git,
        bases=bases,
        hidden=tuple(secrets),
    )
    planner = Planner(
        context,
        env,
        endpoint,
        projects=None if projects is None else tuple(projects),
        left_out=None if left_out is None else frozenset(map(canonical_id, left_out)),
        emit=emit,
    )
    definitions = [target.definition for target in wanted]
    session.secrets.add(secret_texts(definitions, context.hidden))
    before = session.requests
    plan = planner.make(session, frozenset(create))
    count = session.requests - before
    return evolve(plan, requests=count, secrets=context.hidden, prices=prices)


def plan_one(
    session: Session,
    target: Target,
    *,
    env: str,
    endpoint: str,
    secrets: Sequence[BoundSecret] = (),
) -> Step:
    """Plan one workflow for a deploy that follows at once, with one read.

    This plan is applied before anyone sees it. So schedules and runs are not listed,
    and the read is the last one before the write.
    """

    def find_base(_: str) -> Definition:
        return target.definition  # compared with the stamp before it is used

    session.secrets.add(secret_texts([target.definition], secrets))
    context = PlanContext([target], hidden=secrets, bases=find_base)
    planner = Planner(context, env, endpoint)
    return planner.plan_target(session, target, None)


def _require_unique(targets: Sequence[Target]) -> None:
    ids: dict[str, str] = {}
    keys: set[str] = set()
    for target in targets:
        if other := ids.get(canonical_id(target.id)):
            problem = f"{other!r} and {target.key!r} have one id, {target.id}"
            raise ArgumentError("planning", f"{problem}; pin one of them elsewhere")
        if target.key in keys:
            problem = f"two workflows are called {target.key!r}"
            raise ArgumentError("planning", f"{problem}; give each a key of its own")
        ids[canonical_id(target.id)] = target.key
        keys.add(target.key)


@define
class Planner:
    """Makes one plan.

    Attributes:
        context: What its steps have in common.
        env: Name of the environment.
        endpoint: Base URL of the client.
        projects: The projects that were loaded whole; see `make_plan`.
        left_out: Ids of their other workflows, if the targets are a part; see there.
        emit: Called after each workflow that was read.
        not_checked: What could not be checked, in words.
        may_list: Whether the service gives the list of workflows. None before it is
            asked.
    """

    context: PlanContext
    env: str
    endpoint: str
    projects: tuple[ProjectKey, ...] | None = None
    left_out: frozenset[str] | None = None
    emit: Callable[[Looked], None] = lambda _: None
    not_checked: list[str] = field(factory=list[str])
    may_list: bool | None = None

    def make(self, session: Session, create: frozenset[str]) -> Plan:
        """Make the plan, but for its facts about the client."""
        listed = self._list_if_needed(session)
        numbers = count(1)
        steps: Sequence[Step] = threads.gather(
            [
                partial(self._plan_and_emit, session, target, listed, numbers)
                for target in self.context.targets
            ]
        )
        if self.may_list is None and steps[0].live is None:
            # A wrong endpoint answers 404 to everything. Only the list shows it.
            self._list(session)
        new = [step for step in steps if step.state == "new"]
        if self.left_out is not None and new and listed is None:
            listed = self._list(session)
        extra: Sequence[Step] = ()
        if listed is not None:
            extra = self._plan_leftovers(session, listed, has_new=bool(new))
        orphans = [step for step in extra if step.may_prune]
        if self.left_out is not None:
            extra = [step for step in extra if step.state != "orphan"]
        renames = [
            evolve(rename, is_decided=rename.key in create)
            for rename in find_renamed_steps(new, orphans)
        ]
        steps = [*hold_renames(steps, renames), *extra]
        return Plan(
            env=self.env,
            endpoint=self.endpoint,
            steps=self._add_activity(session, steps),
            projects=None if listed is None or self._is_part else self.projects,
            renames=tuple(renames),
            not_checked=tuple(self.not_checked),
        )

    @property
    def _is_part(self) -> bool:
        """Whether the projects may have other workflows than the targets."""
        return self.projects is None or self.left_out is not None

    def _list_if_needed(self, session: Session) -> Mapping[str, WorkflowInfo] | None:
        """Return all workflows by id; None if not needed, or if refused."""
        if self._is_part:
            part = "not all code of a project is at hand"
            if self.left_out is not None:
                part = "only a part of the project was named"
            what = "orphans (workflows that are no longer in the code)"
            self.not_checked.append(f"{what}: not looked for, since {part}")
            if len(self.context.targets) == 1:
                return None
        return self._list(session)

    def _list(self, session: Session) -> Mapping[str, WorkflowInfo] | None:
        """Return all workflows by id; None if the service refuses to list them.

        Raises:
            NotFoundError: The endpoint is wrong, since it has no list of workflows.
        """
        try:
            listed = list_workflows(session)
        except ForbiddenError as error:
            self.may_list = False
            self.not_checked.append(f"orphans and copies: {_describe_refusal(error)}")
            return None
        self.may_list = True
        return {canonical_id(info.id): info for info in listed}

    # -- Targets -----------------------------------------------------------------------

    def _plan_and_emit(
        self,
        session: Session,
        target: Target,
        listed: Mapping[str, WorkflowInfo] | None,
        numbers: Iterator[int],
    ) -> Step:
        step = self.plan_target(session, target, listed)
        self.emit(Looked(next(numbers), len(self.context.targets)))
        return step

    def _is_missing(self, step: Step) -> bool:
        """Return True if the service was asked for a workflow and showed none."""
        return step.live is None

    def plan_target(
        self,
        session: Session,
        target: Target,
        listed: Mapping[str, WorkflowInfo] | None,
    ) -> Step:
        """Read one target, and return its step."""
        try:
            live = read_workflow(session, target.id).definition
        except NotFoundError:
            return missing_step(target)
        except ForbiddenError:
            if listed is None and self.may_list is None:
                self._list(session)
            if not self.may_list:
                raise  # a key that may read nothing shows nothing about this id
            return forbidden_step(target)
        if live is None:
            path = f"/workflows/{target.id}"
            raise AnswerError("GET", path, "it has no definition")
        return self.context.compare(target, live)

    # -- Orphans, schedules and runs ---------------------------------------------------

    def _plan_leftovers(
        self, session: Session, listed: Mapping[str, WorkflowInfo], *, has_new: bool
    ) -> Sequence[Step]:
        """Return the steps of orphans, if they are looked for, and of copies."""
        is_wanted = self.left_out is None or has_new
        projects = (self.projects or ()) if is_wanted else ()
        others = self.left_out or frozenset()
        rest = {ref: info for ref, info in listed.items() if ref not in others}
        found = find_leftovers(self.context, rest, projects, self.env)
        lives = threads.gather(
            [partial(get_workflow, session, info.id) for _, info in found.orphans]
        )
        return leftover_steps(self.context, found, lives)

    def _add_activity(self, session: Session, steps: Sequence[Step]) -> Sequence[Step]:
        """Add the schedules and active runs to the steps that would disturb them."""
        ids = {canonical_id(step.id) for step in steps if _may_disturb(step)}
        if not ids:
            return steps
        only = next(iter(ids)) if len(ids) == 1 else None
        schedules = self._list_or_note(
            "schedules", lambda: list_schedules(session, only)
        )
        runs = self._list_or_note(
            "runs in flight", lambda: list_runs(session, only, status="active")
        )
        has_more = is_cut(runs)
        if has_more:
            self.not_checked.append(
                f"runs in flight beyond the newest {MOST_RUNS}, which are all that the "
                "service lists"
            )
        on, flying = group_by_workflow(schedules), group_by_workflow(runs)
        return [
            evolve(step, touched=find_activity(step.id, on, flying, has_more=has_more))
            if _may_disturb(step)
            else step
            for step in steps
        ]

    def _list_or_note(
        self, what: str, job: Callable[[], Sequence[T]]
    ) -> Sequence[T] | None:
        """Return a list; None, with a note, if the service does not give it."""
        try:
            return job()
        except (ApiError, AnswerError) as error:
            self.not_checked.append(f"{what}: {_describe_refusal(error)}")
            return None


def _may_disturb(step: Step) -> bool:
    """Return True if a write would change what runs. A stamp alone does not."""
    is_update = step.live is not None and step.sent is not None
    return (is_update and step.action != "stamp") or step.may_prune


def _describe_refusal(error: ApiError | AnswerError) -> str:
    """Say in a few words why a list was not given."""
    if isinstance(error, ApiError):
        return f"the service answered {error.status}"
    return "the service did not answer as documented"
