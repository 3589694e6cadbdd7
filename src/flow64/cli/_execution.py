"""The outcome of each workflow while a plan is applied, and how it is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from attrs import define, field

from ..deploy import (
    NOT_AGAIN,
    Agreement,
    Doing,
    Done,
    Failed,
    Saved,
    Writing,
    as_data,
    list_left_alone,
)
from ..errors import (
    FlowError,
    OutcomeUnknownError,
    PlanRefusedError,
    PruneError,
    SavedPlanError,
    StalePlanError,
)
from ..files import relative_path
from ..plan import SKIPPED, Plan, Step, pull_command
from ..text import printable
from ._colours import paint_state
from ._error_messages import describe_error
from ._exit_codes import (
    FAILED,
    INTERRUPTED,
    REFUSED,
    UNKNOWN,
    NoConsentError,
    find_exit_code,
)
from ._failure import describe_failure
from ._options import OPTIONS
from ._terminal import print_advice, print_error, print_json, print_lines, print_message

StepOutcome: TypeAlias = Literal[
    "done",
    "unchanged",
    "failed",
    "unknown",
    "refused",
    "skipped",
    "not tried",
    "left",
]
"""The outcome of a workflow. `left`: it is a copy, or no longer in the code."""

REFUSALS: Final = (PlanRefusedError, PruneError, SavedPlanError, StalePlanError)
"""Errors before the first write. A new plan, or consent, would avoid them."""

MOST_FILES: Final = 3
"""Saved workflows that are named, each with its file. `-v` names all."""

MANY: Final = 10
"""If more workflows are written, progress is only printed now and then."""

TOTALS: Final[Mapping[Doing, str]] = {
    "create": "created",
    "update": "updated",
    "stamp": "stamped",
    "delete": "deleted",
}
"""Words for the changes that were made."""


@define
class Execution:
    """The execution of a plan, step by step.

    Attributes:
        outcomes: The outcome of each workflow, by key.
        done: The changes that were made, by key.
        errors: The messages of failed steps, by key.
        failures: The errors of failed steps.
        refusal: The error for which nothing was applied.
        problems: The reasons why the plan cannot be applied.
        reasons: The reasons why workflows are refused, by key. They are printed last.
        is_declined: Whether the user did not agree to it.
        under_way: The keys of workflows that are being written.
        code: The exit code.
    """

    plan: Plan
    agreement: Agreement
    outcomes: dict[str, StepOutcome] = field(factory=dict)
    done: dict[str, Done] = field(factory=dict)
    errors: dict[str, str] = field(factory=dict)
    failures: list[FlowError] = field(factory=list)
    refusal: FlowError | NoConsentError | None = None
    problems: list[str] = field(factory=list)
    reasons: dict[str, str] = field(factory=dict)
    is_declined: bool = False
    under_way: list[str] = field(factory=list)
    code: int = 0

    def __attrs_post_init__(self) -> None:
        skipped = {*list_left_alone(self.plan, self.agreement)}
        for step in self.plan.steps:
            self.outcomes[step.key] = _predict_outcome(step, skipped, self.agreement)

    # -- Events ------------------------------------------------------------------------

    def record_event(self, event: Writing | Done | Failed) -> None:
        """Record an event, and print it."""
        match event:
            case Writing():
                self.under_way.append(event.key)
                is_due = event.count <= MANY or event.number % MANY == 0
                if OPTIONS.is_verbose or is_due:
                    at = f"{event.number} of {event.count}"
                    print_message(f"{at}: {event.doing} {event.key}")
            case Done():
                self.under_way.remove(event.key)
                OPTIONS.is_done = True
                self.done[event.key] = event
                self.outcomes[event.key] = "done"
            case Failed():
                self.under_way.remove(event.key)
                self.record_failure(event.key, event.error)

    def record_failure(self, key: str, error: FlowError) -> None:
        """Record a failed step, and print it."""
        self.errors[key] = describe_error(error)
        print_error(f"{key}: {describe_error(error)}")
        self.failures.append(error)
        self.outcomes[key] = (
            "unknown"
            if isinstance(error, OutcomeUnknownError)
            else ("refused" if isinstance(error, REFUSALS) else "failed")
        )

    def finish(self, *, was_stopped: bool) -> None:
        """Compute the exit code after the last event."""
        codes = {*map(_find_code, self.failures)}
        if UNKNOWN in codes:
            self.code = UNKNOWN
        elif codes:
            # REFUSED promises that nothing was written.
            self.code = REFUSED if codes == {REFUSED} and not self.done else FAILED
        elif was_stopped:
            self.code = INTERRUPTED

    def record_refusal(
        self, error: FlowError | NoConsentError, *, as_json: bool = False
    ) -> None:
        """Record that nothing is applied, and print why."""
        words = describe_error(error)
        self.refusal = error
        self.problems += getattr(error, "problems", [words])
        self.is_declined = isinstance(error, NoConsentError)
        self.code = _find_code(error) if isinstance(error, FlowError) else REFUSED
        for step in self.plan.steps:
            if self.outcomes[step.key] == "not tried" and self._is_named(step, error):
                self.outcomes[step.key] = "refused"
        advice = self._list_pull_advice()
        if as_json:
            print_error(words)
            for line in advice.values():
                print_advice(line)
        else:
            print_error(self._take_reasons(words, advice))

    def _take_reasons(self, words: str, advice: Mapping[str, str]) -> str:
        """Put the lines of an error beside the workflows that they are about.

        Returns the lines that are about no workflow of the result.
        """
        headline, *lines = words.split("\n")
        refused = {
            printable(step.key): step.key
            for step in self.plan.steps
            if self.outcomes[step.key] == "refused"
        }
        found: dict[str, list[str]] = {}
        others: list[str] = []
        for line in lines:
            name, _, reason = line.strip().partition(": ")
            if name in refused:
                found.setdefault(refused[name], []).append(reason)
            else:
                others.append(line)
        for key in refused.values():
            listed = [*found.get(key, []), *filter(None, [advice.get(key)])]
            if listed:
                self.reasons[key] = "; ".join(listed)
        return "\n".join([headline if others else headline.removesuffix(":"), *others])

    def _is_named(self, step: Step, error: FlowError | NoConsentError) -> bool:
        """Return True if an error is about this workflow, or about all."""
        if isinstance(error, StalePlanError):
            return step.key in (error.workflow, *error.others)
        if isinstance(error, PlanRefusedError | PruneError):
            named = any(one.startswith(f"{step.key}: ") for one in error.problems)
            return named or (isinstance(error, PruneError) and step.may_prune)
        return self.code == REFUSED

    def _list_pull_advice(self) -> Mapping[str, str]:
        """Return how to take each edit into the code, by key."""
        return {
            step.key: f"to take the edit of {step.key} into your code: "
            f"{pull_command(step, self.plan.env)}"
            for step in self.plan.steps
            if self.outcomes[step.key] == "refused"
            and step.state in _EDITED
            and not step.is_taken
        }

    def record_interruption(self, error: FlowError | None = None) -> None:
        """Record that an error or Ctrl-C ended it, with steps under way."""
        self.code = INTERRUPTED if error is None else find_exit_code(error)
        for key in self.under_way:
            self.outcomes[key] = "unknown"
            if error is not None:
                self.errors[key], self.code = describe_error(error), UNKNOWN
        if self.under_way:
            named = ", ".join(self.under_way)
            print_advice(
                f"{named} may have been written: {self._again} again, which looks first"
            )

    # -- Summary -----------------------------------------------------------------------

    @property
    def _again(self) -> str:
        """The command that continues: a deploy, or a restore if no code is involved."""
        is_of_code = any(step.target is not None for step in self.plan.steps)
        return "deploy" if is_of_code or self.plan.victims else "restore"

    @property
    def resume(self) -> str:
        """The advice to continue; empty if nothing is left or nothing was started."""
        open_ = ("failed", "unknown", "not tried", "refused")
        is_left = any(outcome in open_ for outcome in self.outcomes.values())
        if not is_left or not (self.done or self.errors or self.code == INTERRUPTED):
            return ""
        return f"{self._again} again: {NOT_AGAIN}"

    def print_summary(self) -> None:
        """Print what was done, what was not, and how to continue.

        If there was nothing to do, the plan has said so.
        """
        if {*self.outcomes.values()} <= {"unchanged", "left"}:
            return
        kinds = [
            (words, [one for one in self.done.values() if one.doing == doing])
            for doing, words in TOTALS.items()
        ]
        parts = [f"{len(found):,} {words}" for words, found in kinds if found]
        counts = Counter(self.outcomes.values())
        parts += [f"{counts[word]:,} {word}" for word in _COUNTED if counts[word]]
        print_message(", ".join(parts))
        self._print_history()
        if self.resume:
            print_advice(self.resume)

    def _print_history(self) -> None:
        """Print where replaced workflows were saved; for many, only the folder."""
        done = [self.done[s.key] for s in self.plan.steps if s.key in self.done]
        files = {one.key: one.saved for one in done if one.saved}
        if len(files) > MOST_FILES and not OPTIONS.is_verbose:
            paths = map(Path, map(format_saved_file, files.values()))
            where = " and ".join(sorted({str(path.parent) for path in paths}))
            print_message(f"the old versions of {len(files)} workflows are in {where}")
            return
        for key, saved in files.items():
            without = f", {saved.without}" if saved.without else ""
            file = format_saved_file(saved)
            print_message(f"the old version of {key} is in {file}{without}")

    def print_result(self, *, as_json: bool) -> None:
        """Print the outcome of each workflow as the result.

        Unchanged ones are only counted. Of a plan that was refused, only the workflows
        that stop it are listed. What needs attention comes last, with the reason.
        """
        if as_json:
            print_json(self.as_data())
            return
        if self.is_declined:
            return
        found = {**self.errors, **self.reasons}
        reasons = {key: " ".join(reason.split()) for key, reason in found.items()}
        listed = [
            step
            for step in self.plan.steps
            if self.outcomes[step.key] not in {"left", "unchanged"}
            and (self.outcomes[step.key] == "refused" or not self.problems)
        ]
        listed.sort(key=lambda step: _LAST.index(self.outcomes[step.key]))
        width = max((len(step.key) for step in listed), default=0)
        lines = [
            f"{self.outcomes[step.key]:9}  {step.key:{width}}  "
            f"{reasons.get(step.key, step.id)}"
            for step in listed
        ]
        print_lines(lines, paint_state)

    def as_data(self) -> dict[str, Any]:
        """Return the outcomes as JSON data."""
        return {
            "env": self.plan.env,
            "endpoint": self.plan.endpoint,
            "workflows": [self._step_data(step) for step in self.plan.steps],
            "problems": [*self.problems],
            "resume": self.resume,
            "plan": as_data(self.plan),
            "error": self._failure_data(),
        }

    def _failure_data(self) -> dict[str, Any] | None:
        causes = [*filter(None, [self.refusal]), *self.failures, None]
        return describe_failure(self.code, causes[0]) if self.code else None

    def _step_data(self, step: Step) -> Mapping[str, Any]:
        done = self.done.get(step.key)
        saved = done.saved if done else None
        return {
            "key": step.key,
            "workflow_id": step.id,
            "state": step.state,
            "outcome": self.outcomes[step.key],
            "done": done.doing if done else None,
            "saved": str(saved.file) if saved else None,
            "withheld": [*saved.withheld] if saved else [],
            "error": self.errors.get(step.key),
        }


_COUNTED: Final[Sequence[StepOutcome]] = (
    "unchanged",
    "skipped",
    "failed",
    "unknown",
    "refused",
    "not tried",
)
"""The outcomes that the last line counts, in order."""

_LAST: Final[Sequence[StepOutcome]] = (
    "done",
    "skipped",
    "not tried",
    "unknown",
    "failed",
    "refused",
)
"""The order of the result: what needs attention comes last."""

_EDITED: Final = SKIPPED - {"behind"}
"""The states in which the service has an edit that the code does not have."""


def _predict_outcome(
    step: Step, skipped: set[str], agreement: Agreement
) -> StepOutcome:
    """Return the outcome of a step that is not written."""
    if step.key in skipped:
        return "skipped"
    if step.state == "unchanged":
        return "unchanged"
    is_pruned = step.may_prune and agreement.prune is not None
    if step.action == "none" and not is_pruned:
        return "left"
    return "not tried"


def _find_code(error: FlowError) -> int:
    return REFUSED if isinstance(error, REFUSALS) else find_exit_code(error)


def format_saved_file(saved: Saved) -> str:
    """Return the path of a saved workflow, relative to the working folder."""
    return "" if saved.file is None else relative_path(saved.file)
