"""Credentials: an API key, or an OAuth client that signs for its access tokens.

The documents name the grant, `private_key_jwt`, RS256, the key id and the scope. The
claims, the answer and its errors are those of RFC 7523 and RFC 6749 and unconfirmed.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final, NoReturn, TypeAlias
from uuid import uuid4

import httpx
from attrs import field, frozen

from ..definition import load_json
from ..errors import AnswerError, ApiError, ConfigError, FlowError, missing_extra
from ..secrets import mask
from ..text import shortened
from . import answers, threads

KEY_NAME: Final = "SIXTYFOUR_API_KEY"
"""Environment variable of the API key (documented)."""

CLIENT_NAME: Final = "SIXTYFOUR_OAUTH_CLIENT_ID"
"""Environment variable of the client id (ours, like the next three)."""

KID_NAME: Final = "SIXTYFOUR_OAUTH_KEY_ID"
"""Environment variable of the key id."""

PEM_NAME: Final = "SIXTYFOUR_OAUTH_KEY"
"""Environment variable of the private key itself, as PEM."""

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""Type of an assertion that is a signed token (RFC 7523)."""

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
"""Path of the token endpoint (documented)."""

SCOPE: Final = "full_access"
"""The one scope (documented)."""

LIFETIME: Final = 300
"""Seconds for which an assertion is valid."""

LONGEST_TOKEN: Final = 86_400.0
"""Longest lifetime of a token in seconds (documented)."""

UNTOLD: Final = 75.0
"""Token lifetime to assume if the server does not state one, in seconds."""

MAX_ANSWER: Final = 64 * 2**10
"""Most bytes of an answer with a token."""

SHORTEST: Final = 8
"""Fewest characters of a key that is masked. A shorter one is a made-up one of a test,
and part of many words."""

Signer: TypeAlias = Callable[[Mapping[str, Any], str], str]
"""Signs claims with a key, and names the key by its id."""

_MAKE: Final = "make one with openssl genrsa -out key.pem 2048"


class Key(httpx.Auth):
    """An API key. No repr shows it, and it is neither copied nor pickled."""

    def __init__(self, key: object) -> None:
        self._key = key

    def require_usable(self) -> None:
        """Refuse what cannot be a key. No local of this frame holds it.

        Raises:
            ConfigError: It is missing, or no header can carry it.
        """
        if self._key is None:
            raise ConfigError(
                f'no API key: set {KEY_NAME}, or pass Client(api_key="...")'
            )
        if not is_header_text(self._key):
            raise ConfigError(
                "the API key is empty, or has spaces, line breaks or other characters "
                "that no key has; copy it again (it is not shown here)"
            )

    @property
    def secrets(self) -> Sequence[str]:
        """The key, for what masks it."""
        key = str(self._key)
        return [key] if len(key) >= SHORTEST else []

    def auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response]:
        """Add the header."""
        request.headers["x-api-key"] = str(self._key)
        yield request

    def __reduce__(self) -> NoReturn:
        raise ConfigError("a credential is neither copied nor pickled")


@frozen
class _Token(answers.Answered):
    access_token: str = field(repr=False)
    token_type: str = ""
    expires_in: float = UNTOLD


