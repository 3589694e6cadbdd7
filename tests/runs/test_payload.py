"""The body of a start: rows from wherever they are, and what is wrong with them."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
from pathlib import Path

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow, errors, value
from flow64.blocks import FindEmail, FindPhone, ReadCsv, ReadNotebook, Search, Webhook
from flow64.errors import did_you_mean
from flow64.runs import as_rows, build_payload, parse_rows

ROW = {"email": "ada@example.com"}
GROWTH = Project("growth", namespace="acme.example")


def declared(schema=None, *, source=None):
    if source is None:
        more = {} if schema is None else {"input_schema": schema}
        source = Webhook(LEAD, **more)
    return compiled(source)


def compiled(sources):
    return Workflow("x", sources >> FindEmail(), project=GROWTH).compile()


def problems(schema, rows, **more):
    with pytest.raises(errors.RowsError) as caught:
        build_payload(declared(schema), rows, **more)
    return list(caught.value.problems)


# -- Rows -----------------------------------------------------------------------------


@pytest.mark.parametrize("given", [[ROW], (ROW,), ROW, iter([ROW]), (r for r in [ROW])])
def test_rows_are_any_iterable_of_mappings(given):
    """A single mapping is one row."""
    assert as_rows(given) == [ROW]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("rows.csv", "email\nada@example.com\n"),
        ("ROWS.CSV", "\ufeffemail\r\nada@example.com\r\n"),
        ("rows.json", json.dumps([ROW])),
        ("rows.ndjson", json.dumps(ROW) + "\n"),
        ("rows.jsonl", json.dumps(ROW)),
    ],
)
@pytest.mark.parametrize("kind", [str, Path])
def test_rows_are_read_from_a_file(name, text, kind, tmp_path):
    """The end of its name says which kind."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    assert as_rows(kind(path)) == [ROW]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (None, "None is not a list of rows"),
        (3, "a row is a mapping of columns"),
        (b"email", "is not a list of rows"),
        ("ada@example.com", r"does not name a file of rows.* \.csv, \.json"),
        ("missing.csv", "missing.csv: it cannot be read"),
        ([ROW, "x", 1], "row 2: a row is a mapping.*str(.|\n)*row 3:.*int"),
    ],
)
def test_what_is_no_rows_is_refused(given, words):
    """With what rows are, and every one that is none."""
    with pytest.raises(errors.RowsError, match=words):
        as_rows(given)


def test_broken_file_is_named_with_its_line(tmp_path):
    """So that it is found among 80,000."""
    path = tmp_path / "rows.ndjson"
    path.write_text('{"a": 1}\n{"a"\n')

    with pytest.raises(errors.RowsError, match=r"rows\.ndjson:2: "):
        as_rows(path)


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_csv_of_another_separator_is_refused(tmp_path, sign):
    """It would be one column, which nothing knows."""
    path = tmp_path / "rows.csv"
    path.write_text(f"email{sign}price\na@x.example{sign}1,5\n")

    with pytest.raises(
        errors.RowsError, match="separate columns with commas, not with"
    ):
        as_rows(path)


@pytest.mark.parametrize(
    "header", ["full_name,full_name,company", "company,full_name,full_name"]
)
def test_two_columns_of_one_name_are_refused(tmp_path, header):
    """No block would read the second one, and the run would be paid."""
    path = tmp_path / "people.csv"
    path.write_text(f"{header}\nAda,Ada L.,Acme\n", "utf-8")

    with pytest.raises(errors.RowsError, match="two columns 'full_name'; rename or"):
        as_rows(path)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (
            "rows.json",
            '[{"email": "a", "email": "b"}]',
            "row 1 cannot be read: the key 'email' stands twice; keep one of them",
        ),
        (
            "rows.ndjson",
            '{"email": {"a": 1, "a": 2}}',
            "it is not valid JSON: the key 'a' stands twice; keep one of them",
        ),
    ],
)
def test_key_that_stands_twice_is_refused(name, text, problem, tmp_path):
    """Python keeps the second value, so the first would be lost in silence."""
    path = tmp_path / name
    path.write_text(text, "utf-8")

    with pytest.raises(errors.RowsError) as caught:
        as_rows(path)

    assert f"{path}:1: {problem}" in str(caught.value)


