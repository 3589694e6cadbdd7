"""Fixtures of the tests of runs."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def new_process(monkeypatch):
    """Forget the runs that this process knows; call it to do that again."""

    def forget():
        monkeypatch.setattr("flow64.runs._launch._OURS", {})

    forget()
    return forget
