"""Single calls over real sockets: refused, reset, hung, cut, dripping, packed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import evolve

from flow64 import LEAD, Project, Workflow, errors
from flow64.api import Request, StopNow
from flow64.api._http import CONNECTIONS
from flow64.blocks import FindEmail, Search, Webhook
from flow64.client import AsyncClient, Client, Policy
from flow64.emulator import Emulator
from tests.service import clients
from tests.service.clients import BOTH, KEY, ask, job, play, use
from tests.service.fault_server import (
    CLOSED,
    HUNG,
    LOST,
    PASS,
    TWICE,
    Drop,
    FaultServer,
    Forward,
    Hang,
    Reply,
    answered,
    cut,
)

READ = Request("GET", "/x")
GROWTH = Project("growth", namespace="acme.example")
QUICK = Policy(first_wait=0.001, first_rest=0.001, timeout=0.3, deadline=5)
OK = Reply(200, {"a": 1})


def leads(mode="PROFESSIONAL"):
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail(mode=mode)
    return Workflow("Leads", flow, key="leads", project=GROWTH)


@BOTH
def test_refused_connection_is_tried_again(kind, server):
    """Nothing was sent, so it is free, for a write as well."""
    server.then(OK)
    server.refuse()
    opened = threading.Timer(0.02, server.listen)
    opened.start()
    patient = Policy(first_wait=0.5, deadline=5)

    found = play(kind, server.url, ask(Request("POST", "/x")), policy=patient)
    opened.join()

    assert (found, len(server.requests)) == ({"a": 1}, 1)


@BOTH
def test_attempts_and_time_are_told(kind, server):
    server.refuse()

    with pytest.raises(errors.TransportError, match=r"\(2 attempts in 0\.\d+ s\)") as e:
        play(kind, server.url, ask(READ), policy=QUICK)
    assert (e.value.sent, e.value.attempts) == (False, 2)


@BOTH
def test_scheme_in_upper_case(kind, server):
    """A refused connection is tried once more, however the scheme is written."""
    server.refuse()
    policy = Policy(first_wait=0.001, deadline=5)
    url = server.url.replace("http://", "HTTP://")

    with pytest.raises(errors.TransportError) as caught:
        play(kind, url, ask(READ), policy=policy)
    assert (caught.value.is_refused, caught.value.attempts) == (True, 2)


@BOTH
@pytest.mark.parametrize(
    "act",
    [
        Drop("reset"),
        Drop("close"),
        Drop("reset", after="headers"),
        Reply(200, {"a": 1}, cut=3),
        Reply(200, {"a": 1}, cut=3, ending="reset"),
        Reply(200, {"a": 1}, length=100),
        Reply(200, {"a": 1}, is_chunked=True, cut=3),
        Hang(),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_lost_answer_is_asked_for_again_where_that_is_free(kind, server, act, method):
    server.then(act, OK)
    asked = Request(method, "/x", body=None if method == "GET" else {})

    if method == "GET":
        assert play(kind, server.url, ask(asked), policy=QUICK) == {"a": 1}
    else:
        with pytest.raises(errors.TransportError) as caught:
            play(kind, server.url, ask(asked), policy=QUICK)
        assert caught.value.sent is True
    assert len(server.requests) == (2 if method == "GET" else 1)


def packed(data, *, cut_at=None):
    content = gzip.compress(data)
    return Reply(200, content[:cut_at], {"content-encoding": "gzip"})


@BOTH
def test_packed_answer_is_unpacked(kind, server):
    server.then(packed(b'{"a": 1}'))

    assert play(kind, server.url, ask(READ)) == {"a": 1}


@BOTH
def test_packed_answer_that_was_cut_is_no_answer(kind, server):
    """Its length is right, and what is in it is not."""
    data = b'{"a": "' + os.urandom(3000).hex().encode() + b'"}'
    server.then(packed(data, cut_at=1000), packed(data))

    assert len(play(kind, server.url, ask(READ), policy=QUICK)["a"]) == 6000


@BOTH
def test_bomb_is_not_unpacked_to_its_end(kind, server, monkeypatch):
    monkeypatch.setattr("flow64.api._session.MAX_ANSWER", 2**20)
    server.then(packed(bytes(50 * 2**20)))

    with pytest.raises(errors.AnswerError, match="more than"):
        play(kind, server.url, ask(Request("POST", "/x")), policy=QUICK)


@BOTH
def test_garbage_that_says_it_is_packed_is_no_answer(kind, server):
    server.then(Reply(200, b"nothing of that kind", {"content-encoding": "gzip"}))

    with pytest.raises(errors.TransportError, match="what came cannot be decoded"):
        play(kind, server.url, ask(Request("POST", "/x")), policy=QUICK)


def endless():
    while True:
        yield b"x" * 10_000


def dripping():
    while True:
        yield b" "


@BOTH
@pytest.mark.parametrize(
    "act",
    [
        Hang(),
        Reply(200, dripping, length=None, pause=0.05),
        Reply(200, {"a": 1}, headers={f"x-{n}": "y" for n in range(99)}, delay=9),
    ],
)
def test_deadline_holds_for_what_never_ends(kind, server, act):
    server.always("*", "*", act)
    began = time.monotonic()

    with pytest.raises(errors.TransportError):
        play(kind, server.url, ask(READ), policy=Policy(deadline=0.5, timeout=60))

    assert 0.4 < time.monotonic() - began < 1.5


@BOTH
def test_endless_body_is_cut_by_size(kind, server, monkeypatch):
    monkeypatch.setattr("flow64.api._session.MAX_ANSWER", 2**20)
    server.always("*", "*", Reply(200, endless, length=None))

    with pytest.raises(errors.AnswerError, match="more than"):
        play(kind, server.url, ask(Request("POST", "/x")))


@BOTH
def test_headers_that_drip_do_not_outlast_the_deadline(kind):
    """Each byte comes well within any time-out between two of them."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def drip():
        conn, _ = listener.accept()
        with conn:
            conn.recv(9999)
            conn.sendall(b"HTTP/1.1 200 OK\r\nx-slow: ")
            while not over.wait(0.02):
                try:
                    conn.sendall(b"y")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        policy = Policy(deadline=0.4, timeout=60)
        with pytest.raises(errors.TransportError):
            play(kind, url, ask(READ), policy=policy)
        assert time.monotonic() - began < 1.4
    finally:
        over.set()
        thread.join()
        listener.close()


