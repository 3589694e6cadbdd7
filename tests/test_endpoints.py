"""Which endpoint a client talks to, and which links it opens."""

from __future__ import annotations

import pytest

from flow64.client import AsyncClient, Client
from flow64.endpoints import endpoint_of, host_of, is_followed, is_loopback
from flow64.errors import ConfigError


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
        ("HTTPS://A.example", {}, "HTTPS://A.example"),
    ],
)
def test_endpoint_is_the_first_that_is_given(given, variables, endpoint, monkeypatch):
    """Argument, SIXTYFOUR_API_ENDPOINT, SIXTYFOUR_API_BASE_URL, the service."""
    for name, text in variables.items():
        monkeypatch.setenv(f"SIXTYFOUR_API_{name}", text)

    assert endpoint_of(given) == endpoint
    made = Client("k", base_url=given, journal=None)
    assert made.endpoint == endpoint
    assert made.session.is_local == endpoint.startswith("http:")
    assert repr(made) == f"Client({endpoint!r})"
    assert repr(AsyncClient("k", base_url=given)) == f"AsyncClient({endpoint!r})"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "http://api.example.com",
        "http://10.0.0.1",
        "http://127.0.0.1.example.com",
        "http://127.1.example",
        "http://x.localhost",
        "http://localhost.",
        "http://localhost@evil.example",
        "https://u:SENTINEL@a.example",
        "https://u@a.example",
        "https://@a.example",
        "https://a.example\\@evil.example",
        "https://evil.example\\.a.example",
        "ftp://a.example",
        "a.example",
        "https://",
        "https://a b",
        " https://a.example",
        "https://a.example\n",
        "https://a.exa\u043cple",
        "https://a.example?key=SENTINEL",
        "https://a.example#SENTINEL",
        "http://[",
        "https://a.example:port",
        3,
        b"https://a.example",
    ],
)
def test_endpoint_that_would_show_the_key_is_refused(url, monkeypatch):
    """No http beyond this machine, no user name, nothing but an address."""
    with pytest.raises(ConfigError) as given:
        endpoint_of(url)
    assert "SENTINEL" not in str(given.value)
    for kind in (Client, AsyncClient):
        with pytest.raises(ConfigError):
            kind("k", base_url=url, journal=None)
    if isinstance(url, str) and url:
        monkeypatch.setenv("SIXTYFOUR_API_BASE_URL", url)
        with pytest.raises(ConfigError) as named:
            endpoint_of(None)
        assert "SENTINEL" not in str(named.value)


def test_refusal_says_where_the_endpoint_came_from(monkeypatch):
    """An argument, or the variable that won."""
    with pytest.raises(ConfigError, match="base_url="):
        endpoint_of("ftp://a.example")
    monkeypatch.setenv("SIXTYFOUR_API_BASE_URL", "http://a.example")
    with pytest.raises(ConfigError, match=r"SIXTYFOUR_API_BASE_URL.*allow_http=True"):
        endpoint_of(None)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("api.sixtyfour.ai", "https://api.sixtyfour.ai"),
        ("localhost", "http://localhost"),
        ("localhost:6464", "http://localhost:6464"),
        ("127.0.0.1:6464/v1/", "http://127.0.0.1:6464/v1"),
        ("10.0.0.7:80", "https://10.0.0.7:80"),
    ],
)
def test_endpoint_without_scheme(given, address):
    """The message shows what to write."""
    with pytest.raises(ConfigError) as caught:
        endpoint_of(given)

    assert str(caught.value) == (
        f"the endpoint given by base_url= has no scheme; write {address}"
    )


@pytest.mark.parametrize(
    "given", ["sk_live_SENTINEL.example", "eyJhSENTINEL.eyJzdWIi.c2ln", "SENTINEL"]
)
def test_endpoint_that_may_be_a_secret_is_not_shown(given):
    """Such as a key in the wrong variable."""
    with pytest.raises(ConfigError) as caught:
        endpoint_of(given)

    assert "SENTINEL" not in str(caught.value)


def test_http_beyond_this_machine_has_to_be_allowed():
    """As for an emulator in the next container; nothing else is allowed by it."""
    assert endpoint_of("http://emulator:6464", allow_http=True) == (
        "http://emulator:6464"
    )
    for url in ("http://u:p@emulator", "ftp://emulator", "http://emulator?x"):
        with pytest.raises(ConfigError):
            endpoint_of(url, allow_http=True)


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("localhost.example", False),
        ("localhost.", False),
        ("2130706433", False),
        ("", False),
    ],
)
def test_loopback_is_what_can_only_be_this_machine(host, is_here):
    assert is_loopback(host) == is_here


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://A.example:1/x", "a.example"), ("x", ""), ("http://[", ""), ("", "")],
)
def test_host_is_that_of_the_url(url, host):
    assert host_of(url) == host


HERE, THERE, PLAIN = "http://127.0.0.1:9", "https://api.example.com", "http://box:64"


@pytest.mark.parametrize(
    ("link", "endpoint", "is_opened"),
    [
        ("https://files.example/f?sig=x", THERE, True),
        ("https://files.example/f", HERE, True),
        ("https://user:pw@files.example/f", THERE, False),
        ("https://files.example\\@evil.example/f", THERE, False),
        ("https://files.example/a b", THERE, False),
        ("https://files.example/a\nb", THERE, False),
        ("http://127.0.0.1:9/f", HERE, True),
        ("http://localhost:8/f", HERE, True),
        ("http://127.0.0.1:9/f", THERE, False),
        ("http://api.example.com/f", THERE, False),
        ("http://files.example/f", HERE, False),
        ("http://box:64/f", PLAIN, True),
        ("http://box:65/f", PLAIN, False),
        ("http://other:64/f", PLAIN, False),
        ("file:///etc/passwd", HERE, False),
        ("ftp://127.0.0.1/f", HERE, False),
        ("https:///f", THERE, False),
        ("http://[", THERE, False),
        ("https://a.example:port/", THERE, False),
        ("", THERE, False),
    ],
)
def test_link_is_opened_only_where_nobody_listens_in(link, endpoint, is_opened):
    """https; http from this machine to itself, or where the endpoint is http itself."""
    assert is_followed(link, endpoint) == is_opened


def test_http_is_allowed_for_clients_too():
    made = Client("k", base_url="http://emulator", allow_http=True, journal=None)

    assert (made.endpoint, made.session.is_local) == ("http://emulator", False)
