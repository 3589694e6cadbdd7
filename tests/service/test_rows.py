"""Rows of result files, and what a class makes of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypedDict

import pytest

from flow64 import errors, returns
from flow64.service import Row
from flow64.service._rows import rows_of, typed_rows


@returns
class Person:
    title: Annotated[str, "Job title"]
    age: int | None
    skills: Annotated[list[str] | None, "Skills"]


@dataclass
class Plain:
    limit: ClassVar[int] = 3
    score: float
    is_new: bool = False


class Loose(TypedDict):
    data: dict[str, Any]
    tags: list
    count: int


def typed(kind, *rows):
    return list(typed_rows(iter(rows), kind))


def test_without_a_class_a_row_is_its_columns():
    """Value and raw are the same."""
    assert typed(None, {"a": 1}) == [Row({"a": 1}, {"a": 1})]


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (
            {"title": "CTO", "age": 3, "skills": ["a"]},
            Person(title="CTO", age=3, skills=["a"]),
        ),
        (
            {"title": "CTO", "age": None, "skills": None},
            Person(title="CTO", age=None, skills=None),
        ),
        # As CSV has them: text, empty cells, JSON inside a cell.
        (
            {"title": "", "age": "3", "skills": '["a"]'},
            Person(title="", age=3, skills=["a"]),
        ),
        (
            {"title": "CTO", "age": "", "skills": ""},
            Person(title="CTO", age=None, skills=None),
        ),
        (
            {"title": "CTO", "age": 3.0, "skills": [], "more": 1},
            Person(title="CTO", age=3, skills=[]),
        ),
    ],
)
def test_rows_become_objects_of_a_class(row, value):
    """By column name, from JSON and from CSV; other columns stay in `raw`."""
    assert typed(Person, row) == [Row(value, row)]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"title": 3}, "title"),
        ({"title": None}, "title"),
        ({"age": "old"}, "age"),
        ({"age": 3.5}, "age"),
        ({"age": float("nan")}, "age"),
        ({"age": True}, "age"),
        ({"skills": "a, b"}, "skills"),
        ({"skills": {"a": 1}}, "skills"),
        ({"skills": [1]}, "skills"),
    ],
)
def test_row_that_does_not_fit_keeps_its_columns(change, column):
    """The value is None, and the misfit names the column."""
    row = {"title": "CTO", "age": 3, "skills": [], **change}

    (found,) = typed(Person, row)

    assert (found.value, found.raw, len(found.misfits)) == (None, row, 1)
    assert column in found.misfits[0]


def test_every_misfit_of_a_row_is_listed():
    """A column that is missing is one."""
    (found,) = typed(Person, {"title": 1, "age": "x"})

    assert len(found.misfits) == 3


def test_dataclass_and_typed_dict_type_rows_too():
    """Class variables are no columns."""
    assert typed(Plain, {"score": "1.5", "is_new": "TRUE", "limit": 9}) == [
        Row(Plain(1.5, is_new=True), {"score": "1.5", "is_new": "TRUE", "limit": 9})
    ]
    assert typed(Plain, {"score": 1, "is_new": 1})[0].value is None
    assert typed(Plain, {"score": 1, "is_new": False})[0].value == Plain(1.0)
    (found,) = typed(Loose, {"data": '{"a": 1}', "tags": '["x"]', "count": 2})
    assert found.value == {"data": {"a": 1}, "tags": ["x"], "count": 2}
    (wrong,) = typed(Loose, {"data": "[]", "tags": "{}", "count": 1})
    assert len(wrong.misfits) == 2


@pytest.mark.parametrize("kind", [str, dict, 3, "Person", list[str]])
def test_what_is_no_class_of_columns_is_refused(kind):
    """At once, and not once for each row."""
    with pytest.raises(errors.ArgumentError, match="@returns"):
        typed_rows(iter(()), kind)


ROWS = [{"a": 1, "b": "x\u2028y"}, {"a": None, "b": ""}]
NDJSON = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n"
LONG = "x" * 200_000


@pytest.mark.parametrize(
    ("text", "kind", "name", "rows"),
    [
        (json.dumps(ROWS), "application/json; charset=utf-8", "f", ROWS),
        (json.dumps(ROWS), "", "f.JSON", ROWS),
        (NDJSON, "application/x-ndjson", "f", ROWS),
        (NDJSON, "application/octet-stream", "f.jsonl", ROWS),
        ('a,b\r\n1,"x\ny"\r\n', "text/csv", "json.csv", [{"a": "1", "b": "x\ny"}]),
        ("\ufeffa\n\u00e9\n", "", "f", [{"a": "\u00e9"}]),
        (f"a\n{LONG}\n", "text/csv", "f.csv", [{"a": LONG}]),
        ("", "text/csv", "f.csv", []),
        ("[]", "application/json", "f", []),
    ],
)
def test_rows_are_read_from_json_ndjson_and_csv(text, kind, name, rows):
    """By content type, else by file name; a byte order mark is no column."""
    assert list(rows_of(text.encode(), kind, name)) == rows


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("{", "f.json"),
        ("{}", "f.json"),
        ("[1]", "f.json"),
        ("3", "f.jsonl"),
        ('{"a": 1}\n{', "f.ndjson"),
        ("[" * 100_000, "f.json"),
    ],
)
def test_file_that_is_no_list_of_rows_is_an_error(text, name):
    """A cut file is not fewer rows."""
    with pytest.raises(errors.AnswerError, match=name):
        list(rows_of(text.encode(), "", name))


def test_misread_csv_is_an_error(monkeypatch):
    """Whatever the csv module refuses."""
    import csv

    def refuse(*_):
        raise csv.Error("no")

    monkeypatch.setattr(csv, "DictReader", refuse)
    with pytest.raises(errors.AnswerError, match="no"):
        list(rows_of(b"a", "text/csv", "f"))
