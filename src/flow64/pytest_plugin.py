"""The plugin for pytest: an emulator for each test, its URL, and clients.

pytest loads this module in each of its runs. So it imports nothing of flow64 before a
test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .client import AsyncClient, Client
    from .emulator import Emulator


@pytest.fixture
def flow64_emulator() -> Iterator[Emulator]:
    """An emulator for this test alone, in memory and without a port."""
    from .testing import open_emulator

    with open_emulator() as emulator:
        yield emulator


@pytest.fixture
def flow64_client(flow64_emulator: Emulator) -> Iterator[Client]:
    """A client of this test's emulator."""
    from .testing import make_client

    with make_client(flow64_emulator) as client:
        yield client


@pytest.fixture
def flow64_async_client(flow64_emulator: Emulator) -> Iterator[AsyncClient]:
    """An async client of this test's emulator, for any event loop."""
    from .client import AsyncClient
    from .testing import HERE, KEY

    # Closed here, since no event loop may be left that awaits it.
    transport = flow64_emulator.transport()
    yield AsyncClient(KEY, base_url=HERE, transport=transport, journal=None)
    transport.close()


@pytest.fixture
def flow64_url(flow64_emulator: Emulator) -> str:
    """The URL of this test's emulator, which is served on a free port."""
    return flow64_emulator.start().url