class OAuth(httpx.Auth):
    """An OAuth client: it obtains access tokens for its private key when they are due.

    The key is shown in no repr and no error, and is neither copied nor pickled.

    Args:
        client_id: The id of the client.
        private_key: An RSA key of at least 2048 bits without a passphrase: PEM text, or
            the `Path` of a file.
        kid: Id of the public key that was uploaded, or that is in the JWKS.
        audience: Audience of assertions. The default is the URL of the token endpoint.

    Raises:
        ConfigError: An argument cannot be used. The key is never shown.
    """

    def __init__(
        self,
        client_id: str,
        private_key: str | bytes | Path,
        *,
        kid: str,
        audience: str | None = None,
    ) -> None:
        sign = _make_signer(private_key)
        del private_key  # an error from here on may show the locals of its frames
        if isinstance(sign, FlowError):
            raise sign
        self.client_id: Final = client_id
        self._sign: Final = sign
        self._kid: Final = kid
        self._audience: Final = audience
        self._token: str = ""
        self._ends = 0.0
        self._lock: Final = Lock()

    @property
    def secrets(self) -> Sequence[str]:
        """The token, for what masks it."""
        return [self._token] if self._token else []

    def expire(self, request: httpx.Request) -> None:
        """Drop the token of a request that was answered 401."""
        with self._lock:
            if request.headers.get("authorization") == f"Bearer {self._token}":
                self._ends = 0.0

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response]:
        """Add the header, with a new token if it is due: one request for all callers.

        Raises:
            ApiError: The service gave no token, so the request itself was not sent.
            TransportError: There was no time for it.
        """
        seconds = min(threads.ENDS.get() - threads.now(), LONGEST_TOKEN)
        if not self._lock.acquire(timeout=max(seconds, 0)):
            raise answers.transport_error(
                "POST", TOKEN_PATH, "no token in time", sent=False
            )
        try:
            if threads.now() >= self._ends:
                response = yield self._make_request(request)
                response.read()
                self._keep(response)
        finally:
            self._lock.release()
        request.headers["authorization"] = f"Bearer {self._token}"
        yield request

    def _make_request(self, request: httpx.Request) -> httpx.Request:
        origin, extensions = request.url, request.extensions
        # An endpoint may have a path of its own, in front of those of the calls.
        base = str(extensions.get("endpoint", origin.copy_with(path="", query=None)))
        url = base.rstrip("/") + TOKEN_PATH
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self._audience or url,
            "iat": now,
            "exp": now + LIFETIME,
            "jti": str(uuid4()),
        }
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._sign(claims, self._kid),
            "scope": SCOPE,
        }
        headers = {"accept": "application/json", "accept-encoding": "gzip"}
        extensions = {**extensions, "most_bytes": MAX_ANSWER}
        return httpx.Request(
            "POST", url, data=form, headers=headers, extensions=extensions
        )

    def _keep(self, response: httpx.Response) -> None:
        """Use the token of an answer from now on. No error shows the answer."""
        status, content = response.status_code, response.content
        if status >= 300:
            # It may repeat the assertion, which is a JSON Web Token.
            raise answers.api_error(
                "POST", TOKEN_PATH, response, content, mask, sent=False
            )
        try:
            token = answers.structure(load_json(content), _Token, "POST", TOKEN_PATH)
        except AnswerError:
            token = None
        is_bearer = token is not None and token.token_type.lower() in ("", "bearer")
        if token is None or not is_bearer or not is_header_text(token.access_token):
            del token, content, response
            problem = f"POST {TOKEN_PATH} answered {status} without a Bearer token"
            facts = {"status": status, "method": "POST", "path": TOKEN_PATH}
            raise ApiError(problem, **facts, sent=False)
        self._token = token.access_token
        self._ends = threads.now() + 0.8 * min(token.expires_in, LONGEST_TOKEN)

    def __repr__(self) -> str:
        # Tracebacks show also a client that was refused while it was made.
        return f"OAuth({getattr(self, 'client_id', None)!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "an OAuth client is neither copied nor pickled, since it holds a private "
            "key: make another one"
        )


def from_environment() -> Key | OAuth:
    r"""Return the credential of the environment.

    `SIXTYFOUR_API_KEY`, or `SIXTYFOUR_OAUTH_CLIENT_ID`, `SIXTYFOUR_OAUTH_KEY_ID` and
    `SIXTYFOUR_OAUTH_KEY`, the private key as PEM (with `\n` for line breaks, if need
    be).

    Raises:
        ConfigError: There are two credentials, or one that cannot be used.
    """
    client_id, kid = os.environ.get(CLIENT_NAME), os.environ.get(KID_NAME)
    if not client_id:
        return Key(os.environ.get(KEY_NAME))
    if os.environ.get(KEY_NAME):
        raise ConfigError(
            f"both {KEY_NAME} and {CLIENT_NAME} are set, and the service takes one "
            "credential: keep one of them, or pass api_key= or oauth="
        )
    pem = os.environ.get(PEM_NAME)
    if not kid or not pem:
        problem = f"{CLIENT_NAME} is set: it needs {KID_NAME} and {PEM_NAME}"
        raise ConfigError(problem)
    # Where a variable holds one line only, line breaks are written out.
    return OAuth(client_id, pem.replace("\\n", "\n"), kid=kid)


def is_header_text(text: object) -> bool:
    """Return True if a header can carry something as it is: "!" to "~"."""
    return (
        isinstance(text, str)
        and bool(text)
        and all("!" <= sign <= "~" for sign in text)
    )


def _make_signer(pem: object) -> Signer | FlowError:
    """Return a function that signs with a key, or an error as a value."""
    try:
        import jwt  # noqa: PLC0415 - it comes with an extra
    except ImportError:
        return missing_extra("OAuth", "oauth")
    key = _read_key_file(pem) if isinstance(pem, Path) else pem
    if isinstance(key, FlowError):
        return key

    def sign(claims: Mapping[str, Any], kid: str) -> str:
        return jwt.encode(dict(claims), key, "RS256", {"kid": kid})  # type: ignore[arg-type] # what is no key raises

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # PyJWT only warns of a short key
            sign({}, "")
    except (jwt.PyJWTError, TypeError, ValueError, AttributeError, Warning):
        return ConfigError(
            "the private key is not a PEM of an RSA key of 2048 bits or more without "
            f"a passphrase; a file is given as a Path; {_MAKE}"
        )
    return sign


def _read_key_file(path: Path) -> bytes | ConfigError:
    try:
        with path.open("rb") as file:
            return file.read(2**16)
    except OSError as error:
        problem = f"the key file {shortened(str(path), 200)} cannot be read"
        return ConfigError(f"{problem}: {error.strerror}")
