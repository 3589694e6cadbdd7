"""Credentials: their organisations, and their rate limit."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from math import ceil
from threading import Lock
from typing import Final

from attrs import define, field, frozen
from starlette.requests import Request

from ._clock import Clock
from ._http import RefusedError
from ._oauth import Authority
from ._records import organisation_of
from ._switches import Switches

WINDOW: Final = timedelta(minutes=1)
"""Time over which requests are counted (documented)."""


NOT_ISSUED: Final = (
    "Invalid token: the emulator did not issue it; accept any with "
    "`flow64 serve --accept-any-token` or `Emulator(accept_any_token=True)`"
)


@define
class Limiter:
    """Count the requests of each credential, by the emulator's clock."""

    clock: Clock
    _recent: dict[str, deque[datetime]] = field(factory=dict, init=False, repr=False)
    _lock: Lock = field(factory=Lock, init=False)

    def wait(self, credential: str, limit: int) -> float:
        """Return the seconds to wait; if they are 0, the request is counted."""
        now = self.clock.now()
        with self._lock:
            recent = self._recent.setdefault(credential, deque())
            while recent and recent[0] <= now - WINDOW:
                recent.popleft()
            if len(recent) >= limit:
                oldest = recent[0] if recent else now
                return (oldest + WINDOW - now).total_seconds()
            recent.append(now)
            return 0.0


@frozen
class Access:
    """Credentials and the organisations that they belong to.

    Attributes:
        keys: The organisation of each key; None accepts any key.
        accepts_any_token: Whether tokens of others are accepted, too.
        authority: Knows the access tokens that it issued.
        switches: Returns the switches as they are now.
    """

    keys: Mapping[str, str] | None = field(repr=False)
    authority: Authority
    limiter: Limiter
    switches: Callable[[], Switches]
    accepts_any_token: bool = False

    def organisation(self, request: Request) -> str:
        """Return the organisation of the request's credential.

        Raises:
            RefusedError: The credential is missing or wrong, or is used too often.
        """
        key = request.headers.get("x-api-key")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else None
        if key is not None and bearer is not None:
            raise RefusedError(
                self.switches().both_credentials_status,
                "Send either x-api-key or a Bearer token, not both",
            )
        if not (key or bearer):
            raise RefusedError(401, "Missing API key")
        org = self._of_token(bearer) if bearer else self._of_key(key or "")
        if org is None:
            raise RefusedError(401, NOT_ISSUED if bearer else "Invalid API key")
        self._check_rate_limit(bearer or key or "")
        return org

    def _check_rate_limit(self, credential: str) -> None:
        switches = self.switches()
        if switches.rate_limit is None:
            return
        wait = self.limiter.wait(organisation_of(credential), switches.rate_limit)
        if wait:
            headers = {"retry-after": str(ceil(wait))} if switches.retry_after else None
            raise RefusedError(429, "Rate limit exceeded", headers)

    def _of_token(self, token: str) -> str | None:
        found = self.authority.organisation(token)
        is_foreign = found is None and self.accepts_any_token
        return organisation_of(token) if is_foreign else found

    def _of_key(self, key: str) -> str | None:
        return organisation_of(key) if self.keys is None else self.keys.get(key)


def organisations_by_key(
    keys: Collection[str] | Mapping[str, str] | None,
) -> Mapping[str, str] | None:
    """Return the organisation of each key, made from the key if none is named."""
    if keys is None or isinstance(keys, Mapping):
        return keys
    return {key: organisation_of(key) for key in keys}
