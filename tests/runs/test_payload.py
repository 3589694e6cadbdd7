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
    parse_rows,
)
from tests.runs.fake_service import launch
from tests.service.support import GROWTH


def workflow(flow):
    return Workflow("Leads", flow, key="leads", project=GROWTH)


def compiled(flow):
    return workflow(flow).compile()


WEBHOOK = compiled(Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail())
SEARCHES = workflow(Search(LEAD, query="people", max_results=5) >> FindEmail())
SEARCH = SEARCHES.compile()
ROW = {"email": "ada@example.com"}
COLUMNS = {
    "score": "int",
    "share": {"type": "float", "optional": True},
    "is_new": "boolean",
    "zip": "string",
    "tags": "list[str]",
    "size": "big",
}
DECLARED = compiled(Webhook(LEAD, input_schema=COLUMNS) >> FindEmail())
HEADER = b"score,share,is_new,zip,tags,size,more\n"


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
    with pytest.raises(errors.RowsError, match="line 1: "):
        parse_rows(b",b\n1,2\n", "stdin")


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
        (
            WEBHOOK,
            [{"mail": 1}, ROW],
            "'email' is missing in row 1 .did you mean 'mail'",
        ),
        (WEBHOOK, [{**ROW, "x": float("nan")}], "row 1 /x"),
        (WEBHOOK, [{**ROW, "x": 2**60}], "row 1 /x"),
        (DECLARED, parse_rows(HEADER + b"1,1e400,true,1,1,1,1", ""), "row 1 /share"),
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


def test_file_without_a_needed_column_has_one_line(tmp_path):
    """Not one for each of its rows; a near name of a column is named."""
    (tmp_path / "a.csv").write_text("Email,name\n" + "a@example.com,Ada\n" * 1000)

    with pytest.raises(errors.RowsError, match="did you mean 'Email'") as caught:
        build_payload(WEBHOOK, as_rows(tmp_path / "a.csv"))

    assert len(caught.value.problems) == 2
    assert '"optional": True' in caught.value.problems[1]


# -- Declared types -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "score", "share", "is_new"),
    [
        (b"80,0.5,true", 80, 0.5, True),
        (b"-1,2,FALSE", -1, 2, False),
        (b"80.0,1e-3,True", 80, 0.001, True),
        (b",,", None, None, None),
    ],
)
def test_text_of_csv_becomes_the_declared_type(line, score, share, is_new):
    """A cell without text is null there. Other columns stay text."""
    (row,) = parse_rows(HEADER + line + b",01234,[],7,8\n", "stdin")
    others = {"zip": "01234", "tags": "[]", "size": "7", "more": "8"}

    (sent,) = build_payload(DECLARED, [row])["webhook_payload"]

    expected = {"score": score, "share": share, "is_new": is_new, **others}
    assert sent == expected
    assert [*map(type, sent.values())] == [*map(type, expected.values())]
    assert build_payload(DECLARED, [sent]) == build_payload(DECLARED, [row])


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *(
            ("score", text)
            for text in ("n/a", "80.5", "+80", "080", " 80", "8e", "null")
        ),
        *(("share", text) for text in ("0,5", ".5", "1_0", "NaN", "[1]", "true")),
        *(("is_new", text) for text in ("1", "yes", '"true"')),
    ],
)
def test_text_of_csv_that_is_not_so_is_refused(column, text):
    """With its column, the row, and what is written there."""
    cells = {"score": "1", "share": "1", "is_new": "true", column: text}
    quoted = [f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells.values()]
    lines = [b"2,2,false", ",".join(quoted).encode()]
    rows = parse_rows(HEADER + b"".join(x + b",a,b,c,d\n" for x in lines), "stdin")

    with pytest.raises(errors.RowsError) as caught:
        build_payload(DECLARED, rows)

    (line,) = caught.value.problems
    assert f"column {column!r}" in line
    assert f"row 2 has {text!r}" in line


SOUND = {"score": 1, "is_new": True, "zip": "1"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"score": "80"}, "row 1 has '80'.*write a whole number"),
        ({"score": True}, "row 1 has True.*write a whole number"),
        ({"score": 0.5}, "row 1 has 0.5.*write a whole number"),
        ({"share": [1]}, r"row 1 has \[1\].*write a number"),
        ({"is_new": 0}, "row 1 has 0.*write true or false"),
        ({"zip": 1234}, "row 1 has 1234.*write text"),
        ({"score": 80.0, "share": 1, "zip": None, "tags": 5, "size": {}}, ""),
    ],
)
def test_value_of_another_type_than_declared_is_refused(row, words):
    """Rows of Python and JSON have types; null may stand for any."""
    rows = [{**SOUND, "tags": [], "size": 1, **row}]
    if not words:
        assert build_payload(DECLARED, rows) == {"webhook_payload": rows}
        return
    with pytest.raises(errors.RowsError, match=words):
        build_payload(DECLARED, rows)


def test_equal_rows_are_counted():
    """Cell by cell, in any order of the columns."""
    rows = [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, {"a": 1}, {"a": "1"}]

    assert count_repeats(rows) == 2


# -- Settings of one run --------------------------------------------------------------


def test_settings_of_one_run_are_sent_with_those_of_the_code():
    """Whether the service keeps those that are not sent is not documented."""
    options = launch(code=SEARCHES, specs_override={"max_results": 50})

    specs = options.build_payload([])["specs_override"]
    assert (specs["query"], specs["max_results"]) == ("people", 50)


@pytest.mark.parametrize(
    "settings", [{"max_results": {1}}, {"maxresults": 5}, {"query": value("q")}]
)
def test_settings_are_checked_like_code(settings):
    """Before anything is sent."""
    with pytest.raises(errors.RunError):
        launch(code=SEARCHES, specs_override=settings)


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
