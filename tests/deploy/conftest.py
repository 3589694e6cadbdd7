"""What the tests of deploys share."""

from __future__ import annotations

import pytest

from flow64.deploy.history import History
from flow64.emulator import Emulator
from tests.deploy.planned import Hours, service


@pytest.fixture
def here(tmp_path):
    """A service in this process, and a history."""
    with service(History(tmp_path / "history", now=Hours())) as place:
        yield place


@pytest.fixture(scope="package")
def emulator():
    """A service at a port, for faults."""
    with Emulator() as running:
        yield running
