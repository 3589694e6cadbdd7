"""Rows of files: read in bounded memory, typed, and written."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import pytest
from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st

from flow64 import alias, errors
from flow64.runs import rows as row_files
from flow64.runs.rows import RowFile, rows_in, write_csv
from flow64.runs.typed import ResultRows, structure_for

FAIL = partial(row_files.result_error, "f")


def read(content, form="csv", **options):
    return list(rows_in(io.BytesIO(content), form, FAIL, **options))


# -- Reading --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "content", "rows"),
    [
        ("csv", b'a,b\r\n1,"x, y"\r\n', [{"a": "1", "b": "x, y"}]),
        ("csv", b"\xef\xbb\xbfa\n1\n\n2", [{"a": "1"}, {"a": "2"}]),
        ("csv", b'a\n"1\n2"\n', [{"a": "1\n2"}]),
        ("csv", b"a,b\n", []),
        ("csv", b"", []),
        ("json", b" [ ] ", []),
        ("json", b'{"a":\n1}\n', [{"a": 1}]),
        ("json", b'[{"a": 1},\n{"a": [2, {}]}]', [{"a": 1}, {"a": [2, {}]}]),
        ("ndjson", b'{"a": 1}\n\n{"a": "\xe2\x80\xa8"}', [{"a": 1}, {"a": "\u2028"}]),
    ],
)
def test_rows_are_read(form, content, rows):
    """As a store writes them."""
    assert read(content, form) == rows


@pytest.mark.parametrize(
    ("form", "content", "line", "words"),
    [
        ("csv", b"a,a\n1,2\n", 1, "two columns 'a'"),
        ("csv", b"a;b\n1;2\n", 1, "commas"),
        ("csv", b"a,b\n1,2\n1\n", 3, "1 cell of 2"),
        ("csv", b"a,b\n1,2,3\n", 2, "3 cells of 2"),
        ("csv", b"a,b\n1,2\n\n , \n", 4, "empty"),
        ("csv", b"a,b\n1,\0\n", 2, "NUL"),
        ("csv", b"a\n1\n\xff\n", 3, "UTF-8"),
        ("csv", "a\n1\n".encode("utf-16"), 1, "UTF-8"),
        ("csv", b'a\n"1\n2\n', 3, "not valid CSV"),
        ("json", b"1", None, "row 1 is cut off, or no object"),
        ("json", b'[{"a": 1},\n{"a": 2}', None, "row 3 is cut off"),
        ("json", b'[{"a": 1},\n]', None, "row 2 is"),
        ("json", b"[1]", None, "no object"),
        ("json", b'[\n{"a": 1,\n"b', None, "cut off"),
        ("json", b'[{"a": 1, "a": 2}]', None, "stands twice"),
        ("json", b'[{"a": 1}] 2', None, "row 2 is"),
        ("json", b'[{"a": "\xff"}]', None, "utf-8"),
        ("json", b"[" + b'{"a":' * 20_000, None, "cannot be read|cut off"),
        ("ndjson", b'{"a": 1}\n[2]\n', None, "row 2 is .* no object"),
        ("ndjson", b'{"a": 1}\n{"a"\n', None, "row 2 is broken or cut off"),
        ("ndjson", b'{"a": 1}\n{"a": 1, "a": 2}\n', None, "row 2 .* stands twice"),
    ],
)
def test_input_that_is_likely_a_mistake_is_refused_with_its_line(
    form, content, line, words
):
    """Before anything is bought."""
    with pytest.raises(errors.ResultError, match=words) as refused:
        read(content, form)
    assert refused.value.line == line


@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_row_without_an_end_does_not_fill_the_memory(form, monkeypatch):
    """A quote or a bracket that is never closed."""
    monkeypatch.setattr(row_files, "LONGEST_ROW", 1 << 18)
    monkeypatch.setattr(row_files.csv, "field_size_limit", lambda *_: 1 << 18)
    start = {"csv": b'a\n"', "json": b'[{"a": "', "ndjson": b'{"a": "'}[form]
    content = io.BytesIO(start + b"x" * (1 << 24))

    with pytest.raises(errors.ResultError):
        list(rows_in(content, form, FAIL))
    assert content.tell() < 1 << 22


def test_number_of_rows_proves_the_end_of_csv(tmp_path):
    """A file may be cut off between two lines."""
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")

    with pytest.raises(errors.ResultError, match="1 row, and the service says 2"):
        list(RowFile(path, FAIL, "csv", 2))


# -- Types ----------------------------------------------------------------------------


class Level(Enum):
    LOW = "low"


@frozen
class Address:
    city: str


@frozen
class Person:
    title: Annotated[str, "Job title"]
    age: Annotated[int | None, "Age"] = None
    skills: list[str] | None = None
    score: float = 0.0
    level: Level | None = None
    word: Literal["a", "b"] = "a"
    born: date | None = None
    home: Address | None = None
    mail: Annotated[str, alias("E-Mail")] = ""
    more: Any = None


def typed(kind, row):
    (typed_row,) = ResultRows([row], 1, structure_for(kind))
    return typed_row


@pytest.mark.parametrize(
    ("cells", "fields"),
    [
        ({}, {}),
        ({"age": 3, "skills": ["a"]}, {"age": 3, "skills": ["a"]}),
        ({"age": "3.0", "skills": '["a"]'}, {"age": 3, "skills": ["a"]}),
        ({"age": "", "skills": "", "home": ""}, {}),
        ({"age": None, "score": "1e3"}, {"score": 1000.0}),
        ({"level": "low", "born": "2026-11-24"}, {"born": date(2026, 11, 24)}),
        ({"home": '{"city": "Rome"}'}, {"home": Address("Rome")}),
        ({"E-Mail": "a@b.example", "more": "1"}, {"mail": "a@b.example", "more": "1"}),
    ],
)
def test_rows_become_objects_of_a_class(cells, fields):
    """By column name, from JSON and from CSV; other columns stay in `raw`."""
    row = {"title": "CTO", "other": 1, **cells}
    level = {"level": Level.LOW} if "level" in cells else {}

    assert typed(Person, row).value == Person(title="CTO", **fields, **level)
    assert typed(Person, row).raw == row


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"title": 3}, "title: 3 is not str"),
        ({"age": "old"}, "age: 'old' is not int"),
        ({"age": 3.5}, "age: 3.5 is not int"),
        ({"age": True}, "age: True is not int"),
        ({"score": "1_0"}, "score: '1_0' is not float"),
        ({"skills": "a, b"}, "skills: 'a, b' is not list"),
        ({"skills": ["a", 1]}, r"skills\[1\]: 1 is not str"),
        ({"home": '{"city": 1}'}, "home.city: 1 is not str"),
        ({"word": "c"}, "word: "),
        ({"E-Mail": 1}, "E-Mail: 1 is not str"),
    ],
)
def test_cell_that_does_not_fit_is_named(cells, words):
    """When the value is read; the row is there as it came."""
    row = {"title": "CTO", **cells}

    with pytest.raises(errors.RowsError, match=f"row 1.*\n.*{words}"):
        typed(Person, row).value
    assert typed(Person, row).raw == row


def test_every_misfit_of_a_row_is_named():
    """A missing column is one."""
    with pytest.raises(errors.RowsError) as misfit:
        typed(Person, {"age": "x", "score": "y"}).value
    assert len(misfit.value.problems) == 3


@dataclass
class Plain:
    limit: int
    rest: dict[str, float] | None = None


def test_dataclass_types_rows_too():
    """And what is no class with fields is refused at once."""
    assert typed(Plain, {"limit": "3", "rest": '{"a": 1}'}).value == Plain(
        3, {"a": 1.0}
    )
    assert typed(None, {"a": 1}).value == {"a": 1}
    for kind in (dict, "Person", int, 3):
        with pytest.raises(errors.BuildError):
            structure_for(kind)


def test_rows_are_read_again_each_time(tmp_path):
    """And counted, if the service says how many there are."""
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n2\n")
    rows = ResultRows(RowFile(path, FAIL, "csv"), 2, structure_for(None))

    assert [row.number for row in rows] == [row.number for row in rows] == [1, 2]
    assert len(rows) == 2
    with pytest.raises(TypeError):
        len(ResultRows([], None, structure_for(None)))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "json", "ndjson"])
def test_memory_stays_flat(form, tmp_path):
    """However many rows are typed."""
    path = tmp_path / f"rows.{form}"
    row = {"title": "CTO", "age": "3", "skills": '["a"]'}
    lines = {
        "csv": ["title,age,skills\n", *['CTO,3,"[""a""]"\n'] * 20_000],
        "ndjson": [json.dumps(row) + "\n"] * 20_000,
        "json": ["[", *[json.dumps(row) + ",\n"] * 19_999, json.dumps(row), "]"],
    }
    path.write_text("".join(lines[form]))
    tracemalloc.start()
    rows = ResultRows(RowFile(path, FAIL, form, 20_000), None, structure_for(Person))
    count = sum(row.value.age == 3 for row in rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (count, peak < 3 * 2**20) == (20_000, True)


# -- Writing --------------------------------------------------------------------------

cells = st.none() | st.text(
    st.sampled_from(["a", ",", '"', "\n", "\r", " ", "=", "\u2028", "'"])
)
tables = st.lists(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), cells, min_size=1).map(
        lambda row: {**row, "d": "1"}  # an empty row is refused
    ),
    max_size=4,
)


@given(tables)
@example([{"a": None, "d": "1"}, {"b": "\r", "d": "1"}])
def test_what_is_written_is_read(rows):
    """Columns that a row lacks, and None, are empty cells."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        assert write_csv(rows, path) == len(rows)
        names = dict.fromkeys(name for row in rows for name in row)
        expected = [{name: row.get(name) or "" for name in names} for row in rows]
        assert [*RowFile(path, FAIL, "csv")] == expected


