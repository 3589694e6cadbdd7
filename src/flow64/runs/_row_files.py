"""Tables: the rows of a result file, read one by one, and files made of rows.

Nothing here holds more than a few rows, so a file may have any size.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import os
import re
import secrets
import stat
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn, Protocol, TextIO, TypeAlias

from attrs import define, frozen

from ..errors import ResultError, SaveError, shortened

Raw: TypeAlias = Mapping[str, Any]
"""One row: every column by its name."""

CHUNK: Final = 1 << 18
"""Characters that are read at once."""

LONGEST_CELL: Final = 1 << 28
"""Characters of a CSV cell beyond which a quote that never ends is taken for granted,
so that such a file does not fill the memory."""


class Writable(Protocol):
    """An open text file, or whatever else takes text."""

    def write(self, text: str, /) -> Any:
        """Write some text."""


# -- Reading --------------------------------------------------------------------------


def read_rows(
    path: str | os.PathLike[str],
    *,
    content_type: str,
    name: str,
    expected: int | None = None,
    needs_end: bool = False,
) -> Iterator[Raw]:
    """The rows of a result file on this machine: JSON, NDJSON or CSV, in UTF-8.

    In CSV every cell is text. A line with fewer cells than the header gives None for
    those it lacks. A column without a name of its own gets one: the second `email`, in
    the third place, is `email#3`; a fifth cell under a header of four is `#5`. Blank
    lines are no rows. JSON constants that Python knows (`NaN`, `Infinity`) are kept.

    Args:
        path: The file.
        content_type: What the service says it holds; else the end of `name` decides,
            and what neither says is CSV.
        name: What the service calls it; errors do as well.
        expected: How many rows there should be, where that is known. A CSV file that
            was cut between two lines shows it by nothing else.
        needs_end: Refuse a CSV file whose last line has no line end: its last cell may
            be cut off.

    Raises:
        ResultError: While rows are read: the file is cut off, broken or not in UTF-8,
            or has another number of rows. Rows before that place were given already.
    """
    try:
        with Path(path).open("rb") as file:
            yield from rows_in(
                file,
                content_type=content_type,
                name=name,
                expected=expected,
                needs_end=needs_end,
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
    chunk: int = CHUNK,
) -> Iterator[Raw]:
    """The rows of an open file that can be rewound; see `read_rows`."""
    form = _format(content_type, name)
    # Line ends as they are in all of them: they may be part of a cell or of a text.
    newline = "\n" if form == "ndjson" else ""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline=newline)
    rows: Iterator[Raw]
    match form:
        case "ndjson":
            rows = _lines_of_json(text, name)
        case "json":
            rows = _List(text, name, chunk).rows()
        case _:
            rows = _csv(text, name, is_open=_is_open(file), needs_end=needs_end)
    count = 0
    try:
        for row in rows:
            count += 1
            yield row
    except UnicodeDecodeError as error:
        line, offset = _bad_bytes(file)
        problem = f"it is not in UTF-8 ({error.reason})"
        raise ResultError(name, problem, line, offset) from error
    finally:
        text.detach()  # so that it does not close what is not its own
    if expected is not None and count != expected:
        problem = f"it has {count} rows, and the service says that it has {expected}"
        raise ResultError(name, problem)


_WORD: Final = re.compile(r"[a-z]+")


def _format(content_type: str, name: str) -> str:
    """What a file holds, by its content type, else by its name: csv, json, ndjson."""
    suffix = _FORMATS.get(name.rpartition(".")[2].lower(), "csv")
    said = {_FORMATS.get(word) for word in _WORD.findall(content_type.lower())}
    if "json" in said and suffix == "ndjson":
        return suffix  # a type of its own is not known everywhere
    return next((form for form in ("ndjson", "json", "csv") if form in said), suffix)


_FORMATS: Final = {"csv": "csv", "json": "json", "jsonl": "ndjson", "ndjson": "ndjson"}


def _is_open(file: BinaryIO) -> bool:
    """Whether the last line of a file has no end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 1))
    last = file.read(1)
    file.seek(0)
    return last not in b"\r\n"


