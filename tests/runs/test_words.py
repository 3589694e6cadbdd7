"""Status words, in one spelling and in one direction."""

from __future__ import annotations

import pytest

from flow64.api import ENDED, later, normal


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("completed", "completed"),
        ("Completed", "completed"),
        ("RUNNING", "running"),
        ("canceled", "cancelled"),
        ("CANCELED", "cancelled"),
        ("cancelled", "cancelled"),
        ("timed_out", "timeout"),
        (" timeout\n", "timeout"),
        ("terminated", "terminated"),
        ("Resting", "resting"),
        ("continued_as_new", "continued_as_new"),
        ("", ""),
    ],
)
def test_words_have_one_spelling(word, expected):
    """Also those that nobody knows, which stay as they are."""
    assert normal(word) == expected


def test_only_known_words_end_a_run():
    """Any other word means that it goes on."""
    expected = {"completed", "failed", "cancelled", "timeout", "terminated"}

    assert expected == ENDED


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("", "queued", "queued"),
        ("", "resting", "resting"),
        ("queued", "", "queued"),
        ("queued", "pending", "pending"),
        ("queued", "running", "running"),
        ("running", "queued", "running"),
        ("running", "resting", "resting"),
        ("resting", "queued", "resting"),
        ("resting", "running", "running"),
        ("running", "", "running"),
        ("running", "failed", "failed"),
        ("completed", "running", "completed"),
        ("completed", "failed", "completed"),
        ("cancelled", "queued", "cancelled"),
    ],
)
def test_later_word_is_kept(before, now, expected):
    """What has ended stays as it ended, and what has begun waits no more."""
    assert later(before, now) == expected
