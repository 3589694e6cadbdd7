"""The WSGI app: each operation of the document, checked and handled.

It takes API keys, and OAuth tokens for signed assertions (RFC 7523). Tokens are lost
with the process, and expire by the emulator's clock. Assertions are checked against
real time, since the client wrote real time into them. The routes about the emulator
itself are in `admin.py`.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, Final, TypeAlias

import jwt
from attrs import define, field, frozen
from flask import Flask, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.wrappers import Response

from ..definition import MAX_BYTES, MAX_NESTING
from ..errors import ConfigError
from . import runs, schedules, webhooks, workflows
from .operations import (
    ADMIN_PREFIX,
    DOCUMENT,
    OPERATIONS,
    Operation,
    describe_errors,
    make_violation,
)
from .records import Clock, JsonObject, dump_json, organisation_of
from .runs import FILE_ROUTE, download
from .service import Call, Handler, RefusedError, Service

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""Assertion type of a signed token (RFC 7523)."""

SCOPE: Final = "full_access"
"""The one scope (documented)."""

LEEWAY: Final = 60
"""Seconds that a client's clock may be ahead."""


@frozen(kw_only=True)
class OAuthClient:
    """A machine client that may ask for tokens.

    Attributes:
        public_key_pem: The public half of its RSA key, as PEM.
        org_id: The organisation of its tokens; None for one of its own.
        kid: The key id that its assertions must name; None does not check it.
        ttl: Lifetime of a token, in seconds.
    """

    client_id: str
    public_key_pem: str
    org_id: str | None = None
    kid: str | None = None
    ttl: int = 3600


NOT_ISSUED: Final = "Invalid token: the emulator did not issue it, or it has expired"


@define(eq=False)
class Access:
    """Credentials and the organisations that they belong to; issues access tokens.

    Attributes:
        keys: The organisation of each key; None accepts any key.
    """

    clock: Clock
    keys: Mapping[str, str] | None = field(repr=False)
    clients: Mapping[str, OAuthClient] = field(repr=False)
    _tokens: dict[str, tuple[str, datetime]] = field(
        factory=dict, init=False, repr=False
    )
    _used: dict[tuple[str, str], float] = field(factory=dict, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False)

    def find_organisation(self) -> str:
        """Return the organisation of the request's credential.

        Raises:
            RefusedError: The credential is missing or wrong.
        """
        key = request.headers.get("x-api-key")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else None
        if key is not None and bearer is not None:
            words = "Send either x-api-key or a Bearer token, not both"
            raise RefusedError(400, words)
        if bearer:
            org_id = self._find_owner(bearer)
        elif key:
            org_id = organisation_of(key) if self.keys is None else self.keys.get(key)
        else:
            raise RefusedError(401, "Missing API key")
        if org_id is None:
            raise RefusedError(401, NOT_ISSUED if bearer else "Invalid API key")
        return org_id

    def _find_owner(self, token: str) -> str | None:
        """Return the organisation of a token; None if it is unknown or expired."""
        org_id, expires = self._tokens.get(token, (None, None))
        return org_id if expires and self.clock.now() < expires else None

    def issue_token(self, _service: Service, call: Call) -> Response:
        """Exchange a signed assertion for an access token.

        Errors have the form of RFC 6749.
        """
        form = call.body
        if form["grant_type"] != "client_credentials":
            return _oauth_error("unsupported_grant_type", "use client_credentials")
        if form["client_assertion_type"] != ASSERTION_TYPE:
            words = f"client_assertion_type must be {ASSERTION_TYPE}"
            return _oauth_error("invalid_request", words)
        if form.get("scope") not in {None, "", SCOPE}:
            return _oauth_error("invalid_scope", f"the one scope is {SCOPE}")
        client = self.clients.get(form["client_id"])
        if client is None:
            return _oauth_error("invalid_client", "there is no such client")
        try:
            self._check_assertion(client, form["client_assertion"], call.base_url)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            words = f"the assertion is not good: {error}"
            return _oauth_error("invalid_client", words)
        now, token = self.clock.now(), f"sk_oauth_{secrets.token_urlsafe(32)}"
        expires = now + timedelta(seconds=client.ttl)
        org_id = client.org_id or organisation_of(client.client_id)
        with self._lock:
            self._tokens[token] = org_id, expires
        answer = {"access_token": token, "token_type": "Bearer", "scope": SCOPE}
        return _json_response({**answer, "expires_in": client.ttl})

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers of the OAuth operations, which need no credential."""
        return {
            "oauth_authorization_server_metadata_"
            "_well_known_oauth_authorization_server_get": describe_server,
            "oauth_token_endpoint_oauth_token_post": self.issue_token,
        }

    def _check_assertion(self, client: OAuthClient, assertion: str, base: str) -> None:
        """Check an assertion, and remember it as used.

        Raises:
            PyJWTError: It is invalid, or was used before.
        """
        decoded = jwt.decode_complete(
            assertion,
            client.public_key_pem,
            algorithms=["RS256"],
            audience=[f"{base}/oauth/token", base],
            issuer=client.client_id,
            subject=client.client_id,
            leeway=LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "jti"]},
        )
        claims, now = decoded["payload"], time.time()
        if client.kid is not None and decoded["header"].get("kid") != client.kid:
            raise jwt.InvalidTokenError("it names another key (kid)")
        use = client.client_id, claims["jti"]
        with self._lock:
            self._used = {used: end for used, end in self._used.items() if end > now}
            if use in self._used:
                raise jwt.InvalidTokenError("it was used before (jti)")
            self._used[use] = claims["exp"]


def describe_server(_service: Service, call: Call) -> JsonObject:
    """Describe the token endpoint (RFC 8414)."""
    return {
        "issuer": call.base_url,
        "token_endpoint": f"{call.base_url}/oauth/token",
        "response_types_supported": [],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "scopes_supported": [SCOPE],
    }


def _oauth_error(code: str, words: str) -> Response:
    """Make an error response as in RFC 6749."""
    status = 401 if code == "invalid_client" else 400
    return _json_response({"error": code, "error_description": words}, status)


def _json_response(data: JsonObject, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", "content-type": "application/json"}
    return Response(json.dumps(data), status, headers)


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


MOST_REQUESTS: Final = 10_000
"""How many requests are remembered; one that is served for weeks gets many."""

FOREIGN_HOST: Final = (
    "The emulator does not answer to this host name; allow it with "
    "`flow64 serve --allow-name NAME` or `Emulator(allow_names=...)`"
)


@define(eq=False)
class Api:
    """Answers requests: checks each, and calls the handler of its operation.

    Attributes:
        names: The values of the header `Host` that are answered.
        requests: The newest requests, oldest first.
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
        del self.requests[:-MOST_REQUESTS]
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


def _make_call(**parts: Any) -> Call:
    return Call(
        **parts,
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
    if _is_deeper(body, MAX_NESTING):
        raise RefusedError(400, f"The body nests deeper than {MAX_NESTING} levels")
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
