"""Webhooks that are posted, and schedules that start runs."""

from __future__ import annotations

import hmac
import time

import pytest

from flow64.emulator import Emulator
from tests.emulator.conftest import connect
from tests.emulator.support import EMAIL, WEBHOOK, block, body, create, run_rows, wait
from tests.service.receiver import receiving

ROWS = [{"name": "Ada"}]


def deliver(client, url, rows=ROWS):
    """The id of a run that ended with a delivery."""
    return run_rows(client, body(WEBHOOK, block("outgoing_webhook", url=url)), rows)


def test_rows_are_posted_once_a_run_and_signed(emulator, client):
    secret = client.post("/webhooks/signing-secret").json()["plaintext"]
    with receiving() as receiver:
        run_id = deliver(client, receiver.url)
    (delivery,) = receiver.deliveries
    time_, signature = (
        part.partition("=")[2]
        for part in delivery.headers["Sixtyfour-Signature"].split(",")
    )
    text = f"{time_}.".encode() + delivery.content

    assert (delivery.data["run_id"], delivery.data["results"]) == (run_id, ROWS)
    assert delivery.headers["Sixtyfour-Event-Id"] == delivery.data["event_id"]
    assert delivery.headers["Sixtyfour-Event-Type"] == "outgoing_webhook.completed"
    assert hmac.digest(secret.encode(), text, "sha256").hex() == signature
    assert [entry.outcome for entry in emulator.outbox] == ["attempt 1: 200"]


def test_delivery_is_retried_as_the_same_event(emulator, client):
    with receiving(500, 302, 200) as receiver:
        deliver(client, receiver.url)

    assert receiver.headers("Sixtyfour-Delivery-Attempt") == ["1", "2", "3"]
    assert len(set(receiver.headers("Sixtyfour-Event-Id"))) == 1
    assert emulator.outbox[0].outcome == "attempt 3: 200"


def test_many_rows_are_sent_as_a_link(client):
    rows = [{"text": "x" * 1000}] * 300
    with receiving() as receiver:
        deliver(client, receiver.url, rows)
    (delivery,) = receiver.deliveries
    link = delivery.data["results_download_url"]

    assert delivery.data["results"] is None
    assert len(client.get(link).text.splitlines()) == 301


def test_webhook_of_another_machine_is_not_posted(emulator, client):
    deliver(client, "https://example.com/hook")

    assert emulator.outbox[0].outcome.startswith("not sent: example.com is not this")


def test_message_stays_in_the_outbox(emulator, client):
    run_rows(client, body(WEBHOOK, block("send_slack_message", channel="#x")), ROWS)
    (entry,) = emulator.outbox

    assert (entry.target, entry.rows) == ("#x", ROWS)


def test_rolled_secrets_both_sign_for_a_time(emulator, client):
    client.post("/webhooks/signing-secret")
    client.post("/webhooks/signing-secret/roll", json={"expire_overlap_hours": 1})
    with receiving() as receiver:
        deliver(client, receiver.url)
        emulator.clock.advance(3601)
        deliver(client, receiver.url)
    signatures = receiver.headers("Sixtyfour-Signature")

    assert [signature.count("v1=") for signature in signatures] == [2, 1]


def test_link_expires(emulator, client):
    run_id = run_rows(client, body(WEBHOOK, EMAIL), ROWS)
    path = f"/workflows/runs/{run_id}/results/download-links"
    link = client.get(path).json()[-1]["download_url"]
    statuses = [client.get(link).status_code, client.get(f"{link}0").status_code]
    emulator.clock.advance(901)

    assert [*statuses, client.get(link).status_code] == [200, 403, 403]


# -- Schedules ------------------------------------------------------------------------


@pytest.fixture
def schedule(client):
    """An hourly schedule of a workflow that finds its own rows."""
    source = block("search", query="CTOs", dataframe_type="LEAD", max_results=2)
    data = {
        "workflow_id": create(client, body(source, EMAIL)),
        "name": "Hourly",
        "cron_expression": "30 * * * *",
    }
    return client.post("/schedules", json=data).json()


def test_schedule_starts_a_run_at_each_due_time(emulator, client, schedule):
    emulator.clock.advance(3 * 3600)
    runs = emulator.store.runs.all()
    for run in runs:
        assert wait(client, run.id)["overall_status"] == "completed"

    assert [run.schedule_id for run in runs] == [schedule["id"]] * 3
    assert len(emulator.rows(runs[0].id, "find_email")) == 2


def test_schedule_that_is_off_starts_nothing(emulator, client, schedule):
    path = f"/schedules/{schedule['id']}"
    client.patch(path, json={"is_active": False})
    emulator.clock.advance(3 * 3600)
    shown = client.patch(path, json={"is_active": True}).json()
    emulator.clock.advance(60)

    assert len(emulator.store.runs.all()) <= 1
    assert len(shown["next_run_times"]) == 5


@pytest.mark.parametrize("is_served", [True, False])
def test_due_time_comes_by_itself(emulator, client, schedule, is_served):
    """While it is served, and otherwise with the next request."""
    if is_served:
        emulator.start()
    now = emulator.clock.now()
    until_due = 3600 - (now.timestamp() - 1800) % 3600
    emulator.clock.ahead += type(emulator.clock.ahead)(seconds=until_due - 0.1)
    ends = time.monotonic() + 10
    while not emulator.store.runs.all() and time.monotonic() < ends:
        time.sleep(0.05)
        if not is_served:
            client.get("/workflows")

    assert len(emulator.store.runs.all()) == 1


def test_times_without_an_emulator_are_left_out(tmp_path):
    path = tmp_path / "store.db"
    first = Emulator(store=path)
    client = connect(first)
    source = block("search", query="CTOs", dataframe_type="LEAD")
    data = {
        "workflow_id": create(client, body(source)),
        "name": "n",
        "cron_expression": "* * * * *",
    }
    client.post("/schedules", json=data)
    first.stop()
    second = Emulator(store=path)
    second.clock.ahead = type(second.clock.ahead)(hours=1)
    second.transport()
    second.clock.advance(0)

    assert second.store.runs.all() == []
    second.stop()


@pytest.mark.parametrize(
    "wrong",
    [
        {"cron_expression": "* * *"},
        {"cron_expression": "0 0 30 2 *"},
        {"cron_expression": "every day"},
        {"timezone": "Nowhere/Land"},
        {"name": ""},
    ],
)
def test_wrong_schedule_is_refused(client, schedule, wrong):
    path = f"/schedules/{schedule['id']}"

    assert client.patch(path, json=wrong).status_code == 422


def test_ten_years_start_the_latest_hundred_runs_at_once(emulator, client, schedule):
    path = f"/schedules/{schedule['id']}"
    client.patch(path, json={"cron_expression": "* * * * *"})
    began = time.monotonic()
    client.post("/_emulator/clock", json={"advance": 10 * 365 * 86_400})

    assert len(emulator.store.runs.all()) == 100
    assert time.monotonic() - began < 10
