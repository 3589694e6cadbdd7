"""Deploy: plan and apply of one workflow, with a look before the write and after."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from attrs import evolve, field, frozen

from ..analysis import differences
from ..blocks import CATALOGUE
from ..definition import (
    EMPTY,
    LOCAL,
    Definition,
    Stamp,
    path_of,
    unbound_names,
    with_stamp,
)
from ..errors import (
    ConflictError,
    ConsentError,
    FlowError,
    LocalNamespaceError,
    OutcomeUnknownError,
    StateRefusedError,
    UnboundValueError,
    VerificationError,
)
from ._exchange import Channel
from ._state import (
    State,
    compare,
    fields_of,
    merged,
    reduced,
    sent_fields,
    short,
    veiled,
)
from .api import (
    Conversation,
    create_workflow,
    get_workflow,
    is_refusal,
    update_description,
    update_workflow,
)


class Deployable(Protocol):
    """What a deploy needs of a workflow."""

    @property
    def name(self) -> str:
        """The title."""

    @property
    def file(self) -> str | None:
        """The file it was written in, where that is known."""

    def compile(
        self, env: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Definition:
        """The definition for an environment."""

    def fingerprint(self) -> str:
        """The unbound fingerprint."""


@frozen
class Deployment:
    """What a deploy did.

    Attributes:
        workflow_id: Id of the workflow.
        state: What was found before: `unchanged` means that nothing was sent.
        changes: What the write changed, one line each.
        unmanaged: Live fields that code does not set; they were left as they are.
        replaced: The definition that was there before, where one was overwritten; what
            stands in the place of a secret is masked in it.
    """

    workflow_id: str
    state: State
    changes: tuple[str, ...] = field(default=(), converter=tuple[str, ...])
    unmanaged: tuple[str, ...] = field(default=(), converter=tuple[str, ...])
    replaced: Definition | None = None

    @property
    def has_written(self) -> bool:
        """Whether anything was sent."""
        return self.state != "unchanged"


@frozen
class Preview:
    """What a deploy would do, as things are now.

    Attributes:
        workflow_id: Id of the workflow.
        state: What is the case.
        changes: What a write would change, one line each.
        edits: How what is live differs from the code, where that stops a deploy.
        unmanaged: Live fields that code does not set, and that stay as they are.
        spends: What would be bought as soon as it is written.
    """

    workflow_id: str
    state: State
    changes: Sequence[str] = ()
    edits: Sequence[str] = ()
    unmanaged: Sequence[str] = ()
    spends: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be sent."""
        return self.state == "unchanged"

    @property
    def needs_force(self) -> bool:
        """Whether it would overwrite what this code did not put there."""
        return self.state in ("foreign", "drifted", "conflict")


@frozen
class Ready:
    """A workflow compiled for one environment, and checked before anything is sent."""

    workflow: Deployable
    env: str
    definition: Definition
    stamp: Stamp

    @property
    def name(self) -> str:
        """The title, for errors."""
        return self.workflow.name

    @property
    def id(self) -> str:
        """The workflow's id."""
        return str(self.definition.id)

    @property
    def is_pinned(self) -> bool:
        """Whether the code names an imported workflow."""
        return "/pin:" in self.stamp.path


def deployment(
    workflow: Deployable,
    channel: Channel,
    *,
    env: str,
    values: Mapping[str, Any] | None,
    force: bool,
    allow_spend: bool,
) -> Conversation[Deployment]:
    """Deploy a workflow to where a client leads."""
    ready = prepared(workflow, env, values)
    del values  # some may be secret, and an error may show the locals of its frames
    require_namespace(ready, channel)
    return (yield from deploying(ready, force=force, allow_spend=allow_spend))


def prepared(workflow: Deployable, env: str, values: Mapping[str, Any] | None) -> Ready:
    """Compile for an environment, before anything is sent.

    Raises:
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not fill in all its values.
    """
    definition = workflow.compile(env, values)
    if names := unbound_names(definition):
        raise UnboundValueError(workflow.name, env, names)
    pin = path_of([("ns", LOCAL), ("pin", str(definition.id))])
    stamp = Stamp(
        path=definition.path or pin,
        unbound=workflow.fingerprint()[:16],
        bound=short(definition),
        commit=_commit(workflow),
        fields=sent_fields(definition),
    )
    return Ready(workflow, env, definition, stamp)


def require_namespace(ready: Ready, channel: Channel) -> None:
    """Refuse a workflow whose id others may share, anywhere but on this machine."""
    is_shared = ready.stamp.path.startswith(f"ns:{LOCAL}/") and not ready.is_pinned
    if is_shared and not channel.is_local:
        raise LocalNamespaceError(ready.name, channel.endpoint)


def previewing(
    workflow: Deployable,
    channel: Channel,
    *,
    env: str,
    values: Mapping[str, Any] | None,
) -> Conversation[Preview]:
    """See what a deploy would do; nothing but a read is sent."""
    ready = prepared(workflow, env, values)
    del values  # as in `deployment`
    require_namespace(ready, channel)
    preview, *_ = yield from _looked(ready)
    return preview


