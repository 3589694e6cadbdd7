"""OAuth client credentials: a signed assertion is exchanged for an access token.

The documents name the grant, `private_key_jwt`, RS256, the key id and the scope. The
claims, the answer and its errors are those of RFC 7523 and RFC 6749 and unconfirmed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from math import inf
from typing import Any, Final, NoReturn, Self
from urllib.parse import urlsplit
from uuid import uuid4

from attrs import evolve, frozen

from ..definition import is_number, load_json
from ..errors import (
    AnswerError,
    ApiError,
    ConfigError,
    FlowError,
    TokenError,
    TransportError,
    shortened,
)
from ..redaction import spellings
from ._answer_errors import api_error
from ._credential import Token, is_header_text
from ._oauth_key import (
    CLIENT_NAME,
    KID_NAME,
    make_signer,
    read_key,
    read_key_of_env,
    read_variable,
)
from ._request import Answer, Request
from ._retry import may_pass, parse_date
from ._session import Session

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""Type of an assertion that is a signed token (RFC 7523)."""

DISCOVERY: Final = "/.well-known/oauth-authorization-server"
"""Path of the document that names the issuer (documented)."""

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
"""Path of the token endpoint (documented)."""

SCOPE: Final = "full_access"
"""The one scope (documented)."""

LONGEST: Final = 300.0
"""Most seconds for which an assertion may be valid."""

MAX_REPLY: Final = 64 * 2**10
"""Most bytes of an answer with a token."""

LONGEST_TOKEN: Final = 86_400.0
"""Longest lifetime of a token in seconds (documented)."""

UNTOLD: Final = 60.0
"""Token lifetime to assume if the server does not state one, in seconds."""

SKEW: Final = 60.0
"""Seconds by which clocks may differ before an error mentions it."""


