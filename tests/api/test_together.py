"""Several conversations at a time, by both players: order, limit, failures, ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import Future
from contextvars import ContextVar

import pytest

from flow64 import errors
from flow64.api import (
    Begin,
    Emit,
    Fetch,
    Now,
    Organisation,
    Request,
    Sleep,
    Together,
    ask,
    in_turn,
)
from flow64.api import _concurrency as _parts
from flow64.api._loop_thread import Cut
from flow64.client import AsyncClient, Client, Policy
from tests.api.test_player import LINK, URL, AwaitedReply, Reply
from tests.service.clients import BOTH, KEY, FakeClock, use, with_clock
from tests.service.fault_server import FaultServer, Hang
from tests.service.support import MISSING, Script, answer

TOLD = ContextVar("TOLD", default=None)


class Service:
    """Answers each path with itself, after a while, and counts who waits at a time."""

    def __init__(self, seconds=0.01, statuses=None, waits=None):
        self.seconds = seconds
        self.statuses = statuses or {}
        self.waits = waits or {}
        self.asked = []
        self.timeouts = []
        self.times = []
        self.told = []
        self.most = self.now = self.broken = 0
        self.lock = threading.Lock()

    def began(self, request):
        path = request.url.removeprefix(URL)
        with self.lock:
            self.asked.append(path)
            self.timeouts.append(request.timeout)
            self.times.append(time.monotonic())
            self.told.append(TOLD.get())
            self.now += 1
            self.most = max(self.most, self.now)
        return path, self.waits.get(path, self.seconds)

    def ended(self, path):
        with self.lock:
            self.now -= 1
        return Reply([f'"{path}"'.encode()], self.statuses.get(path, 200))


class Blocking(Service):
    def send(self, request):
        path, seconds = self.began(request)
        time.sleep(seconds)
        return self.ended(path)

    def close(self):
        pass


class Awaiting(Service):
    async def send(self, request):
        path, seconds = self.began(request)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.broken += 1
            raise
        return AwaitedReply(self.ended(path))

    async def close(self):
        pass


def service(kind, **facts):
    return (Blocking if kind == "sync" else Awaiting)(**facts)


def look(path):
    return ask(Request("GET", path))


def together(paths, limit=4):
    return (yield Together([look(path) for path in paths], limit))


def play(kind, transport, conversation, clock=None, **settings):
    facts = {"transport": transport, "policy": Policy(retries=0), **settings}

    def call(client):
        made = with_clock(client, clock) if clock else client
        return made.play(conversation)

    return use(kind, URL, call, **facts)


def events(kind, transport, conversation):
    async def gathered(client):
        return [event async for event in client.events(conversation)]

    def call(client):
        if kind == "sync":
            return list(client.events(conversation))
        return gathered(client)

    return use(kind, URL, call, transport=transport)


def threads():
    return [one for one in threading.enumerate() if one.name == "flow64-together"]


PATHS = [f"/{number}" for number in range(10)]


# -- What is given, and how many at a time ---------------------------------------------


@BOTH
@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3), (20, 10)])
def test_results_are_in_order_and_the_limit_is_kept(kind, limit, most):
    """Although those that begin first end last."""
    waits = {path: 0.08 - 0.004 * at for at, path in enumerate(PATHS)}
    fake = service(kind, waits=waits)

    assert play(kind, fake, together(PATHS, limit)) == PATHS

    assert fake.most == most
    assert (sorted(fake.asked), fake.asked[0]) == (PATHS, PATHS[0])
    assert threads() == []


@BOTH
def test_nothing_to_play(kind):
    assert play(kind, service(kind), together([])) == []


def test_a_limit_is_at_least_one():
    with pytest.raises(ValueError, match="limit"):
        Together([], 0)


@BOTH
def test_what_asks_for_nothing_needs_no_thread(kind):
    """What it looks up and its own calls are answered at once."""
    seen = []

    def part(number):
        yield Begin()
        yield Now()
        seen.append(len(threads()))
        return number

    def whole():
        return (yield Together([part(1), part(2)]))

    assert play(kind, service(kind), whole()) == [1, 2]
    assert seen == [0, 0]


@BOTH
def test_conversations_share_one_thread(kind):
    """What they do between steps needs no lock; threads see the caller's variables."""
    seen = []

    def part(path):
        yield from look(path)
        seen.append(threading.current_thread())

    def whole():
        yield Together([part(path) for path in PATHS])

    fake = service(kind)
    token = TOLD.set("of the caller")
    try:
        play(kind, fake, whole())
    finally:
        TOLD.reset(token)

    assert {*seen} == {threading.current_thread()}
    assert {*fake.told} == {"of the caller"}


