"""Fixtures: values and rows that replace synthetic ones, from Python or from files."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from ..blocks import CATALOGUE
from ..definition import is_uuid
from ..errors import ConfigError, did_you_mean
from ._block_context import BlockContext, BlockFailedError, EachRow, Executor
from ._csv import parse_csv
from ._executors import as_rows
from ._filters import make_equality_test
from ._records import RowData

WHERE = "where."
"""Prefix of the columns of a CSV file that choose rows."""


@frozen
class FixtureLine:
    """Values for the rows that it matches.

    Attributes:
        where: Values that a row must have, by column; if empty, every row matches.
        set: Values to set in the row.
    """

    where: Mapping[str, Any]
    set: RowData

    def matches(self, row: RowData) -> bool:
        """Return True if a row has all values of `where`."""
        return all(
            make_equality_test(value)(row.get(name))
            for name, value in self.where.items()
        )


@frozen
class FixtureLines:
    """Lines of a fixture: a source gives all of them, a step the first that matches."""

    lines: Sequence[FixtureLine]

    def __call__(self, row: RowData) -> RowData:
        """Return the values to set in a row."""
        return next((line.set for line in self.lines if line.matches(row)), {})


Fixture: TypeAlias = (
    "Mapping[str, Any] | Sequence[Mapping[str, Any]] | Callable[..., Any]"
)
"""A replacement for the values that a block makes up.

A mapping sets its values in every row. For a step, a list replaces each row, and a
function gets the row and returns a mapping or a list for it. For a source, a list is
its rows, and a function without arguments returns them. A list of
`{"where": ..., "set": ...}` sets values in the rows that it names.
"""


class Fixtures(UserDict[str, Fixture]):
    """Fixtures by kind or block id, each checked when it is set.

    Setting one raises `ConfigError` if it is neither a mapping, a list of mappings nor
    a function, or if its name is nearly, but not exactly, a known kind.
    """

    def __setitem__(self, name: str, fixture: Fixture) -> None:
        where = f"the fixture {name!r}"
        check_fixture_name(where, name)
        super().__setitem__(name, as_fixture(where, fixture))

    def __repr__(self) -> str:
        return f"<Fixtures for {', '.join(self) or 'no block'}>"


def check_fixture_name(where: str, name: str) -> None:
    """Refuse a name that is nearly a known kind.

    Any other unknown name may be a new kind.

    Raises:
        ConfigError: The name looks like a misspelled kind.
    """
    if name not in CATALOGUE and not is_uuid(name):
        near = did_you_mean(name, CATALOGUE, cutoff=0.7)
        if near:
            raise ConfigError(
                f"{where}: no block is of the kind {name!r}{near}; a block of a new "
                "kind is named by its id"
            )


def as_fixture(where: str, found: Any) -> Fixture:
    """Return a value as a fixture.

    Args:
        where: The name of the fixture in messages.

    Raises:
        ConfigError: The value cannot be a fixture.
    """
    if isinstance(found, Mapping):
        return _as_lines(where, [found]) if _is_line(found) else found
    if not isinstance(found, list | tuple):
        if callable(found):
            function: Callable[..., Any] = found
            return function
        problem = "must be a mapping, a list of mappings, or a function"
        raise ConfigError(f"{where} {problem}")
    for number, row in enumerate(found):
        if not isinstance(row, Mapping):
            problem = f"holds something else than a mapping at {number}"
            raise ConfigError(f"{where} {problem}")
    return _as_lines(where, found) if any(map(_looks_like_line, found)) else found


def apply_fixture(
    fixture: Fixture, executor: Executor, context: BlockContext
) -> Iterator[RowData]:
    """Yield the rows of a block, with a fixture instead of synthetic values."""
    if isinstance(fixture, Mapping):
        over = as_rows(dict(fixture), "the fixture")[0]
        return ({**row, **over} for row in executor(context))
    if not context.parents:
        return iter(_make_source_rows(fixture))
    mapper = (
        executor.make_mapper(context)
        if isinstance(executor, EachRow)
        else dict[str, Any]
    )
    return _replace_rows(fixture, mapper, context)


def load_fixtures(paths: Iterable[str | Path]) -> Mapping[str, Fixture]:
    """Load the fixtures of files; if two have the same name, the earlier one wins.

    A JSON file is an object. For a kind or block id it has a mapping, a list of rows,
    or a list of `{"where": {...}, "set": {...}}`. A CSV file is for the kind or block
    id that it is named after. Columns `where.NAME` choose rows, and all others set
    values in them. An empty cell matches any row, or sets null.

    Raises:
        ConfigError: A file cannot be read, or has other contents.
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


