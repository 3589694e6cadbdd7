"""Block classes and JSON Schemas, written from what the service lists."""

from __future__ import annotations

from ._audit import audit
from ._class_schema import schema_of_class, schema_of_data, schema_of_type
from ._definition_schema import create_schema, definition_schema
from ._facts import FACTS, BlockFacts
from ._module import BlocksModule, write_blocks
from ._print import MARK, USUAL

__all__ = [
    "FACTS",
    "MARK",
    "USUAL",
    "BlockFacts",
    "BlocksModule",
    "audit",
    "create_schema",
    "definition_schema",
    "schema_of_class",
    "schema_of_data",
    "schema_of_type",
    "write_blocks",
]
