"""OAuth: exchange a signed assertion (RFC 7523) for an access token.

Tokens are lost with the process, and expire by the emulator's clock. Assertions are
checked against real time, since the client wrote real time into them.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

import jwt
from attrs import define, field, frozen
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.responses import JSONResponse, Response

from ..errors import ConfigError
from ._clock import Clock
from ._http import ApiCall, Route
from ._records import JsonObject, organisation_of
from ._schema import OPTIONAL_TEXT, TEXT, Schema

ALGORITHM: Final = "RS256"
"""Signature algorithm of assertions (documented)."""

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""Assertion type of a signed token (RFC 7523)."""

LONGEST: Final = 300
"""Maximum lifetime of an assertion, in seconds."""

LEEWAY: Final = 60
"""Seconds that a client's clock may be ahead."""

SCOPE: Final = "full_access"
"""The one scope (documented)."""

CLAIMS: Final = ("iss", "sub", "aud", "exp", "iat", "jti")
"""Claims that an assertion must have."""

REQUEST: Final = Schema(
    type="object",
    name="TokenRequest",
    fields={
        "grant_type": TEXT,
        "client_id": TEXT,
        "client_assertion_type": TEXT,
        "client_assertion": TEXT,
        "scope": OPTIONAL_TEXT,
    },
    required=("grant_type", "client_id", "client_assertion_type", "client_assertion"),
)

REPLY: Final = Schema(
    type="object",
    name="TokenResponse",
    fields={
        "access_token": TEXT,
        "token_type": Schema(type="string", choices=("Bearer",)),
        "expires_in": Schema(type="integer"),
        "scope": TEXT,
    },
    required=("access_token", "token_type", "expires_in"),
)

PROBLEM: Final = Schema(
    type="object",
    name="OAuthError",
    fields={"error": TEXT, "error_description": TEXT},
    required=("error",),
)

_TEXTS: Final = Schema(type="array", items=TEXT)

METADATA: Final = Schema(
    type="object",
    name="OAuthMetadata",
    fields={
        "issuer": TEXT,
        "token_endpoint": TEXT,
        "response_types_supported": _TEXTS,
        "grant_types_supported": _TEXTS,
        "token_endpoint_auth_methods_supported": _TEXTS,
        "token_endpoint_auth_signing_alg_values_supported": _TEXTS,
        "scopes_supported": _TEXTS,
    },
    required=("issuer", "token_endpoint", "response_types_supported"),
)


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

    @property
    def organisation(self) -> str:
        """The organisation of its tokens."""
        return self.org_id or organisation_of(self.client_id)


