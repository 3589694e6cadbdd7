"""Fixtures: values and rows that replace synthetic ones, from Python or from files."""

from __future__ import annotations

import json
from collections import UserDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from ..blocks import CATALOGUE
from ..definition import is_uuid
from ..errors import ConfigError
from ..text import did_you_mean
from . import steps
from .records import RowData
from .steps import BlockContext, BlockFailedError, EachRow, RowMapper, Step

_NAME = "the fixture"


@frozen
class FixtureLines:
    """Lines of a fixture: a source gives all of them, a step the first that matches.

    Attributes:
        lines: Values that a row must have, and values to set in it.
    """

    lines: Sequence[tuple[Mapping[str, Any], RowData]]

    def __call__(self, row: RowData) -> RowData:
        """Return the values to set in a row."""
        for where, values in self.lines:
            if all(steps.is_equal(row.get(name), where[name]) for name in where):
                return values
        return {}


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
        check_block_name(where, name)
        super().__setitem__(name, _as_fixture(where, fixture))


def check_block_name(where: str, name: str) -> None:
    """Refuse a name that is nearly a known kind; another one may be a new kind.

    Raises:
        ConfigError: The name looks like a misspelled kind.
    """
    if name not in CATALOGUE and not is_uuid(name):
        near = did_you_mean(name, CATALOGUE, cutoff=0.7)
        if near:
            raise ConfigError(f"{where}: no block is of the kind {name!r}{near}")


def _as_fixture(where: str, data: Any) -> Fixture:
    if isinstance(data, Mapping):
        return _as_lines(where, [data]) if _is_line(data) else data
    if isinstance(data, list | tuple) and all(isinstance(row, Mapping) for row in data):
        return _as_lines(where, data) if any(map(_is_line, data)) else data
    if isinstance(data, list | tuple) or not callable(data):
        problem = "must be a mapping, a list of mappings, or a function"
        raise ConfigError(f"{where} {problem}")
    function: Callable[..., Any] = data
    return function


def _is_line(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("set"), Mapping)


def _as_lines(where: str, entries: Sequence[Mapping[str, Any]]) -> FixtureLines:
    """Convert entries of `where` and `set`.

    Raises:
        ConfigError: An entry has other keys or other types.
    """
    for number, entry in enumerate(entries):
        is_mapping = isinstance(entry.get("where", {}), Mapping)
        if not (entry.keys() <= {"where", "set"} and _is_line(entry) and is_mapping):
            problem = f"{where} at {number} must have a mapping 'set', and 'where' as"
            raise ConfigError(f"{problem} another or not at all")
    return FixtureLines(
        [({**entry.get("where", {})}, {**entry["set"]}) for entry in entries]
    )


# -- Applying fixtures ----------------------------------------------------------------


def apply_fixture(
    fixture: Fixture, step: Step, context: BlockContext
) -> Iterator[RowData]:
    """Yield the rows of a block, with a fixture instead of synthetic values."""
    if isinstance(fixture, Mapping):
        values = steps.as_rows(dict(fixture), _NAME)[0]
        return ({**row, **values} for row in step(context))
    if context.parents:
        mapper = step.make_mapper(context) if isinstance(step, EachRow) else dict
        return _replace_rows(fixture, mapper, context)
    if isinstance(fixture, FixtureLines):
        return iter([values for _, values in fixture.lines])
    return iter(steps.as_rows(_evaluate(fixture), _NAME))


def _replace_rows(
    fixture: Fixture, mapper: RowMapper, context: BlockContext
) -> Iterator[RowData]:
    for row in context.rows():
        data = _evaluate(fixture, dict(row))
        rows = steps.as_rows(data, _NAME)
        if isinstance(data, dict):
            yield {**mapper(row), **data}
        else:
            yield from rows


def _evaluate(fixture: Fixture, *row: RowData) -> Any:
    """Return what a fixture gives, with dicts and lists for other collections."""
    data: Any = fixture
    if callable(fixture):
        try:
            data = fixture(*row)
        except Exception as error:
            words = f"the fixture failed: {type(error).__name__}: {error}"
            raise BlockFailedError(words) from error
    if isinstance(data, Mapping):
        return dict(data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        return [dict(item) if isinstance(item, Mapping) else item for item in data]
    return data


# -- Files ----------------------------------------------------------------------------


def load_fixtures(paths: Iterable[str | Path]) -> Mapping[str, Fixture]:
    """Load the fixtures of JSON files; if two have the same name, the earlier one wins.

    A file is an object. For a kind or block id it has a mapping, a list of rows, or a
    list of `{"where": {...}, "set": {...}}`.

    Raises:
        ConfigError: A file cannot be read, or has other contents.
    """
    fixtures = Fixtures()
    for path in reversed([*map(Path, paths)]):
        try:
            fixtures.update(json.loads(path.read_text(encoding="utf-8-sig")))
        except (OSError, ValueError, TypeError, RecursionError, ConfigError) as error:
            raise ConfigError(f"{path}: {error}") from error
    return fixtures
