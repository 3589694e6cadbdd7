"""The JSON Schema of a manifest, from its classes and the patterns of its reader."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..blocks import DIALECT
from ..definition import ProjectKey
from ..text import find_attribute_docs
from ._model import BlockEntry, Entry, Pulled
from ._names import MANIFEST
from ._read import _MARK16, _PATH, _REF, FORMAT, MARK


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of a `flow64.json`."""
    return {
        "$schema": DIALECT,
        "title": f"{MANIFEST}, the identity of each workflow of a folder",
        "type": "object",
        "properties": {
            MARK: {"description": "The version of the format.", "const": FORMAT},
            "files": {
                "description": "The entry of each file.",
                "type": "object",
                "propertyNames": {"pattern": r"^[^/\\:]+\.json$"},
                "additionalProperties": {"$ref": "#/$defs/entry"},
            },
            "whole": {
                "description": "Projects that were compiled with all their workflows.",
                "type": "array",
                "items": _object(_PROJECT, [*_PROJECT]),
            },
        },
        "required": [MARK],
        "additionalProperties": False,
        "$defs": {
            "entry": _entry_schema(),
            "block": _class_schema(BlockEntry),
            "pulled": _class_schema(Pulled),
        },
    }


_KEY: Final = {"type": "string", "minLength": 1, "maxLength": 512}

_PROJECT: Final[Mapping[str, Any]] = {"namespace": _KEY, "project": _KEY}


def _entry_schema() -> dict[str, Any]:
    found = _class_schema(Entry)
    del found["properties"]["project"]
    found["properties"] |= _PROJECT
    # Both or none: together they are the owner of the ids.
    pair = [*_PROJECT]
    return {**found, "dependentRequired": dict.fromkeys(pair, pair)}


def _class_schema(cls: type[Any]) -> dict[str, Any]:
    """Return the schema of an object with the attributes of a class."""
    hints = typing.get_type_hints(cls)
    docs = find_attribute_docs(cls)
    properties = {
        one.name: {
            "description": docs[one.name],
            **_schema_of(hints[one.name]),
            **_MORE.get((cls, one.name), {}),
        }
        for one in attrs.fields(cls)
    }
    required = [o.name for o in attrs.fields(cls) if o.default is attrs.NOTHING]
    # The reader takes a missing list of fields as an empty one.
    return _object(properties, [name for name in required if name != "fields"])


def _object(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**properties},
        "required": required,
        "additionalProperties": False,
    }


def _schema_of(hint: Any) -> dict[str, Any]:
    """Return the schema of the JSON for the type of an attribute."""
    if hint is str:
        return {"type": "string"}
    if hint in _NAMES:
        return {"$ref": f"#/$defs/{_NAMES[hint]}"}
    args = typing.get_args(hint)
    if typing.get_origin(hint) is types.UnionType:
        return _schema_of(args[0])
    if typing.get_origin(hint) is Mapping:
        return {"type": "object", "additionalProperties": _schema_of(args[1])}
    return {"type": "array", "items": _schema_of(args[0])}


_NAMES: Final = {BlockEntry: "block", Pulled: "pulled", ProjectKey: "project"}

_UUID: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"

_MORE: Final[Mapping[tuple[type[Any], str], Mapping[str, Any]]] = {
    (Entry, "key"): _KEY,
    (Entry, "env"): _KEY,
    (Entry, "path"): {"pattern": f"^{_PATH.pattern}$"},
    (Entry, "blocks"): {"propertyNames": {"pattern": _UUID}},
    (Pulled, "env"): _KEY,
    (Pulled, "unbound"): {"pattern": f"^{_MARK16.pattern}$"},
    (Pulled, "bound"): {"pattern": f"^{_MARK16.pattern}$"},
    (Pulled, "fields"): {"propertyNames": {"pattern": f"^{_REF.pattern}$"}},
}
"""What the reader asks of an attribute in addition to its type."""
