"""Apply: a plan carried out exactly as it was shown, or refused.

Nothing is written before all of it was judged. Each write is preceded by saving what
it replaces and by a last look, and followed by a look that proves it. There is no
conditional write, so a write of somebody else between the last look and ours, one
round trip, is not seen.

Workflows do not depend on each other, so several are written at a time. The first one
is alone: what would stop all of them, such as a key of another organisation, is found
out by it. The others begin in the order of the plan; once one has failed no further one
is begun, and those under way go on to their end. Deletions come last and one by one:
what cannot be taken back waits until all else is seen to be done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import define, evolve, field, frozen

from ..api import Begin, Conversation, Emit, Together, get_workflow
from ..definition import (
    BoundSecret,
    Definition,
    Stamp,
    bound_secrets,
    redact_for_storage,
    secret_values,
    split_stamp,
)
from ..diff import as_lines, diff
from ..errors import (
    FlowError,
    OutcomeUnknownError,
    PruneError,
    SavedPlanError,
    StalePlanError,
)
from ..plan import Plan, Step, digest_of, is_pin
from ._activity import fetch_activity
from ._consent import (
    NOTHING,
    Agreement,
    Doing,
    Job,
    describe_activity,
    find_skipped,
    jobs_of,
    require_saved,
)
from ._data_loss import find_losses, find_restore_losses
from ._drift import spends_when_written
from ._history import History, Saved
from ._target import owner_of, owner_path
from ._write import Kind, Write, delete_and_verify


@frozen
class Writing:
    """A step is about to be carried out.

    Attributes:
        key: Of the workflow.
        doing: What is sent.
        number: Which step it is, from 1.
        count: How many there are.
    """

    key: str
    doing: Doing
    number: int
    count: int


@frozen
class Done:
    """A step that was carried out and seen to be so.

    Attributes:
        key: Of the workflow.
        id: Its id.
        doing: What was sent.
        saved: What it replaced, and where that lies.
        was_gone: Whether it was deleted already.
    """

    key: str
    id: str
    doing: Doing
    saved: Saved | None = None
    was_gone: bool = False


@frozen
class Failed:
    """A step that failed; none was begun after it.

    Attributes:
        key: Of the workflow.
        id: Its id.
        doing: What was to be sent.
        error: Why.
    """

    key: str
    id: str
    doing: Doing
    error: FlowError

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows if it was carried out."""
        return isinstance(self.error, OutcomeUnknownError)


