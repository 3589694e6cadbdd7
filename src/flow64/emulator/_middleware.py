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
from ._bodies import File, data_of, limit_of, new_file, received
from ._http import Call, Route, refused, unprocessable
from ._serving import SERVED
from ._shapes import Shape, complaints, parameters

HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]", "emulator"})
"""Names under which the emulator answers."""

INSIDE: Final = HOSTS | {"testserver"}
"""The same for clients in this process: `testserver` is what Starlette's has."""

OURS: Final = "/_emulator/"
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
class Door:
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
            body = await received(request, route)
        except ClientDisconnect:
            return refused(400, "The request ended before its body did")
        # In a thread, so that long work does not hold up everybody else.
        return await run_in_threadpool(self._answer, request, route, body)

    def _answer(self, request: Request, route: Route, body: File | None) -> Response:
        try:
            with body or new_file() as file:
                digest = file_digest(file, "sha256").hexdigest()
                file.seek(0)
                org = self._recorded(request, digest)
                names = HOSTS if SERVED in request.scope else INSIDE
                if not _is_ours(request.headers.get("host"), names):
                    return refused(400, "The emulator answers to loopback names only")
                if request.url.path.startswith(OURS) and _is_foreign(request):
                    return refused(403, "No other page may use the emulator's routes")
                if isinstance(org, Response):
                    if not route.is_open:
                        return org
                    org = ""
                if body is None:
                    words = f"The body is longer than {limit_of(route)} bytes"
                    return refused(413, words)
                call = _call(request, route, org, digest, file)
                return call if isinstance(call, Response) else route.handler(call)
        except EmulatorStoreError as error:
            return refused(503, str(error))

    def _recorded(self, request: Request, digest: str) -> str | Response:
        """The organisation that asks, or the answer to who may not."""
        org = self.access.organisation(request)
        path = request.url.path
        # What the page asks for, every second or so, is no use of the API.
        if path != "/" and not path.startswith(OURS):
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

    door: Door
    routes: Mapping[str, Route]

    @classmethod
    def of(cls, door: Door, routes: Iterable[Route]) -> Endpoint:
        """The endpoint of the routes of a path."""
        by_method = {route.method: route for route in routes}
        if "GET" in by_method:
            by_method.setdefault("HEAD", by_method["GET"])
        return cls(door, by_method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        route = self.routes.get(request.method)
        if route is None:
            allowed = {"allow": ", ".join(sorted(self.routes))}
            reply: Response = JSONResponse(
                {"detail": "Method Not Allowed"}, 405, allowed
            )
        else:
            reply = await self.door.answer(request, route)
        await reply(scope, receive, send)


def _is_foreign(request: Request) -> bool:
    """Whether a page asks that the emulator did not give out."""
    ours = f"{request.url.scheme}://{request.url.netloc}"
    return request.headers.get("origin", ours) != ours


async def http_error(_request: Request, error: Exception) -> Response:
    """The answer where no route fits."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def failure(_request: Request, _error: Exception) -> Response:
    """The answer to a fault of the emulator itself; the fault is logged as well."""
    return refused(500, "The emulator failed; this is a fault of flow64")


def _is_ours(host: str | None, names: Container[str]) -> bool:
    """Whether it is us who was asked; HTTP 1.0 need not say."""
    if host is None:
        return True
    name = re.fullmatch(r"(\[[0-9a-f:]+\]|[^][:]+)(?::[0-9]*)?", host.lower())
    return name is not None and name[1] in names


def _call(
    request: Request, route: Route, org_id: str, digest: str, file: File
) -> Call | Response:
    """The request as its handler sees it, or the answer to one that is not fit."""
    media = request.headers.get("content-type", "")
    content = b"" if route.media == "file" else file.read()
    parsed = None if route.media == "file" else data_of(route, media, content)
    if isinstance(parsed, Response):
        return parsed
    sent = request.query_params
    path = parameters(
        {name: [text] for name, text in request.path_params.items()}, route.parts
    )
    query = parameters(
        {name: sent.getlist(name) for name in sent}, route.query, route.required
    )
    # A body that may be left out is judged where it was sent, also as null.
    body = route.body if content or parsed is not None else None
    found = [
        *complaints(path, _object(route.parts), ("path",)),
        *complaints(query, _object(route.query, route.required), ("query",)),
        *(complaints(parsed, body, ("body",)) if body else ()),
    ]
    if found:
        return unprocessable(found)
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


def _object(fields: Mapping[str, Shape], required: Sequence[str] = ()) -> Shape:
    # What was not sent stands there with its default, which may be null.
    return Shape(type="object", fields=fields, required=required)
