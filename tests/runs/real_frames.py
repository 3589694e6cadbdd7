"""Rows and tables with the real polars, pandas and pyarrow, for `nox -s frames`."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flow64 import Client, errors
from flow64.emulator import Emulator
from flow64.runs import frames
from flow64.runs.payload import as_rows, build_payload
from flow64.runs.rows import RowFile, result_error, write_csv
from flow64.runs.typed import ResultRows, structure_for
from tests.service.support import leads

WEBHOOK = leads().compile()


def results(raw):
    return ResultRows(raw, len(raw), structure_for(None))


def csv_file(path, text, expected=None):
    path.write_text(text, "utf-8", newline="")
    return RowFile(path, partial(result_error, path.name), "csv", expected)


# -- Rows as frames -------------------------------------------------------------------

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=4)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from("xy"), inner, max_size=2)
    ),
    max_leaves=4,
)
cells = st.one_of(
    st.dictionaries(st.sampled_from("abc"), kind, max_size=3)
    for kind in (values, scalars, texts, st.integers(), st.none() | texts)
)
READERS = {
    "polars": (frames.to_polars, lambda frame: frame.to_dicts()),
    "arrow": (frames.to_arrow, lambda table: table.to_pylist()),
    "pandas": (
        frames.to_pandas,
        lambda frame: [
            {k: None if v is pd.NA else v for k, v in row.items()}
            for row in frame.to_dict("records")
        ],
    ),
}


def same(made, value):
    """Equal, with the same truth values; a missing key is null."""
    if isinstance(value, dict) and isinstance(made, dict):
        return all(same(made.get(k), value.get(k)) for k in {*made, *value})
    if isinstance(value, list) and isinstance(made, list):
        return len(made) == len(value) and all(map(same, made, value))
    return made == value and isinstance(made, bool) == isinstance(value, bool)


@pytest.mark.parametrize("library", READERS)
@given(rows=st.lists(cells, min_size=1, max_size=4))
@example(rows=[{"a": 1}, {"a": "x"}])
@example(rows=[{"a": True}, {"a": 1}])
@example(rows=[{"a": [True]}, {"a": [1]}])
@example(rows=[{"a": {"x": 1}}, {"a": {"y": 2}}])
@example(rows=[{"a": [1]}, {"a": [2.5]}])
@example(rows=[{"a": 2**53 + 1}, {"a": 0.5}])
@example(rows=[{"b": 1}, {}, {"a": None, "b": 2}])
def test_frame_holds_each_value_or_its_text(library, rows):
    """No library changes a value: what it cannot hold is JSON text, as in CSV."""
    make, read = READERS[library]
    names = [*dict.fromkeys(name for row in rows for name in row)]

    made = read(make(rows))

    if not names:
        return
    assert len(made) == len(rows)
    for name in names:
        column = [row.get(name) for row in made]
        wanted = [row.get(name) for row in rows]
        text = [v if v is None or isinstance(v, str) else json.dumps(v) for v in wanted]
        is_text = column == [
            v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False)
            for v in wanted
        ]
        assert same(column, wanted) or is_text, text


def test_plain_values_have_the_types_of_each_library():
    """The rows of a JSON result, with nulls."""
    rows = [{"n": 1, "f": 1, "t": "x", "b": True, "l": [1]}, {"f": 2.5, "t": None}]

    types = [str(dtype) for dtype in frames.to_polars(rows).dtypes]
    assert types == ["Int64", "Float64", "String", "Boolean", "List(Int64)"]
    types = [str(field.type) for field in frames.to_arrow(rows).schema]
    assert types == ["int64", "double", "string", "bool", "list<item: int64>"]
    types = [str(dtype) for dtype in frames.to_pandas(rows).dtypes]
    assert types == ["Int64", "Float64", "string", "boolean", "object"]


@given(
    names=st.lists(texts.filter(str.strip), min_size=1, max_size=3, unique=True),
    data=st.data(),
)
def test_csv_is_text_and_an_empty_cell_is_null(names, data):
    """By polars' own reader or by ours: a law, since one is there for speed alone."""
    cells = st.tuples(*[texts] * len(names))
    lines = cells.map(lambda line: dict(zip(names, line, strict=True)))
    filled = lines.filter(lambda row: any(map(str.strip, row.values())))
    rows = data.draw(st.lists(filled, min_size=1, max_size=4))
    wanted = [{name: cell or None for name, cell in row.items()} for row in rows]
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        write_csv(rows, path)
        try:
            [*RowFile(path, partial(result_error, "x"), "csv")]
        except errors.ResultError:
            return  # a header of one column with a semicolon
        for expected in (len(rows), None):
            raw = RowFile(path, partial(result_error, "x"), "csv", expected)
            frame = frames.to_polars(raw)
            assert (frame.columns, frame.to_dicts()) == (names, wanted)
            assert frames.to_arrow(raw).to_pylist() == wanted


def test_polars_reads_a_sound_file_itself(tmp_path):
    """Also one with quotes, commas and line ends in its cells."""
    text = 'a,"b,b"\r\n"1,1","x\ny"\r\n2,\r\n'
    raw = csv_file(tmp_path / "a.csv", text, 2)

    assert frames._read_csv(pl, raw).to_dicts() == [
        {"a": "1,1", "b,b": "x\ny"},
        {"a": "2", "b,b": None},
    ]
    assert frames.to_polars(csv_file(tmp_path / "b.csv", "a,b\n", 0)).shape == (0, 2)


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2\n3\n", "a,b\n1,2,3\n4,5\n", "a,a\n1,2\n3,4\n", "a,b\n1,2\n", "a,b\n1"],
)
def test_damaged_csv_gives_no_frame(text, tmp_path):
    """Short lines are nulls to polars; the error of `rows()` comes instead."""
    raw = csv_file(tmp_path / "a.csv", text, 2)

    for make in (frames.to_polars, frames.to_arrow, frames.to_pandas):
        with pytest.raises(errors.ResultError):
            make(raw)


