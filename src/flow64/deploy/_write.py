"""One write to the service, and the read that verifies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from attrs import evolve, field, frozen

from ..api.calls import (
    Body,
    create_workflow,
    delete_workflow,
    get_workflow,
    update_workflow,
)
from ..api.policy import is_refusal
from ..api.session import Session
from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    Stamp,
    as_body,
    redact_for_display,
)
from ..diff import as_lines
from ..errors import (
    ConflictError,
    FlowError,
    NotFoundError,
    OrganisationError,
    OutcomeUnknownError,
    StateRefusedError,
    VerificationError,
)
from ._drift import changes_between, fields_of, keep_fields, short_fingerprint

Kind: TypeAlias = Literal["create", "update", "stamp"]


@frozen
class Write:
    """A write, and the read that verifies it. It is repeated only if that is free.

    Attributes:
        session: Sends the requests.
        name: Title of the workflow, for errors.
        id: Its id.
        kind: What is sent. `stamp` sends the description alone.
        sent: The definition to send, with the stamp in its description.
        stamp: The stamp. None if a restored definition has none.
        wanted: The managed fields that must be live afterwards.
        before: What was live before.
        spends: The write may spend. After a 429 it is repeated only if a read shows
            that nothing was written, and after a lost answer never.
        hidden: Further secrets that errors must not show.
    """

    session: Session = field(repr=False)
    name: str
    id: str
    kind: Kind
    sent: Definition
    stamp: Stamp | None
    wanted: Definition
    before: Definition | None = None
    spends: bool = False
    hidden: Sequence[BoundSecret] = field(default=(), repr=False)

    @property
    def _what(self) -> str:
        return f"deploying {self.name!r} ({self.id})"

    @property
    def _body(self) -> dict[str, Any]:
        """What is sent. It may reveal secrets, so no local holds it."""
        if self.kind == "stamp":  # fields that are left out keep their value
            return {"workflow_description": self.sent.description}
        return Body(as_body(self.sent, reveal=True))

    def run(self) -> Definition:
        """Write until what was sent is live, and return what is live.

        Raises:
            ApiError: The service refused it.
            TransportError: It could not be sent.
            VerificationError: What is live is not what was sent.
            StateRefusedError: The id of a new workflow is taken.
            OutcomeUnknownError: No answer came, and a read does not show the outcome.
        """
        is_last = False
        while True:
            lost = self._attempt(is_first=not is_last)
            live = read_back(self.session, self._what, self.id, lost)
            wrong = self._find_differences(live)
            if live is not None and not wrong:
                return live
            is_taken = self.before is None and isinstance(lost, ConflictError)
            if is_taken and live is None:
                raise StateRefusedError(self.name, self.id, "taken") from lost
            if is_taken:
                raise StateRefusedError(self.name, self.id, "foreign", wrong) from lost
            is_untouched = is_same(live, self.before)
            if lost is None or (not is_untouched and self._bears_our_stamp(live)):
                raise VerificationError(self.name, self.id, wrong)
            if not is_untouched:
                reason = f"{lost}; what is there now is neither old nor new"
                raise OutcomeUnknownError(self._what, reason) from lost
            if is_last or self.spends:
                raise OutcomeUnknownError(self._what, str(lost)) from lost
            is_last = True

    def _attempt(self, *, is_first: bool) -> FlowError | None:
        """Send it. Return an error if its outcome is unknown."""
        changed: list[FlowError] = []

        def look(error: FlowError) -> dict[str, str] | None:
            live = read_back(self.session, self._what, self.id, error)
            if is_same(live, self.before):
                return None
            changed.append(error)
            return {"id": self.id}

        lookup = look if self.spends else None
        try:
            if self.kind == "create":
                create_workflow(self.session, self._body, look=lookup)
            else:
                update_workflow(self.session, self.id, self._body, look=lookup)
        except OrganisationError:
            raise  # it ends the whole call
        except FlowError as error:
            # A 409 may come because an earlier attempt was applied late.
            is_taken = self.before is None and isinstance(error, ConflictError)
            if is_first and is_refusal(error) and not is_taken:
                raise
            return error
        return changed[0] if changed else None

    def _bears_our_stamp(self, live: Definition | None) -> bool:
        return live is not None and live.stamp == self.stamp is not None

    def _find_differences(self, live: Definition | None) -> Sequence[str]:
        """Return what differs from what was sent, as lines."""
        if live is None:
            return ["it is not there at all"]
        seen = keep_fields(live, fields_of(self.wanted))
        found: list[str] = []
        if short_fingerprint(seen) != short_fingerprint(self.wanted):
            shown = redact_for_display(seen, self.wanted, self.hidden)
            ours = fields_of(self.wanted)
            changes = changes_between(self.wanted, shown, ours, ("before",))
            found += as_lines(changes)
        if self.stamp is None:
            return found
        if live.stamp is None or live.stamp.bound != self.stamp.bound:
            found.append("the stamp of this deploy is not in its description")
        return found


def delete_and_verify(session: Session, name: str, workflow_id: str) -> None:
    """Delete a workflow, and check that it is gone. It may be gone already.

    Raises:
        ApiError: The service refused it.
        TransportError: It could not be sent.
        VerificationError: It still exists.
        OutcomeUnknownError: It is not known whether it exists.
    """
    what = f"deleting {name!r} ({workflow_id})"
    lost: FlowError | None = None
    try:
        delete_workflow(session, workflow_id)
    except NotFoundError:
        return
    except FlowError as error:
        if is_refusal(error):
            raise
        lost = error
    live = read_back(session, what, workflow_id, lost)
    if live is None:
        return
    if lost is None:
        raise VerificationError(name, workflow_id, ["it is still there"])
    raise OutcomeUnknownError(what, f"{lost}; it is still there") from lost


def read_back(
    session: Session, what: str, workflow_id: str, lost: FlowError | None
) -> Definition | None:
    """Read a workflow after a write.

    Raises:
        OutcomeUnknownError: It cannot be read.
    """
    try:
        return get_workflow(session, workflow_id)
    except FlowError as error:
        before = lost or "the service accepted it"
        reason = f"{before}; then it could not be read back: {error}"
        raise OutcomeUnknownError(what, reason) from error


def is_same(live: Definition | None, before: Definition | None) -> bool:
    """Return True if nothing was written between two reads."""
    if live is None or before is None:
        return live is before
    # Unknown keys of an answer may change by themselves.
    seen, known = evolve(live, extra=EMPTY), evolve(before, extra=EMPTY)
    return seen == known and live.stamp == before.stamp
