"""Deliveries of the emulator, verified as a receiver does it."""

from __future__ import annotations

import pytest

from flow64.errors import DuplicateEventError, WebhookError
from flow64.http import httpx
from flow64.webhooks import RowsEvent, SeenEvents, handling, sign, verify
from tests.emulator.receiver import receiving
from tests.emulator.support import NO_CERTIFICATES, WEBHOOK, block, body, run_rows
from tests.webhooks.support import consuming

PATH = "/webhooks/signing-secret"
ROWS = [{"name": "Ada", "tags": ["é"]}, {"name": "Grace"}]


@pytest.fixture
def client(emulator):
    with httpx.Client(
        base_url=emulator.url,
        headers={"x-api-key": "test"},
        timeout=20,
        verify=NO_CERTIFICATES,
    ) as made:
        yield made


def deliver(client, url):
    """The id of a run that ended with a delivery."""
    return run_rows(client, body(WEBHOOK, block("outgoing_webhook", url=url)), ROWS)


def made(client):
    return client.post(PATH).json()["plaintext"]


def rolled(client):
    reply = client.post(f"{PATH}/roll", json={"expire_overlap_hours": 24})
    return reply.json()["plaintext"]


def test_delivery_is_an_event(client):
    """With the rows of the run."""
    secret = made(client)
    with receiving() as receiver:
        run_id = deliver(client, receiver.url)

    (delivery,) = receiver.deliveries
    event = verify(delivery.content, delivery.headers, secret)
    assert isinstance(event, RowsEvent)
    assert (event.run_id, event.rows, event.attempt) == (run_id, ROWS, 1)
    assert event.event_id == delivery.headers["Sixtyfour-Event-Id"]
    assert event.event_type == "outgoing_webhook.completed"


def test_unsigned_delivery_is_refused(client):
    """Without a secret nothing is signed, and a later one does not help."""
    with receiving() as receiver:
        deliver(client, receiver.url)
    secret = made(client)

    (delivery,) = receiver.deliveries
    with pytest.raises(WebhookError, match="signs nothing until"):
        verify(delivery.content, delivery.headers, secret)


def test_retry_is_recognised(client):
    """As the same event, also where a later second signed it."""
    secret = made(client)
    seen = SeenEvents()
    with receiving(500, 200) as receiver:
        deliver(client, receiver.url)

    first, second = receiver.deliveries
    event = verify(first.content, first.headers, secret, seen=seen)
    with handling(event, seen):
        pass
    later = sign(second.content, secret, event.signed_at + 60)
    for headers in (second.headers, later):
        with pytest.raises(DuplicateEventError) as caught:
            verify(second.content, headers, secret, seen=seen)
        assert caught.value.is_done
    assert second.headers["Sixtyfour-Delivery-Attempt"] == "2"


def test_event_is_delivered_until_it_is_handled(emulator, client):
    """A handler that fails twice gets it a third time, and not again."""
    with consuming(made(client)) as consumer:
        consumer.failures = [RuntimeError("away"), RuntimeError("still away")]
        run_id = deliver(client, consumer.url)

    assert [event.run_id for event in consumer.handled] == [run_id]
    assert [event.attempt for event in consumer.handled] == [3]
    assert emulator.outbox[0].outcome == "attempt 3: 204"


@pytest.mark.parametrize("order", [list, lambda pair: pair[::-1]], ids=range(2))
def test_roll_loses_no_event(emulator, client, order):
    """A receiver that has both secrets accepts all, before, during and after it."""
    old = made(client)
    with consuming(old) as consumer:
        deliver(client, consumer.url)
        new = rolled(client)
        deliver(client, consumer.url)  # before the receiver has the new one
        consumer.secrets = order([old, new])
        deliver(client, consumer.url)
        consumer.secrets = [new]
        deliver(client, consumer.url)
        emulator.clock.advance(24 * 3600 + 1)
        deliver(client, consumer.url)

    assert len(consumer.handled) == 5
    assert consumer.refused == []


def test_old_secret_is_worth_nothing_after_a_roll(emulator, client):
    """Also if the receiver has only the new secret, or the overlap is over."""
    old, new = made(client), rolled(client)
    with receiving() as receiver:
        deliver(client, receiver.url)
        emulator.clock.advance(24 * 3600 + 1)
        deliver(client, receiver.url)

    during, after = receiver.deliveries
    for secret in (old, new):
        assert verify(during.content, during.headers, secret).raw == during.data
    with pytest.raises(WebhookError):
        verify(after.content, after.headers, old)
    with pytest.raises(WebhookError):
        verify(during.content, sign(during.content, old), new)