def test_key_that_stands_twice_on_stdin_is_refused():
    """A single object is tried first, and then as a line of several."""
    with pytest.raises(errors.RowsError, match=r"stdin:1: .* 'email' stands twice"):
        parse_rows(b'{"email": "a", "email": "b"}', "stdin")


# -- The body -------------------------------------------------------------------------


def test_payload_is_a_copy():
    """Changing a row afterwards changes nothing that is sent."""
    row = {"tags": ["a"]}
    made = build_payload(declared(), [row])
    row["tags"].append("b")

    assert made == {"webhook_payload": [{"tags": ["a"]}]}


def test_every_value_that_is_no_json_is_listed():
    """With the number of its row, and where in it."""
    bad = [ROW, {"n": {"m": [math.nan]}}, {"when": dt.date(2026, 1, 1)}, {1: 2}]

    places = [text.partition(":")[0] for text in problems(None, bad)]

    assert places == ["row 2 /n/m/0", "row 3 /when", "row 4"]


def test_value_of_an_environment_is_refused_in_a_row():
    """An environment fills in specs, and rows are sent as they are."""
    (problem,) = problems(None, [ROW, {"list": [value("list_id")]}])

    assert problem == (
        "row 2 /list/0: value('list_id') is filled in for blocks alone; write what the "
        "row has"
    )


def test_rows_may_say_what_would_be_a_value_in_a_workflow():
    """They are data."""
    row = {"x": {"flow64:value": "name"}}

    assert build_payload(declared(), [row])["webhook_payload"] == [row]


@pytest.mark.parametrize(
    "source", [Search(LEAD, query="q"), ReadCsv(LEAD), ReadNotebook()]
)
def test_rows_are_for_a_webhook_alone(source):
    """The service refuses them for any other source (documented)."""
    with pytest.raises(errors.RowsError, match=f"begins with {source.kind}"):
        build_payload(declared(source=source), [ROW])


TAKES = "the workflow begins with find_phone, which takes rows and brings none"
ALONE = "and the service takes rows for a webhook source alone"


@pytest.mark.parametrize(
    ("flow", "rows", "problem"),
    [
        (FindPhone(), [ROW], f"{TAKES}: begin with Webhook(...)"),
        (FindPhone(), [], f"{TAKES}: begin with Webhook(...)"),
        (FindPhone() >> Webhook(LEAD), [ROW], f"{TAKES}: put the webhook first"),
        (FindPhone() >> Webhook(LEAD), [], f"{TAKES}: put the webhook first"),
        (
            Search(LEAD, query="q") >> Webhook(LEAD),
            [ROW],
            f"the workflow begins with search, {ALONE}: put the webhook first",
        ),
        (
            RawBlock("new_kind"),
            [ROW],
            f"the workflow begins with new_kind, {ALONE}: run([])",
        ),
    ],
)
def test_workflow_without_a_source_for_the_rows(flow, rows, problem):
    """The advice is the one that helps: a source, another order, or no rows."""
    with pytest.raises(errors.RowsError) as caught:
        build_payload(compiled(flow), rows)

    assert caught.value.problems == [problem]


def test_unknown_kind_may_bring_rows():
    """So a run without rows is started."""
    assert build_payload(compiled(RawBlock("new_kind")), []) == {}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Search(LEAD, query="q"), {"webhook_payload": []}),
        (ReadCsv(LEAD), {}),
        (ReadNotebook(), {}),
        (Webhook(LEAD, webhook_input='[{"email": "a"}]'), {}),
    ],
)
def test_body_without_rows_has_a_payload_for_a_search_alone(source, expected):
    """That is the one documented form; an empty list may mean no rows elsewhere."""
    assert build_payload(declared(source=source), []) == expected


def test_settings_of_a_run_are_sent_without_a_payload():
    """For a source that finds its rows itself."""
    source = ReadCsv(LEAD, resource_handle_id="h")

    made = build_payload(declared(source=source), [], is_overridden=True)

    assert made == {
        "specs_override": {"dataframe_type": "LEAD", "resource_handle_id": "h"}
    }