def _bad_bytes(file: BinaryIO) -> tuple[int, int]:
    """Line and offset of the first bytes that are no UTF-8, which are known to exist.

    Looked for afterwards, so that good files are read at full speed.
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
            # What was decoded ends where reading has come to.
            offset = read - len(error.object) + error.start
            return line + error.object.count(b"\n", 0, error.start), offset
        line += chunk.count(b"\n")


def _csv(text: TextIO, name: str, *, is_open: bool, needs_end: bool) -> Iterator[Raw]:
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
                names = _named(cells)
                continue
            is_short = len(cells) < len(names)
            # The plain way for plain lines, since it is the fast one.
            plain = len(cells) == len(names)
            yield dict(zip(names, cells, strict=True) if plain else _even(names, cells))
    except csv.Error as error:
        raise ResultError(name, f"it is no CSV: {error}", lines.line_num) from error
    if is_short and is_open:
        raise ResultError(name, "it ends within a line", lines.line_num)
    if needs_end and is_open:
        problem = "its last line has no line end, so it may be cut off"
        raise ResultError(name, problem, lines.line_num)


def _named(cells: Sequence[str]) -> Sequence[str]:
    """The names of a header, each once: the first of equal ones keeps it."""
    taken = set(cells)
    seen: set[str] = set()
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = cell
        if cell in seen:
            name = _free(cell, place, taken)
            taken.add(name)
        seen.add(name)
        names.append(name)
    return names


def _free(name: str, place: int, taken: set[str]) -> str:
    while True:
        name += f"#{place}"
        if name not in taken:
            return name


def _even(
    names: Sequence[str], cells: Sequence[str]
) -> Iterator[tuple[str, str | None]]:
    """The cells of a line that has fewer or more of them than the header."""
    yield from zip(names, cells, strict=False)
    for name in names[len(cells) :]:
        yield name, None
    taken = set(names)
    for place in range(len(names), len(cells)):
        name = _free("", place + 1, taken)
        taken.add(name)
        yield name, cells[place]


def _lines_of_json(lines: Iterable[str], name: str) -> Iterator[Raw]:
    for number, line in enumerate(lines, start=1):
        if not line.strip(_BLANK):
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ResultError(name, f"it is no JSON: {error}", number) from error
        if not isinstance(row, dict):
            problem = f"a row is an object, not {shortened(row)}"
            raise ResultError(name, problem, number)
        yield row


_BLANK: Final = " \t\n\r"


@define
class _List:
    """A JSON list of objects, decoded row by row.

    What is held grows by doubling while a row does not fit, so the work is linear in
    the length of the file, whatever the length of a row.
    """

    file: TextIO
    name: str
    chunk: int
    held: str = ""
    at: int = 0
    before: int = 0  # characters that are not held any more
    count: int = 0

    def rows(self) -> Iterator[Raw]:
        if self._next() != "[":
            self._fail("it is no list of rows")
        self.at += 1
        is_over = self._next() == "]"
        while not is_over:
            if self._next() != "{":
                self._fail(f"row {self.count + 1} is no object, or missing")
            yield self._row()
            mark = self._next()
            if mark not in ("]", ","):
                self._fail(f"after row {self.count} stands neither , nor ]")
            is_over = mark == "]"
            self.at += 1 if mark == "," else 0
        self.at += 1
        if self._next():
            self._fail("something follows the list of rows")

    def _next(self) -> str:
        """The next character that is not blank, where it stands; empty at the end."""
        while True:
            found = _BLANKS.match(self.held, self.at)
            assert found is not None  # it may match nothing at all
            self.at = found.end()
            if self.at < len(self.held):
                return self.held[self.at]
            if not self._more():
                return ""

    def _row(self) -> Raw:
        while True:
            try:
                row, self.at = _DECODER.raw_decode(self.held, self.at)
            except json.JSONDecodeError as error:
                is_broken = error.pos < len(
                    self.held
                ) - _LONGEST_TOKEN and error.msg.startswith(_CERTAIN)
                if is_broken or not self._more():
                    words = "is broken" if is_broken else "is broken or cut off"
                    self._fail(f"row {self.count + 1} {words}: {error.msg}", error)
            except (ValueError, RecursionError) as error:
                self._fail(f"row {self.count + 1} cannot be read: {error}", error)
            else:
                self.count += 1
                found: Raw = row
                return found

    def _more(self) -> bool:
        """Read on; whether there was more."""
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
_DECODER: Final = json.JSONDecoder()
_LONGEST_TOKEN: Final = 16
"""More characters than a constant, an escape or the end of a number has: a mistake that
stands farther from the end of what is held is not there because more is to come."""
_CERTAIN: Final = ("Expecting", "Illegal", "Invalid")
"""How messages begin that point at the mistake itself. A text without an end is pointed
at by its beginning, so that more may mend it."""


# -- Writing --------------------------------------------------------------------------


def write_csv(
    rows: Iterable[Raw],
    path: str | os.PathLike[str] | Writable,
    *,
    safe: bool = False,
    overwrite: bool = False,
) -> int:
    """Write rows as CSV (UTF-8, lines end with CR LF), and give their number.

    The columns are those of all rows, in the order in which they are first seen. Lists
    and dicts, numbers and truth values are JSON text in their cells; None and a column
    that a row lacks are an empty cell.

    Args:
        rows: The rows; read once.
        path: Where to: a file that is complete or absent, or an open text file.
        safe: Put a single quote before text that begins with `=`, `+`, `-`, `@`, a tab
            or a carriage return, which a spreadsheet may run as a formula. It changes
            what other programs read, so it is not done unless asked for.
        overwrite: Replace a file that is there.

    Raises:
        SaveError: It cannot be written, or a value is no JSON.
    """
    with _opened(path, overwrite=overwrite) as out, out.spool() as spool:
        columns: dict[str, None] = {}
        count = 0
        spooled = _Out(spool, out.path)
        for row in rows:
            count += 1
            columns |= dict.fromkeys(_checked(row, out.path, count))
            cells = [_cell(row, name, safe, out.path, count) for name in columns]
            spooled.write(json.dumps(cells) + "\n")
        header = [_harmless(name, safe) for name in columns]
        # Quoted, since a reader would drop it as the byte order mark of the file.
        is_mark = bool(header) and header[0].startswith("\ufeff")
        first = csv.writer(out, quoting=csv.QUOTE_ALL if is_mark else csv.QUOTE_MINIMAL)
        first.writerow(header)
        with _saying(out.path):
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
    """Write rows as NDJSON (UTF-8, one JSON object a line), and give their number.

    Types survive. Numbers that JSON lacks are written as Python does (`NaN`).

    Args:
        rows: The rows; read once.
        path: Where to: a file that is complete or absent, or an open text file.
        overwrite: Replace a file that is there.

    Raises:
        SaveError: It cannot be written, or a value is no JSON.
    """
    count = 0
    with _opened(path, overwrite=overwrite) as out:
        for row in rows:
            count += 1
            line = _json_text(_checked(row, out.path, count), out.path, f"row {count}")
            if not _is_unicode(line):
                line = json.dumps(dict(row))  # half a surrogate pair, as an escape
            out.write(line + "\n")
    return count


@frozen
class _Out:
    """Takes text for a file; what goes wrong is said of that file."""

    file: Writable
    path: str
    folder: Path | None = None

    def write(self, text: str) -> None:
        with _saying(self.path):
            self.file.write(text)

    @contextmanager
    def spool(self) -> Generator[TextIO]:
        """A file without a name, beside the one to be written: there is room there."""
        with _saying(self.path):
            file = tempfile.TemporaryFile(  # noqa: SIM115 - closed below
                "w+", encoding="utf-8", newline="", dir=self.folder
            )
        try:
            yield file
        finally:
            with suppress(OSError):  # its end is not written where the disk is full
                file.close()


@contextmanager
def _saying(path: str) -> Generator[None]:
    """What goes wrong with any of our files is said of the one to be written."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise SaveError(path, problem) from error
    except UnicodeError as error:
        raise SaveError(path, f"{error}") from error


