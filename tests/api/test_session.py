"""Sessions of both clients: time, pace, deadlines, links, turns and events."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from contextlib import aclosing
from unittest.mock import ANY

import pytest
from attrs import define, field

from flow64 import errors
from flow64.api import Request
from flow64.client import AsyncClient, Client, Policy
from tests.service.clients import BOTH, FakeClock, ask, job, use, with_clock

URL = "https://api.example.com"
LINK = "https://store.example/a?sig=SENTINEL"


@define
class Reply:
    """An answer whose parts may be failures."""

    parts: list = field(factory=list)
    status: int = 200
    headers: dict = field(factory=dict)
    closed: int = 0

    def read(self, _):
        part = self.parts.pop(0) if self.parts else b""
        if isinstance(part, Exception):
            raise part
        return part

    def close(self):
        self.closed += 1


class Fake:
    """A transport that answers in order, for a client that blocks."""

    def __init__(self, *replies, after=None):
        self.replies = list(replies)
        self.made = list(replies)
        self.asked = []
        self.after = after or (lambda: None)

    def send(self, request):
        self.asked.append(request)
        self.after()
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self):
        self.asked.append("closed")


class Awaited:
    """The same for one that awaits."""

    def __init__(self, inner):
        self.inner = inner

    async def send(self, request):
        return AwaitedReply(self.inner.send(request))

    async def close(self):
        self.inner.close()


class AwaitedReply:
    def __init__(self, inner):
        self.inner = inner
        self.status, self.headers = inner.status, inner.headers

    async def read(self, seconds):
        return self.inner.read(seconds)

    async def close(self):
        self.inner.close()


def talk(kind, fake, call, clock=None, **settings):
    clock = clock or FakeClock()
    transport = fake if kind == "sync" else Awaited(fake)

    def clocked(client):
        return call(with_clock(client, clock))

    return use(kind, URL, clocked, transport=transport, **settings)


def play(kind, fake, job, clock=None, **settings):
    return talk(kind, fake, lambda client: client.call(job), clock, **settings)


@BOTH
def test_answer_is_read_part_by_part_and_closed(kind):
    fake = Fake(Reply([b'{"a":', b" 1}"]))

    assert play(kind, fake, ask(Request("GET", "/x", {"q": ["a b", "c"]}))) == {"a": 1}

    assert fake.made[0].closed == 1
    assert fake.asked[0].url == f"{URL}/x?q=a+b&q=c"
    assert fake.asked[-1] == "closed"


@BOTH
@pytest.mark.parametrize(
    ("error", "sent", "says"),
    [
        (errors.NoAnswerError("refused", sent=False), False, r"\(refused\)"),
        (errors.NoAnswerError("reset"), True, "api.example.com"),
        (ConnectionResetError("x"), True, r"\(the connection broke\)"),
        (errors.NoAnswerError("ReadTimeout"), True, r"\(it took too long\)"),
    ],
)
def test_failure_to_send_is_a_transport_error(kind, error, sent, says):
    with pytest.raises(errors.TransportError, match=says) as caught:
        play(kind, Fake(error), ask(Request("POST", "/x")), policy=Policy(retries=0))
    assert caught.value.sent is sent


@BOTH
@pytest.mark.parametrize("error", [errors.NoAnswerError("cut"), OSError("x")])
def test_failure_to_read_is_one_after_sending(kind, error):
    fake = Fake(Reply([b"{", error]))

    with pytest.raises(errors.TransportError) as caught:
        play(kind, fake, ask(Request("POST", "/x")))
    assert (caught.value.sent, fake.made[0].closed) == (True, 1)


@BOTH
def test_answer_that_is_too_large_is_not_read_on(kind, monkeypatch):
    monkeypatch.setattr("flow64.api._session.MAX_ANSWER", 10)
    fake = Fake(Reply([b"x" * 6] * 3))

    with pytest.raises(errors.AnswerError, match="more than 256 MiB"):
        play(kind, fake, ask(Request("POST", "/x")))
    assert fake.made[0].parts == [b"x" * 6]


@BOTH
def test_error_that_is_large_is_read_in_part(kind):
    fake = Fake(Reply([b'{"detail": "' + b"x" * 70_000, b"more"], status=400))

    with pytest.raises(errors.BadRequestError, match="without saying why"):
        play(kind, fake, ask(Request("POST", "/x")))
    assert fake.made[0].parts == [b"more"]


@BOTH
def test_body_that_never_ends_is_given_up(kind):
    fake = Fake(Reply([b"x"] * 1000))

    with pytest.raises(errors.TransportError, match="took too long"):
        play(kind, fake, ask(Request("POST", "/x")), FakeClock(step=1))


@BOTH
def test_time_of_an_attempt_ends_with_the_deadline(kind):
    fake = Fake(Reply([b"1"]))
    policy = Policy(deadline=30, timeout=60)

    play(kind, fake, ask(Request("GET", "/x")), policy=policy)

    assert fake.asked[0].timeout == 30


@BOTH
def test_deadline_is_that_of_all_attempts_together(kind):
    clock = FakeClock()
    hang = [errors.NoAnswerError("hangs")] * 9
    fake = Fake(*hang, after=lambda: clock.sleep(12))
    policy = Policy(deadline=30, timeout=12)

    with pytest.raises(errors.TransportError, match="attempts in") as caught:
        play(kind, fake, ask(Request("GET", "/x")), clock, policy=policy)

    assert caught.value.attempts == 3
    assert [round(asked.timeout, 1) < 12.1 for asked in fake.asked[:-1]] == [True] * 3


@BOTH
def test_nothing_is_sent_after_the_deadline(kind):
    @job
    async def late(session):
        await session.sleep(50)
        await session.sleep(50)
        return await session.ask(Request("GET", "/x"))

    clock, fake = FakeClock(), Fake()
    with pytest.raises(
        errors.TransportError, match="deadline of 30 s is over"
    ) as caught:
        play(kind, fake, late(), clock, policy=Policy(deadline=30))
    assert (caught.value.sent, clock.slept, fake.asked) == (False, [30, 0], ["closed"])


@BOTH
def test_sleep_apart_is_not_cut_and_a_call_begins_anew(kind):
    @job
    async def patient(session):
        await session.sleep(100, is_apart=True)
        session.begin()
        await session.ask(Request("GET", "/x"))
        session.begin(5)
        await session.ask(Request("GET", "/x"))
        session.begin(500)
        await session.ask(Request("GET", "/x"))

    clock, fake = FakeClock(), Fake(*[Reply([b"1"]) for _ in "abc"])
    play(kind, fake, patient(), clock, policy=Policy(deadline=30))

    assert clock.slept == [100]
    assert [asked.timeout for asked in fake.asked[:-1]] == [30, 5, 30]


@BOTH
def test_clock_is_the_client_s(kind):
    @job
    async def looks(session):
        return session.now()

    assert play(kind, Fake(), looks(), FakeClock(time=7)) == 7


@BOTH
def test_pace_is_kept_by_all_calls_of_a_client(kind):
    @job
    async def three(session):
        for _ in range(3):
            await session.ask(Request("GET", "/x"))

    clock, fake = FakeClock(), Fake(*[Reply([b"1"]) for _ in "abc"])
    play(kind, fake, three(), clock, policy=Policy(requests_per_minute=2))

    assert clock.slept == [60]


@BOTH
def test_pace_that_leaves_no_time_is_told(kind):
    @job
    async def two(session):
        for _ in range(2):
            await session.ask(Request("GET", "/x"))

    fake = Fake(Reply([b"1"]))
    policy = Policy(requests_per_minute=1, deadline=30)
    clock = FakeClock()
    with pytest.raises(errors.HeldBackError) as caught:
        play(kind, fake, two(), clock, policy=policy)
    assert str(caught.value) == (
        "GET /x: held back by the client's own pace until after its deadline (at most "
        "1 requests in any minute, none before the time that a 429 asks for); nothing "
        "was sent: wait longer, send less at a time, or set "
        "Policy(requests_per_minute=...)"
    )
    assert (caught.value.sent, caught.value.attempts, clock.slept) == (False, 1, [])


@BOTH
def test_wait_for_the_pace_ends_with_the_patience_of_a_call(kind):
    """Its deadline may be later."""

    @job
    async def hasty(session):
        for patience in (None, 5.0, 0.0):
            session.begin(100.0, patience=patience)
            await session.ask(Request("GET", "/x"))

    clock, fake = FakeClock(), Fake(Reply([b"1"]), Reply([b"1"]))
    with pytest.raises(errors.HeldBackError):
        play(kind, fake, hasty(), clock, policy=Policy(requests_per_minute=1))
    assert clock.slept == []


@BOTH
def test_too_many_requests_let_everybody_wait(kind):
    reply = Reply([b"{}"], status=429, headers={"retry-after": "20"})
    clock, fake = FakeClock(), Fake(reply, Reply([b"1"]))

    play(kind, fake, ask(Request("GET", "/x")), clock)

    assert clock.slept == [20]


class Limited:
    """A service that takes 500 requests in any minute, by the clock of the test."""

    def __init__(self, clock):
        self.clock = clock
        self.times = []
        self.turned_away = 0

    def send(self, _):
        self.clock.time += 0.001
        now = self.clock.time
        recent = [then for then in self.times[-500:] if now - then < 60]
        if len(recent) == 500:
            self.turned_away += 1
            return Reply([b"{}"], status=429)
        self.times.append(now)
        return Reply([b"{}"])

    def close(self):
        pass


@pytest.mark.slow
@BOTH
def test_thousand_deploys_are_hardly_ever_turned_away(kind):
    """Three requests each, at a service that allows 500 a minute and says no more."""
    clock = FakeClock()
    service = Limited(clock)

    @job
    async def all_of_them(session):
        for _ in range(3000):
            session.begin()
            await session.ask(Request("GET", "/x"))

    talk(kind, service, lambda client: client.call(all_of_them()), clock)

    assert service.turned_away < 30
    assert clock.time < 60 * 3000 / 480 + 60


@job
async def fetched(session, link=LINK, **more):
    async with await session.open(link, **more) as stream:
        content = b""
        while part := await stream.read():
            content += part
        return stream.status, content


@BOTH
def test_link_is_opened_without_a_credential(kind):
    fake = Fake(Reply([b"a", b"b"], status=206))

    found = play(kind, fake, fetched(start=3, validator='"v"'))

    assert found == (206, b"ab")
    assert fake.asked[0].headers == {
        "accept-encoding": "identity",
        "user-agent": ANY,
        "range": "bytes=3-",
        "if-range": '"v"',
    }
    assert (fake.asked[0].url, fake.asked[0].is_signed) == (LINK, True)
    assert "SENTINEL" not in repr(fake.asked[0])


@BOTH
def test_user_agent_names_versions(kind):
    """Of flow64, of Python and of the HTTP library; and nothing else of the machine."""
    fake, number = Fake(Reply([b"a"])), r"\d+(\.\w+)+"

    play(kind, fake, fetched())

    assert re.fullmatch(
        rf"flow64/{number} python/3\.\d+ httpx2?/{number}",
        fake.asked[0].headers["user-agent"],
    )


@BOTH
def test_part_of_whatever_version_may_be_asked_for(kind):
    fake = Fake(Reply([b"a"], status=206))

    play(kind, fake, fetched(start=3))

    assert "if-range" not in fake.asked[0].headers


@BOTH
@pytest.mark.parametrize(
    "link",
    [
        "http://store.example/a",
        "ftp://store.example/a",
        "https://user:word@store.example/",
        "https://",
        "https://[",
        "https://store.example/a b",
        "",
    ],
)
def test_link_that_is_no_plain_https_is_refused(kind, link):
    with pytest.raises(errors.LinkRefusedError, match="was not opened"):
        play(kind, Fake(), fetched(link))


@BOTH
@pytest.mark.parametrize(
    ("hosts", "is_opened"), [(["STORE.example"], True), ([], False)]
)
def test_hosts_of_links_may_be_listed(kind, hosts, is_opened):
    def attempt():
        return play(kind, Fake(Reply([b"a"])), fetched(), hosts=hosts)

    if is_opened:
        assert attempt() == (200, b"a")
    else:
        with pytest.raises(errors.LinkRefusedError):
            attempt()


@BOTH
@pytest.mark.parametrize("error", [errors.NoAnswerError("cut"), OSError("x")])
def test_link_that_fails_is_a_transport_error(kind, error):
    for fake in (Fake(error), Fake(Reply([b"a", error]))):
        with pytest.raises(errors.TransportError, match=r"signed link"):
            play(kind, fake, fetched())


@BOTH
def test_link_is_not_opened_after_the_deadline(kind):
    @job
    async def late(session):
        await session.sleep(50)
        await fetched()(session)

    with pytest.raises(errors.TransportError, match="the store"):
        play(kind, Fake(), late(), policy=Policy(deadline=30))


@BOTH
def test_fault_of_closing_a_link_hides_nothing(kind):
    class Stubborn(Reply):
        def close(self):
            super().close()
            raise OSError

    fake = Fake(Stubborn([b"a"]))

    assert play(kind, fake, fetched()) == (200, b"a")
    assert fake.made[0].closed == 1


@BOTH
def test_api_key_is_not_renewed(kind):
    @job
    async def renews(session):
        return await session.renew(0)

    assert play(kind, Fake(), renews()) is False


@job
async def telling(session):
    await session.emit("a")
    await session.sleep(1)
    await session.emit("b")
    return "c"


def test_events_come_as_they_are_told():
    with Client("k", base_url=URL, transport=Fake(), journal=None) as client:
        with_clock(client, FakeClock())
        events = client.stream(telling())

        assert (next(events), next(events)) == ("a", "b")
        with pytest.raises(StopIteration) as stop:
            next(events)
    assert stop.value.value == "c"


def test_events_come_as_they_are_told_to_one_that_awaits():
    async def listen():
        fake = Awaited(Fake())
        async with AsyncClient(
            "k", base_url=URL, transport=fake, journal=None
        ) as client:
            with_clock(client, FakeClock())
            return [event async for event in client.stream(telling())]

    assert asyncio.run(listen()) == ["a", "b"]


@BOTH
def test_listener_that_leaves_ends_the_call(kind):
    ended = []

    @job
    async def endless(session):
        try:
            while True:
                await session.emit("more")
        finally:
            ended.append(True)

    if kind == "sync":
        with Client("k", base_url=URL, transport=Fake(), journal=None) as client:
            events = client.stream(endless())
            next(events)
            events.close()
    else:

        async def leave():
            fake = Awaited(Fake())
            async with (
                AsyncClient("k", base_url=URL, transport=fake, journal=None) as client,
                aclosing(client.stream(endless())) as events,
            ):
                await anext(events)

        asyncio.run(leave())
    assert ended == [True]


@job
async def holding(session, log, name, seconds):
    async with session.turn("one workflow"):
        log.append(f"{name} begins")
        await session.sleep(seconds)
        log.append(f"{name} ends")


def test_turns_are_taken_one_after_another_by_threads_and_tasks():
    log = []

    def blocking(name):
        with Client("k", base_url=URL, transport=Fake(), journal=None) as client:
            client.call(holding(log, name, 0.05))

    async def both():
        fake = Awaited(Fake())
        async with AsyncClient(
            "k", base_url=URL, transport=fake, journal=None
        ) as client:
            await asyncio.gather(
                *(client.call(holding(log, f"task {n}", 0.03)) for n in range(2))
            )

    threads = [threading.Thread(target=blocking, args=(f"thread {n}",)) for n in "ab"]
    for thread in threads:
        thread.start()
    asyncio.run(both())
    for thread in threads:
        thread.join()

    firsts, seconds = log[::2], log[1::2]
    assert [line.replace("begins", "ends") for line in firsts] == seconds
    assert len(firsts) == 4


@BOTH
def test_turn_that_does_not_come_in_time_is_told(kind):
    begun, over = threading.Event(), threading.Event()

    @job
    async def holds(session):
        async with session.turn("one workflow"):
            begun.set()
            over.wait(5)

    def keep():
        with Client("k", base_url=URL, transport=Fake(), journal=None) as client:
            client.call(holds())

    thread = threading.Thread(target=keep)
    thread.start()
    begun.wait(5)
    try:
        with pytest.raises(errors.TransportError, match="is not over") as caught:
            play(kind, Fake(), holding([], "x", 0), policy=Policy(deadline=0.05))
        assert caught.value.sent is False
    finally:
        over.set()
        thread.join()


@BOTH
def test_turn_is_given_back_when_its_holder_fails(kind):
    @job
    async def fails(session):
        async with session.turn("one workflow"):
            raise errors.ConfigError("x")

    for _ in range(2):
        with pytest.raises(errors.ConfigError):
            play(kind, Fake(), fails())


def test_task_that_is_cancelled_gives_back_what_it_holds():
    async def cancelled():
        fake = Fake(Reply())
        async with AsyncClient(
            "k", base_url=URL, transport=Awaited(fake), journal=None
        ) as client:

            @job
            async def holds(session):
                async with (
                    session.turn("one workflow"),
                    await session.open(LINK),
                ):
                    await session.sleep(60)

            task = asyncio.create_task(client.call(holds()))
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            began = time.monotonic()
            await client.call(holding([], "next", 0))
            return fake.made[0].closed, time.monotonic() - began < 1

    assert asyncio.run(cancelled()) == (1, True)
