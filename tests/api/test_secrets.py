"""No secret is in anything that is shown: errors, tracebacks, logs, objects.

Every secret here holds one word that is found in all its spellings, and every failure
is provoked by a server that repeats all that it was sent.
"""

from __future__ import annotations

import copy
import json
import logging
import pickle
from base64 import b64encode
from urllib.parse import parse_qs, quote

import attrs
import pytest

from flow64.api import Request, Token
from flow64.client import AsyncClient, Client
from flow64.errors import (
    AnswerError,
    ApiError,
    AuthError,
    ConfigError,
    FlowError,
    LinkRefusedError,
    ServerError,
    TokenError,
    TransportError,
    UnprocessableError,
)
from tests.service.clients import ask, use
from tests.service.credentials import (
    KINDS,
    QUICK,
    found,
    frames,
    oauth,
    pem,
    run_jobs,
    vars_of,
)
from tests.service.fault_server import Drop, Reply, location

WORD = "SENTINEL"
KEY = f'sk_{WORD}"/+%key'
BEARER = f'tok_{WORD}"/+~'
SIGNATURE = f"sig-{WORD}-x"
BODY = Request("POST", "/x", body={"a": 1}, idempotency_key="intent-1")


@pytest.fixture(autouse=True)
def logged(caplog):
    """Everything that anybody logs while a test runs."""
    for name in ("", "flow64", "httpx", "httpcore", "httpx2", "httpcore2", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    return caplog


def echo(seen):
    """All that was sent, in every spelling, and what a form has in its fields."""
    form = parse_qs(seen.body.decode())
    texts = [text for _, text in seen.headers] + [t for ts in form.values() for t in ts]
    spelled = [
        spell(text)
        for text in texts
        for spell in (str, quote, lambda t: b64encode(f"a{t}b".encode()).decode())
    ]
    return " ".join(spelled)


def secrets_of(server):
    """What must not be shown: the key, the bearer, and all assertions that came in."""
    yield WORD
    for seen in server.requests:
        for text in parse_qs(seen.body.decode()).get("client_assertion", []):
            yield from (text, *text.split(".")[1:])
    yield from pem().splitlines()[1:-2]


def assert_hidden(server, logged, *things):
    """None of the secrets is in what was logged, or in what is shown of things."""
    shown = [logged.text]
    for thing in things:
        is_error = isinstance(thing, BaseException)
        shown.append(
            frames(thing) if is_error else f"{thing!r} {thing} {vars_of(thing)}"
        )
    assert found(secrets_of(server), "\n".join(shown)) == []


def credentials(name):
    """A credential of each kind, made anew."""
    return dict(api_key=KEY) if name == "key" else dict(oauth=oauth(audience="a"))


def granting(server):
    """Let the server give the bearer to whoever asks."""
    reply = {"access_token": BEARER, "token_type": "Bearer", "expires_in": 3600}
    server.always("POST", "/oauth/token", Reply(200, reply))
    return server


FAILURES = {
    "401": (lambda s: Reply(401, {"detail": echo(s)}), AuthError),
    "422": (
        lambda s: Reply(422, {"detail": [{"loc": ["body", echo(s)], "msg": echo(s)}]}),
        UnprocessableError,
    ),
    "500": (lambda s: Reply(500, {"error": {"message": echo(s)}}), ServerError),
    "text": (lambda s: Reply(500, echo(s)), ServerError),
    "cut": (lambda s: Reply(500, '{"detail": "' + echo(s)), ServerError),
    "redirect": (lambda s: location(307, f"http://h.example/?{SIGNATURE}"), ApiError),
    "reset": (lambda s: Drop("reset"), TransportError),
    "broken off": (lambda s: Reply(200, echo(s) * 9, cut=20), TransportError),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["key", "oauth"])
@pytest.mark.parametrize(("act", "error"), FAILURES.values(), ids=FAILURES)
def test_failed_request_shows_no_credential(  # noqa: PLR0917 - a matrix
    kind, name, act, error, server, logged
):
    """Whatever comes back, of whatever was sent."""
    granting(server).always("*", "/x", act)

    (failed,) = run_jobs(kind, ask(BODY), base_url=server.url, **credentials(name))

    assert isinstance(failed, error)
    if act is not FAILURES["redirect"][0]:  # httpcore logs where it leads
        assert_hidden(server, logged, failed)
    assert found(secrets_of(server), frames(failed)) == []


TOKEN_FAILURES = {
    "refused": lambda s: Reply(
        401, {"error": "invalid_client", "error_description": echo(s)}
    ),
    "fields": lambda s: Reply(422, {"detail": [{"loc": ["form"], "msg": echo(s)}]}),
    "failed": lambda s: Reply(503, {"detail": echo(s)}),
    "text": lambda s: Reply(400, echo(s)),
    "reset": lambda s: Drop("reset"),
    "cut": lambda s: Reply(200, f'{{"access_token": "{WORD}'),
    "broken off": lambda s: Reply(200, {"access_token": WORD * 99}, cut=60),
    "another kind": lambda s: Reply(200, {"access_token": WORD, "token_type": "mac"}),
    "no header": lambda s: Reply(200, {"access_token": f"{WORD}\n{echo(s)}"}),
    "redirect": lambda s: location(307, "http://127.0.0.1:1/"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("act", TOKEN_FAILURES.values(), ids=TOKEN_FAILURES)
def test_failed_exchange_shows_neither_key_nor_assertion(kind, act, server, logged):
    """Nor the token of an answer that was not to be used."""
    server.always("POST", "/oauth/token", act)

    (failed,) = run_jobs(
        kind, ask(BODY), base_url=server.url, oauth=oauth(audience="a")
    )

    assert isinstance(failed, TokenError)
    assert_hidden(server, logged, failed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["key", "oauth"])
def test_client_shows_no_credential(kind, name, server, logged):
    """Neither before nor after it is used: in no repr, in nothing that it holds."""
    granting(server).always("*", "/x", Reply(200, {}))
    held = []

    def keep(channel):
        credential = channel.credential
        held.extend([repr(channel), str(channel), repr(attrs.asdict(channel))])
        held.extend([repr(credential), repr(credential.source)])
        for act in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises((ConfigError, TypeError)) as refused:
                act(channel.credential)
            held.append(frames(refused.value))

    given = credentials(name)
    options = dict(base_url=server.url, between=keep, **given)
    assert run_jobs(kind, ask(BODY), **options) == [{}]

    made = {"sync": Client, "async": AsyncClient}[kind]
    client = made(base_url=server.url, journal=None, **given)
    held.extend([repr(client), repr(vars(client))])
    assert_hidden(server, logged, "\n".join(held))


def test_token_shows_itself_nowhere():
    token = Token(BEARER, 60.0)

    assert WORD not in f"{token!r} {token}"
    for act in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(ConfigError) as refused:
            act(token)
        assert WORD not in frames(refused.value)


CRASHES = {
    "bad key": lambda kind: kind(f"{KEY}\n", journal=None),
    "two": lambda kind: kind(KEY, oauth=oauth(), journal=None),
    "no source": lambda kind: kind(oauth=KEY, journal=None),
    "endpoint": lambda kind: kind(KEY, base_url="ftp://a.example", journal=None),
    "http": lambda kind: kind(KEY, base_url="http://a.example", journal=None),
    "policy": lambda kind: kind(KEY, policy=3, journal=None),
    "journal": lambda kind: kind(KEY, journal=3),
    "hosts": lambda kind: kind(KEY, hosts="a", journal=None),
}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("make", CRASHES.values(), ids=CRASHES)
def test_client_that_cannot_be_made_shows_no_key(kind, make):
    with pytest.raises(FlowError) as refused:
        make(kind)

    shown = frames(refused.value)
    if make is CRASHES["no source"]:  # what was given as something else is not known
        shown = str(refused.value)
    assert found([WORD], shown) == []


# -- Signed links ---------------------------------------------------------------------


def fetched(url):
    async def fetch(session):
        content = b""
        async with await session.open(url) as stream:
            while part := await stream.read():
                content += part
        return stream.status, content

    return fetch


@pytest.mark.parametrize("kind", KINDS)
def test_signed_link_is_in_no_log_and_gets_no_key(kind, server, logged):
    """The address is logged without its path and query."""
    server.always("GET", "/f", lambda s: Reply(200, echo(s)))
    job = fetched(f"{server.url}/f?sig={SIGNATURE}")

    ((status, content),) = run_jobs(kind, job, api_key=KEY, base_url=server.url)

    assert status == 200
    assert WORD not in content.decode()
    assert server.requests[0].target == f"/f?sig={SIGNATURE}"
    assert "127.0.0.1" in logged.text
    assert_hidden(server, logged)


LINKS = {
    "reset": (Drop("reset"), TransportError),
    "broken off": (Reply(200, b"x" * 99, cut=9), TransportError),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("act", "error"), LINKS.values(), ids=LINKS)
def test_failed_link_shows_no_signature(kind, act, error, server, logged):
    """Not in the error, nor in the locals of its traceback."""
    server.always("GET", "/f", act)
    job = fetched(f"{server.url}/f?sig={SIGNATURE}")

    (failed,) = run_jobs(kind, job, api_key=KEY, base_url=server.url, policy=QUICK)

    assert isinstance(failed, error)
    assert_hidden(server, logged, failed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "url",
    [
        f"http://files.example/f?sig={SIGNATURE}",
        f"https://{SIGNATURE}@files.example/f",
        f"http://[?{SIGNATURE}",
    ],
)
def test_refused_link_shows_its_host_alone(kind, url, server, logged):
    (failed,) = run_jobs(kind, fetched(url), api_key=KEY, base_url=server.url)

    assert isinstance(failed, LinkRefusedError)
    assert_hidden(server, logged, failed)


def test_what_is_searched_for_is_found_where_it_is():
    """A search that finds nothing anywhere would prove nothing."""
    for text in (KEY, quote(KEY), json.dumps(KEY), repr({"k": KEY})):
        assert found([WORD], text) == [WORD]
    for before in range(5):
        text = b64encode(b"x" * before + KEY.encode()).decode()
        assert found([WORD], text) == [WORD]
    error = AnswerError("GET", "/x", KEY)
    assert found([WORD], frames(error)) == [WORD]


@pytest.mark.parametrize("kind", KINDS)
def test_error_of_a_call_shows_no_argument_of_it(kind):
    """Values of an environment, such as a key, may be among them."""

    async def fail(session, values):
        del values
        raise ConfigError("it failed")

    def call(client):
        return client.call(fail, values={"hook": "SENTINEL-VALUE"})

    with pytest.raises(ConfigError) as caught:
        use(kind, "https://api.example.com", call)
    assert "SENTINEL-VALUE" not in frames(caught.value)
