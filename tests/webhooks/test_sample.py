"""Signing as the service does, and samples for a receiver of one's own."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import time
from contextlib import contextmanager
from threading import Event, Thread
from urllib.parse import quote

import pytest

from flow64.errors import ArgumentError, ConfigError, SampleError, WebhookError
from flow64.webhooks import RowsEvent, UnknownEvent, send_sample, sign, verify
from tests.emulator.receiver import receiving
from tests.webhooks.support import AT, BODY, BY_NEW, BY_OLD, NEW, OLD, consuming, signed


def test_sign_makes_the_documented_header():
    """One digest for each secret, in the order given."""
    assert sign(BODY, NEW, AT) == signed(BY_NEW)
    assert sign(BODY, [NEW, OLD], AT) == signed(BY_NEW, BY_OLD)
    assert sign(BODY, NEW, AT + 0.9) == signed(BY_NEW)


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"a\r\nb", b"x" * 10_000_000])
def test_any_bytes_are_signed(body):
    """As the standard library signs them."""
    expected = hmac.digest(NEW.encode(), f"{AT}.".encode() + body, "sha256").hex()

    made = sign(body, NEW, AT)

    assert made == signed(expected)


@pytest.mark.parametrize("secret", ["", None, [], f"{NEW}\n"])
def test_sign_needs_a_secret(secret):
    """As `verify` does, without showing it."""
    with pytest.raises(ConfigError) as caught:
        sign(BODY, secret)

    assert "0123456789abcdef" not in str(caught.value)


@pytest.mark.parametrize("at", [-1, float("nan"), AT * 1000, "now"])
def test_sign_needs_a_moment(at):
    """In seconds."""
    with pytest.raises(ConfigError, match="at has to be Unix seconds"):
        sign(BODY, NEW, at)


# -- Sending --------------------------------------------------------------------------


def test_sample_is_an_event_like_those_of_the_service():
    """With all headers, and a new id each time."""
    with consuming(NEW) as consumer:
        statuses = [send_sample(consumer.url, NEW) for _ in range(2)]

    assert statuses == [204, 204]
    first, second = consumer.handled
    assert isinstance(first, RowsEvent)
    assert first.rows == [{"full_name": "Ada Lovelace", "email": "ada@example.com"}]
    assert (first.event_type, first.attempt) == ("outgoing_webhook.completed", 1)
    assert first.event_id != second.event_id
    assert abs(first.signed_at - time.time()) < 60


def test_sample_is_what_one_says():
    """Another event, another attempt, and all characters."""
    event = {"news": "é \ud800", "event_id": "e-1"}
    with receiving() as receiver:
        send_sample(
            f"{receiver.url}?a=b", NEW, event, event_type="news", attempt=3, at=AT
        )

    (delivery,) = receiver.deliveries
    assert delivery.path == "/hook?a=b"
    assert delivery.headers["Sixtyfour-Event-Id"] == "e-1"
    assert delivery.headers["Content-Type"] == "application/json"
    found = verify(delivery.content, delivery.headers, NEW, now=AT)
    assert isinstance(found, UnknownEvent)
    assert (found.raw, found.event_type, found.attempt) == (event, "news", 3)


def test_sample_can_be_any_bytes():
    """To see what a receiver does with them."""
    with consuming(NEW) as consumer:
        assert send_sample(consumer.url, NEW, b"{") == 400

    assert [type(error).__name__ for error in consumer.refused] == ["EventError"]


def test_wrong_secret_is_told_by_the_status():
    """As are a stale sample, and one that comes a second time."""
    event = {"event_id": "e-1", "run_id": "r-1"}
    with consuming(NEW) as consumer:
        answers = [
            send_sample(consumer.url, OLD),
            send_sample(consumer.url, NEW, at=time.time() - 1000),
            send_sample(consumer.url, [OLD, NEW], event),
            send_sample(consumer.url, NEW, event, attempt=2),
        ]

    assert answers == [400, 400, 204, 200]
    assert [type(e) for e in consumer.refused[:2]] == [WebhookError] * 2
    assert len(consumer.handled) == 1


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_answer_is_given_as_it_is(status):
    """A redirect is not followed, and nothing is tried again."""
    with receiving(status) as receiver:
        assert send_sample(receiver.url, NEW) == status

    assert len(receiver.deliveries) == 1


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    """A sample goes where it says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with receiving() as receiver:
        assert send_sample(receiver.url, NEW) == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x",
        "http://127.0.0.1.example.com/",
        "http://10.0.0.1/",
        "http://[2001:db8::1]/",
        "http://localhost@hooks.example.com/",
        "https://user:s3cret@hooks.example.com/",
        "http://:s3cret@127.0.0.1/",
        "https://",
        "https:///x",
        "https://a:port/",
        "https://a:0/",
        "https://a:99999/",
        "http://[x/",
        "ftp://127.0.0.1/",
        "file:///etc/hosts",
        "127.0.0.1:80",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1/é",
        "",
    ],
    ids=range(20),
)
def test_other_addresses_get_nothing(url):
    """A signed body goes to https, or stays on this machine; the URL is not shown."""
    with pytest.raises(ConfigError, match="url has to be https") as caught:
        send_sample(url, NEW)

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"timeout": 0}, "timeout has to be"),
        ({"timeout": None}, "timeout has to be"),
        ({"attempt": 0}, "attempt has to be"),
        ({"attempt": "1"}, "attempt has to be"),
        ({"event_type": "a\r\nX: y"}, "event_type has to be"),
        ({"event_type": ""}, "event_type has to be"),
        ({"at": -1}, "at has to be"),
        ({"secrets": ""}, "secret is missing"),
    ],
    ids=range(8),
)
def test_unusable_arguments_are_named(wrong, words):
    """Before anything is sent."""
    with receiving() as receiver, pytest.raises(ConfigError, match=words):
        send_sample(receiver.url, **{"secrets": NEW, **wrong})

    assert receiver.deliveries == []


