"""Several jobs at a time, for both clients: order, limit, failures, ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextvars import ContextVar

import pytest

from flow64 import errors
from flow64.api import Request
from flow64.client import AsyncClient, Client, Policy, Terms
from tests.api.test_session import LINK, URL, AwaitedReply, Reply
from tests.service.clients import BOTH, KEY, FakeClock, ask, job, use, with_clock
from tests.service.fault_server import Hang
from tests.service.support import MISSING, Script, answer

TOLD = ContextVar("TOLD", default=None)

LONGEST = 30
"""Seconds after which something that should have happened never will."""


class Service:
    """Answers each path with itself, after a while, and counts who waits at a time.

    A path waits for some seconds, or until a condition in `waits` holds.
    """

    def __init__(self, seconds=0.01, statuses=None, waits=None):
        self.seconds = seconds
        self.statuses = statuses or {}
        self.waits = waits or {}
        self.asked = []
        self.timeouts = []
        self.done = []
        self.told = []
        self.most = self.now = self.broken = 0
        self.lock = threading.Lock()

    def began(self, request):
        path = request.url.removeprefix(URL)
        with self.lock:
            self.asked.append(path)
            self.timeouts.append(request.timeout)
            self.told.append(TOLD.get())
            self.now += 1
            self.most = max(self.most, self.now)
        return path, self.pauses(self.waits.get(path, self.seconds))

    def pauses(self, wait):
        if not callable(wait):
            yield wait
            return
        ends = time.monotonic() + LONGEST
        while not wait(self):
            assert time.monotonic() < ends
            yield 0.001

    def ended(self, path):
        with self.lock:
            self.now -= 1
            self.done.append(path)
        return Reply([f'"{path}"'.encode()], self.statuses.get(path, 200))


class Blocking(Service):
    def send(self, request):
        path, pauses = self.began(request)
        for seconds in pauses:
            time.sleep(seconds)
        return self.ended(path)

    def close(self):
        pass


class Awaiting(Service):
    async def send(self, request):
        path, pauses = self.began(request)
        try:
            for seconds in pauses:
                await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.broken += 1
            raise
        return AwaitedReply(self.ended(path))

    async def close(self):
        pass


def under_way(count):
    """Until so many were under way at a time."""
    return lambda fake: fake.most >= count


def after(path):
    """Until another path was answered."""
    return lambda fake: path in fake.done


def service(kind, **facts):
    return (Blocking if kind == "sync" else Awaiting)(**facts)


def look(path):
    return ask(Request("GET", path))


@job
async def together(session, paths, limit=4):
    return await session.gather([look(path) for path in paths], limit)


def play(kind, transport, job, clock=None, **settings):
    facts = {"transport": transport, "policy": Policy(retries=0), **settings}

    def call(client):
        made = with_clock(client, clock) if clock else client
        return made.call(job)

    return use(kind, URL, call, **facts)


def events(kind, transport, job):
    async def gathered(client):
        return [event async for event in client.stream(job)]

    def call(client):
        return list(client.stream(job)) if kind == "sync" else gathered(client)

    return use(kind, URL, call, transport=transport)


def threads():
    """Threads of blocking transports, once those that end by themselves have ended."""
    ends = time.monotonic() + LONGEST
    while (found := _threads()) and time.monotonic() < ends:
        time.sleep(0.01)
    return found


def _threads():
    return [one for one in threading.enumerate() if one.name == "flow64-transport"]


PATHS = [f"/{number}" for number in range(10)]


# -- What is given, and how many at a time ---------------------------------------------


@BOTH
@pytest.mark.parametrize(("limit", "most"), [(1, 1), (3, 3), (20, 10)])
def test_results_are_in_order_and_the_limit_is_kept(kind, limit, most):
    """Although those that begin first end last."""
    waits = dict.fromkeys(PATHS[most - 1 :], under_way(most))
    waits |= {PATHS[at]: after(PATHS[at + 1]) for at in range(most - 1)}
    fake = service(kind, waits=waits)

    assert play(kind, fake, together(PATHS, limit)) == PATHS

    assert fake.most == most
    assert (sorted(fake.asked), fake.asked[0]) == (PATHS, PATHS[0])
    assert threads() == []


@BOTH
def test_nothing_to_play(kind):
    assert play(kind, service(kind), together([])) == []


@BOTH
def test_jobs_share_one_thread_and_the_caller_s_variables(kind):
    """They need no lock for what they share between requests."""
    seen = []

    @job
    async def part(session, path):
        await look(path)(session)
        seen.append((threading.current_thread(), TOLD.get()))

    @job
    async def whole(session):
        await session.gather([part(path) for path in PATHS])

    token = TOLD.set("of the caller")
    try:
        play(kind, service(kind), whole())
    finally:
        TOLD.reset(token)

    assert len({*seen}) == 1
    assert {told for _, told in seen} == {"of the caller"}


@BOTH
def test_events_come_out_as_they_happen(kind):
    emitted = []

    @job
    async def part(session, path):
        await look(path)(session)
        await session.emit(path)
        emitted.append(path)

    @job
    async def whole(session):
        await session.emit("begins")
        await session.gather([part("/slow"), part("/quick")])
        await session.emit("ends")

    fake = service(kind, waits={"/slow": lambda _: emitted == ["/quick"]})
    assert events(kind, fake, whole()) == ["begins", "/quick", "/slow", "ends"]


@BOTH
def test_one_in_another_is_played_in_turn(kind):
    @job
    async def whole(session):
        return await session.gather([together(PATHS[:3]), together(PATHS[3:6])])

    fake = service(kind)
    assert play(kind, fake, whole()) == [PATHS[:3], PATHS[3:6]]
    assert fake.most == 2


# -- Deadlines and pace ----------------------------------------------------------------


@BOTH
def test_each_has_a_deadline_of_its_own(kind):
    """And their time is no part of the call that asked for them."""

    @job
    async def part(session, path):
        await session.sleep(20)
        await look(path)(session)

    @job
    async def whole(session):
        await session.sleep(5)
        await session.gather([part("/1"), part("/2")], limit=1)
        await look("/3")(session)

    fake, policy = service(kind, seconds=0), Policy(deadline=30)
    play(kind, fake, whole(), FakeClock(), policy=policy)

    assert fake.timeouts == [10, 10, 25]


@BOTH
def test_one_that_is_late_fails_alone(kind):
    """It is raised in the call that asked."""

    @job
    async def late(session):
        await session.sleep(40)
        await look("/late")(session)

    @job
    async def whole(session):
        try:
            await session.gather([look("/1"), late()], limit=1)
        except errors.TransportError as error:
            return error.path

    policy = Policy(deadline=30, retries=0)
    fake = service(kind, seconds=0)
    assert play(kind, fake, whole(), FakeClock(), policy=policy) == "/late"
    assert fake.asked == ["/1"]


@BOTH
def test_pace_is_kept_together(kind):
    """Two in a minute, although four may be under way."""
    fake, clock = service(kind, seconds=0), FakeClock()
    policy = Policy(requests_per_minute=2, timeout=300)

    play(kind, fake, together(PATHS[:5]), clock, policy=policy)

    assert clock.slept == [60, 60]


# -- Failures --------------------------------------------------------------------------


@BOTH
def test_first_failure_begins_no_more(kind):
    """Those under way end, and the first of the failures, in their order, is raised."""
    fake = service(
        kind,
        statuses={"/0": 404, "/1": 403},
        waits={"/1": under_way(3), "/0": after("/1"), "/2": after("/0")},
    )
    ended = []

    @job
    async def part(session, path):
        await look(path)(session)
        ended.append(path)

    @job
    async def whole(session):
        try:
            await session.gather([part(path) for path in PATHS], limit=3)
        except errors.ApiError as error:
            return error.path, (await look("/after")(session))

    assert play(kind, fake, whole()) == ("/0", "/after")

    assert sorted(fake.asked) == ["/0", "/1", "/2", "/after"]
    assert ended == ["/2"]


@BOTH
def test_one_that_fails_at_once_is_the_only_one(kind):
    @job
    async def failing(session):
        raise errors.ConfigError("at once")

    @job
    async def whole(session):
        return await session.gather([failing(), look("/1")])

    fake = service(kind)
    with pytest.raises(errors.ConfigError, match="at once"):
        play(kind, fake, whole())
    assert fake.asked == []


@BOTH
@pytest.mark.parametrize("where", ["job", "transport"])
def test_other_exceptions_end_all_at_once(kind, where):
    closed = []

    @job
    async def part(session, path):
        try:
            await look(path)(session)
            if path == "/1" and where == "job":
                raise ZeroDivisionError
            await look(path + "/again")(session)
        finally:
            closed.append(path)

    @job
    async def whole(session):
        try:
            await session.gather([part(path) for path in PATHS], limit=3)
        finally:
            closed.append("whole")

    waits = dict.fromkeys(("/0", "/2"), lambda _: "whole" in closed)
    fake = service(kind, waits={"/1": under_way(3), **waits})
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

    @job
    async def part(session, path):
        try:
            await look(path)(session)
            await session.emit(path)
            await look(path)(session)
        finally:
            closed.append(path)

    @job
    async def whole(session):
        await session.gather([part(path) for path in PATHS], limit=2)

    waits = {"/0": under_way(2), "/1": lambda _: "/1" in closed}
    fake = service(kind, waits=waits)

    async def one(client):
        seen = client.stream(whole())
        found = await anext(seen)
        await seen.aclose()
        return found

    def call(client):
        if kind != "sync":
            return one(client)
        seen = client.stream(whole())
        found = next(seen)
        seen.close()
        return found

    assert use(kind, URL, call, transport=fake) == "/0"
    assert sorted(closed) == ["/0", "/1"]
    assert sorted(fake.asked) == ["/0", "/1"]


@job
async def fetching(session, path=LINK):
    async with await session.open(path):
        return path


@BOTH
def test_links_are_closed_with_who_opened_them(kind):
    replies = []

    @job
    async def whole(session):
        await session.gather([fetching(), fetching()])
        return [reply.closed for reply in replies]

    fake = service(kind)
    ended = fake.ended

    def kept(path):
        replies.append(ended(path))
        return replies[-1]

    fake.ended = kept
    assert play(kind, fake, whole()) == [1, 1]


# -- Ctrl-C and cancelled tasks --------------------------------------------------------


def test_interrupt_ends_the_requests_that_are_under_way(server):
    """No thread goes on with any."""
    server.always("*", "*", Hang())
    with Client(KEY, base_url=server.url, journal=None) as client:

        def interrupt():
            while len(server.requests) < 4:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            client.call(together(PATHS))
        assert threads() == []
    assert len(server.requests) == 4


def test_cancelled_task_ends_the_requests_that_are_under_way():
    fake = Awaiting(seconds=60)
    closed = []

    @job
    async def part(session, path):
        try:
            await look(path)(session)
        finally:
            closed.append(path)

    @job
    async def whole(session):
        await session.gather([part(path) for path in PATHS])

    async def cancelled():
        async with AsyncClient(KEY, base_url=URL, transport=fake) as client:
            task = asyncio.create_task(client.call(whole()))
            while fake.now < 4:  # noqa: ASYNC110 - a transport for both has no event
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(cancelled()) == set()
    assert (fake.broken, sorted(closed)) == (4, PATHS[:4])


@job
async def emitting(session):
    await session.emit("now")
    await session.sleep(0)


def test_what_cannot_be_cut_off_is_released_by_its_thread():
    """A blocking transport goes on after the call, and closes what it opens then."""
    may_end, reply = threading.Event(), Reply()

    class Stubborn:
        def send(self, _):
            may_end.wait(LONGEST)
            return reply

        def close(self):
            pass

    @job
    async def whole(session):
        await session.gather([fetching(), emitting()])

    with Client(KEY, base_url=URL, transport=Stubborn(), journal=None) as client:
        seen = client.stream(whole())
        assert next(seen) == "now"
        seen.close()
        assert reply.closed == 0
        may_end.set()
        ends = time.monotonic() + LONGEST
        while not reply.closed and time.monotonic() < ends:
            time.sleep(0.01)
        assert reply.closed == 1


@BOTH
def test_nothing_is_sent_once_it_is_over(kind):
    """By a part that waited for the pace."""
    fake = service(kind, seconds=0)

    @job
    async def whole(session):
        await look("/first")(session)
        await session.gather([look("/second"), emitting()])

    policy = Policy(requests_per_minute=1)

    def first_event(client):
        seen = client.stream(whole())
        if kind == "sync":
            assert next(seen) == "now"
            seen.close()
            return None
        return leave(seen)

    async def leave(seen):
        assert await anext(seen) == "now"
        await seen.aclose()

    use(kind, URL, first_event, transport=fake, policy=policy)
    assert fake.asked == ["/first"]


# -- By hand ---------------------------------------------------------------------------


def test_jobs_by_hand_run_one_after_the_other():
    script = Script(answer(1), answer(2), answer(3))

    @job
    async def whole(session):
        found = await session.gather([look("/1"), look("/2")])
        return [*found, await look("/3")(session)]

    assert script.play(whole()) == [1, 2, 3]


def test_jobs_by_hand_end_with_the_first_failure():
    script = Script(answer(1), MISSING)

    @job
    async def whole(session):
        try:
            await session.gather([look("/1"), look("/2"), look("/3")])
        except errors.NotFoundError as error:
            return error.path

    assert script.play(whole()) == "/2"
    assert len(script.asked) == 2


# -- Of another organisation -----------------------------------------------------------


@BOTH
def test_answer_of_another_organisation_ends_all(kind):
    """Also where another failure comes first, or the call recovers from failures."""
    read = []
    waits = {
        "/0": under_way(3),
        "/1": after("/0"),
        "/2": lambda _: read and read[0].closed,
    }
    fake = service(kind, statuses={"/0": 404}, waits=waits)
    ended = fake.ended

    def told(path):
        reply = ended(path)
        if path == "/1":
            reply.parts[:] = [b'{"org_id": "org_b"}']
            read.append(reply)
        return reply

    @job
    async def part(session, path):
        await look(path)(session)
        await look(path + "/again")(session)

    @job
    async def whole(session):
        try:
            await session.gather([part(path) for path in PATHS[:3]])
        except errors.FlowError:
            await look("/after")(session)

    fake.ended = told
    with pytest.raises(errors.OrganisationError):
        play(kind, fake, whole(), terms=Terms(org_id="org_a"))
    assert sorted(fake.asked) == PATHS[:3]
