"""OAuth client credentials: a signed assertion is exchanged for an access token.

The documents name the grant, `private_key_jwt`, RS256, the key id and the scope. The
claims, the answer and its errors are those of RFC 7523 and RFC 6749 and unconfirmed.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from json import loads
from math import inf
from pathlib import Path
from typing import Any, Final, NoReturn, Self, TypeAlias
from urllib.parse import urlsplit
from uuid import uuid4

from attrs import evolve, frozen

from ..errors import (
    AnswerError,
    ApiError,
    ConfigError,
    FlowError,
    MissingExtraError,
    TokenError,
    TransportError,
    shortened,
)
from ._conversation import api_error
from ._credential import Token, is_header_text, masked
from ._retry import may_pass
from ._steps import Answer, Conversation, Request, Retry, Sleep

Signer: TypeAlias = Callable[[Mapping[str, Any], str], str]
"""Signs claims with a key, and names the key by its id."""

CLIENT_NAME: Final = "SIXTYFOUR_OAUTH_CLIENT_ID"
"""Environment variable of the client id (ours, as the next three)."""

KID_NAME: Final = "SIXTYFOUR_OAUTH_KEY_ID"
"""Environment variable of the key id."""

PEM_NAME: Final = "SIXTYFOUR_OAUTH_KEY"
"""Environment variable of the private key itself, as PEM."""

FILE_NAME: Final = "SIXTYFOUR_OAUTH_KEY_FILE"
"""Environment variable of the file that holds the private key."""

ALGORITHM: Final = "RS256"
"""How assertions are signed (documented)."""

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The type of an assertion that is a signed token (RFC 7523)."""

DISCOVERY: Final = "/.well-known/oauth-authorization-server"
"""Path of the document that names the issuer (documented)."""

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
"""Path of the token endpoint (documented)."""

SCOPE: Final = "full_access"
"""The one scope (documented)."""

LONGEST: Final = 300.0
"""Seconds for which an assertion may be good."""

SMALLEST: Final = 2048
"""Bits that a key has at least."""

MAX_REPLY: Final = 64 * 2**10
"""Bytes of an answer with a token; there is nothing in it that could need more."""

LONGEST_TOKEN: Final = 86_400.0
"""Seconds of the longest life of a token (documented)."""

UNTOLD: Final = 60.0
"""Seconds for which a token is used whose life nobody told."""

SKEW: Final = 60.0
"""Seconds by which clocks may differ before it is said that they do."""


