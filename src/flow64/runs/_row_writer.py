"""Write rows to CSV or NDJSON files that are complete or absent."""

from __future__ import annotations

import csv
import json
import os
import stat
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol, TextIO, TypeAlias

from attrs import frozen

from ..definition import is_encodable
from ..errors import ArgumentError, SaveError, shortened
from ..files import NewFile, sweep
from ._row_reader import Raw
from ._save_error import CSV, NDJSON, raise_save_error, require_ending, require_free


class Writable(Protocol):
    """An open text file, or any object that takes text."""

    def write(self, text: str, /) -> Any:
        """Write some text."""


Report: TypeAlias = Callable[[int, int | None], object]
"""Takes the number of rows that were written so far, and of all if that is known."""

STEP: Final = 1000
"""Rows between two reports."""


def report_rows(
    rows: Iterable[Raw], total: int | None, report: Report | None
) -> Iterator[Raw]:
    """Yield rows, and report their number at the start, at each step and at the end.

    Args:
        rows: The rows.
        total: Their number; None if it is not known.
        report: None reports nothing.
    """
    if report is None:
        yield from rows
        return
    count = 0
    report(0, total)
    for count, row in enumerate(rows, start=1):
        yield row
        if count % STEP == 0:
            report(count, total)
    if count % STEP:
        report(count, total)


def label_rows(
    parts: Iterable[tuple[str, Iterable[Raw]]], column: str
) -> Iterator[Raw]:
    """Yield the rows of several runs, each with the id of its run in the first column.

    Raises:
        ArgumentError: The rows have a column of that name already.
    """
    for run_id, rows in parts:
        for row in rows:
            if column in row:
                problem = f"the rows of run {run_id} have a column {column!r}"
                advice = "name another one for the run: run_column=..."
                raise ArgumentError("runs.to_csv", f"{problem}; {advice}")
            yield {column: run_id, **row}


def write_csv(
    rows: Iterable[Raw],
    path: str | os.PathLike[str] | Writable,
    *,
    safe: bool = False,
    overwrite: bool = False,
) -> int:
    """Write rows as CSV (UTF-8, lines end with CR LF), and return their number.

    The columns are those of all rows, in the order in which they first occur. Lists,
    dicts, numbers and truth values are JSON text in their cells. None and a missing
    column are an empty cell.

    Args:
        rows: The rows; read once.
        path: A file that will be complete or absent, or an open text file.
        safe: Put a single quote before text that begins with `=`, `+`, `-`, `@`, a tab
            or a carriage return, which a spreadsheet may run as a formula. It changes
            what other programs read, so it is off by default.
        overwrite: Replace an existing file.

    Raises:
        SaveError: The file cannot be written or ends like one of another format, or a
            value is not JSON.
    """
    require_ending(path, CSV)
    with _open_target(path, overwrite=overwrite) as out, out.spool() as spool:
        columns: dict[str, None] = {}
        count = 0
        spooled = _Out(spool, out.path)
        for row in rows:
            count += 1
            columns |= dict.fromkeys(_check_row(row, out.path, count))
            cells = [_format_cell(row, name, safe, out.path, count) for name in columns]
            spooled.write(json.dumps(cells) + "\n")
        header = [_quote_formula(name, safe) for name in columns]
        # Quoted, since a reader would drop it as the byte order mark of the file.
        is_mark = bool(header) and header[0].startswith("\ufeff")
        first = csv.writer(out, quoting=csv.QUOTE_ALL if is_mark else csv.QUOTE_MINIMAL)
        first.writerow(header)
        with raise_save_error(out.path):
            spool.seek(0)
        writer = csv.writer(out)
        for line in spool:
            cells = json.loads(line)
            writer.writerow(cells + [""] * (len(columns) - len(cells)))
    return count


