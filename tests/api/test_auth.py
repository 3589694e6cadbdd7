"""The one credential: in one header, sent to one origin, and to nobody it leads to."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from base64 import b64encode, urlsafe_b64encode
from contextlib import nullcontext
from json import dumps
from urllib.parse import quote, urlsplit

import pytest

from flow64.api import Credential, Request, Token
from flow64.client import AsyncClient, Client
from flow64.errors import ApiError, ConfigError, LinkRefusedError, TokenError
from flow64.redaction import Redaction
from tests.service.clients import ask, job
from tests.service.credentials import (
    KINDS,
    credentials_of,
    found,
    frames,
    oauth,
    run_jobs,
    spellings,
)
from tests.service.fault_server import FaultServer, Reply, location

KEY = "sk_SENTINEL-KEY"


class Source:
    """Gives tokens that are made up."""

    async def obtain(self, session):
        return Token("SENTINEL-TOKEN", 60.0)


# -- Which credential -----------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "SENTINEL\n",
        "SENTINEL\r\nx-evil: 1",
        " SENTINEL",
        "SENTINEL ",
        "SENTI NEL",
        "SENTINEL\t",
        "SENTINEL\u00e9",
        "SENTINEL\u2028",
        "\x00SENTINEL",
        "SENTINEL\x7f",
        b"SENTINEL",
        3,
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_key_that_can_be_none_is_refused_without_being_shown(key, kind, monkeypatch):
    """Given or from the environment, in no message and no local of ours."""
    with pytest.raises(ConfigError, match="not shown here") as given:
        kind(key, journal=None)
    if isinstance(key, str) and "\x00" not in key:
        monkeypatch.setenv("SIXTYFOUR_API_KEY", key)
        with pytest.raises(ConfigError, match="not shown here"):
            kind(journal=None)
    inner = given.value.__traceback__.tb_next
    told = traceback.TracebackException(
        type(given.value), given.value, inner, capture_locals=True
    )
    assert "SENTINEL" not in "".join(told.format())


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_missing_key_is_named_with_the_way_out(kind):
    """The variable, and the argument."""
    with pytest.raises(ConfigError, match=r"SIXTYFOUR_API_KEY.*api_key="):
        kind(journal=None)


def test_given_key_beats_the_environment(monkeypatch):
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_environment")

    assert Credential(None, None).header() == {"x-api-key": "sk_environment"}
    assert Credential("sk_given", None).header() == {"x-api-key": "sk_given"}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("!~", True), ("a" * 5000, True), ("", False), ("a b", False), (3, False)],
)
def test_key_is_text_that_is_printed(text, is_one):
    with nullcontext() if is_one else pytest.raises(ConfigError, match="is empty, or"):
        Credential(text, None).require_usable()


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_credential_and_client_are_neither_copied_nor_pickled(act, kind):
    """Either would hold the key."""
    made = kind(KEY, journal=None)

    for part in (made, made._settings.channel.credential):
        with pytest.raises(ConfigError):
            act(part)


# -- Tokens ---------------------------------------------------------------------------


def test_token_is_due_before_it_is_had_and_when_its_time_is_over():
    credential = Credential(None, Source())
    assert credential.is_due(0.0)

    credential.keep(Token("t-1", 60.0), 100.0)

    dues = [credential.is_due(now) for now in (100.0, 159.9, 160.0)]
    assert dues == [False, False, True]
    assert credential.header() == {"authorization": "Bearer t-1"}


def test_every_token_has_a_turn():
    credential = Credential(None, Source())
    turns = [credential.turn]
    for number in range(2):
        credential.keep(Token(f"t-{number}", 60.0), 0.0)
        turns.append(credential.turn)

    assert turns == [0, 1, 2]
    assert credential.header() == {"authorization": "Bearer t-1"}


def test_key_is_never_due():
    credential = Credential(KEY, None)

    assert (credential.is_due(1e9), credential.turn) == (False, 0)


# -- What is masked -------------------------------------------------------------------

SECRET = 'sk_SENTINEL"/+~%(key)'


@pytest.mark.parametrize(
    "spell",
    [
        lambda s: s,
        lambda s: quote(s, safe=""),
        quote,
        lambda s: quote(s, safe="!*'()"),
        lambda s: dumps(s)[1:-1].replace("/", "\\/"),
        lambda s: dumps(s)[1:-1],
        lambda s: b64encode(s.encode()).decode(),
        lambda s: b64encode(f"a{s}".encode()).decode(),
        lambda s: b64encode(f"ab{s}b".encode()).decode(),
        lambda s: b64encode(f"Bearer {s}, and more".encode()).decode(),
        lambda s: urlsafe_b64encode(f"{s}?".encode()).decode(),
    ],
    ids=range(11),
)
def test_secret_is_masked_in_every_spelling(spell):
    text = f"<{spell(SECRET)}>"

    shown = Redaction(Credential(SECRET, None).secrets).redact(text)

    assert "***" in shown
    assert not any(form in shown for form in spellings(SECRET))


def test_key_or_token_is_what_is_redacted():
    plain, holding = Credential(KEY, None), Credential(None, Source())

    assert (plain.secrets, holding.secrets) == ([KEY], [])
    holding.keep(Token("SENTINEL-TOKEN", 1.0), 0.0)
    assert holding.secrets == ["SENTINEL-TOKEN"]


def test_key_that_is_part_of_any_word_is_not_masked():
    """The made-up one of a test would make every message unreadable."""
    assert Credential("e", None).secrets == []


# -- A note ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "body", "notes"),
    [
        (Source(), {"webhook_payload": [{}]}, 1),
        (Source(), {"webhook_payload": []}, 1),
        (Source(), {}, 0),
        (Source(), None, 0),
        (Source(), [{"webhook_payload": []}], 0),
        (None, {"webhook_payload": [{}]}, 0),
    ],
    ids=["rows", "no rows", "search", "read", "list", "key"],
)
def test_rows_sent_under_oauth_are_noted_once(source, body, notes, caplog):
    """Older documents ask for an API key; it goes on all the same."""
    caplog.set_level(logging.INFO, "flow64")
    credential = Credential(None if source else KEY, source)

    for _ in range(2):
        credential.note(Request("POST", "/workflows/run", body=body))

    assert len(caplog.records) == notes
    assert all("sources disagree" in text for text in caplog.messages)


# -- One header, one origin -----------------------------------------------------------


SESSION = (
    Request("GET", "/workflows", {"limit": "5"}),
    Request("POST", "/workflows/create_workflow", body={}),
    Request("POST", "/workflows/run", body={}, idempotency_key="intent-1"),
    Request("DELETE", "/signing-secret"),
)


@job
async def requests(session, base):
    """Send requests of every kind, and open a link to the same origin."""
    for request in SESSION:
        await session.ask(request)
    async with await session.open(f"{base}/file?sig=x") as stream:
        return await stream.read()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
def test_every_request_has_one_credential_and_no_link_has_any(
    kind, name, monkeypatch, tmp_path
):
    """Whatever the environment says, and a netrc of this machine."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_environment")
    given = dict(api_key=KEY) if name == "x-api-key" else dict(oauth=Source())
    text = {"x-api-key": KEY, "authorization": "Bearer SENTINEL-TOKEN"}[name]
    with FaultServer() as server:
        server.always("*", "*", Reply(200, {}))

        (content,) = run_jobs(kind, requests(server.url), base_url=server.url, **given)

        *asked, file = server.requests
    assert content == b"{}"
    assert [seen.line for seen in asked] == [f"{r.method} {r.path}" for r in SESSION]
    assert [credentials_of(seen) for seen in asked] == [[name]] * len(SESSION)
    assert {seen.header(name) for seen in asked} == {text}
    assert credentials_of(file) == []


