"""Middleware: check and record each request before its handler runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from hashlib import file_digest
from typing import Final

from attrs import frozen
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from ..errors import EmulatorStoreError
from ._access import Access
from ._http import ApiCall, RefusedError, Route
from ._request_body import (
    File,
    make_body_file,
    max_body_bytes,
    parse_body,
    receive_body,
)
from ._schema import Schema, find_violations, parse_parameters
from ._serving import SERVED

LOOPBACK_NAMES: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names under which the emulator always answers."""

IN_PROCESS_NAMES: Final = frozenset({"emulator", "testserver"})
"""More names for clients in this process; Starlette's test client uses `testserver`."""

ADMIN_PREFIX: Final = "/_emulator/"
"""Path prefix of the routes about the emulator itself."""


@frozen
class RequestRecord:
    """A received request, without its credential.

    Attributes:
        path: Path without the query.
        query: Query parameters; the last value of a repeated one.
        digest: SHA-256 of the body, in hexadecimal.
        org_id: Organisation of the credential, or None if it was not accepted.
    """

    method: str
    path: str
    query: Mapping[str, str]
    digest: str
    idempotency_key: str | None = None
    org_id: str | None = None


@frozen
class RequestGuard:
    """Checks each request, and calls its handler.

    Attributes:
        record: Is called with each request.
        names: The values of the header `Host` that are answered, besides loopback.
    """

    access: Access
    record: Callable[[RequestRecord], None]
    names: Container[str] = ()

    async def answer(self, request: Request, route: Route) -> Response:
        """Answer a request by its route, or with an error."""
        try:
            _check_length(request)
            body = await receive_body(request, route)
            # In a thread, so that long work does not delay other requests.
            return await run_in_threadpool(self._answer, request, route, body)
        except ClientDisconnect:
            refusal = RefusedError(400, "The request ended before its body did")
        except EmulatorStoreError as error:
            refusal = RefusedError(503, str(error))
        except RefusedError as error:
            refusal = error
        return refusal.response

    def _answer(self, request: Request, route: Route, body: File | None) -> Response:
        with body or make_body_file() as file:
            digest = file_digest(file, "sha256").hexdigest()
            file.seek(0)
            org, problem = None, None
            try:
                org = self.access.organisation(request)
            except RefusedError as error:
                problem = error
            self._record(request, digest, org)
            self._check_host(request)
            _check_origin(request)
            if problem and not route.is_open:
                raise problem
            if body is None:
                words = f"The body is longer than {max_body_bytes(route)} bytes"
                raise RefusedError(413, words)
            reply = route.handler(_build_call(request, route, org or "", digest, file))
        if isinstance(reply, Response):
            return reply
        return JSONResponse(reply, next(iter(route.answers), 200))

    def _check_host(self, request: Request) -> None:
        """Refuse a foreign name, since any page can let its own name point here."""
        name = _parse_host(request.headers.get("host"))
        if name in LOOPBACK_NAMES or name in self.names:
            return
        if SERVED not in request.scope and name in IN_PROCESS_NAMES:
            return
        raise RefusedError(400, FOREIGN_HOST)

    def _record(self, request: Request, digest: str, org_id: str | None) -> None:
        path = request.url.path
        # The page polls every second or so; that is not a use of the API.
        if path != "/" and not path.startswith(ADMIN_PREFIX):
            self.record(
                RequestRecord(
                    request.method,
                    path,
                    dict(request.query_params),
                    digest,
                    request.headers.get("idempotency-key"),
                    org_id,
                )
            )


@frozen
class Endpoint:
    """Answers on one path, also to methods that no route has.

    Starlette by itself would try the next path that matches.

    Attributes:
        routes: The route of each method.
    """

    guard: RequestGuard
    routes: Mapping[str, Route]

    @classmethod
    def of(cls, guard: RequestGuard, routes: Iterable[Route]) -> Endpoint:
        """Make the endpoint of the routes of a path."""
        by_method = {route.method: route for route in routes}
        if "GET" in by_method:
            by_method["HEAD"] = by_method["GET"]
        return cls(guard, by_method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        route = self.routes.get(request.method)
        if route is None:
            raise HTTPException(405, headers={"allow": ", ".join(sorted(self.routes))})
        reply = await self.guard.answer(request, route)
        await reply(scope, receive, send)


def _check_length(request: Request) -> None:
    """Refuse a body that states its length in two ways."""
    if {"content-length", "transfer-encoding"} <= set(request.headers):
        words = "Send Content-Length or Transfer-Encoding, not both"
        raise RefusedError(400, words, {"connection": "close"})


def _check_origin(request: Request) -> None:
    """Refuse a page that must not ask."""
    if request.url.path.startswith(ADMIN_PREFIX) and _is_cross_origin(request):
        raise RefusedError(403, "No other page may use the emulator's routes")


def _is_cross_origin(request: Request) -> bool:
    """Return True if the request comes from a page of another origin."""
    ours = f"{request.url.scheme}://{request.url.netloc}"
    return request.headers.get("origin", ours) != ours


async def handle_http_error(_request: Request, error: Exception) -> Response:
    """Answer a request that matches no route."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def handle_failure(_request: Request, _error: Exception) -> Response:
    """Answer after a fault of the emulator itself, which is also logged."""
    words = "The emulator failed; this is a fault of flow64"
    return JSONResponse({"detail": words}, 500)


FOREIGN_HOST: Final = (
    "The emulator does not answer to this host name; allow it with "
    "`flow64 serve --allow-name NAME` or `Emulator(allow_names=...)`"
)


def _parse_host(host: str | None) -> str:
    """Return the name in a header `Host`, which HTTP 1.0 may leave out."""
    if host is None:
        return "localhost"
    name = re.fullmatch(r"(\[[0-9a-f:]+\]|[^][:]+)(?::[0-9]*)?", host.lower())
    return name[1] if name else ""


def _build_call(
    request: Request, route: Route, org_id: str, digest: str, file: File
) -> ApiCall:
    """Parse and validate a request.

    Raises:
        RefusedError: It is malformed, or violates a schema of the route.
    """
    media = request.headers.get("content-type", "")
    content = b"" if route.media == "file" else file.read()
    parsed = None if route.media == "file" else parse_body(route, media, content)
    sent = request.query_params
    path = parse_parameters(
        {name: [text] for name, text in request.path_params.items()}, route.parts
    )
    query = parse_parameters(
        {name: sent.getlist(name) for name in sent}, route.query, route.required
    )
    # An optional body is validated if it was sent, even as null.
    body = route.body if content or parsed is not None else None
    found = [
        *find_violations(path, _object_schema(route.parts), ("path",)),
        *find_violations(
            query, _object_schema(route.query, route.required), ("query",)
        ),
        *(find_violations(parsed, body, ("body",)) if body else ()),
    ]
    if found:
        raise RefusedError(422, found)
    return ApiCall(
        org_id=org_id,
        path=path,
        query=query,
        body=parsed,
        file=file,
        media=media,
        url=request.url.path,
        base_url=f"{request.url.scheme}://{request.url.netloc}",
        digest=digest,
        idempotency_key=request.headers.get("idempotency-key"),
    )


def _object_schema(
    fields: Mapping[str, Schema], required: Sequence[str] = ()
) -> Schema:
    # Parameters that were not sent have their default, which may be null.
    return Schema(type="object", fields=fields, required=required)
