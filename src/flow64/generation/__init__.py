"""Block classes and JSON Schemas, written from what the service lists."""

from __future__ import annotations

from ._class_schema import schema_of_class, schema_of_data, schema_of_type
from ._definition_schema import create_schema, definition_schema
from .block_classes import FACTS, MARK, USUAL, BlocksModule, read_facts, write_blocks

__all__ = [
    "FACTS",
    "MARK",
    "USUAL",
    "BlocksModule",
    "create_schema",
    "definition_schema",
    "read_facts",
    "schema_of_class",
    "schema_of_data",
    "schema_of_type",
    "write_blocks",
]
