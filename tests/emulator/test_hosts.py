"""Where the emulator listens, the names that it answers to, and its health."""

from __future__ import annotations

import socket
from importlib.metadata import version

import pytest

from flow64.emulator import Emulator
from flow64.errors import ConfigError
from flow64.http import httpx
from tests.emulator.support import NO_CERTIFICATES

HEALTH = "/_emulator/health"
ALL = "0.0.0.0"

needs_linux = pytest.mark.skipif(
    not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine"
)


def status(emulator, name, path="/workflows"):
    """Ask under a host name, over a socket."""
    port = httpx.URL(emulator.url).port
    headers = {"host": f"{name}:{port}", "x-api-key": "k"}
    with httpx.Client(verify=NO_CERTIFICATES, trust_env=False) as client:
        return client.get(emulator.url + path, headers=headers).status_code


# -- Where it listens -----------------------------------------------------------------


def test_listens_on_one_address(serve):
    """By default, another address of the same machine does not reach it."""
    emulator, _ = serve()
    port = httpx.URL(emulator.url).port

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=5)


@pytest.mark.parametrize(
    ("host", "url", "reached"),
    [
        ("127.0.0.2", "http://127.0.0.2", ["127.0.0.2"]),
        ("localhost", "http://localhost", ["localhost"]),
        (ALL, "http://127.0.0.1", ["127.0.0.1", "127.0.0.2"]),
        pytest.param("::1", "http://[::1]", ["::1"], marks=needs_linux),
        pytest.param("[::1]", "http://[::1]", ["::1"], marks=needs_linux),
        pytest.param("::", "http://[::1]", ["::1", "127.0.0.1"], marks=needs_linux),
    ],
)
def test_listens_where_it_is_told(serve, host, url, reached):
    """The address that it gives reaches it from this machine, also if it is all."""
    emulator, client = serve(host=host)
    found, _, port = emulator.url.rpartition(":")

    assert found == url
    assert client.get("/workflows").status_code == 200
    for address in reached:
        socket.create_connection((address, int(port)), timeout=5).close()


@pytest.mark.parametrize("host", ["", "http://emulator", "emulator:6464", "*"])
@pytest.mark.parametrize("kind", ["host", "allow_names"])
def test_host_is_a_name_or_an_address(kind, host):
    """Everything else is refused before it is served; an empty text is not `all`."""
    with pytest.raises(ConfigError, match="is not a host") as caught:
        Emulator(**{kind: host if kind == "host" else [host]})

    assert ("did you mean 'emulator'?" in str(caught.value)) == ("emulator" in host)


# -- Names ----------------------------------------------------------------------------

OURS = ["127.0.0.1", "localhost", "[::1]"]
THEIRS = ["emulator", "evil.example", ALL, "127.0.0.2", "testserver", "a.emulator", "*"]


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({}, []),
        ({"host": ALL}, []),
        ({"host": ALL, "allow_names": ["emulator"]}, ["emulator"]),
        ({"host": "127.0.0.2"}, ["127.0.0.2"]),
        (
            {"allow_names": ["Emulator", "evil.example", "::2"]},
            ["emulator", "EMULATOR", "evil.example", "[::2]"],
        ),
    ],
    ids=str,
)
def test_answers_to_its_names_only(serve, options, more):
    """A page whose own name points here is refused, wherever the emulator listens."""
    emulator, _ = serve(**options)
    refused = [name for name in THEIRS if name not in more]

    assert {name: status(emulator, name) for name in OURS + more} == dict.fromkeys(
        OURS + more, 200
    )
    for path in ("/workflows", HEALTH, "/"):
        found = {name: status(emulator, name, path) for name in refused}
        assert found == dict.fromkeys(refused, 400)


def test_refusal_says_how_to_allow_a_name(serve):
    """It does not repeat the name, which may be anything."""
    emulator, _ = serve(host=ALL)
    reply = httpx.get(
        emulator.url, headers={"host": "evil.example"}, verify=NO_CERTIFICATES
    )

    assert reply.json() == {
        "detail": "The emulator does not answer to this host name; allow it with "
        "`flow64 serve --allow-name NAME` or `Emulator(allow_names=...)`"
    }


def test_page_under_an_allowed_name_uses_the_routes(serve):
    """Its origin is the name that it was asked for, and no other allowed name."""
    emulator, _ = serve(allow_names=["emulator", "other"])
    port = httpx.URL(emulator.url).port
    statuses = [
        httpx.get(
            f"{emulator.url}/_emulator/faults",
            headers={"host": f"emulator:{port}", "origin": f"http://{name}:{port}"},
            verify=NO_CERTIFICATES,
        ).status_code
        for name in ("emulator", "other")
    ]

    assert statuses == [200, 403]


def test_links_have_the_name_that_was_asked_for(serve):
    """So another container can open them."""
    emulator, _ = serve(allow_names=["emulator"])
    found = httpx.get(
        f"{emulator.url}/.well-known/oauth-authorization-server",
        headers={"host": "emulator:6464"},
        verify=NO_CERTIFICATES,
    ).json()

    assert found["issuer"] == "http://emulator:6464"


# -- Tokens ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, 401),
        ({"api_keys": ["one"]}, 401),
        ({"accept_any_token": True}, 200),
        ({"accept_any_token": True, "api_keys": ["one"]}, 200),
    ],
    ids=str,
)
def test_token_of_another_issuer(serve, options, wanted):
    """It is accepted only if the emulator was told so; the refusal says how."""
    emulator, _ = serve(**options)
    reply = httpx.get(
        f"{emulator.url}/workflows",
        headers={"authorization": "Bearer made-up"},
        verify=NO_CERTIFICATES,
    )

    assert reply.status_code == wanted
    assert ("--accept-any-token" in reply.text) == (wanted == 401)


# -- Health ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_is_healthy(serve, tmp_path, kind):
    """Without a credential; nothing is recorded, and faults do not concern it."""
    store = None if kind == "memory" else tmp_path / "emulator.db"
    emulator, client = serve(store=store, api_keys=["one"])
    client.post("/_emulator/faults", json={"kind": "status_before"})
    reply = httpx.get(emulator.url + HEALTH, verify=NO_CERTIFICATES)

    assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
    assert reply.json() == {
        "status": "ok",
        "version": version("flow64"),
        "store": kind,
        "problem": None,
    }
    assert emulator.requests == []


def break_by_closing(emulator, _path):
    emulator.store.close()


def break_by_removing(_emulator, path):
    path.unlink()


@pytest.mark.parametrize(
    ("break_store", "problem"),
    [
        (break_by_closing, "it was closed"),
        (break_by_removing, "the file was removed or replaced"),
    ],
)
def test_is_not_healthy(serve, tmp_path, break_store, problem):
    """A store that loses data is 503, with the reason."""
    path = tmp_path / "emulator.db"
    emulator, client = serve(store=path)
    before = client.get(HEALTH).status_code
    break_store(emulator, path)
    reply = client.get(HEALTH)

    assert (before, reply.status_code) == (200, 503)
    assert reply.json()["status"] == "failing"
    assert problem in reply.json()["problem"]
    assert client.head(HEALTH).status_code == 503
