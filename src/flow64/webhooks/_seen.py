"""Seen events: each event is handled once, and again only if that failed."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Final, Literal, Protocol, TypeAlias

from attrs import field, frozen

from ..errors import ArgumentError, ConfigError, DuplicateEventError
from ._events import Event
from ._signature import require_positive

KEEP: Final = 3 * 24 * 3600.0
"""Seconds for which an event is remembered. It is not documented how late the service
may deliver an event again. A secret can sign for three days after it was rolled."""

Claim: TypeAlias = Literal["new", "open", "done"]
"""The state of an event: never seen, being handled, or handled."""


class Seen(Protocol):
    """A store of events: `SeenEvents`, or your own table or cache.

    It must keep an event for more than twice the tolerance, so that a recorded request
    cannot pass, and for as long as the service may deliver the event again.
    """

    def claim(self, key: str) -> Claim:
        """Return the state of an event, and make a new one open, atomically."""

    def finish(self, key: str) -> None:
        """Save that an event was handled."""

    def release(self, key: str) -> None:
        """Forget an open event, so that its next delivery is new."""


@frozen(eq=False)
class SeenEvents:
    """Remembers events in memory, for all threads of one process.

    Attributes:
        max_events: Maximum events; beyond that, the oldest is forgotten.
        keep: Seconds to keep each event, from its first delivery.
        clock: Returns the time in seconds.
    """

    max_events: int = 100_000
    keep: float = KEEP
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _events: OrderedDict[str, tuple[float, bool]] = field(
        factory=OrderedDict[str, tuple[float, bool]], init=False, repr=False
    )
    """When each event expires, and whether it was handled; oldest first."""
    _lock: Any = field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        require_positive("keep", self.keep)
        if not isinstance(self.max_events, int) or self.max_events < 1:
            raise ConfigError("max_events has to be a whole number above 0")

    def claim(self, key: str) -> Claim:
        """Return the state of an event, and make a new one open."""
        with self._lock:
            self._drop_expired()
            if key in self._events:
                _, is_done = self._events[key]
                return "done" if is_done else "open"
            self._remember(key, is_done=False)
            return "new"

    def finish(self, key: str) -> None:
        """Save that an event was handled."""
        with self._lock:
            if key in self._events:
                until, _ = self._events[key]
                self._events[key] = until, True
            else:  # it was forgotten in the meantime
                self._remember(key, is_done=True)

    def release(self, key: str) -> None:
        """Forget an open event, so that its next delivery is new."""
        with self._lock:
            _, is_done = self._events.get(key, (0.0, True))
            if not is_done:
                del self._events[key]

    def _remember(self, key: str, *, is_done: bool) -> None:
        while len(self._events) >= self.max_events:
            self._events.popitem(last=False)
        self._events[key] = self.clock() + self.keep, is_done

    def _drop_expired(self) -> None:
        """Drop expired events; all are kept equally long, so the oldest is first."""
        now = self.clock()
        while self._events:
            key, (until, _) = next(iter(self._events.items()))
            if until > now:
                return
            del self._events[key]


@contextmanager
def handling(event: Event, seen: Seen) -> Iterator[None]:
    """Handle an event of `verify`, and save that it was handled.

    If the block raises, the event is released, and its next delivery is handled.

    Args:
        seen: The store that was passed to `verify`.
    """
    try:
        yield
    except BaseException:
        seen.release(event.key)
        raise
    seen.finish(event.key)


def claim_event(event: Event, seen: Seen) -> None:
    """Claim an event for the caller alone.

    Raises:
        DuplicateEventError: It is being handled, or was handled.
        ArgumentError: The store returned something other than a claim.
    """
    # Untrusted: the store may be the user's own, and even asynchronous.
    found: Any = seen.claim(event.key)
    match found:
        case "new":
            return
        case "open":
            raise DuplicateEventError(event.key, is_done=False)
        case "done":
            raise DuplicateEventError(event.key, is_done=True)
        case _:
            kind = type(found).__name__
            problem = f"seen.claim() must return 'new', 'open' or 'done', not a {kind}"
            raise ArgumentError("verify", problem)
