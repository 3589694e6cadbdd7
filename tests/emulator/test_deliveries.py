"""Outgoing webhooks: targets, signatures and retries."""

from __future__ import annotations

import hmac
import json
import socket
import time
from uuid import UUID

import pytest

from flow64.emulator import Emulator, Switches
from flow64.emulator._deliveries import as_host, sign_body
from flow64.errors import ConfigError
from flow64.http import httpx
from tests.emulator.receiver import receiving
from tests.emulator.support import (
    NO_CERTIFICATES,
    WEBHOOK,
    block,
    body,
    create,
    run_rows,
    start,
    status_of,
    wait,
)

LOCAL = "127.0.0.1"
ROWS = [{"name": "Ada", "tags": ["é"]}, {"name": "Grace"}]


def hook(url, **specs):
    return body(WEBHOOK, block("outgoing_webhook", url=url, **specs))


def test_signature_is_the_documented_one():
    """The vector of the documents, with two secrets during a roll."""
    content = (
        b'{"event_id":"5f0c2d6e-9c7b-4c83-8d5b-0a4be2a9d001",'
        b'"run_id":"0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"}'
    )
    secrets = [
        "sk_whsec_" + "0123456789abcdef" * 4,
        "sk_whsec_" + "fedcba9876543210" * 4,
    ]

    assert sign_body(secrets, 1780000000, content) == (
        "t=1780000000,"
        "v1=ef3b7e4f1a02a8bdd7d5a9720e701acae22d61124ed61ffbe320e99e8febda71,"
        "v1=289c0fe65dc8957ce2a633af1a25bab07400d3ce9d4f7bb2dff7a0380e6fc03a"
    )


def test_rows_are_posted_once_a_run(serve):
    """One request has all rows. Without a secret it is unsigned."""
    emulator, client = serve()
    with receiving() as receiver:
        run_id = run_rows(client, hook(receiver.url), ROWS)

    (delivery,) = receiver.deliveries
    event_id = delivery.headers["Sixtyfour-Event-Id"]
    assert delivery.data == {
        "event_id": event_id,
        "run_id": run_id,
        "results": ROWS,
        "results_download_url": None,
    }
    assert str(UUID(event_id)) == event_id
    assert delivery.path == "/hook"
    assert delivery.headers["Content-Type"] == "application/json"
    assert delivery.headers["Sixtyfour-Event-Type"] == "outgoing_webhook.completed"
    assert delivery.headers["Sixtyfour-Delivery-Attempt"] == "1"
    assert "Sixtyfour-Signature" not in delivery.headers
    assert [(sent.target, sent.outcome) for sent in emulator.outbox] == [
        (receiver.url, "attempt 1: 200")
    ]


def test_each_run_and_block_has_its_event(serve):
    """Two blocks and two runs make four events."""
    _, client = serve()
    with receiving() as receiver:
        two = body(
            WEBHOOK,
            block("outgoing_webhook", 1, url=receiver.url),
            block("outgoing_webhook", 2, url=receiver.url),
        )
        own = create(client, two)
        for _ in range(2):
            wait(client, start(client, own, ROWS).json()["job_id"])

    assert len(set(receiver.headers("Sixtyfour-Event-Id"))) == 4


def test_deliveries_are_signed_with_all_secrets_in_force(serve):
    """During the overlap both sign, the new one first; later only the new one."""
    emulator, client = serve()
    path = "/webhooks/signing-secret"
    old = client.post(path).json()["plaintext"]
    new = client.post(f"{path}/roll", json={"expire_overlap_hours": 1}).json()
    with receiving() as receiver:
        run_rows(client, hook(receiver.url), ROWS)
        emulator.clock.advance(3601)
        run_rows(client, hook(receiver.url), ROWS)

    both, one = receiver.deliveries
    assert signers(both, [old, new["plaintext"]]) == [1, 0]
    assert signers(one, [old, new["plaintext"]]) == [1]


def signers(delivery, secrets):
    """Return which secrets signed a delivery, in the order of its header."""
    pairs = [
        part.split("=", 1)
        for part in delivery.headers["Sixtyfour-Signature"].split(",")
    ]
    moment = next(value for name, value in pairs if name == "t")
    assert abs(time.time() - int(moment)) < 300
    text = f"{moment}.".encode() + delivery.content
    expected = [hmac.digest(s.encode(), text, "sha256").hex() for s in secrets]
    return [expected.index(value) for name, value in pairs if name == "v1"]


