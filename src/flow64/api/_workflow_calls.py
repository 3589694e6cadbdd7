"""The calls about workflows and blocks, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from ..definition import Definition, as_body, canonical_id, from_data, secret_texts
from ..errors import AnswerError, ForbiddenError, NotFoundError, ReadError
from ._arguments import as_id, in_path
from ._conversation import Look, ask, asked
from ._parsing import Answered, is_filled, reading_list, redacted, structured
from ._steps import Answer, Conversation, Request


@frozen
class WorkflowInfo(Answered):
    """A workflow as the service tells of it.

    Attributes:
        id: Its id.
        name: Its title.
        description: Its description, with the stamp of a deploy.
        status: A word for its state; the documents disagree on which there are.
        step: The editor's step.
        org_id: The organisation that it belongs to.
        user_uuid: Who made it.
        created_at: When it was made, as the service writes times.
        updated_at: When it was last changed.
        last_run_date: When it was last run.
        definition: What it does; None in lists, which leave it out.
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


@frozen
class BlockInfo(Answered):
    """A kind of block as the service lists it.

    Attributes:
        block_name: The kind.
        specs_schema: The JSON Schema of its specs.
    """

    block_name: str = field(validator=is_filled)
    specs_schema: Mapping[str, Any] = field(factory=dict, repr=False)

    def as_data(self) -> dict[str, Any]:
        """As it came: a list of these is what `LiveCatalogue.of` takes."""
        known = {"block_name": self.block_name, "specs_schema": self.specs_schema}
        return {**known, **self.extra}


# -- As definitions: what deploying and running need ----------------------------------


def get_workflow(
    workflow_id: str, code: Definition | None = None
) -> Conversation[Definition | None]:
    """Return the workflow of an id; None if there is none, or it is not yours.

    See `read_workflow`.
    """
    try:
        return (yield from read_workflow(workflow_id, code))
    except (NotFoundError, ForbiddenError):
        return None


def read_workflow(
    workflow_id: str, code: Definition | None = None
) -> Conversation[Definition]:
    """Return the workflow of an id.

    Its texts are as they are live, secrets too, so that they can be compared.

    Args:
        workflow_id: Which.
        code: The code's definition of it. An error does not show its secrets.

    Raises:
        NotFoundError: There is none, or another organisation has it.
        ForbiddenError: Another organisation has it, or the key may read none.
    """
    request = evolve(_get(workflow_id), secrets=secret_texts([code] if code else []))

    def read(answer: Answer) -> Definition:
        found = _definition(answer, request)
        _require_same(str(found.id), workflow_id, request)
        return found

    return (yield from asked(request, read))


# A body with its secrets revealed is held by no name, so that no frame shows it.


def create_workflow(
    sent: Definition, look: Look[Any] | None = None
) -> Conversation[None]:
    """Create a workflow under its own id."""
    path = "/workflows/create_workflow"
    yield from ask(
        Request(
            "POST", path, body=as_body(sent, reveal=True), secrets=secret_texts([sent])
        ),
        look,
    )


def update_workflow(
    sent: Definition, look: Look[Any] | None = None
) -> Conversation[None]:
    """Replace a whole workflow."""
    path, query = "/workflows/update_workflow", {"workflow_id": str(sent.id)}
    yield from ask(
        Request(
            "POST",
            path,
            query,
            as_body(sent, reveal=True),
            secrets=secret_texts([sent]),
        ),
        look,
    )


def update_description(
    workflow_id: str, text: str, look: Look[Any] | None = None
) -> Conversation[None]:
    """Change the description alone; what a body leaves out keeps its value."""
    path, query = "/workflows/update_workflow", {"workflow_id": workflow_id}
    yield from ask(Request("POST", path, query, {"workflow_description": text}), look)


# -- As the service tells of them -----------------------------------------------------


def workflow_info(workflow_id: str) -> Conversation[WorkflowInfo]:
    """The workflow of an id, with its definition."""
    request = _get(workflow_id)

    def read(answer: Answer) -> WorkflowInfo:
        found = _info(answer, request)
        _require_same(found.id, workflow_id, request)
        return found

    return (yield from asked(request, read))


def list_workflows(secrets: Sequence[str] = ()) -> Conversation[Sequence[WorkflowInfo]]:
    """Return all workflows of the organisation, without their definitions.

    Args:
        secrets: Secrets that no text of the answer may show.
    """
    request = Request("GET", "/workflows", secrets=secrets)
    return (yield from asked(request, reading_list(WorkflowInfo, request)))