# -- Deploying ------------------------------------------------------------------------

CREATE = "/workflows/create_workflow"


def deploy(kind, url, workflow, policy=QUICK, **more):
    return use(kind, url, lambda client: client.deploy(workflow, **more), policy=policy)


@pytest.fixture(scope="module")
def shared():
    with Emulator() as made:
        yield made


@pytest.fixture
def emulator(shared, monkeypatch):
    """One emulator for all, in which each test has a key and ids of its own."""
    monkeypatch.setattr(clients, "KEY", f"sk_test_{uuid4().hex}")
    growth = Project("growth", namespace=f"{uuid4()}.example")
    monkeypatch.setattr(sys.modules[__name__], "GROWTH", growth)
    return shared


@pytest.fixture
def faulty(emulator):
    with FaultServer(emulator) as made:
        yield made


HTML = Reply(200, "<html>log in</html>", {"content-type": "text/html"})
BEFORE = [Drop("reset"), Drop("close"), Reply(500), Reply(503, b"<html>"), Hang()]
AFTER = [
    LOST,
    CLOSED,
    HUNG,
    cut(5),
    cut(0, "close"),
    *[
        Forward(lambda _, odd=odd: odd)
        for odd in (
            Reply(500),
            Reply(502, b"<html>"),
            Reply(504),
            Reply(200, b'{"id": "tru'),
            Reply(200, b"nothing"),
            Reply(200, b"null"),
            Reply(200, b"[]"),
            Reply(200, b""),
            HTML,
        )
    ],
    TWICE,
]


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("act", [*BEFORE, *AFTER])
def test_deploy_whose_answer_is_lost_ends_with_one_workflow(
    kind, faulty, emulator, act
):
    """Not applied: sent again. Applied: seen to be there, and not sent again."""
    faulty.on("POST", CREATE, act)

    done = deploy(kind, faulty.url, leads())

    sent = len(faulty.of("POST"))
    assert (done.state, sent) == ("new", 2 if act in BEFORE else 1)
    assert len(use(kind, emulator.url, lambda c: c.workflows.list())) == 1
    assert deploy(kind, emulator.url, leads()).state == "unchanged"


