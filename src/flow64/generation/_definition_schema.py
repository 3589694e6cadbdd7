"""JSON Schemas of workflows, from the built-in catalogue and a live one.

Editors complete and judge files by them. A live schema comes from outside, so only the
keywords that are understood are copied, and references are written out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..analysis import LiveBlock, LiveCatalogue, SchemaReader
from ..blocks import CATALOGUE, DIALECT, specs_schema
from ..definition import VALUE_KEY, is_number, thaw
from ..redaction import redact_keys_in_json

DEEPEST: Final = 8
"""Levels of a schema that are copied. Below them, anything is accepted."""

MOST_PARTS: Final = 5_000
"""Parts of the schema of one kind that are copied. After them, anything is accepted."""

_VALUE: Final[Mapping[str, Any]] = {"$ref": "#/$defs/value"}


def definition_schema(live: LiveCatalogue | None = None) -> dict[str, Any]:
    """Return the JSON Schema of a graph, the `workflow_definition` of a workflow.

    Args:
        live: The service's own list of blocks, which wins over the built-in catalogue.
    """
    graph, defs = _graph(live)
    title = "The graph of a Sixtyfour workflow"
    return {"$schema": DIALECT, "title": title, **graph, "$defs": defs}


def create_schema(live: LiveCatalogue | None = None) -> dict[str, Any]:
    """Return the JSON Schema of the body that creates a workflow.

    Files that `flow64 compile` and `flow64 pull` write have this form.

    Args:
        live: The service's own list of blocks, which wins over the built-in catalogue.
    """
    graph, defs = _graph(live)
    return {
        "$schema": DIALECT,
        "title": "A Sixtyfour workflow, as it is created",
        "type": "object",
        "properties": {
            "id": _optional_text("The id of the workflow, a UUID."),
            "workflow_name": {"type": "string", "description": "The title."},
            "workflow_description": _optional_text("The description."),
            "workflow_definition": {"$ref": "#/$defs/graph"},
        },
        "required": ["workflow_name", "workflow_definition"],
        "$defs": {"graph": graph, **defs},
    }


def _optional_text(description: str) -> dict[str, Any]:
    return {"type": ["string", "null"], "description": description}


def _graph(live: LiveCatalogue | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a graph, and what it refers to."""
    schemas = _schemas_by_kind(live)
    graph = {
        "type": "object",
        "properties": {
            "blocks": {"type": "array", "items": {"$ref": "#/$defs/block"}},
            "edges": {"type": "array", "items": {"$ref": "#/$defs/edge"}},
        },
        "required": ["blocks", "edges"],
    }
    block = {
        "type": "object",
        "properties": {
            "block_id": _optional_text("The id of the block, a UUID."),
            "sequence_number": {"type": "integer", "description": "From 1, in order."},
            "block_type": {"type": "string", "description": "A free label."},
            # Another kind is accepted, but the known ones are offered.
            "block_name": {"anyOf": [{"enum": [*schemas]}, {"type": "string"}]},
            "specs": {"type": "object"},
        },
        "required": ["sequence_number", "block_type", "block_name", "specs"],
        "allOf": [
            {
                "if": {
                    "properties": {"block_name": {"const": kind}},
                    "required": ["block_name"],
                },
                "then": {"properties": {"specs": schema}},
            }
            for kind, schema in schemas.items()
        ],
    }
    edge = {
        "type": "object",
        "properties": {
            "from_block_id": {"type": "string"},
            "to_block_id": {"type": "string"},
            "condition": _optional_text("Reserved; the service does not use it."),
        },
        "required": ["from_block_id", "to_block_id"],
    }
    value = {
        "description": "A value that each environment fills in.",
        "type": "object",
        "properties": {
            VALUE_KEY: {"type": "string", "minLength": 1},
            "secret": {"type": "boolean"},
        },
        "required": [VALUE_KEY],
        "additionalProperties": False,
    }
    return graph, {"block": block, "edge": edge, "value": value}


