"""One write, and the reads that verify it.

A write without an answer is repeated only if a read shows that it was not applied, and
never if it may spend.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from ..api import answers, calls, network
from ..api.session import Session
from ..definition import (
    Definition,
    Stamp,
    Values,
    as_body,
    fingerprint,
    genuine_stamp,
    hide_secrets,
    name_secrets,
    secret_places,
    split_stamp,
    stamped_places,
)
from ..diff import compare, words
from ..errors import (
    ConflictError,
    DeployError,
    FlowError,
    NotFoundError,
    OutcomeUnknownError,
    list_lines,
)
from .history import put_stamp
from .judge import fields_of, fields_of_last_deploy, keep_fields, merge_live
from .plan import Action, Step, consent_error, seal_of


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
    fields: Mapping[str, frozenset[str]]
    before: Definition | None = field(repr=False)
    values: Values
    spends: bool

    @classmethod
    def of(
        cls, session: Session, step: Step, live: Definition | None, values: Values
    ) -> Write:
        """Return the write of a step, given its last look."""
        target = step.target
        if step.restored is not None:
            wanted = evolve(put_stamp(step.restored), id=step.id)
            fields = fields_of(step.restored)
        else:
            assert target is not None, "a step that writes has what it writes"
            last = target.pulled
            if live is not None:
                last = genuine_stamp(live.stamp, live.id) or last
            sent: Mapping[str, frozenset[str]] = {}
            if live is not None:
                ours = secret_places(target.definition)
                places = {**ours, **stamped_places(live, last)}
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
        return calls.find_workflow(session, workflow_id)
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
