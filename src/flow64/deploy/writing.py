"""One write, and the reads that verify it.

A write without an answer is repeated only if a read shows that it was not applied, and
never if it may spend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import evolve, field, frozen

from ..api import answers, calls, network
from ..api.session import Session
from ..definition import (
    Definition,
    Values,
    as_body,
    fingerprint,
    hide_secrets,
    name_secrets,
    secret_places,
)
from ..diff import compare, words
from ..errors import (
    ConflictError,
    DeployError,
    FlowError,
    NotFoundError,
    OutcomeUnknownError,
    list_lines,
    unknown_error,
)
from ..schedules import Schedule
from .history import put_stamp
from .judge import SpecFields, fields_of, keep_fields, merge_live
from .plan import Action, Step, consent_error, seal_of, stale_error
from .schedules import ScheduleWrite, Timetable


def list_differences(before: Definition, after: Definition) -> list[str]:
    """Return the values that differ between two definitions, as lines."""
    shown = {"title", "description", "block", "edge", "order"}
    changes = compare.compare_definitions(before, after).changes.values()
    return [
        f"{change.sign} {words.format_path(change.path)}: {words.format_change(change)}"
        for change in changes
        if change.path[0] in shown
    ]


@frozen
class Write:
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
    fields: SpecFields
    before: Definition | None = field(repr=False)
    values: Values
    spends: bool

    @classmethod
    def of(
        cls, session: Session, step: Step, live: Definition | None, values: Values
    ) -> Write:
        """Return the write of a step, given its last look."""
        code = step.code
        assert code is not None, "a step that writes has what it writes"
        wanted = code if step.target is None else merge_live(code, live, step.sent)
        action: Action = step.action
        if action != "stamp":
            action = "create" if live is None else "update"
        wanted, fields = put_stamp(wanted), fields_of(code)
        spends = bool(step.purchases)
        return cls(session, step, action, wanted, fields, live, values, spends)

    @property
    def _what(self) -> str:
        return f"deploying {self.wanted.name!r} ({self.step.id})"

    @property
    def _body(self) -> dict[str, Any]:
        """The body to send. It may reveal secrets, so no local holds it."""
        if self.action == "stamp":  # fields that are left out keep their value
            return {"workflow_description": self.wanted.description}
        return answers.Body(as_body(self.wanted, self.values))

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
                raise consent_error([problem, *wrong]) from lost
            is_untouched = _is_same(live, self.before)
            if lost is None or (not is_untouched and self._has_our_stamp(live)):
                raise _difference(f"{self.wanted.name!r} ({self.step.id})", wrong)
            if not is_untouched:
                reason = f"{lost.message}; what is there now is neither old nor new"
                raise unknown_error(self._what, reason) from lost
            if is_last or self.spends:
                raise unknown_error(self._what, lost.message) from lost
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
                calls.create_workflow(self.session, self._body, look=lookup)
            else:
                calls.update_workflow(
                    self.session, self.step.id, self._body, look=lookup
                )
        except FlowError as error:
            # A 409 may come because an earlier attempt was applied late.
            is_taken = self.before is None and isinstance(error, ConflictError)
            if is_first and network.is_refusal(error) and not is_taken:
                raise
            return error
        return written[0] if written else None

    def _has_our_stamp(self, live: Definition | None) -> bool:
        stamp = self.wanted.stamp
        return live is not None and stamp is not None and str(live.stamp) == str(stamp)

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
        stamp = self.wanted.stamp
        if stamp is not None and (not live.stamp or live.stamp.bound != stamp.bound):
            wrong.append("the stamp of this deploy is not in its description")
        return wrong


def _difference(what: str, differences: Sequence[str]) -> DeployError:
    return DeployError(
        f"{what} was written, but reading it back shows something else; deploy again "
        f"or look at it in the editor:{list_lines(differences)}",
        differences=differences,
    )


def delete(session: Session, step: Step) -> None:
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
        calls.delete_workflow(session, step.id)
    except FlowError as error:
        # It may be gone already, and a proxy may answer 404 as well.
        if network.is_refusal(error) and not isinstance(error, NotFoundError):
            raise
        lost = error
    live = _read_back(session, what, step.id, lost)
    if live is None:
        return
    if lost is None:
        raise _difference(f"{step.name!r} ({step.id})", ["it is still there"])
    raise unknown_error(what, f"{lost.message}; it is still there") from lost


def _read_back(
    session: Session, what: str, workflow_id: str, lost: FlowError | None
) -> Definition | None:
    """Read a workflow after a write.

    Raises:
        OutcomeUnknownError: It cannot be read.
    """
    try:
        return calls.find_workflow(session, workflow_id)
    except FlowError as error:
        raise _unread_error(what, lost, error) from error


def _unread_error(
    what: str, lost: FlowError | None, error: FlowError
) -> OutcomeUnknownError:
    before = lost.message if lost else "the service accepted it"
    reason = f"{before}; then it could not be read back: {error.message}"
    return unknown_error(what, reason)


def _is_same(live: Definition | None, before: Definition | None) -> bool:
    """Return True if nothing was written between two reads."""
    return seal_of(live) == seal_of(before)


# -- Schedules -------------------------------------------------------------------------


def write_schedules(session: Session, key: str, table: Timetable) -> None:
    """Apply the writes of a workflow, with a look before and after each.

    Raises:
        StalePlanError: They were changed since the plan was made.
        ApiError: The service refused one.
        DeployError: What is live is not what was sent.
        OutcomeUnknownError: It is not known whether one was applied.
    """
    require_current(key, table, table.look(session))
    todo = [*table.writes]
    while todo:
        write = todo[0]
        lost, pending = _send(session, table, write)
        if lost and pending == todo and write.live is not None:
            lost, pending = _send(session, table, write)  # a change may be sent again
        del todo[0]
        twins = [item for item in pending if item.is_twin and item not in todo]
        for twin in twins:  # another deploy has created it at the same moment
            _, pending = _send(session, table, twin)
        if pending != todo and lost:
            raise unknown_error(write.what, lost.message) from lost
        if pending != todo:
            raise _difference(write.what, [item.what for item in pending])


def require_current(key: str, table: Timetable, pending: list[ScheduleWrite]) -> None:
    """Refuse to go on if the schedules were changed since the plan was made.

    Raises:
        StalePlanError: They were.
    """
    if pending != table.writes:
        edits = sorted({write.what for write in [*pending, *table.writes]})
        raise stale_error([key], "edited", edits)


def _send(
    session: Session, table: Timetable, write: ScheduleWrite
) -> tuple[FlowError | None, list[ScheduleWrite]]:
    """Send a write. Return an error if no answer tells the outcome, and what is left.

    Raises:
        DeployError: A schedule was created, but is not listed. It was deleted again.
        OutcomeUnknownError: The schedules cannot be read afterwards.
    """
    schedule, live = Schedule.from_text(write.name, write.text), write.live
    fields: calls.ScheduleOptions = {
        "timezone": schedule.timezone,
        "is_active": schedule.active,
        "description": write.description,
    }
    name, cron = schedule.name, schedule.cron
    lost: FlowError | None = None
    created: answers.Schedule | None = None
    workflow_id = table.workflow_id
    try:
        if live is None:
            created = calls.create_schedule(session, workflow_id, name, cron, **fields)
        elif write.text:
            calls.update_schedule(
                session, live.id, name=name, cron_expression=cron, **fields
            )
        else:
            calls.delete_schedule(session, live.id)
    except FlowError as error:
        is_gone = live is not None and isinstance(error, NotFoundError)
        if network.is_refusal(error) and not is_gone:
            error.message = f"{write.what}: {error.message}"
            raise
        lost = error
    try:
        pending = table.look(session)
        # Otherwise the next deploy makes another one.
        if created is not None and write in pending:
            calls.delete_schedule(session, created.id)
    except FlowError as error:
        raise _unread_error(write.what, lost, error) from error
    if created is not None and write in pending:
        raise DeployError(
            f"{write.what} was created, but the service does not list it, so it was "
            "deleted again; look at it in the editor",
            differences=[write.what],
        )
    return lost, pending