@BOTH
@pytest.mark.parametrize("act", [Drop("reset"), Reply(500), Hang()])
def test_write_that_may_spend_is_never_sent_again(kind, faulty, act):
    """A look that finds nothing does not prove that nothing was bought."""
    found = Search(LEAD, query="people", auto_execute=True) >> FindEmail()
    workflow = Workflow("Found", found, key="found", project=GROWTH)
    faulty.on("POST", CREATE, act)

    with pytest.raises(errors.OutcomeUnknownError):
        deploy(kind, faulty.url, workflow, allow_spend=True)

    assert len(faulty.of("POST")) == 1


@BOTH
@pytest.mark.parametrize("act", AFTER)
def test_write_that_spent_and_is_there_is_done(kind, faulty, act):
    found = Search(LEAD, query="people", auto_execute=True) >> FindEmail()
    workflow = Workflow("Found", found, key="found", project=GROWTH)
    faulty.on("POST", CREATE, act)

    assert deploy(kind, faulty.url, workflow, allow_spend=True).state == "new"
    assert len(faulty.of("POST")) == 1


UPDATE = "/workflows/update_workflow"
LIMITED = evolve(QUICK, first_rest=0.01, timeout=5, deadline=30)


def found(name="Found"):
    flow = Search(LEAD, query="people", auto_execute=True) >> FindEmail()
    return Workflow(name, flow, key="found", project=GROWTH)


@BOTH
@pytest.mark.parametrize("path", [CREATE, UPDATE])
@pytest.mark.parametrize("act", [*map(answered, (429, 408, 425, 499, 302, 307))])
def test_write_that_spent_and_was_answered_with_an_error_is_read_back(
    kind, faulty, path, act
):
    """It is there, so it is not sent again, and nothing is bought twice."""
    if path == UPDATE:
        deploy(kind, faulty.url, found("Old"), allow_spend=True)
    faulty.on("POST", path, act)

    deploy(kind, faulty.url, found(), LIMITED, allow_spend=True)

    assert len(faulty.of("POST", path)) == 1
    assert faulty.requests[-1].method == "GET"


@BOTH
@pytest.mark.parametrize("path", [CREATE, UPDATE])
def test_write_that_may_spend_is_sent_again_after_a_429_and_a_look(kind, faulty, path):
    """The look shows what was there before, each time."""
    if path == UPDATE:
        deploy(kind, faulty.url, found("Old"), allow_spend=True)
    faulty.on("POST", path, Reply(429), Reply(429))
    before = len(faulty.requests)

    done = deploy(kind, faulty.url, found(), LIMITED, allow_spend=True)

    lines = ["GET", "POST", "GET", "POST", "GET", "POST", "GET"]
    assert [seen.method for seen in faulty.requests[before:]] == lines
    assert done.state == ("new" if path == CREATE else "update")


@BOTH
def test_write_that_spends_is_limited_for_good(kind, faulty):
    """It is reported as it was answered, and nothing was written."""
    faulty.always("POST", CREATE, Reply(429))

    with pytest.raises(errors.RateLimitedError):
        deploy(kind, faulty.url, found(), LIMITED, allow_spend=True)

    assert faulty.applied("POST") == []


