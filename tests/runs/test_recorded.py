"""The rows that a run recorded, and the proof of what it ran, by reads alone."""

from __future__ import annotations

import pytest
from attrs import evolve

import flow64
from flow64 import LEAD, Client, Workflow
from flow64.blocks import Filter, FindEmail, OutgoingWebhook, Webhook
from flow64.emulator import Emulator
from flow64.errors import RunFailedError
from flow64.runs import results

NAMES = [None, "", "Ada", "ada", "Grace", "80"]
ROWS = [{"name": NAMES[n % 6], "score": n % 100} for n in range(600)]
DELIVER = OutgoingWebhook(url="https://crm.acme.example/secret")


def people(*conditions, mode="PROFESSIONAL"):
    filters = [
        {"column": column, "operator": operator, "value": value}
        | ({"logic": "and"} if number else {})
        for number, (column, operator, value) in enumerate(conditions)
    ]
    start = Webhook(LEAD, input_schema={"name": "string", "score": "int"})
    flow = start >> Filter(filters=filters) >> FindEmail(mode=mode) >> DELIVER
    return Workflow("People", flow, key="people")


@pytest.fixture
def emulator():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(emulator):
    with Client("any", base_url=emulator.url, journal=None) as client:
        yield client


def run(client, workflow):
    workflow.deploy(client, force=True)
    return workflow.run(ROWS, client, new=True).wait(every=0.01)


def replayed(before, after, run):
    """What a change does: the counts of each block, or why they are unknown."""
    replay = flow64.compare(before, after, rows=run).replay
    passages = {p.block: p.unknown or (p.before, p.after) for p in replay.passages}
    return replay.unknown or passages


BEFORE = people(("score", "greater", 36))


@pytest.mark.parametrize(
    "condition",
    [
        ("score", "greater", 58),
        ("score", "less", 3.5),
        ("score", "in", [1, 2, 3]),
        ("score", "not_equals", 80),
        ("name", "equals", "Grace"),
        ("name", "in", ["Grace", "Bob"]),
        ("name", "contains", "race"),
        ("name", "is_not_empty", None),
    ],
    ids=lambda condition: condition[1] + condition[0],
)
def test_what_is_known_comes_out_of_a_run(client, condition):
    """The changed workflow, really run with the same rows, passes as many."""
    after = people(condition)
    first = run(client, BEFORE)

    counts = replayed(BEFORE, after, first)["filter"]
    second = run(client, after)

    passed = [len([*each.rows(block="filter")]) for each in (first, second)]
    assert counts == tuple(passed)


def test_only_reads_are_sent(emulator, client):
    first = run(client, BEFORE)
    count = len(emulator.requests)

    counts = replayed(BEFORE, people(("score", "greater", 58)), first)

    assert counts == {"filter": (378, 246), "find_email": (378, 246)}
    assert {seen.method for seen in emulator.requests[count:]} == {"GET"}


def test_look_up_with_another_price(client):
    after = people(("score", "greater", 36), mode="PERSONAL")

    (passage,) = flow64.compare(BEFORE, after, rows=run(client, BEFORE)).replay.passages

    assert (passage.before, passage.after) == (378, 378)
    assert passage.dollars == [18.9, 75.6]


def test_workflow_that_was_edited_since(client):
    """Its filters are no longer those of the run."""
    first = run(client, BEFORE)
    people(("score", "greater", 40)).deploy(client)

    assert "edited since" in replayed(BEFORE, people(("score", "less", 9)), first)


def test_run_that_saved_csv_alone(client):
    """In CSV every value is text."""
    BEFORE.deploy(client, force=True)
    first = client.runs.start(BEFORE.id(), ROWS, save_json=False).wait(every=0.01)

    counts = replayed(BEFORE, people(("score", "less", 9)), first)

    assert "no JSON file" in counts["filter"]


def test_run_that_failed(emulator, client):
    BEFORE.deploy(client, force=True)
    emulator.failures["find_email"] = "no credits"
    started = BEFORE.run(ROWS, client, new=True)
    with pytest.raises(RunFailedError):
        started.wait(every=0.01)
    emulator.failures.clear()

    assert replayed(BEFORE, people(("score", "less", 9)), started) == "it is failed"


@pytest.mark.parametrize(
    "change",
    [
        {"row_count": 599},
        {"block_number": 2},
        {"content_type": "text/csv"},
        {"row_count": 599, "results": ROWS[1:]},
    ],
    ids=["other count", "twice", "CSV", "capped"],
)
def test_file_that_is_not_all_that_a_block_returned(client, monkeypatch, change):
    first = run(client, BEFORE)
    list_files = results.list_files

    def change_first(*args):
        return [
            evolve(item, **change) if item.block_number == 1 else item
            for item in list_files(*args)
        ]

    monkeypatch.setattr(results, "list_files", change_first)

    counts = replayed(BEFORE, people(("score", "less", 9)), first)

    assert isinstance(counts["filter"], str)


def test_too_many_rows_are_not_held(client, monkeypatch):
    monkeypatch.setattr(results, "MOST_ROWS", 599)

    counts = replayed(BEFORE, people(("score", "less", 9)), run(client, BEFORE))

    assert "more than 599 rows" in counts["filter"]
