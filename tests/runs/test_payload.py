"""The body of a start, and what is refused before anything is sent."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from flow64 import COMPANY, LEAD, Workflow, errors, value
from flow64.blocks import FindEmail, QaAgent, Search, Webhook
from flow64.runs.payload import (
    Budget,
    as_rows,
    build_payload,
    count_repeats,
    override_source,
    parse_rows,
    source_specs,
)
from tests.service.support import GROWTH


def compiled(flow):
    return Workflow("Leads", flow, key="leads", project=GROWTH).compile()


WEBHOOK = compiled(Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail())
SEARCH = compiled(Search(LEAD, query="people", max_results=5) >> FindEmail())
ROW = {"email": "ada@example.com"}


def test_rows_come_from_anything(tmp_path):
    """A list, one mapping, an iterator, or a file."""
    (tmp_path / "a.csv").write_text("email\nada@example.com\n")
    (tmp_path / "a.ndjson").write_text('{"email": "ada@example.com"}')
    paths = [tmp_path / "a.csv", str(tmp_path / "a.ndjson")]

    for source in ([ROW], ROW, iter([ROW]), *paths):
        assert as_rows(source) == [ROW]


class Matrix:
    """A value with a type of numpy that gives no list, such as a matrix of scipy."""

    dtype = SimpleNamespace(kind="f")


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b'[{"a": 1}]', [{"a": 1}]),
        (b'{"a": 1}', [{"a": 1}]),
        (b'{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b"a\n1\n", [{"a": "1"}]),
        (b"", []),
    ],
)
def test_text_is_read_by_its_first_character(content, rows):
    """As stdin has no name."""
    assert parse_rows(content, "stdin") == rows


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([1, ROW, "a"], "row 1: .*\n.*row 3: "),
        (b"a", "not a list of rows"),
        (None, "not a list of rows"),
        ("rows.xlsx", "has to end in .csv"),
        ("missing.csv", "missing.csv: it cannot be read"),
    ],
)
def test_what_gives_no_rows_is_refused(source, words):
    """All problems are listed."""
    with pytest.raises(errors.RowsError, match=words):
        as_rows(source)


def test_file_is_refused_with_its_line(tmp_path):
    """As an editor can open it."""
    (tmp_path / "a.csv").write_text("a,b\n1,2\n1\n")

    with pytest.raises(errors.RowsError, match=r"a\.csv:3: "):
        as_rows(tmp_path / "a.csv")


def test_body_is_a_copy_of_the_rows():
    """Without rows it is empty, and a search has an empty list (documented)."""
    row = {"email": "a", "more": [1, {"x": None}]}

    body = build_payload(WEBHOOK, [row])

    assert body == {"webhook_payload": [row]}
    row["more"].append(2)
    assert body != {"webhook_payload": [row]}
    assert build_payload(SEARCH, []) == {"webhook_payload": []}


@pytest.mark.parametrize(
    ("definition", "rows", "words"),
    [
        (WEBHOOK, [], "there are no rows"),
        (SEARCH, [ROW], "takes rows for a webhook alone.*no rows"),
        (WEBHOOK, [{"mail": 1}, ROW], "row 1 lacks email; it has mail"),
        (WEBHOOK, [{**ROW, "x": float("nan")}], "row 1 /x"),
        (WEBHOOK, [{**ROW, "x": 2**60}], "row 1 /x"),
        (WEBHOOK, [ROW, {**ROW, "x": {1}}], "row 2 /x"),
        (WEBHOOK, [{**ROW, "x": Matrix()}], "row 1 /x"),
        (WEBHOOK, [{**ROW, "x": value("y")}], "filled in for blocks alone"),
    ],
)
def test_rows_that_would_be_refused_are_not_sent(definition, rows, words):
    """With the number of the row."""
    with pytest.raises(errors.RowsError, match=words):
        build_payload(definition, rows)


@pytest.mark.parametrize(
    "entry", [{"type": "string", "optional": True}, {"required": False}, {"default": 1}]
)
def test_column_that_may_be_missing_may_be(entry):
    """By a mark of its declaration."""
    flow = Webhook(COMPANY, input_schema={"name": entry}) >> QaAgent()

    assert build_payload(compiled(flow), [{"a": 1}])


def test_equal_rows_are_counted():
    """Cell by cell, in any order of the columns."""
    rows = [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, {"a": 1}, {"a": "1"}]

    assert count_repeats(rows) == 2


# -- Settings of one run --------------------------------------------------------------


def test_settings_of_one_run_are_sent_with_those_of_the_code():
    """Whether the service keeps those that are not sent is not documented."""
    changed = override_source(SEARCH, {"max_results": 50})

    specs = source_specs(changed)
    assert (specs["query"], specs["max_results"]) == ("people", 50)
    body = build_payload(changed, [], is_overridden=True)
    assert body["specs_override"] == specs
    assert source_specs(SEARCH)["max_results"] == 5


@pytest.mark.parametrize(
    "settings", [{"max_results": {1}}, {"maxresults": 5}, {"query": value("q")}]
)
def test_settings_are_checked_like_code(settings):
    """Before anything is sent."""
    with pytest.raises(errors.RunError):
        override_source(SEARCH, settings)


# -- Limits ---------------------------------------------------------------------------


def test_limits_hold_for_what_may_happen():
    """Rows that a source makes count, up to its limit."""
    Budget(max_rows=5).require("Leads", SEARCH, 0)
    with pytest.raises(errors.BudgetError):
        Budget(max_rows=4).require("Leads", SEARCH, 0)
    with pytest.raises(errors.BudgetError):
        Budget(max_cost=0.09).require("Leads", WEBHOOK, 2)
    Budget(max_cost=0.1).require("Leads", WEBHOOK, 2)


def test_unknown_price_is_refused_with_the_line_to_write():
    """And with that line, it is known."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> QaAgent()

    with pytest.raises(errors.BudgetError, match=r"prices = \{ qa_agent = ") as refused:
        Budget(max_cost=1.0).require("Leads", compiled(flow), 2)

    assert refused.value.unpriced == ["qa_agent"]
    prices = {"qa_agent": 0.5}
    Budget(max_cost=1.0, prices=prices).require("Leads", compiled(flow), 2)
    with pytest.raises(errors.BudgetError):
        Budget(max_cost=0.9, prices=prices).require("Leads", compiled(flow), 2)


@pytest.mark.parametrize("limit", [-1, float("nan"), float("inf"), "5", True])
def test_limit_that_is_no_number_is_refused(limit):
    """It would hold nothing."""
    with pytest.raises(errors.BuildError):
        Budget(max_cost=limit)
