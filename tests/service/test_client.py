"""The client: which key and endpoint it takes, and what it shows of them."""

from __future__ import annotations

import copy
import gzip
import logging
import pickle
import re
import traceback

import httpx
import pytest

from flow64 import errors
from flow64.service import Client, _client
from flow64.service.api import Request, ResultItem, Sleep, ask, download, send

KEY = "sk_SENTINEL-KEY"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in ("API_KEY", "API_ENDPOINT", "API_BASE_URL"):
        monkeypatch.delenv(f"SIXTYFOUR_{name}", raising=False)


class Server(httpx.BaseTransport):
    """Answers every request with what a function gives, and keeps the requests."""

    def __init__(self, reply):
        self.reply = reply
        self.requests = []

    def handle_request(self, request):
        request.read()
        self.requests.append(request)
        return self.reply(request)


def client(reply, base_url="https://api.example.com", **more):
    server = Server(reply)
    return Client(KEY, base_url=base_url, transport=server, **more), server


def ok(_):
    return httpx.Response(200, json={})


def frames(error):
    """A traceback as the most talkative of tools prints it, causes and all."""
    seen = []
    while error is not None:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        seen += told.format()
        error = error.__cause__ or error.__context__
    return "".join(line for line in seen if "test_client.py" not in line)


# -- Key and endpoint -----------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["", " ", "SENTINEL\n", " SENTINEL", "SENTI NEL", "SENTINEL\u00e9", "\x00SENTINEL"],
)
def test_key_that_can_be_none_is_refused_without_being_shown(key, monkeypatch):
    """Given or from the environment, in no message and no local of ours."""
    with pytest.raises(errors.ConfigError, match="not shown here") as given:
        Client(key)
    if "\x00" not in key:
        monkeypatch.setenv("SIXTYFOUR_API_KEY", key)
        with pytest.raises(errors.ConfigError, match="not shown here"):
            Client()
    inner = given.value.__traceback__.tb_next
    told = traceback.TracebackException(
        type(given.value), given.value, inner, capture_locals=True
    )
    assert "SENTINEL" not in "".join(told.format())


def test_missing_key_is_named_with_the_way_out():
    """The variable, and the argument."""
    with pytest.raises(errors.ConfigError, match="SIXTYFOUR_API_KEY"):
        Client()


@pytest.mark.parametrize(
    ("given", "variables", "endpoint"),
    [
        (None, {}, "https://api.sixtyfour.ai"),
        (None, {"BASE_URL": "https://b.example"}, "https://b.example"),
        (
            None,
            {"BASE_URL": "https://b.example", "ENDPOINT": "https://e.example/"},
            "https://e.example",
        ),
        (None, {"BASE_URL": "https://b.example", "ENDPOINT": ""}, "https://b.example"),
        (
            "https://g.example/api/",
            {"ENDPOINT": "https://e.example"},
            "https://g.example/api",
        ),
        ("http://127.0.0.1:8000", {}, "http://127.0.0.1:8000"),
        ("http://localhost", {}, "http://localhost"),
        ("http://[::1]:8000", {}, "http://[::1]:8000"),
    ],
)
def test_endpoint_is_the_first_that_is_given(given, variables, endpoint, monkeypatch):
    """Argument, SIXTYFOUR_API_ENDPOINT, SIXTYFOUR_API_BASE_URL, the service."""
    for name, text in variables.items():
        monkeypatch.setenv(f"SIXTYFOUR_API_{name}", text)
    with Client("k", base_url=given) as made:
        assert made.endpoint == endpoint
        assert made.is_local == endpoint.startswith("http:")
        assert repr(made) == f"Client({endpoint!r})"


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://x.localhost",
        "http://localhost@evil.example",
        "https://u:SENTINEL@a.example",
        "https://u@a.example",
        "ftp://a.example",
        "a.example",
        "https://",
        "https://a b",
        "https://a.example?key=SENTINEL",
        "https://a.example#SENTINEL",
        "http://[",
        "https://a.example:port",
        3,
    ],
)
def test_endpoint_that_would_show_the_key_is_refused(url):
    """No http beyond this machine, no user name, nothing but an address."""
    with pytest.raises(errors.ConfigError) as caught:
        Client("k", base_url=url)
    assert "SENTINEL" not in str(caught.value)


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_client_is_neither_copied_nor_pickled(act):
    """Either would hold the key."""
    made, _ = client(ok)

    for part in (made, made._auth):
        with pytest.raises(errors.ConfigError):
            act(part)


