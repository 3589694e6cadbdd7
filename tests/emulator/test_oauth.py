"""OAuth: a signed assertion is exchanged for a token that lets in until it expires."""

from __future__ import annotations

import time
from functools import cache
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from flow64.emulator import Emulator, OAuthClient
from flow64.errors import ConfigError
from flow64.http import httpx
from tests.emulator.support import LEADS, NO_CERTIFICATES, create

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

NAME = "client-1"
GONE = "gone"


@cache
def key(_which="first"):
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(private):
    pem = private.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def known(**more):
    """A client that the emulator knows."""
    return OAuthClient(client_id=NAME, public_key_pem=public(key()), **more)


@pytest.fixture
def granting(serve):
    """An emulator with a client, and what talks to it."""
    emulator, client = serve(api_keys={"k": "org_one"}, oauth_clients=[known()])
    del client.headers["x-api-key"]
    return emulator, client


def assertion(base, *, private=None, headers=None, algorithm="RS256", **claims):
    """A signed assertion; claims that are GONE are left out."""
    now = time.time()
    made = {
        "iss": NAME,
        "sub": NAME,
        "aud": f"{base}/oauth/token",
        "iat": int(now),
        "exp": int(now) + 120,
        "jti": str(uuid4()),
        **claims,
    }
    kept = {name: value for name, value in made.items() if value is not GONE}
    secret = None if algorithm == "none" else private or key()
    return jwt.encode(kept, secret, algorithm, headers)


def exchange(client, **fields):
    """The answer to an exchange."""
    form = {
        "grant_type": "client_credentials",
        "client_id": NAME,
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion(str(client.base_url)),
        **fields,
    }
    return client.post(
        "/oauth/token", data={name: text for name, text in form.items() if text}
    )


def bearer(reply):
    return {"authorization": f"Bearer {reply.json()['access_token']}"}


def test_metadata_says_where_to_go(granting):
    """The token endpoint is that of the address that was asked."""
    _, client = granting

    found = client.get("/.well-known/oauth-authorization-server").json()

    base = str(client.base_url)
    assert (found["issuer"], found["token_endpoint"]) == (base, f"{base}/oauth/token")
    assert found["grant_types_supported"] == ["client_credentials"]
    assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]


def test_assertion_becomes_a_token_that_lets_in(granting):
    """The answer is that of RFC 6749, not to be cached, and the token works."""
    _, client = granting

    reply = exchange(client, scope="full_access")

    found = reply.json()
    assert reply.status_code == 200, reply.text
    assert (found["token_type"], found["expires_in"]) == ("Bearer", 3600)
    assert reply.headers["cache-control"] == "no-store"
    assert client.get("/workflows", headers=bearer(reply)).status_code == 200


def test_token_expires_by_the_clock(serve):
    """A second before its end it lets in, then no more; a new one does."""
    emulator, client = serve(oauth_clients=[known(ttl=60)])
    del client.headers["x-api-key"]
    reply = exchange(client)
    statuses = []
    for seconds in (58, 3):
        emulator.clock.advance(seconds)
        statuses.append(client.get("/workflows", headers=bearer(reply)).status_code)

    assert statuses == [200, 401]
    again = exchange(client)
    assert client.get("/workflows", headers=bearer(again)).status_code == 200


def test_token_belongs_to_its_organisation(serve, connect):
    """A key and a client of one organisation see the same; others do not."""
    emulator, client = serve(
        api_keys={"k": "org_one", "other": "org_two"},
        oauth_clients=[known(org_id="org_one")],
    )
    del client.headers["x-api-key"]
    reply = exchange(client)
    own = create(connect(emulator, "k"), LEADS)

    found = client.get(f"/workflows/{own}", headers=bearer(reply))

    assert found.json()["org_id"] == "org_one"
    assert connect(emulator, "other").get(f"/workflows/{own}").status_code == 404


@pytest.mark.parametrize("configured", ["clients", "keys"])
def test_other_tokens_do_not_let_in(serve, configured):
    """Where credentials are configured, a token must be one of ours."""
    is_keys = configured == "keys"
    _, client = serve(
        **({"api_keys": ["k"]} if is_keys else {"oauth_clients": [known()]})
    )
    del client.headers["x-api-key"]

    reply = client.get("/workflows", headers={"authorization": "Bearer made-up"})

    assert reply.status_code == 401


