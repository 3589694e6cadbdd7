"""Events that were seen: each is handled once, and again only where that failed."""

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
"""Seconds for which an event is remembered. How late the service may deliver one again
is not documented; a secret may sign for three days after it was rolled."""

Claim: TypeAlias = Literal["new", "open", "done"]
"""What became of an event until now: never seen, being handled, handled."""


class Seen(Protocol):
    """Where events are remembered: `SeenEvents`, or a table or cache of yours.

    It keeps an event for more than twice the tolerance, so that nobody's recording of
    it passes, and for as long as the service may deliver it again.
    """

    def claim(self, key: str) -> Claim:
        """Say what became of an event, and make a new one open, in one step."""

    def finish(self, key: str) -> None:
        """Remember that an event was handled."""

    def release(self, key: str) -> None:
        """Forget an event that is open, so that its next delivery is new."""


@frozen(eq=False)
class SeenEvents:
    """Remembers events in memory: those of one process, for all of its threads.

    Attributes:
        max_events: How many at most; beyond, the oldest is forgotten.
        keep: For how many seconds each, from its first delivery.
        clock: The time in seconds.
    """

    max_events: int = 100_000
    keep: float = KEEP
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)
    _events: OrderedDict[str, tuple[float, bool]] = field(
        factory=OrderedDict[str, tuple[float, bool]], init=False, repr=False
    )
    """Until when each is kept, and whether it was handled; the oldest first."""
    _lock: Any = field(factory=Lock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        require_positive("keep", self.keep)
        if not isinstance(self.max_events, int) or self.max_events < 1:
            raise ConfigError("max_events has to be a whole number above 0")

    def claim(self, key: str) -> Claim:
        """Say what became of an event, and make a new one open."""
        with self._lock:
            self._forget()
            if key in self._events:
                _, is_done = self._events[key]
                return "done" if is_done else "open"
            self._remember(key, is_done=False)
            return "new"

    def finish(self, key: str) -> None:
        """Remember that an event was handled."""
        with self._lock:
            if key in self._events:
                until, _ = self._events[key]
                self._events[key] = until, True
            else:  # it was forgotten meanwhile
                self._remember(key, is_done=True)

    def release(self, key: str) -> None:
        """Forget an event that is open, so that its next delivery is new."""
        with self._lock:
            _, is_done = self._events.get(key, (0.0, True))
            if not is_done:
                del self._events[key]

    def _remember(self, key: str, *, is_done: bool) -> None:
        while len(self._events) >= self.max_events:
            self._events.popitem(last=False)
        self._events[key] = self.clock() + self.keep, is_done

    def _forget(self) -> None:
        """Drop what has expired; all are kept equally long, so the oldest is first."""
        now = self.clock()
        while self._events:
            key, (until, _) = next(iter(self._events.items()))
            if until > now:
                return
            del self._events[key]


@contextmanager
def handling(event: Event, seen: Seen) -> Iterator[None]:
    """Handle an event that `verify` gave: done where that ends well.

    Where it raises, the event is released, and its next delivery is handled.

    Args:
        event: The event.
        seen: The store that `verify` had.
    """
    try:
        yield
    except BaseException:
        seen.release(event.key)
        raise
    seen.finish(event.key)


def claim(event: Event, seen: Seen) -> None:
    """Make an event ours alone.

    Raises:
        DuplicateEventError: It is being handled, or was.
        ArgumentError: The store gives no claim.
    """
    # As data from outside: a store is somebody's own, and may be asynchronous.
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
            problem = f"seen.claim() gives 'new', 'open' or 'done', and no {kind}"
            raise ArgumentError("verify", problem)
