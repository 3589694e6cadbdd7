"""Looking at the service by reads alone: what it answers, and what that says.

    seen = client.play(examining())

Nothing is written, and no run is started. What is kept of an answer stays here;
`Examination` says of it what may be shown to anybody: no title, text, row or whole id.
"""

from __future__ import annotations

import json
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
    Begin,
    Conversation,
    Renew,
    Request,
    organisations_of,
)
from ..definition import is_uuid
from ..errors import FlowError, TokenError, TransportError

State: TypeAlias = Literal[
    "accepted",
    "refused",
    "forbidden",
    "unreachable",
    "no-token",
    "too-often",
    "not-the-service",
]
"""What became of the credential: accepted, or why not."""

PATIENCE: Final = 30.0
"""Seconds that one request may take."""

DETAILS: Final = 3
"""How many workflows are looked at whole."""

LIMITS: Final = ("ratelimit", "rate-limit", "retry-after")
"""What the names of headers have in them that are about rates."""


@frozen
class Look:
    """One request, and what came of it.

    Attributes:
        asked: The request.
        answer: The answer; None where none came.
        error: Why none came.
        skew: Seconds that the service's clock is ahead of ours, by its `Date`.
    """

    asked: Request = field(repr=False)
    answer: Answer | None = field(default=None, repr=False)
    error: FlowError | None = field(default=None, repr=False)
    skew: float | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status; None where no answer came."""
        return None if self.answer is None else self.answer.status

    @property
    def is_good(self) -> bool:
        """Whether it was answered as asked."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def data(self) -> Any:
        """What the body says; None where it is no JSON."""
        try:
            found: Any = json.loads(self.answer.content) if self.answer else None
        except (ValueError, RecursionError):
            return None
        return found

    @property
    def object(self) -> Mapping[str, Any]:
        """The object that was answered; an empty one where it is none."""
        return object_of(self.data) if self.is_good else {}

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        """The objects of a list that was answered; none where it is no list."""
        return objects_in(self.data) if self.is_good else ()


@frozen
class Looks:
    """Everything that was looked at, by name."""

    by_name: Mapping[str, Look]

    def __getitem__(self, name: str) -> Look:
        return self.by_name.get(name, _NOTHING)

    @property
    def all(self) -> Sequence[Look]:
        """All that were asked for."""
        return [*self.by_name.values()]

    @property
    def details(self) -> Sequence[Mapping[str, Any]]:
        """The workflows that were looked at whole."""
        found = (self[_detail(at)].object for at in range(DETAILS))
        return [one for one in found if one]


_PLAIN: Final = re.compile(r"[\w;:=,.\" -]{0,60}", re.ASCII)
"""What a header about rates may hold to be shown."""

_NOTHING: Final = Look(Request("GET", ""))


@frozen
class Examination:
    """What the service answered, as far as it may be shown to anybody.

    Attributes:
        looks: What was asked for, for those who judge it.
    """

    looks: Looks = field(repr=False)

    @property
    def state(self) -> State:
        """What became of the credential."""
        first = self.looks["workflows"]
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
        """Why it was not accepted, in words without an address or a header."""
        first = self.looks["workflows"]
        match first.error:
            case None:
                told = None
            case TransportError():
                told = first.error.reason
            case _:
                told = str(first.error)
        return told if told or self.state == "accepted" else f"it said {first.status}"

    @property
    def organisations(self) -> Sequence[str]:
        """The organisations that answers name; whoever shows one cuts it."""
        answers = [look.answer for look in self.looks.all if look.answer is not None]
        found = (org for answer in answers for org in organisations_of(answer))
        return [*dict.fromkeys(found)]

    @property
    def credits(self) -> float | None:
        """What is left to spend; None where nobody says."""
        return number_of(self.looks["balance"].object.get("credits"))

    @property
    def skew(self) -> float | None:
        """Seconds that the service's clock is ahead of ours; None where unknown."""
        found = [look.skew for look in self.looks.all if look.skew is not None]
        return min(found, key=abs, default=None)

    @property
    def rates(self) -> Mapping[str, str]:
        """Headers about rates, where there are any."""
        return {
            name: text if _PLAIN.fullmatch(text) else "(something else)"
            for look in self.looks.all
            if look.answer is not None
            for name, text in look.answer.headers.items()
            if any(part in name for part in LIMITS)
        }

    @property
    def asked(self) -> Sequence[tuple[str, int | None]]:
        """What was asked for, with ids left out, and the status of each answer."""
        return [(_path(look.asked), look.status) for look in self.looks.all]


