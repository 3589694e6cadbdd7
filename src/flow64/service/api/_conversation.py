"""What a conversation with the service is: a generator that does no I/O itself.

It yields a `Request` and gets an `Answer`, or yields a `Sleep` and gets None; the
client that plays it throws a `TransportError` where no answer came. So every
conversation is written once for all clients, and a test plays it by hand.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

from attrs import field, frozen

from ...definition import pointer
from ...errors import AnswerError, ApiError, FlowError, TransportError, for_status

T = TypeVar("T")

MAX_WORDS = 500
"""Characters of the service's own words that an error repeats."""


@frozen
class Request:
    """One request to the API.

    Attributes:
        method: HTTP method.
        path: Path below the base URL, ids already quoted.
        query: Query parameters.
        body: JSON data, or None for a request without body.
        idempotency_key: Sent as `Idempotency-Key`.
        url: A whole URL instead of `path`, for signed links: gets no credential.
        is_harmless: Whether sending it again does no harm, although it is no read.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(factory=dict)
    body: Any = field(default=None, repr=False)
    idempotency_key: str | None = None
    url: str | None = field(default=None, repr=False)
    is_harmless: bool = False

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again when nobody knows what became of it."""
        return self.method == "GET" or self.is_harmless


@frozen
class Answer:
    """What came back: status, headers in lower case, and the body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    def json(self, request: Request) -> Any:
        """The body as JSON data.

        Raises:
            AnswerError: It is none.
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("content-type", "no content type")
            problem = f"no JSON ({kind}, {len(self.content)} bytes)"
            raise AnswerError(request.method, request.path, problem) from error


@frozen
class Sleep:
    """A wait before the conversation goes on, in seconds."""

    seconds: float


Step: TypeAlias = Request | Sleep
Conversation: TypeAlias = Generator[Step, Any, T]

RETRIES: Final[Sequence[float]] = (0.5, 2.0, 8.0)
"""Seconds before each repetition of a request that failed."""

CALMER: Final[Sequence[float]] = (5.0, 20.0, 60.0)
"""The same after a 429 that does not say how long to wait (60 s are advised)."""

LONGEST: Final = 60.0
"""Seconds of the longest wait, whatever an answer asks for."""


def ask(request: Request) -> Conversation[Any]:
    """Send a request and give its JSON; it is repeated where that helps and is free.

    Everything is repeated of which nothing was sent, or that a 429 turned away; after
    any other failure only what `may_repeat`: reads, and what does no harm.

    Raises:
        ApiError: The service answered with an error.
        TransportError: No answer came.
        AnswerError: The answer is no JSON.
    """
    answer: Answer = yield from send(request)
    return answer.json(request)


def send(request: Request) -> Conversation[Answer]:
    """The same for an answer of any content."""
    failures = 0
    while True:
        try:
            answer: Answer = yield request
            if answer.status < 300:
                return answer
            raise api_error(request, answer)
        except (TransportError, ApiError) as error:
            if failures == len(RETRIES) or not _may_help(request, error):
                raise
            wait = _wait(error, failures)
        yield Sleep(wait)
        failures += 1


def is_refusal(error: FlowError) -> bool:
    """Whether a request was certainly not carried out: not sent, or turned away."""
    if isinstance(error, TransportError):
        return not error.sent
    return isinstance(error, ApiError) and error.status < 500


def may_pass(error: FlowError) -> bool:
    """Whether the same request may well succeed a little later."""
    return not isinstance(error, ApiError) or error.status in _PASSING


_PASSING: Final = frozenset({429, 500, 502, 503, 504})


def _may_help(request: Request, error: FlowError) -> bool:
    return may_pass(error) and (request.may_repeat or is_refusal(error))


def _wait(error: TransportError | ApiError, failures: int) -> float:
    if isinstance(error, ApiError):
        asked = error.headers.get("retry-after", "")
        if asked.isascii() and asked.isdecimal():
            return min(max(RETRIES[failures], float(asked[:300])), LONGEST)
        if error.status == 429:
            return CALMER[failures]
    return RETRIES[failures]


def api_error(request: Request, answer: Answer) -> ApiError:
    """The error that an answer is, whichever of the documented shapes its body has."""
    if 300 <= answer.status < 400:
        host = _host(answer.headers.get("location", ""))
        message = f"a redirect to {host}, which flow64 never follows"
        return for_status(
            answer.status, method=request.method, path=request.path, message=message
        )
    try:
        data = json.loads(answer.content)
    except (ValueError, RecursionError):
        data = None
    message, fields = _words(data)
    return for_status(
        answer.status,
        method=request.method,
        path=request.path,
        message=message[:MAX_WORDS] or "without saying why",
        fields=fields,
        headers={k: v for k, v in answer.headers.items() if k == "retry-after"},
    )


def _words(data: Any) -> tuple[str, list[str]]:
    """The message of an error body, and `path: message` for each field it names."""
    if not isinstance(data, dict):
        return "", []
    detail = data.get("detail")
    if isinstance(detail, str):
        return detail, []
    if isinstance(detail, list):
        fields = [
            f"{_place(entry.get('loc'))}: {entry.get('msg', '')}"[:MAX_WORDS]
            for entry in detail[:20]
            if isinstance(entry, dict)
        ]
        return "the request does not fit its schema", fields
    error = data.get("error")
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or ""), []
    more = data.get("message") or data.get("error_description")
    return ": ".join(str(part) for part in (error, more) if part), []


def _place(loc: Any) -> str:
    return pointer(tuple(loc)) if isinstance(loc, list) else ""


def _host(location: str) -> str:
    """Where a redirect leads; its path and query may hold what nobody should see."""
    try:
        return urlsplit(location).hostname or "the same host"
    except ValueError:
        return "somewhere unreadable"