@BOTH
def test_events_come_out_as_they_happen(kind):
    def part(path):
        yield from look(path)
        yield Emit(path)

    def whole():
        yield Emit("begins")
        yield Together([part("/slow"), part("/quick")])
        yield Emit("ends")

    fake = service(kind, waits={"/slow": 0.1})
    assert events(kind, fake, whole()) == ["begins", "/quick", "/slow", "ends"]


@BOTH
def test_one_in_another_is_played_in_turn(kind):
    def whole():
        return (yield Together([together(PATHS[:3]), together(PATHS[3:6])]))

    fake = service(kind)
    assert play(kind, fake, whole()) == [PATHS[:3], PATHS[3:6]]
    assert fake.most == 2


# -- Deadlines and pace ----------------------------------------------------------------


@BOTH
def test_each_has_a_deadline_of_its_own(kind):
    """And their time is no part of the call that asked for them."""

    def part(path):
        yield Sleep(20)
        yield from look(path)

    def whole():
        yield Sleep(5)
        yield Together([part("/1"), part("/2")], limit=1)
        yield from look("/3")

    fake, policy = service(kind, seconds=0), Policy(deadline=30)
    play(kind, fake, whole(), FakeClock(), policy=policy)

    assert fake.timeouts == [10, 10, 25]


@BOTH
def test_one_that_is_late_fails_alone(kind):
    """Which is thrown into the conversation that asked."""

    def late():
        yield Sleep(40)
        yield from look("/late")

    def whole():
        try:
            yield Together([look("/1"), late()], limit=1)
        except errors.TransportError as error:
            return error.path

    policy = Policy(deadline=30, retries=0)
    fake = service(kind, seconds=0)
    assert play(kind, fake, whole(), FakeClock(), policy=policy) == "/late"
    assert fake.asked == ["/1"]


@BOTH
def test_pace_is_kept_together(kind, monkeypatch):
    """Two in what counts as a minute here, although three may be under way."""
    monkeypatch.setattr("flow64.api._pace.MINUTE", 0.1)
    fake = service(kind, seconds=0)

    play(kind, fake, together(PATHS[:5]), policy=Policy(requests_per_minute=2))

    first, *_, fifth = fake.times
    assert fifth - first >= 0.19


# -- Failures --------------------------------------------------------------------------


@BOTH
def test_first_failure_begins_no_more(kind):
    """Those under way end, and the first of the failures, in their order, is raised."""
    fake = service(
        kind,
        statuses={"/0": 404, "/1": 403},
        waits={"/0": 0.1, "/1": 0.05, "/2": 0.15},
    )
    ended = []

    def part(path):
        yield from look(path)
        ended.append(path)

    def whole():
        try:
            yield Together([part(path) for path in PATHS], limit=3)
        except errors.ApiError as error:
            return error.path, (yield from look("/after"))

    assert play(kind, fake, whole()) == ("/0", "/after")

    assert fake.asked == ["/0", "/1", "/2", "/after"]
    assert ended == ["/2"]


