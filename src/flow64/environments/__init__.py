"""Environments: named places to deploy to, from `[tool.flow64]` of pyproject.toml.

    from flow64.environments import load, open_client

    with open_client(load().environment("staging")) as client:
        inbound.deploy(client)

The file has no secrets, and no id depends on it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .settings import (
    EMULATOR,
    Environment,
    OAuthFile,
    Reference,
    Settings,
    load,
)
from .settings import ENV_NAME as ENV_NAME

if TYPE_CHECKING:
    from .opening import OPENING_LOG as OPENING_LOG
    from .opening import async_client_for, client_for, open_client

__all__ = [
    "EMULATOR",
    "Environment",
    "OAuthFile",
    "Reference",
    "Settings",
    "async_client_for",
    "client_for",
    "load",
    "open_client",
]


def __getattr__(name: str) -> Any:
    """Load what makes clients when it is asked for: it loads httpx."""
    if name in (*__all__, "OPENING_LOG"):
        return getattr(import_module(".opening", __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
