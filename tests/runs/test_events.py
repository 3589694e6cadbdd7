"""Events as lines, for logs and for terminals that draw nothing."""

from __future__ import annotations

import pytest

from flow64.runs import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    EventLines,
    Finished,
    Progress,
    Queued,
    Running,
)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Queued(), "queued"),
        (Running(), "running"),
        (Running("resting\x1b[2J"), "resting\\x1b[2J"),
        (BlockStarted(2, "work/find_email"), "2 work/find_email: started"),
        (BlockStarted(2, "find_email", 1), "2 find_email: started, 1 row"),
        (BlockStarted(2, "find_email", 40), "2 find_email: started, 40 rows"),
        (Progress(2, "x", 3, 40, 7.5), "2 x: 3 of 40 rows (8 %)"),
        (Progress(2, "x", 3, None, 250.0), "2 x: 3 rows (100 %)"),
        (Progress(2, "x", 0, None, -5.0), "2 x: 0 rows (0 %)"),
        (BlockDone(3, "filter", 12), "3 filter: done, 12 rows"),
        (BlockDone(3, "filter"), "3 filter: done"),
        (BlockFailed(3, "filter", "timeout"), "3 filter: timeout"),
        (
            BlockFailed(3, "filter", message="no\ncredits"),
            "3 filter: failed: no\\ncredits",
        ),
        (Finished("completed"), "completed"),
        (Finished("failed", "no credits"), "failed: no credits"),
    ],
)
def test_event_says_itself_in_a_line(event, line):
    """Other people's words cannot write over the terminal."""
    assert str(event) == line


def test_finished_says_whether_it_is_well():
    """Only one word does."""
    assert Finished("completed").is_completed
    assert not Finished("timeout").is_completed


def test_lines_leave_out_small_steps():
    """A block has to come ten percent further; every other event is said."""
    lines = EventLines()
    events = [
        Queued(),
        BlockStarted(1, "a"),
        *[Progress(1, "a", n, 100, float(n)) for n in range(1, 31)],
        Progress(2, "b", 1, 8, 12.5),
        BlockDone(1, "a", 30),
    ]

    said = [line for event in events if (line := lines.format(event))]

    assert said == [
        "queued",
        "1 a: started",
        "1 a: 10 of 100 rows (10 %)",
        "1 a: 20 of 100 rows (20 %)",
        "1 a: 30 of 100 rows (30 %)",
        "2 b: 1 of 8 rows (12 %)",
        "1 a: done, 30 rows",
    ]