def test_rows_in_the_constructors_of_the_libraries():
    """People write this first."""
    raw = [{"email": "a", "n": 1}, {"email": None, "n": 2}]
    rows = results(raw)

    assert pl.DataFrame(rows).to_dicts() == raw
    assert pd.DataFrame(rows)["n"].tolist() == [1, 2]
    assert pa.table(rows).to_pylist() == raw
    assert as_rows(rows) == raw


@pytest.mark.parametrize("has_polars", [True, False])
def test_run_gives_frames_and_takes_them(has_polars, tmp_path, monkeypatch):
    """A table of each library is the same rows, so the same run."""
    if not has_polars:
        monkeypatch.setitem(sys.modules, "polars", None)
    rows = [{"email": "ada@example.com"}, {"email": "grace@example.com"}]
    with (
        Emulator() as emulator,
        Client("k", base_url=emulator.url, journal=None) as client,
    ):
        client.deploy(leads())
        run = client.run(leads(), rows).wait(every=0.01)
        for table in (
            pl.DataFrame(rows),
            pd.DataFrame(rows),
            pa.table(pl.DataFrame(rows)),
        ):
            again = client.run(leads(), table)
            assert (again.id, again.is_attached) == (run.id, True)
        dicts = run.to_dicts()
        (file,) = run.download(tmp_path / "rows.parquet")
        with pytest.raises(errors.RowsError):
            run.download(tmp_path / "rows.parquet")
        assert pl.read_parquet(file).to_dicts() == dicts
        assert run.to_arrow().to_pylist() == dicts
        assert run.to_pandas().to_dict("records") == dicts
        if has_polars:
            assert run.to_polars().to_dicts() == dicts
        else:
            with pytest.raises(errors.ConfigError, match="polars is not installed"):
                run.to_polars()


# -- Tables as rows -------------------------------------------------------------------

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def sent(rows):
    return build_payload(WEBHOOK, as_rows(rows))["webhook_payload"]


def test_values_of_tables_become_json():
    """Dates are ISO 8601, decimals numbers, nulls null; NaN of pandas is a null."""
    columns = {
        "email": ["a", None],
        "day": [date(2026, 1, 2), None],
        "at": [MOMENT, None],
        "price": [Decimal("12.50"), None],
        "n": [2**53 - 1, None],
        "l": [[1], None],
    }
    wanted = [
        {
            "email": "a",
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:05+00:00",
            "price": 12.5,
            "n": 2**53 - 1,
            "l": [1],
        },
        dict.fromkeys(columns),
    ]

    for table in (
        pl.DataFrame(columns),
        pa.table(columns),
        pd.DataFrame(columns, dtype=object),
        pd.DataFrame({**columns, "n": pd.array(columns["n"], dtype="Int64")}),
    ):
        assert sent(table) == wanted


def test_numpy_values_become_json():
    """Also in a list of mappings."""
    row = {"email": np.str_("a"), "n": np.int64(3), "f": np.float32(0.5)}
    row |= {"b": np.bool_(True), "l": np.array([1, 2])}

    wanted = {"email": "a", "n": 3, "f": 0.5, "b": True, "l": [1, 2]}
    assert sent([row]) == [wanted]
    assert sent(pd.DataFrame([row])) == [wanted]
    assert sent(pd.DataFrame({"email": ["a"], "f": [np.nan]})) == [
        {"email": "a", "f": None}
    ]


@pytest.mark.parametrize(
    ("table", "place"),
    [
        (pl.DataFrame({"email": ["a", "b"], "x": [1.0, float("nan")]}), "row 2 /x"),
        (pa.table({"email": ["a"], "x": pa.array([float("inf")])}), "row 1 /x"),
        (pl.DataFrame({"email": ["a"], "x": [b"raw"]}), "row 1 /x"),
        (pd.DataFrame({"email": ["a"], "x": [pd.Timedelta(1)]}), "row 1 /x"),
        (pd.DataFrame({"email": ["a"], "x": [2**60]}), "row 1 /x"),
        (pd.DataFrame({"email": ["a"], "x": [Decimal("0." + "1" * 30)]}), "row 1 /x"),
        (pd.DataFrame({"email": ["a"], 7: [1]}), "the key 7"),
        (pd.DataFrame([["a", "b"]], columns=["email", "email"]), "one name"),
        (pa.table([["a"], ["b"]], names=["email", "email"]), "one name"),
        (
            pa.table({"email": ["a"], "x": pa.array([10**13], pa.timestamp("s"))}),
            "of the table",
        ),
        ([{"email": "a", "x": pd.NaT}], "row 1 /x"),
        ([{"email": "a", "x": np.datetime64(1, "ns")}], "row 1 /x"),
        (pl.DataFrame({"email": ["a"]}).lazy(), "not a list of rows"),
        (pl.DataFrame({"mail": ["a"]}), "is missing in row 1"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(table, place):
    """Before anything is sent."""
    with pytest.raises(errors.RowsError, match=place):
        sent(table)
