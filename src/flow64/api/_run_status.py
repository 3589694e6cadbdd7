"""Words for how far a run or a block has come, in one spelling."""

from __future__ import annotations

from typing import Final

COMPLETED: Final = "completed"

ENDED: Final = frozenset({COMPLETED, "failed", "cancelled", "timeout", "terminated"})
"""Words of what has ended; every other word means that it goes on."""

WAITING: Final = frozenset({"", "queued", "pending"})
"""Words of what has not begun; the empty one is nobody's, and says nothing."""

_SPELLINGS: Final = {"canceled": "cancelled", "timed_out": "timeout"}


def normal(word: str) -> str:
    """A status word in the one spelling used here.

    >>> normal("CANCELED"), normal("Timed_Out"), normal("resting")
    ('cancelled', 'timeout', 'resting')
    """
    lowered = word.strip().lower()
    return _SPELLINGS.get(lowered, lowered)


def later(before: str, now: str) -> str:
    """Which of two normal words is the later one, whatever order they came in.

    What has ended stays as it ended, and what has begun does not wait any more: an
    answer that says otherwise is an old one.
    """
    is_back = now in WAITING and before not in WAITING
    return before if before in ENDED or is_back or not now else now
