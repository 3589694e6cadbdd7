"""The documented calls, one function each, and their typed answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypedDict, Unpack
from urllib.parse import quote
from uuid import UUID

from attrs import field, frozen

from ..analysis.live import LiveCatalogue
from ..definition import Definition, canonical_id, from_data
from ..errors import ApiError, BuildError, FlowError, NotFoundError, ReadError
from ..text import shortened
from .answers import Answered, Body, answer_error, structure
from .session import Session

Look: TypeAlias = Callable[[FlowError], Any]
"""Looks for the outcome of a request before it is sent again. It returns what the
answer would have said, or None if there is no outcome."""


def as_id(value: object) -> str:
    """Return an id as text. A `UUID` is accepted as well.

    Raises:
        BuildError: It is not an id.
    """
    text = str(value) if isinstance(value, UUID) else value
    # A path that ends in dots is one to somewhere else.
    if isinstance(text, str) and text.isprintable() and text.strip(" ."):
        return text
    raise BuildError(f"{shortened(value)} is not an id, and nothing was sent")


def _segment(id: object) -> str:
    """Return an id, quoted as one segment of a path."""
    return quote(as_id(id), safe="")


# -- Workflows ------------------------------------------------------------------------


@frozen
class WorkflowInfo(Answered):
    """A workflow as the service describes it.

    Attributes:
        description: Its description, with the stamp of a deploy.
        status: A word for its state. The documents disagree on the words.
        org_id: The organisation that it belongs to.
        updated_at: A time in the service's format.
        workflow_definition: Its definition as data; None in lists, which leave it out.
        definition: The same, read. Its texts are as they are live, secrets too.
    """

    id: str
    name: str = ""
    description: str = ""
    status: str = ""
    org_id: str | None = None
    updated_at: str | None = None
    workflow_definition: Mapping[str, Any] | None = field(default=None, repr=False)
    definition: Definition | None = field(default=None, repr=False, init=False)


def list_workflows(session: Session) -> list[WorkflowInfo]:
    """Return all workflows of the organisation, without their definitions."""
    return session.get(list[WorkflowInfo], "/workflows")


def read_workflow(session: Session, workflow_id: str) -> WorkflowInfo:
    """Return a workflow with its definition.

    Raises:
        ApiError: It does not exist, or another organisation has it (404, or 403).
    """
    path = f"/workflows/{_segment(workflow_id)}"
    info = _read_info(session.send("GET", path), "GET", path)
    if canonical_id(info.id) != canonical_id(str(workflow_id)):
        raise answer_error("GET", path, f"a workflow of another id, {info.id}")
    return info


def find_workflow(session: Session, workflow_id: str) -> Definition | None:
    """Return the definition of a workflow; None if there is no such workflow."""
    try:
        info = read_workflow(session, workflow_id)
    except NotFoundError:
        return None
    return require_definition(info)


def get_workflow(session: Session, workflow_id: str) -> Definition | None:
    """Return the definition of a workflow; None if there is none that is ours."""
    try:
        return find_workflow(session, workflow_id)
    except ApiError as error:
        if error.status == 403:
            return None
        raise


def require_definition(info: WorkflowInfo) -> Definition:
    """Return the definition of a workflow that was read."""
    if info.definition is None:
        raise answer_error("GET", f"/workflows/{info.id}", "it has no definition")
    return info.definition


def create_workflow(
    session: Session,
    body: Mapping[str, Any],
    *,
    may_repeat: bool | None = None,
    look: Look | None = None,
) -> WorkflowInfo:
    """Create a workflow.

    Args:
        body: `workflow_name`, `workflow_description`, `workflow_definition`, and `id`
            if it is not for the service to choose.
        may_repeat: See `Session.send`, like the next one.
    """
    path = "/workflows/create_workflow"
    data = session.send("POST", path, json=body, may_repeat=may_repeat, look=look)
    return _read_write_answer(data, body.get("id"), path)


def update_workflow(
    session: Session,
    workflow_id: str,
    body: Mapping[str, Any],
    *,
    may_repeat: bool | None = None,
    look: Look | None = None,
) -> WorkflowInfo:
    """Change a workflow. If it does not exist, the service creates it.

    Args:
        body: As for `create_workflow`. Fields that are left out keep their value.
        may_repeat: See `Session.send`, like the next one.
    """
    path = "/workflows/update_workflow"
    params = {"workflow_id": as_id(workflow_id)}
    data = session.send(
        "POST", path, params=params, json=body, may_repeat=may_repeat, look=look
    )
    return _read_write_answer(data, params["workflow_id"], path)


def delete_workflow(session: Session, workflow_id: str) -> WorkflowInfo | None:
    """Delete a workflow for good; return None if a repetition found it gone."""
    path = "/workflows/delete_workflow"
    params = {"workflow_id": as_id(workflow_id)}
    try:
        data = session.send("POST", path, params=params, may_repeat=True)
    except NotFoundError as error:
        if error.attempts == 1:
            raise
        return None
    return _read_info(data, "POST", path)


def list_blocks(session: Session) -> LiveCatalogue:
    """Return the kinds of blocks, each with the JSON Schema of its specs.

    Raises:
        ReadError: The answer is not such a list.
    """
    data = session.send("GET", "/workflows/blocks")
    today = datetime.now(UTC).date().isoformat()
    return LiveCatalogue.of(
        data, date=today, source="the answer to GET /workflows/blocks"
    )


def _read_write_answer(data: Any, workflow_id: str | None, path: str) -> WorkflowInfo:
    """Return the answer to a write. It was accepted, so the id need not be repeated."""
    if isinstance(data, dict) and workflow_id is not None:
        data = Body({"id": workflow_id, **data})
    return _read_info(data, "POST", path)


def _read_info(data: Any, method: str, path: str) -> WorkflowInfo:
    """Return a workflow. Specs may hold secrets, so no frame of an error does."""
    info = structure(data, WorkflowInfo, method, path)
    if info.workflow_definition is None:
        return info
    try:
        definition = from_data(data, source=f"{method} {path}")
    except ReadError as error:
        problem = str(error)
    else:
        object.__setattr__(info, "definition", definition)
        return info
    del data, info
    raise answer_error(method, path, problem)


# -- Runs -----------------------------------------------------------------------------

MOST_RUNS: Final = 500
"""Only the newest runs can be listed (documented)."""

COMPLETED: Final = "completed"

ENDED: Final = frozenset({COMPLETED, "failed", "cancelled", "timeout", "terminated"})
"""Words for an end. Every other word means that the run goes on."""

WAITING: Final = frozenset({"", "queued", "pending"})
"""Words for a run that has not begun. The empty word says nothing."""

_SPELLINGS: Final = {"canceled": "cancelled", "timed_out": "timeout"}


def normal(word: str) -> str:
    """Return a status word in its one spelling.

    >>> normal("CANCELED"), normal("Timed_Out"), normal("resting")
    ('cancelled', 'timeout', 'resting')
    """
    lowered = word.strip().lower()
    return _SPELLINGS.get(lowered, lowered)


def later(before: str, now: str) -> str:
    """Return the later of two normal words; they may have come in either order.

    A run that has ended stays ended, and a run that has begun does not wait again. An
    answer that says otherwise is an old one.
    """
    is_back = now in WAITING and before not in WAITING
    return before if before in ENDED or is_back or not now else now


@frozen
class Started(Answered):
    """Answer to the start of a run.

    Attributes:
        status: Its status, usually `queued`.
        already_started: True if it was started before under the same Idempotency-Key.
    """

    job_id: str
    status: str = ""
    already_started: bool = False


@frozen
class RunEntry(Answered):
    """A run in the list of runs.

    Attributes:
        status: Its status, as the service spells it.
        status_reason: Why it has this status.
        queued_at: Times are in the service's format.
        workflow_name: Title of its workflow when it was started.
    """

    job_id: str
    workflow_id: str = ""
    status: str = ""
    status_reason: str | None = None
    error_message: str | None = None
    queued_at: str | None = None
    workflow_name: str = ""
    created_at: str | None = None


@frozen
class BlockStatus(Answered):
    """The state of a block in a run.

    Attributes:
        block_name: Its kind.
        sequence_number: Its number in the definition.
        status: `pending`, `running`, `completed`, `failed`, or an undocumented word.
        processed_count: Rows that it has processed.
        total_count: Rows to process, as far as known.
        progress_percentage: From 0 to 100, as the service says.
        metrics: `row_count`, `dataframe_type`, and other counts of the service.
    """

    block_name: str = ""
    sequence_number: int = 0
    status: str = ""
    processed_count: int = 0
    total_count: int = 0
    progress_percentage: float = 0.0
    error_message: str | None = None
    metrics: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def returned_rows(self) -> int | None:
        """The rows that it returned; None if that is not known."""
        count = (self.metrics or {}).get("row_count")
        if isinstance(count, int) and not isinstance(count, bool):
            return count
        return self.processed_count if self.processed_count > 0 else None


@frozen
class LiveStatus(Answered):
    """The state of a run.

    Attributes:
        overall_status: Its status, as the service spells it.
    """

    overall_status: str
    run_id: str = ""
    workflow_id: str = ""
    blocks: Sequence[BlockStatus] = ()


@frozen
class ResultItem(Answered):
    """A result file of a run, one for each stage that saved something.

    Attributes:
        block_number: Number of the block that wrote it. The final file has the highest.
        file_size: Its size in bytes, uncompressed.
        message: An error or a remark of the service.
        download_url: A signed link that expires after 15 minutes; None if signing
            failed.
        results: The rows themselves, if the file is small.
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
        """True if all of its rows are in `results`."""
        return self.results is not None and len(self.results) >= self.row_count

    @property
    def is_readable(self) -> bool:
        """True if its rows are in `results`, or there is a link."""
        return self.is_whole or self.download_url is not None


