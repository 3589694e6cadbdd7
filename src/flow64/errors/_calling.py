"""Errors of calls to the service: refusals, missing answers and broken answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from ..text import printable
from ._root import FlowError, list_lines


@frozen(repr=False)
class OutcomeUnknownError(FlowError):
    """A request may or may not have been carried out. flow64 sends nothing more."""

    what: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.what}: outcome unknown ({self.reason}); nothing more was sent, so "
            "look at it in the web editor before you send it again"
        )


@frozen(repr=False)
class ApiError(FlowError):
    """The service answered a request with an error.

    Attributes:
        status: HTTP status.
        method: HTTP method.
        path: Path of the request, without its query.
        message: The service's own words, capped.
        fields: `path: message` for each field the service complained about.
        request_id: The id that the service or a proxy gave the request, if any.
        wait: Seconds that the service asks to wait before another try.
        attempts: How often it was sent.
        elapsed: Seconds for all attempts and the waits between them.
        sent: False if it is the answer to the request for a token, so that the request
            itself was not sent.
    """

    status: int
    method: str
    path: str
    message: str
    fields: Sequence[str] = ()
    request_id: str | None = None
    wait: float | None = None
    attempts: int = 1
    elapsed: float = 0.0
    sent: bool = True

    hint = ""

    def __str__(self) -> str:
        return self.describe(self.hint)

    def describe(self, hint: str) -> str:
        """Return the message, with other advice than `hint`."""
        hint = f"; {hint}" if hint else ""
        wait = f"; it asks to wait {self.wait:g} s" if self.wait else ""
        request = f" (request {printable(self.request_id)})" if self.request_id else ""
        return (
            f"{self.method} {self.path} answered {self.status}{_tries(self)}: "
            f"{printable(self.message)}{request}{wait}{hint}"
            f"{list_lines(self.fields)}"
        )


class BadRequestError(ApiError):
    """400: refused by the route's rules."""

    hint = "correct what it names; the same request is refused again"


class AuthError(ApiError):
    """401: the key or token is missing, wrong or expired."""

    hint = "check the credential: SIXTYFOUR_API_KEY, or the OAuth client"


class PaymentError(ApiError):
    """402: too few credits or no subscription."""

    hint = "add credits before you try again"


class ForbiddenError(ApiError):
    """403: organisation locked, tier not in the plan, or another organisation's."""

    hint = "the key was accepted, but may not do this"


class NotFoundError(ApiError):
    """404: not there, or another organisation's; or the endpoint is wrong."""

    hint = "check the id, and the organisation of the key"

    @property
    def is_wrong_endpoint(self) -> bool:
        """Whether the list of workflows is missing, which every service has."""
        return (self.method, self.path) == ("GET", "/workflows")

    def __str__(self) -> str:
        if not self.is_wrong_endpoint:
            return self.describe(self.hint)
        return self.describe_endpoint("check base_url= or SIXTYFOUR_API_ENDPOINT")

    def describe_endpoint(self, where: str) -> str:
        """Return the message for a wrong endpoint, with what to check."""
        return self.describe(
            "every service has this list, so the path of the endpoint is probably "
            f"wrong: {where}, such as https://api.sixtyfour.ai without a path"
        )


class ConflictError(ApiError):
    """409: the id is taken, or the key of a start."""

    hint = "look at what has the id before you try again"

    def __str__(self) -> str:
        if self.path != "/workflows/run":
            return self.describe(self.hint)
        return self.describe("look at the runs of the workflow before you try again")


class UnprocessableError(ApiError):
    """422: the body does not fit the schema, or the graph is invalid."""

    hint = "correct what it names; the same request is refused again"


class RateLimitedError(ApiError):
    """429: too many requests (500 a minute and key are documented)."""

    hint = "wait a minute before you try again"


class ServerError(ApiError):
    """5xx: the service failed."""

    hint = "try again later"


