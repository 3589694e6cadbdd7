"""The documented calls, one function each. `answers` has what they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypedDict, Unpack
from urllib.parse import quote
from uuid import UUID

from ..analysis.live import LiveCatalogue
from ..definition import Definition, canonical_id, from_data
from ..errors import ApiError, BuildError, FlowError, NotFoundError, ReadError
from ..text import shortened
from . import answers
from .network import Repeat
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


def list_workflows(session: Session) -> list[answers.WorkflowInfo]:
    """Return all workflows of the organisation, without their definitions."""
    return session.get(list[answers.WorkflowInfo], "/workflows")


def read_workflow(session: Session, workflow_id: str) -> answers.WorkflowInfo:
    """Return a workflow with its definition.

    Raises:
        ApiError: It does not exist, or another organisation has it (404, or 403).
    """
    path = f"/workflows/{_segment(workflow_id)}"
    info = _read_info(session.send("GET", path), "GET", path)
    if canonical_id(info.id) != canonical_id(str(workflow_id)):
        raise answers.answer_error("GET", path, f"a workflow of another id, {info.id}")
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


def require_definition(info: answers.WorkflowInfo) -> Definition:
    """Return the definition of a workflow that was read."""
    if info.definition is None:
        path = f"/workflows/{info.id}"
        raise answers.answer_error("GET", path, "it has no definition")
    return info.definition


def create_workflow(
    session: Session,
    body: Mapping[str, Any],
    *,
    repeat: Repeat = "if refused",
    look: Look | None = None,
) -> answers.WorkflowInfo:
    """Create a workflow.

    Args:
        body: `workflow_name`, `workflow_description`, `workflow_definition`, and `id`
            if it is not for the service to choose.
        repeat: See `Session.send`, like the next one.
    """
    path = "/workflows/create_workflow"
    data = session.send("POST", path, json=body, repeat=repeat, look=look)
    return _read_write_answer(data, body.get("id"), path)


def update_workflow(
    session: Session,
    workflow_id: str,
    body: Mapping[str, Any],
    *,
    repeat: Repeat = "if refused",
    look: Look | None = None,
) -> answers.WorkflowInfo:
    """Change a workflow. If it does not exist, the service creates it.

    Args:
        body: As for `create_workflow`. Fields that are left out keep their value.
        repeat: See `Session.send`, like the next one.
    """
    path = "/workflows/update_workflow"
    params = {"workflow_id": as_id(workflow_id)}
    data = session.send(
        "POST", path, params=params, json=body, repeat=repeat, look=look
    )
    return _read_write_answer(data, params["workflow_id"], path)


def delete_workflow(session: Session, workflow_id: str) -> answers.WorkflowInfo | None:
    """Delete a workflow for good; return None if a repetition found it gone."""
    path = "/workflows/delete_workflow"
    params = {"workflow_id": as_id(workflow_id)}
    try:
        data = session.send("POST", path, params=params, repeat="always")
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


def _read_write_answer(
    data: Any, workflow_id: str | None, path: str
) -> answers.WorkflowInfo:
    """Return the answer to a write. It was accepted, so the id need not be repeated."""
    if isinstance(data, dict) and workflow_id is not None:
        data = answers.Body({"id": workflow_id, **data})
    return _read_info(data, "POST", path)


def _read_info(data: Any, method: str, path: str) -> answers.WorkflowInfo:
    """Return a workflow. Specs may hold secrets, so no frame of an error does."""
    info = answers.structure(data, answers.WorkflowInfo, method, path)
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
    raise answers.answer_error(method, path, problem)


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


def start_run(
    session: Session,
    workflow_id: str,
    body: Mapping[str, Any],
    key: str,
    *,
    save_json: bool = True,
    result_formats: Sequence[str] = (),
) -> answers.Started:
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
        repeat="never",
    )
    return answers.structure(data, answers.Started, "POST", path)


def list_runs(
    session: Session,
    workflow_id: str | None = None,
    limit: int = MOST_RUNS,
    *,
    status: str | None = None,
) -> list[answers.RunEntry]:
    """Return the newest runs, newest first. Only 500 can be listed (documented).

    Args:
        workflow_id: Only runs of this workflow.
        limit: The most runs to return.
        status: Only runs of this status: `running`, `completed`, `cancelled`, or
            `active` for queued and running ones.
    """
    return session.get(
        list[answers.RunEntry],
        "/workflows/runs",
        status=status,
        workflow_id=workflow_id and str(workflow_id),
        limit=limit,
    )


def live_status(session: Session, run_id: str) -> answers.LiveStatus:
    """Return the state of a run."""
    segment = _segment(run_id)
    return session.get(answers.LiveStatus, f"/workflows/runs/{segment}/live_status")


def cancel_run(session: Session, run_id: str) -> str:
    """Cancel a run, and return its status. A run that has ended keeps its status."""
    path, params = "/workflows/cancel", {"job_id": as_id(run_id)}
    data = session.send("POST", path, params=params, repeat="always")
    return answers.structure(data, answers.Cancelled, "POST", path).status


def download_links(
    session: Session, run_id: str, format: str = "csv"
) -> list[answers.ResultItem]:
    """Return the result files of a run, with fresh links.

    Args:
        run_id: Id of the run.
        format: `csv`, or `json` and `ndjson` if the run saved them.
    """
    segment = _segment(run_id)
    path = f"/workflows/runs/{segment}/results/download-links"
    return session.get(list[answers.ResultItem], path, format=format)


# -- Schedules ------------------------------------------------------------------------


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
) -> answers.Schedule:
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
    data = session.send("POST", "/schedules", json=body, repeat="never")
    return answers.structure(data, answers.Schedule, "POST", "/schedules")


def list_schedules(
    session: Session, workflow_id: str | None = None
) -> list[answers.Schedule]:
    """Return the schedules of one workflow, or all."""
    workflow_id = workflow_id and str(workflow_id)
    return session.get(list[answers.Schedule], "/schedules", workflow_id=workflow_id)


def get_schedule(session: Session, schedule_id: str) -> answers.Schedule:
    """Return one schedule."""
    path = f"/schedules/{_segment(schedule_id)}"
    return session.get(answers.Schedule, path)


def update_schedule(
    session: Session, schedule_id: str, **fields: Unpack[ScheduleFields]
) -> answers.Schedule:
    """Change the given fields of a schedule, and no others."""
    path = f"/schedules/{_segment(schedule_id)}"
    data = session.send("PATCH", path, json=fields)
    return answers.structure(data, answers.Schedule, "PATCH", path)


def delete_schedule(session: Session, schedule_id: str) -> None:
    """Delete a schedule. The content of a 2xx answer does not matter."""
    segment = _segment(schedule_id)
    session.send("DELETE", f"/schedules/{segment}")


# -- The signing secret ---------------------------------------------------------------

SECRET_PATH: Final = "/webhooks/signing-secret"  # noqa: S105 - a path, and no secret


def get_signing_secret(session: Session) -> answers.SigningSecret | None:
    """Return the public facts about the secret; None without a secret."""
    data = session.send("GET", SECRET_PATH)
    if data is None:
        return None
    return answers.structure(data, answers.SigningSecret, "GET", SECRET_PATH)


def create_signing_secret(session: Session) -> answers.NewSigningSecret:
    """Make a secret, which revokes the present one at once.

    If the answer is lost, the request is not sent again.
    """
    return _make_secret(session, SECRET_PATH, None)


def roll_signing_secret(
    session: Session, expire_overlap_hours: int = 24
) -> answers.NewSigningSecret:
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


def _make_secret(session: Session, path: str, body: Any) -> answers.NewSigningSecret:
    data = session.send("POST", path, json=body)
    secret = answers.structure(data, answers.NewSigningSecret, "POST", path)
    session.secrets.add([secret.plaintext])
    return secret


# -- The balance ----------------------------------------------------------------------


def get_balance(session: Session) -> answers.Balance:
    """Return the credits that are left."""
    return session.get(answers.Balance, "/check-balance")