def test_failed_deliveries_are_tried_again(serve):
    """Attempts have the same event and body, and are counted."""
    emulator, client = serve()
    with receiving(500, 302, 429, 204) as receiver:
        run_id = run_rows(client, hook(receiver.url), ROWS)

    assert status_of(client, run_id)["overall_status"] == "completed"
    assert receiver.headers("Sixtyfour-Delivery-Attempt") == ["1", "2", "3", "4"]
    assert len(set(receiver.headers("Sixtyfour-Event-Id"))) == 1
    assert len({delivery.content for delivery in receiver.deliveries}) == 1
    assert {delivery.path for delivery in receiver.deliveries} == {"/hook"}
    assert emulator.outbox[0].outcome == "attempt 4: 204"


def test_delivery_is_given_up_and_the_run_completes(serve):
    """After five retries. The run is not affected."""
    emulator, client = serve()
    with receiving(503) as receiver:
        run_id = run_rows(client, hook(receiver.url), ROWS)

    assert status_of(client, run_id)["overall_status"] == "completed"
    assert len(receiver.deliveries) == 6
    assert emulator.outbox[0].outcome == "given up after attempt 6: 503"


def test_receiver_that_is_not_there(serve):
    """A closed port is a failed delivery as well."""
    emulator, client = serve()
    with receiving() as receiver:
        pass

    run_id = run_rows(client, hook(receiver.url), ROWS)

    assert status_of(client, run_id)["overall_status"] == "completed"
    assert emulator.outbox[0].outcome.startswith("given up after attempt 6: ")


@pytest.mark.slow
def test_certificates_are_checked(serve):
    """A receiver without TLS gets nothing by https."""
    emulator, client = serve()
    with receiving() as receiver:
        run_rows(client, hook(receiver.url.replace("http:", "https:")), ROWS)

    assert receiver.deliveries == []
    assert "SSL" in emulator.outbox[0].outcome


def test_receiver_has_a_limited_time(serve):
    """`timeout_seconds` is the time to wait for an answer."""
    emulator, client = serve()
    with receiving(delay=0.3) as receiver:
        run_rows(client, hook(receiver.url, timeout_seconds=0.1), ROWS)

    assert len(receiver.deliveries) == 6
    assert emulator.outbox[0].outcome.startswith("given up after attempt 6: ")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/x",
        "http://127.0.0.1.example.com/",
        "http://localhost.example/",
        "http://10.0.0.1/",
        "http://[2001:db8::1]/",
        "http://user@192.168.0.1:80/",
    ],
)
def test_other_hosts_get_nothing(serve, url):
    """Rows for another machine stay in the outbox, with the reason."""
    emulator, client = serve()

    run_rows(client, hook(url), ROWS)

    host = httpx.URL(url).host
    (sent,) = emulator.outbox
    assert sent.outcome == f"not sent: {host} is not this machine, nor allowed"
    assert (sent.target, sent.rows) == (url, ROWS)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        (f"ftp://{LOCAL}/x", "'ftp' is neither http nor https"),
        (f"http://{LOCAL}:99999/", "Port out of range 0-65535"),
    ],
)
def test_address_that_cannot_be_posted_to_is_said(serve, url, problem):
    """Such as one of the web editor, which was not checked when it was saved."""
    emulator, client = serve()
    own = create(client, hook(f"http://{LOCAL}/x"))
    emulator.edit(own, specs={"outgoing_webhook": {"url": url}})

    wait(client, start(client, own, ROWS).json()["job_id"])

    assert emulator.outbox[0].outcome == f"given up after attempt 6: {problem}"


def test_address_is_encoded(serve):
    """Letters beyond ASCII and blanks are; what is encoded already stays."""
    _, client = serve()
    with receiving() as receiver:
        run_rows(client, hook(f"{receiver.url}?name=Zoë x%20y"), ROWS)

    assert receiver.deliveries[0].path == "/hook?name=Zo%C3%AB%20x%20y"


