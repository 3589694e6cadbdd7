"""Waiting until a signal ends a command that would go on for ever."""

from __future__ import annotations

import signal
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Final

from ._codes import INTERRUPTED

SIGNALS: Final = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}
"""The exit code that each of them leads to."""


class Ending:
    """Hears SIGTERM and Ctrl-C from when it is made; a second one ends all at once."""

    def __init__(self) -> None:
        # An Event would be locked where a signal comes just as its wait begins.
        self._codes: SimpleQueue[int] = SimpleQueue()
        for number in SIGNALS:
            signal.signal(number, self._hear)

    def wait(self) -> int:
        """The exit code, once a signal has come."""
        while True:
            try:
                return self._codes.get(timeout=1.0)
            except Empty:
                pass  # Windows hears signals between two waits

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._codes.put(SIGNALS[signal.Signals(number)])
        for other in SIGNALS:
            signal.signal(other, signal.SIG_DFL)
