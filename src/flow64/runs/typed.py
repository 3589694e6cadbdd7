"""Type rows by cattrs: what a column becomes, as the type of its field wants it.

Values from CSV are text: numbers, truth values and dates are read from it, lists, dicts
and classes from JSON text, and None from an empty cell.
"""

from __future__ import annotations

import re
import types
import typing
from collections import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import is_dataclass
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Any, Final, Generic, NoReturn, TypeVar

import attrs
import cattrs
from attrs import frozen
from cattrs.cols import list_structure_factory, mapping_structure_factory
from cattrs.gen import make_dict_structure_fn

from .. import errors, tables
from ..definition import load_json
from ..diagnostics import as_card, as_table
from ..dsl import column_of, unwrap
from ..text import pluralize, printable, shortened, truncate
from . import frames
from .rows import Raw, RowFile, format_cell, list_columns

T = TypeVar("T")

LONGEST_WORDS: Final = 200
"""Most characters of a cell, or of the message of a class, that are shown."""

SHOWN: Final = 10
"""Rows that a notebook shows."""


@frozen
class Row(Mapping[str, Any], Generic[T]):
    """One row. It is a mapping of its columns, as they came.

    Attributes:
        number: Its number, from 1.
        raw: All columns, as they came.
    """

    number: int
    raw: Raw
    _structure: Callable[[Raw], T]

    def __getitem__(self, column: str) -> Any:
        return self.raw[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def value(self) -> T:
        """The row as an object of the class.

        Raises:
            RowsError: Columns are missing, or do not fit. All are named.
        """
        try:
            return self._structure(self.raw)
        except cattrs.ClassValidationError as error:
            lines = _list_misfits(error)
        problem = f"row {self.number} does not fit; row.raw has it as it came"
        listed = errors.list_lines(lines, most=20)
        raise errors.RowsError(f"{problem}:{listed}", problems=lines)


@frozen(eq=False)
class ResultRows(Generic[T]):
    """The rows of a result, from the first one each time they are iterated over.

    Attributes:
        raw: The same rows without types.
        total: Their number; None if the service does not say it.
    """

    raw: RowFile | Sequence[Raw]
    total: int | None
    _structure: Callable[[Raw], T]

    def __iter__(self) -> Iterator[Row[T]]:
        for number, raw in enumerate(self.raw, start=1):
            yield Row(number, raw, self._structure)

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("the service does not say how many rows there are")
        return self.total

    def __bool__(self) -> bool:
        return self.total != 0

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return frames.to_frame(self.raw).__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        rows = [*islice(self.raw, SHOWN)]
        names = list_columns(rows)
        cells = [[_show(row.get(name)) for name in names] for row in rows]
        size = "rows" if self.total is None else pluralize(self.total, "row")
        return as_card(f"{size}, {len(rows)} shown", as_table(names, cells))


def _show(value: Any) -> str:
    return truncate(format_cell(value), LONGEST_WORDS)


def structure_for(kind: Any) -> Callable[[Raw], Any]:
    """Return a function that makes an object of a class from a row, by column name.

    The class is an attrs class or a dataclass. A column that it does not name is only
    in `raw`. A missing column has the default of its field. None keeps the row.

    Raises:
        BuildError: It is no such class, or a field has a type that no column has.
    """
    if kind is None:
        return lambda raw: raw
    if not _has_columns(kind) or not isinstance(kind, type):
        problem = f"{shortened(kind)} is not an attrs class or dataclass"
        hint = "put @returns above a class, or use row.raw"
        raise errors.BuildError(problem, hint=hint)
    hook = _CONVERTER.get_structure_hook(kind)
    return lambda raw: hook(raw, kind)


# -- Values ---------------------------------------------------------------------------


def _misfit(value: Any, kind: Any) -> tables.WrongValueError:
    """Return the error of a value of another type than wanted."""
    cut = value[:LONGEST_WORDS] if isinstance(value, str) else value
    return tables.WrongValueError(f"{shortened(cut)} is not {_name(kind)}")


def _name(kind: Any) -> str:
    """Return a type as its annotation is written, shortened."""
    bare, _ = unwrap(kind)
    is_plain = isinstance(bare, type) and not typing.get_args(bare)
    return truncate(bare.__name__ if is_plain else str(bare), 80)


def _parse_number(text: str) -> Any:
    """Return a number or truth value in the form of JSON, in any case."""
    return load_json(text.strip().lower())


_PARSERS: Final[Mapping[type, Callable[[str], Any]]] = {
    str: str,
    **dict.fromkeys((int, float, bool), _parse_number),
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
}


def _structure_scalar(value: Any, kind: Any) -> Any:
    if type(value) is kind:
        return value
    # cattrs sends subclasses here as well, such as an enum of text.
    base = next(each for each in kind.__mro__ if each in _PARSERS)
    with suppress(ValueError, OverflowError):
        plain = _PARSERS[base](value) if isinstance(value, str) else value
        # A CSV column of integers has `.0` if one of them is missing.
        if base is int and type(plain) is float and plain.is_integer():
            plain = int(plain)
        if base is float and type(plain) is int:
            plain = float(plain)
        if type(plain) is base:
            return plain if kind is base else kind(plain)
    raise _misfit(value, kind)


_LIST: Final = (list, list_structure_factory)
_DICT: Final = (dict, mapping_structure_factory)
_CONTAINERS: Final[Mapping[Any, tuple[type, Any]]] = {
    **dict.fromkeys((list, abc.Sequence, abc.Iterable, abc.Collection), _LIST),
    **dict.fromkeys((dict, abc.Mapping), _DICT),
}


def _origin(kind: Any) -> Any:
    return typing.get_origin(kind) or kind


def _structure_container(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook for a list or dict, which CSV writes as JSON text in a cell."""
    container, make = _CONTAINERS[_origin(kind)]
    hook = make(kind, _CONVERTER)
    return lambda value, _: hook(_parse(value, container, kind), kind)


def _parse(value: Any, wanted: type, kind: Any) -> Any:
    data = load_json(value) if isinstance(value, str) else value
    if not isinstance(data, wanted):
        raise _misfit(value, kind)
    return data


def _has_columns(kind: Any) -> bool:
    return attrs.has(_origin(kind)) or is_dataclass(_origin(kind))


@cache
def _columns(kind: Any) -> Mapping[str, str]:
    """Return the column of each field of a class."""
    hints = typing.get_type_hints(_origin(kind), include_extras=True)
    return {name: column_of(name, hint) for name, hint in hints.items()}


def _structure_class(kind: Any) -> Callable[[Any, Any], Any]:
    make: Any = make_dict_structure_fn
    columns = _columns(kind).items()
    names = {name: cattrs.override(rename=column) for name, column in columns}
    hook = make(kind, _CONVERTER, **names)
    return lambda value, _: hook(_parse(value, dict, kind), kind)


def _structure_union(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook for a type or None, which an empty cell of CSV is."""
    members = [arg for arg in typing.get_args(kind) if arg is not type(None)]
    if len(members) != 1:
        _refuse_type(kind)
    (member,) = members
    hook = _CONVERTER.get_structure_hook(member)
    empty = (None,) if member is str else (None, "")
    return lambda value, _: None if value in empty else hook(value, member)


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _refuse_type(kind: Any) -> NoReturn:
    problem = f"no column can be read as {_name(kind)}"
    raise errors.BuildError(problem, hint="annotate the field with Any to keep it")


_CONVERTER: Final = cattrs.Converter(structure_fallback_factory=_refuse_type)
for _kind in _PARSERS:
    _CONVERTER.register_structure_hook(_kind, _structure_scalar)
_CONVERTER.register_structure_hook_factory(_has_columns, _structure_class)
_CONVERTER.register_structure_hook_factory(
    lambda kind: _origin(kind) in _CONTAINERS, _structure_container
)
_CONVERTER.register_structure_hook_factory(_is_union, _structure_union)


def _list_misfits(error: cattrs.ClassValidationError) -> Sequence[str]:
    """Return each column, or path inside one, and what is wrong with it."""
    columns = _columns(error.cl)
    lines = tables.list_mistakes(error, "row", _describe)
    return [_FIELD.sub(lambda match: columns[match[1]], line) for line in lines]


_FIELD: Final = re.compile(r"^row\.(\w+)")


def _describe(error: BaseException, kind: Any) -> str:
    if type(error) is KeyError:
        return f"it is missing, and {_name(kind)} is wanted"
    return printable(truncate(str(error), LONGEST_WORDS) or type(error).__name__)
