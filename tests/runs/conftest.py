"""What the tests of runs share."""

from __future__ import annotations

import pytest

from flow64.api import threads
from flow64.runs import journal


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pass over waits, and let each test be a process of its own."""
    passed = [0.0]
    monkeypatch.setattr(threads, "now", lambda: passed[0])

    def sleep(seconds):
        passed[0] += seconds

    monkeypatch.setattr(threads, "sleep", sleep)
    journal._UNWRITTEN.clear()
    return passed
