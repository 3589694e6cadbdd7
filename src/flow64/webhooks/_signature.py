"""Signatures: made as the service makes them, and judged.

No two values are compared with `==` in this room, so that no digest ever is: a test
reads its syntax.
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
    """A mapping of headers, or a multi-dict that is none."""

    def items(self) -> Iterable[tuple[str | bytes, str | bytes]]:
        """Names and values."""


Headers: TypeAlias = HasItems | Iterable[tuple[str | bytes, str | bytes]]
"""The headers of a request, as any web framework gives them: a mapping or pairs."""


def hiding_frames(function: Callable[P, T]) -> Callable[P, T]:
    """Let what a function raises lead to no frame that holds a secret or a body.

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


@hiding_frames
def sign(
    raw_body: bytes, secrets: str | Iterable[str], at: float | None = None
) -> dict[str, str]:
    """The header that signs a body, as the service does it.

    Args:
        raw_body: The body, exactly as it is sent.
        secrets: The secret; or several, the newest first, as while one is rolled.
        at: When it is signed, in Unix seconds; by default now.

    Raises:
        ConfigError: A secret is missing or malformed, or the moment is none.
        ArgumentError: The body is no bytes.
    """
    require_bytes("sign", raw_body)
    moment = str(int(_unix_seconds("at", at)))
    digests = [_digest(key, moment, raw_body).decode() for key in _keys(secrets)]
    return {SIGNATURE: ",".join([f"t={moment}", *(f"v1={one}" for one in digests)])}


def signed_moment(
    body: bytes,
    headers: Found,
    secrets: str | Iterable[str],
    tolerance: float,
    now: float | None,
) -> str:
    """When a body was signed, as it is written, where one of the secrets did it.

    Raises:
        WebhookError: None of them did, or not within the tolerance.
        ConfigError: A secret, the tolerance or `now` cannot be used.
    """
    keys = _keys(secrets)
    require_positive("tolerance", tolerance)
    current = _unix_seconds("now", now)
    moment, candidates = _parsed(headers.only(SIGNATURE))
    away = current - int(moment)
    if abs(away) > tolerance:
        side = "ago" if away > 0 else "from now"
        far = f"it was signed {abs(away):.0f} s {side}, and {tolerance:g} s are allowed"
        raise WebhookError(f"{far}; check the clock of this machine")
    # A list: all are compared, also after a match, so that time tells nothing.
    matches = [
        hmac.compare_digest(candidate, expected)
        for expected in [_digest(key, moment, body) for key in keys]
        for candidate in candidates
    ]
    if not any(matches):
        raise WebhookError(
            "it is not signed by a secret that was given; check that the secret is the "
            "one of this organisation, and the body just as it came"
        )
    return moment


def require_bytes(callee: str, body: object) -> None:
    """Refuse a body that is no bytes.

    Raises:
        ArgumentError: It is something else, and why that cannot do.
    """
    if not isinstance(body, bytes):
        problem = (
            f"raw_body has to be bytes, and is a {type(body).__name__}: the bytes that "
            "came are what is signed, and JSON that is written anew has other ones"
        )
        raise ArgumentError(callee, problem)


def require_positive(name: str, value: Any) -> None:
    """Refuse what is no finite number of seconds above 0.

    Raises:
        ConfigError: It is none.
    """
    if not (_is_number(value) and 0 < value < math.inf):
        raise ConfigError(f"{name} has to be a number of seconds above 0")


@frozen
class Found:
    """The headers of a request, by lower-case name."""

    _values: Mapping[str, Sequence[str]] = field(repr=False)

    @classmethod
    def of(cls, headers: Any) -> Found:
        """Read a mapping, something like one, or pairs.

        Raises:
            ArgumentError: It is none of them.
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
            problem = f"headers are a mapping or a list of pairs, and not a {kind}"
            raise ArgumentError("verify", problem)
        return cls(values)

    def only(self, name: str) -> str:
        """The value of a header that is there once.

        Raises:
            WebhookError: It is missing or empty, or there several times.
        """
        values = self._values.get(name.lower(), [])
        if len(values) > 1:
            raise WebhookError(f"the header {name} is there {len(values)} times")
        if not any(values):
            raise WebhookError(
                f"the header {name} is missing or empty; the service signs nothing "
                "until a signing secret was made"
            )
        return values[0]

    def first(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next(iter(self._values.get(name.lower(), [])), None)


def _as_text(value: object) -> str:
    """A name or value as text; empty where it is none."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _keys(secrets: Any) -> list[bytes]:
    """The keys of some secrets; no error shows one.

    Raises:
        ConfigError: There is none, or one cannot be a secret.
    """
    is_one = isinstance(secrets, str) or not isinstance(secrets, Iterable)
    given: list[Any] = [secrets] if is_one else list(secrets)
    if not given or not all(given):
        raise ConfigError(
            "a signing secret is missing or empty; the service shows one when it is "
            "made, under Settings, API Keys, Webhooks"
        )
    keys = [s.encode() for s in given if isinstance(s, str) and VISIBLE.fullmatch(s)]
    if len(keys) < len(given):
        raise ConfigError(
            "a signing secret has to be a text of visible ASCII characters; check for "
            "spaces and line breaks around it"
        )
    return keys


def _unix_seconds(name: str, value: Any) -> float:
    """A moment in Unix seconds; the current one for None.

    Raises:
        ConfigError: It is no moment.
    """
    if value is None:
        return time.time()
    if not (_is_number(value) and 0 <= value < _LAST):
        raise ConfigError(f"{name} has to be Unix seconds, as time.time() gives them")
    return float(value)


_LAST: Final = 10**12
"""Seconds from here on are no moment that anybody means; milliseconds are."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parsed(signature: str) -> tuple[str, list[bytes]]:
    """The moment that a header names, as it is written, and all of its digests.

    Raises:
        WebhookError: It is no signature.
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
                pass  # another scheme, or no digest: neither can match
    match moments:
        case [moment] if candidates and _MOMENT.fullmatch(moment):
            return moment, candidates
        case _:
            problem = f"{SIGNATURE} has to be t=<seconds>,v1=<64 hex digits>"
            raise WebhookError(problem)


_MOMENT: Final = re.compile(r"[0-9]{1,12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def _digest(key: bytes, moment: str, body: bytes) -> bytes:
    """What signs a body: the HMAC of the moment, a dot and the body, in hex."""
    made = hmac.new(key, f"{moment}.".encode(), "sha256")
    made.update(body)
    return made.hexdigest().encode()
