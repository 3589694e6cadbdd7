"""What is repeated, when, and for how long; and the pace of a client."""

from __future__ import annotations

import random
from collections import deque
from threading import Lock
from typing import Any, Final

from attrs import field, frozen
from attrs.validators import ge, gt, instance_of, le, optional

from ..errors import (
    AnswerError,
    ApiError,
    FlowError,
    TransportError,
)

DAY: Final = 86_400.0
MINUTE: Final = 60.0

LEFT_OPEN: Final = frozenset({408, 425, 499})
"""Statuses below 500 of proxies, although the service may have got the request."""

PASSING: Final = LEFT_OPEN | {429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed a little later."""


_SECONDS: Final[Any] = [instance_of((int, float)), gt(0), le(365 * DAY)]
_COUNT: Final[Any] = [instance_of(int), ge(0)]
_PACE: Final[Any] = optional(ge(1))


@frozen
class Policy:
    """Deadlines, time-outs, retries and pace of a client.

    Attributes:
        deadline: Seconds for one request, with its repetitions and the waits between
            them, and for one try of a download.
        timeout: Seconds for one try of a request, or without a byte of a download.
        retries: How often a request is repeated. It is once at most if nothing listens
            at an endpoint of this machine.
        first_wait: Seconds before the first repetition. Each further wait is twice as
            long, give or take a quarter.
        first_rest: Seconds before the first repetition after a 429 that does not say
            how long to wait. The service advises 60 s.
        longest_wait: The longest wait in seconds, unless the service asks for more.
        requests_per_minute: The pace that all users of a client share. The service
            allows 500 a minute and key (documented). None keeps no pace.
    """

    deadline: float = field(default=300.0, validator=_SECONDS)
    timeout: float = field(default=60.0, validator=_SECONDS)
    retries: int = field(default=6, validator=_COUNT)
    first_wait: float = field(default=0.5, validator=_SECONDS)
    first_rest: float = field(default=8.0, validator=_SECONDS)
    longest_wait: float = field(default=60.0, validator=_SECONDS)
    requests_per_minute: int | None = field(default=480, validator=_PACE)

    def choose_wait(
        self, error: FlowError, failures: int, *, may_repeat: bool | None
    ) -> float | None:
        """Return the seconds before a request is sent again; None to give up.

        Args:
            error: How it ended.
            failures: How often it has failed by now.
            may_repeat: See `Session.send`.
        """
        is_refused = isinstance(error, TransportError) and error.is_refused
        retries = min(self.retries, 1) if is_refused else self.retries
        is_limit = isinstance(error, ApiError) and error.status == 429
        is_free = is_unsent(error) or (is_limit and may_repeat is not False)
        if failures > retries or not may_pass(error) or not (may_repeat or is_free):
            return None
        asked = error.wait if isinstance(error, ApiError) else None
        first = self.first_rest if is_limit and asked is None else self.first_wait
        wait = first * 2.0 ** (failures - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
        return max(min(wait, self.longest_wait), asked or 0.0)


class Pace:
    """Allows a number of requests in any minute, for all threads of a client.

    Requests go out at once until the minute is full, and then as its oldest ones pass.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._lock: Final = Lock()
        self._sent: Final = deque[float](maxlen=per_minute)
        self._per_minute: Final = per_minute
        self._held_until = float("-inf")

    def reserve(self, now: float, longest: float) -> float | None:
        """Reserve a place, and return the seconds to wait for it.

        Args:
            now: The time.
            longest: The wait must be shorter than this. Otherwise no place is reserved,
                and None is returned.
        """
        with self._lock:
            at = max(now, self._held_until)
            if len(self._sent) == self._per_minute:
                at = max(at, self._sent[0] + MINUTE)
            if at > now and at - now >= longest:
                return None
            if self._per_minute is not None:
                self._sent.append(at)
            return at - now

    def hold(self, until: float) -> None:
        """Let all requests wait until a time, after the service has answered 429."""
        with self._lock:
            self._held_until = max(self._held_until, until)


def is_unsent(error: FlowError) -> bool:
    """Return True if nothing of a request has left this machine."""
    return isinstance(error, ApiError | TransportError) and not error.sent


def is_refusal(error: FlowError) -> bool:
    """Return True if a request was not sent, or was refused with a documented status.

    It does not prove that nothing was done: an attempt before may have arrived.
    """
    if isinstance(error, ApiError):
        return 400 <= error.status < 500 and error.status not in LEFT_OPEN
    return is_unsent(error)


def may_pass(error: FlowError) -> bool:
    """Return True if the same request may succeed a little later."""
    if isinstance(error, ApiError):
        return error.status in PASSING
    if isinstance(error, AnswerError | TransportError):
        return not error.is_final
    return False