@BOTH
def test_late_duplicate_of_a_write_changes_nothing(kind, faulty, emulator):
    """A proxy sends the first again, after the second has come."""
    deploy(kind, emulator.url, leads())
    faulty.on("POST", "/workflows/update_workflow", Forward(again=0.05))

    done = deploy(kind, faulty.url, leads("PERSONAL"))
    faulty.settle()

    assert done.state == "update"
    assert deploy(kind, emulator.url, leads("PERSONAL")).state == "unchanged"


@BOTH
def test_hanging_service_is_left_at_the_deadline(kind, faulty):
    """What became of the write is unknown, and that is said."""
    faulty.on("POST", CREATE, HUNG)
    faulty.on("GET", "*", PASS)
    faulty.always("GET", "*", Hang())
    began = time.monotonic()

    with pytest.raises(errors.OutcomeUnknownError, match="could not be read back"):
        deploy(kind, faulty.url, leads(), Policy(deadline=1, timeout=0.4))

    assert 0.8 < time.monotonic() - began < 2


@BOTH
@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_clock_that_jumps_changes_no_wait(kind, faulty, monkeypatch, jump):
    real = time.time
    faulty.on("GET", "*", Reply(500), Reply(429))
    monkeypatch.setattr(time, "time", lambda: real() + jump)

    assert deploy(kind, faulty.url, leads()).state == "new"


# -- Many users -----------------------------------------------------------------------


