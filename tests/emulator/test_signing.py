"""The signing secret: created, rolled with an overlap, revoked."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

PATH = "/webhooks/signing-secret"
FAR = datetime(9999, 1, 1, tzinfo=UTC)


def signing(emulator, client):
    """The secrets that sign now, the newest first."""
    now, found = emulator.clock.now(), reversed(emulator.store.secrets.all())
    return [
        secret.plaintext
        for secret in found
        if secret.revoked_at is None and now < (secret.expires_at or FAR)
    ]


def test_there_is_none_at_first(client):
    """The response is null, and deliveries are unsigned."""
    assert client.get(PATH).json() is None


def test_secret_is_shown_once(client):
    """Later responses show only its last characters."""
    reply = client.post(PATH)

    made = reply.json()
    assert reply.status_code == 201
    assert re.fullmatch("sk_whsec_[0-9a-f]{64}", made["plaintext"])
    meta = client.get(PATH).json()
    assert meta == made["meta"]
    assert meta["preview"] == f"sk_whsec_....{made['plaintext'][-4:]}"
    assert (meta["status"], meta["revoked_at"]) == ("active", None)


def test_another_one_revokes_the_first_at_once(serve):
    """Only the newest signs."""
    emulator, client = serve()
    _, second = [client.post(PATH).json()["plaintext"] for _ in range(2)]

    assert signing(emulator, client) == [second]


@pytest.mark.parametrize(
    ("body", "hours"), [({}, 24), ({"expire_overlap_hours": 72}, 72)]
)
def test_both_sign_while_a_secret_is_rolled(serve, body, hours):
    """The new one first, for the hours of the overlap, and then alone."""
    emulator, client = serve()
    first = client.post(PATH).json()["plaintext"]

    second = client.post(f"{PATH}/roll", json=body).json()["plaintext"]

    emulator.clock.advance(hours * 3600 - 60)
    before = signing(emulator, client)
    emulator.clock.advance(61)
    assert before == [second, first]
    assert signing(emulator, client) == [second]


def test_roll_without_overlap_is_for_a_leak(serve):
    """Zero hours: the first is revoked at once."""
    emulator, client = serve()
    client.post(PATH)

    reply = client.post(f"{PATH}/roll", json={"expire_overlap_hours": 0})

    assert signing(emulator, client) == [reply.json()["plaintext"]]


def test_third_in_an_overlap_revokes_the_oldest(serve):
    """At most two sign."""
    emulator, client = serve()
    client.post(PATH)
    second, third = [
        client.post(f"{PATH}/roll", json={}).json()["plaintext"] for _ in range(2)
    ]

    assert signing(emulator, client) == [third, second]


def test_roll_needs_a_body(client):
    """As in the published document; an empty object takes the default."""
    client.post(PATH)

    replies = [client.post(f"{PATH}/roll", **sent) for sent in ({}, {"json": {}})]

    assert [reply.status_code for reply in replies] == [422, 200]


def test_roll_needs_a_secret(client):
    """Without one there is nothing to roll."""
    assert client.post(f"{PATH}/roll", json={}).status_code == 400


@pytest.mark.parametrize("hours", [-1, 73, "24", 1.5, None])
def test_overlap_is_held_to_its_range(client, hours):
    """0 to 72 whole hours."""
    client.post(PATH)

    reply = client.post(f"{PATH}/roll", json={"expire_overlap_hours": hours})

    assert reply.status_code == 422


def test_deleted_secret_signs_nothing(client):
    """204 without a body, even if there is none. It cannot be rolled then."""
    client.post(PATH)
    client.post(f"{PATH}/roll", json={})

    replies = [client.delete(PATH) for _ in range(2)]

    assert [(reply.status_code, reply.content) for reply in replies] == [(204, b"")] * 2
    assert client.get(PATH).json() is None
    assert client.post(f"{PATH}/roll", json={}).status_code == 400


def test_each_organisation_has_its_own(shared, connect):
    """Others are not affected."""
    ours, theirs = connect(shared), connect(shared)
    ours.post(PATH)

    theirs.delete(PATH)

    assert theirs.get(PATH).json() is None
    assert ours.get(PATH).json()["status"] == "active"


def test_plaintext_is_in_no_repr(serve):
    """A record can be printed."""
    emulator, client = serve()
    made = client.post(PATH).json()["plaintext"]

    assert made not in repr(emulator.store.secrets.all())
