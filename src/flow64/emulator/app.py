"""The WSGI app: each operation of the document, checked and handled.

The routes about the emulator itself are in `admin.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from attrs import define, frozen
from flask import Flask, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.wrappers import Response

from ..definition import MAX_BYTES, MAX_DEPTH
from ..errors import ConfigError
from . import runs, schedules, webhooks, workflows
from .access import Access
from .document import DOCUMENT, OPERATIONS, Operation, describe_errors, make_violation
from .faults import ADMIN_PREFIX
from .records import JsonObject, dump_json
from .runs import FILE_ROUTE, download
from .service import Call, Handler, RefusedError, Service

CREDITS: Final = 1_000_000
"""Credits to report. Runs cost nothing here."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")

View: TypeAlias = Callable[..., Any]
"""Answers a request; it gets the parts of the path."""


@frozen
class RequestRecord:
    """A received request, without its credential.

    Attributes:
        path: Path without the query.
        query: Query parameters; the last value of a repeated one.
        org_id: Organisation of the credential, or None if it was not accepted.
    """

    method: str
    path: str
    query: Mapping[str, str]
    org_id: str | None = None


FOREIGN_HOST: Final = (
    "The emulator does not answer to this host name; allow it with "
    "`flow64 serve --allow-name NAME` or `Emulator(allow_names=...)`"
)


@define(eq=False)
class Api:
    """Answers requests: checks each, and calls the handler of its operation.

    Attributes:
        names: The values of the header `Host` that are answered.
        requests: The received requests, oldest first.
    """

    service: Service
    access: Access
    names: Collection[str]
    requests: list[RequestRecord]

    def answer(
        self, operation: Operation, handler: Handler, **path: str
    ) -> Response | tuple[Any, int]:
        """Answer a request of an operation.

        Raises:
            RefusedError: It is refused.
        """
        org_id, refusal = "", None
        try:
            org_id = self.access.find_organisation()
        except RefusedError as error:
            refusal = error
        self._record(org_id or None)
        if refusal and not operation.is_open:
            raise refusal
        call = _read_call(operation, org_id, path)
        return _as_response(handler(self.service, call), operation.status)

    def answer_file(self, **path: str) -> Response:
        """Answer a request of a result file, which needs no credential."""
        self._record(None)
        return download(self.service, _make_call(path=path, query=dict(request.args)))

    def check_origin(self) -> None:
        """Refuse requests that a web page of another origin can cause.

        Raises:
            RefusedError: The host name is foreign, since any page can let its own name
                point here; or a page of another origin asks for the emulator's routes.
        """
        is_old = request.environ["SERVER_PROTOCOL"] == "HTTP/1.0"  # it has no host
        host = request.headers.get("host", "localhost" if is_old else "").lower()
        name = re.fullmatch(r"(\[[0-9a-f:]+\]|[^][:]+)(?::[0-9]*)?", host)
        if not name or name[1] not in self.names:
            raise RefusedError(400, FOREIGN_HOST)
        origin = request.headers.get("origin")
        if request.path.startswith(ADMIN_PREFIX) and origin not in {None, _base_url()}:
            raise RefusedError(403, "No other page may use the emulator's routes")

    def _record(self, org_id: str | None) -> None:
        self.requests.append(
            RequestRecord(
                request.method,
                request.path,
                {name: request.args.getlist(name)[-1] for name in request.args},
                org_id,
            )
        )


def make_app(api: Api) -> Flask:
    """Make the app that answers the operations of the document."""
    app = Flask("flow64.emulator", static_folder=None)
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BYTES
    app.before_request(api.check_origin)
    app.before_request(partial(schedules.run_due_schedules, api.service))
    app.register_error_handler(RefusedError, _answer_refusal)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(ConfigError, _answer_store_error)
    handlers: Mapping[str, Handler] = {
        **workflows.HANDLERS,
        **runs.HANDLERS,
        **schedules.HANDLERS,
        **webhooks.HANDLERS,
        **api.access.handlers,
        "check_balance": check_balance,
    }
    views: dict[tuple[str, str], View] = {
        (operation.method, operation.path.replace("{", "<").replace("}", ">")): partial(
            api.answer, operation, handlers[operation.id]
        )
        for operation in OPERATIONS.values()
    }
    views["GET", FILE_ROUTE] = api.answer_file
    views["GET", "/openapi.json"] = lambda: _as_response(DOCUMENT, 200)
    add_routes(app, views)
    return app


