"""The emulator as an object: serving, stopping, what it says of itself."""

from __future__ import annotations

import socket
import subprocess
import sys
import time

import attrs
import httpx
import pytest

from flow64.emulator import GUESSES, Clock, Emulator, Switches


def test_context_manager_serves_on_loopback():
    """A free port of 127.0.0.1 while the block lasts, and nothing after it."""
    with Emulator() as emulator:
        url = emulator.url
        reply = httpx.get(f"{url}/workflows", headers={"x-api-key": "k"})

    assert url.startswith("http://127.0.0.1:")
    assert reply.json() == []
    assert emulator.url == ""
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_answers_do_not_wait_for_acknowledgements():
    """Fifty requests over one connection take a fraction of fifty delayed ones."""
    with Emulator() as emulator, httpx.Client(base_url=emulator.url) as client:
        client.get("/workflows")
        began = time.monotonic()
        for _ in range(50):
            client.get("/workflows")
        took = time.monotonic() - began

    assert took < 50 * 0.04


def test_two_emulators_are_two_worlds():
    """Each has a port and a store of its own; starting twice changes nothing."""
    with Emulator() as first, Emulator() as second:
        assert first.url != second.url
        assert first.store is not second.store
        assert first.start().url == first.url


def test_stopped_emulator_can_be_started_again():
    """What it remembers is still there."""
    emulator = Emulator()
    for _ in range(2):
        with emulator:
            reply = httpx.get(f"{emulator.url}/workflows", headers={"x-api-key": "k"})
            assert reply.status_code == 200

    assert len(emulator.requests) == 2


def test_taken_port_is_an_error():
    """A port that somebody listens on cannot be used."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            Emulator(port=port).start()


def test_app_can_be_used_in_process():
    """The ASGI app answers without a socket."""
    emulator = Emulator()

    async def ask():
        transport = httpx.ASGITransport(app=emulator.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://emulator", headers={"x-api-key": "k"}
        ) as client:
            return await client.get("/workflows/blocks")

    import asyncio

    assert asyncio.run(ask()).status_code == 200


def test_clock_goes_forward():
    """Its time is real time and what it was put forward by."""
    clock = Clock()
    before = clock.now()

    clock.advance(900)

    assert 900 <= (clock.now() - before).total_seconds() < 960


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_missing_extra_says_what_to_install(missing):
    """Without the extra, the import raises one error with the line to run."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from flow64.errors import MissingExtraError\n"
        "try:\n    import flow64.emulator\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "pip install 'flow64[emulator]'" in done.stdout


def test_guesses_name_switches_that_exist():
    """Every switch is a guess with its mark, and every guess is named once."""
    switches = [guess.switch for guess in GUESSES if guess.switch]

    assert sorted(switches) == sorted(field.name for field in attrs.fields(Switches))
    assert len({guess.name for guess in GUESSES}) == len(GUESSES)
    assert {guess.mark for guess in GUESSES} == {"C", "I", "U"}
