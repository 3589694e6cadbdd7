"""Classes of rows: attrs classes, dataclasses, TypedDicts and pydantic models."""

from __future__ import annotations

import dataclasses
import typing
from collections import abc
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NotRequired, Required, TypedDict

import attrs
import cattrs
from cattrs.gen import make_dict_structure_fn, typeddicts
from typing_extensions import is_typeddict

from ..dsl import column_of, model_fields, unwrap
from ..errors import ArgumentError
from ._row_values import CONVERTER, find_origin, has_columns, parse_json


class Refused(Exception):  # noqa: N818 - it becomes a line of a row, and no error
    """A value that a pydantic model refuses, in its words."""


@cache
def structure_class(
    kind: Any, left_out: frozenset[str] = frozenset()
) -> Callable[[Any, Any], Any]:
    """Return a hook for a class with fields for columns, or for keys of a dict.

    Args:
        kind: The class.
        left_out: Names of fields that get their default, or else None.
    """
    if model_fields(kind) is not None:
        return _structure_model(kind, left_out)
    if is_typeddict(kind):
        return _structure_keys(kind, _resolve_hints(kind), left_out)
    columns = columns_of_class(kind)
    empty = left_out - _fields_with_default(kind)
    overrides = {
        name: cattrs.override(
            rename=columns[name],
            omit=name in left_out and name not in empty,
            struct_hook=_read_none if name in empty else None,
        )
        for name in columns
        if name in left_out or columns[name] != name
    }
    make: Any = make_dict_structure_fn
    made = make(kind, CONVERTER, **overrides)
    nothing = dict.fromkeys(columns[name] for name in empty)

    def structure(value: Any, _: Any) -> Any:
        given = parse_json(value, abc.Mapping, kind)
        return made({**given, **nothing} if nothing else given, kind)

    return structure


def _structure_keys(
    kind: Any, typed_dict: Any, left_out: frozenset[str]
) -> Callable[[Any, Any], dict[str, Any]]:
    """Return a hook for the fields of a class, as keys of a TypedDict."""
    columns = columns_of_class(kind)
    chosen = [item for item in columns.items() if item[0] not in left_out]
    overrides = {name: cattrs.override(omit=True) for name in left_out}
    make: Any = typeddicts.make_dict_structure_fn
    made = make(typed_dict, CONVERTER, **overrides)

    def structure(value: Any, _: Any) -> dict[str, Any]:
        given = parse_json(value, abc.Mapping, kind)
        # cattrs would keep keys that the class does not name.
        known = {name: given[column] for name, column in chosen if column in given}
        try:
            found: dict[str, Any] = made(known, typed_dict)
        except cattrs.ClassValidationError as error:  # of a class made here
            raise cattrs.ClassValidationError("", error.exceptions, kind) from None
        return found

    return structure


@cache
def columns_of_class(kind: Any) -> Mapping[str, str]:
    """Return the column of each field; none for what has no fields."""
    origin = find_origin(kind)
    if not has_columns(origin):
        return {}
    models = model_fields(origin) or {}
    hints = typing.get_type_hints(origin, include_extras=True)
    return {
        name: column_of(name, hint, models.get(name)) for name, hint in hints.items()
    }


def _fields_with_default(kind: Any) -> frozenset[str]:
    origin = find_origin(kind)
    if attrs.has(origin):
        found = [a.name for a in attrs.fields(origin) if a.default is not attrs.NOTHING]
    else:
        none = dataclasses.MISSING
        found = [
            f.name
            for f in dataclasses.fields(origin)
            if f.default is not none or f.default_factory is not none
        ]
    return frozenset(found)


def _read_none(_: Any, __: Any) -> None:
    return None


def _structure_model(kind: Any, left_out: frozenset[str]) -> Callable[[Any, Any], Any]:
    """Return a hook for a pydantic model, which judges what was read for it."""
    fields: Any = model_fields(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    arguments = {name: column_of(name, None, fields[name]) for name in fields}
    nothing = {arguments[n]: None for n in left_out if fields[n].is_required()}

    @cache  # when a row is there, since a model may be a field of itself
    def make_reader() -> Callable[[Any, Any], dict[str, Any]]:
        keys = {name: _known_type(hints[name]) for name in fields}
        for name, field in fields.items():
            if not field.is_required():
                keys[name] = NotRequired[keys[name]]
        return _structure_keys(kind, _make_typed_dict(kind, keys), left_out)

    def structure(value: Any, _: Any) -> Any:
        found = make_reader()(value, kind)
        known = {arguments[name]: found[name] for name in found}
        if left_out:
            return kind.model_construct(**known, **nothing)
        try:
            return kind.model_validate(known)
        except ValueError as error:
            if not hasattr(error, "errors"):
                raise
            raise _read_refusal(error, kind, arguments) from None

    return structure


def _known_type(hint: Any) -> Any:
    """Return a type, or Any if only pydantic can read it."""
    try:
        CONVERTER.get_structure_hook(hint)
    except ArgumentError:
        return Any
    return hint


def _read_refusal(
    error: Any, kind: Any, arguments: Mapping[str, str]
) -> cattrs.ClassValidationError:
    """Return a validation error of pydantic with a note of the field for each part."""
    names = {argument: name for name, argument in arguments.items()}
    found: list[Exception] = []
    for part in error.errors():
        refused = Refused(part["msg"])
        if part["loc"]:
            name = names.get(part["loc"][0], str(part["loc"][0]))
            note = cattrs.AttributeValidationNote(f"at {name!r:.60}", name, Any)
            refused.add_note(note)
        found.append(refused)
    return cattrs.ClassValidationError("", found, kind)


@cache
def _resolve_hints(kind: Any) -> Any:
    """Return an equal TypedDict with types for annotations.

    If annotations are text, as with `from __future__ import annotations`, Python takes
    every key for a required one.
    """
    keys = {}
    for name, hint in typing.get_type_hints(kind, include_extras=True).items():
        plain, notes = unwrap(hint)
        marks: Any = (Required, NotRequired)
        words = [mark for mark in marks if any(note is mark for note in notes)]
        is_optional = (
            words == [NotRequired] if words else name in kind.__optional_keys__
        )
        keys[name] = NotRequired[plain] if is_optional else plain
    return _make_typed_dict(kind, keys)


def _make_typed_dict(kind: Any, keys: Mapping[str, Any]) -> Any:
    """Return a TypedDict with the name of a class."""
    return TypedDict(kind.__name__, keys)  # type: ignore[operator] # made when it runs


CONVERTER.register_structure_hook_factory(has_columns, structure_class)
