"""Values of rows: what a column becomes, as the type of its field wants it."""

from __future__ import annotations

import re
import types
import typing
from collections import abc, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import repeat
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import attrs
import cattrs
from typing_extensions import is_typeddict

from ..definition import load_json
from ..dsl import model_fields
from ..errors import ArgumentError, shortened
from ..text import truncate


def has_columns(kind: Any) -> bool:
    """Return True for a class with columns as fields."""
    is_data = attrs.has(kind) or is_dataclass(kind) or is_typeddict(kind)
    return is_data or model_fields(kind) is not None


LONGEST_WORDS: Final = 200


class Misfit(Exception):  # noqa: N818 - it becomes a line of a row, and no error
    """A value of another type than wanted."""

    def __init__(self, value: Any, wanted: Any) -> None:
        super().__init__(value, wanted)

    def __str__(self) -> str:
        value, wanted = self.args
        if isinstance(value, str):
            value = value[:LONGEST_WORDS]  # a cell may be a long one
        return f"{shortened(value)} is not {name_type(wanted)}"


def name_type(kind: Any) -> str:
    """Return a type as its annotation is written, shortened."""
    kind = _strip_annotation(kind)
    if isinstance(kind, type) and not typing.get_args(kind):
        return kind.__name__
    text = _MODULE.sub("", str(kind))
    return truncate(text, _LONGEST_TYPE)


_MODULE: Final = re.compile(r"\b(?:[A-Za-z_]\w*\.|<locals>\.)+(?=[A-Za-z_])")
_LONGEST_TYPE: Final = 80


# -- Single values --------------------------------------------------------------------


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_integer(value: Any) -> int:
    if isinstance(value, str):
        found = _INTEGER.fullmatch(value)
        if not found:
            raise ValueError
        return int(found[1])
    if isinstance(value, bool) or (isinstance(value, float) and value % 1):
        raise TypeError
    return int(value)


_INTEGER: Final = re.compile(r"\s*([+-]?[0-9]+)(?:\.0*)?\s*", re.ASCII)
"""Also with `.0`: a CSV column of integers has it if one of them is missing."""


def _read_number(value: Any) -> float:
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise TypeError
    return float(value)


def _read_truth(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise TypeError
    return value


def _read_decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise TypeError
    return Decimal(str(value))


def _refuse_bytes(_: Any) -> bytes:
    raise TypeError  # bytes(5) would be five of them


_READERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    str: _read_text,
    int: _read_integer,
    float: _read_number,
    bool: _read_truth,
    bytes: _refuse_bytes,
    Decimal: _read_decimal,
    datetime: lambda value: datetime.fromisoformat(_read_text(value)),
    date: lambda value: date.fromisoformat(_read_text(value)),
    time: lambda value: time.fromisoformat(_read_text(value)),
    UUID: lambda value: UUID(_read_text(value)),
}


def _structure_scalar(
    exact: type, read: Callable[[Any], Any]
) -> Callable[[Any, Any], Any]:
    """Return a hook for a class and its subclasses, which cattrs sends here as well."""

    def structure(value: Any, kind: Any) -> Any:
        if kind is not exact and issubclass(kind, Enum):
            return _structure_choice(value, kind)
        try:
            found = read(value)
            return found if kind is exact else kind(found)
        except (TypeError, ValueError, ArithmeticError):
            raise Misfit(value, kind) from None

    return structure


def _structure_choice(value: Any, kind: Any) -> Any:
    """Return a member of an enum, or one of the values of a `Literal`."""
    options = _list_options(kind)
    for raw, option in options:
        if type(raw) is type(value) and raw == value:
            return option
    if isinstance(value, str):  # CSV writes numbers and truth values as text
        for raw, option in options:
            if not isinstance(raw, str) and value.lower() == _format_cell(raw):
                return option
    raise Misfit(value, kind)


@cache
def _list_options(kind: Any) -> Sequence[tuple[Any, Any]]:
    given: Any = kind if isinstance(kind, type) else typing.get_args(kind)
    return [(o.value if isinstance(o, Enum) else o, o) for o in given]


def _format_cell(raw: Any) -> str:
    return "" if raw is None else str(raw).lower()


_LISTS: Final[Mapping[Any, Callable[[list[Any]], Any]]] = {
    list: list,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Collection: list,
    abc.Iterable: list,
    deque: deque,
    tuple: tuple,
    set: set,
    abc.Set: frozenset,
    abc.MutableSet: set,
    frozenset: frozenset,
}
_DICTS: Final = (dict, abc.Mapping, abc.MutableMapping)


def _is_list(kind: Any) -> bool:
    return find_origin(kind) in _LISTS


def _is_dict(kind: Any) -> bool:
    return find_origin(kind) in _DICTS


def find_origin(kind: Any) -> Any:
    return typing.get_origin(kind) or kind


