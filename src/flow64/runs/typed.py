"""Type rows by cattrs: what a column becomes, as the type of its field wants it.

Values from CSV are text: numbers, truth values, dates and enum words are read from it,
lists, dicts and classes from JSON text, and None from an empty cell.
"""

from __future__ import annotations

import re
import types
import typing
from collections import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, Generic, Literal, TypeVar
from uuid import UUID

import attrs
import cattrs
from attrs import frozen
from cattrs.gen import make_dict_structure_fn

from ..definition import load_json
from ..dsl import column_of, unwrap
from ..errors import ArgumentError, RowTypeError, shortened
from ..text import printable, truncate
from .rows import Raw, RowFile

T = TypeVar("T")

LONGEST_WORDS: Final = 200
"""Most characters of a cell, or of the message of a class, in an error."""


@frozen
class Row(Generic[T]):
    """One row.

    Attributes:
        number: Its number, from 1.
        raw: All columns, as they came.
    """

    number: int
    raw: Raw
    _structure: Callable[[Raw], T]

    @property
    def value(self) -> T:
        """The row as an object of the class.

        Raises:
            RowTypeError: Columns are missing, or do not fit. All are named.
        """
        try:
            return self._structure(self.raw)
        except Exception as error:  # noqa: BLE001 - cattrs gathers errors of all kinds
            raise RowTypeError(
                self.number,
                [f"{at or 'the row'}: {why}" for at, why in _problems(error)],
            ) from None


class ResultRows(Generic[T]):
    """The rows of a result, from the first one each time they are iterated over.

    Attributes:
        total: Their number; None if the service does not say it.
        columns: The header of a CSV file; nothing for another format.
    """

    def __init__(
        self,
        source: RowFile | Sequence[Raw],
        structure: Callable[[Raw], T],
        total: int | None,
    ) -> None:
        self.total: Final = total
        self._source: Final = source
        self._structure: Final = structure

    @property
    def columns(self) -> Sequence[str]:
        """The header of a CSV file; nothing for another format."""
        return self._source.columns() if isinstance(self._source, RowFile) else ()

    @property
    def raw(self) -> RowFile | Sequence[Raw]:
        """The rows without types, to be iterated over any number of times."""
        return self._source

    def __iter__(self) -> Iterator[Row[T]]:
        for number, raw in enumerate(self._source, start=1):
            yield Row(number, raw, self._structure)

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError("the service does not say how many rows there are")
        return self.total

    def __bool__(self) -> bool:
        return self.total != 0


def structure_for(kind: Any) -> Callable[[Raw], Any]:
    """Return a function that makes an object of a class from a row, by column name.

    The class is an attrs class or a dataclass. A column that it does not name is only
    in `raw`. A missing column has the default of its field. None keeps the row.

    Raises:
        ArgumentError: It is no such class, or a field has a type that no column has.
    """
    if kind is None:
        return lambda raw: raw
    if not _has_columns(kind) or not isinstance(kind, type):
        problem = f"{shortened(kind)} is not an attrs class or dataclass"
        advice = "put @returns above a class, or use row.raw"
        raise ArgumentError("rows", f"{problem}; {advice}")
    try:
        hook = _CONVERTER.get_structure_hook(kind)
    except NameError as error:
        advice = "its annotations have to name what exists"
        raise ArgumentError("rows", f"{_name(kind)}: {error}; {advice}") from error
    return lambda raw: hook(raw, kind)


# -- Values ---------------------------------------------------------------------------


class _MisfitsError(ValueError):
    """Pairs of a path inside a cell and a problem."""


class _MisfitError(ValueError):
    """A value of another type than wanted."""

    def __init__(self, value: Any, kind: Any) -> None:
        cut = value[:LONGEST_WORDS] if isinstance(value, str) else value
        super().__init__(f"{shortened(cut)} is not {_name(kind)}")


def _name(kind: Any) -> str:
    """Return a type as its annotation is written, shortened."""
    bare, _ = unwrap(kind)
    name = bare.__name__ if isinstance(bare, type) and not _args(bare) else str(bare)
    return truncate(name.replace("typing.", ""), 80)


def _args(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind)


def _origin(kind: Any) -> Any:
    return typing.get_origin(kind) or kind


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_integer(value: Any) -> int:
    if isinstance(value, str) and (match := _INTEGER.fullmatch(value)):
        return int(match[1])
    if not isinstance(value, float) or value % 1:
        raise TypeError
    return int(value)


_INTEGER: Final = re.compile(r"\s*([+-]?[0-9]+)(?:\.0*)?\s*", re.ASCII)
"""Also with `.0`: a CSV column of integers has it if one of them is missing."""


def _read_number(value: Any, kind: type[Any] = float) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise TypeError
    return kind(value)


def _read_truth(value: Any) -> bool:
    words = {"true": True, "false": False}
    return value if isinstance(value, bool) else words[_read_text(value).lower()]


_READERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: _read_text,
    int: _read_integer,
    float: _read_number,
    bool: _read_truth,
    Decimal: lambda value: _read_number(str(value), Decimal),
    datetime: lambda value: datetime.fromisoformat(_read_text(value)),
    date: lambda value: date.fromisoformat(_read_text(value)),
    time: lambda value: time.fromisoformat(_read_text(value)),
    UUID: lambda value: UUID(_read_text(value)),
}


def _structure_scalar(value: Any, kind: Any) -> Any:
    if type(value) is kind:
        return value
    if _is_choice(kind):  # cattrs sends subclasses here as well
        return _structure_choice(value, kind)
    try:
        return _READERS[kind](value)
    except (TypeError, KeyError, ValueError, ArithmeticError):
        raise _MisfitError(value, kind) from None