def test_threads_share_a_client(emulator):
    with Client(KEY, base_url=emulator.url, journal=None) as client:
        found = []

        def look():
            found.extend(client.call(ask(Request("GET", "/workflows"))) for _ in "abc")

        threads = [threading.Thread(target=look) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert found == [[]] * 24


def test_more_tasks_than_connections_wait_for_one(server):
    server.always("*", "*", Reply(200, [], delay=0.01))

    async def many():
        async with AsyncClient(KEY, base_url=server.url, journal=None) as client:
            looks = [client.call(ask(READ)) for _ in range(CONNECTIONS * 2)]
            return await asyncio.gather(*looks)

    assert asyncio.run(many()) == [[]] * CONNECTIONS * 2


def test_client_is_as_good_as_new_after_many_were_cancelled(server):
    """Whoever gives up waiting for an answer or a connection leaves none behind."""
    server.always("GET", "/hang", Hang())
    server.always("GET", "/x", Reply(200, []))

    async def many():
        async with AsyncClient(KEY, base_url=server.url, journal=None) as client:
            hung = Request("GET", "/hang")
            tasks = [
                asyncio.create_task(client.call(ask(hung)))
                for _ in range(CONNECTIONS * 3)
            ]
            await asyncio.sleep(0.2)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            looks = [client.call(ask(READ)) for _ in range(CONNECTIONS * 2)]
            return await asyncio.wait_for(asyncio.gather(*looks), 5)

    assert asyncio.run(many()) == [[]] * CONNECTIONS * 2


def test_client_of_another_loop_fails_loudly(server):
    server.always("*", "*", Reply(200, [], delay=0.05))

    async def look(client):
        return await asyncio.gather(*(client.call(ask(READ)) for _ in range(40)))

    client = AsyncClient(KEY, base_url=server.url, journal=None)
    assert len(asyncio.run(look(client))) == 40
    with pytest.raises((RuntimeError, errors.FlowError)):
        asyncio.run(look(client))
    with suppress(RuntimeError):  # of its connections, that another loop had
        asyncio.run(client.close())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_process_is_told_to_make_its_own(server):
    server.always("*", "*", Reply(200, []))
    with Client(KEY, base_url=server.url, journal=None) as client:
        client.call(ask(READ))
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:  # pragma: no cover - in the child
            said = b"nothing"
            try:
                client.call(ask(READ))
            except errors.ConfigError as error:
                said = str(error).encode()
            finally:
                os.write(write, said)
                os._exit(0)
        os.waitpid(pid, 0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            said = pipe.read()

        assert b"make another Client" in said
        assert client.call(ask(READ)) == []


def test_closed_client_says_so(server):
    client = Client(KEY, base_url=server.url, journal=None)
    client.close()
    client.close()

    with pytest.raises(errors.ConfigError, match="closed"):
        client.call(ask(READ))


class Dripping:
    """An async transport whose answer says that it is being read, and never ends.

    Like a TLS connection, it needs a moment to end once it is cancelled.
    """

    status, headers = 200, {}

    def __init__(self, seconds=0.05):
        self.is_read = threading.Event()
        self.is_over = False
        self._seconds = seconds
        self._parts = self._drip()

    async def send(self, request):
        return self

    async def read(self, timeout):  # noqa: ASYNC109 - as the protocol says
        return await anext(self._parts)

    async def _drip(self):
        try:
            self.is_read.set()
            await asyncio.sleep(60)
            yield b""
        finally:
            await asyncio.sleep(self._seconds)
            self.is_over = True

    async def close(self):
        await self._parts.aclose()


def test_interrupt_ends_what_is_read_before_it_is_raised():
    """Like every task that is cancelled, the call gets the time to end well."""
    dripping = Dripping()
    with Client(KEY, journal=None, transport=dripping) as client:
        interrupt = threading.Thread(
            target=lambda: dripping.is_read.wait(5) and os.kill(os.getpid(), 2)
        )
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            client.call(ask(READ))
        assert dripping.is_over
        interrupt.join()


def test_second_interrupt_does_not_wait_for_the_end():
    """The service may hang, and the user knows."""
    dripping = Dripping(seconds=60)

    def interrupt():
        dripping.is_read.wait(5)
        for _ in "ab":
            os.kill(os.getpid(), 2)
            time.sleep(0.1)

    client = Client(KEY, journal=None, transport=dripping)
    thread = threading.Thread(target=interrupt)
    thread.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        client.call(ask(READ))
    assert time.monotonic() - began < 2
    thread.join()
    client.close()


HANGS = 1.0


@job
async def two_writes(session, ended):
    """Send two writes, and note what each of them gave."""
    for path in ("/first", "/second"):
        ended.append(await session.ask(Request("POST", path)))


@pytest.fixture
def slow_writes(server):
    server.always("POST", "*", Reply(200, {"a": 1}, delay=HANGS))
    return server


def wait_until_sent(server):
    while not server.requests:
        time.sleep(0.01)


def interrupt_once_sent(server):
    wait_until_sent(server)
    os.kill(os.getpid(), signal.SIGINT)


def test_interrupt_lets_the_write_under_way_end(slow_writes):
    """Its outcome is known then; the next one is not sent."""
    ended = []
    with Client(KEY, base_url=slow_writes.url, journal=None) as client:
        thread = threading.Thread(target=interrupt_once_sent, args=(slow_writes,))
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            client.call(two_writes(ended))
        thread.join()
    assert (ended, [seen.line for seen in slow_writes.requests]) == (
        [{"a": 1}],
        ["POST /first"],
    )


def test_cancelled_task_lets_the_write_under_way_end(slow_writes):
    ended = []

    async def cancelled():
        async with AsyncClient(KEY, base_url=slow_writes.url, journal=None) as client:
            task = asyncio.create_task(client.call(two_writes(ended)))
            await asyncio.to_thread(wait_until_sent, slow_writes)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    assert (ended, [seen.line for seen in slow_writes.requests]) == (
        [{"a": 1}],
        ["POST /first"],
    )


def test_last_write_of_a_cancelled_task_ends_in_its_cancellation(slow_writes):
    """A timeout of the caller stays one."""
    ended = []

    @job
    async def one(session):
        ended.append(await session.ask(Request("POST", "/first")))

    async def limited():
        async with AsyncClient(KEY, base_url=slow_writes.url, journal=None) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.6):
                    await client.call(one())

    asyncio.run(limited())
    assert ended == [{"a": 1}]


def test_second_cancellation_does_not_wait_for_a_write(slow_writes):
    ended = []

    async def cancelled():
        async with AsyncClient(KEY, base_url=slow_writes.url, journal=None) as client:
            task = asyncio.create_task(client.call(two_writes(ended)))
            await asyncio.to_thread(wait_until_sent, slow_writes)
            for _ in "ab":
                task.cancel()
                await asyncio.sleep(0.01)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancelled())
    assert ended == []