def test_cells_hold_json_and_no_formula(tmp_path):
    """A number is no formula, even one that begins with a minus."""
    rows = [{"a": [1], "b": True, "c": -1, "d": "=1+1", "e": None}]

    write_csv(rows, tmp_path / "a.csv", safe=True)

    assert (tmp_path / "a.csv").read_text() == "a,b,c,d,e\n[1],true,-1,'=1+1,\n"


def test_file_is_complete_or_absent(tmp_path):
    """Nor is an existing one replaced, unless that is wanted."""
    path = tmp_path / "a.csv"
    for row in ({"a": {1}}, {"a": "\ud800"}):
        with pytest.raises(errors.RowsError):
            write_csv([{"a": 1}, row], path)
    assert [*tmp_path.iterdir()] == []
    path.write_text("mine")
    with pytest.raises(errors.RowsError, match="exists"):
        write_csv([{"a": 1}], path)
    assert path.read_text() == "mine"
    write_csv([{"a": 1}], path, overwrite=True)
    assert path.read_text() == "a\n1\n"


def test_device_and_pipe_are_not_replaced(tmp_path):
    """A file in their place would break what uses them."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path(os.devnull), tmp_path):
        with pytest.raises(errors.RowsError):
            write_csv([{"a": 1}], path, overwrite=True)
    assert pipe.is_fifo()
