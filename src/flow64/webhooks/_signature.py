"""Signatures: made as the service makes them, and verified.

This room never compares values with `==`, so that no digest is compared that way. A
test reads its syntax.
"""

from __future__ import annotations

import hmac
import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, Final, ParamSpec, Protocol, TypeAlias, TypeVar

from attrs import field, frozen

from ..errors import ArgumentError, ConfigError, FlowError, WebhookError

SIGNATURE: Final = "Sixtyfour-Signature"
EVENT_ID: Final = "Sixtyfour-Event-Id"
EVENT_TYPE: Final = "Sixtyfour-Event-Type"
ATTEMPT: Final = "Sixtyfour-Delivery-Attempt"

VISIBLE: Final = re.compile(r"[!-~]+")
"""ASCII characters without spaces."""

P = ParamSpec("P")
T = TypeVar("T")


class HasItems(Protocol):
    """A mapping of headers, or a multi-dict that is not a mapping."""

    def items(self) -> Iterable[tuple[str | bytes, str | bytes]]:
        """Return names and values."""


Headers: TypeAlias = HasItems | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a request from any web framework: a mapping or pairs."""


def hide_frames(function: Callable[P, T]) -> Callable[P, T]:
    """Hide secrets and bodies from the tracebacks of a function.

    Crash reports may show the local variables of each frame.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except FlowError as error:
            del args, kwargs
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        except BaseException:
            del args, kwargs
            raise

    return call


@hide_frames
def sign(
    raw_body: bytes, secrets: str | Iterable[str], at: float | None = None
) -> dict[str, str]:
    """Return the header that signs a body, as the service does.

    Args:
        raw_body: The body, exactly as it is sent.
        secrets: The secret, or several while one is rolled, newest first.
        at: Time of the signature, in Unix seconds; by default now.

    Raises:
        ConfigError: A secret is missing or malformed, or `at` is not a time.
        ArgumentError: The body is not bytes.
    """
    require_bytes("sign", raw_body)
    moment = str(int(_to_unix_seconds("at", at)))
    digests = [
        _digest(key, moment, raw_body).decode() for key in _encode_secrets(secrets)
    ]
    return {SIGNATURE: ",".join([f"t={moment}", *(f"v1={one}" for one in digests)])}


def verify_signature(
    body: bytes,
    headers: RequestHeaders,
    secrets: str | Iterable[str],
    tolerance: float,
    now: float | None,
) -> str:
    """Verify a signature, and return its time as written in the header.

    Raises:
        WebhookError: None of the secrets signed the body, or not within the tolerance.
        ConfigError: A secret, the tolerance or `now` cannot be used.
    """
    keys = _encode_secrets(secrets)
    require_positive("tolerance", tolerance)
    current = _to_unix_seconds("now", now)
    moment, candidates = _parse_signature(headers.require(SIGNATURE))
    away = current - int(moment)
    if abs(away) > tolerance:
        side = "ago" if away > 0 else "from now"
        far = f"it was signed {abs(away):.0f} s {side}, and {tolerance:g} s are allowed"
        raise WebhookError(f"{far}; check the clock of this machine")
    # A list: all are compared, even after a match, so that the time reveals nothing.
    matches = [
        hmac.compare_digest(candidate, expected)
        for expected in [_digest(key, moment, body) for key in keys]
        for candidate in candidates
    ]
    if not any(matches):
        raise WebhookError(
            "it is not signed by a given secret; check that the secret belongs to this "
            "organisation, and that the body is unchanged"
        )
    return moment


def require_bytes(callee: str, body: object) -> None:
    """Refuse a body that is not bytes.

    Raises:
        ArgumentError: It is not bytes; the error explains why it must be.
    """
    if not isinstance(body, bytes):
        problem = (
            f"raw_body has to be bytes, and is a {type(body).__name__}: the received "
            "bytes are signed, and JSON that is written again may have other bytes"
        )
        raise ArgumentError(callee, problem)


