"""CSV: parse the text of a table, and write one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

LONGEST_CELL: Final = 131_072
"""Maximum characters of a value: the default limit of Python's `csv`."""


def parse_csv(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the rows of a table. All values are text. Empty lines are ignored.

    Raises:
        ValueError: The header is missing or has an empty or repeated name, a row has
            another length, a quote does not end, or a value is too long.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = next(filter(None, reader), [])
        _check_header(header)
        for values in filter(None, reader):
            if len(values) != len(header):
                problem = f"{len(values)} values for {len(header)} columns"
                raise ValueError(f"line {reader.line_num}: {problem}")
            if max(map(len, values)) > LONGEST_CELL:  # the limit of `csv` is global
                problem = f"field larger than {LONGEST_CELL}"
                raise ValueError(f"line {reader.line_num}: {problem}")
            yield dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error


def _check_header(header: Sequence[str]) -> None:
    if not header:
        raise ValueError("it has no header")
    if "" in header:
        raise ValueError("a column has no name")
    if len(set(header)) < len(header):
        raise ValueError("two columns have the same name")
    if len(header) == 1 and ";" in header[0]:
        raise ValueError("its header has ';' where a comma separates columns")


def format_csv(cells: Iterable[Sequence[str]]) -> bytes:
    """Return lines of cells as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(cells)
    return text.getvalue().encode()


def format_cell(value: Any) -> str:
    """Return a value as the text of a cell: text as it is, others as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
