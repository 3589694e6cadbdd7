"""Environments: named places to deploy to, from `[tool.flow64]` of pyproject.toml.

    from flow64.environments import load, open_client

    with open_client(load().environment("staging")) as client:
        inbound.deploy(client)

The file has no secrets, and no id depends on it.
"""

from __future__ import annotations

from ._model import EMULATOR, Environment, OAuthFile, Reference, Settings
from ._model import ENV_NAME as ENV_NAME
from ._opening import OPENING_LOG as OPENING_LOG
from ._opening import async_client_for, client_for, open_client
from ._read import load
from ._schema import pyproject_schema as pyproject_schema
from ._schema import settings_schema as settings_schema

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
