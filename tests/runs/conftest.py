"""What the tests of runs share."""

from __future__ import annotations

import time

import pytest

from flow64.api import threads
from flow64.runs import journal


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """Pass over waits, collect them, and let each test be a process of its own."""
    waits: list[float] = []
    monkeypatch.setattr(threads, "now", lambda: time.monotonic() + sum(waits))
    monkeypatch.setattr(threads, "sleep", waits.append)
    journal._UNWRITTEN.clear()
    return waits