@BOTH
def test_one_that_fails_at_once_is_the_only_one(kind):
    def failing():
        raise errors.ConfigError("at once")
        yield

    def whole():
        return (yield Together([failing(), look("/1")]))

    fake = service(kind)
    with pytest.raises(errors.ConfigError, match="at once"):
        play(kind, fake, whole())
    assert fake.asked == []


@BOTH
@pytest.mark.parametrize("where", ["conversation", "transport"])
def test_other_exceptions_end_all_at_once(kind, where):
    closed = []

    def part(path):
        try:
            yield from look(path)
            if path == "/1" and where == "conversation":
                raise ZeroDivisionError
            yield from look(path + "/again")
        finally:
            closed.append(path)

    def whole():
        try:
            yield Together([part(path) for path in PATHS], limit=3)
        finally:
            closed.append("whole")

    fake = service(kind, waits={"/1": 0.05, "/0": 0.2, "/2": 0.2})
    if where == "transport":
        send = fake.ended

        def ended(path):
            if path == "/1":
                raise ZeroDivisionError
            return send(path)

        fake.ended = ended
    with pytest.raises(ZeroDivisionError):
        play(kind, fake, whole())

    assert sorted(closed) == ["/0", "/1", "/2", "whole"]
    assert sorted(fake.asked) == ["/0", "/1", "/2"]
    assert threads() == []


@BOTH
def test_who_stops_listening_ends_all(kind):
    closed = []

    def part(path):
        try:
            yield from look(path)
            yield Emit(path)
            yield from look(path)
        finally:
            closed.append(path)

    def whole():
        yield Together([part(path) for path in PATHS], limit=2)

    fake = service(kind, waits={"/0": 0.05, "/1": 0.2})

    async def one(client):
        seen = client.events(whole())
        found = await anext(seen)
        await seen.aclose()
        return found

    def call(client):
        if kind != "sync":
            return one(client)
        seen = client.events(whole())
        found = next(seen)
        seen.close()
        return found

    assert use(kind, URL, call, transport=fake) == "/0"
    assert sorted(closed) == ["/0", "/1"]
    assert sorted(fake.asked) == ["/0", "/1"]


def fetching(path=LINK):
    yield Fetch(path)
    return path


@BOTH
def test_links_are_closed_with_who_opened_them(kind):
    replies = []

    def whole():
        yield Together([fetching(), fetching()])
        return [reply.closed for reply in replies]

    fake = service(kind)
    ended = fake.ended

    def kept(path):
        replies.append(ended(path))
        return replies[-1]

    fake.ended = kept
    assert play(kind, fake, whole()) == [1, 1]


# -- Ctrl-C and cancelled tasks --------------------------------------------------------


@pytest.fixture
def server():
    with FaultServer() as made:
        yield made


def test_interrupt_ends_the_requests_that_are_under_way(server):
    """No thread goes on with any."""
    server.always("*", "*", Hang())
    with Client(KEY, base_url=server.url, journal=None) as client:
        timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT))
        timer.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.play(together(PATHS))
        assert time.monotonic() - began < 2
        assert threads() == []
    assert len(server.requests) == 4


def test_cancelled_task_ends_the_requests_that_are_under_way():
    fake = Awaiting(seconds=60)
    closed = []

    def part(path):
        try:
            yield from look(path)
        finally:
            closed.append(path)

    def whole():
        yield Together([part(path) for path in PATHS])

    async def cancelled():
        async with AsyncClient(KEY, base_url=URL, transport=fake) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.play(whole())
            return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(cancelled()) == set()
    assert (fake.broken, sorted(closed)) == (4, PATHS[:4])


