"""Values and rows that stand in for synthetic ones, from Python or from files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from ..errors import ConfigError
from ._executors import as_rows
from ._filters import equals
from ._records import Row, Rows
from ._step import BlockFailedError, EachRow, Executor, Step

WHERE = "where."
"""What the columns of a CSV file begin with that choose rows."""


@frozen
class Line:
    """Values for the rows that have others.

    Attributes:
        where: What a row must have, by column; a row is any where this is empty.
        set: What is laid over it.
    """

    where: Mapping[str, Any]
    set: Row

    def fits(self, row: Row) -> bool:
        """Whether a row has what it must have."""
        return all(equals(value)(row.get(name)) for name, value in self.where.items())


@frozen
class Lines:
    """Lines of a file: for a step the first that fits a row, for a source rows."""

    lines: Sequence[Line]

    def __call__(self, row: Row) -> Row:
        """What is laid over a row."""
        return next((line.set for line in self.lines if line.fits(row)), {})


Fixture: TypeAlias = (
    "Mapping[str, Any] | Sequence[Mapping[str, Any]] | Callable[..., Any]"
)
"""What stands in for what a block makes up.

A mapping is laid over every row. Of a step, a list stands in the place of each row, and
a function of the row gives a mapping or a list for it. Of a source, a list is its rows,
and a function without arguments gives them.
"""


def as_fixtures(found: Mapping[str, Fixture] | None) -> dict[str, Fixture]:
    """Fixtures by kind or block id, if they are some.

    Raises:
        ConfigError: One is neither a mapping, nor a list of them, nor a function.
    """
    for name, fixture in (found or {}).items():
        problem = _problem(fixture)
        if problem:
            raise ConfigError(f"the fixture {name!r} {problem}")
    return dict(found or {})


def laid(fixture: Fixture, executor: Executor, step: Step) -> Iterator[Row]:
    """The rows of a block, with a fixture in the place of what it makes up."""
    if isinstance(fixture, Mapping):
        over = as_rows(dict(fixture), "the fixture")[0]
        return ({**row, **over} for row in executor(step))
    if not step.parents:
        return iter(_source_rows(fixture))
    work = executor.work(step) if isinstance(executor, EachRow) else dict[str, Any]
    return _step_rows(fixture, work, step)


def load_fixtures(paths: Iterable[str | Path]) -> Mapping[str, Fixture]:
    """The fixtures of files, which earlier ones of the same name win.

    A JSON file is an object: for a kind or block id a mapping, a list of rows, or a
    list of `{"where": {...}, "set": {...}}`. A CSV file is for the kind or block id
    that it is named for: columns `where.NAME` choose rows, all others are laid over
    them. An empty cell chooses any row, or sets null.

    Raises:
        ConfigError: A file cannot be read, or holds something else.
    """
    found: dict[str, Fixture] = {}
    for path in map(Path, paths):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: it cannot be read: {error}") from error
        read = _from_csv if path.suffix.lower() == ".csv" else _from_json
        found = {**read(path, text), **found}
    return found


# -- Laying over ----------------------------------------------------------------------


def _source_rows(fixture: Any) -> Rows:
    if isinstance(fixture, Lines):
        return [line.set for line in fixture.lines]
    return as_rows(_listed(_called(fixture) if callable(fixture) else fixture), _WHAT)


def _step_rows(fixture: Any, work: Callable[[Row], Row], step: Step) -> Iterator[Row]:
    for row in step.rows():
        found = _listed(_called(fixture, dict(row)) if callable(fixture) else fixture)
        made = as_rows(found, _WHAT)
        if isinstance(found, dict):
            yield {**work(row), **found}
        else:
            yield from made


_WHAT = "the fixture"


def _called(function: Callable[..., Any], *row: Row) -> Any:
    try:
        return function(*row)
    except Exception as error:
        words = f"the fixture failed: {type(error).__name__}: {error}"
        raise BlockFailedError(words) from error


def _listed(found: Any) -> Any:
    """Mappings and sequences as dicts and lists."""
    match found:
        case Mapping():
            return dict(found)
        case str() | bytes():
            return found
        case Sequence():
            return [dict(row) if isinstance(row, Mapping) else row for row in found]
        case _:
            return found


def _problem(fixture: Any) -> str | None:
    if callable(fixture) or isinstance(fixture, Mapping):
        return None
    if not isinstance(fixture, list | tuple):
        return "must be a mapping, a list of mappings, or a function"
    for number, row in enumerate(fixture):
        if not isinstance(row, Mapping):
            return f"holds something else than a mapping at {number}"
    return None


# -- Files ----------------------------------------------------------------------------


def _from_json(path: Path, text: str) -> Mapping[str, Fixture]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: it is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: it must be an object by kind or block id")
    for name, fixture in data.items():
        problem = _problem(fixture)
        if problem:
            raise ConfigError(f"{path}: {name!r} {problem}")
    return {name: _as_lines(path, name, fixture) for name, fixture in data.items()}


def _as_lines(path: Path, name: str, fixture: Any) -> Fixture:
    """A list of `where` and `set` as lines; all else as it is."""
    if isinstance(fixture, dict) or not any(map(_is_line, fixture)):
        rows: Fixture = fixture
        return rows
    lines = []
    for number, entry in enumerate(fixture):
        where, values = entry.get("where", {}), entry.get("set")
        if not (
            _is_line(entry) and isinstance(where, dict) and isinstance(values, dict)
        ):
            raise ConfigError(
                f"{path}: {name!r} at {number} must have a mapping `set`, and `where` "
                "as another or not at all"
            )
        lines.append(Line(where, values))
    return Lines(lines)


def _is_line(entry: Mapping[str, Any]) -> bool:
    return "set" in entry and entry.keys() <= {"where", "set"}


def _from_csv(path: Path, text: str) -> Mapping[str, Fixture]:
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    lines = []
    try:
        header = next(reader, [])
        if not header or "" in header or len(set(header)) < len(header):
            raise ConfigError(f"{path}: its first line must name each column once")
        for values in filter(None, reader):
            if len(values) != len(header):
                raise ConfigError(
                    f"{path}, line {reader.line_num}: {len(values)} values for "
                    f"{len(header)} columns"
                )
            lines.append(_line(dict(zip(header, values, strict=True))))
    except csv.Error as error:
        raise ConfigError(f"{path}, line {reader.line_num}: {error}") from error
    return {path.stem: Lines(lines)}


def _line(values: Mapping[str, str]) -> Line:
    return Line(
        where={
            name.removeprefix(WHERE): value
            for name, value in values.items()
            if name.startswith(WHERE) and value
        },
        set={
            name: value or None
            for name, value in values.items()
            if not name.startswith(WHERE)
        },
    )