def add_routes(app: Flask, views: Mapping[tuple[str, str], View]) -> None:
    """Add views by method and path; other methods on their paths get 405.

    Otherwise, they would reach the next route that fits, such as that of an id.
    """
    for path in dict.fromkeys(path for _, path in views):
        by_method = {method: view for (method, at), view in views.items() if at == path}
        if "GET" in by_method:
            by_method["HEAD"] = by_method["GET"]
        app.add_url_rule(
            path,
            path,
            partial(_dispatch, by_method),
            methods=METHODS,
            provide_automatic_options=False,
        )


def _dispatch(views: Mapping[str, View], **path: str) -> Any:
    view = views.get(request.method)
    if view is None:
        raise MethodNotAllowed([*views])
    return view(**path)


def check_balance(_service: Service, _call: Call) -> JsonObject:
    """Return the credits of an organisation, which never end."""
    return {"credits": CREDITS}


# -- Requests --------------------------------------------------------------------------


def _base_url() -> str:
    return f"{request.scheme}://{request.host}"


def _make_call(**known: Any) -> Call:
    return Call(
        **{"org_id": "", "path": {}, "query": {}, "body": None, **known},
        url=request.path,
        base_url=_base_url(),
        idempotency_key=request.headers.get("idempotency-key"),
    )


def _read_call(operation: Operation, org_id: str, parts: Mapping[str, str]) -> Call:
    """Parse and validate a request.

    Raises:
        RefusedError: It is malformed, or violates a schema of the operation.
    """
    path = operation.parse_parameters("path", {name: [parts[name]] for name in parts})
    texts = {name: request.args.getlist(name) for name in request.args}
    query = operation.parse_parameters("query", texts)
    violations = [
        *operation.find_violations("path", path),
        *operation.find_violations("query", query),
    ]
    body = None
    if operation.media:
        body, is_sent = _read_body(operation)
        if is_sent:
            errors = operation.body.iter_errors(body)
            violations += describe_errors(errors, ("body",))
        elif operation.needs_body:
            violations.append(make_violation(("body",), "missing", "Field required"))
    if violations:
        raise RefusedError(422, violations)
    return _make_call(org_id=org_id, path=path, query=query, body=body)


def _read_body(operation: Operation) -> tuple[Any, bool]:
    """Return the parsed body, and whether there is any.

    Raises:
        RefusedError: It has another content type, or is not JSON.
    """
    if request.mimetype == "application/x-www-form-urlencoded" and (
        request.mimetype in operation.media
    ):
        return {name: request.form.getlist(name)[-1] for name in request.form}, True
    content = request.get_data()
    if not content:
        return None, False
    if request.mimetype not in operation.media and not request.is_json:
        words = f"Input should be {operation.media[0]}"
        raise RefusedError.violation(("body",), "model_attributes_type", words)
    try:
        body = json.loads(content)
        # NaN, infinities and lone surrogates cannot be stored.
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise RefusedError(400, "The body is not valid JSON") from None
    if _is_deeper(body, MAX_DEPTH):
        raise RefusedError(400, f"The body nests deeper than {MAX_DEPTH} levels")
    return body, True


def _is_deeper(data: Any, limit: int) -> bool:
    level = [data]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
    return bool(level)


# -- Responses -------------------------------------------------------------------------


def _as_response(data: Any, status: int) -> Response:
    if isinstance(data, Response):
        return data
    return Response(dump_json(data), status, content_type="application/json")


def _answer_refusal(error: RefusedError) -> Response:
    return _as_response(error.body, error.status)


def _answer_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    words = error.name
    if isinstance(error, RequestEntityTooLarge):
        words = f"The body is longer than {request.max_content_length} bytes"
    elif status == 500:
        words = "The emulator failed; this is a fault of flow64"
    response = _as_response({"detail": words}, status)
    headers: Iterable[tuple[str, str]] = error.get_headers()
    response.headers.extend((name, text) for name, text in headers if name == "Allow")
    return response


def _answer_store_error(error: ConfigError) -> Response:
    return _as_response({"detail": str(error)}, 503)
