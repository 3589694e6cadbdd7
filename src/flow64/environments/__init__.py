"""Environments: named places to deploy to, read from `[tool.flow64]` of pyproject.toml.

    from flow64.environments import load, opened

    with opened(load().environment("staging")) as client:
        inbound.deploy(client)

No secret stands in the file, and no id depends on it.
"""

from __future__ import annotations

from ._model import EMULATOR, Environment, OAuthFile, Reference, Settings
from ._opening import async_client_for, client_for, opened
from ._read import load

__all__ = [
    "EMULATOR",
    "Environment",
    "OAuthFile",
    "Reference",
    "Settings",
    "async_client_for",
    "client_for",
    "load",
    "opened",
]