def _structure_list(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook for lists, tuples and sets, which are lists in JSON."""
    make = _LISTS[find_origin(kind)]
    inner = typing.get_args(kind) or (Any, ...)
    is_fixed = make is tuple and inner[-1] is not Ellipsis
    hooks = [(CONVERTER.get_structure_hook(i), i) for i in inner if i is not Ellipsis]

    def structure(value: Any, _: Any) -> Any:
        items = parse_json(value, list, kind)
        if is_fixed and len(items) != len(hooks):
            raise Misfit(value, kind)
        readers = hooks if is_fixed else repeat(hooks[0])
        found = _structure_each(
            zip(range(len(items)), items, readers, strict=False), kind
        )
        try:
            return make(found)
        except TypeError:  # a set of lists
            raise Misfit(value, kind) from None

    return structure


def _structure_dict(kind: Any) -> Callable[[Any, Any], Any]:
    key, inner = typing.get_args(kind) or (Any, Any)
    read_key = CONVERTER.get_structure_hook(key)
    reader = (CONVERTER.get_structure_hook(inner), inner)

    def structure(value: Any, _: Any) -> Any:
        given = parse_json(value, abc.Mapping, kind)
        names = _structure_each(((n, n, (read_key, key)) for n in given), kind)
        return dict(
            zip(
                names,
                _structure_each(((n, v, reader) for n, v in given.items()), kind),
                strict=True,
            )
        )

    return structure


def _structure_each(
    items: Iterable[tuple[Any, Any, tuple[Callable[[Any, Any], Any], Any]]], kind: Any
) -> list[Any]:
    """Structure each value, and report all misfits together."""
    found: list[Any] = []
    errors: list[Exception] = []
    for index, value, (hook, inner) in items:
        try:
            found.append(hook(value, inner))
        except Exception as error:  # noqa: BLE001 - whatever a class of the user raises
            note = cattrs.IterableValidationNote(f"at {index!r:.60}", index, inner)
            error.add_note(note)
            errors.append(error)
    if errors:
        raise cattrs.IterableValidationError("values that do not fit", errors, kind)
    return found


def parse_json(value: Any, wanted: Any, kind: Any) -> Any:
    """Return a list or dict, which CSV writes as JSON text in a cell."""
    given = load_json(value) if isinstance(value, str) else value
    if not isinstance(given, wanted):
        raise Misfit(value, kind)
    return given


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _structure_union(kind: Any) -> Callable[[Any, Any], Any]:
    """Return a hook for the member that fits. None also fits an empty cell of CSV."""
    members = [_strip_annotation(arg) for arg in typing.get_args(kind)]
    has_none = type(None) in members
    readers = [
        (CONVERTER.get_structure_hook(member), member)
        for member in members
        if member is not type(None)
    ]

    def structure(value: Any, _: Any) -> Any:
        if has_none and value is None:
            return None
        if len(readers) == 1 and value != "":  # so that a misfit has the inner path
            ((hook, member),) = readers
            return hook(value, member)
        ranked = sorted(readers, key=lambda reader: _rank_member(reader[1], value))
        for hook, member in ranked:
            try:
                return hook(value, member)
            except Exception:  # noqa: BLE001, S112 - the next one may fit
                continue
        if has_none and value == "":
            return None
        raise Misfit(value, kind)

    return structure


def _strip_annotation(kind: Any) -> Any:
    is_annotated = typing.get_origin(kind) is Annotated
    return typing.get_args(kind)[0] if is_annotated else kind


def _rank_member(member: Any, value: Any) -> tuple[int, int]:
    """Return the rank of a union's member: the lowest is tried first.

    Words that mean something (an enum, a date) come before any text, a class before any
    dict, and what has the very type of the value before what it could be turned into:
    text that looks like a number stays text where text may stand.
    """
    origin = find_origin(member)
    if type(value) is origin:
        return 1, 0
    if has_columns(member) and isinstance(value, Mapping):
        names = typing.get_type_hints(origin)
        return 0, -sum(name in names for name in value)
    is_meaning = not (origin in _PLAIN or _is_list(member) or _is_dict(member))
    return 0 if is_meaning and not has_columns(member) else 2, 0


_PLAIN: Final = (str, int, float, bool)


def _is_choice(kind: Any) -> bool:
    is_enum = isinstance(kind, type) and issubclass(kind, Enum)
    return is_enum or typing.get_origin(kind) is Literal


def _refuse_type(kind: Any) -> Any:
    """Refuse a type that no column can have."""
    problem = f"no column can be read as {name_type(kind)}"
    raise ArgumentError("rows", f"{problem}; annotate the field with Any to keep it")


CONVERTER: Final = cattrs.Converter(structure_fallback_factory=_refuse_type)
for _kind, _read in _READERS.items():
    CONVERTER.register_structure_hook(_kind, _structure_scalar(_kind, _read))
CONVERTER.register_structure_hook_func(lambda kind: kind is object, lambda v, _: v)
CONVERTER.register_structure_hook_func(_is_choice, _structure_choice)
CONVERTER.register_structure_hook_factory(_is_list, _structure_list)
CONVERTER.register_structure_hook_factory(_is_dict, _structure_dict)
CONVERTER.register_structure_hook_factory(_is_union, _structure_union)
