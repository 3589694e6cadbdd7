"""flow64: Sixtyfour workflows as typed Python code."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from . import blocks as blocks
    from . import definition as definition
    from . import diagnostics as diagnostics
    from . import dsl as dsl
    from . import errors as errors
    from .client import AsyncClient, Client
    from .dsl import (
        COMPANY,
        LEAD,
        Company,
        Flow,
        Lead,
        Passthrough,
        RawBlock,
        Start,
        alias,
        fan,
        include_if,
        returns,
        tap,
        value,
    )
    from .project import Project, variants
    from .schedules import Schedule
    from .workflow import Workflow, compare

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
    "Schedule",
    "Start",
    "Workflow",
    "alias",
    "compare",
    "fan",
    "include_if",
    "returns",
    "tap",
    "value",
    "variants",
]

_ROOMS: Final = {
    "AsyncClient": ".client",
    "Client": ".client",
    "Project": ".project",
    "Schedule": ".schedules",
    "Workflow": ".workflow",
    "compare": ".workflow",
    "variants": ".project",
}
"""Where names are; the others are in `.dsl`."""

_DOORS: Final = frozenset({"blocks", "definition", "diagnostics", "dsl", "errors"})
"""Modules that `import flow64` alone is enough for, as in `flow64.errors.FlowError`."""


if not TYPE_CHECKING:  # a type checker has to see that a name is wrong

    def __getattr__(name: str) -> Any:
        # Each room is loaded when it is asked for: the language does without httpx, and
        # `flow64 --help` without the language.
        if name == "__version__":
            return import_module("importlib.metadata").version(__name__)
        if name in _DOORS:
            return import_module(f".{name}", __name__)
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_ROOMS.get(name, ".dsl"), __name__), name)
        globals()[name] = value  # so that it is asked for once
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_DOORS})
