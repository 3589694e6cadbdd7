"""Executors: the effect of each kind of block on rows."""

from __future__ import annotations

import json
import re
import time
from types import new_class

import pytest
from attrs import evolve, frozen

from flow64 import Flow, Lead
from flow64.blocks import About, CatalogueBlock, Column, Columns, FindEmail
from flow64.emulator import Emulator
from tests.emulator.support import (
    WEBHOOK,
    block,
    body,
    create,
    run_rows,
    start,
    status_of,
    wait,
)


class EmulatorFault(BaseException):
    """An error that is not the fault of a fixture."""


COMPANIES = block("webhook", dataframe_type="COMPANY")


@pytest.fixture
def through(shared, client):
    """Return the rows of the last block, or its message if it fails."""

    def rows_through(*blocks, rows=(), edges=None):
        run_id = run_rows(client, body(*blocks, edges=edges), list(rows))
        last = status_of(client, run_id)["blocks"][-1]
        return last["error_message"] or shared.rows(run_id, last["block_name"])

    return rows_through


# -- Sources --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specs", "count"),
    [
        ({}, 10),
        ({"max_results": 3}, 3),
        ({"max_results": 0}, 0),
        ({"max_results": -1}, 0),
        ({"max_results": 10**9}, 5000),
        ({"max_results": "7"}, 10),
        ({"max_results": True}, 10),
    ],
)
def test_search_makes_as_many_rows_as_asked(through, specs, count):
    """The requested number, within limits."""
    found = through(block("search", query="x", dataframe_type="LEAD", **specs))

    assert len(found) == count


@pytest.mark.parametrize(
    ("kind", "specs", "column"),
    [
        ("search", {"dataframe_type": "COMPANY"}, "company_name"),
        ("search", {"dataframe_type": "LEAD"}, "name"),
        ("yc_companies", {}, "company_name"),
        ("google_maps_search", {}, "company_name"),
        ("kaggle_leaderboard", {}, "name"),
        ("hubspot_import", {"dataframe_type": "COMPANY"}, "company_name"),
    ],
)
def test_sources_make_rows_of_their_kind(through, kind, specs, column):
    """People have a name, companies a company name. All are recognisable."""
    found = through(block(kind, **specs))

    assert found
    assert {row[column].split()[0] for row in found} == {"Synthetic"}


def test_source_inside_a_graph_passes_rows_on(through):
    """A kind that may be a source or a step keeps its input."""
    assert through(WEBHOOK, block("x_search"), rows=[{"a": 1}]) == [{"a": 1}]


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        (None, []),
        ("", []),
        ('[{"a": 1}]', [{"a": 1}]),
        ("{", "webhook_input is not JSON text"),
        (5, "webhook_input is not JSON text"),
        ("[1]", "webhook_input holds something else than rows"),
        ("[" * 100_000, "webhook_input is not JSON text"),
    ],
)
def test_sample_rows_of_a_webhook(shared, client, sample, found):
    """They replace a payload. Anything else than rows fails in the block."""
    run_id = run_rows(client, body(block("webhook", webhook_input=sample)), None)

    message = status_of(client, run_id)["blocks"][0]["error_message"]
    assert (message or shared.rows(run_id, "webhook")) == found


@pytest.mark.parametrize("value", ["NaN", "1e999", '"\\ud800"'])
def test_sample_rows_that_no_answer_could_hold(client, value):
    """Values that JSON does not have fail in the block too."""
    sample = block("webhook", webhook_input=f'[{{"a": {value}}}]')

    run_id = run_rows(client, body(sample), None)

    message = status_of(client, run_id)["blocks"][0]["error_message"]
    assert message.startswith("webhook_input holds what JSON cannot")


def test_uploaded_file_is_read(shared, client):
    """Its handle is given when the run starts."""
    content = "name,n\nAda,1\nBo,2\n"
    handle = uploaded(client, content)

    run_id = run_file(client, handle)

    assert shared.rows(run_id, "read_csv") == [
        {"name": "Ada", "n": "1"},
        {"name": "Bo", "n": "2"},
    ]