# -- Applying fixtures ----------------------------------------------------------------


def _make_source_rows(fixture: Any) -> list[RowData]:
    if isinstance(fixture, FixtureLines):
        return [line.set for line in fixture.lines]
    return as_rows(_evaluate(fixture), _WHAT)


def _replace_rows(
    fixture: Any, mapper: Callable[[RowData], RowData], context: BlockContext
) -> Iterator[RowData]:
    for row in context.rows():
        found = _evaluate(fixture, dict(row))
        made = as_rows(found, _WHAT)
        if isinstance(found, dict):
            yield {**mapper(row), **found}
        else:
            yield from made


_WHAT = "the fixture"


def _evaluate(fixture: Any, *row: RowData) -> Any:
    """Return what a fixture gives, with dicts and lists for other collections."""
    found = fixture
    if callable(fixture):
        try:
            found = fixture(*row)
        except Exception as error:
            words = f"the fixture failed: {type(error).__name__}: {error}"
            raise BlockFailedError(words) from error
    match found:
        case Mapping():
            return dict(found)
        case str() | bytes():
            return found
        case Sequence():
            return [dict(row) if isinstance(row, Mapping) else row for row in found]
        case _:
            return found


def _as_lines(where: str, found: Sequence[Mapping[str, Any]]) -> FixtureLines:
    """Convert entries of `where` and `set`.

    Raises:
        ConfigError: An entry has other keys or other types.
    """
    lines = []
    for number, entry in enumerate(found):
        others = [name for name in entry if name not in {"where", "set"}]
        if others and "set" in entry:
            raise ConfigError(
                f"{where} has {others[0]!r} next to 'set' at {number}; put values that "
                "a row must have under 'where'"
            )
        chosen, values = entry.get("where", {}), entry.get("set")
        if others or not (isinstance(chosen, Mapping) and isinstance(values, Mapping)):
            raise ConfigError(
                f"{where} at {number} must have a mapping 'set', and 'where' as "
                "another or not at all"
            )
        lines.append(FixtureLine(dict(chosen), dict(values)))
    return FixtureLines(lines)


def _is_line(entry: Mapping[str, Any]) -> bool:
    return _looks_like_line(entry) and isinstance(entry["set"], Mapping)


def _looks_like_line(entry: Mapping[str, Any]) -> bool:
    """Return True if an entry is, or was meant to be, one of `where` and `set`."""
    return "set" in entry and (
        entry.keys() <= {"where", "set"} or isinstance(entry["set"], Mapping)
    )


# -- Files ----------------------------------------------------------------------------


def _from_json(path: Path, text: str) -> Mapping[str, Fixture]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: it is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: it must be an object by kind or block id")
    found = {}
    for name, fixture in data.items():
        where = f"{path}: {name!r}"
        check_fixture_name(where, name)
        found[name] = as_fixture(where, fixture)
    return found


def _from_csv(path: Path, text: str) -> Mapping[str, Fixture]:
    check_fixture_name(str(path), path.stem)
    try:
        lines = [*map(_to_line, parse_csv(text.splitlines(keepends=True)))]
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    return {path.stem: FixtureLines(lines)}


def _to_line(values: Mapping[str, str]) -> FixtureLine:
    return FixtureLine(
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