def test_client_is_not_called_from_its_own_loop(server):
    """It would wait for itself."""
    with Client(KEY, base_url=server.url, journal=None) as client:

        async def nested(session):
            return client.balance()

        with pytest.raises(errors.ConfigError, match="use another Client there"):
            client.call(nested)


def test_call_that_cancels_itself_is_cancelled(server):
    async def give_up(session):
        raise asyncio.CancelledError

    with (
        Client(KEY, base_url=server.url, journal=None) as client,
        pytest.raises(concurrent.futures.CancelledError),
    ):
        client.call(give_up)


@pytest.mark.parametrize("where", ["own loop", "closed client"])
def test_events_that_are_left_are_ended_wherever_they_are_collected(server, where):
    ended = threading.Event()

    async def endless(session):
        try:
            while True:
                await session.emit("more")
        finally:
            ended.set()

    client = Client(KEY, base_url=server.url, journal=None)
    events = client.stream(endless)
    assert next(events) == "more"
    if where == "own loop":
        client._thread._loop.call_soon_threadsafe(events.close)
    else:
        client.close()
        events.close()
    assert ended.wait(5)
    client.close()


BEGIN = "flow64.api._loop_thread._Call.begin"


def test_interrupt_before_a_call_begins_is_an_interrupt(server, monkeypatch):
    """Nothing is waited for, and the client is as good as before."""

    def interrupt(_):
        raise KeyboardInterrupt

    server.always("*", "*", Reply(200, {"a": 1}))
    with Client(KEY, base_url=server.url, journal=None) as client:
        with monkeypatch.context() as patched:
            patched.setattr(BEGIN, interrupt)
            with pytest.raises(KeyboardInterrupt):
                client.call(ask(READ))
        assert client.call(ask(READ)) == {"a": 1}
    assert len(server.requests) == 1


def test_call_that_is_cancelled_before_it_begins_sends_nothing(server, monkeypatch):
    def cancel_first(call):
        call._loop.call_soon_threadsafe(call._cancel)
        call._loop.call_soon_threadsafe(call._begin)

    monkeypatch.setattr(BEGIN, cancel_first)
    with (
        Client(KEY, base_url=server.url, journal=None) as client,
        pytest.raises(concurrent.futures.CancelledError),
    ):
        client.call(ask(READ))
    assert server.requests == []


def test_interrupt_while_events_are_ended_is_an_interrupt(server, monkeypatch):
    async def endless(session):
        while True:
            await session.emit("more")

    def interrupt(_):
        raise KeyboardInterrupt

    with Client(KEY, base_url=server.url, journal=None) as client:
        events = client.stream(endless)
        next(events)
        with monkeypatch.context() as patched:
            patched.setattr("flow64.api._loop_thread._Call.wait", interrupt)
            with pytest.raises(KeyboardInterrupt):
                events.close()


async def endless_events(session):
    while True:
        await session.emit("more")


def test_second_interrupt_of_events_does_not_wait_for_their_end(server):
    with Client(KEY, base_url=server.url, journal=None) as client:
        events = client.stream(endless_events)
        next(events)
        with pytest.raises(StopNow):
            events.throw(StopNow())


def test_events_of_another_process_are_left_alone(server, monkeypatch):
    with Client(KEY, base_url=server.url, journal=None) as client:
        events = client.stream(endless_events)
        next(events)
        with monkeypatch.context() as patched:
            patched.setattr(client._thread, "_pid", -1)
            events.close()
        assert [*events] == []


