"""The door: lets requests in that are fit to be answered, and records each."""

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
from ._http import Call, Route, error_response, validation_response
from ._request_body import (
    File,
    make_body_file,
    max_body_bytes,
    parse_body,
    receive_body,
)
from ._schema import Schema, find_violations, parse_parameters
from ._serving import SERVED

HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]", "emulator"})
"""Names under which the emulator answers."""

IN_PROCESS_HOSTS: Final = HOSTS | {"testserver"}
"""The same for clients in this process: `testserver` is what Starlette's has."""

ADMIN_PREFIX: Final = "/_emulator/"
"""Where routes begin that are about the emulator itself."""


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


@frozen
class RequestGuard:
    """Lets requests in.

    Attributes:
        access: Knows who asks.
        record: Gets each request.
    """

    access: Access
    record: Callable[[RequestRecord], None]

    async def answer(self, request: Request, route: Route) -> Response:
        """The answer of a route to a request."""
        if {"content-length", "transfer-encoding"} <= set(request.headers):
            words = "Send Content-Length or Transfer-Encoding, not both"
            return JSONResponse({"detail": words}, 400, {"connection": "close"})
        try:
            body = await receive_body(request, route)
        except ClientDisconnect:
            return error_response(400, "The request ended before its body did")
        # In a thread, so that long work does not hold up everybody else.
        return await run_in_threadpool(self._answer, request, route, body)

    def _answer(self, request: Request, route: Route, body: File | None) -> Response:
        try:
            with body or make_body_file() as file:
                digest = file_digest(file, "sha256").hexdigest()
                file.seek(0)
                org = self._identify_and_record(request, digest)
                names = HOSTS if SERVED in request.scope else IN_PROCESS_HOSTS
                if not _is_allowed_host(request.headers.get("host"), names):
                    return error_response(
                        400, "The emulator answers to loopback names only"
                    )
                if request.url.path.startswith(ADMIN_PREFIX) and _is_cross_origin(
                    request
                ):
                    return error_response(
                        403, "No other page may use the emulator's routes"
                    )
                if isinstance(org, Response):
                    if not route.is_open:
                        return org
                    org = ""
                if body is None:
                    words = f"The body is longer than {max_body_bytes(route)} bytes"
                    return error_response(413, words)
                call = _build_call(request, route, org, digest, file)
                return call if isinstance(call, Response) else route.handler(call)
        except EmulatorStoreError as error:
            return error_response(503, str(error))

    def _identify_and_record(self, request: Request, digest: str) -> str | Response:
        """The organisation that asks, or the answer to who may not."""
        org = self.access.organisation(request)
        path = request.url.path
        # What the page asks for, every second or so, is no use of the API.
        if path != "/" and not path.startswith(ADMIN_PREFIX):
            self.record(
                RequestRecord(
                    request.method,
                    path,
                    dict(request.query_params),
                    digest,
                    request.headers.get("idempotency-key"),
                    org if isinstance(org, str) else None,
                )
            )
        return org


@frozen
class Endpoint:
    """Answers on one path, to every method: to those it has no route for with 405.

    Attributes:
        door: Lets requests in.
        routes: The route of each method.
    """

    guard: RequestGuard
    routes: Mapping[str, Route]

    @classmethod
    def of(cls, guard: RequestGuard, routes: Iterable[Route]) -> Endpoint:
        """The endpoint of the routes of a path."""
        by_method = {route.method: route for route in routes}
        if "GET" in by_method:
            by_method.setdefault("HEAD", by_method["GET"])
        return cls(guard, by_method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        route = self.routes.get(request.method)
        if route is None:
            allowed = {"allow": ", ".join(sorted(self.routes))}
            reply: Response = JSONResponse(
                {"detail": "Method Not Allowed"}, 405, allowed
            )
        else:
            reply = await self.guard.answer(request, route)
        await reply(scope, receive, send)


def _is_cross_origin(request: Request) -> bool:
    """Whether a page asks that the emulator did not give out."""
    ours = f"{request.url.scheme}://{request.url.netloc}"
    return request.headers.get("origin", ours) != ours


async def handle_http_error(_request: Request, error: Exception) -> Response:
    """The answer where no route fits."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def handle_failure(_request: Request, _error: Exception) -> Response:
    """The answer to a fault of the emulator itself; the fault is logged as well."""
    return error_response(500, "The emulator failed; this is a fault of flow64")


def _is_allowed_host(host: str | None, names: Container[str]) -> bool:
    """Whether it is us who was asked; HTTP 1.0 need not say."""
    if host is None:
        return True
    name = re.fullmatch(r"(\[[0-9a-f:]+\]|[^][:]+)(?::[0-9]*)?", host.lower())
    return name is not None and name[1] in names


def _build_call(
    request: Request, route: Route, org_id: str, digest: str, file: File
) -> Call | Response:
    """The request as its handler sees it, or the answer to one that is not fit."""
    media = request.headers.get("content-type", "")
    content = b"" if route.media == "file" else file.read()
    parsed = None if route.media == "file" else parse_body(route, media, content)
    if isinstance(parsed, Response):
        return parsed
    sent = request.query_params
    path = parse_parameters(
        {name: [text] for name, text in request.path_params.items()}, route.parts
    )
    query = parse_parameters(
        {name: sent.getlist(name) for name in sent}, route.query, route.required
    )
    # A body that may be left out is judged where it was sent, also as null.
    body = route.body if content or parsed is not None else None
    found = [
        *find_violations(path, _object(route.parts), ("path",)),
        *find_violations(query, _object(route.query, route.required), ("query",)),
        *(find_violations(parsed, body, ("body",)) if body else ()),
    ]
    if found:
        return validation_response(found)
    return Call(
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
        formats=sent.getlist("result_formats"),
    )


def _object(fields: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    # What was not sent stands there with its default, which may be null.
    return Schema(type="object", fields=fields, required=required)