def object_of(data: Any) -> Mapping[str, Any]:
    """JSON data that is an object; an empty one where it is none."""
    return cast(Mapping[str, Any], data) if isinstance(data, dict) else {}


def objects_in(data: Any) -> Sequence[Mapping[str, Any]]:
    """The objects of JSON data that is a list; none where it is no list."""
    items = cast(Sequence[Any], data) if isinstance(data, list) else ()
    return [object_of(item) for item in items if isinstance(item, dict)]


def number_of(data: Any) -> float | None:
    """JSON data that is a number; None where it is none."""
    is_number = isinstance(data, int | float) and not isinstance(data, bool)
    return float(data) if is_number else None


def examining(
    wall: Callable[[], float] = time.time,
) -> Conversation[Examination]:
    """Look at the service by reads alone, each asked for once.

    It ends with the first read where the credential is not accepted, or nobody
    answers; and where the service says that it was asked too often.

    Args:
        wall: The wall clock, in seconds since 1970.
    """
    looks: dict[str, Look] = {}
    if (yield from _asked(_first(), looks, wall)):
        yield from _asked(_then(Looks(looks)), looks, wall)
    return Examination(Looks(looks))


def _asked(
    requests: Sequence[tuple[str, Request]],
    looks: dict[str, Look],
    wall: Callable[[], float],
) -> Conversation[bool]:
    """Ask for one after the other; gives whether more may be asked for."""
    for name, request in requests:
        look = yield from _looked(request, wall)
        looks[name] = look
        if not _may_go_on(look, is_first=name == "workflows"):
            return False
    return True


def _first() -> Sequence[tuple[str, Request]]:
    """What is asked of every service, with ids that nobody has."""
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


def _then(looks: Looks) -> Sequence[tuple[str, Request]]:
    """What is asked of what the answers name."""
    ids = [one.get("id") for one in looks["workflows"].items]
    chosen = [found for found in ids if isinstance(found, str) and is_uuid(found)]
    runs = [one.get("job_id") for one in looks["runs"].items]
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


def _looked(request: Request, wall: Callable[[], float]) -> Conversation[Look]:
    """Ask once; an answer of any status is one."""
    yield Begin(PATIENCE)
    try:
        answer: Answer = yield request
        if answer.status == 401 and not request.is_open and (yield Renew(answer.turn)):
            answer = yield request
    except FlowError as error:
        return Look(request, error=error)
    return Look(request, answer, skew=_skew(answer, wall()))


def _skew(answer: Answer, now: float) -> float | None:
    """How far the service's clock is ahead, to the second that its header has."""
    text = answer.headers.get("date")
    try:
        ahead = parsedate_to_datetime(text or "").timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return None
    return float(round(ahead + 0.5))  # a header stands for the second that it begins


def _may_go_on(look: Look, *, is_first: bool = False) -> bool:
    if look.answer is None:
        return False
    if is_first and not look.is_good:
        return False
    return look.status not in (401, 429)


def _path(asked: Request) -> str:
    """A request as it may be shown: what it asked for, without the ids."""
    parts = ["{id}" if is_uuid(part) else part for part in asked.path.split("/")]
    query = "&".join(
        f"{name}={'{id}' if name == 'workflow_id' else value}"
        for name, value in asked.query.items()
    )
    return "/".join(parts) + (f"?{query}" if query else "")