@BOTH
def test_function_for_the_caller_is_called_without_events_too(kind, server):
    async def count(session):
        return await session.call_in_caller(lambda: 7)

    assert use(kind, server.url, lambda client: client.call(count)) == 7


def test_closed_client_ends_a_write_under_way(slow_writes):
    client, said = Client(KEY, base_url=slow_writes.url, journal=None), []

    def write():
        try:
            client.call(two_writes([]))
        except errors.FlowError as error:
            said.append(type(error))

    thread = threading.Thread(target=write)
    thread.start()
    wait_until_sent(slow_writes)
    client.close()
    thread.join(5)
    assert said == [errors.ConfigError]


class Sore:
    """A transport whose answers are interrupted, and do not close well."""

    def send(self, request):
        return SoreAnswer()

    def close(self):
        pass


class SoreAnswer:
    status, headers = 200, {}

    def read(self, timeout):
        raise KeyboardInterrupt

    def close(self):
        raise ConnectionResetError


def test_answer_that_does_not_close_well_hides_no_interrupt():
    with (
        Client(KEY, journal=None, transport=Sore()) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        client.call(ask(READ))


def test_client_that_is_closed_ends_what_others_wait_for(server):
    """They are told so, and nothing of it is left on the loop."""
    server.always("*", "*", Hang())
    client = Client(KEY, base_url=server.url, journal=None)
    said = []

    def look():
        try:
            client.call(ask(READ))
        except errors.FlowError as error:
            said.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    while not server.requests:
        time.sleep(0.01)
    client.close()
    thread.join(5)

    assert [type(error).__name__ for error in said] in (
        ["TransportError"],
        ["ConfigError"],
    )


def threads_and_files():
    gc.collect()
    threads = [t for t in threading.enumerate() if t.name.startswith("flow64-")]
    return len(threads), len([*Path("/proc/self/fd").iterdir()])


def settled(expected):
    """What is left once threads that end by themselves have ended."""
    ends = time.monotonic() + 5
    while (found := threads_and_files()) != expected and time.monotonic() < ends:
        time.sleep(0.01)
    return found


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="it counts in /proc")


@job
async def opened(session, url):
    """Open a link, and leave it half read."""
    await session.open(url)


@on_linux
@pytest.mark.parametrize("is_read", [True, False])
def test_client_that_is_dropped_is_closed_with_a_warning(server, is_read):
    """Its thread and its descriptors go, also those of what was left half read."""
    server.always("*", "*", Reply(200, {"a": 1}))
    before = threads_and_files()
    client = Client(KEY, base_url=server.url, journal=None)
    if is_read:
        client.call(ask(READ))
    else:
        client.call(opened(f"{server.url}/x"))
    assert threads_and_files()[0] == before[0] + 1

    with pytest.warns(
        ResourceWarning, match=r"unclosed Client\('http://127.*use `with`"
    ):
        del client

    assert settled(before) == before


@on_linux
def test_client_that_was_not_used_or_was_closed_is_dropped_silently(server):
    server.always("*", "*", Reply(200, {"a": 1}))
    before = threads_and_files()

    Client(KEY, base_url=server.url, journal=None)
    with Client(KEY, base_url=server.url, journal=None) as client:
        client.call(ask(READ))
    del client

    assert settled(before) == before


def test_client_is_closed_from_its_own_thread_without_a_wait(server):
    """The garbage collector may run there."""
    server.always("*", "*", Reply(200, {"a": 1}))
    client = Client(KEY, base_url=server.url, journal=None)
    client.call(ask(READ))
    loop = client._thread
    thread = loop._thread

    loop._loop.call_soon_threadsafe(client.close)
    thread.join(5)

    assert not thread.is_alive()
    with pytest.raises(errors.ConfigError, match="closed"):
        client.call(ask(READ))


