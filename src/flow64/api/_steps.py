"""The steps of a conversation: what it may ask of the client that plays it."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from attrs import field, frozen
from attrs.validators import ge

from ..errors import AnswerError, ApiError, TransportError
from ..redaction import Redaction

T = TypeVar("T")


@frozen
class Request:
    """One request to the API; the reply is an `Answer`.

    Attributes:
        path: Path below the base URL, with ids quoted.
        query: Query parameters; a list repeats its parameter.
        body: JSON data, or None for a request without body.
        form: Form fields instead of a JSON body.
        is_harmless: True if sending it again does no harm, although it is not a read.
        is_open: True if it is sent without a credential, as the request for a token is.
        is_once: True if it may spend, and its outcome is not looked for before a
            repetition. It is not sent again after any answer, not even a 429.
        secrets: Secrets that its answer, or a later one, may repeat.
    """

    method: str
    path: str
    query: Mapping[str, str | Sequence[str]] = field(factory=dict)
    body: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    idempotency_key: str | None = None
    is_harmless: bool = False
    is_open: bool = False
    is_once: bool = False
    secrets: Sequence[str] = field(default=(), repr=False, eq=False)

    @property
    def may_repeat(self) -> bool:
        """True if it may be sent again when its outcome is unknown."""
        return self.method == "GET" or self.is_harmless


@frozen
class Answer:
    """An answer: status, headers in lower case, and the body.

    Attributes:
        turn: Number of the credential that it was requested with, so that a refused
            credential is renewed once.
        redaction: Knows the secrets that no text of the answer may show.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    turn: int = 0
    redaction: Redaction = field(factory=Redaction, repr=False, eq=False)

    def redact(self, text: str) -> str:
        """Return a text of it as it may be shown."""
        return self.redaction.redact(text)

    def json(self, request: Request) -> Any:
        """The body as JSON data.

        Raises:
            AnswerError: It is none.
        """
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            kind = self.redact(self.headers.get("content-type", "no content type"))
            problem = f"no JSON ({kind}, {len(self.content)} bytes)"
            raise AnswerError(request.method, request.path, problem) from error


@frozen
class Fetch:
    """Open a signed link, without a credential; the reply is a `Stream`.

    Attributes:
        start: Byte to begin at; 0 requests the whole file.
        validator: A strong ETag. The rest is given only while it still matches.
    """

    url: str = field(repr=False)
    start: int = 0
    validator: str | None = None


class Source(Protocol):
    """The open connection behind a `Stream`, which only the client knows."""


@frozen(eq=False)
class Stream:
    """An answer whose body comes in parts."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    source: Source = field(repr=False)


@frozen
class Read:
    """Read the next part of a `Stream`; the reply is empty at its end."""

    stream: Stream


@frozen
class Close:
    """Close a `Stream`. The client closes those that are still open at the end."""

    stream: Stream


@frozen
class Sleep:
    """A wait before the conversation goes on.

    Attributes:
        seconds: How long; not beyond the deadline of the call.
        is_apart: Whether it is no part of a call, as between two looks at a run, so
            that no deadline cuts it.
    """

    seconds: float
    is_apart: bool = False


@frozen
class Now:
    """Read the monotonic clock, in seconds."""


@frozen
class Begin:
    """Begin a call of its own, with a deadline of its own.

    The reply is the moment of that deadline, as `Now` counts.

    Attributes:
        seconds: Its deadline; None takes that of the policy, which is never exceeded.
        patience: Seconds that a request may wait for the client's own pace; None waits
            up to the deadline.
    """

    seconds: float | None = None
    patience: float | None = None


@frozen
class Renew:
    """Report a refused credential; the reply is True if there is another one now."""

    turn: int


@frozen
class Retry:
    """Report a failed request; the reply is the seconds to the next one, or None.

    Attributes:
        request: The request.
        error: How it ended.
        failures: How often it has failed by now.
    """

    request: Request
    error: ApiError | TransportError | AnswerError
    failures: int


@frozen
class Turn:
    """Wait until no other in this process has this name, and keep it to the end."""

    name: str


@frozen
class Leave:
    """Release every turn of this conversation."""


@frozen
class Emit:
    """Hand a value to the caller of `events`."""

    event: Any


@frozen(eq=False)
class Together:
    """Play several conversations, so many at a time; the reply is what they gave.

    They begin in their order, each as a call with a deadline of its own, and the reply
    has their results in that order. What they emit comes out as it happens. The time
    that they take is no part of the call that asked for it.

    Only the waiting is done together: what the conversations do between their steps is
    done one after the other, in the thread or the task that plays them all, so that
    they may share what they like. One of them that asks for several is given them one
    after the other.

    As soon as one raises a `FlowError` no further one is begun; those under way go on
    to their end. Then the error of the first of them, in their order, is raised. Any
    other exception, such as a Ctrl-C, closes all of them at once, and ends the requests
    that are under way.

    Attributes:
        conversations: What to play.
        limit: How many are under way at a time, at most.
    """

    conversations: Sequence[Conversation[Any]] = field(
        converter=tuple[Any, ...], repr=lambda found: f"<{len(found)}>"
    )
    limit: int = field(default=4, validator=ge(1))


Step: TypeAlias = (
    Request
    | Fetch
    | Read
    | Close
    | Sleep
    | Now
    | Begin
    | Renew
    | Retry
    | Turn
    | Leave
    | Emit
    | Together
)
Conversation: TypeAlias = Generator[Step, Any, T]
