"""Requests in and answers out: credentials, bodies, validation, error shapes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, TypeAlias

from attrs import field, frozen
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ..definition import MAX_BYTES, MAX_DEPTH
from ._shapes import Shape, complaints, invalid, parameters
from ._store import Data

HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1", "emulator", "testserver"})
"""Names under which the emulator answers: loopback, and those of in-process clients."""

MAX_DIGITS: Final = 400
"""Digits of the longest integer that is read."""


@frozen
class RequestRecord:
    """A request that came in; the credential is not kept.

    Attributes:
        method: HTTP method.
        path: Path without the query.
        query: Query parameters; of repeated ones the last.
        digest: SHA-256 of the body, in hexadecimal.
        idempotency_key: The header of that name.
        org_id: Organisation of the credential, or None where it was not accepted.
    """

    method: str
    path: str
    query: Mapping[str, str]
    digest: str
    idempotency_key: str | None = None
    org_id: str | None = None


@frozen(kw_only=True)
class Call:
    """A request that passed validation."""

    org_id: str
    path: Data
    query: Data
    body: Any
    url: str
    base_url: str
    digest: str
    idempotency_key: str | None
    formats: Sequence[str]


Handler: TypeAlias = Callable[[Call], Response]


@frozen(kw_only=True)
class Route:
    """An operation: what it takes, and what answers it.

    Attributes:
        method: HTTP method.
        path: Path, with its parameters in braces.
        handler: What answers it.
        parts: Shapes of the path's parameters.
        query: Shapes of the query parameters.
        required: Query parameters that must be there.
        body: Shape of the body; None where it is not read.
        is_open: Whether it needs no credential.
    """

    method: str
    path: str
    handler: Handler
    parts: Mapping[str, Shape] = field(factory=dict[str, Shape])
    query: Mapping[str, Shape] = field(factory=dict[str, Shape])
    required: Sequence[str] = ()
    body: Shape | None = None
    is_open: bool = False


@frozen
class Door:
    """Lets requests in.

    Attributes:
        keys: Credentials that are accepted; None for any.
        both_status: What both credentials at once are answered.
        record: Gets each request.
    """

    keys: frozenset[str] | None = field(repr=False)
    both_status: Callable[[], int]
    record: Callable[[RequestRecord], None]

    def endpoint(self, route: Route) -> Callable[[Request], Awaitable[Response]]:
        """The function that serves a route."""

        async def serve(request: Request) -> Response:
            try:
                body = await _read(request)
            except ClientDisconnect:
                return refused(400, "The request ended before its body did")
            return self._answer(request, route, body)

        return serve

    def _answer(self, request: Request, route: Route, body: bytes | None) -> Response:
        digest = sha256(body or b"").hexdigest()
        org = self._organisation(request)
        self.record(
            RequestRecord(
                request.method,
                request.url.path,
                dict(request.query_params),
                digest,
                request.headers.get("idempotency-key"),
                org if isinstance(org, str) else None,
            )
        )
        if request.url.hostname not in HOSTS:
            return refused(400, "The emulator answers to loopback names only")
        if isinstance(org, Response):
            if not route.is_open:
                return org
            org = ""
        if body is None:
            return refused(413, f"The body is longer than {MAX_BYTES} bytes")
        parsed = _parsed(request, route, body)
        if isinstance(parsed, Response):
            return parsed
        path = parameters(request.path_params, route.parts)
        query = parameters(request.query_params, route.query, route.required)
        found = [
            *complaints(path, _object(route.parts), ("path",)),
            *complaints(query, _object(route.query, route.required), ("query",)),
            *(complaints(parsed, route.body, ("body",)) if route.body else ()),
        ]
        if found:
            return unprocessable(found)
        call = Call(
            org_id=org,
            path=path,
            query=query,
            body=parsed,
            url=request.url.path,
            base_url=f"{request.url.scheme}://{request.url.netloc}",
            digest=digest,
            idempotency_key=request.headers.get("idempotency-key"),
            formats=request.query_params.getlist("result_formats"),
        )
        return route.handler(call)

    def _organisation(self, request: Request) -> str | Response:
        key = request.headers.get("x-api-key")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else None
        if key is not None and bearer is not None:
            return refused(
                self.both_status(), "Send either x-api-key or a Bearer token, not both"
            )
        credential = bearer if key is None else key
        if not credential:
            return refused(401, "Missing API key")
        if self.keys is not None and credential not in self.keys:
            return refused(401, "Invalid API key")
        return organisation_of(credential)


def organisation_of(credential: str) -> str:
    """The organisation that a key or token belongs to; it does not tell the key."""
    return f"org_{sha256(credential.encode()).hexdigest()[:16]}"


def answer(data: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return JSONResponse(data, status)


def refused(status: int, detail: str) -> Response:
    """An error with one sentence."""
    return JSONResponse({"detail": detail}, status)


def unprocessable(found: Sequence[Data]) -> Response:
    """A 422 with a list of what is wrong, and where."""
    return JSONResponse({"detail": list(found)}, 422)


async def http_error(_request: Request, error: Exception) -> Response:
    """The answer where no route fits."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def _read(request: Request) -> bytes | None:
    """The body, or None where it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            return None
    return bytes(body)


def _object(fields: Mapping[str, Shape], required: Sequence[str] = ()) -> Shape:
    # What was not sent stands there with its default, which may be null.
    return Shape(type="object", fields=fields, required=required)


def _parsed(request: Request, route: Route, body: bytes) -> Any:
    """The JSON of a body, or the answer to a body that holds none."""
    if route.body is None:
        return None
    if not body:
        if route.body.nullable:
            return None
        return unprocessable([invalid(("body",), "missing", "Field required")])
    media = request.headers.get("content-type", "application/json").split(";")[0]
    if media.strip().lower() not in {"application/json", "text/json"}:
        words = f"Input should be JSON (Content-Type: application/json), not {media}"
        return unprocessable([invalid(("body",), "model_attributes_type", words)])
    return read_json(body)


def read_json(body: bytes) -> Any:
    """JSON data that can be stored and written again, or the answer to what cannot."""
    try:
        text = body.decode()
        data, faults = _loaded(text)
    except UnicodeDecodeError:
        data, faults = None, ["the body is not UTF-8"]
    except json.JSONDecodeError as error:
        data, faults = None, [f"{error.msg} at character {error.pos}"]
    except RecursionError:
        data, faults = None, [_TOO_DEEP]
    else:
        if _is_deep(data):
            faults.append(_TOO_DEEP)
        # Decoded UTF-8 has no lone surrogate; only an escape can bring one in.
        elif "\\u" in text and not _is_unicode(data):
            faults.append("a lone surrogate is not Unicode")
    return refused(400, f"Malformed JSON: {faults[0]}") if faults else data


_TOO_DEEP: Final = f"it nests deeper than {MAX_DEPTH} levels"


def _loaded(text: str) -> tuple[Any, list[str]]:
    """The data of a text, and what in it cannot be kept."""
    faults: list[str] = []

    def integer(digits: str) -> int:
        if len(digits) <= MAX_DIGITS:
            return int(digits)
        faults.append("a number is too long")
        return 0

    def number(digits: str) -> float:
        found = float(digits)
        if found - found != 0:
            faults.append("a number is too large")
        return found

    data = json.loads(
        text, parse_int=integer, parse_float=number, parse_constant=faults.append
    )
    return data, faults


def _is_unicode(data: Any) -> bool:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_deep(data: Any) -> bool:
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for item in level
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
