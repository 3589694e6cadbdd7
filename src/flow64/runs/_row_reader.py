"""Read the rows of a result file one by one: JSON, NDJSON or CSV.

Only a few rows are in memory at a time, so a file may have any size.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn, TextIO, TypeAlias

from attrs import define

from ..errors import ResultError, shortened
from ..text import describe_stray_comma, pluralize

Raw: TypeAlias = Mapping[str, Any]
"""One row: the values of all columns by name."""

CHUNK: Final = 1 << 18
"""Characters to read at once."""

LONGEST_CELL: Final = 1 << 28
"""Most characters of a CSV cell. A longer one is taken for a quote without an end,
which would fill the memory."""


def read_rows(
    path: str | os.PathLike[str],
    *,
    content_type: str,
    name: str,
    expected: int | None = None,
    needs_end: bool = False,
    is_input: bool = False,
) -> Iterator[Raw]:
    """Yield the rows of a result file: JSON, NDJSON or CSV, in UTF-8.

    In CSV every cell is text. A line with too few cells gives None for the missing
    ones. A column without a name of its own gets one: a second `email` in the third
    place is `email#3`, and a fifth cell under a header of four is `#5`. Blank lines are
    skipped. The JSON constants `NaN` and `Infinity` are read as Python reads them.

    Args:
        path: The file.
        content_type: Its type, as the service says. If that does not tell, the suffix
            of `name` does, and the default is CSV.
        name: Its name at the service, also for errors.
        expected: The number of rows, if it is known. Only this shows that a CSV file
            was cut off between two lines.
        needs_end: Refuse a CSV file that has a last line without a line end, since its
            last cell may be cut off.
        is_input: Refuse JSON with a key that stands twice in an object, since one of
            its values would be lost.

    Raises:
        ResultError: The file is cut off, broken or not in UTF-8, or has another number
            of rows. It is raised while rows are read, after the rows before that place.
    """
    try:
        with Path(path).open("rb") as file:
            yield from rows_in(
                file,
                content_type=content_type,
                name=name,
                expected=expected,
                needs_end=needs_end,
                is_input=is_input,
            )
    except OSError as error:
        raise ResultError(name, f"it cannot be read: {error}") from error


def rows_in(
    file: BinaryIO,
    *,
    content_type: str,
    name: str,
    expected: int | None = None,
    needs_end: bool = False,
    is_input: bool = False,
    chunk: int = CHUNK,
) -> Generator[Raw]:
    """Yield the rows of an open file that can be rewound; see `read_rows`."""
    form = _choose_format(content_type, name)
    # Line ends as they are in all of them: they may be part of a cell or of a text.
    newline = "\n" if form == "ndjson" else ""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline)
    rows: Iterator[Raw]
    decoder = _STRICT_DECODER if is_input else _DECODER
    match form:
        case "ndjson":
            rows = _ndjson_rows(text, name, decoder)
        case "json":
            rows = _JsonList(text, name, chunk, decoder).rows()
        case _:
            rows = _csv_rows(
                text, name, lacks_line_end=_lacks_line_end(file), needs_end=needs_end
            )
    count = 0
    try:
        for row in rows:
            count += 1
            yield row
    except UnicodeDecodeError as error:
        line, offset = _find_bad_bytes(file)
        problem = f"it is not in UTF-8 ({error.reason})"
        raise ResultError(name, problem, line, offset) from error
    finally:
        text.detach()  # so that it does not close what is not its own
    if expected is not None and count != expected:
        problem = f"it has {pluralize(count, 'row')}, and the service says {expected}"
        raise ResultError(name, problem)


def refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. For `object_pairs_hook`.

    Raises:
        ValueError: A key stands twice.
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key in counts if counts[key] > 1)
        raise ValueError(f"the key {shortened(twice)} stands twice; keep one of them")
    return made


_DECODER: Final = json.JSONDecoder()
_STRICT_DECODER: Final = json.JSONDecoder(object_pairs_hook=refuse_repeated_keys)

_WORD: Final = re.compile(r"[a-z]+")


def _choose_format(content_type: str, name: str) -> str:
    """Return csv, json or ndjson, by the content type or else by the name."""
    suffix = _FORMATS.get(name.rpartition(".")[2].lower(), "csv")
    said = {_FORMATS.get(word) for word in _WORD.findall(content_type.lower())}
    if "json" in said and suffix == "ndjson":
        return suffix  # a type of its own is not known everywhere
    return next((form for form in ("ndjson", "json", "csv") if form in said), suffix)


_FORMATS: Final = {"csv": "csv", "json": "json", "jsonl": "ndjson", "ndjson": "ndjson"}


def _lacks_line_end(file: BinaryIO) -> bool:
    """Return True if the last line of a file has no line end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    last = file.read(1)
    file.seek(0)
    return last not in b"\r\n"


