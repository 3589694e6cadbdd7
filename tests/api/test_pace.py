"""The pace: no more than so many requests in any minute."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flow64.api import Pace


def sent_at(pace, arrivals):
    return [now + pace.reserve(now) for now in arrivals]


def test_place_that_comes_too_late_is_not_taken():
    """Else what is not sent would hold others back."""
    pace = Pace(1)

    assert [pace.reserve(0, 5), pace.reserve(50, 10), pace.reserve(50, 11)] == [
        0, None, 10,
    ]  # fmt: skip


def test_burst_goes_at_once_and_the_rest_as_the_minute_passes():
    assert sent_at(Pace(3), [0, 0, 1, 2, 2, 61]) == [0, 0, 1, 60, 60, 61]


@given(
    gaps=st.lists(st.floats(0, 30), max_size=100),
    per_minute=st.integers(1, 12),
)
def test_no_minute_holds_more(gaps, per_minute):
    arrivals, now = [], 0.0
    for gap in gaps:
        now += gap
        arrivals.append(now)

    sent = sent_at(Pace(per_minute), arrivals)

    assert sent == sorted(sent)
    for first, later in zip(sent, sent[per_minute:], strict=False):
        assert later - first >= 60 - 1e-6


def test_nobody_sends_before_a_pause_is_over():
    pace, free = Pace(2), Pace(None)
    for each in (pace, free):
        each.hold(10)
        each.hold(5)

    assert sent_at(pace, [0, 0, 0]) == [10, 10, 70]
    assert sent_at(free, [0, 0, 11]) == [10, 10, 11]