@define
class Authority:
    """Issues access tokens, and recognises them."""

    _clients: Mapping[str, tuple[OAuthClient, RSAPublicKey]] = field(repr=False)
    _clock: Clock
    _tokens: dict[str, tuple[str, datetime]] = field(
        factory=dict, init=False, repr=False
    )
    _seen: dict[tuple[str, str], float] = field(factory=dict, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False)

    @classmethod
    def of(cls, clients: Iterable[OAuthClient], clock: Clock) -> Authority:
        """Make an authority for these clients.

        Raises:
            ConfigError: A key is not a public RSA key, or a client is listed twice.
        """
        found: dict[str, tuple[OAuthClient, RSAPublicKey]] = {}
        for client in clients:
            if client.client_id in found:
                raise ConfigError(
                    f"the OAuth client {client.client_id!r} is listed twice; "
                    "give each client its own id"
                )
            found[client.client_id] = client, _load_public_key(client)
        return cls(found, clock)

    def organisation(self, token: str) -> str | None:
        """Return the organisation of a token; None if it is unknown or expired."""
        org_id, expires = self._tokens.get(token, (None, None))
        return org_id if expires and self._clock.now() < expires else None

    def token(self, call: ApiCall) -> Response:
        """Exchange a signed assertion for an access token.

        Errors have the form of RFC 6749.
        """
        asked = call.body
        if asked["grant_type"] != "client_credentials":
            return _oauth_error("unsupported_grant_type", "use client_credentials")
        if asked["client_assertion_type"] != ASSERTION_TYPE:
            words = f"client_assertion_type must be {ASSERTION_TYPE}"
            return _oauth_error("invalid_request", words)
        if asked.get("scope") not in {None, "", SCOPE}:
            return _oauth_error("invalid_scope", f"the one scope is {SCOPE}")
        client, key = self._clients.get(asked["client_id"], (None, None))
        if client is None or key is None:
            return _oauth_error("invalid_client", "there is no such client")
        assertion = asked["client_assertion"]
        if problem := self._find_problem(client, key, assertion, call.base_url):
            return _oauth_error("invalid_client", problem)
        now, made = self._clock.now(), f"sk_oauth_{secrets.token_urlsafe(32)}"
        with self._lock:
            self._tokens = {
                token: (org_id, expires)
                for token, (org_id, expires) in self._tokens.items()
                if now < expires
            }
            expires = now + timedelta(seconds=client.ttl)
            self._tokens[made] = client.organisation, expires
        data = {
            "access_token": made,
            "token_type": "Bearer",
            "expires_in": client.ttl,
            "scope": SCOPE,
        }
        return JSONResponse(data, headers=_NO_STORE)

    def metadata(self, call: ApiCall) -> JsonObject:
        """Describe the token endpoint (RFC 8414)."""
        return {
            "issuer": call.base_url,
            "token_endpoint": f"{call.base_url}/oauth/token",
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": [SCOPE],
        }

    def make_routes(self) -> tuple[Route, ...]:
        """Make the OAuth routes, which need no credential."""
        return (
            Route(
                "GET",
                "/.well-known/oauth-authorization-server",
                self.metadata,
                is_open=True,
                answers={200: METADATA},
            ),
            Route(
                "POST",
                "/oauth/token",
                self.token,
                body=REQUEST,
                media="form",
                is_open=True,
                answers={200: REPLY, 400: PROBLEM, 401: PROBLEM},
            ),
        )

    def _find_problem(
        self, client: OAuthClient, key: RSAPublicKey, assertion: str, base: str
    ) -> str | None:
        """Return why an assertion is invalid, or None and remember it as used."""
        try:
            read = jwt.decode_complete(
                assertion,
                key,
                algorithms=[ALGORITHM],
                audience=[f"{base}/oauth/token", base],
                issuer=client.client_id,
                # Times are checked below, all of them.
                options={
                    "require": list(CLAIMS),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.PyJWTError, ValueError) as error:
            return f"the assertion is not good: {error}"
        claims = read["payload"]
        if client.kid is not None and read["header"].get("kid") != client.kid:
            return "the assertion names another key (kid)"
        if claims["sub"] != client.client_id:
            return "the assertion is about somebody else (sub)"
        now = time.time()
        return _find_time_problem(claims, now) or self._use_up(client, claims, now)

    def _use_up(
        self, client: OAuthClient, claims: Mapping[str, Any], now: float
    ) -> str | None:
        jti = claims["jti"]
        if not isinstance(jti, str) or not jti:
            return "the assertion has no id (jti)"
        with self._lock:
            self._seen = {one: end for one, end in self._seen.items() if end > now}
            if (client.client_id, jti) in self._seen:
                return "the assertion was used before (jti)"
            self._seen[client.client_id, jti] = claims["exp"]
        return None


def _find_time_problem(claims: Mapping[str, Any], now: float) -> str | None:
    """Return why an assertion is invalid at this time, or None."""
    start, end = claims["iat"], claims["exp"]
    opens = claims.get("nbf", start)
    for moment in (start, end, opens):
        if isinstance(moment, bool) or not isinstance(moment, int | float):
            return "iat, exp and nbf are seconds"
    if not now < end:
        return "the assertion has expired (exp)"
    if max(start, opens) > now + LEEWAY:
        return "the assertion is of the future (iat or nbf)"
    if not end - start <= LONGEST:
        return f"the assertion is good for more than {LONGEST} seconds"
    return None


def _load_public_key(client: OAuthClient) -> RSAPublicKey:
    try:
        key = load_pem_public_key(client.public_key_pem.encode())
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ConfigError(
            f"the public_key_pem of the OAuth client {client.client_id!r} is not a "
            "public RSA key; make one with: openssl rsa -in key.pem -pubout"
        )
    return key


def _oauth_error(code: str, words: str) -> Response:
    """Make an error response as in RFC 6749."""
    status = 401 if code == "invalid_client" else 400
    data = {"error": code, "error_description": words}
    return JSONResponse(data, status, _NO_STORE)


_NO_STORE: Final = {"cache-control": "no-store"}
