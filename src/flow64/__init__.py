"""flow64: Sixtyfour workflows as typed Python code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .dsl import (
    COMPANY,
    LEAD,
    Company,
    Flow,
    Lead,
    Passthrough,
    RawBlock,
    Start,
    fan,
    include_if,
    returns,
    tap,
    value,
)
from .project import Project, matrix, variants
from .workflow import Workflow

if TYPE_CHECKING:
    from .service import AsyncClient, Client

__all__ = [
    "COMPANY",
    "LEAD",
    "AsyncClient",
    "Client",
    "Company",
    "Flow",
    "Lead",
    "Passthrough",
    "Project",
    "RawBlock",
    "Start",
    "Workflow",
    "fan",
    "include_if",
    "matrix",
    "returns",
    "tap",
    "value",
    "variants",
]


def __getattr__(name: str) -> Any:
    if name in {"AsyncClient", "Client"}:  # loads httpx
        from . import service

        return getattr(service, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
