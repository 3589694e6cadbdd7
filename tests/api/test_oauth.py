"""OAuth: keys, assertions, tokens, and what becomes of a refusal."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import re
import time
from email.utils import formatdate

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    PrivateFormat,
)

from flow64.api import DISCOVERY, OAuth, Request, Token, may_help, may_pass
from flow64.emulator import Emulator
from flow64.errors import (
    AnswerError,
    AuthError,
    ConfigError,
    TokenError,
    TransportError,
)
from tests.service.by_hand import SessionByHand
from tests.service.clients import ask
from tests.service.credentials import (
    KID,
    KINDS,
    NAME,
    credentials_of,
    frames,
    key,
    known,
    oauth,
    pem,
    public,
    run_jobs,
)
from tests.service.fault_server import FaultServer, Reply
from tests.service.support import answer

URL = "https://api.example.com"
TOKEN_URL = f"{URL}/oauth/token"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANTED = answer({"access_token": "t", "token_type": "Bearer", "expires_in": 100})
REFUSED = answer({"error": "invalid_client", "error_description": "who?"}, 401)
BUSY = answer({"detail": "busy"}, 503)


class Exchange(SessionByHand):
    """A session by hand that repeats a request once for each of `waits`."""

    def __init__(self, *replies, waits=(), endpoint=URL):
        super().__init__(*replies, endpoint=endpoint)
        self.left = list(waits)

    def retry_wait(self, request, error, failures):
        is_free = may_help(request, error)
        return self.left.pop(0) if self.left and is_free else None


def obtained(*replies, source=None, waits=(), endpoint=URL):
    """Return the token or the error of one exchange, and its requests."""
    session = Exchange(*replies, waits=waits, endpoint=endpoint)
    try:
        return session.play((source or oauth()).obtain), session.asked
    except TokenError as error:
        return error, session.asked


def read(request, audience=TOKEN_URL):
    """The claims of the assertion of a request, verified with the algorithm pinned."""
    return jwt.decode(
        request.form["client_assertion"],
        key().public_key(),
        ["RS256"],
        audience=audience,
    )


# -- Keys -----------------------------------------------------------------------------


def elliptic():
    return pem(ec.generate_private_key(ec.SECP256R1()))


def locked(form=PrivateFormat.PKCS8):
    return pem(form=form, encryption=BestAvailableEncryption(b"SENTINEL"))


BAD_KEYS = {
    "empty": (lambda: "", "not a PEM"),
    "text": (lambda: "SENTINEL", "not a PEM"),
    "no ASCII": (lambda: "SENTINEL\u00e9\ud800", "not a PEM"),
    "cut": (lambda: pem()[:200], "not a PEM that can be read; make one with openssl"),
    "path": (
        lambda: "key.pem",
        "a PEM begins with -----BEGIN; a path is for OAuth.from_file",
    ),
    "escaped": (
        lambda: pem().replace("\n", "\\n"),
        "line breaks are written as",
    ),
    "nothing": (lambda: None, "not a PEM text"),
    "object": (key, "not a PEM text"),
    "locked": (locked, "passphrase"),
    "old locked": (lambda: locked(PrivateFormat.TraditionalOpenSSL), "passphrase"),
    "public": (public, "public half"),
    "elliptic": (elliptic, "not an RSA key"),
    "edwards": (lambda: pem(ed25519.Ed25519PrivateKey.generate()), "not an RSA key"),
    "small": (lambda: pem(key("small", 1024)), "1024 bits"),
}


@pytest.mark.parametrize(("given", "words"), BAD_KEYS.values(), ids=BAD_KEYS)
def test_key_that_cannot_sign_is_refused_without_being_shown(given, words):
    """With the line that mends it; not in any frame of ours either."""
    text = given()

    with pytest.raises(ConfigError, match=words) as caught:
        OAuth(NAME, text, kid=KID)

    assert re.search("openssl|from_file|real line breaks", str(caught.value))
    shown = frames(caught.value)
    assert "SENTINEL" not in shown
    assert not [line for line in str(text).splitlines()[1:-1] if line and line in shown]


GOOD_KEYS = {
    "text": pem,
    "bytes": lambda: pem().encode(),
    "old form": lambda: pem(form=PrivateFormat.TraditionalOpenSSL),
    "other line breaks": lambda: "\n\n" + pem().replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", GOOD_KEYS.values(), ids=GOOD_KEYS)
def test_key_is_pem_of_either_form(text):
    source = OAuth(NAME, text(), kid=KID)

    token, (request,) = obtained(GRANTED, source=source)

    assert token == Token("t", 80.0)
    assert read(request)["iss"] == NAME


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kid": ""}, "kid"),
        ({"kid": "a b"}, "kid"),
        ({"kid": 3}, "kid"),
        ({"audience": ""}, "audience"),
        ({"audience": "https://a b"}, "audience"),
        ({"scope": ""}, "scope"),
        ({"scope": 3}, "scope"),
        ({"lifetime": 0}, "from 1 to 300"),
        ({"lifetime": 300.5}, "from 1 to 300"),
        ({"lifetime": -1}, "from 1 to 300"),
        ({"lifetime": float("nan")}, "from 1 to 300"),
        ({"lifetime": True}, "from 1 to 300"),
        ({"lifetime": "60"}, "from 1 to 300"),
        ({"token_path": "oauth/token"}, "token_path"),
        ({"token_path": "//evil.example/token"}, "token_path"),
        ({"token_path": "/oauth/token?a=b"}, "token_path"),
        ({"token_path": None}, "token_path"),
    ],
)
def test_setting_that_cannot_be_used_is_refused(given, words):
    with pytest.raises(ConfigError, match=words) as caught:
        oauth(**given)

    assert pem().splitlines()[1] not in frames(caught.value)


def test_client_id_has_to_be_one():
    with pytest.raises(ConfigError, match="client_id"):
        OAuth("client 1", pem(), kid=KID)


def test_key_comes_from_a_file(tmp_path, caplog):
    """One that is its owner's alone is read without a word."""
    path = tmp_path / "key.pem"
    path.write_text(pem())
    path.chmod(0o600)

    source = OAuth.from_file(path, NAME, kid=KID, lifetime=30)

    _, (request,) = obtained(GRANTED, source=source)
    claims = read(request)
    assert claims["exp"] - claims["iat"] == 30
    assert caplog.text == ""


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_file_that_others_may_use_is_warned_of(mode, tmp_path, caplog):
    """It is used: in a container, all files may look like that."""
    path = tmp_path / "key.pem"
    path.write_text(pem())
    path.chmod(mode)

    OAuth.from_file(str(path), NAME, kid=KID)

    (record,) = caplog.records
    assert (record.name, record.levelno) == ("flow64", logging.WARNING)
    assert f"mode {mode:03o}" in record.getMessage()
    assert "chmod 600" in record.getMessage()


