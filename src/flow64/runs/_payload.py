"""The body of a start: rows from any source, checked before anything is spent."""

from __future__ import annotations

import codecs
import io
import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from ..blocks import CATALOGUE, TYPE_WORDS, ReadCsv, Search, Webhook
from ..definition import (
    Definition,
    Limits,
    Problem,
    Value,
    WireBlock,
    freeze,
    load_json,
    pointer,
    thaw,
)
from ..errors import ResultError, RowsError, did_you_mean, shortened
from ..text import join_words, pluralize, truncate
from ._overrides import source_specs
from ._row_reader import read_rows, refuse_repeated_keys, rows_in

Rows: TypeAlias = (
    Iterable[Mapping[str, Any]] | Mapping[str, Any] | str | os.PathLike[str]
)
"""Rows as a caller gives them: mappings, one mapping, or the path of a file."""

KINDS_OF_FILES: Final = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
}
"""Content types of files with rows, by suffix."""

_DATA: Final = Limits(literals=True)
"""Rows may contain any value, also one that would be a placeholder in a workflow."""

_log = logging.getLogger("flow64")


def as_rows(given: Any, first: int = 1) -> list[dict[str, Any]]:
    """Return rows as a list of copies.

    Args:
        given: A list or any iterable of mappings. A single mapping is one row. A path
            names a CSV, JSON or NDJSON file; cells of CSV are text.
        first: Number of the first row, for errors.

    Raises:
        RowsError: It is something else. All wrong rows are listed.
    """
    given = as_iterable(given)
    rows, wrong = [], []
    for number, row in enumerate(given, first):
        if isinstance(row, Mapping):
            rows.append(dict(row))
        else:
            kind = type(row).__name__
            wrong.append(f"row {number}: a row is a mapping of columns, not {kind}")
    if wrong:
        raise RowsError(wrong)
    return rows


def parse_rows(content: bytes, name: str) -> list[dict[str, Any]]:
    """Return the rows of a text, such as stdin: JSON, NDJSON or CSV.

    JSON begins with `[` or `{`. A single object is one row.

    Args:
        content: The text, in UTF-8.
        name: What it is called in errors.

    Raises:
        RowsError: It cannot be read.
    """
    first = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if first == b"{":
        with suppress(ValueError, RecursionError):  # it may have an object in each line
            return as_rows(json.loads(content, object_pairs_hook=refuse_repeated_keys))
    suffix = _SUFFIXES.get(first, ".csv")
    kind = KINDS_OF_FILES[suffix]
    text = content.decode("utf-8-sig", "replace")
    found = rows_in(io.BytesIO(content), content_type=kind, name=name, is_input=True)
    with closing(found) as rows:  # before its file is, also after an error
        lines = _check_rows(rows, kind, name, lambda at: text[:at].count("\n") + 1)
        return as_rows(lines)


_SUFFIXES: Final = {b"[": ".json", b"{": ".ndjson"}


def build_payload(
    definition: Definition,
    rows: Sequence[Mapping[str, Any]],
    *,
    is_overridden: bool = False,
    check_columns: bool = True,
    first: int = 1,
) -> dict[str, Any]:
    """Return the body of a start. It is a copy.

    Args:
        definition: The workflow, with the settings of this run in its source.
        rows: The rows; none for a source other than `webhook`. Without rows, the body
            has an empty list only if every source is a `search`, which is the one
            documented form.
        is_overridden: Send the settings of the source.
        check_columns: Compare rows with the `input_schema` of the source.
        first: Number of the first row, for problems.

    Raises:
        RowsError: Something cannot be sent, or would be refused. All problems are
            listed, with the number of their row.
    """
    sent = freeze_rows(definition, rows, check_columns=check_columns, first=first)
    sources = [definition.blocks[position] for position in definition.topology.roots]
    body: dict[str, Any] = {}
    if rows or all(block.kind == Search.kind for block in sources):
        body["webhook_payload"] = thaw(sent)
    if is_overridden:
        body["specs_override"] = source_specs(definition)
    _note_files(sources, is_overridden=is_overridden)
    return body