@contextmanager
def _opened(
    path: str | os.PathLike[str] | Writable, *, overwrite: bool
) -> Generator[_Out]:
    if isinstance(path, str | os.PathLike):
        target = Path(path)
        with complete_or_absent(target, overwrite=overwrite) as file:
            yield _Out(file, str(target), target.parent)
    else:
        yield _Out(path, str(getattr(path, "name", "the file")))


@contextmanager
def complete_or_absent(target: Path, *, overwrite: bool = False) -> Generator[TextIO]:
    """A text file that gets its name when all was written, and else leaves nothing.

    It is written under a name that nobody else has, in the same folder. A new file has
    the mode that any new file gets, one that replaces another has the mode of that.
    A symbolic link is what is replaced, not the file it points to.

    Raises:
        SaveError: There is a file already, or it cannot be written.
    """
    path = str(target)
    temporary = target.parent / f".flow64-{secrets.token_hex(8)}.part"
    with _saying(path):
        mode = _replaced_mode(target, overwrite=overwrite)
        file = temporary.open("x", encoding="utf-8", newline="")
    try:
        if mode is not None:
            with _saying(path):
                temporary.chmod(mode)
        yield file
        with _saying(path):
            file.flush()
            os.fsync(file.fileno())
            file.close()
            _place(temporary, target, overwrite=overwrite)
    finally:
        with suppress(OSError):  # what could not be written is not written now either
            file.close()
        temporary.unlink(missing_ok=True)


