"""OAuth: keys, assertions, tokens, and what becomes of a refusal."""

from __future__ import annotations

import pickle
import threading
import time
import traceback
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

from flow64 import errors
from flow64.api import auth, calls
from flow64.api.network import Policy
from flow64.api.session import Session
from flow64.emulator import Emulator
from tests.service.credentials import KID, NAME, key, known, oauth, pem, public

URL = "https://api.example.com"


class Service:
    """Grants tokens in turn, and answers what `replies` say to other requests.

    Attributes:
        grants: Answers of the token endpoint, for as long as there are some.
        replies: Answers to other requests, as statuses, for as long as there are some.
    """

    def __init__(self, *replies, grants=(), lifetime=100):
        self.replies, self.grants, self.lifetime = list(replies), list(grants), lifetime
        self.forms, self.tokens, self.lock = [], [], threading.Lock()
        self.session = Session(
            URL,
            oauth(),
            Policy(first_wait=0.001, first_rest=0.001, retries=2),
            httpx.MockTransport(self.reply),
        )

    def reply(self, request):
        with self.lock:
            if request.url.path == "/oauth/token":
                self.forms.append(parse_qs(request.content.decode()))
                grant = {"access_token": f"token-{len(self.forms)}"}
                grant |= {"token_type": "Bearer", "expires_in": self.lifetime}
                reply = self.grants.pop(0) if self.grants else grant
                if isinstance(reply, Exception):
                    raise reply
                if isinstance(reply, httpx.Response):
                    return reply
                return httpx.Response(200, json=reply)
            self.tokens.append(request.headers["authorization"])
            status = self.replies.pop(0) if self.replies else 200
            return httpx.Response(status, json=[])

    def list(self):
        return calls.list_workflows(self.session)


def test_an_assertion_is_signed_and_says_what_the_documents_ask():
    service = Service()
    service.list()
    (form,) = service.forms
    assert form["grant_type"] == ["client_credentials"]
    assert form["scope"] == ["full_access"]
    (assertion,) = form["client_assertion"]
    assert jwt.get_unverified_header(assertion)["kid"] == KID
    claims = jwt.decode(
        assertion, key().public_key(), ["RS256"], audience=f"{URL}/oauth/token"
    )
    assert claims["iss"] == claims["sub"] == NAME
    assert claims["exp"] - claims["iat"] == 300
    assert service.tokens == ["Bearer token-1"]


def test_100_callers_share_one_request_for_a_token():
    service = Service()
    workers = [threading.Thread(target=service.list) for _ in range(100)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (len(service.forms), len(service.tokens)) == (1, 100)


def test_a_token_is_renewed_before_it_ends(monkeypatch):
    service = Service(lifetime=100)
    service.list()
    began = time.monotonic()
    for seconds, count in ((79, 1), (81, 2)):
        now = began + seconds
        monkeypatch.setattr("flow64.api.threads.now", lambda now=now: now)
        service.list()
        assert len(service.forms) == count


def test_a_401_renews_the_token_once():
    service = Service(401)
    assert service.list() == []
    assert service.tokens == ["Bearer token-1", "Bearer token-2"]
    service = Service(401, 401)
    with pytest.raises(errors.AuthError):
        service.list()
    assert len(service.tokens) == 2


def test_a_start_is_not_sent_again_after_a_401_and_the_next_call_has_a_new_token():
    service = Service(401)
    with pytest.raises(errors.AuthError) as raised:
        calls.start_run(service.session, "w", {}, "key")
    assert raised.value.sent
    service.list()
    assert service.tokens == ["Bearer token-1", "Bearer token-2"]


def test_a_failed_renewal_does_not_make_a_request_unsent():
    """A start that was answered 401 may have run, whatever the token endpoint says."""
    lost = [{"access_token": "t"}, *[httpx.ConnectError("down")] * 9]
    service = Service(401, grants=lost)
    with pytest.raises(errors.TransportError) as raised:
        service.session.send("POST", "/x")
    assert raised.value.sent


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), "invalid_client"),
        ({}, "without a Bearer token"),
        ({"access_token": "a b"}, "without a Bearer token"),
        ({"access_token": "t", "token_type": "mac"}, "without a Bearer token"),
        ([], "without a Bearer token"),
    ],
)
def test_a_refused_token_says_so_and_nothing_is_sent(grant, words):
    service = Service(grants=[grant])
    with pytest.raises(errors.ApiError, match=words) as raised:
        calls.start_run(service.session, "w", {}, "key")
    assert not raised.value.sent
    assert (len(service.forms), service.tokens) == (1, [])


