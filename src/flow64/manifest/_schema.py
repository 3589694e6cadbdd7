"""The JSON Schema of a manifest, from its classes and the patterns of its reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..blocks import DIALECT
from ..generation import schema_of_class
from ._model import Entry, Pulled
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
        "$defs": {"entry": _entry_schema()},
    }


_KEY: Final = {"type": "string", "minLength": 1, "maxLength": 512}

_PROJECT: Final[Mapping[str, Any]] = {"namespace": _KEY, "project": _KEY}


def _entry_schema() -> dict[str, Any]:
    found = schema_of_class(Entry, _MORE)
    found["properties"] |= _PROJECT
    # Both or none: together they are the owner of the ids.
    pair = [*_PROJECT]
    return {**found, "dependentRequired": dict.fromkeys(pair, pair)}


def _object(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**properties},
        "required": required,
        "additionalProperties": False,
    }


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