def test_reply_that_nobody_took_is_let_go():
    """It came while the events were looked at, and then nobody went on."""
    reply, fake = Reply(), Blocking()

    def ended(path):
        Blocking.ended(fake, path)
        return reply if path == LINK else Reply([b"1"])

    fake.ended, fake.waits = ended, {LINK: 0.05}

    def telling():
        yield from look("/1")
        yield Emit("now")

    def whole():
        yield Together([telling(), fetching()])

    with Client(KEY, base_url=URL, transport=fake, journal=None) as client:
        seen = client.events(whole())
        next(seen)
        time.sleep(0.1)
        seen.close()

    assert (fake.asked, reply.closed, threads()) == (["/1", LINK], 1, [])


def emitting():
    yield Emit("now")
    yield Sleep(0)


def test_who_cannot_be_cut_off_lets_go_later(monkeypatch):
    """A transport of somebody else's: its thread closes what it has still opened."""
    monkeypatch.setattr(_parts, "GRACE", 0.01)
    may_end, reply = threading.Event(), Reply()

    class Stubborn:
        def send(self, _):
            may_end.wait(5)
            return reply

        def close(self):
            pass

    def whole():
        yield Together([fetching(), emitting()])

    with Client(KEY, base_url=URL, transport=Stubborn(), journal=None) as client:
        seen = client.events(whole())
        assert next(seen) == "now"
        seen.close()
        assert reply.closed == 0
        may_end.set()
        for thread in threads():
            thread.join(5)
        assert reply.closed == 1


def test_nothing_is_sent_once_it_is_over(monkeypatch):
    """By a thread that waited for the pace."""
    monkeypatch.setattr(_parts, "GRACE", 0.01)
    may_end, fake = threading.Event(), Blocking()

    class Waiting(FakeClock):
        def sleep(self, _):
            may_end.wait(5)

    clock = Waiting()

    def whole():
        yield from look("/first")
        yield Together([look("/second"), emitting()])

    policy = Policy(requests_per_minute=1)
    facts = {"base_url": URL, "transport": fake, "journal": None, "policy": policy}
    with Client(KEY, **facts) as client:
        seen = with_clock(client, clock).events(whole())
        next(seen)
        seen.close()
        left = threads()
        may_end.set()
        for thread in left:
            thread.join(5)
    assert (len(left) > 0, fake.asked) == (True, ["/first"])


def test_what_begins_after_the_cut_is_ended_too():
    cut, before, late = Cut(), Future(), Future()

    with cut.over(before):
        cut.make()
    with cut.over(late):
        pass

    assert (cut.is_made, before.cancelled(), late.cancelled()) == (True, True, True)


# -- By hand ---------------------------------------------------------------------------


def test_in_turn_asks_for_none_together():
    script = Script(answer(1), answer(2), answer(3))

    def whole():
        found = yield Together([look("/1"), look("/2")])
        return [*found, (yield from look("/3"))]

    assert script.play(in_turn(whole())) == [1, 2, 3]


def test_in_turn_ends_with_the_first_failure():
    script = Script(answer(1), MISSING)

    def whole():
        try:
            yield Together([look("/1"), look("/2"), look("/3")])
        except errors.NotFoundError as error:
            return error.path

    assert script.play(in_turn(whole())) == "/2"
    assert len(script.asked) == 2


# -- Of another organisation -----------------------------------------------------------


@BOTH
def test_answer_of_another_organisation_ends_all(kind):
    """Also where another failure comes first, or the conversation takes failures."""
    fake = service(kind, statuses={"/0": 404}, waits={"/0": 0.1, "/1": 0.05, "/2": 0.1})
    ended = fake.ended

    def told(path):
        reply = ended(path)
        if path == "/1":
            reply.parts[:] = [b'{"org_id": "org_b"}']
        return reply

    def part(path):
        yield from look(path)
        yield from look(path + "/again")

    def whole():
        try:
            yield Together([part(path) for path in PATHS[:3]])
        except errors.FlowError:
            yield from look("/after")

    fake.ended = told
    with pytest.raises(errors.OrganisationError):
        play(kind, fake, Organisation("org_a").guard(whole()))
    assert sorted(fake.asked) == PATHS[:3]
