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
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock, current_thread, main_thread
from types import FrameType
from typing import Any, Final

from attrs import define, evolve, field, frozen

from ..api import threads
from ..api.calls import (
    ENDED,
    MOST_RUNS,
    Body,
    create_workflow,
    delete_workflow,
    get_workflow,
    list_runs,
    list_schedules,
    normal,
    update_workflow,
)
from ..api.policy import is_refusal
from ..api.session import Session
from ..definition import (
    EMPTY,
    Definition,
    Stamp,
    Values,
    as_body,
    fingerprint,
    genuine_stamp,
    hide_secrets,
    join_places,
    name_secrets,
    secret_names,
    secret_places,
    secret_texts,
    split_stamp,
    stamped_places,
)
from ..diff.compare import compare_definitions
from ..diff.words import format_change, format_path
from ..errors import (
    ConfigError,
    ConflictError,
    ConsentError,
    DeployError,
    FlowError,
    NotFoundError,
    OutcomeUnknownError,
    StalePlanError,
    list_lines,
)
from ..text import printable
from .history import History, Saved, stamped
from .judge import fields_of, fields_of_last_deploy, keep_fields, merge_live
from .plan import NONE, OPTIONS, Action, Consents, Need, Plan, Step, seal_of
from .target import is_pin, unset_error

PARALLEL: Final = 4
"""Workflows that are written at a time."""


@frozen
class Began:
    """A step begins: the number of it, from 1, and of all."""

    step: Step
    number: int
    count: int


@frozen
class Outcome:
    """What became of a step.

    Attributes:
        step: The step.
        error: Why it failed. None if it was applied and verified.
        saved: What it replaced, with its file.
    """

    step: Step
    error: FlowError | None = None
    saved: Saved | None = None


@frozen
class Result:
    """What became of a plan.

    Attributes:
        outcomes: Of the steps that began, in the order of the plan.
        not_tried: The steps that nothing was sent for after one failed.
        was_stopped: The caller asked to stop.
    """

    outcomes: Sequence[Outcome] = ()
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
    parallel: int = PARALLEL,
    emit: Callable[[Began | Outcome], None] = lambda _: None,
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
    known = Values() if values is None else values
    steps = check_plan(plan, consents, history=history, values=known)
    names = {
        name
        for step in steps
        for definition in (step.after, step.before)
        if definition is not None
        for name in secret_names(definition)
    }
    session.secrets.add(secret_texts(known, names))
    run = _Application(session, plan, history, known, consents, stopped, emit)
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
    left = [step for at, step in enumerate(steps, 1) if at not in run.outcomes]
    return Result(outcomes, left, run.was_stopped)


# -- Checks before the first write -----------------------------------------------------


def check_plan(
    plan: Plan, consents: Consents, *, history: History, values: Values
) -> Sequence[Step]:
    """Return the steps that `apply_plan` will apply, or refuse as it does.

    Nothing is sent.
    """
    problems = [*_list_problems(plan, consents)]
    if problems:
        raise _refusal(problems)
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
        history.require_writable(
            saved
            for step in steps
            if (saved := _prepare_saving(plan, step, step.before, history, values))
        )
    return steps


def _refusal(problems: Sequence[str]) -> ConsentError:
    return ConsentError(
        f"the plan was refused, and nothing was written:{list_lines(problems)}",
        problems=problems,
    )


def _list_problems(plan: Plan, consents: Consents) -> Sequence[str]:
    """Return what a plan lacks, one line each."""
    keys = {step.key for step in plan.steps}
    problems = [
        f"{OPTIONS[need]} {name}: there is no such workflow in the plan"
        for need, names in _given(consents)
        for name in sorted(names - keys)
    ]
    for step in plan.steps:
        if step.refusal and not consents.skip_drifted:
            problems.append(f"{step.key}: {step.refusal}")
        if consents.skips(step) or step.is_idle:
            continue
        if lacking := consents.lacks(step):
            why = step.note or "; ".join(step.purchases) or step.state
            ways = " ".join(f"{OPTIONS[need]} {step.key}" for need in lacking)
            also = f", or {step.remedy}" if step.remedy else ""
            problems.append(f"{step.key}: {why}; needs {ways}{also}")
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


def _given(consents: Consents) -> Sequence[tuple[Need, frozenset[str]]]:
    return [
        ("force", consents.force),
        ("create", consents.create),
        ("allow_spend", consents.allow_spend),
    ]