def test_handle_of_nobody_fails_in_the_block(shared, client, connect):
    """So does the handle of another organisation."""
    foreign = uploaded(connect(shared), "a\n1\n")

    for handle in ("unknown", foreign):
        live = status_of(client, run_file(client, handle))
        message = f"no uploaded file has the handle {handle!r}"
        assert live["blocks"][0]["error_message"] == message


def uploaded(client, content):
    reply = client.post("/storage/csv/upload", files={"file": ("a.csv", content)})
    return reply.json()["resource_handle_id"]


def run_file(client, handle):
    reply = client.post(
        "/workflows/run",
        params={"workflow_id": create(client, body(block("read_csv")))},
        json={"specs_override": {"resource_handle_id": handle}},
    )
    run_id = reply.json()["job_id"]
    wait(client, run_id)
    return run_id


# -- Enrichment -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "accepts"),
    [
        ("str", lambda v: re.fullmatch(r"synthetic f [0-9a-f]{4}", v)),
        ("new", lambda v: re.fullmatch(r"synthetic f [0-9a-f]{4}", v)),
        ("integer", lambda v: type(v) is int),
        ("float", lambda v: type(v) is float),
        ("boolean", lambda v: type(v) is bool),
        ("list", lambda v: [type(i) for i in v] == [str, str]),
        ("list[int]", lambda v: [type(i) for i in v] == [int, int]),
        ("dict", lambda v: json.loads(v)["synthetic"].startswith("f ")),
    ],
)
def test_synthetic_values_have_the_requested_type(through, word, accepts):
    """Each type word gives its type, and the same value for the same row."""
    step = block("lead_enrichment", return_fields={"f": {"type": word}})
    rows = [{"n": n, "m": 0} for n in range(20)]
    turned = [{"m": 0, "n": n} for n in range(20)]

    found = [row["f"] for row in through(WEBHOOK, step, rows=[*rows, *turned])]

    assert all(map(accepts, found))
    assert found[:20] == found[20:]
    assert len(set(map(str, found))) > 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("lead_enrichment", "return_fields"),
        ("qa_agent", "struct"),
        ("transform_data", "output_schema"),
    ],
)
def test_enrichment_adds_what_was_asked_for(through, kind, name):
    """One column for each field. Its type is the given one, the row's own, or text."""
    fields = {
        "title": "string",
        "age": {"type": "int", "description": "Age"},
        "score": "Score",
        "known": {"description": "What the row has"},
        "tags": "",
    }
    row = {"score": 1.5, "known": True, "tags": ["a"]}

    found = through(WEBHOOK, block(kind, **{name: fields}), rows=[row])

    assert [type(found[0][name]) for name in fields] == [str, int, float, bool, list]


def test_enrichment_is_the_same_in_every_emulator(through):
    """It depends on no clock, counter or random number."""
    blocks = (WEBHOOK, block("lead_enrichment", return_fields={"title": "x"}))

    first, second = (through(*blocks, rows=[{"name": "Ada"}]) for _ in range(2))

    assert first == second


def test_some_emails_are_not_found(through):
    """Most addresses are found. A row keeps its own address."""
    rows = [{"n": n} for n in range(100)] + [{"email": "own@example.com"}]

    found = through(WEBHOOK, block("find_email"), rows=rows)

    assert found[-1] == {"email": "own@example.com", "email_status": "OK"}
    by_status = {
        status: [r["email"] for r in found if r["email_status"] == status]
        for status in ("OK", "NOT_FOUND")
    }
    assert len(by_status["OK"]) > 70
    assert set(by_status["NOT_FOUND"]) == {None}
    assert all(email.endswith("@example.com") for email in by_status["OK"])
    (listed,) = [*FindEmail.about.column_words.values()]
    assert by_status.keys() <= {*listed["FE"]}  # the class owns the words


