"""Turns: what only one in this process may be doing at a time, by name."""

from __future__ import annotations

import os
from threading import Lock
from typing import Final
from weakref import WeakValueDictionary


class Turns:
    """Who comes first, for every name; kept for as long as somebody holds one."""

    def __init__(self) -> None:
        self.forget()

    def of(self, name: str) -> Held:
        """What to take for a name."""
        with self._guard:
            held = self._of.get(name)
            if held is None:
                held = self._of[name] = Held()
            return held

    def forget(self) -> None:
        """Begin anew, as a forked process has to: who held a turn is not there."""
        self._guard = Lock()
        self._of: WeakValueDictionary[str, Held] = WeakValueDictionary()


class Held:
    """A lock that can be waited for with and without an event loop."""

    __slots__ = ("__weakref__", "_lock")

    def __init__(self) -> None:
        self._lock: Final = Lock()

    def take(self, seconds: float) -> bool:
        """Wait for it; gives whether it was had in time."""
        return self._lock.acquire(timeout=max(seconds, 0))

    def take_now(self) -> bool:
        """Take it if nobody has it."""
        return self._lock.acquire(blocking=False)

    def release(self) -> None:
        """Let the next one have it."""
        self._lock.release()


TURNS: Final = Turns()
"""Of this process."""

os.register_at_fork(after_in_child=TURNS.forget)