@frozen
class Cancelled(Answered):
    """Answer to a cancel, with the status that the run has now."""

    status: str


def start_run(
    session: Session,
    workflow_id: str,
    body: Mapping[str, Any],
    key: str,
    *,
    save_json: bool = True,
    result_formats: Sequence[str] = (),
) -> Started:
    """Start a run under an Idempotency-Key, with one request.

    It is sent again only if it was not sent, since it is only inferred that the service
    honours the key.

    Args:
        workflow_id: Id of the workflow.
        body: `webhook_payload` and `specs_override`.
        key: The Idempotency-Key.
        save_json: Save results as JSON too, which keeps types.
        result_formats: Further formats to save.
    """
    path = "/workflows/run"
    params = {
        "workflow_id": as_id(workflow_id),
        "save_json": "true" if save_json else "false",
        "result_formats": list(result_formats) or None,
    }
    data = session.send(
        "POST",
        path,
        json=body,
        params=params,
        headers={"idempotency-key": key},
        may_repeat=False,
    )
    return structure(data, Started, "POST", path)


def list_runs(
    session: Session,
    workflow_id: str | None = None,
    limit: int = MOST_RUNS,
    *,
    status: str | None = None,
) -> list[RunEntry]:
    """Return the newest runs, newest first. Only 500 can be listed (documented).

    Args:
        workflow_id: Only runs of this workflow.
        limit: The most runs to return.
        status: Only runs of this status: `running`, `completed`, `cancelled`, or
            `active` for queued and running ones.
    """
    return session.get(
        list[RunEntry],
        "/workflows/runs",
        status=status,
        workflow_id=workflow_id and str(workflow_id),
        limit=limit,
    )