def test_made_up_values_are_the_listed_ones(through, own_kinds):
    """If a class lists the values of a column, rows have these."""
    lists = {"stage": {"a": ["new"], "b": ["won"]}, "other": {"a": []}}
    columns = Columns(adds=[Column("stage", "str"), Column("other", "int")])

    def fill(namespace):
        about = About(role="step", takes="LEAD", gives="LEAD", columns=columns)
        namespace["kind"] = "rate_lead"
        namespace["about"] = evolve(about, column_words=lists)

    base = (Flow[Lead, Lead], CatalogueBlock)
    frozen(eq=False, kw_only=True)(new_class("RateLead", base, exec_body=fill))
    found = through(WEBHOOK, block("rate_lead"), rows=[{"n": n} for n in range(20)])

    assert {row["stage"] for row in found} == {"new", "won"}
    assert {type(row["other"]) for row in found} == {int}


@pytest.mark.parametrize("mode", ["PERSONAL", "Personal"])
def test_personal_mode_adds_a_personal_address(through, mode):
    """In personal mode there is a second column, whatever the case of the word."""
    rows = [{"personal_email": "a@home.example"}, {"email": "b@home.example"}]

    found = through(WEBHOOK, block("find_email", mode=mode), rows=rows)

    assert [row["personal_email"] for row in found] == [
        "a@home.example",
        "b@home.example",
    ]


def test_contact_blocks(through):
    """Phones are fictional, addresses verified, and lookups fill in missing values."""
    phones = through(WEBHOOK, block("find_phone"), rows=[{"n": 1}, {"phone": "1"}])
    checked = through(WEBHOOK, block("verify_email"), rows=[{"email": "x"}, {}])
    people = through(WEBHOOK, block("reverse_email"), rows=[{"name": "Ada"}])

    assert re.fullmatch(r"\+1 202 555 01\d\d", phones[0]["phone"])
    assert phones[1]["phone"] == "1"
    assert [row["email_status"] for row in checked] == ["OK", "NOT_FOUND"]
    assert people[0]["name"] == "Ada"
    assert people[0]["title"].startswith("synthetic title")


def test_companies_without_people_give_none(through):
    """`company_to_leads` needs an earlier `find_people: true`."""
    rows = [{"company_name": "Acme"}]

    found = through(
        COMPANIES,
        block("company_enrichment", return_fields={}),
        block("company_to_leads"),
        rows=rows,
    )

    assert found == []


def test_leads_become_their_companies(through):
    """One row for each company."""
    rows = [{"company": "A", "company_domain": "a.example"}, {"company": "A"}, {}]

    found = through(WEBHOOK, block("leads_to_company"), rows=rows)

    assert found[0] == {"company_name": "A", "website": "a.example"}
    assert [row["company_name"].split()[0] for row in found] == ["A", "Synthetic"]


# -- Filters --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "value", "kept"),
    [
        ("equals", "OK", ["OK"]),
        ("equals", 5, [5, "5"]),
        ("equals", "true", [True]),
        ("not_equals", "OK", [5, "5", 10, True, None, "", ["x", "OK"], "ok"]),
        ("contains", "K", ["OK", ["x", "OK"]][:1]),
        ("contains", "OK", ["OK", ["x", "OK"]]),
        ("not_contains", "O", [5, "5", 10, True, None, "", ["x", "OK"], "ok"]),
        ("greater", 5, [10]),
        ("greater", "5", [10]),
        ("less", 10, [5, "5", True]),
        ("less", "OK", [""]),
        ("greater", None, []),
        ("in", ["OK", 5], ["OK", 5, "5"]),
        ("in", "OK", ["OK"]),
        ("not_in", ["OK", 5, None], [10, True, ["x", "OK"], "ok"]),
        ("is_empty", None, [None, ""]),
        ("is_not_empty", None, ["OK", 5, "5", 10, True, ["x", "OK"], "ok"]),
        ("matches", r"^\d+$", [5, "5", 10]),
        ("matches", "(?i)^ok$", ["OK", "ok"]),
        ("matches", "(", "invalid regular expression"),
        ("above", 1, "unknown filter operator: above"),
    ],
)
def test_operators(through, operator, value, kept):
    """The eleven operators, over values of several types."""
    cells = ["OK", 5, "5", 10, True, None, "", ["x", "OK"], "ok"]
    condition = {"column": "c", "operator": operator, "value": value}

    found = through(
        WEBHOOK, block("filter", filters=[condition]), rows=[{"c": c} for c in cells]
    )

    if isinstance(kept, str):
        assert found.startswith(kept)
    else:
        assert [row["c"] for row in found] == kept


