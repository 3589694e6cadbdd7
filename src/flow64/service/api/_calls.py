"""The documented calls, one function each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import attrs
import cattrs
from attrs import field, frozen
from attrs.validators import min_len
from cattrs.gen import make_dict_structure_fn

from ...definition import Definition, as_body, canonical_id, from_data
from ...errors import AnswerError, ForbiddenError, NotFoundError, ReadError
from ._conversation import Answer, Conversation, Request, ask, send

T = TypeVar("T")


# Only what flow64 cannot do without is required of an answer: a run that was paid for
# is not to be lost from sight because a field is missing or null.


@frozen
class Started:
    """Answer to the start of a run."""

    job_id: str = field(validator=min_len(1))
    workflow_id: str = ""
    status: str = ""
    already_started: bool = False


@frozen
class RunEntry:
    """A run in the list of runs."""

    job_id: str
    workflow_id: str = ""
    status: str = ""
    status_reason: str | None = None
    error_message: str | None = None
    queued_at: str | None = None


@frozen
class BlockStatus:
    """How far a run has come in one block."""

    block_name: str = ""
    sequence_number: int = 0
    status: str = ""
    processed_count: int = 0
    total_count: int = 0
    progress_percentage: float = 0.0
    block_id: str | None = None
    error_message: str | None = None


@frozen
class LiveStatus:
    """How far a run has come."""

    overall_status: str
    run_id: str = ""
    workflow_id: str = ""
    current_block: str | None = None
    total_blocks: int = 0
    completed_blocks: int = 0
    overall_progress_percentage: float = 0.0
    blocks: Sequence[BlockStatus] = ()


@frozen
class ResultItem:
    """A result file: every stage that saved something has one.

    Attributes:
        filename: Its name.
        block_number: `sequence_number` of the block that wrote it.
        row_count: Rows in it.
        file_size: Bytes of it, uncompressed, where known.
        download_url: A signed link that dies after 15 minutes; None if signing failed.
        results: The rows themselves, where the file is small.
    """

    filename: str = ""
    block_number: int | None = None
    row_count: int = 0
    file_size: int | None = None
    content_type: str | None = None
    message: str | None = None
    download_url: str | None = field(default=None, repr=False)
    results: Sequence[Mapping[str, Any]] | None = field(default=None, repr=False)

    @property
    def is_whole(self) -> bool:
        """Whether its rows are here, and all of them."""
        return self.results is not None and len(self.results) >= self.row_count

    @property
    def is_readable(self) -> bool:
        """Whether its rows are here, or behind a link."""
        return self.is_whole or self.download_url is not None


@frozen
class Cancelled:
    """Answer to a cancel: the status that the run has now."""

    status: str


def get_workflow(workflow_id: str) -> Conversation[Definition | None]:
    """The workflow of an id; None where there is none, or another organisation's."""
    request = Request("GET", f"/workflows/{quote(workflow_id, safe='')}")
    try:
        data = yield from ask(request)
    except (NotFoundError, ForbiddenError):
        return None
    try:
        definition = from_data(data, source=f"GET {request.path}")
    except ReadError as error:
        raise AnswerError(request.method, request.path, str(error)) from error
    if canonical_id(str(definition.id)) != canonical_id(workflow_id):
        problem = f"a workflow of another id, {definition.id}"
        raise AnswerError(request.method, request.path, problem)
    return definition


# A body with its secrets revealed is held by no name, so that no frame shows it.


def create_workflow(sent: Definition) -> Conversation[None]:
    """Create a workflow under its own id."""
    path = "/workflows/create_workflow"
    yield from ask(Request("POST", path, body=as_body(sent, reveal=True)))


def update_workflow(sent: Definition) -> Conversation[None]:
    """Replace a whole workflow."""
    path, query = "/workflows/update_workflow", {"workflow_id": str(sent.id)}
    yield from ask(Request("POST", path, query, as_body(sent, reveal=True)))


def update_description(workflow_id: str, text: str) -> Conversation[None]:
    """Change the description alone; what a body leaves out keeps its value."""
    path, query = "/workflows/update_workflow", {"workflow_id": workflow_id}
    yield from ask(Request("POST", path, query, {"workflow_description": text}))


def start_run(
    workflow_id: str, body: Mapping[str, Any], key: str
) -> Conversation[Started]:
    """Start a run under an Idempotency-Key; results are kept as JSON too."""
    query = {"workflow_id": workflow_id, "save_json": "true"}
    request = Request("POST", "/workflows/run", query, body, key)
    data = yield from ask(request)
    return structured(data, Started, request)


def list_runs(workflow_id: str, limit: int = 500) -> Conversation[Sequence[RunEntry]]:
    """The newest runs of a workflow; 500 are all that can be reached (documented)."""
    query = {"workflow_id": workflow_id, "limit": str(limit)}
    request = Request("GET", "/workflows/runs", query)
    data = yield from ask(request)
    return structured(data, list[RunEntry], request)


def live_status(run_id: str) -> Conversation[LiveStatus]:
    """How far a run has come."""
    path = f"/workflows/runs/{quote(run_id, safe='')}/live_status"
    request = Request("GET", path)
    data = yield from ask(request)
    return structured(data, LiveStatus, request)


def cancel_run(run_id: str) -> Conversation[str]:
    """Cancel a run; one that has ended keeps its status. Gives the status word."""
    query = {"job_id": run_id}
    request = Request("POST", "/workflows/cancel", query, is_harmless=True)
    data = yield from ask(request)
    return structured(data, Cancelled, request).status


def download_links(run_id: str, format: str) -> Conversation[Sequence[ResultItem]]:
    """The result files of a run, with fresh links."""
    path = f"/workflows/runs/{quote(run_id, safe='')}/results/download-links"
    request = Request("GET", path, {"format": format})
    data = yield from ask(request)
    return structured(data, list[ResultItem], request)


def download(item: ResultItem) -> Conversation[bytes]:
    """The content behind a signed link, asked for without a credential."""
    request = Request("GET", "(signed link)", url=item.download_url)
    answer: Answer = yield from send(request)
    if item.file_size is not None and len(answer.content) < item.file_size:
        problem = f"{len(answer.content)} bytes of {item.file_size}: it was cut off"
        raise AnswerError(request.method, request.path, problem)
    return answer.content


def structured(data: Any, kind: type[T], request: Request) -> T:
    """JSON data as a typed answer; keys that it does not know are left aside.

    Raises:
        AnswerError: The data has another shape than documented.
    """
    try:
        return _CONVERTER.structure(data, kind)
    except Exception as error:
        wrong = "; ".join(cattrs.transform_error(error))
        raise AnswerError(request.method, request.path, wrong) from error


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text was expected, not {value!r}"[:200])
    return value


def _tolerant(kind: Any) -> Any:
    """Reads an object whose null fields count as absent."""
    structure = make_dict_structure_fn(kind, _CONVERTER)

    def structured(data: Any, _: Any) -> Any:
        known = {name: found for name, found in data.items() if found is not None}
        return structure(known, kind)

    return structured


_CONVERTER = cattrs.Converter()
_CONVERTER.register_structure_hook(str, _text)
_CONVERTER.register_structure_hook_factory(attrs.has, _tolerant)
