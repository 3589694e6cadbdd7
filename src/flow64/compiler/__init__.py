"""The compiler: a flow becomes a definition."""

from __future__ import annotations

from ._identity import Identity
from ._keys import MAX_KEY, is_key
from ._lower import Head, Lowered, lower

__all__ = ["MAX_KEY", "Head", "Identity", "Lowered", "is_key", "lower"]
