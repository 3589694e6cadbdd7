"""Policy of retries: what is repeated, when, and for how long. It does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from attrs import Attribute, field, frozen

from ..definition import is_number
from ..errors import (
    AnswerError,
    ApiError,
    ConfigError,
    FlowError,
    HeldBackError,
    TokenError,
    TransportError,
    shortened,
)
from ._request import Request

DAY: Final = 86_400.0

LEFT_OPEN: Final = frozenset({408, 425, 499})
"""Statuses below 500 of proxies, although the service may have got the request."""

PASSING: Final = LEFT_OPEN | {429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed a little later."""


def _seconds(_: Policy, attribute: Attribute[float], value: object) -> None:
    if not is_number(value) or not 0 < value <= 365 * DAY:
        problem = f"Policy({attribute.name}={shortened(value)})"
        raise ConfigError(f"{problem} is not a number of seconds above 0")


def _count(_: Policy, attribute: Attribute[int], value: object) -> None:
    if type(value) is not int or value < 0:
        problem = f"Policy({attribute.name}={shortened(value)})"
        raise ConfigError(f"{problem} is not a count from 0 up")


def _rate(_: Policy, attribute: Attribute[Any], value: object) -> None:
    if value is not None and (type(value) is not int or value < 1):
        problem = (
            f"Policy({attribute.name}={shortened(value)}) is not a count from 1 up"
        )
        raise ConfigError(f"{problem}; None keeps no pace")


@frozen
class Policy:
    """Deadlines, timeouts, retries and pace of a client.

    Attributes:
        deadline: Seconds for one call, such as `deploy` or `runs.list`, with all its
            requests and waits. Waiting for a run has a timeout of its own, and each
            poll has this deadline. A download may take longer. It is given up if no
            bytes came for this long, and if it brings less than 1 KiB a second on
            average over 60 s, or over this deadline if that is shorter.
        timeout: Seconds for one request, until its answer is read. A download breaks
            off after this many seconds without a byte, and goes on where it was.
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

    deadline: float = field(default=300.0, validator=_seconds)
    timeout: float = field(default=60.0, validator=_seconds)
    retries: int = field(default=6, validator=_count)
    first_wait: float = field(default=0.5, validator=_seconds)
    first_rest: float = field(default=8.0, validator=_seconds)
    longest_wait: float = field(default=60.0, validator=_seconds)
    requests_per_minute: int | None = field(default=480, validator=_rate)

    def wait(
        self,
        request: Request,
        error: FlowError,
        failures: int,
        *,
        left: float,
        luck: float,
    ) -> float | None:
        """Return the seconds before a request is sent again; None to give up.

        Args:
            request: The request.
            error: How it ended.
            failures: How often it has failed by now.
            left: Seconds until the deadline.
            luck: A number from 0 to 1, so that clients do not come back all at once.
        """
        is_refused = isinstance(error, TransportError) and error.is_refused
        retries = min(self.retries, 1) if is_refused else self.retries
        if failures > retries or not may_help(request, error):
            return None
        asked = error.wait if isinstance(error, ApiError) else None
        is_limit = isinstance(error, ApiError) and error.status == 429
        first = self.first_rest if is_limit and asked is None else self.first_wait
        own = first * 2.0 ** (failures - 1) * (0.75 + luck / 2)
        seconds = max(min(own, self.longest_wait), asked or 0.0)
        return seconds if seconds < left else None


def may_help(request: Request, error: FlowError) -> bool:
    """Return True if sending a request again is free, and may help."""
    is_free = is_unsent(error) or (is_refusal(error) and not request.is_once)
    if isinstance(error, HeldBackError):  # there is no place before the deadline
        return False
    return may_pass(error) and (request.may_repeat or is_free)


def is_unsent(error: FlowError) -> bool:
    """Return True if nothing of a request has left this machine."""
    if isinstance(error, TransportError):
        return not error.sent
    return isinstance(error, TokenError)


def is_refusal(error: FlowError) -> bool:
    """Return True if a request was not sent, or was refused with a documented status.

    A refusal is reported at once. It does not prove that nothing was bought: see
    `Launcher.start` for what the next start of an intent does.
    """
    if isinstance(error, ApiError):
        return 400 <= error.status < 500 and error.status not in LEFT_OPEN
    return is_unsent(error)


def may_pass(error: FlowError) -> bool:
    """Return True if the same request may succeed a little later."""
    if isinstance(error, ApiError):
        return error.status in PASSING
    if isinstance(error, TokenError):
        return error.may_pass
    if isinstance(error, AnswerError):
        return not error.is_final
    return isinstance(error, TransportError)


def retry_after(
    headers: Mapping[str, str], now: datetime | None = None
) -> float | None:
    """Return the seconds of `Retry-After`; None if it is not valid.

    Args:
        headers: Headers of an answer, in lower case. A date counts from its own `Date`.
        now: The time, if there is no `Date`.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        seconds = float(text)
    else:
        until = parse_date(text)
        since = parse_date(headers.get("date")) or now or datetime.now(UTC)
        seconds = (until - since).total_seconds() if until else -1.0
    return seconds if 0 <= seconds <= DAY else None


def parse_date(text: str | None) -> datetime | None:
    """Return the time of a header such as `Date`; None if it is missing or not one."""
    try:
        found = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