@pytest.mark.parametrize("event", ["{}", ["a"], 5])
def test_event_is_a_mapping_or_bytes(event):
    """A text has no bytes until somebody encodes it."""
    with pytest.raises(ArgumentError, match="event is a mapping or bytes, not a "):
        send_sample("http://127.0.0.1:1/", NEW, event)


def test_id_of_an_event_that_fits_no_header_is_left_to_the_body():
    """The header is not signed, so another id there changes nothing."""
    event = {"event_id": "a\r\nX: y", "run_id": "r"}
    with consuming(NEW) as consumer:
        assert send_sample(consumer.url, NEW, event) == 204

    assert consumer.handled[0].event_id == "a\r\nX: y"


def test_receiver_that_is_not_there():
    """Said with what to look at, and without the path, which may hold a token."""
    with receiving() as receiver:
        pass

    with pytest.raises(
        SampleError, match=r"did not answer: .*efused.*runs there"
    ) as got:
        send_sample(f"{receiver.url}?token=s3cret", NEW)

    assert "s3cret" not in str(got.value)
    assert got.value.target == receiver.url.removesuffix("/hook")


def test_receiver_that_speaks_no_tls():
    """Certificates are looked at."""
    with receiving() as receiver, pytest.raises(SampleError, match="SSL"):
        send_sample(receiver.url.replace("http:", "https:"), NEW)

    assert receiver.deliveries == []


@contextmanager
def dripping(text):
    """A server that answers a byte at a time, and never to the end."""
    stop = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            taken, _ = server.accept()
            with taken:
                while not stop.wait(0.01):
                    taken.send(text)

        thread = Thread(target=drip, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        finally:
            stop.set()
            thread.join()


def test_time_is_limited_as_a_whole():
    """Also where a receiver never stops answering."""
    with dripping(b"H") as url:
        started = time.monotonic()
        with pytest.raises(SampleError, match=r"no answer within 0\.2 seconds"):
            send_sample(url, NEW, timeout=0.2)

        assert time.monotonic() - started < 1


def test_receiver_that_speaks_no_http():
    """Its answer is none."""
    with dripping(b"nonsense\n") as url, pytest.raises(SampleError):
        send_sample(url, NEW, timeout=1)


def test_secret_is_not_sent():
    """In no spelling; what is sent is signed by it."""
    with receiving() as receiver:
        send_sample(receiver.url, NEW)

    (delivery,) = receiver.deliveries
    sent = json.dumps(delivery.headers) + delivery.content.decode()
    spellings = [
        NEW,
        NEW.removeprefix("sk_whsec_"),
        NEW.encode().hex(),
        base64.b64encode(NEW.encode()).decode(),
        quote(NEW),
    ]
    assert [word for word in spellings if word in sent] == []