def freeze_rows(
    definition: Definition,
    rows: Sequence[Mapping[str, Any]],
    *,
    check_columns: bool = True,
    first: int = 1,
) -> Any:
    """Return a frozen copy of rows that a run can be started with.

    Args:
        definition: The workflow, with the settings of this run in its source.
        rows: The rows; none for a source other than `webhook`.
        check_columns: Compare rows with the `input_schema` of the source.
        first: Number of the first row, for problems.

    Raises:
        RowsError: Something cannot be sent, or would be refused. All problems are
            listed, with the number of their row.
    """
    problems: list[Problem] = []
    frozen = freeze(list(rows), (), problems, _refuse_value, limits=_DATA)
    wrong = [f"{_name_place(p.path, first)}: {p.message}; {p.help}" for p in problems]
    if problem := _describe_wrong_source(definition, len(rows)):
        wrong.append(problem)
    roots = [definition.blocks[position] for position in definition.topology.roots]
    for block in roots if check_columns else ():
        if block.kind == Webhook.kind:
            wrong += _find_misfits(block, rows, first)
    if wrong:
        raise RowsError(list(dict.fromkeys(wrong)))
    return frozen


def _refuse_value(item: Any) -> Any:
    if isinstance(item, Value):
        problem = f"value({item.name!r}) is filled in for blocks alone"
        return Problem("not-json", (), problem, "write what the row has")
    return item


def needs_rows(definition: Definition) -> bool:
    """Return True if a run has nothing to do unless its start brings rows.

    A webhook with `webhook_input` has sample rows for a run without a payload.
    """
    roots = (definition.blocks[position] for position in definition.topology.roots)
    return any(
        root.kind == Webhook.kind and not root.specs.get("webhook_input")
        for root in roots
    )


def _describe_wrong_source(definition: Definition, count: int) -> str:
    """Return why the source of a workflow cannot start a run; else nothing.

    Args:
        definition: What is run.
        count: Rows of the start.
    """
    roots = [definition.blocks[at].kind for at in definition.topology.roots]
    if Webhook.kind in roots:
        return _NO_ROWS if not count and needs_rows(definition) else ""
    begins = f"the workflow begins with {', '.join(roots)}"
    is_behind = Webhook.kind in definition.by_kind
    advice = "put the webhook first" if is_behind else "begin with Webhook(...)"
    if all(kind in CATALOGUE and not CATALOGUE[kind].about.may_begin for kind in roots):
        return f"{begins}, which takes rows and brings none: {advice}"
    if not count:
        return ""
    problem = f"{begins}, and the service takes rows for a webhook source alone"
    return f"{problem}: {advice if is_behind else 'run([])'}"


_NO_ROWS: Final = (
    "there are no rows, and the workflow begins with webhook, which takes its rows "
    "from the start: give rows, or set webhook_input, the sample rows of the block"
)


# -- Rows -----------------------------------------------------------------------------


def as_iterable(given: Any) -> Iterable[Any]:
    """Return an iterable of rows. A file is read as they are needed."""
    if isinstance(given, str | os.PathLike):
        return _rows_of_file(Path(given))
    if isinstance(given, Mapping):
        return [given]
    if hasattr(given, "to_dict") and hasattr(given, "columns"):  # of pandas, or alike
        raise RowsError([_describe_frame(given)])
    if isinstance(given, Iterable) and not isinstance(given, bytes | bytearray):
        return given
    problem = f"{shortened(given)} is not a list of rows; a row is a mapping of columns"
    raise RowsError([f"{problem}, and a text names a file of rows"])