def _prepare_saving(
    plan: Plan,
    step: Step,
    live: Definition | None,
    history: History,
    values: Values,
) -> Saved | None:
    """Return what is saved before a step replaces it."""
    if live is None:
        return None
    code = step.target.definition if step.target else step.restored
    ours = secret_places(code) if code else EMPTY
    last = genuine_stamp(live.stamp, live.id)
    reason: Any = step.action if step.action in ("stamp", "delete") else "update"
    return Saved.of(
        live,
        join_places(ours, stamped_places(live, last)),
        values,
        key=step.key,
        workflow_id=step.id,
        env=plan.env,
        endpoint=plan.endpoint,
        at=history.now(),
        reason=reason,
    )


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
    emit: Callable[[Began | Outcome], None]
    outcomes: dict[int, Outcome] = field(factory=dict)
    was_stopped: bool = False
    _emitting: Lock = field(factory=Lock, init=False)

    def require_current(self, steps: Sequence[Step]) -> None:
        """Read everything that will be written to, before the first write.

        Raises:
            StalePlanError: Something was changed since it was planned.
        """
        jobs = [partial(get_workflow, self.session, step.id) for step in steps]
        lives = threads.gather(jobs)
        stale = [
            (step, live)
            for step, live in zip(steps, lives, strict=True)
            if _is_stale(step, live)
        ]
        if stale:
            raise self._stale_error(*stale[0], [step.key for step, _ in stale])

    def run_step(self, began: Began) -> None:
        """Apply one step, unless another one failed or it was stopped."""
        if any(outcome.error for outcome in self.outcomes.values()):
            return
        self.was_stopped = self.was_stopped or self.stopped()
        if self.was_stopped:
            return
        self._announce(began)
        try:
            outcome = self._apply(began.step)
        except ConfigError:  # such as a key of another organisation
            raise  # it ends the whole call, and not only this step
        except FlowError as error:
            outcome = Outcome(began.step, error)
        self.outcomes[began.number] = outcome
        self._announce(outcome)

    def _announce(self, event: Began | Outcome) -> None:
        with self._emitting:
            self.emit(event)

    def _apply(self, step: Step) -> Outcome:
        """Read, save, write, and read again."""
        if step.action == "delete":
            _require_idle(self.session, step, self.consents)
        live = get_workflow(self.session, step.id)
        if _is_stale(step, live):
            raise self._stale_error(step, live, [step.key])
        if live is None and step.action == "delete":
            return Outcome(step)  # someone else deleted it
        saved = _prepare_saving(self.plan, step, live, self.history, self.values)
        if saved is not None:
            saved = self.history.save(saved)
        if step.action == "delete":
            stamp = genuine_stamp(live.stamp, step.id) if live else None
            if stamp is None or is_pin(stamp.path):
                problem = f"{step.key}: it has no stamp of this code"
                raise _refusal([problem])
            _delete(self.session, step)
        else:
            _Write.of(self.session, step, live, self.values).run()
        return Outcome(step, saved=saved)

    def _stale_error(
        self, step: Step, live: Definition | None, keys: Sequence[str]
    ) -> StalePlanError:
        """Return the error of a step whose workflow changed after the plan was made."""
        event, edits = "deleted" if live is None else "created", list[str]()
        if live is not None and step.before is not None:
            code = step.target.definition if step.target else step.restored
            places = join_places(
                secret_places(code) if code else EMPTY,
                stamped_places(live, genuine_stamp(live.stamp, live.id)),
            )
            shown = hide_secrets(live, places, self.values)
            event, edits = "edited", list_differences(step.before, shown)
        return StalePlanError(
            f"{', '.join(map(printable, keys))}: {event} since the plan was made, so "
            f"nothing more was written; make a new plan{list_lines(edits)}",
            event=event,
            edits=edits,
        )


def _is_stale(step: Step, live: Definition | None) -> bool:
    """Return True if the live workflow changed after the plan was made."""
    is_done = live is None and step.action == "delete"
    return seal_of(live) != step.seal and not is_done


def list_differences(before: Definition, after: Definition) -> list[str]:
    """Return the values that differ between two definitions, as lines."""
    shown = {"title", "description", "block", "edge", "order"}
    changes = compare_definitions(before, after).changes.values()
    return [
        f"{change.sign} {format_path(change.path)}: {format_change(change)}"
        for change in changes
        if change.path[0] in shown
    ]


