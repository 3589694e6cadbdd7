"""Block classes of your own, written from what the service lists."""

from __future__ import annotations

from ._facts import FACTS, BlockFacts
from ._module import BlocksModule, write_blocks
from ._print import MARK

__all__ = ["FACTS", "MARK", "BlockFacts", "BlocksModule", "write_blocks"]