def _describe_frame(given: Any) -> str:
    """Describe a data frame, which iterates over its columns, of pandas or Polars."""
    advice = (
        'df.to_dict("records"), or if cells may be missing, which is NaN and not JSON: '
        'df.astype(object).where(df.notna(), None).to_dict("records")'
    )
    if hasattr(given, "to_dicts"):
        advice = "df.to_dicts()"
    kind = type(given).__name__
    return f"a {kind} gives its columns, not its rows; write {advice}"


def _rows_of_file(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a CSV, JSON or NDJSON file."""
    kind = KINDS_OF_FILES.get(path.suffix.lower())
    if kind is None:
        known = ", ".join(KINDS_OF_FILES)
        problem = f"{str(path)!r} does not name a file of rows"
        raise RowsError([f"{problem}; its name has to end in one of {known}"])
    rows = read_rows(path, content_type=kind, name=str(path), is_input=True)
    yield from _check_rows(rows, kind, str(path), partial(_find_line, path))


def _check_rows(
    rows: Iterator[Mapping[str, Any]],
    kind: str,
    name: str,
    find_line: Callable[[int], int],
) -> Iterator[Mapping[str, Any]]:
    """Yield rows, and word what is wrong with them.

    Args:
        rows: The rows, which are read as they are needed.
        kind: Their content type.
        name: What they are called in errors.
        find_line: Returns the line of an offset in characters.
    """
    try:
        for number, row in enumerate(rows, 1):
            if kind == "text/csv":
                _require_cells(name, number, row)
            yield row
    except ResultError as error:
        line = error.line
        if line is None and error.offset is not None:
            line = find_line(error.offset)
        where = "" if line is None else f":{line}"
        raise RowsError([f"{name}{where}: {error.problem}"]) from error


def _find_line(path: Path, offset: int) -> int:
    """Return the line of an offset in characters."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return file.read(offset).count("\n") + 1


def _require_cells(file: str, number: int, row: Mapping[str, Any]) -> None:
    """Refuse CSV with other separators, and lines that do not match the header.

    Two columns of one name are refused too. The second one would be sent under a name
    that no block reads.
    """
    names = [name for name in row if not _NAMELESS.fullmatch(name)]
    sign = next((sign for sign in ";\t|" if sign in "".join(names)), "")
    if len(names) == 1 and sign:
        problem = f"its header is one column, {shortened(names[0])}"
        advice = f"separate columns with commas, not with {sign!r}"
        raise RowsError([f"{file}: {problem}; {advice}"])
    for place, name in enumerate(row, 1) if number == 1 else ():
        first = name.removesuffix(f"#{place}")
        if first != name and first in row:
            problem = f"its header has two columns {shortened(first)}"
            raise RowsError([f"{file}: {problem}; rename or remove one of them"])
    count = sum(cell is not None for cell in row.values())
    if count != len(names):
        problem = f"row {number} has {pluralize(count, 'cell')}, and the header has"
        advice = "put a cell that holds a comma in quotes"
        columns = f"{len(names)}: {_join_columns(names)}"
        raise RowsError([f"{file}: {problem} {columns}; {advice}"])


_NAMELESS: Final = re.compile(r"#\d+")
"""Name of a cell beyond the header."""


def _name_place(path: Sequence[str | int], first: int) -> str:
    """Return `row 3` for a row, and `row 3 /email` for a value in it."""
    number, *inside = path
    below = pointer(tuple(inside))
    return f"row {int(number) + first}" + (f" {below}" if below else "")


# -- Columns --------------------------------------------------------------------------


def _find_misfits(
    source: WireBlock, rows: Sequence[Mapping[str, Any]], first: int
) -> list[str]:
    """List missing columns, and values of another type than declared."""
    declared = source.specs.get("input_schema")
    columns: Mapping[str, Any] = declared if isinstance(declared, Mapping) else {}
    needed = [name for name, entry in columns.items() if _is_required(entry)]
    words = {name: word for name, e in columns.items() if (word := _find_type_word(e))}

    @cache  # comparing names takes a while, and the rows of a file have the same
    def suggest(name: str, others: tuple[str, ...]) -> str:
        return did_you_mean(name, others)

    found: list[str] = []
    advice: dict[str, None] = {}
    for number, row in enumerate(rows, first):
        if missing := [name for name in needed if name not in row]:
            others = tuple(n for n in row if isinstance(n, str) and n not in columns)
            lacking = ", ".join(name + suggest(name, others) for name in missing)
            is_first = first == 1 and not advice  # the others have the same, mostly
            has = f"; it has {_join_columns(row) or 'no columns'}" if is_first else ""
            found.append(f"row {number} lacks {lacking}{has}")
            advice[_MISSING] = None
        for name, word in words.items():
            if name in row and not _is_fitting(row[name], word):
                value = shortened(row[name], 40)
                found.append(f"row {number}: {name} is {value}, declared as {word}")
                advice[_OTHER_TYPE] = None
    return [*found, *advice]


def _join_columns(names: Iterable[Any]) -> str:
    return join_words([truncate(str(name), 40) for name in names], 12)


_MISSING: Final = (
    "the service turns a run away for rows without a required column (documented); "
    "which of the declared columns are required is not: mend the rows or input_schema, "
    "or pass check_columns=False"
)

_OTHER_TYPE: Final = (
    "how the service converts a value of another type is not documented: mend the rows "
    'or input_schema, or pass check_columns=False; a list in a text is JSON, as ["a"]'
)


def _is_required(entry: Any) -> bool:
    """Return True if a declared column is needed. Marks that deny it are guesses."""
    if not isinstance(entry, Mapping):
        return True
    marks = (entry.get("required") is False, entry.get("optional") is True)
    return not (any(marks) or "default" in entry)


def _find_type_word(entry: Any) -> str | None:
    """Return the type word of a declared column, if there is one."""
    word = entry.get("type") if isinstance(entry, Mapping) else entry
    return word if isinstance(word, str) and word in TYPE_WORDS else None


def _is_fitting(value: Any, word: str) -> bool:
    """Return True if a value may pass for a type.

    In CSV every value is text, so a text passes if it can be read as that type. Lists
    and dicts are JSON there. An empty text counts as null.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    if word.startswith("list"):
        inner = word.removeprefix("list").strip("[]")
        entries = _parse_json(value)
        is_list = isinstance(entries, list | tuple)
        return is_list and (
            not inner or all(_is_fitting(each, inner) for each in entries)
        )
    if word == "dict":
        return isinstance(_parse_json(value), Mapping)
    if not isinstance(value, str | int | float):
        return False
    if word in ("int", "integer", "float"):
        return _is_number(value, is_whole=word != "float")
    if word in ("bool", "boolean"):
        return str(value).strip().lower() in _TRUTHS
    return True


_TRUTHS: Final = {"true", "false", "yes", "no", "0", "1", "t", "f", "y", "n"}


def _parse_json(value: Any) -> Any:
    """Parse a text as JSON; None if it is not valid. Keep any other value."""
    return load_json(value) if isinstance(value, str) else value


def _is_number(value: str | float, *, is_whole: bool) -> bool:
    """Return True for a number, and for a text that may stand for one."""
    if isinstance(value, bool):
        return False
    if isinstance(value, str):
        if not any(character.isdigit() for character in value):
            return False
        try:
            value = float(value)
        except ValueError:  # thousands and currencies are written in many ways
            return True
    return not is_whole or value % 1 == 0


# -- Specs ----------------------------------------------------------------------------


def _note_files(sources: Sequence[WireBlock], *, is_overridden: bool) -> None:
    """Warn about a source that needs a file, if the run names none."""
    for source in sources:
        is_named = is_overridden and source.specs.get("resource_handle_id")
        if source.kind == ReadCsv.kind and not is_named:
            _log.warning(
                "the workflow begins with read_csv: a run that names no "
                "resource_handle_id in specs_override is turned away (older pages of "
                "the service say that any run of it is)"
            )
