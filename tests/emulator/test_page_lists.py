"""The lists of the page: searched, sorted, and named by environment."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64.definition import id_of
from flow64.emulator import Emulator
from tests.emulator.fleet import KEYS, deploy_fleet, run_in
from tests.emulator.pages import PAGE, connected, ran
from tests.emulator.support import LEADS, WEBHOOK, block, body, create


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as served:
        yield served


@pytest.fixture(scope="module")
def fleet(emulator):
    return deploy_fleet(emulator, ["us", "de", "fr"])


@pytest.fixture(scope="module")
def run_ids(emulator, fleet):
    """A run that ended well in prod, and one that failed in staging."""
    done = run_in(emulator, "prod", fleet["prod", "us"])
    emulator.fail_block("find_email", "no credits are left")
    failed = run_in(emulator, "staging", fleet["staging", "de"])
    emulator.fail_block("find_email", None)
    return done, failed


@pytest.fixture
def listed(emulator):
    with connected(emulator) as client:

        def listed(name, **query):
            reply = client.get(f"{PAGE}/{name}", params=query)
            assert reply.status_code == 200, reply.text
            return reply.json()

        yield listed


def names(found, member="name"):
    return [item[member] for item in found["items"]]


@pytest.mark.usefixtures("fleet")
def test_every_word_of_a_search_must_be_found(listed):
    found = listed("workflows", search="ENRICH fr")
    assert {item["name"] for item in found["items"]} == {"Enrich inbound leads FR"}
    assert (found["matching"], found["total"]) == (2, 6)

    assert names(listed("workflows", search="fr prod"), "environment") == ["prod"]
    assert listed("workflows", search="fr absent")["items"] == []


def test_what_is_found_may_be_an_id_or_a_path(listed, fleet):
    one = fleet["prod", "us"]

    assert names(listed("workflows", search=one[:13]), "id") == [one]
    assert listed("workflows", search="growth/leads-us")["matching"] == 2


@pytest.mark.usefixtures("fleet")
def test_lists_are_sorted_in_both_directions(listed):
    rising = names(listed("workflows", sort="name"))
    falling = names(listed("workflows", sort="-name"))

    assert rising == sorted(rising)
    assert falling == rising[::-1]
    environments = names(listed("workflows", sort="environment"), "environment")
    assert environments == ["prod"] * 3 + ["staging"] * 3


def test_what_has_no_value_comes_last_in_both_directions(listed, fleet, run_ids):
    ran_ones = {fleet["prod", "us"], fleet["staging", "de"]}

    for sort in ("run", "-run"):
        assert {*names(listed("workflows", sort=sort), "id")[:2]} == ran_ones
    assert run_ids


@pytest.mark.usefixtures("fleet")
def test_without_a_known_order_the_newest_come_first(listed):
    newest = names(listed("workflows"), "id")

    assert newest == names(listed("workflows", sort="nothing"), "id")
    assert newest == names(listed("workflows", sort="-changed"), "id")


@pytest.mark.usefixtures("fleet")
def test_lists_come_a_page_at_a_time(listed):
    whole = names(listed("workflows", sort="name"), "id")
    pages = [
        listed("workflows", sort="name", **{"from": at, "limit": 4}) for at in (0, 4, 8)
    ]

    assert [names(page, "id") for page in pages] == [whole[:4], whole[4:], []]
    assert [page["first"] for page in pages] == [0, 4, 8]


def test_environment_is_named_with_all_that_belongs_to_it(listed, fleet, run_ids):
    done, failed = run_ids
    where = {item["id"]: item["environment"] for item in listed("runs")["items"]}

    assert where == {done: "prod", failed: "staging"}
    assert names(listed("runs", search="staging failed"), "id") == [failed]
    assert {*names(listed("outbox"), "environment")} == {"prod"}
    assert {*names(listed("outbox"))} == {"Enrich inbound leads US"}
    for item in (listed(f"workflows/{fleet['prod', 'us']}"), listed(f"runs/{done}")):
        assert item["environment"] == "prod"
        assert item["org_name"] is None


def test_organisations_without_a_name_have_numbers(listed, emulator, fleet):
    """Their ids are made from keys, and say nothing to a reader."""
    assert fleet
    with connected(emulator, KEYS["prod"]) as client:
        made = create(client, body(WEBHOOK, name="by hand"))
    found = listed("workflows", search="hand")
    emulator.store.workflows.remove(made)

    assert names(found, "environment") == [None]
    assert names(found, "org_name") == ["key 2"]


def test_one_organisation_without_a_name_is_not_told_apart():
    with Emulator() as alone, connected(alone) as client:
        create(client, LEADS)
        found = client.get(f"{PAGE}/workflows").json()

    assert names(found, "org_name") == [None]


@pytest.mark.parametrize(
    ("path", "is_copied", "environment"),
    [
        ("ns:a.example/project:p/env:prod%20eu/workflow:w", False, "prod eu"),
        ("ns:a.example/project:p/workflow:w", False, "default"),
        ("ns:a.example/project:p/env:prod/workflow:w", True, None),
    ],
    ids=["named", "default", "copy"],
)
def test_environment_is_that_of_a_genuine_stamp(path, is_copied, environment):
    stamp = f"[flow64:1 {path} {'a' * 16} {'b' * 16} - .]"
    workflow_id = id_of("another" if is_copied else path)
    with Emulator() as other, connected(other) as client:
        data = {"workflow_description": stamp, "id": workflow_id}
        create(client, {**body(WEBHOOK), **data})
        found = client.get(f"{PAGE}/workflows/{workflow_id}").json()

    assert found["environment"] == environment
    assert found["is_copy"] is is_copied
    assert found["deployed"] == "a.example/p/w"


def test_runs_of_a_workflow_stay_when_it_is_deleted():
    """They belong to an environment that is not known any more."""
    with Emulator() as other, connected(other) as client:
        run_id = ran(client, LEADS, [{"full_name": "Ada"}])
        workflow_id = client.get(f"{PAGE}/runs/{run_id}").json()["workflow_id"]
        other.store.workflows.remove(workflow_id)
        (run,) = client.get(f"{PAGE}/runs").json()["items"]

    assert (run["id"], run["environment"]) == (run_id, None)
    assert run["org_name"] == "another key"


def test_list_shows_each_change(emulator):
    """Items are remembered, but not longer than their record stays the same."""
    with Emulator() as other, connected(other) as client:
        first, second = (create(client, body(WEBHOOK, name=n)) for n in "ab")
        path = f"{PAGE}/workflows"
        before = names(client.get(path).json())
        other.edit(first, name="renamed")
        after = names(client.get(path).json())
        other.store.workflows.remove(second)

        assert (before, after) == (["b", "a"], ["b", "renamed"])
        assert names(client.get(path).json()) == ["renamed"]
    assert emulator


def test_delivery_that_succeeded_says_so(emulator):
    """Other outcomes are shown as they are."""
    with connected(emulator) as client:
        blocks = [WEBHOOK, block("outgoing_webhook", url=f"{emulator.url}/nowhere")]
        ran(client, body(*blocks), [{"full_name": "Ada"}])
        store = emulator.store
        (sent,) = [one for one in store.sent.all() if "nowhere" in (one.target or "")]
        outcomes = []
        for outcome in ("attempt 2: 204", "attempt 1: 500"):
            store.sent.put(evolve(sent, outcome=outcome))
            found = client.get(f"{PAGE}/outbox", params={"search": "nowhere"}).json()
            outcomes += names(found, "outcome")
        store.sent.remove(sent.id)

    assert outcomes == ["delivered: 204 at attempt 2", "attempt 1: 500"]
