"""Events of a run as plain lines, for logs and for terminals that draw nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ._events import Progress, RunEvent

STEP: Final = 10.0
"""Percent that a block has to come further before it gets another line."""


def lines(event: RunEvent) -> Sequence[str]:
    """The lines that say an event."""
    return [str(event)]


class Lines:
    """The lines of one run, without those that would say little new.

    A run of many rows has thousands of events, and a log of a job needs few of them.
    """

    def __init__(self) -> None:
        self._shown: dict[int, float] = {}

    def lines(self, event: RunEvent) -> Sequence[str]:
        """The lines that say an event; none where it is too little a step."""
        if isinstance(event, Progress):
            if event.shown < self._shown.get(event.number, 0.0) + STEP:
                return []
            self._shown[event.number] = event.shown
        return lines(event)