def create(
    sent: Definition, *, may_repeat: bool, spends: bool = False
) -> Conversation[WorkflowInfo]:
    """Create a workflow.

    Args:
        sent: What to create, under its own id where it has one.
        may_repeat: Whether to send it again where no answer comes; a 409 may then mean
            that it was created by an attempt before.
        spends: Whether this may spend, so that it is not sent again after a 429.
    """
    path, query = "/workflows/create_workflow", dict[str, str]()
    return (
        yield from _written(
            Request(
                "POST",
                path,
                query,
                as_body(sent, reveal=True),
                is_harmless=may_repeat,
                is_once=spends,
                secrets=secret_texts([sent]),
            )
        )
    )


def update(
    workflow_id: str,
    sent: Definition | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    may_repeat: bool = False,
    spends: bool = False,
) -> Conversation[WorkflowInfo]:
    """Change a workflow; where there is none of that id, the service creates one.

    Args:
        workflow_id: Which.
        sent: What it is to be; None leaves its graph as it is.
        name: Its new title; None leaves it, or takes that of the definition.
        description: Its new description, in the same way.
        may_repeat: Whether to send it again where no answer comes.
        spends: Whether this may spend, so that it is not sent again after a 429.
    """
    path, query = "/workflows/update_workflow", {"workflow_id": workflow_id}
    return (
        yield from _written(
            Request(
                "POST",
                path,
                query,
                _changes(sent, name, description),
                is_harmless=may_repeat,
                is_once=spends,
                secrets=secret_texts([sent] if sent else []),
            )
        )
    )


def delete_workflow(workflow_id: str) -> Conversation[WorkflowInfo | None]:
    """Delete a workflow for good; None where a repetition found it gone."""
    path = "/workflows/delete_workflow"
    query = {"workflow_id": as_id("workflows.delete", "workflow_id", workflow_id)}
    request = Request("POST", path, query, is_harmless=True)
    try:
        return (yield from asked(request, lambda answer: _info(answer, request)))
    except NotFoundError as error:
        if error.attempts == 1:
            raise
        return None


def list_blocks() -> Conversation[Sequence[BlockInfo]]:
    """The kinds of blocks, each with the JSON Schema of its specs."""
    request = Request("GET", "/workflows/blocks")
    return (yield from asked(request, reading_list(BlockInfo, request)))


def _get(workflow_id: str) -> Request:
    segment = in_path("workflows.get", "workflow_id", workflow_id)
    return Request("GET", f"/workflows/{segment}")


def _written(request: Request) -> Conversation[WorkflowInfo]:
    return (yield from asked(request, lambda answer: _info(answer, request)))


def _changes(
    sent: Definition | None, name: str | None, description: str | None
) -> dict[str, Any]:
    """The body of an update: what is not given is left out, and so kept."""
    given = {"workflow_name": name, "workflow_description": description}
    said = {key: text for key, text in given.items() if text is not None}
    return {**as_body(sent, reveal=True), **said} if sent else said


# What is read holds specs, and they may hold secrets: an error is made where no frame
# that has them is left.


def _info(answer: Answer, request: Request) -> WorkflowInfo:
    made = _attempted(answer, answer.json(request), request)
    if isinstance(made, AnswerError):
        raise made
    return made


def _attempted(
    answer: Answer, data: Any, request: Request
) -> WorkflowInfo | AnswerError:
    """A workflow as the service tells of it, or why it is none."""
    has_graph = isinstance(data, dict) and data.get("workflow_definition") is not None
    try:
        if not has_graph:
            return structured(redacted(data, answer.redaction), WorkflowInfo, request)
        rest = {name: at for name, at in data.items() if name != "workflow_definition"}
        rest = redacted(rest, answer.redaction)
        found = structured(rest, WorkflowInfo, request)
    except AnswerError as error:
        return error.with_traceback(None)
    definition = _read(answer, data, request)
    if isinstance(definition, AnswerError):
        return definition
    return evolve(found, definition=definition)


def _definition(answer: Answer, request: Request) -> Definition:
    made = _read(answer, answer.json(request), request)
    if isinstance(made, AnswerError):
        raise made
    return made


def _read(answer: Answer, data: Any, request: Request) -> Definition | AnswerError:
    try:
        return from_data(data, source=f"{request.method} {request.path}")
    except ReadError as error:
        return AnswerError(request.method, request.path, answer.redact(str(error)))


def _require_same(found: str, workflow_id: str, request: Request) -> None:
    if canonical_id(found) != canonical_id(str(workflow_id)):
        problem = f"a workflow of another id, {found}"
        raise AnswerError(request.method, request.path, problem)
