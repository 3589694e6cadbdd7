"""What the tests of applying share."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.deploy import History
from flow64.emulator import Emulator
from tests.deploy.applied import Hours, Place, client_of
from tests.service import clients
from tests.service.fault_server import FaultServer


@pytest.fixture(scope="package")
def emulator():
    with Emulator() as made:
        yield made


@pytest.fixture
def place(emulator, tmp_path, monkeypatch):
    """An organisation of its own, on an emulator that all tests share."""
    key = f"sk_test_{uuid4().hex}"
    monkeypatch.setattr(clients, "KEY", key)
    emulator.requests.clear()
    with client_of(emulator, key) as client:
        yield Place(emulator, History(tmp_path / "history", now=Hours()), client)


@pytest.fixture
def faulty(place):
    """The same place behind a fault server."""
    with FaultServer(place.emulator) as server:
        place.server = server
        yield place
