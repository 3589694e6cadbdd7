"""JSON Schemas of workflows, from the built-in catalogue, for editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..blocks import BUILT_IN, DIALECT, Webhook, specs_schema
from ..definition import VALUE_KEY

_VALUE: Final[Mapping[str, Any]] = {"$ref": "#/$defs/value"}


def definition_schema() -> dict[str, Any]:
    """Return the JSON Schema of a graph, the `workflow_definition` of a workflow."""
    graph, defs = _graph()
    title = "The graph of a Sixtyfour workflow"
    return {"$schema": DIALECT, "title": title, **graph, "$defs": defs}


def create_schema() -> dict[str, Any]:
    """Return the JSON Schema of the body that creates a workflow.

    Files that `flow64 compile` and `flow64 pull` write have this form.
    """
    graph, defs = _graph()
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


def _graph() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of a graph, and what it refers to."""
    schemas = {kind: _specs_schema(kind) for kind in sorted(BUILT_IN)}
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


def _specs_schema(kind: str) -> dict[str, Any]:
    """Return the schema of the specs of a kind, in which any value may be unbound.

    Published definitions leave out `dataframe_type` of a `webhook`.
    """
    made = _accept_values(specs_schema(BUILT_IN[kind]))
    del made["$schema"]
    if kind == Webhook.kind:
        made["required"] = []
    return made


def _accept_values(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a schema, in which each value inside may be one that is filled in."""
    made = {**schema}
    if "properties" in made:
        made["properties"] = {
            name: _accept_value(inner) for name, inner in made["properties"].items()
        }
    for keyword in ("items", "additionalProperties"):
        if isinstance(made.get(keyword), Mapping):
            made[keyword] = _accept_value(made[keyword])
    if "anyOf" in made:
        made["anyOf"] = [*map(_accept_values, made["anyOf"])]
    return made


def _accept_value(schema: Mapping[str, Any]) -> dict[str, Any]:
    made = _accept_values(schema)
    notes = {key: made.pop(key) for key in _NOTES if key in made}
    return {**notes, "anyOf": [made, _VALUE]} if made else notes


_NOTES: Final[Sequence[str]] = ("title", "description", "default", "x-flow64")
"""Keywords that judge nothing."""
