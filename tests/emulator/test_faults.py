"""Faults, in the process and on sockets, and the routes that set them."""

from __future__ import annotations

import time

import httpx
import pytest

from flow64.emulator import Emulator, Fault, Switches
from flow64.errors import ConfigError
from tests.emulator.conftest import connect
from tests.emulator.support import LEADS


@pytest.fixture(params=["socket", "process"])
def asking(request, emulator):
    """A client over a socket, or in this process."""
    if request.param == "process":
        with connect(emulator) as client:
            client.event_hooks = {}
            yield client
    else:
        url = emulator.start().url
        with httpx.Client(base_url=url, headers={"x-api-key": "key"}) as client:
            yield client


def created(emulator):
    return len(emulator.store.workflows.all())


@pytest.mark.parametrize(
    ("kind", "is_applied"),
    [
        ("reset_before", False),
        ("reset_after", True),
        ("truncate", True),
    ],
)
def test_connection_is_reset(emulator, asking, kind, is_applied):
    emulator.faults.add(Fault(kind))

    with pytest.raises(httpx.ReadError):
        asking.post("/workflows/create_workflow", json=LEADS)
    assert created(emulator) == is_applied
    assert asking.get("/workflows").status_code == 200


@pytest.mark.parametrize(
    ("kind", "is_applied"), [("status_before", 0), ("status_after", 1)]
)
def test_status_is_that_of_the_fault(emulator, asking, kind, is_applied):
    headers = {"retry-after": "7"}
    emulator.faults.add(Fault(kind, status=429, headers=headers, body="wait"))
    reply = asking.post("/workflows/create_workflow", json=LEADS)

    assert (reply.status_code, reply.text, reply.headers["retry-after"]) == (
        429,
        "wait",
        "7",
    )
    assert created(emulator) == is_applied


def test_body_may_be_changed_by_a_function(emulator, asking):
    emulator.faults.add(Fault("status_after", body=lambda body: body + b" "))
    reply = asking.get("/workflows")

    assert (reply.status_code, reply.content) == (200, b"[] ")


def test_slow_response_comes_late_and_in_parts(emulator, asking):
    emulator.faults.add(Fault("slow", seconds=0.01, size=1))
    began = time.monotonic()

    assert asking.get("/check-balance").json() == {"credits": 1_000_000}
    assert time.monotonic() - began > 0.01 * len('{"credits": 1000000}')


def test_client_may_give_up_on_a_slow_response(emulator, asking):
    emulator.faults.add(Fault("slow", seconds=30))

    with pytest.raises(httpx.ReadTimeout):
        asking.get("/workflows", timeout=0.1)


def test_slow_response_ends_with_the_emulator(emulator):
    emulator.start()
    emulator.faults.add(Fault("slow", seconds=30))
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{emulator.url}/workflows", timeout=0.1)
    began = time.monotonic()
    emulator.stop()

    assert time.monotonic() - began < 5


def test_fault_happens_to_the_requests_that_it_names(emulator, client):
    fault = Fault("status_before", method="GET", path="/workflows/b*", after=1, times=2)
    emulator.faults.add(fault)
    client.event_hooks = {}
    statuses = [client.get("/workflows/blocks").status_code for _ in range(4)]

    assert client.get("/workflows").status_code == 200
    assert statuses == [200, 503, 503, 200]
    assert emulator.faults.active == []


def test_faults_are_set_by_a_route(emulator, client):
    fault = {"kind": "status_before", "status": 500, "path": "/workflows", "times": 1}
    client.event_hooks = {}
    added = client.post("/_emulator/faults", json=fault)
    statuses = [client.get("/workflows").status_code for _ in range(2)]
    client.post("/_emulator/faults", json={"kind": "slow", "seconds": 60})
    cleared = client.delete("/_emulator/faults")

    assert (added.status_code, statuses, cleared.json()) == (
        201,
        [500, 200],
        {"active": []},
    )
    assert emulator.faults.active == []


@pytest.mark.parametrize(
    "fault",
    [{}, {"kind": "no"}, {"kind": "slow", "x": 1}, {"kind": "slow", "path": "w"}, []],
)
def test_wrong_fault_is_refused(client, fault):
    assert client.post("/_emulator/faults", json=fault).status_code == 422


def test_wrong_fault_is_refused_in_python():
    with pytest.raises(ConfigError, match="there is no fault 'hang'"):
        Fault("hang")
    with pytest.raises(ConfigError, match="begins with / or"):
        Fault("slow", path="workflows")


# -- Switches, the clock and edits ----------------------------------------------------


def test_switches_are_set_by_a_route(emulator, client):
    reply = client.patch("/_emulator/switches", json={"speed": 1})
    wrong = client.patch("/_emulator/switches", json={"speed": "fast"})

    assert reply.json()["speed"] == 1
    assert (wrong.status_code, emulator.switches) == (422, Switches(speed=1))


def test_saving_follows_the_switches(emulator, client):
    emulator.switches = Switches(fill_defaults=True, reorder=True, drop_unknown=True)
    stored = client.post("/workflows/create_workflow", json={**LEADS, "x": 1}).json()
    blocks = stored["workflow_definition"]["blocks"]

    assert "x" not in stored
    assert [one["sequence_number"] for one in blocks] == [3, 2, 1]
    assert blocks[1]["specs"]["mode"] == "PROFESSIONAL"


def test_workflow_is_edited_and_copied_as_in_the_web_editor(emulator, client):
    workflow_id = client.post("/workflows/create_workflow", json=LEADS).json()["id"]
    specs = {"find_email": {"mode": "PERSONAL"}}
    edited = emulator.edit(workflow_id, name="Other", specs=specs)
    copy_id = emulator.copy(workflow_id)

    assert edited == client.get(f"/workflows/{workflow_id}").json()
    assert edited["workflow_definition"]["blocks"][1]["specs"] == {"mode": "PERSONAL"}
    assert client.get(f"/workflows/{copy_id}").json()["name"] == "Other (copy)"
    with pytest.raises(KeyError, match="no block has the id or kind nothing"):
        emulator.edit(workflow_id, specs={"nothing": {}})


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/workflows", {"host": "evil.example"}, 400),
        ("/_emulator/state", {"origin": "http://evil.example"}, 403),
        ("/_emulator/state", {"origin": "http://localhost"}, 200),
    ],
)
def test_pages_of_others_are_refused(client, path, headers, status):
    assert client.get(path, headers=headers).status_code == status


def test_allowed_name_is_answered():
    emulator = Emulator(allow_names=["ci.example"])
    with connect(emulator) as client:
        reply = client.get("/workflows", headers={"host": "ci.example:80"})

    assert reply.status_code == 200