def test_a_service_that_is_down_for_a_moment_is_asked_again():
    service = Service(grants=[httpx.Response(503), httpx.ConnectError("down")])
    assert service.list() == []


def test_no_error_shows_an_assertion():
    """A service may repeat what it was sent."""
    service = Service(grants=[])
    seen = []

    def echo(request):
        (assertion,) = parse_qs(request.content.decode())["client_assertion"]
        seen.append(assertion)
        return httpx.Response(400, json={"error": "bad", "message": assertion})

    session = Session(URL, oauth(), Policy(retries=0), httpx.MockTransport(echo))
    with pytest.raises(errors.ApiError) as raised:
        calls.list_workflows(session)
    error = raised.value
    inner = error.__traceback__.tb_next  # below this test, whose locals have it
    trace = traceback.TracebackException(type(error), error, inner, capture_locals=True)
    text = "".join(trace.format()) + str(error)
    assert not [part for part in seen[0].split(".")[1:] if part in text]
    assert service.tokens == []


BAD_KEYS = {
    "empty": lambda: "",
    "text": lambda: "SENTINEL",
    "cut": lambda: pem()[:200],
    "nothing": lambda: None,
    "locked": lambda: pem(encryption=BestAvailableEncryption(b"SENTINEL")),
    "public": public,
    "elliptic": lambda: pem(ec.generate_private_key(ec.SECP256R1())),
    "small": lambda: pem(key("small", 1024)),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_cannot_sign_is_refused_unseen(name):
    given = BAD_KEYS[name]()
    with pytest.raises(errors.ConfigError, match="openssl genrsa") as raised:
        auth.OAuth(NAME, given, kid=KID)
    assert "SENTINEL" not in str(raised.value)


def test_a_key_file_is_read_and_a_missing_one_named(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(pem())
    assert auth.OAuth(NAME, file, kid=KID).client_id == NAME
    with pytest.raises(errors.ConfigError, match=r"missing\.pem"):
        auth.OAuth(NAME, tmp_path / "missing.pem", kid=KID)


def test_an_oauth_client_is_not_pickled_and_shows_no_key():
    client = oauth()
    assert repr(client) == f"OAuth({NAME!r})"
    with pytest.raises(errors.ConfigError):
        pickle.dumps(client)


def test_the_environment_names_one_credential(monkeypatch):
    for name in (auth.KEY_NAME, auth.CLIENT_NAME, auth.PEM_NAME):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.ConfigError, match=auth.KEY_NAME):
        auth.from_environment().require_usable()
    monkeypatch.setenv(auth.CLIENT_NAME, NAME)
    monkeypatch.setenv(auth.KID_NAME, KID)
    with pytest.raises(errors.ConfigError, match=auth.PEM_NAME):
        auth.from_environment()
    monkeypatch.setenv(auth.PEM_NAME, pem().replace("\n", "\\n"))
    assert isinstance(auth.from_environment(), auth.OAuth)
    monkeypatch.setenv(auth.KEY_NAME, "k")
    with pytest.raises(errors.ConfigError, match="takes one"):
        auth.from_environment()


def test_the_emulator_grants_a_token():
    """Against the service's own rules, as far as they are known."""
    with Emulator(oauth_clients=[known()]) as emulator:
        session = Session(emulator.url, oauth())
        assert calls.list_workflows(session) == []
        session.close()
