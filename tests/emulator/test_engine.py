"""What blocks do to rows, what is made up, and what a run costs."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.emulator import Emulator, Switches, load_fixtures
from flow64.emulator.lookups import find_words, make_value
from flow64.errors import ConfigError
from tests.emulator.conftest import connect
from tests.emulator.support import (
    ACCOUNTS,
    EMAIL,
    WEBHOOK,
    block,
    body,
    create,
    run_rows,
    start,
    status_of,
    wait,
)

PEOPLE = [{"name": f"Person {n}", "age": n} for n in range(50)]


def rows_after(emulator, client, *blocks, rows=PEOPLE, edges=None):
    """The rows of the last block of a chain after a webhook."""
    run_id = run_rows(client, body(WEBHOOK, *blocks, edges=edges), rows)
    status = status_of(client, run_id)
    assert status["overall_status"] == "completed", status
    return emulator.rows(run_id, blocks[-1]["block_name"])


@pytest.mark.parametrize("entry", [{"required": False}, {"optional": True}])
def test_column_that_may_be_missing_may_be(client, entry):
    """By the marks that the client takes too; no document names one."""
    source = block("webhook", dataframe_type="LEAD", input_schema={"email": entry})
    run_id = run_rows(client, body(source), [{"name": "Ada"}])

    assert status_of(client, run_id)["overall_status"] == "completed"


# -- Look-ups are true to what was asked for ------------------------------------------

ASKED = {
    "fit": {"description": "Does it fit? (one of: fit | no fit)", "type": "str"},
    "level": {"description": "Level (one of: 1 | 2 | 3)", "type": "int"},
    "tags": {"description": "Tags (one of: a | b)", "type": "list[str]"},
    "kind": {"description": "Kind", "type": "enum", "options": ["x", "y"]},
    "headcount": {"description": "Employees", "type": "int"},
    "score": {"description": "Score", "type": "float"},
    "remote": {"description": "Remote?", "type": "bool"},
    "profile": {"description": "Profile", "type": "dict"},
    "title": "Job title",
}


def test_values_are_of_the_types_and_words_that_were_asked_for(emulator, client):
    enrichment = block("lead_enrichment", return_fields=ASKED)
    rows = rows_after(emulator, client, enrichment)

    assert {row["fit"] for row in rows} == {"fit", "no fit"}
    assert {row["level"] for row in rows} == {1, 2, 3}
    assert {tag for row in rows for tag in row["tags"]} == {"a", "b"}
    assert {row["kind"] for row in rows} == {"x", "y"}
    assert {type(row["headcount"]) for row in rows} == {int}
    assert {type(row["score"]) for row in rows} == {float}
    assert {row["remote"] for row in rows} == {True, False}
    assert all(row["profile"].startswith('{"synthetic"') for row in rows)
    assert all(row["title"].startswith("synthetic title") for row in rows)


@pytest.mark.parametrize(
    ("column", "operator", "value"),
    [
        ("fit", "equals", "fit"),
        ("level", "in", [1, 2]),
        ("headcount", "greater", 100),
        ("score", "less", 50),
        ("remote", "equals", True),
    ],
)
def test_filter_on_what_is_made_up_passes_some_rows(
    emulator, client, column, operator, value
):
    condition = {"column": column, "operator": operator, "value": value}
    chain = (
        block("lead_enrichment", return_fields=ASKED),
        block("filter", filters=[condition]),
    )

    assert 0 < len(rows_after(emulator, client, *chain)) < len(PEOPLE)


@given(st.text(), st.text(min_size=1), st.sampled_from(["int", "str", "list[bool]"]))
def test_value_is_always_the_same(seed, field, type_):
    assert make_value(seed, field, type_) == make_value(seed, field, type_)


def test_words_are_those_that_a_description_lists():
    fields = {"a": "One of: x, y", "b": {"description": "all of it"}, "c": 5}

    assert find_words(fields) == {"a": ["x", "y"]}


# -- Blocks ---------------------------------------------------------------------------

FILTERED = [
    ("equals", 7, [7]),
    ("equals", "7", [7]),
    ("not_equals", 7, [8, 9]),
    ("greater", 7, [8, 9]),
    ("less", "8", [7]),
    ("in", [7, 9], [7, 9]),
    ("not_in", [7, 9], [8]),
    ("contains", "8", [8]),
    ("not_contains", "8", [7, 9]),
    ("matches", "[78]", [7, 8]),
    ("matches", r"^(?:7|9\d*)\(?$", [7, 9]),
    ("is_empty", None, []),
    ("is_not_empty", None, [7, 8, 9]),
]


@pytest.mark.parametrize(("operator", "value", "kept"), FILTERED)
def test_filter(emulator, client, operator, value, kept):
    condition = {"column": "age", "operator": operator, "value": value}
    rows = rows_after(
        emulator, client, block("filter", filters=[condition]), rows=PEOPLE[7:10]
    )

    assert [row["age"] for row in rows] == kept


def test_conditions_are_joined_from_left_to_right(emulator, client):
    conditions = [
        {"column": "age", "operator": "equals", "value": 1},
        {"column": "age", "operator": "equals", "value": 2, "logic": "or"},
        {"column": "name", "operator": "equals", "value": "Person 2", "logic": "and"},
    ]
    rows = rows_after(emulator, client, block("filter", filters=conditions))

    assert [row["age"] for row in rows] == [2]


def test_rows_are_deduplicated_grouped_and_lose_columns(emulator, client):
    chain = (
        block("remove_columns", columns=["name"]),
        block("deduplicate"),
        block("group_by", column="age"),
    )
    rows = rows_after(emulator, client, *chain, rows=[*PEOPLE[:3], *PEOPLE[:3]])

    assert rows == [{"age": 0}, {"age": 1}, {"age": 2}]


def test_rows_of_several_parents_follow_each_other(emulator, client):
    chain = block("deduplicate", 1), block("deduplicate", 2), block("group_by")
    edges = [(0, 1), (0, 2), (1, 3), (2, 3)]
    rows = rows_after(emulator, client, *chain, edges=edges, rows=PEOPLE[:2])

    assert rows == [PEOPLE[0], PEOPLE[1]] * 2


def test_people_are_found_in_companies(emulator, client):
    companies = [{"company_name": f"Company {n}"} for n in range(9)]
    run_id = run_rows(client, ACCOUNTS, companies)
    leads = emulator.rows(run_id, "company_to_leads")
    kept = emulator.rows(run_id, "filter")

    assert {row["company"] for row in leads} == {f"Company {n}" for n in range(9)}
    assert {"name", "title", "seniority"} <= leads[0].keys()
    assert {row["email_status"] for row in kept} == {"OK"}
    assert 0 < len(kept) < len(leads)


def test_search_gives_as_many_rows_as_were_asked_for(emulator, client):
    source = block("search", query="CTOs", dataframe_type="LEAD", max_results=3)
    run_id = start(client, create(client, body(source, EMAIL))).json()["job_id"]
    wait(client, run_id)

    assert len(emulator.rows(run_id, "find_email")) == 3


def test_notebook_keeps_rows_and_knows_them_again(emulator, client):
    notebook = {"notebook_id": "leads"}
    write = block("append_to_notebook", **notebook)
    seen = block("deduplicate_wrt_notebook", **notebook)
    rows_after(emulator, client, write, rows=PEOPLE[:2])

    assert rows_after(emulator, client, seen, rows=PEOPLE[:3]) == [PEOPLE[2]]


def test_unknown_kind_passes_rows_on(emulator, client):
    assert rows_after(emulator, client, block("of_tomorrow")) == PEOPLE


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        (block("filter", filters=[]), "at least one condition"),
        (block("filter", filters=[{"operator": "is"}]), "unknown filter operator: is"),
        (
            block("filter", filters=[{"operator": "matches", "value": "("}]),
            "invalid regular expression",
        ),
        *(
            (
                block("filter", filters=[{"operator": "matches", "value": slow}]),
                "no regular expression that may take long",
            )
            for slow in ("(a+)+$", "(a|a)*$", "(a?){9}", ".*.*.*x", "a" * 201)
        ),
    ],
)
def test_block_that_cannot_run_fails_the_run(client, failing, words):
    run_id = run_rows(client, body(WEBHOOK, failing, EMAIL), PEOPLE)
    status = status_of(client, run_id)

    assert status["overall_status"] == "failed"
    assert words in status["blocks"][1]["error_message"]
    assert [one["status"] for one in status["blocks"]] == [
        "completed",
        "failed",
        "pending",
    ]


# -- Fixtures and failures ------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixture", "emails"),
    [
        ({"email": "set@example.com"}, ["set@example.com"] * 2),
        (lambda row: {"email": f"{row['age']}@a.b"}, ["0@a.b", "1@a.b"]),
        (lambda row: [row] * row["age"], [None]),
        ([{"where": {"age": 1}, "set": {"email": "a@a.b"}}], [None, "a@a.b"]),
    ],
    ids=["mapping", "function", "list", "lines"],
)  # fmt: skip
def test_fixture_replaces_what_is_made_up(emulator, client, fixture, emails):
    emulator.fixtures["find_email"] = fixture
    rows = rows_after(emulator, client, EMAIL, rows=PEOPLE[:2])
    shown = [row.get("email") for row in rows]

    assert [
        None if str(email).startswith("synthetic") else email for email in shown
    ] == emails


def test_fixtures_come_from_files(tmp_path):
    tmp_path.joinpath("a.json").write_text('{"find_email": {"email": "a"}}')
    tmp_path.joinpath("b.json").write_text("5")

    assert load_fixtures([tmp_path / "a.json"])["find_email"] == {"email": "a"}
    with pytest.raises(ConfigError, match=r"b\.json"):
        load_fixtures([tmp_path / "b.json"])


def test_misspelt_kind_is_refused(emulator):
    with pytest.raises(ConfigError, match="did you mean 'find_email'"):
        emulator.fixtures["find_emial"] = {}
    with pytest.raises(ConfigError, match="did you mean 'find_email'"):
        emulator.fail_block("find_emial", "no")


def test_failing_block_fails_until_it_is_well_again(emulator, client):
    emulator.fail_block("find_email", "the provider is down")
    run_id = run_rows(client, body(WEBHOOK, EMAIL), PEOPLE)
    assert status_of(client, run_id)["overall_status"] == "failed"

    emulator.fail_block("find_email", None)
    assert len(rows_after(emulator, client, EMAIL)) == len(PEOPLE)


# -- Time and size --------------------------------------------------------------------


def test_cancelled_run_ends_at_once(emulator, client):
    emulator.switches = Switches(speed=60)
    run_id = start(client, create(client, body(WEBHOOK, EMAIL)), PEOPLE).json()[
        "job_id"
    ]
    wait(client, run_id, until=("running",))
    reply = client.post("/workflows/cancel", params={"job_id": run_id}).json()

    assert reply == {"job_id": run_id, "status": "canceled"}
    assert wait(client, run_id)["overall_status"] == "cancelled"


@pytest.mark.slow
def test_cost_of_a_row_is_the_same_in_a_large_run(tmp_path):
    """At most 80 µs a row: time of this process, since a machine may be busy."""

    def seconds_of(count):
        with Emulator(store=tmp_path / f"{count}.db") as emulator:
            client = connect(emulator)
            chain = (
                block("deduplicate"),
                block("lead_enrichment", return_fields={"title": "Title"}),
                EMAIL,
                block("append_to_notebook", notebook_id="leads"),
            )
            rows = [{"name": f"Person {n}"} for n in range(count)]
            workflow_id = create(client, body(WEBHOOK, *chain))
            began = time.process_time()
            wait(client, start(client, workflow_id, rows).json()["job_id"], seconds=60)
            return (time.process_time() - began) / count

    assert min(seconds_of(10_000 + n) for n in range(3)) < 80e-6
    assert seconds_of(40_000) < 2 * min(seconds_of(5_000 + n) for n in range(3))
