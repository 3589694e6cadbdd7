"""The compiler: a flow becomes a definition, and a definition a flow, and code."""

from __future__ import annotations

from .identity import Identity as Identity
from .identity import is_key as is_key
from .lowering import Lowered as Lowered
from .lowering import lower as lower
