"""Errors of calls to the service: refusals, missing answers and broken answers."""

from __future__ import annotations

from collections.abc import Sequence

from ._root import FlowError


class OutcomeUnknownError(FlowError):
    """A request may or may not have been carried out. flow64 sends nothing more.

    Attributes:
        candidates: The runs that it may have started.
    """

    candidates: Sequence[str] = ()


class ApiError(FlowError):
    """The service answered a request with an error.

    Attributes:
        status: HTTP status; 403 if the key was accepted, but may not do this.
        method: HTTP method.
        path: Path of the request, without its query.
        detail: The service's own words, capped.
        fields: `path: message` for each field the service complained about.
        request_id: The id that the service or a proxy gave the request, if any.
        wait: Seconds that the service asks to wait before another try.
        attempts: How often it was sent.
        elapsed: Seconds for all attempts and the waits between them.
        sent: False if it is the answer to the request for a token, so that the request
            itself was not sent.
    """

    status: int = 0
    method: str = ""
    path: str = ""
    detail: str = ""
    fields: Sequence[str] = ()
    request_id: str | None = None
    wait: float | None = None
    attempts: int = 1
    elapsed: float = 0.0
    sent: bool = True


class AuthError(ApiError):
    """401: the key or token is missing, wrong or expired."""


class NotFoundError(ApiError):
    """404: not there, or another organisation's; or the endpoint is wrong."""


class ConflictError(ApiError):
    """409: the id is taken, or the key of a start."""


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

    method: str = ""
    path: str = ""
    reason: str = ""
    sent: bool = True
    attempts: int = 1
    elapsed: float = 0.0
    is_refused: bool = False
    is_final: bool = False


class AnswerError(FlowError):
    """An answer is not as documented: it is not JSON, or has another shape."""

    method: str = ""
    path: str = ""
    attempts: int = 1
    elapsed: float = 0.0
    is_final: bool = False