@pytest.mark.parametrize("path", ["missing.pem", ".", "a\0b", None, 3.5])
def test_file_that_cannot_be_read_is_named(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match="cannot be read"):
        OAuth.from_file(path, NAME, kid=KID)


@pytest.fixture
def environment(monkeypatch):
    """Sets variables of the OAuth client."""

    def setting(**variables):
        for name, text in variables.items():
            monkeypatch.setenv(f"SIXTYFOUR_OAUTH_{name}", text)

    return setting


@pytest.mark.parametrize("is_one_line", [False, True])
def test_environment_holds_the_key(is_one_line, environment):
    """Line breaks may be written out, as some places of secrets need it."""
    text = pem().replace("\n", "\\n") if is_one_line else pem()
    environment(CLIENT_ID=NAME, KEY_ID="key-9", KEY=text)

    _, (request,) = obtained(GRANTED, source=OAuth.from_env(audience="a", scope=None))

    assert read(request, "a")["sub"] == NAME
    assert jwt.get_unverified_header(request.form["client_assertion"])["kid"] == "key-9"
    assert "scope" not in request.form


def test_environment_names_a_file(environment, tmp_path):
    path = tmp_path / "key.pem"
    path.write_text(pem())
    path.chmod(0o600)
    environment(CLIENT_ID=NAME, KEY_ID=KID, KEY_FILE=str(path), KEY="")

    assert repr(OAuth.from_env()) == "OAuth('client-1')"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "SIXTYFOUR_OAUTH_CLIENT_ID is not set"),
        ({"CLIENT_ID": NAME}, "SIXTYFOUR_OAUTH_KEY is not set"),
        ({"CLIENT_ID": NAME, "KEY": "SENTINEL"}, "SIXTYFOUR_OAUTH_KEY_ID is not set"),
        ({"CLIENT_ID": NAME, "KEY": "SENTINEL", "KEY_FILE": "x"}, "keep one of them"),
        ({"CLIENT_ID": NAME, "KEY_ID": KID, "KEY": "SENTINEL"}, "not a PEM"),
        ({"CLIENT_ID": NAME, "KEY_ID": KID, "KEY_FILE": "/x/y"}, "cannot be read"),
    ],
)
def test_environment_that_lacks_something_is_refused(variables, words, environment):
    environment(**variables)

    with pytest.raises(ConfigError, match=words) as caught:
        OAuth.from_env()
    assert "SENTINEL" not in frames(caught.value)


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "thing", [oauth, lambda: Token("SENTINEL", 1.0)], ids=["key", "token"]
)
def test_key_and_token_are_neither_copied_nor_pickled(act, thing):
    with pytest.raises(ConfigError, match="neither copied nor pickled"):
        act(thing())


