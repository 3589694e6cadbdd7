"""Loading: from a text that a user typed to workflows, in code, in files or live."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .addresses import *  # noqa: F403 - all of them are public, here
    from .live import *  # noqa: F403 - see above
    from .sources import *  # noqa: F403 - see above


def __getattr__(name: str) -> Any:
    """Load a name on first use: what is about live workflows loads httpx."""
    if not name.startswith("_"):
        for module in ("addresses", "sources", "live"):
            loaded = import_module(f".{module}", __package__)
            if hasattr(loaded, name):
                return getattr(loaded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
