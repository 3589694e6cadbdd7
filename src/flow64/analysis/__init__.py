"""Analysis of one definition: row kinds, columns, rules, cost and effects."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .checks import *  # noqa: F403 - each module's public names are those of the room
from .checks.columns import ABOUT_READS as ABOUT_READS
from .checks.rule import Rule as Rule
from .columns import *  # noqa: F403 - see above
from .costs import *  # noqa: F403 - see above
from .rows import *  # noqa: F403 - see above

if TYPE_CHECKING:
    from .live import *  # noqa: F403 - see above
    from .live_changes import *  # noqa: F403 - see above
    from .live_fields import *  # noqa: F403 - see above
    from .reference import *  # noqa: F403 - see above

_LATER: Final = ("live", "live_fields", "live_changes", "reference")
"""Modules that a compile does not need. They are loaded on first use."""


def __getattr__(name: str) -> Any:
    for module in _LATER if not name.startswith("_") else ():
        loaded = import_module(f".{module}", __name__)
        if hasattr(loaded, name):
            return getattr(loaded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