def test_key_shows_itself_nowhere():
    made = oauth()

    with pytest.raises(TypeError):
        vars(made)
    assert (repr(made), str(made)) == ("OAuth('client-1')",) * 2
    assert "SENTINEL" not in repr(Token("SENTINEL", 1.0))


# -- Assertions -----------------------------------------------------------------------


def test_exchange_is_that_of_the_documents_and_of_rfc_7523():
    token, (request,) = obtained(GRANTED)

    form = dict(request.form)
    header = jwt.get_unverified_header(form.pop("client_assertion"))
    assert token == Token("t", 80.0)
    assert (request.method, request.path) == ("POST", "/oauth/token")
    assert request.is_open
    assert request.may_repeat
    assert request.body is None
    assert form == {
        "grant_type": "client_credentials",
        "client_id": NAME,
        "client_assertion_type": JWT_BEARER,
        "scope": "full_access",
    }
    assert header == {"alg": "RS256", "kid": KID, "typ": "JWT"}


def test_assertion_claims_who_for_whom_and_for_how_long():
    before = int(time.time())

    _, (request,) = obtained(GRANTED)

    claims = read(request)
    assert set(claims) == {"iss", "sub", "aud", "iat", "exp", "jti"}
    assert claims["iss"] == claims["sub"] == NAME
    assert claims["aud"] == TOKEN_URL
    assert before <= claims["iat"] <= time.time()
    assert claims["exp"] - claims["iat"] == 300
    assert len(claims["jti"]) == 36


@pytest.mark.parametrize(
    ("more", "path", "audience"),
    [
        ({}, "/oauth/token", TOKEN_URL),
        (
            {"audience": "https://issuer.example"},
            "/oauth/token",
            "https://issuer.example",
        ),
        ({"token_path": "/v2/token"}, "/v2/token", f"{URL}/v2/token"),
    ],
)
def test_audience_is_the_token_endpoint_unless_it_is_given(more, path, audience):
    _, (request,) = obtained(GRANTED, source=oauth(**more))

    assert (request.path, read(request, audience)["aud"]) == (path, audience)


def test_every_assertion_has_an_id_of_its_own():
    """Also those of repetitions, which a service would refuse as replayed."""
    source = oauth()
    replies = BUSY, TransportError("POST", "/oauth/token", "reset"), GRANTED

    token, first = obtained(*replies, source=source, waits=(1, 1))
    _, second = obtained(GRANTED, source=source)

    assert token == Token("t", 80.0)
    assert len({read(request)["jti"] for request in first + second}) == 4


