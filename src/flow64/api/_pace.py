"""The pace that all users of a client share."""

from __future__ import annotations

import math
from collections import deque
from threading import Lock
from typing import Final

MINUTE: Final = 60.0


class Pace:
    """Allows a number of requests in any minute.

    Requests go out at once until the minute is full, and then as its oldest ones pass.
    A limit by the minute allows no faster pace.
    """

    def __init__(self, per_minute: int | None) -> None:
        self._lock: Final = Lock()
        self._sent: Final = deque[float](maxlen=per_minute)
        self._per_minute: Final = per_minute
        self._held_until = float("-inf")

    def reserve(self, now: float, longest: float = math.inf) -> float | None:
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
            wait = at - now
            if wait and wait >= longest:
                return None
            if self._per_minute is not None:
                self._sent.append(at)
            return wait

    def hold(self, until: float) -> None:
        """Let all requests wait until a time, after the service has answered 429."""
        with self._lock:
            self._held_until = max(self._held_until, until)