def require_positive(name: str, value: Any) -> None:
    """Refuse a value that is not a finite number of seconds above 0.

    Raises:
        ConfigError: It is not such a number.
    """
    if not (_is_number(value) and 0 < value < math.inf):
        raise ConfigError(f"{name} has to be a number of seconds above 0")


@frozen
class RequestHeaders:
    """The headers of a request, by lower-case name."""

    _values: Mapping[str, Sequence[str]] = field(repr=False)

    @classmethod
    def of(cls, headers: Any) -> RequestHeaders:
        """Read a mapping, something like a mapping, or pairs.

        Raises:
            ArgumentError: The headers have another type.
        """
        values: dict[str, list[str]] = {}
        items = getattr(headers, "items", None)
        try:
            pairs: Any = items() if callable(items) else headers
            for name, value in pairs:
                values.setdefault(_as_text(name).lower(), []).append(_as_text(value))
            is_readable = True
        except (TypeError, ValueError):
            is_readable = False
        if not is_readable:
            kind = type(headers).__name__
            problem = f"headers are a mapping or a list of pairs, not a {kind}"
            raise ArgumentError("verify", problem)
        return cls(values)

    def require(self, name: str) -> str:
        """Return the value of a header that must be sent once.

        Raises:
            WebhookError: It is missing, empty or repeated.
        """
        values = self._values.get(name.lower(), [])
        if len(values) > 1:
            raise WebhookError(f"the header {name} was sent {len(values)} times")
        if not any(values):
            raise WebhookError(
                f"the header {name} is missing or empty; the service signs nothing "
                "until a signing secret was created"
            )
        return values[0]

    def get(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next(iter(self._values.get(name.lower(), [])), None)


def _as_text(value: object) -> str:
    """Return a name or value as text; empty if it is neither text nor bytes."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _encode_secrets(secrets: Any) -> list[bytes]:
    """Encode secrets as keys. No error shows a secret.

    Raises:
        ConfigError: No secret is given, or one cannot be a secret.
    """
    is_one = isinstance(secrets, str) or not isinstance(secrets, Iterable)
    given: list[Any] = [secrets] if is_one else list(secrets)
    if not given or not all(given):
        raise ConfigError(
            "a signing secret is missing or empty; the service shows one when it is "
            "created, under Settings, API Keys, Webhooks"
        )
    keys = [s.encode() for s in given if isinstance(s, str) and VISIBLE.fullmatch(s)]
    if len(keys) < len(given):
        raise ConfigError(
            "a signing secret has to be a text of visible ASCII characters; check for "
            "spaces and line breaks around it"
        )
    return keys


def _to_unix_seconds(name: str, value: Any) -> float:
    """Return a time in Unix seconds; None is the current time.

    Raises:
        ConfigError: The value is not a time.
    """
    if value is None:
        return time.time()
    if not (_is_number(value) and 0 <= value < _LAST):
        raise ConfigError(f"{name} has to be Unix seconds, as time.time() gives them")
    return float(value)


_LAST: Final = 10**12
"""Values from here on are probably milliseconds."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parse_signature(signature: str) -> tuple[str, list[bytes]]:
    """Return the time in a signature header, as written, and all of its digests.

    Raises:
        WebhookError: The header is not a signature.
    """
    moments: list[str] = []
    candidates: list[bytes] = []
    for part in signature.split(","):
        name, _, value = part.strip(" \t").partition("=")
        match name:
            case "t":
                moments.append(value)
            case "v1" if _DIGEST.fullmatch(value):
                candidates.append(value.encode())
            case _:
                pass  # another scheme, or not a digest: neither can match
    match moments:
        case [moment] if candidates and _MOMENT.fullmatch(moment):
            return moment, candidates
        case _:
            problem = f"{SIGNATURE} has to be t=<seconds>,v1=<64 hex digits>"
            raise WebhookError(problem)


_MOMENT: Final = re.compile(r"[0-9]{1,12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def _digest(key: bytes, moment: str, body: bytes) -> bytes:
    """Return the signature of a body: HMAC of time, dot and body, in hex."""
    made = hmac.new(key, f"{moment}.".encode(), "sha256")
    made.update(body)
    return made.hexdigest().encode()