def test_audience_can_be_the_issuer(granting):
    """RFC 7523 allows either, and a list."""
    _, client = granting
    base = str(client.base_url)

    statuses = [
        exchange(client, client_assertion=assertion(base, aud=aud)).status_code
        for aud in (base, [base, "other"])
    ]

    assert statuses == [200, 200]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "other"},
        {"sub": "other"},
        {"aud": "https://api.sixtyfour.ai/oauth/token"},
        {"exp": 1_000_000_000},
        {"iat": 3_000_000_000, "exp": 3_000_000_100},
        {"nbf": 3_000_000_000},
        {"exp": 3_000_000_000},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": "soon"},
        {"exp": True},
        {"jti": ""},
        *({name: GONE} for name in ("iss", "sub", "aud", "exp", "iat", "jti")),
    ],
    ids=str,
)
def test_assertions_that_are_not_good_are_refused(granting, claims):
    """Each is 401 as OAuth spells it."""
    _, client = granting
    made = assertion(str(client.base_url), **claims)

    reply = exchange(client, client_assertion=made)

    assert reply.status_code == 401
    assert reply.json()["error"] == "invalid_client"


def test_another_key_signs_nothing(granting):
    """A good assertion with the wrong signature is refused."""
    _, client = granting
    made = assertion(str(client.base_url), private=key("second"))

    assert exchange(client, client_assertion=made).status_code == 401


def test_only_the_documented_algorithm_counts(granting):
    """No algorithm at all, a shared secret, and a longer hash are refused."""
    _, client = granting
    base = str(client.base_url)
    forged = [
        assertion(base, algorithm="none"),
        assertion(base, private="secret" * 8, algorithm="HS256"),
        assertion(base, algorithm="RS512"),
        "not.a.token",
        "\u00e9",
    ]

    statuses = [exchange(client, client_assertion=made).status_code for made in forged]

    assert statuses == [401] * len(forged)


def test_assertion_counts_once(granting):
    """A replay is refused."""
    _, client = granting
    made = assertion(str(client.base_url))

    replies = [exchange(client, client_assertion=made) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [200, 401]
    assert "used before" in replies[1].json()["error_description"]


@pytest.mark.parametrize(
    ("headers", "status"), [({"kid": "a"}, 200), ({"kid": "b"}, 401), (None, 401)]
)
def test_key_id_must_fit_where_one_is_configured(serve, headers, status):
    """It is in the header of the assertion."""
    _, client = serve(oauth_clients=[known(kid="a")])
    made = assertion(str(client.base_url), headers=headers)

    assert exchange(client, client_assertion=made).status_code == status


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_assertion_type": "secret"}, 400, "invalid_request"),
        ({"scope": "read"}, 400, "invalid_scope"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
    ],
)
def test_errors_are_spelled_as_oauth_spells_them(granting, fields, status, error):
    """A code and a sentence."""
    _, client = granting

    reply = exchange(client, **fields)

    assert (reply.status_code, reply.json()["error"]) == (status, error)
    assert reply.json()["error_description"]


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{}", "application/json", 422),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"grant_type=client_credentials", "application/x-www-form-urlencoded", 422),
        (b"client_id=a&client_id=b", "application/x-www-form-urlencoded", 400),
        (b"client_id=%ff", "application/x-www-form-urlencoded", 400),
        (b"\xff", "application/x-www-form-urlencoded", 400),
        (b"a=1&" * 200, "application/x-www-form-urlencoded", 400),
        (b"", "", 422),
    ],
)
def test_bodies_that_are_no_form_are_refused(granting, content, media, status):
    """In the shapes of all other bodies."""
    _, client = granting
    headers = {"content-type": media}

    reply = client.post("/oauth/token", content=content, headers=headers)

    assert (reply.status_code, list(reply.json())) == (status, ["detail"])


def test_exchange_needs_no_other_credential(granting):
    """The assertion is the credential; another one beside it is not looked at."""
    _, client = granting
    client.headers["x-api-key"] = "wrong"

    assert exchange(client).status_code == 200


def test_token_is_in_no_repr(granting):
    """Neither tokens nor keys are printed."""
    emulator, client = granting
    token = exchange(client).json()["access_token"]

    shown = repr([emulator.requests, vars(emulator)])

    assert token not in shown


@pytest.mark.parametrize(
    "pem",
    [
        "no key",
        public(ec.generate_private_key(ec.SECP256R1())),
        key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    ],
    ids=["text", "elliptic", "private"],
)
def test_keys_must_be_public_and_rsa(pem):
    """Refused before anything is served, with the line that makes a right one."""
    client = OAuthClient(client_id=NAME, public_key_pem=pem)

    with pytest.raises(ConfigError, match="openssl rsa -in") as caught:
        Emulator(oauth_clients=[client])

    assert pem not in str(caught.value)


def test_clients_are_there_once():
    """Two of one id would be a mistake."""
    with pytest.raises(ConfigError, match="listed twice"):
        Emulator(oauth_clients=[known(), known()])


def test_plain_emulator_gives_no_tokens(shared):
    """Without clients, nobody gets a token, and a made-up one is refused."""
    with httpx.Client(base_url=shared.url, verify=NO_CERTIFICATES) as client:
        statuses = [
            exchange(client).status_code,
            client.get("/workflows", headers={"authorization": "Bearer x"}).status_code,
        ]

    assert statuses == [401, 401]
