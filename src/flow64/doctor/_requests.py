"""Examining the service with requests that only read.

    seen = client.call(examine)

Nothing is written, and no run is started. `Examination` gives what may be shared of the
answers: no title, text, row or whole id.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, TypeAlias, cast
from uuid import uuid4

from attrs import field, frozen

from ..api import (
    DISCOVERY,
    MOST_RUNS,
    Answer,
    Request,
    Session,
    organisations_of,
)
from ..definition import is_number, is_uuid, load_json
from ..errors import FlowError, TokenError, TransportError

CredentialState: TypeAlias = Literal[
    "accepted",
    "refused",
    "forbidden",
    "unreachable",
    "no-token",
    "too-often",
    "not-the-service",
]
"""Whether the credential was accepted, or why not."""

PATIENCE: Final = 30.0
"""Seconds that one request may take."""

DETAILS: Final = 3
"""How many workflows are requested whole."""

LIMITS: Final = ("ratelimit", "rate-limit", "retry-after")
"""Parts of the names of headers that are about rates."""


@frozen
class RequestRecord:
    """One request and its answer.

    Attributes:
        answer: The answer, if one came.
        error: Why no answer came.
        skew: Seconds that the service's clock is ahead of ours, by its `Date`.
    """

    request: Request = field(repr=False)
    answer: Answer | None = field(default=None, repr=False)
    error: FlowError | None = field(default=None, repr=False)
    skew: float | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status, if an answer came."""
        return None if self.answer is None else self.answer.status

    @property
    def is_good(self) -> bool:
        """Whether the answer is a success."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def data(self) -> Any:
        """The JSON of the body; None if it is not valid JSON."""
        return load_json(self.answer.content) if self.answer else None

    @property
    def object(self) -> Mapping[str, Any]:
        """The answer as a JSON object; empty if it is not one."""
        return object_of(self.data) if self.is_good else {}

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """The objects of a JSON list; empty if the answer is not a list."""
        return objects_in(self.data) if self.is_good else ()


@frozen
class RequestRecords:
    """All requests and answers, by name."""

    by_name: Mapping[str, RequestRecord]

    def __getitem__(self, name: str) -> RequestRecord:
        return self.by_name.get(name, _NOTHING)

    @property
    def all(self) -> Sequence[RequestRecord]:
        """All requests."""
        return [*self.by_name.values()]

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        """The workflows that were requested whole."""
        found = (self[_detail(at)].object for at in range(DETAILS))
        return [one for one in found if one]


_PLAIN: Final = re.compile(r"[\w;:=,.\" -]{0,60}", re.ASCII)
"""The text of a header about rates that may be shown."""

_NOTHING: Final = RequestRecord(Request("GET", ""))


@frozen
class Examination:
    """The answers of the service, in a form that can be shared.

    Attributes:
        replies: The requests and answers, for the verdicts.
    """

    replies: RequestRecords = field(repr=False)

    @property
    def state(self) -> CredentialState:
        """Whether the credential was accepted."""
        first = self.replies["workflows"]
        if isinstance(first.error, TokenError):
            return "no-token"
        if first.status is None:
            return "unreachable"
        if first.status == 401:
            return "refused"
        if first.status == 403:
            return "forbidden"
        if first.status == 429:
            return "too-often"
        is_list = first.is_good and isinstance(first.data, list)
        return "accepted" if is_list else "not-the-service"

    @property
    def problem(self) -> str | None:
        """Why it was not accepted, without an address or a header."""
        first = self.replies["workflows"]
        match first.error:
            case None:
                reason = None
            case TransportError():
                reason = first.error.reason
            case _:
                reason = str(first.error)
        if reason or self.state == "accepted":
            return reason
        return f"it answered {first.status}"

    @property
    def organisations(self) -> Sequence[str]:
        """The organisations that answers name. Cut their ids before you show them."""
        answers = [
            reply.answer for reply in self.replies.all if reply.answer is not None
        ]
        found = (org for answer in answers for org in organisations_of(answer))
        return [*dict.fromkeys(found)]

    @property
    def credits(self) -> float | None:
        """The balance; None if no answer says it."""
        return number_of(self.replies["balance"].object.get("credits"))

    @property
    def skew(self) -> float | None:
        """Seconds that the service's clock is ahead of ours; None if unknown."""
        found = [reply.skew for reply in self.replies.all if reply.skew is not None]
        return min(found, key=abs, default=None)

    @property
    def rates(self) -> Mapping[str, str]:
        """Headers about rates, if there are any."""
        return {
            name: text if _PLAIN.fullmatch(text) else "(something else)"
            for reply in self.replies.all
            if reply.answer is not None
            for name, text in reply.answer.headers.items()
            if any(part in name for part in LIMITS)
        }

    @property
    def requests(self) -> Sequence[tuple[str, int | None]]:
        """The path of each request without ids, and the status of its answer."""
        return [(_path(reply.request), reply.status) for reply in self.replies.all]