def test_several_sources_get_no_payload_unless_all_are_searches():
    """The service refuses a payload for any other source (documented)."""
    definition = compiled([Search(LEAD, query="q"), ReadNotebook()])

    assert build_payload(definition, []) == {}


@pytest.mark.parametrize("more", [{}, {"webhook_input": ""}])
def test_webhook_without_rows_is_refused(more):
    """A start would be paid for, or use up its intent, and find nothing to do."""
    source = Webhook(LEAD, **more)

    with pytest.raises(errors.RowsError) as caught:
        build_payload(declared(source=source), [])

    (problem,) = caught.value.problems
    assert problem == (
        "there are no rows, and the workflow begins with webhook, which takes its rows "
        "from the start: give rows, or set webhook_input, the sample rows of the block"
    )


# -- Columns --------------------------------------------------------------------------


def test_rows_without_a_declared_column_are_listed():
    """All of them, with the way out; other columns pass."""
    found = problems(
        {"email": "string", "age": "int"},
        [{"email": "a"}, {"email": "b", "age": 3, "more": 1}, {}],
    )

    assert found[:2] == ["row 1 lacks age; it has email", "row 3 lacks email, age"]
    assert "check_columns=False" in found[2]


def test_misspelt_column_is_found_among_those_of_the_rows(tmp_path):
    """A column that was declared is not taken for a slip of another."""
    path = tmp_path / "rows.csv"
    path.write_text("e-mail,compny,name\na@x.example,Acme,Ada\n")
    schema = {"email": "string", "company": "string", "name": "string", "names": "str"}

    found = problems(schema, as_rows(path))

    assert found[0] == (
        "row 1 lacks email (did you mean 'e-mail'?), company (did you mean 'compny'?), "
        "names; it has e-mail, compny and name"
    )


def test_column_whose_name_is_no_text_is_no_suggestion():
    """It is listed as what cannot be sent."""
    found = problems({"email": "string"}, [{1: "a@x.example"}])

    assert [text.partition(":")[0] for text in found[:2]] == [
        "row 1",
        "row 1 lacks email; it has 1",
    ]


def test_suggestions_for_many_rows_are_looked_for_once(monkeypatch):
    """Each takes a while, and the rows of a file have the same columns."""
    looked = []

    def counted(word, known):
        looked.append(word)
        return did_you_mean(word, known)

    monkeypatch.setattr("flow64.runs._payload.did_you_mean", counted)

    found = problems({"company": "string"}, [{"compny": "Acme"}] * 500)

    assert (len(found), looked) == (501, ["company"])


def test_advice_is_about_what_is_wrong():
    """A column that is missing, a value of another type, or both."""
    missing, other = "for rows without a required column", "a value of another type"
    schema = {"email": "string", "age": "int"}

    found = [
        problems(schema, rows)
        for rows in (
            [{"age": 1}],
            [{"email": "a", "age": 1.5}],
            [{"age": 1.5}],
        )
    ]

    said = ["\n".join(lines) for lines in found]
    assert [(missing in text, other in text) for text in said] == [
        (True, False),
        (False, True),
        (True, True),
    ]
    assert all("or pass check_columns=False" in text for text in said)


def test_several_webhooks_say_the_same_once():
    """Each is given all rows."""
    schema = {"email": "string"}
    hooks = [Webhook(LEAD, key=key, input_schema=schema) for key in ("a", "b")]

    with pytest.raises(errors.RowsError) as caught:
        build_payload(compiled(hooks), [{}])

    assert len(caught.value.problems) == 2


def test_rows_of_a_part_keep_their_numbers():
    """Of the whole that they are a part of."""
    rows = [{"email": "a"}, {}, {"email": "b", "n": math.nan}]

    found = problems({"email": "string"}, rows, first=501)

    assert [line.partition(":")[0] for line in found[:2]] == [
        "row 503 /n",
        "row 502 lacks email",
    ]


def test_check_of_columns_can_be_left_out():
    """Which of them the service requires is not documented."""
    made = build_payload(declared({"email": "string"}), [{}], check_columns=False)

    assert made == {"webhook_payload": [{}]}


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "string", "required": False},
        {"type": "string", "optional": True},
        {"type": "string", "default": "x"},
    ],
)
def test_column_that_is_marked_may_be_missing(entry):
    """The marks are guesses; nothing is refused that may pass."""
    assert build_payload(declared({"email": entry}), [{}]) == {"webhook_payload": [{}]}


