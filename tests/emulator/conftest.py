"""One emulator for all tests: each test is an organisation of its own."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.emulator import Emulator
from flow64.http import httpx
from tests.emulator.pages import opened
from tests.emulator.support import NO_CERTIFICATES, hold_to_contract


@pytest.fixture(scope="session")
def shared():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def connect():
    """Make clients. Every response is checked against the published contract."""
    clients = []

    def connected(emulator, key=None, **headers):
        made = httpx.Client(
            base_url=emulator.url,
            headers={"x-api-key": key or f"key-{uuid4()}", **headers},
            event_hooks={"response": [hold_to_contract]},
            timeout=20,
            verify=NO_CERTIFICATES,
        )
        clients.append(made)
        return made

    yield connected
    for made in clients:
        made.close()


@pytest.fixture
def client(shared, connect):
    return connect(shared)


@pytest.fixture
def serve(connect):
    """Serve a new emulator, and return it with a client."""
    served = []

    def serving(**arguments):
        emulator = Emulator(**arguments).start()
        served.append(emulator)
        return emulator, connect(emulator)

    yield serving
    for emulator in served:
        emulator.stop()


@pytest.fixture
def look(request):
    """Open the page of the emulator; keep what it complains of and asks for."""
    tab = request.getfixturevalue("tab")
    home = request.getfixturevalue("emulator").url
    return lambda address="", *, url=home, **more: opened(tab, url, address, **more)
