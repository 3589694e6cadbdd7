"""Turns: named locks for what one task or thread of this process may do at a time."""

from __future__ import annotations

import os
from threading import Lock
from typing import Final
from weakref import WeakValueDictionary


class Turns:
    """A lock for every name, kept as long as it is in use."""

    def __init__(self) -> None:
        self.forget()

    def of(self, name: str) -> TurnLock:
        """Return the lock of a name."""
        with self._guard:
            held = self._of.get(name)
            if held is None:
                held = self._of[name] = TurnLock()
            return held

    def forget(self) -> None:
        """Start again, as a forked process has to: the holders of locks are gone."""
        self._guard = Lock()
        self._of: WeakValueDictionary[str, TurnLock] = WeakValueDictionary()


class TurnLock:
    """A lock that can be waited for with and without an event loop."""

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock: Final = Lock()

    def take(self, seconds: float) -> bool:
        """Wait for it; return True if it was taken in time."""
        return self._lock.acquire(timeout=max(seconds, 0))

    def take_now(self) -> bool:
        """Take it if it is free."""
        return self._lock.acquire(blocking=False)

    def release(self) -> None:
        """Release it."""
        self._lock.release()


TURNS: Final = Turns()
"""The turns of this process."""

os.register_at_fork(after_in_child=TURNS.forget)