# -- Answers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "lifetime"),
    [
        (3600, 2880.0),
        (60, 48.0),
        (0.5, 0.4),
        ("3600", 2880.0),
        (86_400, 69_120.0),
        (10**400, 69_120.0),
        (float("inf"), 69_120.0),
        ("9" * 400, 69_120.0),
        (None, 60.0),
        (0, 60.0),
        (-1, 60.0),
        (float("nan"), 60.0),
        (True, 60.0),
        ("-5", 60.0),
        ("\u00b2", 60.0),
        ("soon", 60.0),
        ([60], 60.0),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_token_is_used_for_most_of_its_life(told, lifetime):
    """80 % of it, of a day at most; a minute where nothing sane is said."""
    token, _ = obtained(answer({"access_token": "t", "expires_in": told}))

    assert token == Token("t", lifetime)


def test_life_of_a_token_may_be_left_out():
    assert obtained(answer({"access_token": "t"}))[0] == Token("t", 60.0)


@pytest.mark.parametrize("kind", ["Bearer", "bearer", "BEARER", None])
def test_token_is_a_bearer_token(kind):
    token, _ = obtained(answer({"access_token": "t", "token_type": kind}))

    assert token.text == "t"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ({}, "no access_token"),
        ({"access_token": None}, "no access_token"),
        ({"access_token": ""}, "no access_token"),
        ({"access_token": 3}, "no access_token"),
        ({"access_token": "SENTINEL\r\nx-api-key: k"}, "no access_token"),
        ({"access_token": "SENTINEL two"}, "no access_token"),
        ({"access_token": "SENTINEL\u00e9"}, "no access_token"),
        ({"access_token": "SENTINEL", "token_type": "mac"}, "another type"),
        ({"access_token": "SENTINEL", "token_type": 3}, "another type"),
        ({"access_token": "SENTINEL", "x": "x" * 65_536}, "bytes, which no token"),
    ],
)
def test_answer_that_has_no_token_is_refused_once(reply, words):
    """A header is made of it, so it may hold nothing that ends one."""
    error, asked = obtained(answer(reply), waits=(1,))

    assert isinstance(error, TokenError)
    assert words in str(error)
    assert not error.may_pass
    assert len(asked) == 1
    assert "SENTINEL" not in frames(error)


@pytest.mark.parametrize(
    "content",
    [b'{"access_token": "SENTINEL', b"<html>SENTINEL", b'["SENTINEL"]', b"[" * 60_000],
)
def test_answer_that_is_no_object_is_asked_for_again(content):
    """It may be cut, or somebody else's; what it held is in no frame."""
    reply = answer(content)

    again, asked = obtained(reply, GRANTED, waits=(1,))
    error, _ = obtained(reply, reply, waits=(1,))

    assert (again, len(asked)) == (Token("t", 80.0), 2)
    assert "POST /oauth/token (2 attempts): it is not a JSON object" in str(error)
    assert error.may_pass
    assert "SENTINEL" not in frames(error)


# -- Refusals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "words", "passes"),
    [
        (TransportError("POST", "/oauth/token", "reset"), "/oauth/token: reset", True),
        (
            AnswerError("POST", "/oauth/token", "an answer of more than 256 MiB"),
            "more than 256 MiB",
            True,
        ),
        (BUSY, "answered 503: busy", True),
        (answer({}, 429), "answered 429: without saying why", True),
        (answer({"detail": "locked"}, 403), "answered 403: locked", False),
        (
            answer({"detail": [{"loc": ["body", "scope"], "msg": "none"}]}, 422),
            "answered 422: the request does not fit its schema; /body/scope: none",
            False,
        ),
        (
            answer({}, 307, location="https://evil.example/?SENTINEL"),
            "a redirect to evil.example",
            False,
        ),
        (
            answer({"error": "invalid_scope"}, 400, x_request_id="r-1"),
            "answered 400: invalid_scope (request r-1)",
            False,
        ),
    ],
)
def test_failure_of_an_exchange_is_a_token_error(failure, words, passes):
    """Nothing else was sent; whoever polls may go on where it may pass."""
    error, asked = obtained(failure)

    assert words in str(error)
    assert str(error).startswith("no access token: ")
    assert (error.may_pass, may_pass(error), len(asked)) == (passes, passes, 1)
    assert "SENTINEL" not in str(error)


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("code", ["invalid_client", "invalid_grant"])
def test_refused_client_is_told_what_the_service_says(status, code):
    """Once, with what to look at."""
    reply = answer({"error": code, "error_description": "no such client"}, status)

    error, asked = obtained(reply, source=oauth(audience="a"), waits=(1,))

    assert len(asked) == 1
    assert f"answered {status}: {code}: no such client; check the client id" in str(
        error
    )
    assert not error.may_pass


