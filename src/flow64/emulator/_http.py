"""Routes, the calls that their handlers get, and the responses that they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, Literal, TypeAlias

from attrs import field, frozen
from starlette.responses import JSONResponse, Response

from ._records import JsonObject
from ._schema import Location, Schema, make_violation

Media: TypeAlias = Literal["json", "form", "file"]
"""How a body is read: as JSON, as a URL-encoded form, or as a file."""


@frozen(kw_only=True)
class ApiCall:
    """A request that passed validation.

    Attributes:
        org_id: Organisation of the credential; empty on routes that need none.
        path: Path parameters.
        query: Query parameters, including defaults.
        file: The body as a file. It is read to its end, except for routes that take a
            file.
        media: The `Content-Type` header.
        url: Path without the query.
        base_url: Scheme, host and port of the request.
        digest: SHA-256 of the body, in hexadecimal.
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


Handler: TypeAlias = Callable[[ApiCall], Any]
"""Returns the JSON data of a response, or a response of another form."""


@frozen
class Route:
    """An operation, with its schemas and its handler.

    The first line of the handler's docstring is its summary in the OpenAPI document.

    Attributes:
        path: Path, with its parameters in braces.
        parts: Path parameters.
        required: Query parameters that must be sent.
        headers: Headers that the handler uses.
        body: Schema of the body; None if it is not read.
        is_open: Whether it needs no credential.
        answers: Response schema of each status, the one of success first, in addition
            to the errors that all routes have; None for a response without a schema.
        is_hidden: Whether the OpenAPI document leaves it out.
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


class RefusedError(Exception):
    """A request is refused.

    Attributes:
        response: The response, with the reason as `detail`.
    """

    def __init__(
        self, status: int, detail: object, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.response: Response = JSONResponse({"detail": detail}, status, headers)


def not_found_error(what: str) -> RefusedError:
    """Make the error of something that does not exist."""
    return RefusedError(404, f"{what} not found")


def violation_error(location: Location, type: str, message: str) -> RefusedError:
    """Make the error of a request with one violation."""
    return RefusedError(422, [make_violation(location, type, message)])