def _require_idle(session: Session, step: Step, consents: Consents) -> None:
    """Refuse to delete a workflow in use, or perhaps in use.

    Raises:
        ConsentError: It is in use.
    """
    problems: list[str] = []
    try:
        problems += [
            f"schedule {schedule.name or schedule.id} is active; delete it first"
            for schedule in list_schedules(session, step.id)
            if schedule.is_active is not False
        ]
        runs = list_runs(session, step.id, status="active")
    except FlowError as error:
        if step.key not in consents.force:
            problems.append(f"it may be in use ({error}); needs --force {step.key}")
    else:
        active = [run.job_id for run in runs if normal(run.status) not in ENDED]
        problems += [f"run {job_id} is in flight; wait for it" for job_id in active]
        if len(runs) >= MOST_RUNS and not active and step.key not in consents.force:
            problems.append(f"not all runs are listed; needs --force {step.key}")
    if problems:
        raise _refusal([f"{step.key}: {problem}" for problem in problems])


# -- One write -------------------------------------------------------------------------


@frozen
class _Write:
    """A write, and the read that verifies it. It is repeated only if that is free.

    Attributes:
        action: What is sent. `stamp` sends the description alone.
        wanted: The definition that must be live afterwards, with its stamp. Secrets are
            names in it.
        fields: The fields of it that are verified: the service may fill in others.
        before: What was live before.
        spends: The write may spend. After a 429 it is repeated only if a read shows
            that nothing was written, and after a lost answer never.
    """

    session: Session = field(repr=False)
    step: Step
    action: Action
    wanted: Definition
    fields: Mapping[str, frozenset[str]]
    before: Definition | None = field(repr=False)
    values: Values
    spends: bool

    @classmethod
    def of(
        cls, session: Session, step: Step, live: Definition | None, values: Values
    ) -> _Write:
        """Return the write of a step, given its last look."""
        target = step.target
        if step.restored is not None:
            wanted = evolve(stamped(step.restored), id=step.id)
            fields = fields_of(step.restored)
        else:
            assert target is not None, "a step that writes has what it writes"
            last = target.pulled
            if live is not None:
                last = genuine_stamp(live.stamp, live.id) or last
            sent: Mapping[str, frozenset[str]] = {}
            if live is not None:
                places = join_places(
                    stamped_places(live, last), secret_places(target.definition)
                )
                sent = fields_of_last_deploy(live, last, places)
            wanted = target.with_stamp(merge_live(target.definition, live, sent))
            fields = fields_of(target.definition)
        action: Action = step.action
        if action != "stamp":
            action = "create" if live is None else "update"
        spends = bool(step.purchases)
        return cls(session, step, action, wanted, fields, live, values, spends)

    @property
    def _what(self) -> str:
        return f"deploying {self.wanted.name!r} ({self.step.id})"

    @property
    def _body(self) -> dict[str, Any]:
        """What is sent. It may reveal secrets, so no local holds it."""
        if self.action == "stamp":  # fields that are left out keep their value
            return {"workflow_description": self.wanted.description}
        return Body(as_body(self.wanted, self.values))

    def run(self) -> None:
        """Write until what was sent is live.

        Raises:
            ApiError: The service refused it.
            TransportError: It could not be sent.
            DeployError: What is live is not what was sent.
            ConsentError: The id of a new workflow is taken.
            OutcomeUnknownError: No answer came, and a read does not show the outcome.
        """
        is_last = False
        while True:
            lost = self._attempt(is_first=not is_last)
            live = _read_back(self.session, self._what, self.step.id, lost)
            wrong = self._find_differences(live)
            if live is not None and not wrong:
                return
            if self.before is None and isinstance(lost, ConflictError):
                problem = f"{self.step.key}: its id {self.step.id} is taken"
                raise _refusal([problem, *wrong]) from lost
            is_untouched = _is_same(live, self.before)
            if lost is None or (not is_untouched and self._has_our_stamp(live)):
                raise _difference(self.step, self.wanted.name, wrong)
            if not is_untouched:
                reason = f"{lost.message}; what is there now is neither old nor new"
                raise _unknown_error(self._what, reason) from lost
            if is_last or self.spends:
                raise _unknown_error(self._what, lost.message) from lost
            is_last = True

    def _attempt(self, *, is_first: bool) -> FlowError | None:
        """Send it. Return an error if its outcome is unknown."""
        written: list[FlowError] = []

        def look(error: FlowError) -> dict[str, str] | None:
            live = _read_back(self.session, self._what, self.step.id, error)
            if _is_same(live, self.before):
                return None
            written.append(error)
            return {"id": self.step.id}

        lookup = look if self.spends else None
        try:
            if self.action == "create":
                create_workflow(self.session, self._body, look=lookup)
            else:
                update_workflow(self.session, self.step.id, self._body, look=lookup)
        except FlowError as error:
            # A 409 may come because an earlier attempt was applied late.
            is_taken = self.before is None and isinstance(error, ConflictError)
            if is_first and is_refusal(error) and not is_taken:
                raise
            return error
        return written[0] if written else None

    def _has_our_stamp(self, live: Definition | None) -> bool:
        stamp = _stamp_of(self.wanted)
        return live is not None and stamp is not None and live.stamp == stamp

    def _find_differences(self, live: Definition | None) -> Sequence[str]:
        """Return what differs from what was sent, as lines."""
        if live is None:
            return ["it is not there at all"]
        sent = keep_fields(self.wanted, self.fields)
        live = keep_fields(live, self.fields)
        places = secret_places(sent)
        named = name_secrets(live, places, self.values)
        wrong: list[str] = []
        if self.action == "stamp":
            named = evolve(named, blocks=(), edges=())
            sent = evolve(sent, blocks=(), edges=())
        if fingerprint(named) != fingerprint(sent):
            shown = hide_secrets(live, places, self.values)
            wrong += list_differences(hide_secrets(sent, places, self.values), shown)
            wrong = wrong or ["something that is not shown"]
        stamp = _stamp_of(self.wanted)
        if stamp is not None and (
            live.stamp is None or live.stamp.bound != stamp.bound
        ):
            wrong.append("the stamp of this deploy is not in its description")
        return wrong