@pytest.mark.parametrize(
    ("logic", "kept"),
    [
        ((None, "and"), [3]),
        ((None, "or"), [1, 2, 3]),
        (("or", "and"), [3]),
        (("and", "or", "and"), [3]),
        (("and", "and", "or"), [0, 3]),
    ],
)
def test_logic_is_joined_from_left_to_right(through, logic, kept):
    """The first word is ignored; each other one joins all conditions before it."""
    columns = ("a", "b", "c")
    conditions = [
        {"column": column, "operator": "equals", "value": True}
        for column in columns[: len(logic)]
    ]
    for condition, word in zip(conditions, logic, strict=True):
        if word:
            condition["logic"] = word
    if len(logic) == 3:
        conditions[2]["operator"] = "not_equals"
    rows = [{"n": n, "a": bool(n & 1), "b": bool(n & 2), "c": n > 0} for n in range(4)]
    if logic == ("and", "or", "and"):
        conditions[2]["operator"] = "equals"
        rows[1]["c"] = rows[2]["c"] = False

    found = through(WEBHOOK, block("filter", filters=conditions), rows=rows)

    assert [row["n"] for row in found] == kept


@pytest.mark.parametrize("filters", [None, [], {}, ["x"], [{"operator": []}]])
def test_filters_that_are_none_fail(through, filters):
    """A filter without conditions fails in its block."""
    found = through(WEBHOOK, block("filter", filters=filters), rows=[{}])

    assert isinstance(found, str)  # its message


@pytest.mark.slow
def test_expression_without_an_end_is_ended(serve):
    """The block fails, and meanwhile the emulator answers as usual."""
    _, client = serve()
    conditions = [{"column": "a", "operator": "matches", "value": "(a+)+$"}]
    own = create(client, body(WEBHOOK, block("filter", filters=conditions)))

    began = time.monotonic()
    run_id = start(client, own, [{"a": "a" * 50 + "b"}]).json()["job_id"]
    statuses = [status_of(client, run_id)["overall_status"] for _ in range(10)]
    answered = time.monotonic() - began

    assert answered < 4
    assert statuses[-1] == "running"
    message = wait(client, run_id)["blocks"][1]["error_message"]
    assert message.startswith(
        "the regular expression '(a+)+$' took longer than 5 seconds"
    )


def test_expression_meets_many_rows(through):
    """More rows than one chunk, with any characters."""
    rows = [{"n": n, "a": f"é\n{n}"} for n in range(1200)]
    conditions = [{"column": "a", "operator": "matches", "value": "é\n.*7$"}]

    found = through(WEBHOOK, block("filter", filters=conditions), rows=rows)

    assert [row["n"] for row in found] == [n for n in range(1200) if n % 10 == 7]


def test_missing_column_is_empty(through):
    """It is neither greater nor less than any value."""
    conditions = [{"column": "x", "operator": "less", "value": 1}]

    assert through(WEBHOOK, block("filter", filters=conditions), rows=[{}]) == []


# -- Data -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        (block("deduplicate"), [0, 1, 3]),
        (block("group_by", column="g"), [0, 2, 3, 1]),
        (block("group_by"), [0, 1, 2, 3]),
        (block("llm_openai"), [0, 1, 2, 3]),
        (block("remove_columns"), [0, 1, 2, 3]),
    ],
)
def test_steps_over_whole_rows(through, step, kept):
    """The remaining rows, in order."""
    rows = [{"g": "a", "n": 0}, {"g": "b", "n": 1}, {"n": 0, "g": "a"}, {"g": "a"}]

    assert through(WEBHOOK, step, rows=rows) == [rows[n] for n in kept]


