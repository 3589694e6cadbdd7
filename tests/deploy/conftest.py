"""What the tests of applying share."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.deploy import History
from flow64.emulator import Emulator
from tests.deploy.applied import Hours, Place
from tests.service import clients
from tests.service.fault_server import FaultServer


@pytest.fixture(scope="package")
def emulator():
    with Emulator() as made:
        yield made


@pytest.fixture(params=["sync", "async"])
def place(request, emulator, tmp_path, monkeypatch):
    """An organisation of its own, on an emulator that all tests share."""
    monkeypatch.setattr(clients, "KEY", f"sk_test_{uuid4().hex}")
    emulator.requests.clear()
    return Place(request.param, emulator, History(tmp_path / "history", now=Hours()))


@pytest.fixture
def faulty(place):
    with FaultServer(place.emulator) as server:
        place.server = server
        yield place