def _structure_choice(value: Any, kind: Any) -> Any:
    """Return a member of an enum, or one of the values of a `Literal`."""
    for raw, option in _list_options(kind):
        # CSV writes numbers and truth values as text.
        is_text = isinstance(value, str) and not isinstance(raw, str)
        if value == (str(raw) if is_text else raw):
            return option
    raise _MisfitError(value, kind)


@cache
def _list_options(kind: Any) -> Sequence[tuple[Any, Any]]:
    options = list(kind) if isinstance(kind, type) else _args(kind)
    return [(o.value if isinstance(o, Enum) else o, o) for o in options]


def _is_choice(kind: Any) -> bool:
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    return is_enum or typing.get_origin(kind) is Literal


_CONTAINERS: Final[Mapping[Any, Any]] = {
    **dict.fromkeys((list, abc.Sequence, abc.Iterable, abc.Collection), list),
    **dict.fromkeys((dict, abc.Mapping), dict),
    tuple: tuple,
    set: set,
    frozenset: frozenset,
}


def _structure_container(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook for a list or dict, which CSV writes as JSON text in a cell."""
    container = _CONTAINERS[_origin(kind)]
    *_, inner = [part for part in _args(kind) if part is not Ellipsis] or [Any]
    if container is tuple and len(_args(kind)) > 1 and _args(kind)[-1] is not Ellipsis:
        return _refuse_type(kind)
    hook = _CONVERTER.get_structure_hook(inner)

    def structure(value: Any, _: Any) -> Any:
        data = _parse(value, dict if container is dict else list, kind)
        items = data.items() if container is dict else enumerate(data)
        values: dict[Any, Any] = {}
        problems: list[tuple[str, str]] = []
        for key, item in items:
            try:
                values[key] = hook(item, inner)
            except Exception as error:  # noqa: BLE001 - as for a row
                problems += [(f"[{key!r}]{at}", why) for at, why in _problems(error)]
        if problems:
            raise _MisfitsError(problems)
        return values if container is dict else container(values.values())

    return structure


def _parse(value: Any, wanted: type, kind: Any) -> Any:
    data = load_json(value) if isinstance(value, str) else value
    if not isinstance(data, wanted):
        raise _MisfitError(value, kind)
    return data


def _structure_class(kind: Any) -> Callable[[Any, Any], Any]:
    renamed = {
        name: cattrs.override(rename=column)
        for name, column in _columns(kind).items()
        if name != column
    }
    make: Any = make_dict_structure_fn
    hook = make(kind, _CONVERTER, **renamed)
    return lambda value, _: hook(_parse(value, dict, kind), kind)


@cache
def _columns(kind: Any) -> Mapping[str, str]:
    """Return the column of each field of a class."""
    hints = typing.get_type_hints(_origin(kind), include_extras=True)
    return {name: column_of(name, hint) for name, hint in hints.items()}


def _has_columns(kind: Any) -> bool:
    return attrs.has(_origin(kind)) or is_dataclass(_origin(kind))


def _structure_union(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook for the member that fits. None also fits an empty cell of CSV."""
    members = [member for member in _args(kind) if member is not type(None)]
    has_none = len(members) < len(_args(kind))
    # What has the very type of the value is tried first, and text last.
    members.sort(key=lambda member: member is str)
    hooks = [(_CONVERTER.get_structure_hook(member), member) for member in members]

    def structure(value: Any, _: Any) -> Any:
        if has_none and (value is None or (value == "" and str not in members)):
            return None
        if len(hooks) == 1:  # so that a misfit has the inner path
            return hooks[0][0](value, members[0])
        for hook, member in sorted(hooks, key=lambda pair: type(value) is not pair[1]):
            try:
                return hook(value, member)
            except Exception:  # noqa: BLE001, S112 - the next one may fit
                continue
        raise _MisfitError(value, kind)

    return structure


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _refuse_type(kind: Any) -> Any:
    problem = f"no column can be read as {_name(kind)}"
    raise ArgumentError("rows", f"{problem}; annotate the field with Any to keep it")


_CONVERTER: Final = cattrs.Converter(structure_fallback_factory=_refuse_type)
for _kind in _READERS:
    _CONVERTER.register_structure_hook(_kind, _structure_scalar)
_CONVERTER.register_structure_hook_factory(_has_columns, _structure_class)
_CONVERTER.register_structure_hook_func(_is_choice, _structure_choice)
_CONVERTER.register_structure_hook_factory(
    lambda kind: _origin(kind) in _CONTAINERS, _structure_container
)
_CONVERTER.register_structure_hook_factory(_is_union, _structure_union)


# -- What does not fit ----------------------------------------------------------------


def _problems(error: BaseException) -> Iterator[tuple[str, str]]:
    """Yield each column, or path inside one, and what is wrong with it."""
    if isinstance(error, _MisfitsError):
        yield from error.args[0]
        return
    if not isinstance(error, cattrs.ClassValidationError):
        yield "", printable(truncate(str(error), LONGEST_WORDS) or type(error).__name__)
        return
    names = _columns(error.cl)
    for inner in error.exceptions:
        note: Any = next(reversed(getattr(inner, "__notes__", ())), None)
        name = getattr(note, "name", "")
        column = printable(names.get(name, name))
        if type(inner) is KeyError and name:
            yield column, f"it is missing, and {_name(note.type)} is wanted"
            continue
        for at, why in _problems(inner):
            yield (f"{column}.{at}" if at and at[0] != "[" else column + at), why
