"""Environments: named places to deploy to, and their clients.

from flow64.environments import load, open_client

with open_client(load().environment("staging")) as client:
    inbound.deploy(client)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .settings import *  # noqa: F403 - all of them are public, here

if TYPE_CHECKING:
    from .clients import async_client_for as async_client_for
    from .clients import open_client as open_client
else:

    def __getattr__(name: str) -> Any:
        if name not in {"async_client_for", "open_client"}:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(".clients", __name__), name)  # it loads httpx