@frozen
class Summary:
    """What became of a plan.

    Attributes:
        done: What was carried out, in the order of the plan.
        failed: What failed, in that order: more than one where they were under way at
            the same time.
        not_tried: Keys of the workflows that nothing was sent for after that.
        skipped: Keys of those that were left alone, as was asked for.
        was_stopped: Whether somebody asked to stop.
    """

    done: Sequence[Done] = field(default=(), converter=tuple[Done, ...])
    failed: Sequence[Failed] = field(default=(), converter=tuple[Failed, ...])
    not_tried: Sequence[str] = field(default=(), converter=tuple[str, ...])
    skipped: Sequence[str] = field(default=(), converter=tuple[str, ...])
    was_stopped: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether all of it was done."""
        return not self.failed and not self.not_tried

    @property
    def resume(self) -> str:
        """How to go on, in words; empty where nothing is left."""
        if self.is_complete:
            return ""
        return (
            "deploy again: what is done is unchanged by then and is not written again"
        )


PARALLEL: Final = 4
"""Workflows that are written at a time, as are read, where nothing else is said."""


def _never() -> bool:
    return False


def apply_plan(
    plan: Plan,
    agreed: Agreement = NOTHING,
    *,
    history: History,
    endpoint: str | None = None,
    values: Mapping[str, Any] | None = None,
    hidden: Collection[str] = (),
    stopped: Callable[[], bool] = _never,
    is_fresh: bool = False,
    is_checked: bool = False,
    parallel: int = PARALLEL,
) -> Conversation[Summary]:
    """Carry out a plan; emits `Writing`, and `Done` or `Failed`, for each step.

    Args:
        plan: What to do.
        agreed: What somebody agreed to.
        history: Where what is replaced is saved.
        endpoint: Where it is carried out; refused where it was planned elsewhere.
        values: What values stand for in this environment. Where code has no more what
            is deleted, a text that equals one of them is saved by its name.
        hidden: Names of values that are secret whatever code says, such as those that
            come from variables: what equals one is saved by its name everywhere.
        stopped: Asked before each step: whether to begin no more of them.
        is_fresh: Whether the plan was made just now, for one workflow, by the same
            call: that look is the last one then, and the call has one deadline.
        is_checked: Whether all that will be written to was looked at just now.
        parallel: Workflows that are written at a time, at most.

    Raises:
        PlanRefusedError: It needs more than was agreed to.
        PruneError: Something is in the way of a deletion.
        HistoryError: There is no place to save what is replaced.
        StalePlanError: Something was changed since it was planned.
        SavedPlanError: It was planned for another endpoint.
    """
    if endpoint is not None and endpoint != plan.endpoint:
        problem = f"it was made for {plan.endpoint}, and this is {endpoint}"
        raise SavedPlanError(f"of {plan.env}", problem)
    known = [*bound_secrets(filter(None, map(code_of, plan.steps)))]
    told = [*secret_values(values, known=known)]
    always = [*known, *(item for item in told if item.value.name in hidden)]
    always += plan.secrets
    jobs = [
        _with_saved(
            job, plan, history, always + told if job.doing == "delete" else always
        )
        for job in jobs_of(plan, agreed)
    ]
    require_saved(jobs, agreed)
    if replaced := [job.saved for job in jobs if job.saved]:
        history.require_writable(replaced)
    apply = _Apply(plan, agreed, history, always, is_fresh)
    if not (is_fresh or is_checked):
        yield from apply.require_current(jobs)
    course = _Course(apply, stopped, len(jobs))
    steps = [course.step(number, job) for number, job in enumerate(jobs, 1)]
    writes = sum(job.doing != "delete" for job in jobs)
    for step in steps[:1]:
        yield from step
    if others := steps[1:writes]:
        yield Together(others, parallel)
    for step in steps[max(1, writes) :]:
        yield from step
    found = course.outcomes
    return Summary(
        [made for _, made in sorted(found.items()) if isinstance(made, Done)],
        [made for _, made in sorted(found.items()) if isinstance(made, Failed)],
        [job.step.key for at, job in enumerate(jobs, 1) if at not in found],
        find_skipped(plan, agreed),
        course.was_stopped,
    )


@define
class _Course:
    """What becomes of the steps of a plan, in whatever order they end.

    Attributes:
        apply: Carries out each of them.
        stopped: Whether somebody asks to stop.
        count: How many there are.
        outcomes: What became of those that were begun, by their number.
        was_stopped: Whether somebody asked to stop.
    """

    apply: _Apply
    stopped: Callable[[], bool]
    count: int
    outcomes: dict[int, Done | Failed] = field(factory=dict)
    was_stopped: bool = False

    def step(self, number: int, job: Job) -> Conversation[None]:
        """Carry out one, unless another one failed or somebody asked to stop."""
        if self._is_over():
            return
        yield Emit(Writing(job.step.key, job.doing, number, self.count))
        made: Done | Failed
        try:
            made = yield from self.apply.carried_out(job)
        except FlowError as error:
            made = Failed(job.step.key, job.step.id, job.doing, error)
        self.outcomes[number] = made
        yield Emit(made)

    def _is_over(self) -> bool:
        if any(isinstance(made, Failed) for made in self.outcomes.values()):
            return True
        self.was_stopped = self.was_stopped or self.stopped()
        return self.was_stopped


@frozen
class _Apply:
    """A plan that was agreed to, on its way."""

    plan: Plan
    agreed: Agreement
    history: History
    known: Sequence[BoundSecret]
    is_fresh: bool

    def require_current(self, jobs: Sequence[Job]) -> Conversation[None]:
        """Look at all that will be written to, before the first write.

        Raises:
            StalePlanError: Something was changed since it was planned.
        """
        stale: list[StalePlanError] = []
        lives: list[Definition | None] = yield Together(
            [get_workflow(job.step.id, code_of(job.step)) for job in jobs]
        )
        for job, live in zip(jobs, lives, strict=True):
            if (error := self._stale(job, live)) is not None:
                stale.append(error)
        if stale:
            others = [error.workflow for error in stale[1:]]
            raise evolve(stale[0], others=others)

    def carried_out(self, job: Job) -> Conversation[Done]:
        """Save, look, write, and look again."""
        step, saved = job.step, None
        if not self.is_fresh:
            yield Begin()
        if job.saved is not None:
            now = evolve(job.saved, at=self.history.now())
            saved = self.history.save(now)
        done = Done(step.key, step.id, job.doing, saved)
        if job.doing == "delete":
            return (yield from self._gone(job, done))
        before = step.live.definition if step.live else None
        if not self.is_fresh:
            before = yield from self._last_look(job)
        yield from write_of(step, job.doing, before, self.known).carried_out()
        return done

    def _gone(self, job: Job, done: Done) -> Conversation[Done]:
        """Delete, unless somebody has done it, or anything is in its way by now."""
        step = job.step
        touched = yield from fetch_activity(step.id)
        live = yield from self._last_look(job)
        if live is None:
            return evolve(done, was_gone=True)
        problems = [*describe_activity(evolve(step, touched=touched), self.agreed)]
        if not self._is_ours(step, live.stamp):
            problems.append(
                f"{step.key}: it has no genuine stamp of this project and environment"
            )
        if problems:
            raise PruneError(problems, [step.key])
        yield from delete_and_verify(step.name, step.id)
        return done

    def _last_look(self, job: Job) -> Conversation[Definition | None]:
        live = yield from get_workflow(job.step.id, code_of(job.step))
        if (error := self._stale(job, live)) is not None:
            raise error
        return live

    def _stale(self, job: Job, live: Definition | None) -> StalePlanError | None:
        """Return an error if a step is no longer as it was planned."""
        step, planned = job.step, job.step.live
        if live is None and (planned is None or job.doing == "delete"):
            return None  # if someone else deleted it, nothing is left to do
        if live and planned and digest_of(live) == planned.digest:
            return None
        old = None
        if planned is not None:
            code = code_of(step)
            old = redact_for_storage(planned.definition, code, self.known).definition
        changes = [*as_lines(step.changes)]
        return stale_error(step, old, live, self.known, changes)

    def _is_ours(self, step: Step, stamp: Stamp | None) -> bool:
        """Whether code of this project left a stamp there, in this environment."""
        if stamp is None or not stamp.is_genuine(step.id) or is_pin(stamp.path):
            return False
        owners = [owner_path(one, self.plan.env) for one in self.plan.projects or ()]
        return owner_of(stamp.path) in owners


def write_of(
    step: Step,
    doing: Doing,
    before: Definition | None,
    hidden: Sequence[BoundSecret] = (),
) -> Write:
    """The write of a step."""
    assert step.sent is not None, "a step that writes has what it sends"
    sent = step.sent.content
    text, stamp = split_stamp(sent.description, step.id)
    wanted = evolve(sent, description=text)
    if step.target is not None:
        wanted, stamp = step.target.definition, step.target.stamp
    kind: Kind = (
        "create" if before is None else "stamp" if doing == "stamp" else "update"
    )
    return Write(
        step.name,
        step.id,
        kind,
        sent,
        stamp,
        wanted,
        before,
        spends=bool(spends_when_written(sent)),
        hidden=hidden,
    )


def stale_error(
    step: Step,
    old: Definition | None,
    live: Definition | None,
    known: Iterable[BoundSecret],
    changes: Sequence[str],
) -> StalePlanError:
    """Return the error of a step that is no longer as it was planned.

    Args:
        step: The step.
        old: What was live when it was planned, as it may be stored.
        live: What is live now.
        known: Further secrets that are known.
        changes: What the step would change, as lines.
    """
    event, edits = "deleted" if live is None else "created", list[str]()
    if old is not None and live is not None:
        new = redact_for_storage(live, code_of(step), known).definition
        event, edits = "edited", [*as_lines(diff(old, new))]
        if old.stamp != new.stamp:
            edits.append("another deploy has written its stamp")
        if not edits:
            edits.append("something that is not shown, such as the text of a secret")
    return StalePlanError(step.key, step.id, event, edits, changes)


def code_of(step: Step) -> Definition | None:
    """What is wanted in a step, secrets bound; None where something is to go."""
    if step.target is not None:
        return step.target.definition
    return step.sent.content if step.sent else None


def _with_saved(
    job: Job, plan: Plan, history: History, known: Iterable[BoundSecret]
) -> Job:
    """A job with what is saved of it first."""
    step = job.step
    if step.live is None:
        return job
    known = [*known]
    saved = Saved.of(
        step.live.definition,
        code_of(step),
        known,
        key=step.key,
        workflow_id=step.id,
        env=plan.env,
        endpoint=plan.endpoint,
        at=history.now(),
        reason=job.reason,
    )
    gone = saved.withheld
    if job.doing == "stamp":
        gone = ()  # the description alone is written, as it is
    elif step.target is not None:
        gone = find_losses(step.target, step.live.definition, known)
    elif step.sent is not None:
        gone = find_restore_losses(step.sent.content, step.live.definition, known)
    return evolve(job, saved=saved, lost=gone)
