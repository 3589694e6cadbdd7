"""The calls about schedules, the signing secret and the balance, one function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from attrs import field, frozen

from ..errors import ArgumentError, shortened
from ._arguments import as_any_text, as_count, as_flag, as_id, as_text, in_path
from ._parsing import Answered, answer_reader, is_filled, list_reader
from ._request import Answer, Request
from ._session import Session

SECRET_PATH = "/webhooks/signing-secret"  # noqa: S105 - a path, and no secret

MAX_OVERLAP = 72
"""Hours that a secret may sign beside its successor (documented)."""


# -- Schedules ------------------------------------------------------------------------


@frozen
class Schedule(Answered):
    """A schedule, by which the service runs a workflow.

    Attributes:
        cron_expression: Five fields.
        timezone: An IANA name.
        is_active: None if the service does not say.
        disabled_reason: Why the service switched it off.
        team_id: The team that it belongs to.
        created_by: The user who made it.
        api_key_id: The key that it is bound to. Revoking that key pauses the schedule.
        next_run_times: The next runs, in the service's format of times.
    """

    id: str = field(validator=is_filled)
    workflow_id: str = ""
    name: str = ""
    cron_expression: str = ""
    timezone: str = ""
    is_active: bool | None = None
    description: str | None = None
    disabled_reason: str | None = None
    team_id: str | None = None
    created_by: str | None = None
    api_key_id: int | None = None
    next_run_times: Sequence[str] = ()
    created_at: str | None = None
    updated_at: str | None = None


async def create_schedule(
    session: Session,
    workflow_id: str,
    name: str,
    cron_expression: str,
    *,
    timezone: str = "UTC",
    description: str | None = None,
    is_active: bool = True,
) -> Schedule:
    """Create a schedule. If the answer is lost, the request is not sent again."""
    callee = "schedules.create"
    body = {
        "workflow_id": as_id(callee, "workflow_id", workflow_id),
        **_check_fields(
            callee,
            name=name,
            cron_expression=cron_expression,
            timezone=timezone,
            description=description,
            is_active=is_active,
        ),
    }
    request = Request("POST", "/schedules", body=body)
    return await session.send(request, answer_reader(Schedule, request))


async def list_schedules(
    session: Session, workflow_id: str | None = None
) -> Sequence[Schedule]:
    """Return the schedules of one workflow, or all."""
    query = {}
    if workflow_id is not None:
        query["workflow_id"] = as_id("schedules.list", "workflow_id", workflow_id)
    request = Request("GET", "/schedules", query)
    return await session.send(request, list_reader(Schedule, request))


async def get_schedule(session: Session, schedule_id: str) -> Schedule:
    """Return one schedule."""
    request = Request("GET", _schedule_path("schedules.get", schedule_id))
    return await session.send(request, answer_reader(Schedule, request))


async def update_schedule(
    session: Session,
    schedule_id: str,
    *,
    name: str | None = None,
    cron_expression: str | None = None,
    timezone: str | None = None,
    description: str | None = None,
    is_active: bool | None = None,
) -> Schedule:
    """Change the given fields of a schedule, and no others."""
    callee = "schedules.update"
    path = _schedule_path(callee, schedule_id)
    body = _check_fields(
        callee,
        name=name,
        cron_expression=cron_expression,
        timezone=timezone,
        description=description,
        is_active=is_active,
    )
    if not body:
        raise ArgumentError(callee, "nothing to change was given", tuple(_FIELDS))
    request = Request("PATCH", path, body=body)
    return await session.send(request, answer_reader(Schedule, request))


async def delete_schedule(session: Session, schedule_id: str) -> None:
    """Delete a schedule. The content of a 2xx answer does not matter."""
    await session.send(
        Request("DELETE", _schedule_path("schedules.delete", schedule_id)),
        lambda _: None,
    )


def _schedule_path(callee: str, schedule_id: str) -> str:
    return f"/schedules/{in_path(callee, 'schedule_id', schedule_id)}"


def _check_fields(callee: str, **given: Any) -> dict[str, Any]:
    """Return the given fields of a schedule, checked against the documented bounds."""
    return {
        name: check(callee, name, given[name])
        for name, check in _FIELDS.items()
        if given[name] is not None
    }


def _as_cron(callee: str, name: str, given: Any) -> str:
    text = as_text(callee, name, given)
    if len(text.split()) != 5:
        problem = f"{name} is {shortened(given)}, which does not have five fields"
        raise ArgumentError(callee, f'{problem}; write for example "0 9 * * 1"')
    return text


_FIELDS: Final[Mapping[str, Callable[[str, str, Any], Any]]] = {
    "name": partial(as_text, longest=120),
    "cron_expression": _as_cron,
    "timezone": as_text,
    "description": as_any_text,
    "is_active": as_flag,
}
"""The fields of a schedule, with their checks."""


# -- The signing secret ---------------------------------------------------------------


@frozen
class SigningSecret(Answered):
    """The facts that may be known of the secret that deliveries are signed with.

    Attributes:
        org_id: The organisation that it signs deliveries for.
        preview: Its beginning and its last four characters.
        status: A word for its state.
        revoked_at: When it ends, or ended.
    """

    id: str = ""
    org_id: str = ""
    preview: str = ""
    status: str = ""
    created_at: str | None = None
    revoked_at: str | None = None


@frozen
class NewSigningSecret(Answered):
    """A secret that was just made.

    Attributes:
        plaintext: The secret itself. It is shown only this once, so store it safely. No
            repr shows it.
        meta: What may be known of it later.
    """

    plaintext: str = field(validator=is_filled, repr=False)
    meta: SigningSecret = field(factory=SigningSecret)


async def get_signing_secret(session: Session) -> SigningSecret | None:
    """Return the public facts about the secret; None without a secret."""
    request = Request("GET", SECRET_PATH)
    read = answer_reader(SigningSecret, request)

    def read_any(answer: Answer) -> SigningSecret | None:
        return None if answer.json(request) is None else read(answer)

    return await session.send(request, read_any)


async def create_signing_secret(session: Session) -> NewSigningSecret:
    """Make a secret, which revokes the present one at once.

    If the answer is lost, the request is not sent again.
    """
    request = Request("POST", SECRET_PATH)
    return await session.send(request, _reading_secret(request))


async def roll_signing_secret(
    session: Session,
    expire_overlap_hours: int = 24,
) -> NewSigningSecret:
    """Make a secret. The present one also signs for some hours, and is then revoked.

    If the answer is lost, the request is not sent again.
    """
    name = "expire_overlap_hours"
    hours = as_count("signing_secret.roll", name, expire_overlap_hours, 0, MAX_OVERLAP)
    request = Request("POST", f"{SECRET_PATH}/roll", body={name: hours})
    return await session.send(request, _reading_secret(request))


def _reading_secret(request: Request) -> Callable[[Answer], NewSigningSecret]:
    """Return a function that reads a new secret, and redacts it in later answers."""
    read = answer_reader(NewSigningSecret, request)

    def read_secret(answer: Answer) -> NewSigningSecret:
        made = read(answer)
        answer.redaction.add([made.plaintext])
        return made

    return read_secret


async def delete_signing_secret(session: Session) -> None:
    """Revoke the secret. Later deliveries are not signed."""
    await session.send(Request("DELETE", SECRET_PATH), lambda _: None)


# -- The balance ----------------------------------------------------------------------


@frozen
class Balance(Answered):
    """The credits that are left.

    Attributes:
        credits: One credit is ten US cents (inferred).
    """

    credits: float


async def get_balance(session: Session) -> Balance:
    """Return the credits that are left."""
    request = Request("GET", "/check-balance")
    return await session.send(request, answer_reader(Balance, request))
