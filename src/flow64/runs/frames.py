"""Tables of polars, pandas and pyarrow: given as rows, and made of rows.

These libraries are imported when a frame is asked for. flow64 needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, time
from decimal import Decimal
from functools import partial
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Any, Final, Protocol, TypeAlias

from .. import errors
from .rows import Raw, RowFile, format_cell, list_columns, rows_error, write_file

RawRows: TypeAlias = RowFile | Sequence[Raw]
Convert: TypeAlias = Callable[[Any], Any]


def load(*names: str) -> Any:
    """Import the first of some libraries that is installed.

    Raises:
        ConfigError: None of them is.
    """
    for name in names:
        with suppress(ModuleNotFoundError):
            return import_module(name)
    problem = f"{' or '.join(names)} is not installed"
    raise errors.ConfigError(problem, hint=f"pip install {names[0]}")


# -- Tables as rows -------------------------------------------------------------------


class ArrowTable(Protocol):
    """A table of polars, pandas or pyarrow, for type checkers."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


def rows_of(table: Any) -> Sequence[Raw] | None:
    """Return the rows of a table; None if it is something else.

    Raises:
        RowsError: Two columns have one name, so that one would be lost; or Python has
            no such value.
    """
    for kind in type(table).__mro__:
        name = f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
        if (read := _READERS.get(name)) is None:
            continue
        names = [*getattr(table, "column_names", table.columns)]
        if len({*names}) < len(names):
            raise rows_error([f"two columns of the table have one name: {names}"])
        try:
            rows: Sequence[Raw] = read(table)
        except (ValueError, OverflowError) as error:  # a date beyond year 9999
            raise rows_error([f"a value of the table: {error}"]) from None
        return rows
    return None


def _read_pandas(table: Any) -> Any:
    part = table.astype(object)
    return part.where(part.notna(), None).to_dict("records")  # NaN is a missing value


_READERS: Final[Mapping[str, Convert]] = {
    "polars.DataFrame": lambda table: table.to_dicts(),
    "pyarrow.Table": lambda table: table.to_pylist(),
    "pandas.DataFrame": _read_pandas,
}


def as_json(value: Any) -> Any:
    """Return a date, a decimal or a value of numpy as JSON data; another one as it is.

    What would lose digits stays as it is, and is refused with its place.
    """
    if isinstance(value, date | time) and value == value:  # noqa: PLR0124 - not so NaT
        return value.isoformat()
    if isinstance(value, Decimal) and value.is_finite():
        number = float(value)
        return number if Decimal(repr(number)) == value else value
    kind = getattr(getattr(value, "dtype", None), "kind", "M")
    return value if kind in "mM" or not hasattr(value, "tolist") else value.tolist()


# -- Rows as frames -------------------------------------------------------------------


def to_polars(raw: RawRows) -> Any:
    """Return rows as a frame of polars. A column of several types is JSON text."""
    polars = load("polars")
    if (frame := _read_csv(polars, raw)) is not None:
        return frame

    def infer(values: list[Any]) -> Any:
        return polars.DataFrame([{"": v} for v in values], infer_schema_length=None)[""]

    return polars.DataFrame(_build(raw, polars.Series.to_list, polars.Series, infer))


def to_arrow(raw: RawRows) -> Any:
    """Return rows as an Arrow table. A column of several types is JSON text."""
    arrow = load("pyarrow")
    return arrow.table(_build(raw, arrow.Array.to_pylist, arrow.array))


def to_pandas(raw: RawRows) -> Any:
    """Return rows as a frame of pandas, with its types that have a null."""
    pandas = load("pandas")

    def read(column: Any) -> Any:
        return column.astype(object).where(column.notna(), None).tolist()

    objects = partial(pandas.Series, dtype=object)
    columns = _build(raw, read, lambda v: objects(v).convert_dtypes(), objects)
    return pandas.DataFrame(columns)


def to_frame(raw: RawRows) -> Any:
    """Return rows as a frame of polars, or else as an Arrow table."""
    library = load("polars", "pyarrow")
    return (to_polars if library.__name__ == "polars" else to_arrow)(raw)


def save_parquet(raw: RawRows, target: Path, *, overwrite: bool = False) -> None:
    """Save rows as Parquet, by polars or else by pyarrow.

    Raises:
        RowsError: The file exists, or cannot be written.
    """
    with write_file(target, overwrite=overwrite) as new:
        write = getattr(frame := to_frame(raw), "write_parquet", None)
        write = write or partial(load("pyarrow.parquet").write_table, frame)
        write(new.file)


def _columns(raw: RawRows) -> dict[str, list[Any]]:
    """Return the columns in the order in which they first occur, read row by row."""
    is_csv = isinstance(raw, RowFile) and raw.form == "csv"
    names = list_columns(raw) if is_csv else ()
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for count, row in enumerate(raw):
        columns |= {name: [None] * count for name in row if name not in columns}
        for name, values in columns.items():
            value = row.get(name)
            values.append(None if is_csv and value == "" else value)
    return columns


def _build(raw: RawRows, read: Convert, *makers: Convert) -> dict[str, Any]:
    """Return the columns of a library. One that it would change is JSON text.

    Args:
        raw: The rows.
        read: Returns a column as a list.
        *makers: Make a column of a list; the first one takes every text.
    """

    def fit(values: list[Any]) -> Any:
        for make in makers:
            with suppress(Exception):  # libraries have errors of many classes
                column = make(values)
                if _is_same(read(column), values):
                    return column
        return makers[0]([None if v is None else format_cell(v) for v in values])

    return {name: fit(values) for name, values in _columns(raw).items()}


def _is_same(copy: Any, value: Any) -> bool:
    """Return True if a library holds a value. A missing key of an object is null."""
    if isinstance(value, dict) and isinstance(copy, dict):
        return all(_is_same(copy.get(k), value.get(k)) for k in {*copy, *value})
    if isinstance(value, list) and isinstance(copy, list):
        kinds = {*map(type, value)} - {NoneType}
        if len(kinds) == 1 and kinds <= {str, bool, int, float}:
            return copy == value and {*map(type, copy)} - {NoneType} == kinds
        return len(copy) == len(value) and all(map(_is_same, copy, value))
    return bool(copy == value) and isinstance(copy, bool) == isinstance(value, bool)


def _read_csv(polars: Any, raw: RawRows) -> Any:
    """Return a CSV file as polars itself reads it, which is many times faster.

    polars fills a short line with nulls. So the commas of the file are counted: they
    are those between the cells of each line, and those inside of cells. None if that
    does not prove the frame, or if it is not a CSV file.
    """
    if not isinstance(raw, RowFile) or raw.form != "csv":
        return None
    names, count = raw.columns(), 0
    with suppress(Exception):  # what is wrong with the file, our own reader says
        frame = polars.read_csv(raw.path, infer_schema=False, glob=False)
        with raw.path.open("rb") as file:
            while part := file.read(1 << 20):
                count += part.count(b",")
        inside = polars.all().str.count_matches(",", literal=True).sum()
        commas = (len(names) - 1) * (len(frame) + 1) + "".join(names).count(",")
        is_whole = count == commas + sum(frame.select(inside).row(0))
        if is_whole and (frame.columns, len(frame)) == (names, raw.expected):
            return frame
    return None
