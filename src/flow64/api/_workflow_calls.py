"""The calls about workflows and blocks, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from ..analysis import LiveCatalogue
from ..definition import (
    EMPTY,
    Definition,
    as_body,
    canonical_id,
    from_data,
    secret_texts,
)
from ..errors import AnswerError, ForbiddenError, NotFoundError, ReadError
from ._arguments import as_id, in_path
from ._parsing import Answered, is_filled, list_reader, redact_data, structure
from ._request import Answer, Request
from ._session import Lookup, Session

T = TypeVar("T")


@frozen
class WorkflowInfo(Answered):
    """A workflow as the service describes it.

    Attributes:
        description: Its description, with the stamp of a deploy.
        status: A word for its state. The documents disagree on the words.
        org_id: The organisation that it belongs to.
        user_uuid: The user who made it.
        created_at: Times are in the service's format.
        definition: Its definition; None in lists, which leave it out.
    """

    id: str = field(validator=is_filled)
    name: str = ""
    description: str = ""
    status: str = ""
    step: str = ""
    org_id: str | None = None
    user_uuid: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    last_run_date: str | None = None
    definition: Definition | None = field(default=None, metadata={"is_wire": False})


# -- As definitions: what deploying and running need ----------------------------------


async def get_workflow(
    session: Session, workflow_id: str, code: Definition | None = None
) -> Definition | None:
    """Return the workflow with this id; None if it does not exist or is not yours.

    See `read_workflow`.
    """
    try:
        return await read_workflow(session, workflow_id, code)
    except (NotFoundError, ForbiddenError):
        return None


async def read_workflow(
    session: Session, workflow_id: str, code: Definition | None = None
) -> Definition:
    """Return the workflow of an id.

    Its texts are as they are live, secrets too, so that they can be compared.

    Args:
        workflow_id: Its id.
        code: The code's definition of it. An error does not show its secrets.

    Raises:
        NotFoundError: It does not exist, or another organisation has it.
        ForbiddenError: Another organisation has it, or the key may read no workflow.
    """
    request = evolve(_get(workflow_id), secrets=secret_texts([code] if code else []))

    def read(answer: Answer) -> Definition:
        found = _require(_try_definition(answer, answer.json(request), request))
        _require_same(str(found.id), workflow_id, request)
        return found

    return await session.send(request, read)


async def create_workflow(
    session: Session, sent: Definition, look: Lookup[Any] | None = None
) -> None:
    """Create a workflow under its own id."""
    await session.ask(_write(sent), look)


async def update_workflow(
    session: Session, sent: Definition, look: Lookup[Any] | None = None
) -> None:
    """Replace a whole workflow."""
    await session.ask(_write(sent, str(sent.id)), look)


async def update_description(
    session: Session, workflow_id: str, text: str, look: Lookup[Any] | None = None
) -> None:
    """Change only the description. Fields that a body leaves out keep their value."""
    more = {"workflow_description": text}
    await session.ask(_write(None, workflow_id, more), look)


# -- As the service tells of them -----------------------------------------------------


async def workflow_info(session: Session, workflow_id: str) -> WorkflowInfo:
    """Return the workflow of an id, with its definition."""
    request = _get(workflow_id)

    def read(answer: Answer) -> WorkflowInfo:
        found = _info(answer, request)
        _require_same(found.id, workflow_id, request)
        return found

    return await session.send(request, read)


async def list_workflows(
    session: Session, secrets: Sequence[str] = ()
) -> Sequence[WorkflowInfo]:
    """Return all workflows of the organisation, without their definitions.

    Args:
        secrets: Secrets that no text of the answer may show.
    """
    request = Request("GET", "/workflows", secrets=secrets)
    return await session.send(request, list_reader(WorkflowInfo, request))


async def create(
    session: Session, sent: Definition, *, may_repeat: bool, spends: bool = False
) -> WorkflowInfo:
    """Create a workflow.

    Args:
        sent: The definition, with its own id if it has one.
        may_repeat: Send it again if no answer comes. A 409 may then mean that an
            earlier attempt created it.
        spends: Do not send it again after a 429, since it may spend.
    """
    return await _request_info(
        session, _write(sent, is_harmless=may_repeat, is_once=spends)
    )


async def update(
    session: Session,
    workflow_id: str,
    sent: Definition | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    may_repeat: bool = False,
    spends: bool = False,
) -> WorkflowInfo:
    """Change a workflow. If it does not exist, the service creates it.

    Args:
        workflow_id: Its id.
        sent: The new definition; None keeps the graph.
        name: The new title; None keeps it, or takes that of the definition.
        description: The new description, in the same way.
        may_repeat: Send it again if no answer comes.
        spends: Do not send it again after a 429, since it may spend.
    """
    given = {"workflow_name": name, "workflow_description": description}
    said = {key: text for key, text in given.items() if text is not None}
    return await _request_info(
        session,
        _write(sent, workflow_id, said, is_harmless=may_repeat, is_once=spends),
    )


async def delete_workflow(session: Session, workflow_id: str) -> WorkflowInfo | None:
    """Delete a workflow for good; return None if a repetition found it gone."""
    path = "/workflows/delete_workflow"
    query = {"workflow_id": as_id("workflows.delete", "workflow_id", workflow_id)}
    request = Request("POST", path, query, is_harmless=True)
    try:
        return await session.send(request, lambda answer: _info(answer, request))
    except NotFoundError as error:
        if error.attempts == 1:
            raise
        return None


async def list_blocks(session: Session) -> LiveCatalogue:
    """Return the kinds of blocks, each with the JSON Schema of its specs.

    Raises:
        ReadError: The answer is not such a list.
    """
    request = Request("GET", "/workflows/blocks")
    data = await session.send(request, lambda answer: answer.json(request))
    today = datetime.now(UTC).date().isoformat()
    return LiveCatalogue.of(
        data, date=today, source="the answer to GET /workflows/blocks"
    )


def _get(workflow_id: str) -> Request:
    segment = in_path("workflows.get", "workflow_id", workflow_id)
    return Request("GET", f"/workflows/{segment}")


async def _request_info(session: Session, request: Request) -> WorkflowInfo:
    return await session.send(request, lambda answer: _info(answer, request))


def _write(
    sent: Definition | None,
    workflow_id: str | None = None,
    more: Mapping[str, str] = EMPTY,
    *,
    is_harmless: bool = False,
    is_once: bool = False,
) -> Request:
    """Return the request that creates a workflow, or updates one.

    Args:
        sent: The definition; None sends no graph, and so keeps it.
        workflow_id: The workflow to update; None creates one.
        more: Fields of the body in place of those of the definition.
        is_harmless: Send it again if no answer comes.
        is_once: Do not send it again after a 429.
    """
    query = {} if workflow_id is None else {"workflow_id": workflow_id}
    return Request(
        "POST",
        f"/workflows/{'update' if query else 'create'}_workflow",
        query,
        # In no local, since it reveals secrets, and tracebacks may show locals.
        {**(as_body(sent, reveal=True) if sent else EMPTY), **more},
        is_harmless=is_harmless,
        is_once=is_once,
        secrets=secret_texts([sent] if sent else []),
    )


# Specs may hold secrets. So an error is made where no frame holds them.


def _require(made: T | AnswerError) -> T:
    """Return a result, or raise an error that is a value."""
    if isinstance(made, AnswerError):
        raise made
    return made


def _info(answer: Answer, request: Request) -> WorkflowInfo:
    return _require(_try_info(answer, answer.json(request), request))


def _try_info(
    answer: Answer, data: Any, request: Request
) -> WorkflowInfo | AnswerError:
    """Return a workflow, or an error as a value."""
    has_graph = isinstance(data, dict) and data.get("workflow_definition") is not None
    try:
        if not has_graph:
            return structure(redact_data(data, answer.redaction), WorkflowInfo, request)
        rest = {name: at for name, at in data.items() if name != "workflow_definition"}
        rest = redact_data(rest, answer.redaction)
        found = structure(rest, WorkflowInfo, request)
    except AnswerError as error:
        return error.with_traceback(None)
    definition = _try_definition(answer, data, request)
    if isinstance(definition, AnswerError):
        return definition
    return evolve(found, definition=definition)


def _try_definition(
    answer: Answer, data: Any, request: Request
) -> Definition | AnswerError:
    try:
        return from_data(data, source=f"{request.method} {request.path}")
    except ReadError as error:
        return AnswerError(request.method, request.path, answer.redact(str(error)))


def _require_same(found: str, workflow_id: str, request: Request) -> None:
    if canonical_id(found) != canonical_id(str(workflow_id)):
        problem = f"a workflow of another id, {found}"
        raise AnswerError(request.method, request.path, problem)