def _replaced_mode(target: Path, *, overwrite: bool) -> int | None:
    """The mode of the file that will be replaced; None where there is none."""
    if not os.path.lexists(target):
        return None
    if not overwrite:
        raise SaveError(str(target), _TAKEN)
    found = target.lstat().st_mode
    if stat.S_ISDIR(found):
        raise SaveError(str(target), "it is a folder")
    return stat.S_IMODE(found) if stat.S_ISREG(found) else None


_TAKEN: Final = "it exists; name another file, or overwrite=True to replace it"


def _place(temporary: Path, target: Path, *, overwrite: bool) -> None:
    """Give a file its name; at once, so that nobody sees a part of it."""
    if overwrite:
        temporary.replace(target)
        return
    try:
        # A link fails where the name is taken; a rename would replace.
        target.hardlink_to(temporary)
    except FileExistsError:
        raise SaveError(str(target), _TAKEN) from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise SaveError(str(target), _TAKEN) from None
        temporary.rename(target)


def _checked(row: Raw, path: str, number: int) -> Raw:
    """A row that is one, whatever its type promised."""
    given: Any = row
    if not isinstance(given, Mapping):
        problem = f"row {number} is {shortened(given)}, and no mapping of columns"
        raise SaveError(path, problem)
    for name in row:
        if not isinstance(name, str):
            problem = f"row {number} has a column {shortened(name)}, which is no text"
            raise SaveError(path, problem)
    return row


def _cell(row: Raw, name: str, safe: bool, path: str, number: int) -> str:
    value = row.get(name)
    if value is None:
        return ""
    place = f"row {number}, column {shortened(name)}"
    if isinstance(value, str):
        text = _harmless(value, safe)
    else:
        # A number is no formula, even one that begins with a minus.
        text = _json_text(value, path, place)
    if not (_is_unicode(text) and _is_unicode(name)):
        problem = f"{place}: half a surrogate pair is no UTF-8; NDJSON can hold it"
        raise SaveError(path, problem)
    return text


def _harmless(text: str, safe: bool) -> str:
    return f"'{text}" if safe and text.startswith(_FORMULA) else text


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def _json_text(value: Any, path: str, place: str) -> str:
    try:
        given = dict(value) if isinstance(value, Mapping) else value
        return json.dumps(given, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise SaveError(path, f"{place} is no JSON: {error}") from error


def _is_unicode(text: str) -> bool:
    """Whether a text can be written at all: half a surrogate pair cannot."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