def object_of(data: Any) -> Mapping[str, Any]:
    """Return JSON data as an object; empty if it is not one."""
    return cast(Mapping[str, Any], data) if isinstance(data, dict) else {}


def objects_in(data: Any) -> Sequence[Mapping[str, Any]]:
    """Return the objects in a JSON list; empty if it is not a list."""
    items = cast(Sequence[Any], data) if isinstance(data, list) else ()
    return [object_of(item) for item in items if isinstance(item, dict)]


def number_of(data: Any) -> float | None:
    """Return JSON data as a number; None if it is not one."""
    return float(data) if is_number(data) else None


async def examine(
    session: Session, wall: Callable[[], float] = time.time
) -> Examination:
    """Examine the service with requests that only read, each sent once.

    It ends after the first request if the credential is not accepted or no answer
    comes. It also ends at a 429.

    Args:
        wall: The wall clock, in seconds since 1970.
    """
    replies: dict[str, RequestRecord] = {}
    if await _ask_all(session, _first_requests(), replies, wall):
        await _ask_all(session, _later_requests(RequestRecords(replies)), replies, wall)
    return Examination(RequestRecords(replies))


async def _ask_all(
    session: Session,
    requests: Sequence[tuple[str, Request]],
    replies: dict[str, RequestRecord],
    wall: Callable[[], float],
) -> bool:
    """Send requests one after the other. Return whether more may be sent."""
    for name, request in requests:
        reply = await ask_once(session, request, wall)
        replies[name] = reply
        if not _may_continue(reply, is_first=name == "workflows"):
            return False
    return True


def _first_requests() -> Sequence[tuple[str, Request]]:
    """Return the requests for every service, with ids that do not exist."""
    nobody = str(uuid4())
    runs = "/workflows/runs"
    return [
        ("workflows", Request("GET", "/workflows")),
        ("balance", Request("GET", "/check-balance")),
        ("blocks", Request("GET", "/workflows/blocks")),
        ("runs", Request("GET", runs, {"limit": "100"})),
        ("few-runs", Request("GET", runs, {"limit": "2"})),
        ("too-many-runs", Request("GET", runs, {"limit": str(MOST_RUNS + 1)})),
        ("failed-runs", Request("GET", runs, {"status": "failed", "limit": "20"})),
        ("runs-of-nobody", Request("GET", runs, {"workflow_id": nobody})),
        ("missing-run", Request("GET", f"{runs}/{nobody}/live_status")),
        ("missing-workflow", Request("GET", f"/workflows/{nobody}")),
        ("no-uuid", Request("GET", "/workflows/flow64-doctor")),
        ("schedules", Request("GET", "/schedules")),
        ("discovery", Request("GET", DISCOVERY, is_open=True)),
    ]


def _later_requests(replies: RequestRecords) -> Sequence[tuple[str, Request]]:
    """Return the requests for workflows and runs that the answers name."""
    ids = [one.get("id") for one in replies["workflows"].items]
    chosen = [found for found in ids if isinstance(found, str) and is_uuid(found)]
    runs = [one.get("job_id") for one in replies["runs"].items]
    newest = [found for found in runs if isinstance(found, str) and is_uuid(found)]
    return [
        *(
            (_detail(at), Request("GET", f"/workflows/{found}"))
            for at, found in enumerate(chosen[:DETAILS])
        ),
        *(
            ("live-status", Request("GET", f"/workflows/runs/{found}/live_status"))
            for found in newest[:1]
        ),
    ]


def _detail(at: int) -> str:
    return f"workflow-{at}"


async def ask_once(
    session: Session, request: Request, wall: Callable[[], float]
) -> RequestRecord:
    """Send a request once. An answer may have any status."""
    session.begin(PATIENCE)
    try:
        answer = await session.exchange(request)
        is_ours = answer.status == 401 and not request.is_open
        if is_ours and await session.renew(answer.turn):
            answer = await session.exchange(request)
    except FlowError as error:
        return RequestRecord(request, error=error)
    return RequestRecord(request, answer, skew=_skew(answer, wall()))


def _skew(answer: Answer, now: float) -> float | None:
    """Return how far the service's clock is ahead, in whole seconds."""
    text = answer.headers.get("date")
    try:
        ahead = parsedate_to_datetime(text or "").timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return None
    return float(round(ahead + 0.5))  # a header stands for the second that it begins


def _may_continue(reply: RequestRecord, *, is_first: bool = False) -> bool:
    if reply.answer is None:
        return False
    if is_first and not reply.is_good:
        return False
    return reply.status not in (401, 429)


def _path(request: Request) -> str:
    """Return the path of a request without ids."""
    parts = ["{id}" if is_uuid(part) else part for part in request.path.split("/")]
    query = "&".join(
        f"{name}={'{id}' if name == 'workflow_id' else value}"
        for name, value in request.query.items()
    )
    return "/".join(parts) + (f"?{query}" if query else "")
