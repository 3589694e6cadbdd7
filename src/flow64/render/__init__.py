"""Pictures of a definition: a text tree and Mermaid."""

from __future__ import annotations

from ._mermaid import mermaid
from ._text import text_tree

__all__ = ["mermaid", "text_tree"]
