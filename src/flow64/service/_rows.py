"""Rows of a result: every column as it came, and the fields that a class asks for."""

from __future__ import annotations

import csv
import io
import json
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, Final, Generic, TypeVar

import attrs
import cattrs
from attrs import frozen
from typing_extensions import is_typeddict

from ..errors import AnswerError, ArgumentError, shortened

T = TypeVar("T")


@frozen
class Row(Generic[T]):
    """One row.

    Attributes:
        value: The row as the class asked for; None where it does not fit.
        raw: Every column.
        misfits: Why it does not fit, one line for each column.
    """

    value: T | None
    raw: Mapping[str, Any]
    misfits: Sequence[str] = ()


def typed_rows(rows: Iterator[Mapping[str, Any]], kind: Any) -> Iterator[Row[Any]]:
    """Rows as objects of an attrs class, dataclass or TypedDict; by column name.

    Raises:
        ArgumentError: The type is none of these.
    """
    if kind is None:
        return (Row(raw, raw) for raw in rows)
    if not (attrs.has(kind) or is_dataclass(kind) or is_typeddict(kind)):
        problem = f"{shortened(kind)} is no attrs class, dataclass or TypedDict"
        raise ArgumentError("rows", f"{problem}; put @returns above a class")
    return _typed(rows, kind)


def _typed(rows: Iterator[Mapping[str, Any]], kind: Any) -> Iterator[Row[Any]]:
    names = [
        name
        for name, hint in typing.get_type_hints(kind).items()
        if typing.get_origin(hint) is not typing.ClassVar
    ]
    for raw in rows:
        try:
            chosen = {name: raw[name] for name in names if name in raw}
            yield Row(_CONVERTER.structure(chosen, kind), raw)
        except Exception as error:  # noqa: BLE001 - cattrs gathers errors of all kinds
            yield Row(None, raw, cattrs.transform_error(error))


def rows_of(
    content: bytes, content_type: str, name: str
) -> Iterator[Mapping[str, Any]]:
    """The rows of a result file, JSON, NDJSON or CSV."""
    text = content.decode("utf-8-sig", errors="replace")
    words = {*_WORD.findall(content_type.lower()), name.rpartition(".")[2].lower()}
    rows: Iterator[Any]
    try:
        if words & {"ndjson", "jsonl"}:
            # No splitlines(): inside a JSON text other line breaks stand as they are.
            rows = (json.loads(line) for line in text.split("\n") if line.strip())
        elif "json" in words:
            rows = iter(_list(json.loads(text)))
        else:
            # Lists and dicts stand as JSON in one cell, which may be a long one.
            csv.field_size_limit(max(csv.field_size_limit(), len(text)))
            rows = csv.DictReader(io.StringIO(text, newline=""))
        yield from map(_row, rows)
    except (ValueError, RecursionError, csv.Error) as error:
        raise AnswerError("GET", "(signed link)", f"{name}: {error}") from error


_WORD = re.compile(r"[a-z]+")


def _list(data: Any) -> Sequence[Any]:
    if not isinstance(data, list):
        raise ValueError("no list of rows")  # noqa: TRY004 - as for any text that is no rows
    return data


def _row(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise ValueError("a row that is no object")  # noqa: TRY004 - as above
    return data


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _integer(value: Any, _: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and value % 1):
        raise TypeError(f"{value!r} is no integer")
    return int(value)


def _truth(value: Any, _: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _optional(kind: Any) -> Any:
    """None also for an empty cell, which is how CSV writes it."""
    inner = next(arg for arg in typing.get_args(kind) if arg is not type(None))

    def structure(value: Any, _: Any) -> Any:
        if value is None or (value == "" and inner is not str):
            return None
        return _CONVERTER.structure(value, inner)

    return structure


def _is_optional(kind: Any) -> bool:
    arguments = typing.get_args(kind)
    return len(arguments) == 2 and type(None) in arguments


def _nested(value: Any, kind: Any) -> Any:
    """Lists and dicts, which CSV writes as JSON text inside a cell."""
    if isinstance(value, str):
        value = json.loads(value)
    origin = typing.get_origin(kind) or kind
    if not isinstance(value, origin):
        raise TypeError(f"{value!r} is no {origin.__name__}")
    if origin is list and (inner := typing.get_args(kind)):
        return [_CONVERTER.structure(item, inner[0]) for item in value]
    return value


_NESTED: Final[tuple[Any, ...]] = (list, dict)
_CONVERTER = cattrs.Converter()
_CONVERTER.register_structure_hook(str, _text)
_CONVERTER.register_structure_hook(int, _integer)
_CONVERTER.register_structure_hook(bool, _truth)
_CONVERTER.register_structure_hook_func(
    lambda kind: typing.get_origin(kind) in _NESTED or kind in _NESTED, _nested
)
_CONVERTER.register_structure_hook_factory(_is_optional, _optional)
