"""Apply a plan exactly as it was shown, or refuse it.

The whole plan is checked before the first write. Before a write, the workflow is read
again, and what the write replaces is saved. After it, the workflow is read to verify
it. The service has no conditional write. So an edit between the last read and the
write, one round trip, is not seen.

The first workflow is written alone: a problem that would stop all of them, such as a
key of another organisation, stops this one. The others begin in the order of the plan,
a few at a time. After one has failed, no further one begins, and those under way
finish. Deletions come last and one by one.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock, current_thread, main_thread
from types import FrameType

from attrs import define, field, frozen

from ..api import calls, threads
from ..api.session import Session
from ..definition import (
    Definition,
    Values,
    genuine_stamp,
    hide_secrets,
    secret_names,
    secret_texts,
)
from ..errors import ConfigError, ConsentError, FlowError, StalePlanError, list_lines
from ..text import join_words, printable
from . import schedules, writing
from .history import History, Saved
from .judge import find_places
from .plan import (
    NONE,
    Consents,
    Need,
    Plan,
    Step,
    as_option,
    consent_error,
    seal_of,
    stale_error,
)
from .target import is_pin, unset_error


@frozen
class Began:
    """A step begins: the number of it, from 1, and of all."""

    step: Step
    number: int
    count: int


@frozen
class StepOutcome:
    """The outcome of a step.

    Attributes:
        step: The step.
        error: Why it failed. None if it was applied and verified.
        saved: What it replaced, or was about to replace, with its file.
    """

    step: Step
    error: FlowError | None = None
    saved: Saved | None = None


@frozen
class Result:
    """The outcome of a plan.

    Attributes:
        outcomes: Of the steps that began, in the order of the plan.
        not_tried: The steps that nothing was sent for after one failed.
        was_stopped: The caller asked to stop.
    """

    outcomes: Sequence[StepOutcome] = ()
    not_tried: Sequence[Step] = ()
    was_stopped: bool = False

    @property
    def errors(self) -> Sequence[FlowError]:
        """Why steps failed."""
        return [outcome.error for outcome in self.outcomes if outcome.error is not None]

    @property
    def is_complete(self) -> bool:
        """Return True if everything was applied."""
        return not self.errors and not self.not_tried


def apply_plan(
    session: Session,
    plan: Plan,
    consents: Consents = NONE,
    *,
    history: History,
    values: Values | None = None,
    stopped: Callable[[], bool] = lambda: False,
    parallel: int = threads.PARALLEL,
    emit: Callable[[Began | StepOutcome], None] = lambda _: None,
) -> Result:
    """Apply a plan.

    Args:
        session: Sends the requests.
        plan: The plan.
        consents: What was agreed to.
        history: Where replaced workflows are saved.
        values: The values of the environment, which fill in secrets.
        stopped: Called before each step. True stops before this step.
        parallel: How many workflows are written at a time, at most.
        emit: Called as a step begins and ends; one call at a time, in any thread.

    Raises:
        ConsentError: It needs more than was agreed to.
        DeployError: The environment does not give a secret, or what is replaced
            cannot be saved.
        StalePlanError: Something was changed since it was planned.
    """
    values = Values() if values is None else values
    steps = check_plan(plan, consents, history=history, values=values)
    definitions = filter(None, (d for step in steps for d in (step.after, step.before)))
    names = {name for definition in definitions for name in secret_names(definition)}
    session.secrets.add(secret_texts(values, names))
    run = _Application(session, plan, history, values, consents, stopped, emit)
    if len(steps) > 1:
        run.require_current(steps)
    jobs = [
        partial(run.run_step, Began(step, number, len(steps)))
        for number, step in enumerate(steps, 1)
    ]
    writes = sum(step.action != "delete" for step in steps)
    for job in jobs[:1]:
        job()
    threads.gather(jobs[1:writes], parallel)
    for job in jobs[max(1, writes) :]:
        job()
    outcomes = [outcome for _, outcome in sorted(run.outcomes.items())]
    not_tried = [step for at, step in enumerate(steps, 1) if at not in run.outcomes]
    return Result(outcomes, not_tried, run.was_stopped)


# -- Checks before the first write -----------------------------------------------------


def check_plan(
    plan: Plan, consents: Consents, *, history: History, values: Values
) -> Sequence[Step]:
    """Return the steps that `apply_plan` will apply, or refuse as it does.

    Nothing is sent.
    """
    problems = [*_list_problems(plan, consents)]
    if problems:
        raise consent_error(problems)
    steps = [
        step
        for step in plan.steps
        if step.action != "none" and not consents.skips(step)
    ]
    for step in steps:
        if step.action in ("create", "update") and step.after is not None:
            names = secret_names(step.after)
            unset = sorted(name for name in names if not values.has_content(name))
            if unset:
                raise unset_error(step.name, plan.env, unset, values)
    if any(step.before is not None for step in steps):
        history.require_writable()
    return steps


def _list_problems(plan: Plan, consents: Consents) -> Sequence[str]:
    """Return what a plan lacks, one line each."""
    keys = {step.key for step in plan.steps}
    needs: Sequence[Need] = ("force", "create", "allow_spend")
    problems = [
        f"{as_option(need)} {name}: there is no such workflow in the plan"
        for need in needs
        for name in sorted({*getattr(consents, need)} - keys)
    ]
    for step in plan.steps:
        if step.refusal and not consents.skip_drifted:
            problems.append(f"{step.key}: {step.refusal}")
        if consents.skips(step) or step.is_idle:
            continue
        if lacking := consents.lacks(step):
            reasons = step.purchases or step.not_checked
            why = step.note or "; ".join(reasons) or step.state
            ways = " ".join(f"{as_option(need)} {step.key}" for need in lacking)
            if step.advice:
                ways += f", or write {join_words(map(str, step.advice))}"
            problems.append(f"{step.key}: {why}; needs {ways}")
    orphans = plan.orphans
    if consents.prune is not None and not plan.is_whole:
        problems.append(
            "--prune: it is not known what code has no more; plan all of it"
        )
    elif consents.prune not in (None, len(orphans)):
        problems.append(
            f"--prune={consents.prune}: the plan deletes {len(orphans)}: "
            + ", ".join(step.key for step in orphans)
        )
    return problems


# -- The steps -------------------------------------------------------------------------


@define
class _Application:
    """Applies a plan that was agreed to."""

    session: Session = field(repr=False)
    plan: Plan
    history: History
    values: Values
    consents: Consents
    stopped: Callable[[], bool]
    emit: Callable[[Began | StepOutcome], None]
    outcomes: dict[int, StepOutcome] = field(factory=dict)
    saved: dict[str, Saved] = field(factory=dict)
    has_failed: bool = False
    was_stopped: bool = False
    _emitting: Lock = field(factory=Lock, init=False)

    def require_current(self, steps: Sequence[Step]) -> None:
        """Read everything that will be written to, before the first write.

        Raises:
            StalePlanError: Something was changed since it was planned.
        """
        jobs = [partial(calls.find_workflow, self.session, step.id) for step in steps]
        lives = threads.gather(jobs)
        stale = [
            (step, live)
            for step, live in zip(steps, lives, strict=True)
            if _is_stale(step, live)
        ]
        if stale:
            raise self._stale_error(*stale[0], [step.key for step, _ in stale])
        tables = {s.key: s.timetable for s in steps if s.timetable and s.schedules}
        if tables:
            listed = schedules.list_all(self.session)
            for key, table in tables.items():
                writing.require_current(key, table, table.judge(listed))

    def run_step(self, began: Began) -> None:
        """Apply one step, unless another one failed or it was stopped."""
        if self.has_failed:
            return
        self.was_stopped = self.was_stopped or self.stopped()
        if self.was_stopped:
            return
        self._announce(began)
        step, problem = began.step, None
        try:
            self._apply(step)
        except ConfigError:  # such as a key of another organisation
            raise  # it ends the whole call, and not only this step
        except FlowError as error:
            problem, self.has_failed = error, True
        outcome = StepOutcome(step, problem, self.saved.get(step.key))
        self.outcomes[began.number] = outcome
        self._announce(outcome)

    def _announce(self, event: Began | StepOutcome) -> None:
        with self._emitting:
            self.emit(event)

    def _apply(self, step: Step) -> None:
        """Read, save, write, and read again."""
        table = step.timetable if step.schedules else None
        if step.action == "delete":
            self._delete(step, table)
            return
        if table is not None:  # first, since nothing may stand between look and write
            writing.require_current(step.key, table, table.look(self.session))
        live = self._look(step)
        self._save(step, live)
        if step.action != "schedule":
            writing.Write.of(self.session, step, live, self.values).run()
        if table is not None:
            writing.write_schedules(self.session, step.key, table)

    def _delete(self, step: Step, table: schedules.Timetable | None) -> None:
        """Delete a workflow after its schedules: no further run may start."""
        _require_idle(self.session, step, self.consents)
        live = self._look(step)
        if live is None:
            return  # someone else deleted it
        stamp = genuine_stamp(live.stamp, step.id)
        if stamp is None or is_pin(stamp.path):
            raise consent_error([f"{step.key}: it has no stamp of this code"])
        self._save(step, live)
        if table is not None:
            writing.write_schedules(self.session, step.key, table)
            _require_idle(self.session, step, self.consents)  # one may have started
            self._look(step)
        writing.delete(self.session, step)

    def _look(self, step: Step) -> Definition | None:
        """Read a workflow. Raise `StalePlanError` if it is not as it was planned."""
        live = calls.find_workflow(self.session, step.id)
        if _is_stale(step, live):
            raise self._stale_error(step, live, [step.key])
        return live

    def _save(self, step: Step, live: Definition | None) -> None:
        """Save what a step replaces: a workflow, or schedules that one has left."""
        replaced = live or step.code
        is_new = all(write.live is None for write in step.schedules)
        if replaced is None or (live is None and is_new):
            return
        saved = Saved.of(
            replaced,
            find_places(replaced, step.code),
            self.values,
            key=step.key,
            workflow_id=step.id,
            env=self.plan.env,
            endpoint=self.plan.endpoint,
            at=self.history.now(),
            reason="delete" if step.action == "delete" else "update",
            schedules=step.timetable and step.timetable.saved,
        )
        self.saved[step.key] = self.history.save(saved)

    def _stale_error(
        self, step: Step, live: Definition | None, keys: Sequence[str]
    ) -> StalePlanError:
        """Return the error of a workflow that changed after the plan was made."""
        if live is None or step.before is None:
            return stale_error(keys, "deleted" if live is None else "created", [])
        shown = hide_secrets(live, find_places(live, step.code), self.values)
        return stale_error(keys, "edited", writing.list_differences(step.before, shown))


def _is_stale(step: Step, live: Definition | None) -> bool:
    """Return True if the live workflow changed after the plan was made."""
    is_done = live is None and step.action == "delete"
    return seal_of(live) != step.seal and not is_done


def _require_idle(session: Session, step: Step, consents: Consents) -> None:
    """Refuse to delete a workflow in use, or perhaps in use.

    Raises:
        ConsentError: It is in use.
    """
    problems: list[str] = []
    ours = {write.live.id for write in step.schedules if write.live is not None}
    try:
        problems += [
            f"schedule {session.mask(schedule.name)} is active; delete it first"
            for schedule in calls.list_schedules(session, step.id)
            if schedule.is_active is not False and schedule.id not in ours
        ]
        problems += [
            f"run {run.job_id} is in flight; wait for it"
            for run in calls.list_runs(session, step.id, status="active")
            if calls.normal(run.status) not in calls.ENDED
        ]
    except FlowError as error:
        if step.key not in consents.force:
            problems.append(f"it may be in use ({error}); needs --force {step.key}")
    if problems:
        words = f"{printable(step.key)} was not deleted:{list_lines(problems)}"
        raise ConsentError(words, problems=problems)


# -- Interrupts ------------------------------------------------------------------------


@define
class Stop:
    """The wish to stop. `apply_plan` takes it as `stopped`."""

    is_asked: bool = False

    def __call__(self) -> bool:
        """Return True if it was asked for."""
        return self.is_asked


@contextmanager
def first_interrupt_waits(notify: Callable[[], None]) -> Generator[Stop]:
    """Turn the first Ctrl-C into a wish to stop. Only the main thread can do this.

    Writes that are under way finish. The second Ctrl-C stops at once; then it is not
    known whether the writes under way were applied.

    Args:
        notify: Called at the first Ctrl-C.
    """
    stop = Stop()
    if current_thread() is not main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT) or signal.SIG_DFL

    def interrupt(number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            if callable(before) and before is not signal.default_int_handler:
                before(number, frame)
            raise threads.StopNow
        stop.is_asked = True
        notify()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