def live_status(session: Session, run_id: str) -> LiveStatus:
    """Return the state of a run."""
    segment = _segment(run_id)
    return session.get(LiveStatus, f"/workflows/runs/{segment}/live_status")


def cancel_run(session: Session, run_id: str) -> str:
    """Cancel a run, and return its status. A run that has ended keeps its status."""
    path, params = "/workflows/cancel", {"job_id": as_id(run_id)}
    data = session.send("POST", path, params=params, may_repeat=True)
    return structure(data, Cancelled, "POST", path).status


def download_links(
    session: Session, run_id: str, format: str = "csv"
) -> list[ResultItem]:
    """Return the result files of a run, with fresh links.

    Args:
        run_id: Id of the run.
        format: `csv`, or `json` and `ndjson` if the run saved them.
    """
    segment = _segment(run_id)
    path = f"/workflows/runs/{segment}/results/download-links"
    return session.get(list[ResultItem], path, format=format)


# -- Schedules ------------------------------------------------------------------------


@frozen
class Schedule(Answered):
    """A schedule, by which the service runs a workflow.

    Attributes:
        cron_expression: Five fields.
        timezone: An IANA name.
        is_active: None if the service does not say.
        description: What it is for. A deploy leaves its stamp there.
    """

    id: str
    workflow_id: str = ""
    name: str = ""
    cron_expression: str = ""
    timezone: str = ""
    is_active: bool | None = None
    description: str = ""


