"""JSON Schemas of data that classes are written as, from the types of attributes."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, TypeAlias, Union

import attrs

from ..blocks import JSON_TYPES
from ..text import find_attribute_docs

More: TypeAlias = Mapping[tuple[type[Any], str], Mapping[str, Any]]
"""Further keywords for an attribute of a class."""

NOTHING_MORE: Final[More] = {}


def schema_of_class(cls: type[Any], more: More = NOTHING_MORE) -> dict[str, Any]:
    """Return the schema of an object with all attributes of an attrs class.

    Those with a default may be missing.
    """
    found = attrs.fields(cls)
    required = [one.name for one in found if one.default is attrs.NOTHING]
    return {
        **schema_of_data(cls, [one.name for one in found], more),
        "required": required,
        "additionalProperties": False,
    }


def schema_of_data(
    cls: type[Any], names: Iterable[str], more: More = NOTHING_MORE
) -> dict[str, Any]:
    """Return the schema of an object with some attributes and properties of a class."""
    hints = typing.get_type_hints(cls)
    docs = find_attribute_docs(cls)
    properties: dict[str, Any] = {}
    for name in names:
        hint = hints[name] if name in hints else _hint_of_property(cls, name)
        note = {"description": docs[name]} if name in docs else {}
        schema = schema_of_type(hint, more)
        properties[name] = {**note, **schema, **more.get((cls, name), {})}
    return {"type": "object", "properties": properties, "required": [*properties]}


def _hint_of_property(cls: type[Any], name: str) -> Any:
    return typing.get_type_hints(getattr(cls, name).fget)["return"]


def schema_of_type(hint: Any, more: More = NOTHING_MORE) -> dict[str, Any]:
    """Return the schema of the JSON for the type of an attribute."""
    if hint in (Any, object):
        return {}
    if hint in JSON_TYPES:
        return {"type": JSON_TYPES[hint]}
    if isinstance(hint, type) and attrs.has(hint):
        return schema_of_class(hint, more)
    if typing.is_typeddict(hint):
        return schema_of_data(hint, typing.get_type_hints(hint), more)
    args = typing.get_args(hint)
    origin = typing.get_origin(hint)
    if origin is Literal:
        return {"enum": [*args]}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of_type(one, more) for one in args]}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema_of_type(args[1], more)}
    return {"type": "array", "items": schema_of_type(args[0], more)}