def deploying(
    ready: Ready, *, force: bool, allow_spend: bool
) -> Conversation[Deployment]:
    """Look, decide, write what was decided, and look whether it is there."""
    code = ready.definition
    found, before, sent = yield from _looked(ready)
    if found.needs_force and not force:
        raise StateRefusedError(ready.name, ready.id, found.state, found.edits)
    if found.is_empty:
        return Deployment(ready.id, found.state, unmanaged=found.unmanaged)
    is_stamp_alone = found.state == "converged"
    if found.spends and not allow_spend:
        raise ConsentError(ready.name, found.spends)
    write = _Write(
        ready,
        evolve(sent, description=with_stamp(code.description, ready.stamp)),
        before,
        is_stamp_alone=is_stamp_alone,
        # Nobody knows what a service does with a description alone.
        spends=bool(spends_when_written(sent)),
    )
    yield from write.carried_out()
    is_replaced = before is not None and not is_stamp_alone
    return Deployment(
        ready.id,
        found.state,
        found.changes,
        found.unmanaged,
        replaced=veiled(before, code) if before and is_replaced else None,
    )


_GRAPH_STAYS: Final = ("unchanged", "converged")
"""States after which no graph is written."""


def _looked(
    ready: Ready,
) -> Conversation[tuple[Preview, Definition | None, Definition]]:
    """Look at what is live; gives what follows, what is live, and what to send."""
    before = yield from get_workflow(ready.id)
    found = compare(ready.definition, before, ready.stamp)
    # What is live beside the code is sent back, so it too decides what is spent.
    sent = merged(ready.definition, before)
    preview = Preview(
        ready.id,
        found.state,
        found.changes,
        found.edits,
        found.unmanaged,
        () if found.state in _GRAPH_STAYS else spends_when_written(sent),
    )
    return preview, before, sent


def spends_when_written(definition: Definition) -> Sequence[str]:
    """The blocks that spend credits as soon as they are written."""
    return [
        f"{definition.origins[position].where or block.kind} buys at creation"
        for position, block in enumerate(definition.blocks)
        if block.kind in CATALOGUE
        and "spends-on-create" in CATALOGUE[block.kind].effects(block.specs)
    ]


@frozen
class _Write:
    """One write and the look that proves it; sent again only where that is free."""

    ready: Ready
    sent: Definition
    before: Definition | None
    is_stamp_alone: bool = False
    spends: bool = False

    @property
    def _what(self) -> str:
        return f"deploying {self.ready.name!r} ({self.ready.id})"

    def carried_out(self) -> Conversation[None]:
        """Until what was sent is seen to be there.

        Raises:
            ApiError: The service turned it away.
            TransportError: It could not be sent.
            VerificationError: Something else than was sent is there.
            StateRefusedError: The id of a new workflow is taken.
            OutcomeUnknownError: No answer came, and the look does not tell.
        """
        is_last = False
        while True:
            lost = yield from self._attempt(is_first=not is_last)
            live = yield from self._look(lost)
            if not (wrong := _missing(self.ready, live)):
                return
            is_taken = self.before is None and isinstance(lost, ConflictError)
            if is_taken:
                seen = wrong if live else ()
                name, workflow_id = self.ready.name, self.ready.id
                raise StateRefusedError(name, workflow_id, "foreign", seen) from lost
            is_untouched = _is_same(live, self.before)
            if lost is None or (not is_untouched and self._bears_our_stamp(live)):
                raise VerificationError(self.ready.name, self.ready.id, wrong)
            if not is_untouched:
                reason = f"{lost}; what is there now is neither old nor new"
                raise OutcomeUnknownError(self._what, reason) from lost
            if is_last or self.spends:
                raise OutcomeUnknownError(self._what, str(lost)) from lost
            is_last = True

    def _attempt(self, *, is_first: bool) -> Conversation[FlowError | None]:
        """Send it; gives the error that leaves open whether it was carried out."""
        try:
            if self.before is None:
                yield from create_workflow(self.sent)
            elif self.is_stamp_alone:
                yield from update_description(self.ready.id, self.sent.description)
            else:
                yield from update_workflow(self.sent)
        except FlowError as error:
            # A 409 may be the answer to an attempt of ours that was carried out late.
            is_taken = self.before is None and isinstance(error, ConflictError)
            if is_first and is_refusal(error) and not is_taken:
                raise
            return error
        return None

    def _look(self, lost: FlowError | None) -> Conversation[Definition | None]:
        try:
            return (yield from get_workflow(self.ready.id))
        except FlowError as error:
            before = lost or "the service accepted it"
            reason = f"{before}; then it could not be read back: {error}"
            raise OutcomeUnknownError(self._what, reason) from error

    def _bears_our_stamp(self, live: Definition | None) -> bool:
        return live is not None and live.stamp == self.ready.stamp


def _is_same(live: Definition | None, before: Definition | None) -> bool:
    if live is None or before is None:
        return live is before
    # Unknown keys of an answer may be such that change by themselves.
    seen, known = evolve(live, extra=EMPTY), evolve(before, extra=EMPTY)
    return seen == known and live.stamp == before.stamp


def _missing(ready: Ready, live: Definition | None) -> Sequence[str]:
    """What the service shows otherwise than it was sent."""
    if live is None:
        return ["it is not there at all"]
    code = ready.definition
    seen = reduced(live, fields_of(code))
    found: list[str] = []
    if short(seen) != ready.stamp.bound:
        found += differences(code, veiled(seen, code))
    if live.stamp is None or live.stamp.bound != ready.stamp.bound:
        found.append("the stamp of this deploy is not in its description")
    return found


def _commit(workflow: Deployable) -> str | None:
    """The git commit that the workflow's file belongs to, or None outside git."""
    folder = Path(workflow.file).parent if workflow.file else Path()
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