class OAuth:
    """An OAuth client: gets access tokens for its private key, whenever one is due.

    The key shows itself nowhere: in no repr and no error; nor is it copied or pickled.

    Args:
        client_id: The id of the client.
        private_key: Its RSA key of at least 2048 bits, as PEM without a passphrase.
        kid: The id of the key: of the public half that was uploaded, or in the JWKS.
        audience: For whom assertions are; by default the URL of the token endpoint,
            and where that is refused the issuer that the service names.
        lifetime: Seconds for which an assertion is good; at most 300.
        scope: What is asked for; None for nothing by name.
        token_path: Where the token endpoint is, below the endpoint of the client.

    Raises:
        ConfigError: Something cannot be used; the key is never shown.
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
        sign = _signer(private_key)
        del private_key  # an error from here on may show the locals of its frames
        if isinstance(sign, FlowError):
            raise sign
        for name, text in (("client_id", client_id), ("kid", kid)):
            if not is_header_text(text):
                raise ConfigError(f"OAuth({name}=...) is no id; copy it again")
        if audience is not None and not is_header_text(audience):
            raise ConfigError("OAuth(audience=...) is no URL or name; copy it again")
        if scope is not None and (not isinstance(scope, str) or not scope):
            raise ConfigError(f"OAuth(scope=...) is no text; the scope is {SCOPE!r}")
        if not _is_path(token_path):
            raise ConfigError(
                f"OAuth(token_path=...) is no path; it begins as {TOKEN_PATH!r} does"
            )
        is_number = isinstance(lifetime, int | float) and not isinstance(lifetime, bool)
        if not is_number or not 1 <= lifetime <= LONGEST:
            raise ConfigError(
                f"OAuth(lifetime={shortened(lifetime)}) is no number of seconds from 1 "
                f"to {LONGEST:g}"
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
        """The client whose key is in a file.

        A file that others than its owner may read is used, and the logger `flow64`
        warns of it.

        Raises:
            ConfigError: The file cannot be read, or something in it cannot be used.
            MissingExtraError: The extra `oauth` is not installed.
        """
        return cls(
            client_id,
            _read(path),
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
        r"""The client that the environment names.

        `SIXTYFOUR_OAUTH_CLIENT_ID`, `SIXTYFOUR_OAUTH_KEY_ID` and the private key:
        `SIXTYFOUR_OAUTH_KEY` holds it as PEM (with `\n` for line breaks, if need be),
        or `SIXTYFOUR_OAUTH_KEY_FILE` names its file. These names are flow64's own.

        Raises:
            ConfigError: One of them is missing, or cannot be used.
            MissingExtraError: The extra `oauth` is not installed.
        """
        return cls(
            _variable(CLIENT_NAME),
            _key_of_env(),
            kid=_variable(KID_NAME),
            audience=audience,
            lifetime=lifetime,
            scope=scope,
            token_path=token_path,
        )

    def obtain(self, endpoint: str) -> Conversation[Token]:
        """Exchange an assertion for a token.

        An audience that was not given is found out: the URL of the token endpoint, and
        where the service refuses that, once, the issuer of its own document.

        Raises:
            TokenError: There is none, with the service's words where it has some.
        """
        url = endpoint + self._path
        known = self._audience or self._learned.get(endpoint)
        got = yield from self._exchanged(known or url)
        if isinstance(got, _Refusal) and got.may_be_audience and known is None:
            issuer = yield from _issuer(endpoint, got)
            if issuer is not None and issuer != url:
                got = yield from self._exchanged(issuer)
                if isinstance(got, Token):
                    self._learned[endpoint] = issuer
        if isinstance(got, _Refusal):
            raise TokenError(got.problem, got.may_pass)
        return got

    def _exchanged(self, audience: str) -> Conversation[Token | _Refusal]:
        """Send assertions, each a new one, until there is an answer.

        Unlike `asked`, a 401 renews nothing here, and the `Date` of a refusal is read.
        """
        failures = 0
        while True:
            request, date = self._request(audience), None
            got: Token | TokenError | ApiError | TransportError | AnswerError
            try:
                answer: Answer = yield request
                date = answer.headers.get("date")
                got = _token(request, answer)
            except (TransportError, AnswerError) as caught:
                got = caught
            if isinstance(got, Token | TokenError):
                return _Refusal(got.problem) if isinstance(got, TokenError) else got
            failures += 1
            wait: float | None = yield Retry(request, got, failures)
            if wait is None:
                return self._refusal(got, failures, date)
            yield Sleep(wait)

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
        """Why there is no token, in words that hold nothing secret."""
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
        """What to look at after an assertion was refused."""
        skew = self._clock() - (_seconds(date) or self._clock())
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
    """Why there is no token.

    Attributes:
        problem: In words, without anything secret.
        may_pass: Whether trying again later may help.
        status: HTTP status, where the service has refused it.
        code: The service's word for it.
    """

    problem: str
    may_pass: bool = False
    status: int = 0
    code: str = ""

    @property
    def may_be_audience(self) -> bool:
        """Whether the assertion was refused, for whatever it is."""
        return self.status in (400, 401) and self.code not in _OTHER_FAULTS


_OTHER_FAULTS: Final = frozenset(
    {
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
"""Codes of RFC 6749 that are about something else than the assertion."""


def _issuer(endpoint: str, refusal: _Refusal) -> Conversation[str | None]:
    """Whom the service names as its issuer; None where it names nobody. One look.

    Raises:
        TokenError: It names another host.
    """
    try:
        answer: Answer = yield Request("GET", DISCOVERY, is_open=True)
    except (TransportError, AnswerError):
        return None
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
) -> Token | TokenError | ApiError | AnswerError:
    """What an answer of the token endpoint comes to."""
    if answer.status >= 300:
        assertion = (request.form or {})["client_assertion"]
        # A service may repeat what it was sent, whole or its last part.
        secrets = (assertion, *assertion.split(".")[1:])
        return api_error(
            request, evolve(answer, content=masked(answer.content, secrets))
        )
    size = len(answer.content)
    if size > MAX_REPLY:
        return TokenError(f"the answer has {size} bytes, which no token needs")
    data = _object(answer)
    if data is None:
        return AnswerError(
            request.method, request.path, f"no JSON object ({size} bytes)"
        )
    text, kind = data.get("access_token"), data.get("token_type")
    if not isinstance(text, str) or not is_header_text(text):
        return TokenError("the answer has no access_token that is one")
    if kind is not None and (not isinstance(kind, str) or kind.lower() != "bearer"):
        return TokenError("the answer has a token of another type than Bearer")
    return Token(text, _lifetime(data.get("expires_in")))


def _object(answer: Answer) -> dict[str, Any] | None:
    """The JSON object of a body, or None; no error, since that would hold the body."""
    try:
        data = loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _lifetime(told: Any) -> float:
    """Seconds for which to use a token of a life that was told: 80 % of it."""
    if isinstance(told, str) and told.isascii() and told.isdecimal():
        told = int(told) if len(told) < 10 else inf
    if isinstance(told, bool) or not isinstance(told, int | float) or not told > 0:
        return UNTOLD
    return float(0.8 * min(told, LONGEST_TOKEN))


def _signer(pem: object) -> Signer | FlowError:
    """What signs with the key of a PEM, or what is wrong with it; raises nothing."""
    try:
        import jwt  # noqa: PLC0415 - it comes with an extra
        from cryptography.exceptions import (  # noqa: PLC0415 - as above
            UnsupportedAlgorithm,
        )
        from cryptography.hazmat.primitives.asymmetric import (  # noqa: PLC0415 - as above
            rsa,
        )
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - as above
            load_pem_private_key,
        )
    except ImportError:
        return MissingExtraError("OAuth", "oauth")
    if isinstance(pem, str):
        pem = pem.encode(errors="replace")
    if not isinstance(pem, bytes):
        return ConfigError(f"OAuth(private_key=...) is no PEM text; {_MAKE}")
    if b"PUBLIC KEY" in pem and b"PRIVATE KEY" not in pem:
        return ConfigError(
            f"the key is the public half, and the private one signs; {_MAKE}"
        )
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        return ConfigError(
            "the private key has a passphrase, which flow64 does not ask for: take it "
            "off with openssl rsa -in key.pem -out plain.pem"
        )
    except (ValueError, UnsupportedAlgorithm):
        return ConfigError(f"the private key is no PEM that can be read; {_MAKE}")
    if not isinstance(key, rsa.RSAPrivateKey):
        return ConfigError(f"the private key is no RSA key, which RS256 needs; {_MAKE}")
    if key.key_size < SMALLEST:
        return ConfigError(
            f"the private key has {key.key_size} bits, and {SMALLEST} are the least; "
            f"{_MAKE}"
        )
    signing = key  # a name that the checkers know to be of an RSA key
    return lambda claims, kid: jwt.encode(
        dict(claims), signing, ALGORITHM, {"kid": kid}
    )


_MAKE: Final = f"make one with openssl genrsa -out key.pem {SMALLEST}"


def _read(path: str | os.PathLike[str]) -> bytes:
    """The content of a key file; warns where others may read it too."""
    try:
        with Path(path).open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_REPLY)
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "this is no path"
    else:
        if os.name == "posix" and mode & 0o077:
            logging.getLogger("flow64").warning(
                "the key file %s may be used by others than its owner (mode %03o); "
                "let it be yours alone: chmod 600",
                path,
                mode & 0o777,
            )
        return content
    raise ConfigError(f"the key file {shortened(path, 200)} cannot be read: {reason}")


def _variable(name: str) -> str:
    text = os.environ.get(name)
    if not text:
        raise ConfigError(
            f"{name} is not set; OAuth.from_env() needs {CLIENT_NAME}, {KID_NAME}, and "
            f"{PEM_NAME} or {FILE_NAME}"
        )
    return text


def _key_of_env() -> bytes:
    if os.environ.get(PEM_NAME) and os.environ.get(FILE_NAME):
        raise ConfigError(f"both {PEM_NAME} and {FILE_NAME} are set; keep one of them")
    if os.environ.get(FILE_NAME):
        return _read(_variable(FILE_NAME))
    # Where a variable holds one line only, line breaks are written out.
    return _variable(PEM_NAME).replace("\\n", "\n").encode(errors="replace")


def _is_path(path: object) -> bool:
    return (
        isinstance(path, str)
        and is_header_text(path)
        and path.startswith("/")
        and not path.startswith("//")
        and not set(path) & set("?#\\")
    )


def _host(url: str) -> str:
    """Host and port, as they are written; a user name in front would be part of it."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _seconds(date: Any) -> float | None:
    """A `Date` header, in seconds."""
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, OverflowError, TypeError, IndexError, AttributeError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