class OAuth:
    """An OAuth client: it obtains access tokens for its private key when they are due.

    The key is shown in no repr and no error, and is neither copied nor pickled.

    Args:
        client_id: The id of the client.
        private_key: An RSA key of at least 2048 bits, as PEM without a passphrase.
        kid: Id of the public key that was uploaded, or that is in the JWKS.
        audience: Audience of assertions. The default is the URL of the token endpoint,
            and if that is refused, the issuer that the service names.
        lifetime: Seconds for which an assertion is valid; at most 300.
        scope: The scope to request; None names no scope.
        token_path: Path of the token endpoint, relative to the endpoint of the client.

    Raises:
        ConfigError: An argument cannot be used. The key is never shown.
        MissingExtraError: The extra `oauth` is not installed.
    """

    __slots__ = (
        "_audience",
        "_clock",
        "_kid",
        "_learned",
        "_lifetime",
        "_path",
        "_scope",
        "_sign",
        "client_id",
    )

    client_id: str

    def __init__(
        self,
        client_id: str,
        private_key: str | bytes,
        *,
        kid: str,
        audience: str | None = None,
        lifetime: float = LONGEST,
        scope: str | None = SCOPE,
        token_path: str = TOKEN_PATH,
    ) -> None:
        sign = make_signer(private_key)
        del private_key  # an error from here on may show the locals of its frames
        if isinstance(sign, FlowError):
            raise sign
        for name, text in (("client_id", client_id), ("kid", kid)):
            if not is_header_text(text):
                raise ConfigError(f"OAuth({name}=...) is not an id; copy it again")
        if audience is not None and not is_header_text(audience):
            raise ConfigError("OAuth(audience=...) is not a URL or name; copy it again")
        if scope is not None and (not isinstance(scope, str) or not scope):
            raise ConfigError(f"OAuth(scope=...) is not a text; the scope is {SCOPE!r}")
        if not _is_path(token_path):
            raise ConfigError(
                f"OAuth(token_path=...) is not a path; it begins as {TOKEN_PATH!r} does"
            )
        if not is_number(lifetime) or not 1 <= lifetime <= LONGEST:
            raise ConfigError(
                f"OAuth(lifetime={shortened(lifetime)}) is not a number of seconds "
                f"from 1 to {LONGEST:g}"
            )
        self.client_id = client_id
        self._sign = sign
        self._kid = kid
        self._audience = audience
        self._lifetime = int(lifetime)
        self._scope = scope
        self._path = token_path
        self._learned: dict[str, str] = {}
        self._clock: Callable[[], float] = time.time

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        client_id: str,
        *,
        kid: str,
        audience: str | None = None,
        lifetime: float = LONGEST,
        scope: str | None = SCOPE,
        token_path: str = TOKEN_PATH,
    ) -> Self:
        """Return a client with the key of a file.

        If others may read the file, the logger `flow64` warns, and the key is used.

        Raises:
            ConfigError: The file cannot be read, or its key cannot be used.
            MissingExtraError: The extra `oauth` is not installed.
        """
        return cls(
            client_id,
            read_key(path),
            kid=kid,
            audience=audience,
            lifetime=lifetime,
            scope=scope,
            token_path=token_path,
        )

    @classmethod
    def from_env(
        cls,
        *,
        audience: str | None = None,
        lifetime: float = LONGEST,
        scope: str | None = SCOPE,
        token_path: str = TOKEN_PATH,
    ) -> Self:
        r"""Return the client of the environment.

        `SIXTYFOUR_OAUTH_CLIENT_ID`, `SIXTYFOUR_OAUTH_KEY_ID` and the private key:
        `SIXTYFOUR_OAUTH_KEY` holds it as PEM (with `\n` for line breaks, if need be),
        or `SIXTYFOUR_OAUTH_KEY_FILE` names its file. These names are flow64's own.

        Raises:
            ConfigError: A variable is missing, or cannot be used.
            MissingExtraError: The extra `oauth` is not installed.
        """
        return cls(
            read_variable(CLIENT_NAME),
            read_key_of_env(),
            kid=read_variable(KID_NAME),
            audience=audience,
            lifetime=lifetime,
            scope=scope,
            token_path=token_path,
        )

    async def obtain(self, session: Session) -> Token:
        """Exchange an assertion for a token.

        An audience that was not given is found: it is the URL of the token endpoint. If
        the service refuses that, the issuer of its metadata is tried once.

        Raises:
            TokenError: The service gave no token. The error has the service's message,
                if any.
        """
        endpoint = session.channel.endpoint
        url = endpoint + self._path
        known = self._audience or self._learned.get(endpoint)
        got = await self._exchange(session, known or url)
        if isinstance(got, _Refusal) and got.may_be_audience and known is None:
            issuer = await _issuer(session, got)
            if issuer is not None and issuer != url:
                got = await self._exchange(session, issuer)
                if isinstance(got, Token):
                    self._learned[endpoint] = issuer
        if isinstance(got, _Refusal):
            raise TokenError(got.problem, got.may_pass)
        return got

    async def _exchange(self, session: Session, audience: str) -> Token | _Refusal:
        """Send assertions, each a new one, until there is an answer.

        Unlike in `Session.send`, a 401 renews nothing here, and the `Date` of a
        refusal is read.
        """
        failures = 0
        while True:
            request, date = self._request(audience), None
            got: Token | _Refusal | ApiError | TransportError | AnswerError
            try:
                answer = await session.exchange(request)
                date = answer.headers.get("date")
                got = _token(request, answer)
            except (TransportError, AnswerError) as caught:
                got = caught
            if isinstance(got, Token | _Refusal):
                return got
            failures += 1
            wait = session.retry_wait(request, got, failures)
            if wait is None:
                return self._refusal(got, failures, date)
            await session.sleep(wait)

    def _request(self, audience: str) -> Request:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(audience),
        }
        if self._scope is not None:
            form["scope"] = self._scope
        # An exchange changes nothing, so it may be repeated.
        return Request("POST", self._path, form=form, is_harmless=True, is_open=True)

    def _assertion(self, audience: str) -> str:
        now = int(self._clock())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": now,
            "exp": now + self._lifetime,
            "jti": str(uuid4()),
        }
        return self._sign(claims, self._kid)

    def _refusal(
        self, error: ApiError | TransportError | AnswerError, failures: int, date: Any
    ) -> _Refusal:
        """Explain without secrets why no token was given."""
        tries = f" ({failures} attempts)" if failures > 1 else ""
        where = f"{error.method} {error.path}"
        if not isinstance(error, ApiError):
            why = error.problem if isinstance(error, AnswerError) else error.reason
            return _Refusal(f"{where}{tries}: {why}", may_pass=True)
        words = "; ".join((error.message, *error.fields))
        problem = f"{where} answered {error.status}{tries}: {words}"
        if error.request_id:
            problem += f" (request {error.request_id})"
        if error.status in (400, 401):
            problem += self._advice(date)
        code = error.message.partition(":")[0]
        return _Refusal(problem, may_pass(error), error.status, code)

    def _advice(self, date: str | None) -> str:
        """Say what to check after an assertion was refused."""
        theirs, ours = parse_date(date), self._clock()
        skew = ours - theirs.timestamp() if theirs else 0.0
        if abs(skew) > SKEW:
            way = "ahead of" if skew > 0 else "behind"
            return (
                f"; the clock of this machine is {abs(skew):.0f} s {way} the service's,"
                " and assertions are good for a few minutes only: set it right"
            )
        return (
            "; check the client id, the key id (kid), and that the public half of this "
            "key is the one that the service knows"
        )

    def __repr__(self) -> str:
        # Tracebacks show also a client that was refused while it was made.
        return f"OAuth({getattr(self, 'client_id', None)!r})"

    def __reduce__(self) -> NoReturn:
        raise ConfigError(
            "an OAuth client is neither copied nor pickled, since it holds a private "
            "key: make another one"
        )


