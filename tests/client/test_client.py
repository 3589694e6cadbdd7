"""Both clients: what they send, what they make of an answer, and of none."""

from __future__ import annotations

import gzip
import itertools
import re

import pytest

from flow64 import errors
from flow64.api import Request
from flow64.client import AsyncClient, Client, Policy
from flow64.errors import NoAnswerError
from tests.service.clients import FakeClock, ask, job, use, with_clock
from tests.service.credentials import KINDS, QUICK, run_jobs
from tests.service.fault_server import Reply, unused_port

KEY = "sk_SENTINEL-KEY"
HOME = "https://api.example.com"


class Answered:
    """An answer of so many parts."""

    def __init__(self, *parts, status=200, headers=None):
        self.status, self.headers = status, headers or {}
        self.parts = iter(parts)
        self.is_closed = False

    def read(self, timeout):
        return next(self.parts, b"")

    def close(self):
        self.is_closed = True


class Transport:
    """Answers every request with what a function gives, and keeps the requests."""

    def __init__(self, reply):
        self.reply = reply
        self.requests = []
        self.is_closed = False

    def send(self, request):
        self.requests.append(request)
        return self.reply(request)

    def close(self):
        self.is_closed = True


class Awaited:
    """The same, awaited."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    async def send(self, request):
        return Awaited(self.inner.send(request))

    async def read(self, timeout):  # noqa: ASYNC109 - as the protocol says
        return self.inner.read(timeout)

    async def close(self):
        self.inner.close()


def carried(kind, reply, *jobs, **options):
    """Run jobs over a transport; return their results, and what was sent."""
    inner = Transport(reply)
    options = {"api_key": KEY, "base_url": HOME, **options}
    transport = inner if kind == "sync" else Awaited(inner)
    return run_jobs(kind, *jobs, transport=transport, **options), inner.requests


def ok(_):
    return Answered(b"{}")


# -- Requests -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_request_is_sent_as_it_is_asked(kind):
    """Also where the endpoint has a path."""
    request = Request(
        "POST", "/x", {"a": ["1 2", "3"]}, {"\u00e9": None}, None, "key-1"
    )

    found, sent = carried(
        kind, ok, ask(request), ask(Request("GET", "/y")), base_url=f"{HOME}/v0"
    )

    first, second = sent
    assert found == [{}, {}]
    assert (first.method, first.url) == ("POST", f"{HOME}/v0/x?a=1+2&a=3")
    assert first.content == '{"\u00e9":null}'.encode()
    assert first.headers["idempotency-key"] == "key-1"
    assert first.headers["content-type"] == "application/json"
    assert (second.method, second.url, second.content) == ("GET", f"{HOME}/v0/y", None)
    assert not {"content-type", "idempotency-key"} & set(second.headers)
    assert {seen.headers["x-api-key"] for seen in sent} == {KEY}
    assert not any("authorization" in seen.headers for seen in sent)


@pytest.mark.parametrize("kind", KINDS)
def test_no_cookie_comes_back(kind, server):
    server.always("*", "*", Reply(200, {}, {"set-cookie": "a=b; Path=/"}))

    looks = [ask(Request("GET", "/x")) for _ in range(2)]

    run_jobs(kind, *looks, api_key=KEY, base_url=server.url)

    assert [seen.all("cookie") for seen in server.requests] == [[]] * 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (NoAnswerError("ConnectError", sent=False), False),
        (NoAnswerError("ReadError"), True),
        (ConnectionResetError("x"), True),
    ],
    ids=["not sent", "sent", "any"],
)
def test_failure_says_whether_anything_was_sent(kind, failure, sent):
    """Where nothing was, it is sent again."""

    def fail(_):
        raise failure

    asking = ask(Request("POST", "/x", body={"SENTINEL": 1}))

    (error,), requests = carried(kind, fail, asking)

    assert isinstance(error, errors.TransportError)
    assert (error.sent, len(requests)) == (sent, 1 if sent else 1 + QUICK.retries)


@pytest.mark.parametrize("kind", KINDS)
def test_refused_connection_has_sent_nothing(kind):
    """It is not waited for: on this machine, nobody but the user starts a server."""
    asking = ask(Request("POST", "/x", body={}))
    url = f"http://127.0.0.1:{unused_port()}"

    (error,) = run_jobs(kind, asking, api_key=KEY, base_url=url)

    assert (error.sent, error.is_refused, error.attempts) == (False, True, 2)
    assert str(error).endswith(
        "; nothing listens there, and nothing was sent: check SIXTYFOUR_API_ENDPOINT"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_answer_that_is_too_large_is_not_read(kind, server, monkeypatch):
    """Also one that is small until it is unpacked."""
    for module in ("_session", "_channel"):
        monkeypatch.setattr(f"flow64.api.{module}.MAX_ANSWER", 2**20)
    bomb = gzip.compress(b"0" * 2**24)
    server.always("*", "*", Reply(200, bomb, {"content-encoding": "gzip"}))
    patience = Policy(retries=0)

    (error,) = run_jobs(
        kind,
        ask(Request("GET", "/x")),
        api_key=KEY,
        base_url=server.url,
        policy=patience,
    )

    assert isinstance(error, errors.AnswerError)
    assert "more than 1 MiB" in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_error_that_is_too_large_is_read_in_part(kind):
    """What it says at its beginning is not needed, its status is."""
    asking = ask(Request("GET", "/x"))

    (error,), _ = carried(kind, lambda _: Answered(b"x" * 2**20, status=404), asking)

    assert isinstance(error, errors.NotFoundError)


@pytest.mark.parametrize("kind", KINDS)
def test_body_that_never_ends_is_given_up(kind):
    """The time of a request is the time of its body too."""
    answered = Answered(*itertools.repeat(b"[", 10**6))
    patience = Policy(timeout=0.05, retries=0)

    (error,), _ = carried(
        kind, lambda _: answered, ask(Request("POST", "/x")), policy=patience
    )

    assert isinstance(error, errors.TransportError)
    assert re.search("took too long|no answer within", str(error))
    assert answered.is_closed


@pytest.mark.parametrize("kind", KINDS)
def test_answer_may_be_any_content(kind):
    @job
    async def send(session):
        return await session.send(Request("GET", "/x"), lambda answer: answer.content)

    (found,), _ = carried(kind, lambda _: Answered(b"ro", b"ws"), send())

    assert found == b"rows"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("patience", "each"),
    [(Policy(timeout=30.0, deadline=50.0), 30.0), (Policy(deadline=5.0), 5.0)],
)
def test_download_may_take_longer_than_a_request(kind, patience, each):
    """Each of its parts has the time of a request, and never more than a call."""
    given = []

    class Dripping(Answered):
        def read(self, timeout):
            given.append(timeout)
            clock.time += 29.0
            return super().read(timeout)

    clock = FakeClock()

    async def download(session):
        async with await session.open("https://store.example.com/f") as stream:
            parts = []
            while part := await stream.read():
                parts.append(part)
            return b"".join(parts), session.now()

    inner = Transport(lambda _: Dripping(b"r", b"o", b"w", b"s"))
    transport = inner if kind == "sync" else Awaited(inner)

    found = use(
        kind,
        HOME,
        lambda client: with_clock(client, clock).call(download),
        transport=transport,
        policy=patience,
    )

    assert found == (b"rows", 5 * 29.0)
    assert given == [each] * 5


def test_transport_is_closed_with_its_client():
    inner = Transport(ok)

    with Client(KEY, transport=inner, journal=None):
        assert not inner.is_closed
    assert inner.is_closed


# -- Proxies --------------------------------------------------------------------------


@pytest.fixture
def _proxied(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_proxied")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_for_this_machine_passes_through_a_proxy(kind, server):
    """A proxy of the environment is for the world outside."""
    server.always("*", "*", Reply(200, {}))
    asking = ask(Request("GET", "/x"))

    assert run_jobs(kind, asking, api_key=KEY, base_url=server.url) == [{}]


@pytest.mark.usefixtures("_proxied")
@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_outside_passes_through_the_proxy(kind):
    """Which is not there, so nothing is sent; and no name is looked up."""
    asking = ask(Request("POST", "/x", body={}))

    (error,) = run_jobs(kind, asking, api_key=KEY, base_url=HOME)

    assert not error.sent


# -- Wrong uses ------------------------------------------------------------------------


async def named(session):
    """A function that `call` takes."""


def plain(session):
    return 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (lambda _: "make_plan", "'make_plan' is not an async function that takes a"),
        (lambda _: plain, "plain is not an async function that takes a session"),
        (lambda _: named(None), r"named\(...\) was called already; write call\(named,"),
        (lambda client: client.balance, "balance is a method of the client; write cl"),
    ],
)
def test_call_of_something_else_is_refused(kind, given, problem):
    with pytest.raises(errors.ArgumentError, match=f"^call: {problem}"):
        use(kind, HOME, lambda client: client.call(given(client)))


@pytest.mark.parametrize("made", [Client, AsyncClient])
@pytest.mark.parametrize("given", [3, "http://localhost:6464"])
def test_transport_that_is_none_is_refused(made, given):
    with pytest.raises(errors.ConfigError, match="which has no method send; give for"):
        made(KEY, journal=None, transport=given)