FITS = [
    ("string", ["x", 3, True, None, ""]),
    ("str", ["x"]),
    ("int", [3, "3", "3,000", "", None, 3.0, "3.0", " 4 "]),
    ("integer", [3]),
    ("float", [3, 2.5, "2.5", "€ 2,50"]),
    ("bool", [True, "TRUE", "no", 1, 0, "", None]),
    ("boolean", [False]),
    ("dict", [{}, '{"a": 1}', None, " "]),
    ("list", [[], ["a", 1], '["a", 1]', None, ""]),
    ("list[str]", [["a"], (), '["a"]', [3, None]]),
    ("list[int]", [[3, "3"], "[3]"]),
    ("list[boolean]", [[True, "no"], "[true]"]),
    ("list[text]", ["x", {}]),  # not among the documented type words
    ("list[string]", [["a"], [3, None]]),
    ("text", [["x"], 1.5]),
    ("Contact address", [[], {}, 1]),  # no type word: a description
    ({"type": "int"}, [3]),
    ({"description": "x"}, [[]]),
]
MISFITS = [
    ("string", [["x"], {"a": 1}]),
    ("int", ["many", True, [3], 1.5, "1.5", "1.500"]),
    ("float", ["x", {}]),
    ("bool", ["maybe", 7, []]),
    ("dict", [3, ["x"], True, "x", '["x"]']),
    ("list", ["x", "a; b", "[", "[" * 100_000, '{"a": 1}', 3]),
    ("list[str]", ["x", {"a": 1}, [["x"]], '[{"a": 1}]']),
    ("list[int]", [3, {"a": 1}, ["x"], [1.5], "[1.5]"]),
    ({"type": "integer"}, ["x"]),
]


@pytest.mark.parametrize(("entry", "values"), FITS)
def test_value_that_may_pass_for_the_type_passes(entry, values):
    """How the service converts is not documented."""
    rows = [{"x": value} for value in values]

    assert len(build_payload(declared({"x": entry}), rows)["webhook_payload"]) == len(
        rows
    )


@pytest.mark.parametrize(("entry", "values"), MISFITS)
def test_value_of_clearly_another_type_is_listed(entry, values):
    """With its row, its column, and what was declared."""
    found = problems({"x": entry}, [{"x": value} for value in values])

    word = entry if isinstance(entry, str) else entry["type"]
    starts = [f"row {n}: x is " for n in range(1, len(values) + 1)]
    assert [line[: len(s)] for line, s in zip(found, starts, strict=False)] == starts
    assert all(f"declared as {word}" in line for line in found[: len(values)])


# -- Specs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "is_overridden", "notes"),
    [
        (Search(LEAD, query="q"), True, 0),
        (ReadCsv(LEAD), False, 1),
        (ReadCsv(LEAD), True, 1),
        (ReadCsv(LEAD, resource_handle_id="h"), False, 1),
        (ReadCsv(LEAD, resource_handle_id="h"), True, 0),
    ],
)
def test_run_of_a_file_that_names_none_is_doubtful(
    source, is_overridden, notes, caplog
):
    """Sources disagree, so nothing is refused for it."""
    with caplog.at_level(logging.WARNING, "flow64"):
        build_payload(declared(source=source), [], is_overridden=is_overridden)

    found = [text for text in caplog.messages if "resource_handle_id" in text]
    assert len(found) == len(caplog.messages) == notes