def test_client_shows_its_key_nowhere():
    """Not in its repr, its attributes, or theirs."""
    made, _ = client(ok)

    shown = [made, vars(made), vars(made._auth), made._http, vars(made._http)]
    assert "SENTINEL" not in repr(shown) + str(made)


# -- Requests -------------------------------------------------------------------------


def test_request_carries_the_key_and_no_other_credential():
    """One header, also where the endpoint has a path, and no cookie comes back."""
    made, server = client(
        lambda _: httpx.Response(200, json={}, headers={"set-cookie": "a=b"}),
        "https://api.example.com/v0",
    )
    request = Request("POST", "/x", {"a": "1 2"}, {"\u00e9": None}, "key-1")

    made.play(ask(request))
    made.play(ask(Request("GET", "/y")))

    first, second = server.requests
    assert str(first.url) == "https://api.example.com/v0/x?a=1%202" or str(
        first.url
    ).endswith("/v0/x?a=1+2")
    assert first.headers["x-api-key"] == KEY
    assert first.headers["idempotency-key"] == "key-1"
    assert first.content == '{"\u00e9":null}'.encode()
    for sent in server.requests:
        assert not {"authorization", "cookie"} & set(sent.headers)
    assert "content-type" not in second.headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target", ["https://api.example.com/z", "https://evil.example/", "/z"]
)
def test_redirect_is_followed_nowhere(status, target):
    """No key, body or intent leaves for another place."""
    made, server = client(
        lambda _: httpx.Response(status, headers={"location": target})
    )

    for request in (Request("GET", "/x"), Request("POST", "/x", body={})):
        with pytest.raises(errors.ApiError, match="redirect"):
            made.play(ask(request))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (httpx.ConnectError("x"), False),
        (httpx.ConnectTimeout("x"), False),
        (httpx.PoolTimeout("x"), False),
        (httpx.ProxyError("x"), False),
        (httpx.ReadError("x"), True),
        (httpx.ReadTimeout("x"), True),
        (httpx.WriteError("x"), True),
        (httpx.RemoteProtocolError("x"), True),
    ],
)
def test_failure_says_whether_anything_was_sent(failure, sent, monkeypatch):
    """Where no connection was made, nothing was."""
    monkeypatch.setattr(_client.time, "sleep", lambda _: None)

    def fail(_):
        raise failure

    made, server = client(fail)

    with pytest.raises(errors.TransportError) as caught:
        made.play(ask(Request("POST", "/x", body={"SENTINEL": 1})))
    assert (caught.value.sent, len(server.requests)) == (sent, 1 if sent else 4)
    assert "SENTINEL" not in frames(caught.value)


def test_wait_is_slept(monkeypatch):
    """The client does what the conversation asks for."""
    slept = []
    monkeypatch.setattr(_client.time, "sleep", slept.append)
    made, _ = client(ok)

    def talk():
        assert (yield Sleep(3)) is None
        return "done"

    assert (made.play(talk()), slept) == ("done", [3])


def test_answer_that_is_too_large_is_refused_once(monkeypatch):
    """Also one that is small until it is unpacked; it is not asked for again."""
    monkeypatch.setattr(_client, "MAX_ANSWER", 2**20)
    bomb = gzip.compress(b"0" * 2**24)
    made, server = client(
        lambda _: httpx.Response(
            200, headers={"content-encoding": "gzip"}, content=bomb
        )
    )

    with pytest.raises(errors.AnswerError, match="more than 1 MiB"):
        made.play(ask(Request("GET", "/x")))
    assert len(server.requests) == 1


class Drip(httpx.SyncByteStream):
    def __iter__(self):
        while True:
            yield b"["