@pytest.fixture(scope="module")
def origin():
    with FaultServer() as made:
        yield made


@pytest.fixture(scope="module")
def other():
    with FaultServer() as made:
        made.always("*", "*", Reply(200, {}))
        yield made


TARGETS = {
    "same origin": "{here}/elsewhere",
    "other port": "{there}/",
    "other host": "http://localhost:{port}/",
    "https": "https://127.0.0.1:{port}/",
    "user name": "http://{host}@127.0.0.1:{port}/",
    "backslash": "http://127.0.0.1:{port}\\@{host}/",
    "relative": "/elsewhere",
    "no scheme": "//127.0.0.1:{port}/",
    "chain": "{here}/chain",
    "nowhere": "http://[",
}


def sends():
    """What is asked, with what must not leave."""
    yield Request("GET", "/x")
    yield Request(
        "POST", "/x", body={"secret": "SENTINEL-BODY"}, idempotency_key="SENTINEL-KEY"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_redirect_is_followed_nowhere(kind, status, target, origin, other):
    """No credential, intent or body leaves; the error names where it leads."""
    before = len(origin.requests), len(other.requests)
    url = target.format(
        here=origin.url,
        there=other.url,
        port=urlsplit(other.url).port,
        host=urlsplit(origin.url).netloc,
    )
    origin.always("*", "/x", location(status, url))
    origin.always("*", "/chain", location(status, other.url))

    errors = run_jobs(kind, *map(ask, sends()), api_key=KEY, base_url=origin.url)

    sent = [seen.line for seen in origin.requests[before[0] :]]
    assert sent == ["GET /x", "POST /x"]
    assert len(other.requests) == before[1]
    for error in errors:
        assert isinstance(error, ApiError)
        assert error.status == status
        assert "a redirect to" in str(error)
        assert "never follows" in str(error)
        host = "localhost" if "localhost" in url else "127.0.0.1"
        assert host in str(error) or url.startswith("/") or url == "http://["


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_token_endpoint_leads_nowhere_either(kind, status, origin, other):
    """No assertion leaves for another place."""
    before = len(origin.requests), len(other.requests)
    origin.always("POST", "/oauth/token", location(status, other.url))

    (error,) = run_jobs(
        kind, ask(Request("GET", "/x")), oauth=oauth(), base_url=origin.url
    )

    assert isinstance(error, TokenError)
    assert "a redirect to 127.0.0.1" in str(error)
    assert [s.line for s in origin.requests[before[0] :]] == ["POST /oauth/token"]
    assert len(other.requests) == before[1]


@pytest.mark.parametrize("kind", KINDS)
def test_link_gets_neither_key_nor_cookie(kind, origin, other):
    """Also one of our own origin, after an answer that set a cookie."""
    before = len(origin.requests)
    origin.always("GET", "/y", Reply(200, {}, {"set-cookie": "a=b"}))
    origin.always("GET", "/file", location(302, other.url))

    async def look(session):
        await session.ask(Request("GET", "/y"))
        async with await session.open(f"{origin.url}/file?sig=x") as stream:
            return stream.status

    opened = len(other.requests)
    (status,) = run_jobs(kind, look, api_key=KEY, base_url=origin.url)

    asked, file = origin.requests[before:]
    assert (status, len(other.requests)) == (302, opened)
    assert credentials_of(asked) == ["x-api-key"]
    assert credentials_of(file) == []
    assert file.all("cookie") == []
    assert file.target == "/file?sig=x"
    assert not found([KEY], str(file.headers))


@pytest.mark.parametrize("kind", KINDS)
def test_link_that_leads_elsewhere_is_not_opened(kind, origin):
    async def look(session):
        await session.open("http://files.example/f?sig=SENTINEL")

    (error,) = run_jobs(kind, look, api_key=KEY, base_url=origin.url)

    assert isinstance(error, LinkRefusedError)
    assert "files.example" in str(error)
    assert "SENTINEL" not in str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_run_under_oauth_goes_on_with_a_note(kind, origin, caplog):
    """The sources disagree, and the newer ones let it."""
    caplog.set_level(logging.INFO, "flow64")
    origin.always("POST", "/workflows/run", Reply(200, {"job_id": "j"}))
    sending = ask(Request("POST", "/workflows/run", body={"webhook_payload": [{}]}))

    found = run_jobs(kind, sending, oauth=Source(), base_url=origin.url)

    assert found == [{"job_id": "j"}]
    assert [text for text in caplog.messages if "sources disagree" in text]


@pytest.mark.parametrize("kind", KINDS)
def test_body_that_cannot_be_written_shows_no_key(kind, origin):
    """Not in the locals of the frames that it passes."""
    sending = ask(Request("POST", "/x", body={"a": "\ud800"}))

    with pytest.raises(UnicodeEncodeError) as caught:
        run_jobs(kind, sending, api_key=KEY, base_url=origin.url)

    assert "SENTINEL" not in frames(caught.value)