def test_async_client_of_another_event_loop_says_so(server):
    """Connections belong to a loop, and closing those of one that ended is free."""
    client = AsyncClient("k", base_url=server.url, journal=None)
    server.always("*", "*", Reply(200, {"credits": 1}))

    asyncio.run(client.balance())

    with pytest.raises(errors.ConfigError, match=r"inside each asyncio\.run"):
        asyncio.run(client.balance())
    asyncio.run(client.close())


@pytest.mark.parametrize("is_closed", [True, False])
def test_async_client_that_is_dropped_warns(server, is_closed):
    """Its loop may be over, so nobody else can close it."""
    server.always("*", "*", Reply(200, {"a": 1}))

    async def used():
        client = AsyncClient(KEY, base_url=server.url, journal=None)
        await client.call(ask(READ))
        if is_closed:
            await client.close()

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        asyncio.run(used())
        gc.collect()

    words = [str(one.message) for one in said if "AsyncClient" in str(one.message)]
    text = f"unclosed AsyncClient('{server.url}'): use `async with`, or await close()"
    assert words == [text] * (not is_closed)


DROPPED = """
import os, sys
from flow64.client import Client
from flow64.api import Request

def ask(session):
    return session.ask(Request("GET", "/x"))

def used():
    made = Client("k", base_url=sys.argv[1], journal=None)
    made.call(ask)
    return made

client = used()
if sys.argv[2] == "fork":
    if (pid := os.fork()) == 0:
        del client
        sys.exit(0)
    print(os.waitpid(pid, 0)[1], client.call(ask))
    client.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(("how", "said"), [("exit", ""), ("fork", "0 {'a': 1}")])
def test_client_that_is_dropped_stops_no_exit_and_no_fork(server, how, said):
    """The process ends at once; what a child drops stays open in its parent."""
    server.always("*", "*", Reply(200, {"a": 1}))

    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error::ResourceWarning",
            "-W",  # since 3.12, Python itself warns of a fork beside threads
            "ignore::DeprecationWarning",
            "-c",
            DROPPED,
            server.url,
            how,
        ],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr, done.returncode) == (said, "", 0)


# Python drops a Ctrl-C that comes in a destructor, so each is repeated after a second.
# An import that is interrupted may keep its lock, so all imports come before the first.
INTERRUPTED = """
import random, signal, sys
from flow64.client import Client, Policy
from flow64.runs import Tracked, watch_run

def watch():
    for _ in client.stream(watch_run, Tracked("r", "w"), every=0.001):
        yield

signal.signal(signal.SIGALRM, signal.default_int_handler)
policy = Policy(requests_per_minute=None)
luck, wrong = random.Random(7), []
with Client("k", base_url=sys.argv[1], journal=None, policy=policy) as client:
    next(watch())
    for turn in range(200):
        try:
            signal.setitimer(signal.ITIMER_REAL, luck.uniform(0.0005, 0.03), 1)
            list(watch())
        except KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, 0)
        except BaseException as error:
            wrong.append(repr(error))
print(wrong)
raise KeyboardInterrupt
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no such timer")
def test_interrupt_at_any_instant_is_an_interrupt(server):
    """Two hundred of them, while bodies drip and connections end."""
    body = json.dumps({"overall_status": "running", "blocks": [], "x": "x" * 64})
    drips = Reply(200, body.encode(), size=16, pause=0.002)
    server.always("GET", "*", lambda seen: drips if seen.connection % 2 else cut_off)
    cut_off = evolve(drips, cut=40, ending="reset")

    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, server.url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == ("[]", -signal.SIGINT), done.stderr
    assert "RuntimeError" not in done.stderr


def test_interrupt_ends_the_request(server):
    """Ctrl-C comes while the thread waits for the loop that waits for the service."""
    server.always("*", "*", Hang())
    with Client(KEY, base_url=server.url, journal=None) as client:
        timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), 2))
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.call(ask(READ))
        assert time.monotonic() - began < 2
