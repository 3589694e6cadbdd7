"""Rows of files, one by one: CSV, JSON and NDJSON are read, and CSV is written.

Only a few rows are in memory at a time, so a file may have any size.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

from attrs import frozen

from .. import errors
from ..files import NewFile, reason_of, sweep
from ..text import pluralize, printable, shortened

Raw: TypeAlias = Mapping[str, Any]
"""One row: the values of all columns by name."""


class CsvRow(dict[str, Any]):
    """A row of a CSV file: each value is a text, even if a number is meant."""


Fail: TypeAlias = Callable[..., errors.FlowError]
"""Makes the error of a file of rows."""

LONGEST_ROW: Final = 1 << 25
"""Most characters of a row, or of a cell of CSV. A longer one is taken for a quote or a
bracket without an end, which would fill the memory."""

CHUNK: Final = 1 << 18
"""Characters of JSON to read at once."""

FORMS: Final = {".csv": "csv", ".json": "json", ".jsonl": "ndjson", ".ndjson": "ndjson"}
"""Formats of rows, by the suffix of a file."""


@frozen
class RowFile:
    """The rows of a file in UTF-8, each time it is iterated over.

    In CSV every cell is text, and blank lines are skipped.

    Iterating raises an error, after the rows before that place, if the file is cut off,
    broken, not in UTF-8, or has another number of rows.

    Attributes:
        path: The file.
        fail: Makes an error of what is wrong, and of the line if that is known.
        form: csv, json or ndjson.
        expected: The number of rows, if it is known. Only this shows that a CSV file
            was cut off between two lines.
    """

    path: Path
    fail: Fail
    form: str
    expected: int | None = None

    def __iter__(self) -> Iterator[Raw]:
        count = 0
        with self._open() as file:
            for row in rows_in(file, self.form, self.fail):
                count += 1
                yield row
        if self.expected is not None and count != self.expected:
            problem = f"it has {pluralize(count, 'row')}, and the service says"
            raise self.fail(f"{problem} {self.expected}")

    def columns(self) -> Sequence[str]:
        """Return the header of a CSV file."""
        with self._open() as file:
            _, header = next(_csv_lines(file, self.fail), (1, []))
        return header

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        try:
            with self.path.open("rb") as file:
                yield file
        except OSError as error:
            raise self.fail(f"it cannot be read: {reason_of(error)}") from error


def rows_in(file: BinaryIO, form: str, fail: Fail) -> Iterator[Raw]:
    """Yield the rows of an open file; see `RowFile`."""
    return (_csv_rows if form == "csv" else _json_rows)(file, fail)


def rows_error(problems: Sequence[str], **facts: Any) -> errors.RowsError:
    """Return the error of rows that cannot be sent."""
    listed = errors.list_lines(problems, most=20)
    words = f"these rows cannot be sent, and nothing was sent:{listed}"
    return errors.RowsError(words, problems=problems, **facts)


def result_error(
    name: str, problem: str, line: int | None = None
) -> errors.ResultError:
    """Return the error of a file that is not what its name says."""
    place = "" if line is None else f":{line}"
    return errors.ResultError(
        f"result {printable(name)}{place}: {printable(problem)}",
        hint="download it again, or look at the file",
        line=line,
    )


# -- CSV ------------------------------------------------------------------------------


def _text_lines(file: BinaryIO, fail: Fail) -> Iterator[str]:
    """Yield the lines of a file, with their ends."""
    number = 0
    while line := file.readline(LONGEST_ROW + 1):
        number += 1
        if len(line) > LONGEST_ROW:
            raise fail(f"it has {LONGEST_ROW} bytes in one line", number)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise fail(f"it is not in UTF-8 ({error.reason})", number) from None


def _csv_lines(file: BinaryIO, fail: Fail) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of CSV that are not blank, each with its number."""
    # Lists and dicts stand as JSON in one cell, which may be a long one. The limit is
    # one for the whole process, so it is never lowered.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_ROW))
    reader = csv.reader(_text_lines(file, fail), strict=True)
    try:
        for cells in reader:
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        raise fail(f"it is not valid CSV: {error}", reader.line_num) from None


def _csv_rows(file: BinaryIO, fail: Fail) -> Iterator[Raw]:
    lines = _csv_lines(file, fail)
    _, header = next(lines, (1, []))
    if problem := _describe_header(header):
        raise fail(problem, 1)
    for number, cells in lines:
        if problem := _describe_line(cells, len(header)):
            raise fail(problem, number)
        yield CsvRow(zip(header, cells, strict=True))


def _describe_header(header: Sequence[str]) -> str:
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        return f"its header has two columns {shortened(twice[0])}"
    if len(header) == 1 and (signs := set(";\t|") & set(header[0])):
        return f"its header is one column: write commas in place of {min(signs)!r}"
    return ""


def _describe_line(cells: Sequence[str], width: int) -> str:
    if len(cells) != width:
        has = f"it has {pluralize(len(cells), 'cell')} of {width}"
        return f"{has}; put a cell that holds a comma in quotes"
    if not any(cell.strip() for cell in cells):
        return "the row is empty"
    return "a cell has a NUL character" if "\0" in "".join(cells) else ""


