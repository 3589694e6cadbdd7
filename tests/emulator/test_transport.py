"""Requests to the emulator in this process, without a socket."""

from __future__ import annotations

import threading

import pytest

from flow64 import Client
from flow64.emulator import Emulator
from flow64.emulator._transport import InProcessTransport
from flow64.http import httpx
from tests.emulator.support import LEADS, create, in_process, links, run_rows
from tests.service.support import leads

BASE = "http://localhost"


def asked(app, **arguments):
    """A client of an app."""
    return httpx.Client(transport=InProcessTransport(app), base_url=BASE, **arguments)


@pytest.fixture
def client():
    """A client of an emulator without a port."""
    emulator = Emulator()
    with in_process(emulator, base_url=BASE, headers={"x-api-key": "k"}) as made:
        yield made
    emulator.stop()


def test_everything_is_answered_without_a_port(client):
    """Create, run, watch and download with a signed link."""
    run_id = run_rows(client, LEADS, [{"name": "Zoë"}])

    (first, *_) = links(client, run_id)

    assert first["download_url"].startswith(f"{BASE}/files/")
    assert client.get(first["download_url"]).text == "name\r\nZoë\r\n"


def test_the_library_needs_no_port_either():
    """Its client takes the transport. Two clients of one key see the same data."""
    emulator = Emulator()
    with (
        Client("k", base_url=BASE, transport=emulator.transport()) as first,
        Client("k", base_url=BASE, transport=emulator.transport()) as second,
    ):
        deployed = leads().deploy(first)

        assert first.is_local
        assert second.runs.list(workflow_id=deployed.workflow_id) == []
    emulator.stop()


def test_queries_and_bodies_arrive_as_they_are(client):
    """Escapes, repeated parameters, and bodies in pieces."""
    own = create(client, LEADS)

    reply = client.post(
        f"/workflows/run?workflow_id={own}&result_formats=json&result_formats=ndjson",
        content=(part for part in (b'{"webhook_payload"', b": []}")),
        headers={"content-type": "application/json"},
    )

    assert reply.status_code == 200
    assert client.get("/workflows/%C3%A9%2F").status_code == 404
    assert client.get("/workflows/%C3%A9").status_code == 422


def test_closing_ends_the_thread():
    """Closing twice is allowed."""
    emulator = Emulator()
    before = threading.active_count()
    transport = emulator.transport()
    during = threading.active_count()

    transport.close()
    transport.close()

    assert (during - before, threading.active_count() - before) == (1, 0)
    emulator.stop()


def test_answers_come_in_parts():
    """The first can be read before the second is sent."""
    is_read = threading.Event()

    async def app(scope, receive, send):
        start = {"status": 200, "headers": [(b"x-own", b"1")]}
        await send({"type": "http.response.start", **start})
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        while not is_read.is_set():
            pass
        await send({"type": "http.response.body", "body": b"two"})

    with asked(app) as client, client.stream("GET", "/") as reply:
        parts = reply.iter_raw()
        first = next(parts)
        is_read.set()

        assert (reply.headers["x-own"], first, [*parts]) == ("1", b"one", [b"two"])


def test_app_learns_that_it_is_over():
    """It gets a disconnect message after the response."""
    seen = []

    async def app(scope, receive, send):
        seen.append(await receive())
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    with asked(app) as client:
        assert client.post("/", content=b"body").status_code == 204

    assert seen == [{"type": "http.request", "body": b"body", "more_body": False}]


async def silent(scope, receive, send):
    """Ends without an answer."""


async def broken_off(scope, receive, send):
    """Ends in the middle of one."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})


async def reset(scope, receive, send):
    """Is reset."""
    raise ConnectionResetError


async def stuck(scope, receive, send):
    """Waits for the client to leave."""
    await receive()
    await receive()


@pytest.mark.parametrize(
    ("app", "error"),
    [
        (silent, httpx.RemoteProtocolError),
        (broken_off, httpx.RemoteProtocolError),
        (reset, httpx.ReadError),
        (stuck, httpx.ReadTimeout),
    ],
)
def test_no_answer_is_what_it_is_over_a_socket(app, error):
    """Httpx raises the same errors, so retries can be tested."""
    with asked(app, timeout=0.2) as client, pytest.raises(error):
        client.get("/")


def test_transport_that_is_dropped_ends_its_thread():
    """Also if its client was never closed."""
    with Emulator() as emulator:
        transport = emulator.transport()
        thread, loop = transport._thread, transport._loop
        client = Client(
            "any", base_url="http://localhost", journal=None, transport=transport
        )
        client.runs.list()
        with pytest.warns(ResourceWarning, match="unclosed Client"):
            del transport, client
        thread.join(5)

    assert (thread.is_alive(), loop.is_closed()) == (False, True)
