"""The fault server does what it is told, and writes down what it did."""

from __future__ import annotations

import time

import pytest

from flow64.emulator import Emulator
from flow64.http import httpx
from tests.service.fault_server import (
    CLOSED,
    HUNG,
    LOST,
    TWICE,
    Drop,
    FaultServer,
    Forward,
    Hang,
    Reply,
    after,
    cut,
    location,
)

KEY = {"x-api-key": "k"}
BODY = {
    "workflow_name": "w",
    "workflow_description": "",
    "workflow_definition": {"blocks": [], "edges": []},
}


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as served:
        yield served


@pytest.fixture
def server(emulator):
    with FaultServer(emulator) as served:
        yield served


def ask(server, method="GET", path="/workflows", **more):
    return httpx.request(
        method, server.url + path, headers=KEY, timeout=0.5, verify=False, **more
    )


def schedule(server):
    """A write that makes one more of something each time that it is applied."""
    return ask(server, "POST", "/webhooks/signing-secret")


def test_request_reaches_the_emulator_and_is_written_down(server):
    """As it came: path, query, every header, body."""
    reply = ask(server, "GET", "/workflows/runs?limit=3&x=1&x=2")
    assert reply.status_code == 200
    (seen,) = server.requests
    assert seen.line == "GET /workflows/runs"
    assert seen.query == {"limit": ["3"], "x": ["1", "2"]}
    assert seen.all("X-Api-Key") == ["k"]
    assert seen.header("authorization") is None
    assert (seen.json, seen.applied) == (None, 1)


@pytest.mark.parametrize(
    ("act", "applied"),
    [
        (LOST, 1),
        (CLOSED, 1),
        (HUNG, 1),
        (cut(3), 1),
        (cut(3, "close"), 1),
        (after(5), 1),
        (Drop(), 0),
        (Drop("close"), 0),
        (Drop(after="headers"), 0),
        (Hang(), 0),
        (Hang(0.01), 0),
        (lambda _: Drop(), 0),
    ],
)
def test_no_whole_answer_comes_whether_it_was_applied_or_not(server, act, applied):
    server.then(act)
    with pytest.raises(httpx.TransportError):
        schedule(server)
    assert [seen.applied for seen in server.requests] == [applied]
    assert server.unused == []


def test_nothing_is_read_of_a_connection_that_is_dropped_at_once(server):
    server.then(Drop(after="nothing"))
    with pytest.raises(httpx.TransportError):
        ask(server)
    assert (server.connections, server.requests) == (1, [])


def test_request_is_delivered_twice_or_late(server, emulator):
    before = len(emulator.requests)
    server.then(TWICE, Forward(again=0.01))
    assert [schedule(server).status_code for _ in range(2)] == [201, 201]
    server.settle()
    assert [seen.applied for seen in server.requests] == [2, 2]
    assert len(server.applied("POST")) == 4
    assert len(emulator.requests) == before + 4


def test_scripts_of_a_path_come_first_then_the_queue_then_what_is_always(server):
    server.always("*", "*", Reply(200, "always"))
    server.always("GET", "/b", Reply(200, "b"))
    server.then(Reply(200, "queue"))
    server.on("GET", "/a*", Reply(200, "on"))
    assert [seen.body for seen in server.unused] == ["on", "queue"]
    assert [ask(server, path=path).text for path in ("/b", "/a1", "/a1", "/b")] == [
        "queue",
        "on",
        "always",
        "b",
    ]


def test_change_is_what_the_emulator_gets(server):
    def renamed(seen):
        seen.target = "/workflows/runs"
        return seen

    server.then(Forward(change=renamed))
    assert ask(server, path="/nowhere").json() == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"abcdef"),
        Reply(200, "abcdef", size=2, pause=0.001),
        Reply(200, lambda: iter([b"abc", b"def"])),
        Reply(200, b"abcdef", is_chunked=True, size=4),
        Reply(200, b"abcdef", length=None),
        Reply(200, b"abcdef", length=6, delay=0.001),
    ],
)
def test_answer_is_written_in_any_manner(server, reply):
    server.then(reply)
    assert ask(server).text == "abcdef"


def test_length_that_is_not_so(server):
    server.then(Reply(200, b"abc", length=7))
    with pytest.raises(httpx.RemoteProtocolError):
        ask(server)


def test_redirect_and_data(server):
    server.then(location(307, "https://evil.example/x"), Reply(418, {"detail": "x"}))
    moved, odd = ask(server), ask(server)
    assert moved.headers["location"] == "https://evil.example/x"
    assert (odd.status_code, odd.json()) == (418, {"detail": "x"})


def test_refused_and_open_again(server):
    url = server.url
    server.refuse()
    with pytest.raises(httpx.ConnectError):
        ask(server)
    server.listen()
    assert server.url == url
    assert ask(server).status_code == 200


def test_it_stops_at_once_in_the_middle_of_an_endless_answer():
    """And a hanging one; whoever waits for them is let go."""
    with FaultServer() as server:
        server.then(Reply(200, lambda: iter(lambda: b"x" * 99, None), pause=0.001))
        with httpx.stream("GET", server.url, verify=False) as reply:
            began = time.monotonic()
            next(reply.iter_raw())
            server.stop()
    assert time.monotonic() - began < 5


def test_without_an_emulator_what_is_not_said_is_not_there():
    with FaultServer() as server:
        assert ask(server).status_code == 501


def test_its_own_mistakes_are_shown():
    server = FaultServer()
    server.listen()
    server.then(lambda _: 1 / 0)
    with pytest.raises(httpx.TransportError):
        ask(server)
    with pytest.raises(ZeroDivisionError):
        server.stop()