# -- JSON -----------------------------------------------------------------------------


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        key = shortened(max(counts, key=counts.__getitem__))
        raise ValueError(f"the key {key} stands twice; keep one of them")
    return row


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_refuse_repeated_keys)


def _json_rows(file: BinaryIO, fail: Fail) -> Iterator[Raw]:
    """Yield the objects of a list, or those that follow each other, one by one.

    The text in memory doubles while a row does not fit, so the work is linear.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    held, at, count, before, end = "", 0, 0, _START, _EMPTY
    try:
        while True:
            problem = "is cut off, or no object"
            if gap := before.match(held, at):
                try:
                    row, at = _DECODER.raw_decode(held, gap.end())
                except json.JSONDecodeError as error:
                    problem = f"is broken or cut off: {error.msg}"
                else:
                    if count == 0:
                        before, end = _IN_LIST if "[" in gap[0] else _IN_LINES
                    count += 1
                    yield row
                    continue
            held, at = held[at:], 0
            part = text.read(max(CHUNK, len(held)))
            if not part or len(held) > LONGEST_ROW:
                break
            held += part
    except (ValueError, RecursionError) as error:
        raise fail(f"row {count + 1} cannot be read: {error}") from None
    finally:
        text.detach()  # the file is closed by its owner
    if not end.fullmatch(held):
        raise fail(f"row {count + 1} {problem}")


_START: Final = re.compile(r"\s*\[?\s*(?=\{)")
_EMPTY: Final = re.compile(r"\s*(\[\s*\])?\s*")
_IN_LIST: Final = re.compile(r"\s*,\s*(?=\{)"), re.compile(r"\s*\]\s*")
_IN_LINES: Final = re.compile(r"\s*(?=\{)"), re.compile(r"\s*")
"""What stands before each further object, and what at the end."""


# -- Writing --------------------------------------------------------------------------


def list_columns(rows: Iterable[Raw]) -> Sequence[str]:
    """Return the columns in the order in which they first occur; of CSV, the header."""
    if isinstance(rows, RowFile) and rows.form == "csv":
        return rows.columns()
    return [*dict.fromkeys(name for row in rows for name in row)]


def write_csv(
    rows: Iterable[Raw],
    path: str | os.PathLike[str],
    *,
    safe: bool = False,
    overwrite: bool = False,
) -> int:
    """Write rows as CSV (UTF-8, lines end with CR LF), and return their number.

    Lists, dicts, numbers and truth values are JSON text in their cells. None and a
    missing column are an empty cell.

    Args:
        rows: The rows. They are iterated over twice: for the columns of all of them, in
            the order in which they first occur, and to write them.
        path: A file that will be complete or absent.
        safe: Put a single quote before text that begins with `=`, `+`, `-`, `@`, a tab
            or a carriage return, which a spreadsheet may run as a formula.
        overwrite: Replace an existing file.

    Raises:
        RowsError: The file cannot be written, or a value is not JSON.
    """
    count = 0
    with write_file(Path(path), overwrite=overwrite) as new:
        names = list_columns(rows)
        text = io.TextIOWrapper(new.file, "utf-8", newline="", write_through=True)
        writer = csv.writer(text)
        if names:
            writer.writerow([_quote_formula(name, safe) for name in names])
        for row in rows:
            count += 1
            writer.writerow([format_cell(row.get(name), safe) for name in names])
        text.flush()
        text.detach()
    return count


@contextmanager
def write_file(target: Path, *, overwrite: bool) -> Iterator[NewFile]:
    """Open a file that gets its name when it is complete.

    A symbolic link is replaced, not the file that it points to.

    Raises:
        RowsError: It exists, is a folder, device or FIFO, or cannot be written.
    """
    require_free(target, overwrite=overwrite)
    try:
        sweep(target.parent)
        with closing(NewFile(target.parent, mode=0o666)) as new:
            yield new
            new.move_to(target, overwrite=overwrite)
    except errors.FlowError:  # an answer that is lost is a ConnectionError
        raise
    except OSError as error:
        raise save_error(target, reason_of(error)) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise save_error(target, str(error)) from None


def require_free(target: Path, *, overwrite: bool) -> None:
    """Refuse a target that exists, before anything is downloaded for it.

    Raises:
        RowsError: It exists, or is a folder, a device or a FIFO.
    """
    is_there = os.path.lexists(target)
    with suppress(OSError):
        if is_there and not (target.is_file() or target.is_symlink()):
            raise save_error(target, "it is a folder, a device or a pipe")
    if is_there and not overwrite:
        advice = "name another place, or replace it:"
        facts = {"hint": f"{advice} overwrite=True", "option": f"{advice} --overwrite"}
        raise save_error(target, "it exists", **facts)


def save_error(target: Path, problem: str, **facts: Any) -> errors.RowsError:
    """Return the error of a file that could not be written."""
    message = f"{printable(str(target))} was not written: {printable(problem)}"
    return errors.RowsError(message, **facts)


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def format_cell(value: Any, safe: bool = False) -> str:
    """Return a value as the text of a cell: JSON, unless it is text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _quote_formula(value, safe)
    # A number is not a formula, even one that begins with a minus.
    return json.dumps(value, ensure_ascii=False)


def _quote_formula(text: str, safe: bool) -> str:
    return f"'{text}" if safe and text.startswith(_FORMULA) else text
