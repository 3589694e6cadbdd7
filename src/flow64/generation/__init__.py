"""Block classes and JSON Schemas, written from what the service lists."""

from __future__ import annotations

from ._audit import audit
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
    "write_blocks",
]
