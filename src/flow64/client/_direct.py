"""The documented calls that send a workflow or rows, checked before they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, TypeAlias
from uuid import uuid4

from attrs import evolve, field, frozen

from ..api import (
    Session,
    Started,
    WorkflowInfo,
    as_any_text,
    as_id,
    as_text,
    create,
    is_refusal,
    start_run,
    update,
    workflow_info,
)
from ..definition import (
    Definition,
    Limits,
    Problem,
    add_suffix,
    freeze,
    from_data,
    is_shared_path,
    pointer,
    thaw,
    unbound_names,
    with_stamp,
)
from ..deploy import (
    Deployable,
    fields_of,
    keep_fields,
    short_fingerprint,
    spends_when_written,
)
from ..errors import (
    ApiError,
    ArgumentError,
    ConflictError,
    ConsentError,
    FlowError,
    ForbiddenError,
    LocalNamespaceError,
    NotFoundError,
    OutcomeUnknownError,
    RowsError,
    UnboundValueError,
    shortened,
)
from ..runs import as_rows
from ._settings import ClientSettings

Given: TypeAlias = Deployable | Definition | Mapping[str, Any]
"""A workflow as a caller gives it: a `Workflow`, a definition, or its JSON data."""

GivenRows: TypeAlias = (
    Iterable[Mapping[str, Any]] | Mapping[str, Any] | str | PathLike[str] | None
)
"""Rows of a run: any iterable, one row, or the path of a CSV, JSON or NDJSON file."""

_DATA = Limits(literals=True)


@frozen
class GivenWorkflow:
    """A workflow as it is given, and what to compile it with.

    Attributes:
        callee: Name of the method, for errors.
        given: None if no workflow is given.
        env: The environment to compile for.
        values: Its values. Some may be secret, so no repr shows them.
    """

    callee: str
    given: Given | None
    env: str | None
    values: Mapping[str, Any] | None = field(repr=False)

    def definition(self, settings: ClientSettings) -> Definition:
        """Return the definition to send.

        Raises:
            ArgumentError: It is not a workflow.
            CompileError: It has errors.
            UnboundValueError: Some of its values are not given.
            LocalNamespaceError: Another user's workflow may have the same id.
        """
        found = self._compile(settings)
        if names := unbound_names(found):
            given = [*(settings.values_of(self.values) or ())]
            raise UnboundValueError(found.name, self._env(settings), names, given)
        is_shared = is_shared_path(found.path or "")
        if is_shared and not settings.channel.is_local:
            raise LocalNamespaceError(found.name, settings.channel.endpoint)
        if found.stamp is None:
            return found
        # What a stamp was split off goes back as it came.
        return evolve(found, description=with_stamp(found.description, found.stamp))

    def _compile(self, settings: ClientSettings) -> Definition:
        given: Any = self.given
        if isinstance(given, Definition | Mapping):
            if self.env is not None or self.values is not None:
                problem = "env and values are for a Workflow; a definition is sent as"
                raise ArgumentError(self.callee, f"{problem} it is")
            if isinstance(given, Definition):
                return given
            return from_data(given, source=self.callee)
        if isinstance(given, type) or not callable(getattr(given, "compile", None)):
            problem = f"{shortened(given)} is not a workflow; give a Workflow(...)"
            raise ArgumentError(self.callee, f"{problem}, a definition, or JSON data")
        workflow: Deployable = given
        bound = workflow.compile(self._env(settings), settings.values_of(self.values))
        return add_suffix(bound, settings.terms.suffix)

    def _env(self, settings: ClientSettings) -> str:
        return settings.env_of(self.callee, self.env)


async def create_workflow(
    session: Session, sent: Definition, *, allow_spend: bool
) -> WorkflowInfo:
    """Create a workflow; see `Workflows.create`."""
    spends = _require_consent(sent, allow_spend=allow_spend)
    may_repeat = sent.id is not None and not spends
    try:
        return await create(session, sent, may_repeat=may_repeat, spends=spends)
    except ConflictError as error:
        if error.attempts == 1 or not may_repeat:
            raise
        taken = error
    # An attempt before may have been carried out although its answer was lost.
    try:
        live = await workflow_info(session, str(sent.id))
    except (NotFoundError, ForbiddenError):
        raise taken from None
    if live.definition is None:
        raise taken
    if short_fingerprint(
        keep_fields(live.definition, fields_of(sent))
    ) != short_fingerprint(sent):
        raise taken
    return live


async def update_workflow(
    session: Session,
    workflow_id: str,
    sent: Definition | None,
    *,
    name: str | None,
    description: str | None,
    is_new: bool,
    allow_spend: bool,
) -> WorkflowInfo:
    """Change a workflow; see `Workflows.update`."""
    callee = "workflows.update"
    workflow_id = as_id(callee, "workflow_id", workflow_id)
    if name is not None:
        as_text(callee, "name", name)
    if description is not None:
        as_any_text(callee, "description", description)
    if sent is None:
        if name is None and description is None:
            known = ("workflow", "name", "description")
            raise ArgumentError(callee, "nothing to change was given", known)
        if is_new:
            raise ArgumentError(callee, "create=True needs a whole workflow")
    spends = False
    if sent is not None:
        sent = evolve(sent, id=workflow_id)
        spends = _require_consent(sent, allow_spend=allow_spend)
    if not is_new:
        # The service makes a workflow of any id that it does not know.
        await workflow_info(session, workflow_id)
    return await update(
        session,
        workflow_id,
        sent,
        name=name,
        description=description,
        may_repeat=sent is not None and not spends,
        spends=spends,
    )


async def start_directly(
    session: Session,
    workflow_id: str,
    body: Mapping[str, Any],
    *,
    idempotency_key: Any,
    save_json: bool,
    result_formats: Sequence[str],
) -> Started:
    """Start a run with one request; see `Runs.start`."""
    key = str(uuid4()) if idempotency_key is None else idempotency_key
    try:
        return await start_run(
            session,
            workflow_id,
            body,
            key,
            save_json=save_json,
            result_formats=result_formats,
        )
    except FlowError as error:
        is_redirect = isinstance(error, ApiError) and error.status < 400
        if isinstance(error, ArgumentError) or is_redirect or is_refusal(error):
            raise
        what = f"starting a run of {workflow_id} under idempotency_key={str(key)!r}"
        raise OutcomeUnknownError(what, str(error)) from error


def _require_consent(sent: Definition, *, allow_spend: bool) -> bool:
    """Return True if a definition spends as soon as it is written.

    Raises:
        ConsentError: It does, and `allow_spend` is not set.
    """
    spends = spends_when_written(sent)
    if spends and not allow_spend:
        raise ConsentError(sent.name, spends)
    return bool(spends)


def body_of(rows: Any, specs_override: Any) -> dict[str, Any]:
    """Return the body of a start: a copy, which the caller cannot change."""
    given: dict[str, Any] = {}
    if rows is not None:
        given["webhook_payload"] = as_rows(rows)
    if specs_override is not None:
        if not isinstance(specs_override, Mapping):
            problem = f"specs_override is {shortened(specs_override)}, no mapping"
            raise ArgumentError("runs.start", f"{problem} of settings")
        given["specs_override"] = specs_override
    problems: list[Problem] = []
    frozen = freeze(given, (), problems, limits=_DATA)
    if problems:
        raise RowsError([f"{pointer(p.path)}: {p.message}; {p.help}" for p in problems])
    body: dict[str, Any] = thaw(frozen)
    return body