def _difference(step: Step, title: str, differences: Sequence[str]) -> DeployError:
    return DeployError(
        f"{title!r} ({step.id}) was written, but reading it back shows something else; "
        f"deploy again or look at it in the editor:{list_lines(differences)}",
        differences=differences,
    )


def _stamp_of(definition: Definition) -> Stamp | None:
    return split_stamp(definition.description, definition.id)[1]


def _delete(session: Session, step: Step) -> None:
    """Delete a workflow, and check that it is gone. It may be gone already.

    Raises:
        ApiError: The service refused it.
        TransportError: It could not be sent.
        DeployError: It still exists.
        OutcomeUnknownError: It is not known whether it exists.
    """
    what = f"deleting {step.name!r} ({step.id})"
    lost: FlowError | None = None
    try:
        delete_workflow(session, step.id)
    except NotFoundError:
        return
    except FlowError as error:
        if is_refusal(error):
            raise
        lost = error
    live = _read_back(session, what, step.id, lost)
    if live is None:
        return
    if lost is None:
        raise _difference(step, step.name, ["it is still there"])
    raise _unknown_error(what, f"{lost.message}; it is still there") from lost


def _read_back(
    session: Session, what: str, workflow_id: str, lost: FlowError | None
) -> Definition | None:
    """Read a workflow after a write.

    Raises:
        OutcomeUnknownError: It cannot be read.
    """
    try:
        return get_workflow(session, workflow_id)
    except FlowError as error:
        before = lost.message if lost else "the service accepted it"
        reason = f"{before}; then it could not be read back: {error.message}"
        raise _unknown_error(what, reason) from error


def _unknown_error(what: str, reason: str) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"{what}: outcome unknown ({reason}); nothing more was sent",
        hint="look at it in the web editor before you deploy it again",
    )


def _is_same(live: Definition | None, before: Definition | None) -> bool:
    """Return True if nothing was written between two reads."""
    return seal_of(live) == seal_of(before)


# -- Interrupts ------------------------------------------------------------------------


@define
class Stop:
    """The wish to stop. `apply_plan` takes it as `stopped`."""

    is_asked: bool = False

    def __call__(self) -> bool:
        """Return True if it was asked for."""
        return self.is_asked


@contextmanager
def first_interrupt_waits(notify: Callable[[], None] | None = None) -> Generator[Stop]:
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
        if notify is not None:
            notify()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
