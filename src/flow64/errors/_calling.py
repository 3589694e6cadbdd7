"""Errors of calls to the service: refusals, missing answers and broken answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from ..text import printable
from ._root import FlowError, list_lines


@frozen(repr=False)
class OutcomeUnknownError(FlowError):
    """A request may or may not have been carried out. flow64 sends nothing more.

    Attributes:
        what: The request.
        reason: Why it is unknown.
        candidates: The runs that it may have started.
    """

    what: str
    reason: str
    candidates: Sequence[str] = ()

    def __str__(self) -> str:
        advice = "look at it in the web editor before you send it again"
        if self.candidates:
            named = printable(", ".join(self.candidates))
            advice = (
                f"if one of these is yours, name it with attach= (--attach): {named}; "
                "else new=True (--new) starts another one"
            )
        return (
            f"{self.what}: outcome unknown ({self.reason}); nothing more was sent, so "
            f"{advice}"
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

    def __str__(self) -> str:
        hint = _HINTS.get(self.status, "")
        return self.describe(hint or ("try again later" if self.status >= 500 else ""))

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


class AuthError(ApiError):
    """401: the key or token is missing, wrong or expired."""


class ForbiddenError(ApiError):
    """403: organisation locked, tier not in the plan, or another organisation's."""


class NotFoundError(ApiError):
    """404: not there, or another organisation's; or the endpoint is wrong."""

    @property
    def is_wrong_endpoint(self) -> bool:
        """Whether the list of workflows is missing, which every service has."""
        return (self.method, self.path) == ("GET", "/workflows")

    def __str__(self) -> str:
        if not self.is_wrong_endpoint:
            return super().__str__()
        return self.describe_endpoint("check base_url= or SIXTYFOUR_API_ENDPOINT")

    def describe_endpoint(self, where: str) -> str:
        """Return the message for a wrong endpoint, with what to check."""
        return self.describe(
            "every service has this list, so the path of the endpoint is probably "
            f"wrong: {where}, such as https://api.sixtyfour.ai without a path"
        )


class ConflictError(ApiError):
    """409: the id is taken, or the key of a start."""

    def __str__(self) -> str:
        if self.path != "/workflows/run":
            return super().__str__()
        return self.describe("look at the runs of the workflow before you try again")


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


_HINTS: Mapping[int, str] = {
    400: "correct what it names; the same request is refused again",
    401: "check the credential: SIXTYFOUR_API_KEY, or the OAuth client",
    402: "add credits before you try again",
    403: "the key was accepted, but may not do this",
    404: "check the id, and the organisation of the key",
    409: "look at what has the id before you try again",
    422: "correct what it names; the same request is refused again",
    429: "wait a minute before you try again",
}
"""What to do, by status."""

_KINDS: Mapping[int, type[ApiError]] = {
    401: AuthError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
}
"""The exceptions of the statuses that callers tell apart."""


def for_status(status: int, **facts: Any) -> ApiError:
    """Make the error of an HTTP status."""
    return _KINDS.get(status, ApiError)(status, **facts)