def write_ndjson(
    rows: Iterable[Raw],
    path: str | os.PathLike[str] | Writable,
    *,
    overwrite: bool = False,
) -> int:
    """Write rows as NDJSON (UTF-8, one JSON object a line), and return their number.

    Types survive. Numbers that JSON lacks are written as Python does (`NaN`).

    Args:
        rows: The rows; read once.
        path: A file that will be complete or absent, or an open text file.
        overwrite: Replace an existing file.

    Raises:
        SaveError: The file cannot be written or ends like one of another format, or a
            value is not JSON.
    """
    require_ending(path, NDJSON)
    count = 0
    with _open_target(path, overwrite=overwrite) as out:
        for row in rows:
            count += 1
            line = _format_json(
                _check_row(row, out.path, count), out.path, f"row {count}"
            )
            if not is_encodable(line):
                line = json.dumps(dict(row))  # half a surrogate pair, as an escape
            out.write(line + "\n")
    return count


@frozen
class _Out:
    """Writes text to a file; errors name that file."""

    file: Writable
    path: str
    folder: Path | None = None

    def write(self, text: str) -> None:
        with raise_save_error(self.path):
            self.file.write(text)

    @contextmanager
    def spool(self) -> Generator[TextIO]:
        """Open a file without a name in the folder of the target: it has room."""
        with raise_save_error(self.path):
            file = tempfile.TemporaryFile(  # noqa: SIM115 - closed below
                "w+", encoding="utf-8", newline="", dir=self.folder
            )
        try:
            yield file
        finally:
            with suppress(OSError):  # its end is not written if the disk is full
                file.close()


@frozen
class _Utf8:
    """Writes text to a binary file."""

    file: BinaryIO

    def write(self, text: str) -> None:
        self.file.write(text.encode())


@contextmanager
def _open_target(
    path: str | os.PathLike[str] | Writable, *, overwrite: bool
) -> Generator[_Out]:
    """Open a file that is complete or absent, or take a file that is open.

    A new file gets the usual mode, and a file that replaces another one gets its mode.
    A symbolic link is replaced, not the file that it points to.

    Raises:
        SaveError: The file exists, or cannot be written.
    """
    if not isinstance(path, str | os.PathLike):
        yield _Out(path, str(getattr(path, "name", "the file")))
        return
    target = Path(path)
    require_free(target, overwrite=overwrite)
    with raise_save_error(target):
        sweep(target.parent)
        new = NewFile(target.parent, mode=0o666)
    with closing(new):
        with raise_save_error(target):
            if target.is_file() and not target.is_symlink():
                new.path.chmod(stat.S_IMODE(target.lstat().st_mode))
        yield _Out(_Utf8(new.file), str(target), target.parent)
        with raise_save_error(target):
            new.move_to(target, overwrite=overwrite)


def _check_row(row: Raw, path: str, number: int) -> Raw:
    """Refuse a row that is not a mapping with text for names."""
    given: Any = row
    if not isinstance(given, Mapping):
        problem = f"row {number} is {shortened(given)}, and not a mapping of columns"
        raise SaveError(path, problem)
    for name in row:
        if not isinstance(name, str):
            problem = (
                f"row {number} has a column {shortened(name)}, which is not a text"
            )
            raise SaveError(path, problem)
    return row


def _format_cell(row: Raw, name: str, safe: bool, path: str, number: int) -> str:
    value = row.get(name)
    if value is None:
        return ""
    place = f"row {number}, column {shortened(name)}"
    if isinstance(value, str):
        text = _quote_formula(value, safe)
    else:
        # A number is not a formula, even one that begins with a minus.
        text = _format_json(value, path, place)
    if not (is_encodable(text) and is_encodable(name)):
        problem = f"{place}: half a surrogate pair is not UTF-8; NDJSON can hold it"
        raise SaveError(path, problem)
    return text


def _quote_formula(text: str, safe: bool) -> str:
    return f"'{text}" if safe and text.startswith(_FORMULA) else text


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def _format_json(value: Any, path: str, place: str) -> str:
    try:
        given = dict(value) if isinstance(value, Mapping) else value
        return json.dumps(given, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SaveError(path, f"{place} is not JSON: {error}") from error
