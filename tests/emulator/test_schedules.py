"""Schedules: created, listed with their next times, changed, removed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.emulator import Switches
from tests.emulator.support import LEADS, create

PATH = "/schedules"


def made(client, **more):
    """Create a schedule of a new workflow."""
    body = {
        "workflow_id": create(client, LEADS),
        "name": "Mondays",
        "cron_expression": "0 9 * * 1",
        **more,
    }
    return client.post(PATH, json=body)


def test_schedule_is_read_back_as_it_was_made(client):
    """201, with the sent fields and the defaults."""
    reply = made(client)

    found = reply.json()
    assert reply.status_code == 201
    assert client.get(f"{PATH}/{found['id']}").json() == found
    assert {name: found[name] for name in ("name", "timezone", "is_active")} == {
        "name": "Mondays",
        "timezone": "UTC",
        "is_active": True,
    }
    assert found["description"] is None
    assert len(found["next_run_times"]) == 5
    assert all(time.endswith("T09:00:00.000000Z") for time in found["next_run_times"])


def test_times_follow_the_clock(serve):
    """A time is no longer listed once the clock has passed it."""
    emulator, client = serve()
    before = made(client, cron_expression="0 * * * *").json()

    emulator.clock.advance(3600)

    after = client.get(f"{PATH}/{before['id']}").json()
    assert after["next_run_times"][:4] == before["next_run_times"][1:]


def test_nothing_is_next_while_it_is_off(client):
    """A schedule that is off is due at no time."""
    assert made(client, is_active=False).json()["next_run_times"] == []


def test_change_leaves_what_it_does_not_name(client):
    """Null changes nothing either."""
    before = made(client, description="Weekly").json()

    changed = client.patch(
        f"{PATH}/{before['id']}",
        json={"timezone": "Asia/Tokyo", "description": None, "is_active": None},
    ).json()

    assert changed["next_run_times"][0].endswith("T00:00:00.000000Z")
    kept = ("id", "name", "description", "is_active", "created_at", "cron_expression")
    assert [changed[name] for name in kept] == [before[name] for name in kept]
    assert changed["updated_at"] > before["updated_at"]


def test_list_is_of_all_or_of_a_workflow(client):
    """Schedules of other workflows are not listed."""
    first, second = made(client).json(), made(client).json()

    found = {
        workflow_id: [
            item["id"]
            for item in client.get(PATH, params={"workflow_id": workflow_id}).json()
        ]
        for workflow_id in (second["workflow_id"].upper(), str(uuid4()))
    }

    assert [item["id"] for item in client.get(PATH).json()] == [
        first["id"],
        second["id"],
    ]
    assert list(found.values()) == [[second["id"]], []]


def test_deleted_schedule_is_gone(client):
    """200 with its id, then 404; its workflow stays."""
    found = made(client).json()
    one = f"{PATH}/{found['id']}"

    reply = client.delete(one)

    assert (reply.status_code, reply.json()["id"]) == (200, found["id"])
    again = [
        client.delete(one).status_code,
        client.get(one).status_code,
        client.patch(one, json={}).status_code,
    ]
    assert again == [404, 404, 404]
    assert client.get(f"/workflows/{found['workflow_id']}").status_code == 200


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": None}, "name"),
        ({"cron_expression": ""}, "cron_expression"),
        ({"cron_expression": "0 9 * *"}, "cron_expression"),
        ({"cron_expression": "0 0 30 2 *"}, "cron_expression"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": None}, "timezone"),
        ({"is_active": "yes"}, "is_active"),
        ({"workflow_id": 1}, "workflow_id"),
    ],
)
def test_what_is_wrong_is_named(client, more, place):
    """422 with the place, and nothing is created."""
    reply = made(client, **more)

    assert reply.status_code == 422
    assert [found["loc"] for found in reply.json()["detail"]] == [["body", place]]
    assert client.get(PATH).json() == []


def test_bad_change_changes_nothing(client):
    """A change is checked like a new schedule."""
    before = made(client).json()
    one = f"{PATH}/{before['id']}"

    reply = client.patch(one, json={"name": "New", "cron_expression": "never"})

    assert reply.status_code == 422
    assert client.get(one).json() == before


def test_workflow_must_be_there(client):
    """An unknown workflow is 404."""
    assert made(client, workflow_id=str(uuid4())).status_code == 404


@pytest.mark.parametrize("status", [403, 404])
def test_strangers_see_nothing(serve, connect, status):
    """Another organisation's schedule and workflow are 404."""
    emulator, ours = serve(switches=Switches(foreign_status=status))
    theirs = connect(emulator)
    found = made(ours).json()
    one = f"{PATH}/{found['id']}"

    statuses = [
        theirs.get(one).status_code,
        theirs.patch(one, json={}).status_code,
        theirs.delete(one).status_code,
        made(theirs, workflow_id=found["workflow_id"]).status_code,
    ]

    assert statuses == [status] * 4
    assert theirs.get(PATH).json() == []
    assert ours.get(one).json() == found
