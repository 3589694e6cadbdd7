"""Block classes, written from what the service lists."""

from __future__ import annotations

from .block_classes import FACTS, MARK, USUAL, BlocksModule, read_facts, write_blocks

__all__ = [
    "FACTS",
    "MARK",
    "USUAL",
    "BlocksModule",
    "read_facts",
    "write_blocks",
]
