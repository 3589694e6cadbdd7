"""Credits: what blocks cost, and what happens when they run out."""

from __future__ import annotations

import time

import pytest

from flow64.emulator import Switches
from tests.emulator.support import (
    EMAIL,
    WEBHOOK,
    block,
    body,
    create,
    links,
    run_rows,
    start,
    status_of,
    wait,
)

PHONES = body(WEBHOOK, block("find_phone"))


def people(count):
    return [{"n": n} for n in range(count)]


def left(client):
    return client.get("/check-balance").json()["credits"]


@pytest.mark.parametrize(
    ("kind", "specs", "credits"),
    [
        ("find_email", {}, 0.5),
        ("find_email", {"mode": "PERSONAL"}, 2),
        ("find_email", {"mode": ["odd"]}, None),
        ("find_phone", {}, 3),
        ("lead_enrichment", {}, 1),
        ("company_enrichment", {"tier": "low"}, 1),
        ("lead_enrichment", {"tier": "high"}, None),
        ("qa_agent", {}, None),
    ],
    ids=range(8),
)
def test_a_row_costs_the_documented_price(serve, kind, specs, credits):
    """In credits of ten cents. Without a documented price, the cost is unknown."""
    emulator, client = serve(switches=Switches(check_row_kinds=False))

    run_rows(client, body(WEBHOOK, block(kind, **specs)), people(1))

    spent = [
        (one.kind, one.rows, one.credits) for one in emulator.store.spendings.all()
    ]
    assert spent == [(kind, 1, credits)]


def test_blocks_that_only_handle_rows_cost_nothing(serve):
    """Neither does a kind that is not in the catalogue."""
    emulator, client = serve()

    run_rows(client, body(WEBHOOK, block("deduplicate"), block("new_kind")), people(1))

    assert emulator.store.spendings.all() == []


def test_rows_cost_what_they_cost(serve):
    """The balance falls with each row; a block without a known price costs nothing."""
    emulator, client = serve(switches=Switches(credits=100))
    data = body(WEBHOOK, EMAIL, block("find_phone"), block("qa_agent"))

    run_rows(client, data, people(10))

    assert left(client) == 100 - 10 * 0.5 - 10 * 3
    spent = [(s.kind, s.rows, s.credits) for s in emulator.store.spendings.all()]
    assert spent == [
        ("find_email", 10, 5),
        ("find_phone", 10, 30),
        ("qa_agent", 10, None),
    ]


def test_block_that_lacks_credits_fails(serve):
    """Affordable rows are charged, and the message names the shortage."""
    _, client = serve(switches=Switches(credits=10))

    run_id = run_rows(client, body(WEBHOOK, EMAIL, block("find_phone")), people(4))

    live = status_of(client, run_id)
    assert live["overall_status"] == "failed"
    assert live["blocks"][2]["error_message"] == (
        "not enough credits: a row costs 3, and 8 were left when the block "
        "began, enough for 2 rows"
    )
    assert left(client) == 2
    assert [item["block_number"] for item in links(client, run_id)] == [1, 2]


def test_exact_balance_is_enough(serve):
    """The last credit can be spent, over several chunks."""
    _, client = serve(switches=Switches(credits=0.5 * 1001))

    run_id = run_rows(client, body(WEBHOOK, EMAIL), people(1001))

    assert status_of(client, run_id)["overall_status"] == "completed"
    assert left(client) == 0


def test_each_organisation_has_its_own(serve, connect):
    """Spending of one does not change the balance of another."""
    emulator, client = serve(switches=Switches(credits=50))
    run_rows(client, PHONES, people(10))

    assert (left(client), left(connect(emulator))) == (20, 50)


@pytest.mark.parametrize("mode", ["PERSONAL", "Personal"])
def test_personal_address_that_is_there_is_free(serve, mode):
    """This is documented only for the personal mode."""
    _, client = serve(switches=Switches(credits=100))
    rows = [{"personal_email": "a@home.example"}, {"personal_email": ""}, {}]

    run_rows(client, body(WEBHOOK, block("find_email", mode=mode)), rows)

    assert left(client) == 96


def test_spent_by_another_run_meanwhile(serve):
    """Two runs cannot spend the same credits."""
    _, client = serve(switches=Switches(credits=40, speed=0.2))
    own = create(client, PHONES)
    runs = [start(client, own, people(10)).json()["job_id"] for _ in range(2)]

    found = sorted(wait(client, run_id)["overall_status"] for run_id in runs)

    assert found == ["completed", "failed"]
    assert left(client) == 1


def test_cancelled_block_pays_for_what_it_took(serve):
    """Processed rows are charged once."""
    emulator, client = serve(switches=Switches(credits=100, speed=0.5))
    run_id = start(client, create(client, PHONES), people(10)).json()["job_id"]
    while not emulator.store.blocks.of(run_id)[1].processed:
        time.sleep(0.002)

    client.post("/workflows/cancel", params={"job_id": run_id})
    emulator._engine.stop()

    assert status_of(client, run_id)["overall_status"] == "cancelled"
    assert left(client) == 70


SEARCHES = body(
    block("search", 1, auto_execute=True, max_results=7),
    block("search", 2, auto_execute=False),
    block("search", 3),
)


@pytest.mark.parametrize(("on_update", "times"), [(False, 1), (True, 2)])
def test_search_spends_when_its_workflow_is_saved(serve, on_update, times):
    """At creation, and with the switch at each new graph, but not for a new name."""
    emulator, client = serve(switches=Switches(auto_execute_on_update=on_update))
    own = create(client, SEARCHES)

    for data in (SEARCHES, {"workflow_name": "Other"}):
        client.post(
            "/workflows/update_workflow", params={"workflow_id": own}, json=data
        )

    assert [
        (spending.workflow_id, spending.run_id, spending.kind, spending.rows)
        for spending in emulator.store.spendings.all()
    ] == [(own, None, "search", 7)] * times


def test_search_spends_once_for_an_id_that_is_taken(serve):
    """A refused request is not charged."""
    emulator, client = serve()
    taken = {**SEARCHES, "id": "b1a5a5a0-0000-4000-8000-000000000001"}

    statuses = [
        client.post("/workflows/create_workflow", json=taken).status_code
        for _ in range(2)
    ]

    assert statuses == [200, 409]
    assert len(emulator.store.spendings.all()) == 1