def test_hosts_can_be_allowed(monkeypatch, serve):
    """A host in `allow_hosts` gets its deliveries."""
    emulator, client = serve(allow_hosts=["hooks.example.com"])
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, *more, **named: resolve(LOCAL, *more, **named)
    )
    with receiving() as receiver:
        run_rows(client, hook(receiver.url.replace(LOCAL, "hooks.example.com")), ROWS)

    assert len(receiver.deliveries) == 1
    assert emulator.outbox[0].outcome == "attempt 1: 200"


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("Hooks.Example.com", "hooks.example.com"),
        ("Bücher.example", "bücher.example"),
        ("db_1", "db_1"),
        ("[::2]", "::2"),
    ],
)
def test_hosts_are_names(given, host):
    """In any case; addresses are allowed too."""
    assert as_host(given) == host


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("https://hooks.example.com/in", "did you mean 'hooks.example.com'"),
        ("hooks.example.com:8080", "did you mean 'hooks.example.com'"),
        ("hooks.example.com/in", "did you mean 'hooks.example.com'"),
        ("http://[x", "'http://[x' is not a host; write its name"),
        ("*.example.com", "alone, without a port"),
        ("", "alone, without a port"),
    ],
)
def test_what_is_no_name_of_a_host_is_refused(given, near):
    """The message suggests the host."""
    with pytest.raises(ConfigError) as caught:
        Emulator(allow_hosts=[given])

    assert near in str(caught.value)


def test_proxies_of_the_environment_are_not_used(monkeypatch, serve):
    """A delivery goes directly to its target."""
    emulator, client = serve()
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with receiving() as receiver:
        run_rows(client, hook(receiver.url), ROWS)

    assert emulator.outbox[0].outcome == "attempt 1: 200"


@pytest.mark.parametrize(
    ("saved", "kind"), [("false", "text/csv"), ("true", "application/json")]
)
def test_many_rows_are_a_link(serve, saved, kind):
    """The link works as soon as it arrives."""
    _, client = serve()
    rows = [{"text": "x" * 1000, "n": n} for n in range(400)]
    with receiving() as receiver:
        own = create(client, hook(receiver.url))
        reply = start(client, own, rows, save_json=saved)
        wait(client, reply.json()["job_id"])

    (delivery,) = receiver.deliveries
    assert delivery.data["results"] is None
    found = httpx.get(delivery.data["results_download_url"], verify=NO_CERTIFICATES)
    assert found.status_code == 200
    assert found.headers["content-type"].startswith(kind)
    assert found.text.count("xxx,") == 400 or json.loads(found.text) == rows


def test_slow_receiver_holds_up_no_other_run(serve):
    """While one run waits for its receiver, another one starts and ends."""
    _, client = serve()
    with receiving(delay=9) as receiver:
        slow = start(client, create(client, hook(receiver.url)), ROWS).json()["job_id"]
        while not receiver.deliveries:
            time.sleep(0.005)
        other = run_rows(client, body(WEBHOOK), ROWS)

        assert status_of(client, other)["overall_status"] == "completed"
        assert status_of(client, slow)["overall_status"] == "running"
        receiver.released.set()
        wait(client, slow)


def test_cancel_ends_a_delivery(serve):
    """It is not retried, and the outbox gives the reason."""
    emulator, client = serve(switches=Switches(speed=0.01))
    with receiving(500) as receiver:
        run_id = start(client, create(client, hook(receiver.url)), ROWS).json()[
            "job_id"
        ]
        while not receiver.deliveries:
            time.sleep(0.005)
        client.post("/workflows/cancel", params={"job_id": run_id})
        emulator._engine.stop()

    assert len(receiver.deliveries) == 1
    assert emulator.outbox[0].outcome == "given up, since the run was cancelled"
    assert status_of(client, run_id)["overall_status"] == "cancelled"


def test_interrupted_delivery_goes_on(serve, tmp_path):
    """Another emulator on the same file delivers the open record, as the same event."""
    path = tmp_path / "store"
    emulator, client = serve(store=path, switches=Switches(speed=0.01))
    with receiving(500) as receiver:
        run_id = start(client, create(client, hook(receiver.url)), ROWS).json()[
            "job_id"
        ]
        while not receiver.deliveries:
            time.sleep(0.005)
        emulator.stop()
        receiver.statuses[:] = [200]

        after, _ = serve(store=path)
        while not after.store.runs.get(run_id).is_done:
            time.sleep(0.005)

    assert len(receiver.deliveries) == 2
    assert len(set(receiver.headers("Sixtyfour-Event-Id"))) == 1
    assert receiver.headers("Sixtyfour-Delivery-Attempt") == ["1", "2"]
    assert after.outbox[0].outcome == "attempt 2: 200"
