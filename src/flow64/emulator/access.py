"""Access: API keys, and OAuth tokens for signed assertions (RFC 7523).

Tokens are lost with the process, and expire by the emulator's clock. Assertions are
checked against real time, since the client wrote real time into them.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import jwt
from attrs import define, field, frozen
from flask import request
from werkzeug.wrappers import Response

from .records import Clock, JsonObject, organisation_of
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
