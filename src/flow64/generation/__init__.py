"""Block classes of your own, written from what the service lists."""

from __future__ import annotations

from ._facts import FACTS, BlockFacts
from ._load import load_classes
from ._module import BlocksModule, write_blocks
from ._print import MARK, USUAL

__all__ = [
    "FACTS",
    "MARK",
    "USUAL",
    "BlockFacts",
    "BlocksModule",
    "load_classes",
    "write_blocks",
]