class ScheduleOptions(TypedDict, total=False):
    """Fields that `create_schedule` can set."""

    timezone: str
    description: str
    is_active: bool


class ScheduleFields(ScheduleOptions, total=False):
    """Fields that `update_schedule` can change."""

    name: str
    cron_expression: str


def create_schedule(
    session: Session,
    workflow_id: str,
    name: str,
    cron_expression: str,
    **options: Unpack[ScheduleOptions],
) -> Schedule:
    """Create a schedule with one request: a second schedule would buy runs too.

    It is active, and in UTC, unless the options say otherwise.
    """
    body = {
        "workflow_id": as_id(workflow_id),
        "name": name,
        "cron_expression": cron_expression,
        "timezone": "UTC",
        "is_active": True,
        **options,
    }
    data = session.send("POST", "/schedules", json=body, may_repeat=False)
    return structure(data, Schedule, "POST", "/schedules")


def list_schedules(session: Session, workflow_id: str | None = None) -> list[Schedule]:
    """Return the schedules of one workflow, or all."""
    workflow_id = workflow_id and str(workflow_id)
    return session.get(list[Schedule], "/schedules", workflow_id=workflow_id)


def get_schedule(session: Session, schedule_id: str) -> Schedule:
    """Return one schedule."""
    path = f"/schedules/{_segment(schedule_id)}"
    return session.get(Schedule, path)


def update_schedule(
    session: Session, schedule_id: str, **fields: Unpack[ScheduleFields]
) -> Schedule:
    """Change the given fields of a schedule, and no others."""
    path = f"/schedules/{_segment(schedule_id)}"
    data = session.send("PATCH", path, json=fields)
    return structure(data, Schedule, "PATCH", path)


def delete_schedule(session: Session, schedule_id: str) -> None:
    """Delete a schedule. The content of a 2xx answer does not matter."""
    segment = _segment(schedule_id)
    session.send("DELETE", f"/schedules/{segment}")


# -- The signing secret ---------------------------------------------------------------

SECRET_PATH: Final = "/webhooks/signing-secret"  # noqa: S105 - a path, and no secret


@frozen
class SigningSecret(Answered):
    """The facts that may be known of the secret that deliveries are signed with.

    Attributes:
        preview: Its beginning and its last four characters.
        status: A word for its state.
    """

    id: str = ""
    preview: str = ""
    status: str = ""


@frozen
class NewSigningSecret(Answered):
    """A secret that was just made.

    Attributes:
        plaintext: The secret itself. It is shown only this once, so store it safely. No
            repr shows it.
        meta: What may be known of it later.
    """

    plaintext: str = field(repr=False)
    meta: SigningSecret = field(factory=SigningSecret)


def get_signing_secret(session: Session) -> SigningSecret | None:
    """Return the public facts about the secret; None without a secret."""
    data = session.send("GET", SECRET_PATH)
    return None if data is None else structure(data, SigningSecret, "GET", SECRET_PATH)


def create_signing_secret(session: Session) -> NewSigningSecret:
    """Make a secret, which revokes the present one at once.

    If the answer is lost, the request is not sent again.
    """
    return _make_secret(session, SECRET_PATH, None)


def roll_signing_secret(
    session: Session, expire_overlap_hours: int = 24
) -> NewSigningSecret:
    """Make a secret. The present one also signs for some hours, and is then revoked.

    If the answer is lost, the request is not sent again.

    Args:
        expire_overlap_hours: From 0, after a leak, to 72.
    """
    body = {"expire_overlap_hours": expire_overlap_hours}
    return _make_secret(session, f"{SECRET_PATH}/roll", body)


def delete_signing_secret(session: Session) -> None:
    """Revoke the secret. Later deliveries are not signed."""
    session.send("DELETE", SECRET_PATH)


def _make_secret(session: Session, path: str, body: Any) -> NewSigningSecret:
    data = session.send("POST", path, json=body)
    secret = structure(data, NewSigningSecret, "POST", path)
    session.secrets.add([secret.plaintext])
    return secret


# -- The balance ----------------------------------------------------------------------


@frozen
class Balance(Answered):
    """The credits that are left.

    Attributes:
        credits: One credit is ten US cents (inferred).
    """

    credits: float


def get_balance(session: Session) -> Balance:
    """Return the credits that are left."""
    return session.get(Balance, "/check-balance")