@pytest.mark.parametrize("columns", [["a", "x"], "a"])
def test_columns_are_removed(through, columns):
    """Unknown names are ignored."""
    found = through(
        WEBHOOK, block("remove_columns", columns=columns), rows=[{"a": 1, "b": 2}]
    )

    assert found == [{"b": 2}]


def test_many_rows_are_grouped(through):
    """Groups are in the order of their first rows, and rows keep their order."""
    rows = [{"n": n, "g": [n % 3]} for n in range(1200)]

    found = through(WEBHOOK, block("group_by", column="g"), rows=rows)

    assert found == sorted(rows, key=lambda row: (row["n"] % 3, row["n"]))


def test_notebooks_keep_rows(through):
    """One run appends rows, another reads them, and a third drops them."""
    keep = block("append_to_notebook", notebook_id="book")
    through(WEBHOOK, keep, rows=[{"a": 1}])

    read = through(block("read_notebook", notebook_id="book"))
    fresh = through(
        WEBHOOK,
        block("deduplicate_wrt_notebook", notebook_id="book"),
        rows=[{"a": 1}, {"a": 2}],
    )

    assert (read, fresh) == ([{"a": 1}], [{"a": 2}])


def test_new_notebook_is_nobody_elses(through):
    """`__create_new__` makes a notebook with another id."""
    new = block("append_to_notebook", notebook_id="__create_new__", notebook_name="x")
    through(WEBHOOK, new, rows=[{"a": 1}])

    assert through(block("read_notebook", notebook_id="__create_new__")) == []


def test_outside_writes_stay_in_the_outbox(serve):
    """Nothing leaves the process."""
    emulator, client = serve()
    hook = block("outgoing_webhook", url="https://example.com/hook")

    run_id = run_rows(
        client, body(WEBHOOK, block("send_slack_message"), hook), [{"a": 1}]
    )

    assert [(e.run_id, e.kind, e.target, e.rows) for e in emulator.outbox] == [
        (run_id, "send_slack_message", None, [{"a": 1}]),
        (run_id, "outgoing_webhook", "https://example.com/hook", [{"a": 1}]),
    ]


# -- Graphs ---------------------------------------------------------------------------


def test_rows_of_several_parents_are_concatenated(through):
    """A repeated edge counts once."""
    left = block("remove_columns", columns=["a"])
    right = {**block("remove_columns", 2, columns=["b"])}

    found = through(
        WEBHOOK,
        left,
        right,
        block("new_kind"),
        rows=[{"a": 1, "b": 2}],
        edges=[(0, 1), (0, 2), (1, 3), (2, 3), (2, 3)],
    )

    assert found == [{"b": 2}, {"a": 1}]


def test_branches_do_not_share_rows(through):
    """A branch does not see the columns of another."""
    found = through(
        WEBHOOK,
        block("find_phone"),
        block("new_kind"),
        rows=[{"a": 1}],
        edges=[(0, 1), (0, 2)],
    )

    assert found == [{"a": 1}]


def test_fault_of_the_emulator_ends_the_run_visibly(monkeypatch, serve):
    """The run fails, and the error is still raised."""
    raised = []
    monkeypatch.setattr(
        "threading.excepthook", lambda args: raised.append(args.exc_type)
    )

    def fail(_row):
        raise EmulatorFault

    emulator, client = serve(fixtures={"find_phone": fail})

    run_id = run_rows(client, body(WEBHOOK, block("find_phone")), [{}])

    emulator.stop()
    assert raised == [EmulatorFault]
    assert emulator.store.runs.get(run_id).error == "the emulator failed: EmulatorFault"


def test_emulator_can_be_made_without_serving():
    """It has an app, and no address."""
    emulator = Emulator()

    assert (emulator.url, callable(emulator.app)) == ("", True)
