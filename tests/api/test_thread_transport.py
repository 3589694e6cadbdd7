"""Blocking transports: each call of one runs in a thread, and ends at its deadline."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from flow64 import errors
from flow64.api import Request
from flow64.client import Policy
from tests.api.test_session import Fake, Reply, play
from tests.service.clients import BOTH, ask, use

URL = "https://api.example.com"
HASTY = Policy(deadline=0.1, retries=0)
READ = ask(Request("GET", "/x"))


class Stuck:
    """A blocking transport that waits until it is let go: to send, or to read."""

    status, headers = 200, {}

    def __init__(self, where):
        self.where = where
        self.may_end = threading.Event()
        self.is_closed = threading.Event()

    def send(self, request):
        if self.where == "send":
            self.may_end.wait(5)
        return self if self.where != "close" else Reply([b"1"])

    def read(self, timeout):
        self.may_end.wait(5)
        return b""

    def close(self):
        self.is_closed.set()


@BOTH
@pytest.mark.parametrize("where", ["send", "read"])
def test_call_ends_at_its_deadline_although_the_thread_waits(kind, where):
    """The thread closes the answer when it comes after all."""
    stuck, closed_at_deadline = Stuck(where), []

    def call(client):
        if kind == "sync":
            return attempt(client)
        return attempt_async(client)

    def attempt(client):
        began = time.monotonic()
        with pytest.raises(errors.TransportError, match="no answer within"):
            client.call(READ)
        note(began)
        release()

    async def attempt_async(client):
        began = time.monotonic()
        with pytest.raises(errors.TransportError, match="no answer within"):
            await client.call(READ)
        note(began)
        await asyncio.to_thread(release)

    def note(began):
        assert time.monotonic() - began < 2
        closed_at_deadline.append(stuck.is_closed.is_set())

    def release():
        stuck.may_end.set()
        assert stuck.is_closed.wait(5)

    use(kind, URL, call, transport=stuck, policy=HASTY)
    assert closed_at_deadline == [False]


@BOTH
def test_stop_iteration_of_a_transport_is_an_error(kind):
    """No future can carry it."""

    class Empty(Fake):
        def send(self, request):
            raise StopIteration

    with pytest.raises(RuntimeError, match="the transport raised StopIteration"):
        use(kind, URL, lambda client: client.call(READ), transport=Empty())


@BOTH
def test_answer_after_the_deadline_that_is_an_error_is_dropped(kind):
    may_end = threading.Event()

    class Late(Fake):
        def send(self, request):
            may_end.wait(5)
            raise OSError

    with pytest.raises(errors.TransportError, match="no answer within"):
        use(kind, URL, lambda client: client.call(READ), transport=Late(), policy=HASTY)
    may_end.set()


@BOTH
def test_answer_after_the_end_of_the_client_is_closed(kind):
    """The loop that it was for is gone by then."""
    may_end, is_closed = threading.Event(), threading.Event()

    class Answer(Reply):
        def close(self):
            is_closed.set()

    class Late(Fake):
        def send(self, request):
            may_end.wait(5)
            return Answer([b"1"])

    with pytest.raises(errors.TransportError, match="no answer within"):
        use(kind, URL, lambda client: client.call(READ), transport=Late(), policy=HASTY)
    may_end.set()

    assert is_closed.wait(5)


def test_both_clients_take_either_transport():
    """A blocking one for a client that awaits, too."""

    async def awaited():
        return await asyncio.to_thread(play, "sync", Fake(Reply([b"1"])), READ)

    assert asyncio.run(awaited()) == 1
    fake = Fake(Reply([b"2"]))
    assert use("async", URL, lambda client: client.call(READ), transport=fake) == 2


@BOTH
def test_transport_that_does_not_close_is_left_behind(kind, monkeypatch):
    """Neither an answer nor the client waits for it for long."""
    monkeypatch.setattr("flow64.api._thread_transport.CLOSING", 0.05)
    may_end = threading.Event()

    class Answer(Reply):
        def close(self):
            may_end.wait(5)

    class Clinging(Fake):
        def close(self):
            may_end.wait(5)

    began = time.monotonic()
    fake = Clinging(Answer([b"1"]))
    assert use(kind, URL, lambda client: client.call(READ), transport=fake) == 1
    assert time.monotonic() - began < 2
    may_end.set()
