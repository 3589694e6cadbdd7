"""Turns: names that one call of this process may hold at a time, across event loops."""

from __future__ import annotations

import os
from threading import Lock
from typing import Final


class Turns:
    """The names that are held at present."""

    def __init__(self) -> None:
        self.forget()

    def take(self, name: str) -> bool:
        """Take a name, and return True; return False if another call holds it."""
        with self._guard:
            if name in self._held:
                return False
            self._held.add(name)
            return True

    def release(self, name: str) -> None:
        """Release a name."""
        with self._guard:
            self._held.discard(name)

    def forget(self) -> None:
        """Start again, as a forked process has to: the holders are not in it."""
        self._guard = Lock()
        self._held = set[str]()


TURNS: Final = Turns()
"""The turns of this process."""

os.register_at_fork(after_in_child=TURNS.forget)
