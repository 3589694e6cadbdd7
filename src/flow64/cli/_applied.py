"""Carrying out a plan on the command line: asked for, told of, and accounted for."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import click
from attrs import define, field

from ..api import Conversation
from ..client import Client
from ..deploy import (
    PARALLEL,
    Agreement,
    Doing,
    Done,
    Failed,
    Job,
    Saved,
    Summary,
    Writing,
    applying,
    as_data,
    first_interrupt_waits,
    jobs_of,
    skipped,
)
from ..errors import (
    FlowError,
    OutcomeUnknownError,
    PlanRefusedError,
    PruneError,
    SavedPlanError,
    StalePlanError,
)
from ..loading import select_set_values
from ..plan import SKIPPED, Plan, Step
from ..text import pluralize, printable
from ._error_messages import describe_error
from ._exit_codes import (
    FAILED,
    INTERRUPTED,
    REFUSED,
    UNKNOWN,
    RefusedError,
    find_exit_code,
)
from ._options import SAID
from ._planned import Place
from ._terminal import (
    advise,
    agreed,
    complain,
    from_here,
    give,
    give_data,
    talk,
    tell_held,
)

Outcome: TypeAlias = Literal[
    "done",
    "unchanged",
    "failed",
    "unknown",
    "refused",
    "skipped",
    "not tried",
    "left",
]
"""What becomes of a workflow; `left` is what code has no more, or a copy."""

REFUSALS: Final = (PlanRefusedError, PruneError, SavedPlanError, StalePlanError)
"""Errors that keep a plan from its first write, and that a new plan or a word of
consent would mend."""

MANY: Final = 10
"""Workflows beyond which not each one gets a line of its own while it is written."""

TOTALS: Final[Mapping[Doing, str]] = {
    "create": "created",
    "update": "updated",
    "stamp": "stamped",
    "delete": "deleted",
}
"""What was done, in words."""


@define
class Course:
    """What becomes of a plan, step by step.

    Attributes:
        plan: The plan.
        agreement: What was agreed to.
        outcomes: What became of each workflow, by its key.
        done: What was carried out, by its key.
        errors: What failed, by its key, in words.
        failures: The same as it happened.
        problems: What keeps it from being carried out, in words.
        under_way: Keys of the workflows that are being written.
        code: The exit code.
    """

    plan: Plan
    agreement: Agreement
    outcomes: dict[str, Outcome] = field(factory=dict)
    done: dict[str, Done] = field(factory=dict)
    errors: dict[str, str] = field(factory=dict)
    failures: list[FlowError] = field(factory=list)
    problems: list[str] = field(factory=list)
    under_way: list[str] = field(factory=list)
    code: int = 0

    def __attrs_post_init__(self) -> None:
        left_alone = {*skipped(self.plan, self.agreement)}
        for step in self.plan.steps:
            self.outcomes[step.key] = _at_first(step, left_alone, self.agreement)

    # -- What is heard of it -----------------------------------------------------------

    def hear(self, event: Writing | Done | Failed) -> None:
        """Note an event, and tell it."""
        match event:
            case Writing():
                self.under_way.append(event.key)
                if SAID.is_verbose or event.count <= MANY or event.number % MANY == 0:
                    at = f"{event.number} of {event.count}"
                    talk(f"{at}: {event.doing} {event.key}")
            case Done():
                self.under_way.remove(event.key)
                SAID.is_done = True
                self.done[event.key] = event
                self.outcomes[event.key] = "done"
            case Failed():
                self.under_way.remove(event.key)
                self.fail(event.key, event.error)

    def fail(self, key: str, error: FlowError) -> None:
        """Note, and tell, that a step failed."""
        self.errors[key] = describe_error(error)
        complain(f"{key}: {describe_error(error)}")
        self.failures.append(error)
        self.outcomes[key] = (
            "unknown"
            if isinstance(error, OutcomeUnknownError)
            else ("refused" if isinstance(error, REFUSALS) else "failed")
        )

    def end(self, *, was_stopped: bool) -> None:
        """Note that nothing more comes: what the exit code is."""
        codes = {
            REFUSED if isinstance(error, REFUSALS) else find_exit_code(error)
            for error in self.failures
        }
        if UNKNOWN in codes:
            self.code = UNKNOWN
        elif codes:
            # Refused means that nothing was written at all.
            self.code = REFUSED if codes == {REFUSED} and not self.done else FAILED
        elif was_stopped:
            self.code = INTERRUPTED

    def refuse(self, error: FlowError | RefusedError) -> None:
        """Note, and tell, that nothing is carried out."""
        words = describe_error(error)
        found = getattr(error, "problems", [words])
        self.problems += found
        self.code = (
            error.exit_code
            if isinstance(error, RefusedError)
            else (REFUSED if isinstance(error, REFUSALS) else find_exit_code(error))
        )
        for step in self.plan.steps:
            if self.outcomes[step.key] == "not tried" and self._is_named(step, error):
                self.outcomes[step.key] = "refused"
        complain(words)
        self._advise()

    def _is_named(self, step: Step, error: FlowError | RefusedError) -> bool:
        """Whether an error is about a workflow, or about all."""
        if isinstance(error, StalePlanError):
            return step.key in (error.workflow, *error.others)
        if isinstance(error, PlanRefusedError | PruneError):
            named = any(one.startswith(f"{step.key}: ") for one in error.problems)
            return named or (isinstance(error, PruneError) and step.may_prune)
        return self.code == REFUSED

    def _advise(self) -> None:
        """Say how an edit gets into the code."""
        for step in self.plan.steps:
            is_edited = step.state in _EDITED and not step.is_taken
            if self.outcomes[step.key] == "refused" and is_edited:
                where = shlex.quote(f"{self.plan.env}:{step.id}")
                advise(
                    f"to take what is there of {step.key} into your code: "
                    f"flow64 pull {where} -o FOLDER"
                )

    def break_off(self, error: FlowError | None = None) -> None:
        """Note that it ended while steps were under way, by an error or a Ctrl-C."""
        self.code = INTERRUPTED if error is None else find_exit_code(error)
        for key in self.under_way:
            self.outcomes[key] = "unknown"
            if error is not None:
                self.errors[key], self.code = describe_error(error), UNKNOWN
        if self.under_way:
            named = ", ".join(self.under_way)
            advise(
                f"{named} may have been written: {self._again} again, which looks first"
            )

    # -- What is told at its end -------------------------------------------------------

    @property
    def _again(self) -> str:
        """What goes on with it: a deploy, or a restore where no code is about it."""
        is_of_code = any(step.target is not None for step in self.plan.steps)
        return "deploy" if is_of_code or self.plan.victims else "restore"

    @property
    def resume(self) -> str:
        """How to go on; empty where nothing is left, or nothing was begun."""
        open_ = ("failed", "unknown", "not tried", "refused")
        is_left = any(outcome in open_ for outcome in self.outcomes.values())
        if not is_left or not (self.done or self.errors or self.code == INTERRUPTED):
            return ""
        return f"{self._again} again: what is done by then is not written again"

    def tell(self) -> None:
        """Say what was done, what was not, and how to go on."""
        kinds = [
            (words, [one for one in self.done.values() if one.doing == doing])
            for doing, words in TOTALS.items()
        ]
        parts = [f"{len(found):,} {words}" for words, found in kinds if found]
        counts = Counter(self.outcomes.values())
        parts += [f"{counts[word]:,} {word}" for word in _COUNTED if counts[word]]
        talk(", ".join(parts) or "nothing to do")
        self._tell_saved()
        if self.resume:
            advise(self.resume)

    def _tell_saved(self) -> None:
        """Say where what was replaced is; of many, in which folder."""
        done = [self.done[s.key] for s in self.plan.steps if s.key in self.done]
        kept = [(one.key, one.saved) for one in done if one.saved]
        if len(kept) > MANY and not SAID.is_verbose:
            folders = {str(Path(file_of(saved)).parent) for _, saved in kept}
            where = " and ".join(sorted(folders))
            talk(f"what was there of {len(kept)} workflows is in {where}")
            return
        for key, saved in kept:
            without = f", {saved.without}" if saved.without else ""
            talk(f"what was there of {key} is in {file_of(saved)}{without}")

    def give(self, *, as_json: bool) -> None:
        """Write what became of it as the result."""
        if as_json:
            give_data(self.as_data())
            return
        for step in self.plan.steps:
            outcome = self.outcomes[step.key]
            if outcome != "left":
                give(printable(f"{outcome:9}  {step.key}  {step.id}"))

    def as_data(self) -> dict[str, Any]:
        """What became of it, as JSON data."""
        return {
            "environment": self.plan.env,
            "endpoint": self.plan.endpoint,
            "workflows": [self._step_data(step) for step in self.plan.steps],
            "problems": [*self.problems],
            "resume": self.resume,
            "plan": as_data(self.plan),
        }

    def _step_data(self, step: Step) -> dict[str, Any]:
        done = self.done.get(step.key)
        saved = done.saved if done else None
        return {
            "workflow": step.key,
            "workflow_id": step.id,
            "state": step.state,
            "outcome": self.outcomes[step.key],
            "done": done.doing if done else None,
            "saved": str(saved.file) if saved else None,
            "withheld": [*saved.withheld] if saved else [],
            "error": self.errors.get(step.key),
        }


_COUNTED: Final[Sequence[Outcome]] = (
    "unchanged",
    "skipped",
    "failed",
    "unknown",
    "refused",
    "not tried",
)
"""Outcomes that the last line counts, in its order."""

_EDITED: Final = SKIPPED - {"behind"}
"""States in which the service has what the code has not."""


def carried_out(
    client: Client,
    plan: Plan,
    agreement: Agreement,
    place: Place,
    *,
    yes: bool,
    is_typed: bool = False,
    as_json: bool = False,
    parallel: int = PARALLEL,
) -> int:
    """Carry out a plan that was shown: judge it, ask, write, and say what was done.

    Args:
        client: Plays it.
        plan: The plan.
        agreement: What was agreed to by name.
        place: The environment.
        yes: Whether nothing is asked.
        is_typed: Whether the number of deletions is to be typed in.
        as_json: Whether the result is data.
        parallel: Workflows that are written at a time, at most.

    Gives the exit code.
    """
    course = Course(plan, agreement)
    options = {**_options(place, client), "parallel": parallel}
    conversation = applying(plan, agreement, **options)
    try:
        _judge(conversation)
        jobs = jobs_of(plan, agreement)
        if jobs:
            _ask(jobs, yes=yes, is_typed=is_typed)
    except (FlowError, RefusedError) as error:
        course.refuse(error)
        course.give(as_json=as_json)
        return course.code
    if jobs:
        _carry_out(client, course, options)
    course.tell()
    course.give(as_json=as_json)
    return course.code


def _carry_out(client: Client, course: Course, options: Mapping[str, Any]) -> None:
    def told() -> None:
        advise("stopping after what is under way; Ctrl-C again stops at once")

    try:
        with first_interrupt_waits(told) as stop:
            talking = applying(course.plan, course.agreement, **options, stopped=stop)
            for event in client.events(talking):
                course.hear(event)
        course.end(was_stopped=stop.is_asked)
    except KeyboardInterrupt:
        course.break_off()
    except REFUSALS as error:
        course.refuse(error)
    except FlowError as error:
        complain(describe_error(error))
        course.break_off(error)


def _options(place: Place, client: Client) -> Mapping[str, Any]:
    """What `applying` is told of where it is done."""
    return {
        "history": place.history,
        "endpoint": client.endpoint,
        "values": select_set_values(place.values),
        "hidden": place.environment.hidden,
    }


def _judge(conversation: Conversation[Summary]) -> None:
    """Let a conversation judge its plan, which it does before it asks for anything.

    Raises:
        FlowError: The plan cannot be carried out; nothing was sent.
    """
    try:
        next(conversation)
    except StopIteration:
        pass
    finally:
        conversation.close()


def _ask(jobs: Sequence[Job], *, yes: bool, is_typed: bool) -> None:
    """Ask whether all of that is to be done.

    Raises:
        RefusedError: It is not, or nobody can be asked.
    """
    deletions = sum(job.doing == "delete" for job in jobs)
    if deletions and is_typed:
        _type(deletions)
    writes = len(jobs) - deletions
    parts = [f"write {pluralize(writes, 'workflow')}"] * bool(writes)
    parts += [f"delete {pluralize(deletions, 'workflow')}"] * bool(deletions)
    agreed(f"{' and '.join(parts).capitalize()}?", yes=yes)


def _type(deletions: int) -> None:
    tell_held()
    question = f"{pluralize(deletions, 'workflow')} would be deleted; type that number"
    given = click.prompt(question, err=True, default="", show_default=False)
    if given.strip() != str(deletions):
        raise RefusedError("another number was typed; nothing was sent")


def _at_first(step: Step, left_alone: set[str], agreement: Agreement) -> Outcome:
    if step.key in left_alone:
        return "skipped"
    if step.state == "unchanged":
        return "unchanged"
    is_pruned = step.may_prune and agreement.prune is not None
    if step.action == "none" and not is_pruned:
        return "left"
    return "not tried"


def file_of(saved: Saved) -> str:
    """Where something was saved, as it is written from here."""
    return "" if saved.file is None else from_here(saved.file)