@frozen
class _Refusal:
    """The reason why no token was given.

    Attributes:
        problem: A message without anything secret.
        may_pass: True if trying again later may help.
        status: HTTP status, if the service has refused it.
        code: Error code of the service.
    """

    problem: str
    may_pass: bool = False
    status: int = 0
    code: str = ""

    @property
    def may_be_audience(self) -> bool:
        """True if the assertion may have been refused for its audience."""
        return self.status in (400, 401) and self.code not in _OTHER_FAULTS


_OTHER_FAULTS: Final = frozenset(
    {
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
"""Codes of RFC 6749 that are not about the assertion."""


async def _issuer(session: Session, refusal: _Refusal) -> str | None:
    """Ask the service for its issuer, with one request. None if it names no issuer.

    Raises:
        TokenError: It names another host.
    """
    try:
        answer = await session.exchange(Request("GET", DISCOVERY, is_open=True))
    except (TransportError, AnswerError):
        return None
    endpoint = session.channel.endpoint
    data = _object(answer) if answer.status == 200 else None
    if data is None or data.get("issuer") is None:
        return None
    for name in ("issuer", "token_endpoint"):
        url = data.get(name, endpoint)
        if not is_header_text(url) or _host(url) != _host(endpoint):
            host = _host(url) if isinstance(url, str) else ""
            raise TokenError(
                f"{refusal.problem}; {DISCOVERY} was looked at, and not used, since "
                f"its {name} is of another host ({host or 'none'}): pass audience= if "
                "you know whom the assertion has to be for"
            )
    issuer: str = data["issuer"]
    return issuer


def _token(
    request: Request, answer: Answer
) -> Token | _Refusal | ApiError | AnswerError:
    """Return the token or the error of an answer of the token endpoint."""
    if answer.status >= 300:
        assertion = (request.form or {})["client_assertion"]
        content = _mask_assertion(answer.content, assertion)
        return api_error(request, evolve(answer, content=content))
    size = len(answer.content)
    if size > MAX_REPLY:
        return _Refusal(f"the answer has {size} bytes, which no token needs")
    data = _object(answer)
    if data is None:
        problem = f"it is not a JSON object ({size} bytes)"
        return AnswerError(request.method, request.path, problem)
    text, kind = data.get("access_token"), data.get("token_type")
    if not isinstance(text, str) or not is_header_text(text):
        return _Refusal("the answer has no access_token that is one")
    if kind is not None and (not isinstance(kind, str) or kind.lower() != "bearer"):
        return _Refusal("the answer has a token of another type than Bearer")
    return Token(text, _lifetime(data.get("expires_in")))


def _mask_assertion(content: bytes, assertion: str) -> bytes:
    """Return a body without an assertion, in any spelling that a service may use."""
    # A service may repeat what it was sent, whole or its last part.
    for secret in (assertion, *assertion.split(".")[1:]):
        # The longest first: a shorter one may be a part of it.
        for spelling in sorted(spellings(secret), key=len, reverse=True):
            content = content.replace(spelling, b"***")
    return content


def _object(answer: Answer) -> dict[str, Any] | None:
    """Return the JSON object of a body, or None. An error would hold the body."""
    data = load_json(answer.content)
    return data if isinstance(data, dict) else None


def _lifetime(told: Any) -> float:
    """Return the seconds to use a token for: 80 % of its stated lifetime."""
    if isinstance(told, str) and told.isascii() and told.isdecimal():
        told = int(told) if len(told) < 10 else inf
    if isinstance(told, bool) or not isinstance(told, int | float) or not told > 0:
        return UNTOLD
    return float(0.8 * min(told, LONGEST_TOKEN))


def _is_path(path: object) -> bool:
    return (
        isinstance(path, str)
        and is_header_text(path)
        and path.startswith("/")
        and not path.startswith("//")
        and not set(path) & set("?#\\")
    )


def _host(url: str) -> str:
    """Return host and port as they are written, with a user name in front."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
