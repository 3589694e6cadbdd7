"""Deliveries of the emulator, verified as a receiver does it."""

from __future__ import annotations

import httpx
import pytest

from flow64.errors import WebhookError
from flow64.webhooks import RowsEvent, sign, verify
from tests.emulator.support import NO_CERTIFICATES, WEBHOOK, block, body, run_rows
from tests.service.receiver import receiving

PATH = "/webhooks/signing-secret"
ROWS = [{"name": "Ada", "tags": ["é"]}, {"name": "Grace"}]


@pytest.fixture
def client(emulator):
    with httpx.Client(
        base_url=emulator.url,
        headers={"x-api-key": "test"},
        timeout=20,
        verify=NO_CERTIFICATES,
    ) as client:
        yield client


def deliver(client, url):
    """The id of a run that ended with a delivery."""
    return run_rows(client, body(WEBHOOK, block("outgoing_webhook", url=url)), ROWS)


def test_delivery_and_its_retry_are_one_event(client):
    """With the rows of the run, and also if a later second signed it."""
    secret = client.post(PATH).json()["plaintext"]
    with receiving(500, 200) as receiver:
        run_id = deliver(client, receiver.url)

    first, second = receiver.deliveries
    event = verify(first.content, first.headers, secret)
    later = sign(second.content, secret, event.signed_at + 60)

    assert isinstance(event, RowsEvent)
    assert (event.run_id, event.rows, event.attempt) == (run_id, ROWS, 1)
    assert event.event_type == "outgoing_webhook.completed"
    assert verify(second.content, second.headers, secret).key == event.key
    assert verify(second.content, later, secret).key == event.key


def test_both_secrets_sign_while_one_is_rolled(emulator, client):
    """The old one is worth nothing after that."""
    old = client.post(PATH).json()["plaintext"]
    reply = client.post(f"{PATH}/roll", json={"expire_overlap_hours": 24})
    new = reply.json()["plaintext"]
    with receiving() as receiver:
        deliver(client, receiver.url)
        emulator.clock.advance(24 * 3600 + 1)
        deliver(client, receiver.url)

    during, after = receiver.deliveries
    for secret in (old, new):
        assert verify(during.content, during.headers, secret).raw == during.data
    with pytest.raises(WebhookError):
        verify(after.content, after.headers, old)
