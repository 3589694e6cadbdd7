"""What handlers of routes work with: calls in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Literal, TypeAlias

from attrs import field, frozen
from starlette.responses import JSONResponse, Response

from ._records import JsonObject
from ._schema import Schema

Media: TypeAlias = Literal["json", "form", "file"]
"""How a body is read: as JSON, as a form in a URL's spelling, or as a file."""


@frozen(kw_only=True)
class Call:
    """A request that passed validation.

    Attributes:
        org_id: Organisation of the credential; empty on routes that need none.
        path: Parameters of the path.
        query: Query parameters; what was not sent stands there with its default.
        body: The body as data; None where there is none.
        file: The body as a file, for routes that take one; else it was read already.
        media: The `Content-Type` header.
        url: Path without the query.
        base_url: Scheme, host and port that were asked.
        digest: SHA-256 of the body, in hexadecimal.
        idempotency_key: The header of that name.
        formats: All values of the query parameter `result_formats`.
    """

    org_id: str
    path: JsonObject
    query: JsonObject
    body: Any
    file: IO[bytes]
    media: str = ""
    url: str
    base_url: str
    digest: str
    idempotency_key: str | None
    formats: Sequence[str]


Handler: TypeAlias = Callable[[Call], Response]


@frozen(kw_only=True)
class Route:
    """An operation: what it takes, and what answers it.

    The first line of the handler's docstring is its summary.

    Attributes:
        method: HTTP method.
        path: Path, with its parameters in braces.
        handler: What answers it.
        parts: Shapes of the path's parameters.
        query: Shapes of the query parameters.
        required: Query parameters that must be there.
        headers: Shapes of headers that have a meaning here.
        body: Shape of the body; None where it is not read.
        needs_body: Whether there must be one.
        media: How the body is read.
        is_open: Whether it needs no credential.
        answers: Shape of the answer of each status beside those that all routes have;
            None for an answer without a body.
        is_hidden: Whether the document of the API leaves it out.
    """

    method: str
    path: str
    handler: Handler
    parts: Mapping[str, Schema] = field(factory=dict[str, Schema])
    query: Mapping[str, Schema] = field(factory=dict[str, Schema])
    required: Sequence[str] = ()
    headers: Mapping[str, Schema] = field(factory=dict[str, Schema])
    body: Schema | None = None
    needs_body: bool = True
    media: Media = "json"
    is_open: bool = False
    answers: Mapping[int, Schema | None] = field(factory=dict[int, Schema | None])
    is_hidden: bool = False


def json_response(data: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return JSONResponse(data, status)


def error_response(status: int, detail: str) -> Response:
    """An error with one sentence."""
    return JSONResponse({"detail": detail}, status)


def not_found(what: str) -> Response:
    """Return a 404 error that names what is missing."""
    return error_response(404, f"{what} not found")


def validation_response(found: Sequence[JsonObject]) -> Response:
    """A 422 with a list of what is wrong, and where."""
    return JSONResponse({"detail": list(found)}, 422)
