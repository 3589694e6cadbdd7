"""Apply a plan exactly as it was shown, or refuse it.

The whole plan is checked before the first write. Before a write, what it replaces is
saved, and the workflow is read again. After it, the workflow is read to verify it. The
service has no conditional write. So an edit between the last read and the write, one
round trip, is not seen.

Workflows do not depend on each other, so several are written at a time. The first one
is written alone: a problem that would stop all of them, such as a key of another
organisation, stops this one. The others begin in the order of the plan. After one has
failed, no further one begins, and those under way finish. Deletions come last and one
by one: what cannot be undone waits until everything else is verified.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any, Final

from attrs import define, evolve, field, frozen

from ..api import threads
from ..api.calls import get_workflow
from ..api.session import Session
from ..definition import (
    BoundSecret,
    Definition,
    Stamp,
    bound_secrets,
    redact_for_storage,
    secret_texts,
    secret_values,
    split_stamp,
)
from ..diff import as_lines, diff
from ..errors import (
    FlowError,
    OrganisationError,
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
    PlannedWrite,
    describe_activity,
    jobs_of,
    list_left_alone,
    require_no_losses,
)
from ._data_loss import find_losses, find_restore_losses
from ._drift import spends_when_written
from ._history import History, Saved
from ._target import owner_of, owner_path
from ._write import Kind, Write, delete_and_verify


@frozen
class Writing:
    """A step begins.

    Attributes:
        key: Key of the workflow.
        doing: What is sent.
        number: Number of the step, from 1.
        count: The number of all steps.
    """

    key: str
    doing: Doing
    number: int
    count: int


@frozen
class Done:
    """A step was applied and verified.

    Attributes:
        key: Key of the workflow.
        id: Its id.
        doing: What was sent.
        saved: What it replaced, with its file.
        was_gone: It had been deleted already.
    """

    key: str
    id: str
    doing: Doing
    saved: Saved | None = None
    was_gone: bool = False


@frozen
class Failed:
    """A step failed. No step begins after it.

    Attributes:
        key: Key of the workflow.
        id: Its id.
        doing: What should be sent.
        error: Why it failed.
    """

    key: str
    id: str
    doing: Doing
    error: FlowError

    @property
    def is_unknown(self) -> bool:
        """Return True if it is not known whether it was applied."""
        return isinstance(self.error, OutcomeUnknownError)


@frozen
class Summary:
    """The outcome of a plan.

    Attributes:
        done: The applied steps, in the order of the plan.
        failed: The failed steps, in this order. There may be several, since steps run
            at the same time.
        not_tried: Keys of the workflows that nothing was sent for after that.
        skipped: Keys of the workflows that `skip_drifted` left alone.
        was_stopped: The caller asked to stop.
    """

    done: Sequence[Done] = field(default=(), converter=tuple[Done, ...])
    failed: Sequence[Failed] = field(default=(), converter=tuple[Failed, ...])
    not_tried: Sequence[str] = field(default=(), converter=tuple[str, ...])
    skipped: Sequence[str] = field(default=(), converter=tuple[str, ...])
    was_stopped: bool = False

    @property
    def is_complete(self) -> bool:
        """Return True if everything was applied."""
        return not self.failed and not self.not_tried

    @property
    def resume(self) -> str:
        """Say how to continue. Empty if nothing is left."""
        if self.is_complete:
            return ""
        return f"deploy again: {NOT_AGAIN}"


NOT_AGAIN: Final = "what is done by then is not written again"
"""Words for what a command that is repeated does."""

PARALLEL: Final = 4
"""Workflows that are written at a time, by default."""


def apply_plan(
    session: Session,
    plan: Plan,
    agreed: Agreement = NOTHING,
    *,
    history: History,
    endpoint: str | None = None,
    values: Mapping[str, Any] | None = None,
    hidden: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
    is_fresh: bool = False,
    is_checked: bool = False,
    parallel: int = PARALLEL,
    emit: Callable[[Writing | Done | Failed], None] = lambda _: None,
) -> Summary:
    """Apply a plan.

    Args:
        session: Sends the requests.
        plan: The plan.
        agreed: What was agreed to by name.
        history: Where replaced workflows are saved.
        endpoint: Base URL of the client. A plan for another one is refused.
        values: The values of this environment. If no code says which texts of a deleted
            workflow are secret, texts that equal a value are saved by its name.
        hidden: Names of values that are always secret, such as those from variables.
            Texts that equal one are always saved by its name.
        stopped: Called before each step. True stops before this step.
        is_fresh: The plan is of one workflow and was made in the same call. So its read
            is the last one before the write, and the call has one deadline.
        is_checked: Everything that will be written to was read just now.
        parallel: How many workflows are written at a time, at most.
        emit: Called with `Writing`, and then with `Done` or `Failed`, for each step;
            one call at a time, in any thread.

    Raises:
        PlanRefusedError: It needs more than was agreed to.
        PruneError: A deletion is not possible now.
        HistoryError: What is replaced cannot be saved.
        StalePlanError: Something was changed since it was planned.
        SavedPlanError: It was planned for another endpoint.
    """
    jobs = check_plan(
        plan, agreed, history=history, endpoint=endpoint, values=values, hidden=hidden
    )
    known, _ = _find_secrets(plan, values, hidden)
    del values  # an error from here on may show the locals of its frames
    codes = filter(None, map(code_of, plan.steps))
    session.secrets.add(secret_texts(codes, known))
    run = _Application(plan, agreed, history, known, is_fresh, stopped, len(jobs), emit)
    if not (is_fresh or is_checked):
        run.require_current(session, jobs)
    steps = [
        partial(run.run_step, session, number, job)
        for number, job in enumerate(jobs, 1)
    ]
    writes = sum(job.doing != "delete" for job in jobs)
    for step in steps[:1]:
        step()
    threads.gather(steps[1:writes], parallel)
    for step in steps[max(1, writes) :]:
        step()
    found = [made for _, made in sorted(run.outcomes.items())]
    return Summary(
        [made for made in found if isinstance(made, Done)],
        [made for made in found if isinstance(made, Failed)],
        [job.step.key for at, job in enumerate(jobs, 1) if at not in run.outcomes],
        list_left_alone(plan, agreed),
        run.was_stopped,
    )


def check_plan(
    plan: Plan,
    agreed: Agreement = NOTHING,
    *,
    history: History,
    endpoint: str | None = None,
    values: Mapping[str, Any] | None = None,
    hidden: Collection[str] = (),
) -> Sequence[PlannedWrite]:
    """Return what `apply_plan` will send, or refuse it as `apply_plan` does.

    Nothing is sent.
    """
    if endpoint is not None and endpoint != plan.endpoint:
        problem = f"it was made for {plan.endpoint}, and this is {endpoint}"
        raise SavedPlanError(f"of {plan.env}", problem)
    always, in_deletions = _find_secrets(plan, values, hidden)
    jobs = [
        _prepare_saving(
            job, plan, history, in_deletions if job.doing == "delete" else always
        )
        for job in jobs_of(plan, agreed)
    ]
    require_no_losses(jobs, agreed)
    if replaced := [job.saved for job in jobs if job.saved]:
        history.require_writable(replaced)
    return jobs


def _find_secrets(
    plan: Plan, values: Mapping[str, Any] | None, hidden: Collection[str]
) -> tuple[list[BoundSecret], list[BoundSecret]]:
    """Return the secrets of all workflows, and of those that are deleted."""
    bound = [*bound_secrets(filter(None, map(code_of, plan.steps)))]
    given = [*secret_values(values, known=bound)]
    always = [*bound, *(item for item in given if item.value.name in hidden)]
    always += plan.secrets
    return always, always + given


@define
class _Application:
    """Applies a plan that was agreed to.

    Attributes:
        plan: The plan.
        agreed: What was agreed to by name.
        history: Where replaced workflows are saved.
        known: The secrets that are known.
        is_fresh: The plan was made in the same call.
        stopped: Returns True to stop.
        count: The number of steps.
        emit: Called before and after each step.
        outcomes: The outcomes of the steps that began, by number.
        was_stopped: Whether it was stopped.
    """

    plan: Plan
    agreed: Agreement
    history: History
    known: Sequence[BoundSecret]
    is_fresh: bool
    stopped: Callable[[], bool]
    count: int
    emit: Callable[[Writing | Done | Failed], None]
    outcomes: dict[int, Done | Failed] = field(factory=dict)
    was_stopped: bool = False
    _emitting: Lock = field(factory=Lock, init=False)

    def require_current(self, session: Session, jobs: Sequence[PlannedWrite]) -> None:
        """Read everything that will be written to, before the first write.

        Raises:
            StalePlanError: Something was changed since it was planned.
        """
        lives = threads.gather([partial(_read, session, job) for job in jobs])
        stale = [
            error
            for job, live in zip(jobs, lives, strict=True)
            if (error := self._find_stale(job, live)) is not None
        ]
        if stale:
            others = [error.workflow for error in stale[1:]]
            raise evolve(stale[0], others=others)

    def run_step(self, session: Session, number: int, job: PlannedWrite) -> None:
        """Apply one step, unless another one failed or it was stopped."""
        if self._is_over():
            return
        self._announce(Writing(job.step.key, job.doing, number, self.count))
        made: Done | Failed
        try:
            made = self._apply(session, job)
        except OrganisationError:
            raise  # it ends the whole call, and not only this step
        except FlowError as error:
            made = Failed(job.step.key, job.step.id, job.doing, error)
        self.outcomes[number] = made
        self._announce(made)

    def _announce(self, event: Writing | Done | Failed) -> None:
        with self._emitting:
            self.emit(event)

    def _is_over(self) -> bool:
        if any(isinstance(made, Failed) for made in self.outcomes.values()):
            return True
        self.was_stopped = self.was_stopped or self.stopped()
        return self.was_stopped

    def _apply(self, session: Session, job: PlannedWrite) -> Done:
        """Save, read, write, and read again."""
        step, saved = job.step, None
        if job.saved is not None:
            now = evolve(job.saved, at=self.history.now())
            saved = self.history.save(now)
        done = Done(step.key, step.id, job.doing, saved)
        if job.doing == "delete":
            return self._delete(session, job, done)
        before = step.live.definition if step.live else None
        if not self.is_fresh:
            before = self._read_again(session, job)
        _write_of(session, step, job.doing, before, self.known).run()
        return done

    def _delete(self, session: Session, job: PlannedWrite, done: Done) -> Done:
        """Delete a workflow, if it still exists and nothing uses it."""
        step = job.step
        touched = fetch_activity(session, step.id)
        live = self._read_again(session, job)
        if live is None:
            return evolve(done, was_gone=True)
        problems = [*describe_activity(evolve(step, touched=touched), self.agreed)]
        if not self._is_ours(step, live.stamp):
            problems.append(
                f"{step.key}: it has no genuine stamp of this project and environment"
            )
        if problems:
            raise PruneError(problems, [step.key])
        delete_and_verify(session, step.name, step.id)
        return done

    def _read_again(self, session: Session, job: PlannedWrite) -> Definition | None:
        live = _read(session, job)
        if (error := self._find_stale(job, live)) is not None:
            raise error
        return live

    def _find_stale(
        self, job: PlannedWrite, live: Definition | None
    ) -> StalePlanError | None:
        """Return an error if the live workflow changed after the plan was made."""
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
        """Return True for a stamp of this project and environment."""
        if stamp is None or not stamp.is_genuine(step.id) or is_pin(stamp.path):
            return False
        owners = [owner_path(one, self.plan.env) for one in self.plan.projects or ()]
        return owner_of(stamp.path) in owners


def _read(session: Session, job: PlannedWrite) -> Definition | None:
    return get_workflow(session, job.step.id)


def _write_of(
    session: Session,
    step: Step,
    doing: Doing,
    before: Definition | None,
    hidden: Sequence[BoundSecret],
) -> Write:
    """Return the write of a step."""
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
        session,
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
    """Return the error of a step if its live workflow changed after the plan.

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
    """Return what a step writes, with its secrets. None for a deletion."""
    if step.target is not None:
        return step.target.definition
    return step.sent.content if step.sent else None


def _prepare_saving(
    job: PlannedWrite, plan: Plan, history: History, known: Iterable[BoundSecret]
) -> PlannedWrite:
    """Add to a job what is saved before it replaces something."""
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