@pytest.mark.parametrize(
    ("ahead", "date", "words"),
    [
        (120, "now", "120 s ahead of the service's"),
        (-120, "now", "120 s behind the service's"),
        (-120, "naive", "120 s behind the service's"),
        (30, "now", "check the client id"),
        (120, None, "check the client id"),
        (120, "yesterday", "check the client id"),
    ],
)
def test_clocks_that_differ_are_named(ahead, date, words):
    """What the service says of it may be anything; its `Date` is a fact."""
    source = oauth(audience="a")
    base = 1_780_000_000
    source._clock = lambda: float(base + ahead)
    dates = {"now": formatdate(base, usegmt=True), "naive": formatdate(base)}
    dates["naive"] = dates["naive"].replace("-0000", "").strip()
    headers = {} if date is None else {"date": dates.get(date, date)}

    error, _ = obtained(
        answer({"error": "invalid_client"}, 401, **headers), source=source
    )

    assert words in str(error)


def test_what_a_service_repeats_of_an_assertion_is_masked():
    """Whole, in part, or spelled in another way."""

    def echoing(request):
        text = request.form["client_assertion"]
        return answer({"error": "x", "error_description": f"{text} {text[-342:]}"}, 400)

    error, (request,) = obtained(echoing, source=oauth(audience="a"))

    assert "x: *** ***" in str(error)
    for part in request.form["client_assertion"].split(".")[1:]:
        assert part not in frames(error)


# -- The issuer -----------------------------------------------------------------------


def metadata(**more):
    return answer({"issuer": URL, "token_endpoint": TOKEN_URL, **more})


def test_issuer_is_tried_once_where_the_endpoint_is_refused():
    """And is remembered, for this endpoint alone."""
    source = oauth()

    token, asked = obtained(REFUSED, metadata(), GRANTED, source=source)
    _, later = obtained(GRANTED, source=source)
    _, elsewhere = obtained(GRANTED, source=source, endpoint="https://b.example")

    assert token == Token("t", 80.0)
    assert asked[1] == Request("GET", DISCOVERY, is_open=True)
    assert [read(asked[0])["aud"], read(asked[2], URL)["aud"]] == [TOKEN_URL, URL]
    assert read(later[0], URL)["aud"] == URL
    assert read(elsewhere[0], "https://b.example/oauth/token")["sub"] == NAME


def test_refusal_of_both_is_the_end():
    """And nothing is remembered."""
    source = oauth()

    error, asked = obtained(REFUSED, metadata(), REFUSED, source=source)
    _, later = obtained(GRANTED, source=source)

    assert "invalid_client: who?" in str(error)
    assert len(asked) == 3
    assert read(later[0])["aud"] == TOKEN_URL