def test_body_that_never_ends_is_given_up(monkeypatch):
    """The time of a request is the time of its body too."""
    clock = iter(range(1000))
    monkeypatch.setattr(_client.time, "monotonic", lambda: next(clock))
    made, _ = client(lambda _: httpx.Response(200, stream=Drip()), timeout=5)

    with pytest.raises(errors.TransportError, match="ReadTimeout"):
        made.play(ask(Request("POST", "/x")))


def test_key_that_an_error_repeats_is_masked():
    """The service's words are shown, the key is not."""
    made, _ = client(
        lambda request: httpx.Response(
            401, json={"detail": f"bad key {request.headers['x-api-key']}"}
        )
    )

    with pytest.raises(errors.AuthError, match=r"bad key \*\*\*") as caught:
        made.play(ask(Request("GET", "/x")))
    assert "SENTINEL" not in frames(caught.value)


# -- Signed links ---------------------------------------------------------------------


def linked(url):
    return ResultItem("f", download_url=url)


def test_signed_link_gets_no_credential_and_is_in_no_log(caplog):
    """Neither key nor cookie; httpx logs the address without its signature."""
    caplog.set_level(logging.DEBUG)
    made, server = client(lambda _: httpx.Response(200, content=b"rows"))

    content = made.play(download(linked("https://files.example/f?sig=SENTINEL")))

    (request,) = server.requests
    assert content == b"rows"
    assert request.url.raw_path == b"/f?sig=SENTINEL"
    assert not {"x-api-key", "authorization", "cookie"} & set(request.headers)
    assert "files.example" in caplog.text
    assert "SENTINEL" not in caplog.text
    assert "SENTINEL" not in repr(request.url)


@pytest.mark.parametrize("status", [302, 401, 403])
def test_failed_link_shows_no_signature(status):
    """Not in the error, nor in the locals of its traceback."""
    made, server = client(
        lambda _: httpx.Response(
            status, headers={"location": "https://x.example/?SENTINEL"}
        )
    )

    with pytest.raises(errors.ApiError) as caught:
        made.play(download(linked("https://files.example/f?sig=SENTINEL")))
    assert "SENTINEL" not in frames(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "base_url", "is_followed"),
    [
        ("https://files.example/f", "https://api.example.com", True),
        ("https://user:pw@files.example/f", "https://api.example.com", True),
        ("http://127.0.0.1:9/f", "http://127.0.0.1:9", True),
        ("http://127.0.0.1:9/f", "https://api.example.com", False),
        ("http://files.example/f", "http://127.0.0.1:9", False),
        ("file:///etc/passwd", "http://127.0.0.1:9", False),
        ("ftp://127.0.0.1/f", "http://127.0.0.1:9", False),
        ("https:///f", "https://api.example.com", False),
        ("http://[", "https://api.example.com", False),
        ("https://a.example:port/", "https://api.example.com", False),
        ("", "https://api.example.com", False),
    ],
)
def test_link_is_followed_only_over_https(url, base_url, is_followed):
    """Or on this machine, where the endpoint is on it as well."""
    made, server = client(ok, base_url)

    if is_followed:
        made.play(download(linked(url)))
        assert "authorization" not in server.requests[0].headers
    else:
        with pytest.raises(errors.AnswerError, match="no https address"):
            made.play(download(linked(url)))
    assert len(server.requests) == is_followed


def test_download_may_take_longer_than_a_request(monkeypatch):
    """A large file comes as long as bytes come."""
    clock = iter(range(0, 10_000, 100))
    monkeypatch.setattr(_client.time, "monotonic", lambda: next(clock))
    made, _ = client(lambda _: httpx.Response(200, content=b"x"), timeout=5)

    assert (
        made.play(send(Request("GET", "", url="https://x.example/f"))).content == b"x"
    )


def test_nothing_for_this_machine_passes_through_a_proxy(monkeypatch):
    """A proxy of the environment is for the world outside."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:1")
    monkeypatch.delenv("NO_PROXY", raising=False)

    def mounts(base_url):
        with Client("k", base_url=base_url) as made:
            return [re.sub(r"\W", "", str(m.pattern)) for m in made._http._mounts]

    assert mounts("http://127.0.0.1:9") == []
    assert "https" in mounts("https://api.example.com")