def _schemas_by_kind(live: LiveCatalogue | None) -> dict[str, Any]:
    listed = {} if live is None else live.blocks
    return {
        kind: _kind_schema(kind, listed.get(kind))
        for kind in sorted({*CATALOGUE, *listed})
    }


def _kind_schema(kind: str, live: LiveBlock | None) -> dict[str, Any]:
    """Return the schema of the specs of a kind. What the service says of it wins."""
    ours: dict[str, Any] = {"type": "object"}
    if kind in CATALOGUE:
        made = specs_schema(CATALOGUE[kind])
        ours = _SchemaCopier(made).copy_specs(made)
    if live is None or live.specs_schema is None:
        return ours
    made = redact_keys_in_json(thaw(live.specs_schema))
    theirs = _SchemaCopier(made).copy_specs(made)
    if theirs.get("additionalProperties") is False:
        return {"type": "object", **theirs}
    known = ours.get("properties", {})
    unlisted = {name: known[name] for name in known if name not in live.fields}
    about: dict[str, Any] = {
        key: ours[key] for key in ("title", "description") if key in ours
    }
    return {
        **about,
        "type": "object",
        **theirs,
        "properties": {**theirs.get("properties", {}), **unlisted},
    }


class _SchemaCopier:
    """Copies what is understood of one schema. References are written out."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._reader = SchemaReader(root)
        self._left = MOST_PARTS

    def copy_specs(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy in which any value inside specs may be an unbound one."""
        return self._copy(schema, 0)

    def _copy_value(self, schema: Any, depth: int) -> Any:
        """Return a copy of the schema of a value, which may be an unbound one."""
        if schema is False:
            return False
        made = self._copy(schema, depth)
        if made.keys() <= _NOTES:  # it accepts anything
            return made
        notes = {key: made.pop(key) for key in _NOTES if key in made}
        return {**notes, "anyOf": [made, _VALUE]}

    def _copy(self, schema: Any, depth: int) -> dict[str, Any]:
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            return {}
        found = self._reader.resolve(schema)
        made = {key: found[key] for key, fits in _PLAIN.items() if fits(found.get(key))}
        made |= {key: found[key] for key in ("const", "default") if key in found}
        if isinstance(found.get("properties"), Mapping):
            made["properties"] = {
                name: self._copy_value(inner, depth + 1)
                for name, inner in found["properties"].items()
            }
        for keyword in ("items", "additionalProperties"):
            if isinstance(found.get(keyword), Mapping | bool):
                made[keyword] = self._copy_value(found[keyword], depth + 1)
        for keyword in ("anyOf", "oneOf", "allOf"):
            members = found.get(keyword)
            if isinstance(members, list) and members:
                # One value may fit two of them once an unbound value is accepted.
                name = "anyOf" if keyword == "oneOf" else keyword
                copies = [self._copy(one, depth + 1) for one in members]
                made.setdefault(name, []).extend(copies)
        return made


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_type(value: Any) -> bool:
    if isinstance(value, list):
        words = [word for word in value if _is_text(word)]
        is_set = bool(value) and len({*words}) == len(value)
        return is_set and all(map(_is_type, words))
    return _is_text(value) and value in _TYPES


def _are_names(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and all(map(_is_text, value))
        and len({*value}) == len(value)
        and not _is_text(value)
    )


_TYPES: Final = frozenset(
    {"array", "boolean", "integer", "null", "number", "object", "string"}
)

_NOTES: Final = frozenset({"title", "description", "default", "x-flow64"})
"""Keywords that judge nothing."""

# Patterns of strangers are not copied: an editor may take for ever over one.
_PLAIN: Final[Mapping[str, Any]] = {
    "title": _is_text,
    "description": lambda value: _is_text(value) and bool(value),
    "x-flow64": lambda value: isinstance(value, Mapping),
    "type": _is_type,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "minimum": is_number,
    "exclusiveMinimum": is_number,
    "maximum": is_number,
    "exclusiveMaximum": is_number,
    "minLength": _is_count,
    "maxLength": _is_count,
    "minItems": _is_count,
    "maxItems": _is_count,
    "required": _are_names,
}
