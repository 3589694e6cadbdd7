"""Environments: named places to deploy to, from `[tool.flow64]` of pyproject.toml.

    from flow64.environments import load, open_client

    with open_client(load().environment("staging")) as client:
        inbound.deploy(client)

The file has no secrets, and no id depends on it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .opening import *  # noqa: F403 - all of them are public, here
    from .settings import *  # noqa: F403 - see above


def __getattr__(name: str) -> Any:
    """Load a name on first use: what makes clients loads httpx."""
    if not name.startswith("_"):
        for module in ("settings", "opening"):
            loaded = import_module(f".{module}", __package__)
            if hasattr(loaded, name):
                return getattr(loaded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
