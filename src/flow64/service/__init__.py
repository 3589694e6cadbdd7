"""The service: a client, deploying, running."""

from __future__ import annotations

from ._client import DEFAULT_ENDPOINT, Client
from ._deploy import Deployment, deploy
from ._rows import Row
from ._run import Run, run
from ._state import State
from .api import BlockStatus, LiveStatus, ResultItem

__all__ = [
    "DEFAULT_ENDPOINT",
    "BlockStatus",
    "Client",
    "Deployment",
    "LiveStatus",
    "ResultItem",
    "Row",
    "Run",
    "State",
    "deploy",
    "run",
]