@frozen(repr=False)
class NoAnswerError(FlowError):
    """Raised by a transport if no answer comes.

    Attributes:
        reason: In a few words, without address or header.
        sent: Whether anything may have reached the service.
    """

    reason: str
    sent: bool = True

    def __str__(self) -> str:
        return f"no answer: {self.reason}" + ("" if self.sent else "; nothing was sent")


@frozen(repr=False)
class LinkRefusedError(FlowError):
    """A signed link was not opened because of its host. Only the host is shown."""

    host: str

    def __str__(self) -> str:
        return (
            f"a result link to {printable(self.host)} was not opened: it is not a "
            "plain https address, or its host is not allowed"
        )


@frozen(repr=False)
class TokenError(FlowError):
    """No access token was issued, so nothing else was sent.

    Attributes:
        problem: What went wrong, without anything secret.
        may_pass: Whether trying again later may help.
    """

    problem: str
    may_pass: bool = False

    def __str__(self) -> str:
        return f"no access token: {printable(self.problem)}"


@frozen(repr=False)
class TransportError(FlowError, ConnectionError):
    """No answer came: refused, reset, or timed out.

    Attributes:
        method: HTTP method.
        path: Path of the request, without its query.
        reason: What went wrong.
        sent: Whether anything may have reached the service.
        attempts: How often it was tried.
        elapsed: Seconds for all attempts and the waits between them.
        is_refused: Whether nothing listens at an http endpoint of this machine. It is
            tried only twice.
        is_final: Whether trying again cannot help.
    """

    method: str
    path: str
    reason: str
    sent: bool = True
    attempts: int = 1
    elapsed: float = 0.0
    is_refused: bool = False
    is_final: bool = False

    def __str__(self) -> str:
        return self.describe("SIXTYFOUR_API_ENDPOINT")

    def describe(self, source: str) -> str:
        """Return the message, with the variable or setting of the endpoint."""
        if self.is_refused:
            advice = f"nothing listens there, and nothing was sent: check {source}"
        elif not self.sent:
            advice = f"nothing was sent: check the network and {source}"
        elif self.method == "GET":
            advice = "it changes nothing, so try again"
        else:
            advice = "it may have arrived, so look before you send it again"
        return f"{self.method} {self.path}{_tries(self)}: {self.reason}; {advice}"


@frozen(repr=False)
class HeldBackError(TransportError):
    """A request was not sent, since the client's own pace left no time for it."""

    def describe(self, source: str) -> str:  # noqa: ARG002 - no endpoint is to blame
        """Return the message."""
        return (
            f"{self.method} {self.path}{_tries(self)}: held back by the client's own "
            f"pace until after its deadline ({self.reason}); nothing was sent: wait "
            "longer, send less at a time, or set Policy(requests_per_minute=...)"
        )


@frozen(repr=False)
class AnswerError(FlowError):
    """An answer is not as documented: it is not JSON, or has another shape."""

    method: str
    path: str
    problem: str
    attempts: int = 1
    elapsed: float = 0.0
    is_final: bool = False

    def __str__(self) -> str:
        return self.describe("SIXTYFOUR_API_ENDPOINT")

    def describe(self, source: str) -> str:
        """Return the message, with the variable or setting of the endpoint."""
        return (
            f"{self.method} {self.path} answered something unexpected{_tries(self)}: "
            f"{self.problem}; check that {source} is the service"
        )


def _tries(error: ApiError | TransportError | AnswerError) -> str:
    if error.attempts == 1:
        return ""
    return f" ({error.attempts} attempts in {error.elapsed:.3g} s)"


API_ERRORS: Mapping[int, type[ApiError]] = {
    400: BadRequestError,
    401: AuthError,
    402: PaymentError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
"""The exception of each documented status. 5xx is `ServerError`, others `ApiError`."""


def for_status(status: int, **facts: Any) -> ApiError:
    """Make the error of an HTTP status."""
    kind = API_ERRORS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, **facts)