@pytest.mark.parametrize(
    "document",
    [
        answer({"detail": "not found"}, 404),
        answer(b"<html>"),
        answer([]),
        answer({}),
        metadata(issuer=None),
        metadata(issuer=TOKEN_URL),
        TransportError("GET", DISCOVERY, "reset"),
        AnswerError("GET", DISCOVERY, "too large"),
    ],
)
def test_without_another_issuer_the_refusal_stands(document):
    error, asked = obtained(REFUSED, document)

    assert "invalid_client: who?" in str(error)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"issuer": "https://evil.example"}, r"issuer .*\(evil.example\)"),
        ({"issuer": f"{URL}:8443"}, r"issuer .*\(api.example.com:8443\)"),
        ({"issuer": "https://u@api.example.com"}, r"issuer .*\(u@api.example.com\)"),
        ({"issuer": "api"}, r"issuer .*\(none\)"),
        ({"issuer": "http://["}, r"issuer .*\(none\)"),
        ({"issuer": 3}, r"issuer .*\(none\)"),
        ({"token_endpoint": "https://evil.example/t"}, r"token_endpoint .*\(evil"),
        ({"token_endpoint": None}, r"token_endpoint .*\(none\)"),
    ],
)
def test_document_that_leads_elsewhere_is_refused(more, words):
    """No assertion is made for another host, whatever the document says."""
    error, asked = obtained(REFUSED, metadata(**more))

    assert isinstance(error, TokenError)
    assert len(asked) == 2
    with pytest.raises(TokenError, match=words):
        raise error
    assert "invalid_client: who?" in str(error)


@pytest.mark.parametrize(
    ("reply", "more"),
    [
        (REFUSED, {"audience": "a"}),
        (answer({"error": "invalid_scope"}, 400), {}),
        (answer({"error": "unauthorized_client"}, 401), {}),
        (answer({"detail": "locked"}, 403), {}),
    ],
)
def test_issuer_is_not_tried_where_it_cannot_help(reply, more):
    error, asked = obtained(reply, source=oauth(**more))

    assert isinstance(error, TokenError)
    assert len(asked) == 1


# -- With clients ---------------------------------------------------------------------

LISTED = Request("GET", "/workflows")


def lines(server):
    return [seen.line for seen in server.requests]


@pytest.fixture(scope="module")
def emulator():
    with Emulator(api_keys=["k"], oauth_clients=[known()]) as made:
        yield made


@pytest.fixture
def server(emulator):
    with FaultServer(emulator) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
