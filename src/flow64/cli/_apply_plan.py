"""Applying a plan that was shown: ask, write, and print what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from ..client import Client
from ..deploy.apply import (
    Began,
    Outcome,
    Result,
    apply_plan,
    check_plan,
    first_interrupt_waits,
)
from ..deploy.plan import Action, Consents, Plan, Step
from ..errors import FlowError, OutcomeUnknownError
from ..files import relative_path
from ..text import pluralize
from ._colours import paint_report_lines, paint_state
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
from ._make_plan import CommandEnvironment
from ._options import OPTIONS
from ._terminal import (
    confirm,
    print_advice,
    print_error,
    print_json,
    print_lines,
    print_message,
)

DONE: Final[Mapping[Action, str]] = {
    "create": "created",
    "update": "updated",
    "stamp": "stamped",
    "delete": "deleted",
}
"""Words for the changes that were made."""

MANY: Final = 10
"""If more workflows are written, progress is only printed now and then."""


def confirm_and_apply(
    client: Client,
    plan: Plan,
    consents: Consents,
    place: CommandEnvironment,
    *,
    yes: bool,
    as_json: bool = False,
) -> int:
    """Show a plan, ask, apply it, and return the exit code."""
    print_message(str(plan), paint_report_lines)
    execution = _Execution(plan, consents)
    options: dict[str, Any] = {"history": place.history, "values": place.values}
    try:
        steps = check_plan(plan, consents, **options)
        if steps:
            confirm(_ask(steps), yes=yes)
    except (FlowError, NoConsentError) as error:
        execution.refuse(error)
    else:
        if steps:
            execution.run(client, options)
    execution.print_result(as_json=as_json)
    return execution.code


def _ask(steps: Sequence[Step]) -> str:
    deletions = sum(step.action == "delete" for step in steps)
    writes = len(steps) - deletions
    parts = [f"write {pluralize(writes, 'workflow')}"] * bool(writes)
    parts += [f"delete {pluralize(deletions, 'workflow')}"] * bool(deletions)
    return f"{' and '.join(parts).capitalize()}?"


@define
class _Execution:
    """What becomes of each workflow while a plan is applied."""

    plan: Plan
    consents: Consents
    words: dict[str, str] = field(factory=dict)
    errors: dict[str, FlowError] = field(factory=dict)
    saved: dict[str, str] = field(factory=dict)
    under_way: dict[str, None] = field(factory=dict)
    cause: Exception | None = None
    code: int = 0

    def __attrs_post_init__(self) -> None:
        for step in self.plan.steps:
            word = "not tried"
            if step.action == "delete" and self.consents.skips(step):
                word = "left"
            elif self.consents.skips(step) or step.refusal:
                word = "skipped"
            elif step.is_idle:
                word = "unchanged"
            self.words[step.key] = word

    def run(self, client: Client, options: Mapping[str, Any]) -> None:
        """Apply the plan, and keep what becomes of it."""

        def announce_stop() -> None:
            print_advice("stopping after what is under way; Ctrl-C again stops at once")

        try:
            with first_interrupt_waits(announce_stop) as stop:
                result = apply_plan(
                    client.session,
                    self.plan,
                    self.consents,
                    **options,
                    stopped=stop,
                    emit=self.note,
                )
        except KeyboardInterrupt:
            self.code = INTERRUPTED
        except FlowError as error:
            if not self.under_way:
                self.refuse(error)
                return
            print_error(describe_error(error))
            self.cause, self.code = error, UNKNOWN
        else:
            self.code = self._find_code(result)
        for key in self.under_way:
            self.words[key] = "unknown"
        if self.under_way:
            named = ", ".join(self.under_way)
            print_advice(
                f"{named} may have been written: deploy again, which looks first"
            )

    def note(self, event: Began | Outcome) -> None:
        """Note an event, and print it."""
        step = event.step
        if isinstance(event, Began):
            self.under_way[step.key] = None
            is_due = event.count <= MANY or event.number % MANY == 0
            if OPTIONS.is_verbose or is_due:
                at = f"{event.number} of {event.count}"
                print_message(f"{at}: {step.action} {step.key}")
            return
        self.under_way.pop(step.key)
        if event.error is None:
            OPTIONS.is_done = True
            self.words[step.key] = DONE[step.action]
            if event.saved is not None and event.saved.file is not None:
                self.saved[step.key] = relative_path(event.saved.file)
            return
        print_error(f"{step.key}: {describe_error(event.error)}")
        self.errors[step.key] = event.error
        is_unknown = isinstance(event.error, OutcomeUnknownError)
        self.words[step.key] = "unknown" if is_unknown else "failed"

    def _find_code(self, result: Result) -> int:
        codes = {find_exit_code(error) for error in result.errors}
        if UNKNOWN in codes:
            return UNKNOWN
        if codes:  # REFUSED promises that nothing was written
            is_done = any(outcome.error is None for outcome in result.outcomes)
            return REFUSED if codes == {REFUSED} and not is_done else FAILED
        return INTERRUPTED if result.was_stopped else 0

    def refuse(self, error: FlowError | NoConsentError) -> None:
        """Note that nothing is applied, and print why."""
        self.cause = error
        self.code = find_exit_code(error) if isinstance(error, FlowError) else REFUSED
        print_error(describe_error(error))

    def print_result(self, *, as_json: bool) -> None:
        """Print what became of each workflow. Unchanged ones are only counted."""
        if as_json:
            print_json(self._as_data())
            return
        if self.cause is not None and not self.errors and not self.under_way:
            return
        steps = [
            step
            for step in self.plan.steps
            if self.words[step.key] not in ("unchanged", "left")
        ]
        if not steps:
            return
        width = max(len(step.key) for step in steps)
        lines = [
            f"{self.words[step.key]:9}  {step.key:{width}}  "
            f"{self.saved.get(step.key, step.id)}"
            for step in steps
        ]
        print_lines(lines, paint_state)
        counts = Counter(self.words.values())
        print_message(", ".join(f"{count:,} {word}" for word, count in counts.items()))
        if folders := {str(Path(file).parent) for file in self.saved.values()}:
            print_message(f"old versions are in {', '.join(sorted(folders))}")
        if self.errors or self.code == INTERRUPTED:
            print_advice("deploy again: what is done by then is not written again")

    def _as_data(self) -> dict[str, Any]:
        failed = [self.cause, *self.errors.values()]
        return {
            "env": self.plan.env,
            "endpoint": self.plan.endpoint,
            "workflows": [
                {
                    "key": step.key,
                    "workflow_id": step.id,
                    "state": step.state,
                    "action": step.action,
                    "outcome": self.words[step.key],
                    "saved": self.saved.get(step.key),
                    "error": str(self.errors[step.key])
                    if step.key in self.errors
                    else None,
                }
                for step in self.plan.steps
            ],
            "plan": self.plan.as_data(),
            "error": describe_failure(self.code, next(filter(None, failed), None))
            if self.code
            else None,
        }