def _find_bad_bytes(file: BinaryIO) -> tuple[int, int]:
    """Return line and offset of the first bytes that are not UTF-8.

    They are looked for afterwards, so that good files are read at full speed.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, read = 1, 0
    file.seek(0)
    while True:
        chunk = file.read(CHUNK)
        read += len(chunk)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            # The decoded bytes end at the last byte that was read.
            offset = read - len(error.object) + error.start
            return line + error.object.count(b"\n", 0, error.start), offset
        line += chunk.count(b"\n")


def _csv_rows(
    text: TextIO, name: str, *, lacks_line_end: bool, needs_end: bool
) -> Iterator[Raw]:
    # Lists and dicts stand as JSON in one cell, which may be a long one. The limit is
    # one for the whole process, so it is never lowered.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
    lines = csv.reader(text, strict=True)
    names: Sequence[str] = ()
    is_short = False
    try:
        for cells in lines:
            if not cells:
                continue
            if not names:
                names = _name_columns(cells)
                continue
            is_short = len(cells) < len(names)
            # The plain way for plain lines, since it is the fast one.
            plain = len(cells) == len(names)
            yield dict(
                zip(names, cells, strict=True) if plain else _fill_cells(names, cells)
            )
    except csv.Error as error:
        raise ResultError(
            name, f"it is not valid CSV: {error}", lines.line_num
        ) from error
    if is_short and lacks_line_end:
        raise ResultError(name, "it ends within a line", lines.line_num)
    if needs_end and lacks_line_end:
        problem = "its last line has no line end, so it may be cut off"
        raise ResultError(name, problem, lines.line_num)


def _name_columns(cells: Sequence[str]) -> Sequence[str]:
    """Return distinct names for a header. The first of equal names keeps it."""
    taken = set(cells)
    seen: set[str] = set()
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = cell
        if cell in seen:
            name = _find_free_name(cell, place, taken)
            taken.add(name)
        seen.add(name)
        names.append(name)
    return names


def _find_free_name(name: str, place: int, taken: set[str]) -> str:
    while True:
        name += f"#{place}"
        if name not in taken:
            return name


def _fill_cells(
    names: Sequence[str], cells: Sequence[str]
) -> Iterator[tuple[str, str | None]]:
    """Yield the cells of a line that has fewer or more cells than the header."""
    yield from zip(names, cells, strict=False)
    for name in names[len(cells) :]:
        yield name, None
    taken = set(names)
    for place in range(len(names), len(cells)):
        name = _find_free_name("", place + 1, taken)
        taken.add(name)
        yield name, cells[place]


def _ndjson_rows(
    lines: Iterable[str], name: str, decoder: json.JSONDecoder
) -> Iterator[Raw]:
    for number, line in enumerate(lines, start=1):
        if not line.strip(_BLANK):
            continue
        try:
            row = decoder.decode(line)
        except (ValueError, RecursionError) as error:
            problem = f"it is not valid JSON: {error}"
            if line.rstrip(_BLANK).endswith("},"):
                problem = "a comma follows the row; leave it out: each line is one row"
            raise ResultError(name, problem, number) from error
        if not isinstance(row, dict):
            problem = f"a row is an object, not {shortened(row)}"
            raise ResultError(name, problem, number)
        yield row


_BLANK: Final = " \t\n\r"


@define
class _JsonList:
    """A JSON list of objects, decoded row by row.

    The text in memory doubles while a row does not fit. So the work is linear in the
    length of the file, however long a row is.
    """

    file: TextIO
    name: str
    chunk: int
    decoder: json.JSONDecoder = _DECODER
    held: str = ""
    at: int = 0
    before: int = 0  # characters that are no longer held
    count: int = 0

    def rows(self) -> Iterator[Raw]:
        first = self._next()
        if first == "{":
            self._fail(self._describe_object())
        if first != "[":
            self._fail("it is not a list of rows")
        self.at += 1
        is_over = self._next() == "]"
        while not is_over:
            if self._next() != "{":
                self._fail(f"row {self.count + 1} is not an object, or missing")
            yield self._row()
            mark = self._next()
            if mark not in ("]", ","):
                self._fail(f"after row {self.count} stands neither , nor ]")
            is_over = mark == "]"
            self.at += 1 if mark == "," else 0
            if mark == "," and self._next() == "]":
                self._fail(f"a comma follows row {self.count}, the last; leave it out")
        self.at += 1
        if self._next():
            self._fail("something follows the list of rows")

    def _describe_object(self) -> str:
        """Describe what begins as an object, where a list is expected."""
        try:
            self.decoder.raw_decode(self.held, self.at)
        except (ValueError, RecursionError) as error:
            if not self._read_more():
                return f"it is not valid JSON: {error}"
        return "it is not a list of rows: put them between [ and ]"

    def _next(self) -> str:
        """Return the next character that is not blank; empty at the end."""
        while True:
            found = _BLANKS.match(self.held, self.at)
            assert found is not None  # it may match nothing at all
            self.at = found.end()
            if self.at < len(self.held):
                return self.held[self.at]
            if not self._read_more():
                return ""

    def _row(self) -> Raw:
        while True:
            try:
                row, self.at = self.decoder.raw_decode(self.held, self.at)
            except json.JSONDecodeError as error:
                is_broken = error.pos < len(
                    self.held
                ) - _LONGEST_TOKEN and error.msg.startswith(_CERTAIN)
                comma = describe_stray_comma(error)
                if comma or is_broken or not self._read_more():
                    is_broken = is_broken or bool(comma)
                    words = "is broken" if is_broken else "is broken or cut off"
                    problem = f"row {self.count + 1} {words}: {comma or error.msg}"
                    self._fail(problem, error)
            except (ValueError, RecursionError) as error:
                self._fail(f"row {self.count + 1} cannot be read: {error}", error)
            else:
                self.count += 1
                found: Raw = row
                return found

    def _read_more(self) -> bool:
        """Read on; return False at the end."""
        rest = self.held[self.at :]
        read = self.file.read(max(self.chunk, len(rest)))
        self.before += self.at
        self.held, self.at = rest + read, 0
        return bool(read)

    def _fail(self, problem: str, error: Exception | None = None) -> NoReturn:
        is_cut = not self.held[self.at :].strip(_BLANK)
        cut = "; it is cut off" if is_cut else ""
        offset = self.before + self.at
        raise ResultError(self.name, problem + cut, offset=offset) from error


_BLANKS: Final = re.compile(r"[ \t\n\r]*")
_LONGEST_TOKEN: Final = 16
"""More characters than a constant, an escape or the end of a number has. An error that
is farther from the end of the text stays an error when more text comes."""
_CERTAIN: Final = ("Expecting", "Illegal", "Invalid")
"""Start of messages that point at the error itself. Other messages point at the start
of a text without an end, which more text may complete."""