def test_token_is_had_once_and_used_by_all_requests(kind, server):
    found = run_jobs(kind, ask(LISTED), ask(LISTED), oauth=oauth(), base_url=server.url)

    assert found == [[], []]
    assert lines(server) == ["POST /oauth/token", *["GET /workflows"] * 2]
    assert [credentials_of(seen) for seen in server.requests] == [
        [],
        ["authorization"],
        ["authorization"],
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_many_at_once_ask_for_one_token(kind, server):
    """A hundred threads, or tasks."""
    asking = [ask(LISTED) for _ in range(100)]

    found = run_jobs(kind, *asking, at_once=True, oauth=oauth(), base_url=server.url)

    assert found == [[]] * 100
    assert len(server.of("POST", "/oauth/token")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_expired_token_is_renewed_once_for_all_and_each_request_rerun_jobs(
    kind, emulator, server
):
    """What polls goes on, and nobody else asks again."""
    gone = []

    def expire(_):
        if not gone:
            gone.append(emulator.clock.advance(3601))

    asking = [ask(LISTED) for _ in range(20)]

    found = run_jobs(kind, *asking, between=expire, oauth=oauth(), base_url=server.url)

    assert found == [[]] * 20
    assert lines(server).count("POST /oauth/token") == 2
    assert lines(server).count("GET /workflows") == 21


@pytest.mark.parametrize("kind", KINDS)
def test_token_that_all_hold_is_renewed_once(kind, server):
    """All are turned away at once; one renews, and each asks again once."""
    stale = []

    def turned_away(seen):
        token = seen.header("authorization")
        stale.append(token) if not stale else None
        return (
            Reply(401, {"detail": "expired"}) if token == stale[0] else Reply(200, [])
        )

    server.always("GET", "/workflows", turned_away)
    asking = [ask(LISTED) for _ in range(30)]

    found = run_jobs(kind, *asking, at_once=True, oauth=oauth(), base_url=server.url)

    assert found == [[]] * 30
    assert len(server.of("POST", "/oauth/token")) == 2
    assert len(server.of("GET")) <= 60


@pytest.mark.parametrize("kind", KINDS)
def test_second_refusal_is_an_auth_error(kind, server):
    """One replay with another token, and no more."""
    server.always("GET", "/workflows", Reply(401, {"detail": "no"}))

    (error,) = run_jobs(kind, ask(LISTED), oauth=oauth(), base_url=server.url)

    assert isinstance(error, AuthError)
    assert lines(server) == ["POST /oauth/token", "GET /workflows"] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_refused_key_is_not_tried_again(kind, server):
    (error,) = run_jobs(kind, ask(LISTED), api_key="wrong", base_url=server.url)

    assert isinstance(error, AuthError)
    assert lines(server) == ["GET /workflows"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [400, 401])
def test_refused_client_asks_once_and_sends_nothing_else(kind, status, server):
    """Nobody waits for himself: a 401 for a token is no reason to renew one."""
    server.always("POST", "/oauth/token", Reply(status, {"error": "invalid_client"}))
    source = oauth(audience=f"{server.url}/oauth/token")

    (error,) = run_jobs(kind, ask(LISTED), oauth=source, base_url=server.url)

    assert isinstance(error, TokenError)
    assert lines(server) == ["POST /oauth/token"]


@pytest.mark.parametrize("kind", KINDS)
def test_renewal_that_is_refused_ends_the_request(kind, emulator, server):
    server.on("GET", "/workflows", Reply(401, {"detail": "expired"}))
    server.on("POST", "/oauth/token", *[lambda _: Reply(200, {"access_token": "t"})])
    server.always("POST", "/oauth/token", Reply(403, {"detail": "client disabled"}))

    (error,) = run_jobs(kind, ask(LISTED), oauth=oauth(), base_url=server.url)

    assert "client disabled" in str(error)
    assert isinstance(error, TokenError)
    assert lines(server)[1:] == ["GET /workflows", "POST /oauth/token"]


@pytest.mark.parametrize("kind", KINDS)
def test_failing_token_endpoint_gets_new_assertions(kind, server):
    server.on("POST", "/oauth/token", Reply(503), Reply(500, {"detail": "x"}))

    (found,) = run_jobs(kind, ask(LISTED), oauth=oauth(), base_url=server.url)

    sent = [seen.body for seen in server.of("POST")]
    assert found == []
    assert len(set(sent)) == len(sent) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_service_that_wants_its_issuer_gets_it(kind, emulator, server):
    """Found out once, not at each renewal."""

    def picky(seen):
        form = dict(part.split("=") for part in seen.body.decode().split("&"))
        claims = jwt.decode(
            form["client_assertion"], options={"verify_signature": False}
        )
        if claims["aud"] != server.url:
            return Reply(401, {"error": "invalid_client", "error_description": "aud"})
        return Reply(200, {"access_token": "t", "expires_in": 1e-9})

    server.always("POST", "/oauth/token", picky)
    server.always("GET", "/workflows", Reply(200, []))

    found = run_jobs(kind, ask(LISTED), ask(LISTED), oauth=oauth(), base_url=server.url)

    assert found == [[], []]
    assert lines(server) == [
        "POST /oauth/token",
        f"GET {DISCOVERY}",
        "POST /oauth/token",
        "GET /workflows",
        "POST /oauth/token",
        "GET /workflows",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_huge_answer_is_no_token(kind, server):
    body = json.dumps({"access_token": "t", "more": "x" * 10 * 2**20})
    server.always("POST", "/oauth/token", Reply(200, body))

    (error,) = run_jobs(kind, ask(LISTED), oauth=oauth(), base_url=server.url)

    assert "which no token needs" in str(error)
    assert lines(server) == ["POST /oauth/token"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("ahead", "way"), [(120, "ahead of"), (-120, "behind")])
def test_clock_that_is_wrong_is_named(kind, ahead, way, emulator):
    """By what the emulator says of the assertion, and when."""
    source = oauth(audience=f"{emulator.url}/oauth/token", lifetime=100)
    source._clock = lambda: time.time() + ahead

    (error,) = run_jobs(kind, ask(LISTED), oauth=source, base_url=emulator.url)

    assert f"s {way} the service's" in str(error)
    assert f"{'not yet valid' if ahead > 0 else 'expired'}" in str(error)
