"""The words for the status of a run or a block, in one spelling."""

from __future__ import annotations

from typing import Final

COMPLETED: Final = "completed"

ENDED: Final = frozenset({COMPLETED, "failed", "cancelled", "timeout", "terminated"})
"""Words for an end. Every other word means that the run goes on."""

WAITING: Final = frozenset({"", "queued", "pending"})
"""Words for a run that has not begun. The empty word says nothing."""

_SPELLINGS: Final = {"canceled": "cancelled", "timed_out": "timeout"}


def normal(word: str) -> str:
    """Return a status word in its one spelling.

    >>> normal("CANCELED"), normal("Timed_Out"), normal("resting")
    ('cancelled', 'timeout', 'resting')
    """
    lowered = word.strip().lower()
    return _SPELLINGS.get(lowered, lowered)


def later(before: str, now: str) -> str:
    """Return the later of two normal words; they may have come in either order.

    A run that has ended stays ended, and a run that has begun does not wait again. An
    answer that says otherwise is an old one.
    """
    is_back = now in WAITING and before not in WAITING
    return before if before in ENDED or is_back or not now else now