# -- Files and tables that are nearly right -------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (
            "rows.json",
            '[{"email": "a"},\n {"email": "b"},\n]\n',
            "rows.json:3: a comma follows row 2, the last; leave it out",
        ),
        (
            "rows.json",
            '[{"email": "a"},\n {"email": "b", }]\n',
            (
                "rows.json:2: row 2 is broken: a comma follows the last entry; leave "
                "it out"
            ),
        ),
        (
            "rows.json",
            '[{"email": ["a",]}]\n',
            (
                "rows.json:1: row 1 is broken: a comma follows the last entry; leave "
                "it out"
            ),
        ),
        (
            "rows.json",
            '[{"email": ,}]\n',
            "rows.json:1: row 1 is broken or cut off: Expecting value",
        ),
        (
            "rows.ndjson",
            '{"email": "a"}\n{"email": "b"},\n',
            (
                "rows.ndjson:2: a comma follows the row; leave it out: each line is "
                "one row"
            ),
        ),
        (
            "rows.csv",
            "email,company\na,Acme\nb,Acme, Inc\n",
            (
                "rows.csv: row 2 has 3 cells, and the header has 2: email and company; "
                "put a cell that holds a comma in quotes"
            ),
        ),
        (
            "rows.csv",
            "email,company\na\n",
            (
                "rows.csv: row 1 has 1 cell, and the header has 2: email and company; "
                "put a cell that holds a comma in quotes"
            ),
        ),
    ],
)
def test_file_that_is_nearly_right(tmp_path, monkeypatch, name, text, problem):
    """The problem says what to mend, and in which line or row.

    A comma too many in CSV moves what is bought to another column.
    """
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text, "utf-8")

    with pytest.raises(errors.RowsError) as caught:
        as_rows(name)

    assert caught.value.problems == [problem]


class DataFrame:
    """Stands in for that of pandas: it iterates over the names of its columns."""

    columns = ("email",)

    def __iter__(self):
        return iter(self.columns)

    def to_dict(self, orient):
        assert orient == "records"
        return [{"email": "a"}]


def test_data_frame_is_turned_into_rows_by_its_owner():
    """Only they know what a missing cell is."""
    with pytest.raises(errors.RowsError) as caught:
        as_rows(DataFrame())

    assert caught.value.problems == [
        (
            "a DataFrame gives its columns, not its rows; write "
            'df.to_dict("records"), or if cells may be missing, which is NaN and not '
            'JSON: df.astype(object).where(df.notna(), None).to_dict("records")'
        )
    ]
    assert as_rows(DataFrame().to_dict("records")) == [{"email": "a"}]


class PolarsFrame(DataFrame):
    """Stands in for that of Polars."""

    def to_dicts(self):
        return self.to_dict("records")


def test_data_frame_of_polars():
    """It has a method of another name."""
    with pytest.raises(errors.RowsError) as caught:
        as_rows(PolarsFrame())

    assert caught.value.problems == [
        "a PolarsFrame gives its columns, not its rows; write df.to_dicts()"
    ]
    assert as_rows(PolarsFrame().to_dicts()) == [{"email": "a"}]


def test_row_that_lacks_a_column_says_which_it_has():
    """Once, since the others of a file have the same."""
    rows = [{"Full Name": "Ada", "Work Email": "a"}, {"Full Name": "Grace"}, {}]

    found = problems({"full_name": "string", "email": "string"}, rows)

    assert found[:3] == [
        (
            "row 1 lacks full_name (did you mean 'Full Name'?), email; it has Full "
            "Name and Work Email"
        ),
        "row 2 lacks full_name (did you mean 'Full Name'?), email",
        "row 3 lacks full_name, email",
    ]


def test_row_without_columns_says_so():
    """An empty object is a row."""
    assert problems({"email": "string"}, [{}])[0] == (
        "row 1 lacks email; it has no columns"
    )


# -- Rows that are no file ------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"a,b\r\n1,\r\n", [{"a": "1", "b": ""}]),
        (b' [{"a": 1}, {"a": null}]', [{"a": 1}, {"a": None}]),
        (b'{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'\xef\xbb\xbf\n{\n"a": 1}', [{"a": 1}]),
    ],
)
def test_first_sign_tells_the_format(content, rows):
    assert parse_rows(content, "stdin") == rows


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'a\n"1\n', "stdin:2: it is not valid CSV"),
        (b'[{"a": 1},\n{"a" 1}]', "stdin:2: row 2 is broken"),
        (b'{"a": 1}\n{"a" 1}\n', "stdin:2: "),
        (b"a\n\xff\n", "stdin:2: it is not in UTF-8"),
        (b"a|b\n1|2\n", "stdin: its header is one column, 'a|b'"),
    ],
)
def test_wrong_rows_have_their_line(content, problem):
    with pytest.raises(errors.RowsError) as caught:
        parse_rows(content, "stdin")

    assert problem in str(caught.value)
