"""Every exception that flow64 raises on purpose, in one tree under `FlowError`.

An error holds facts, and its message ends with advice. Mistakes in a workflow are
findings, and come together in a `CompileError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ..text import clipped as clipped
from ..text import did_you_mean as did_you_mean
from ..text import shortened as shortened

if TYPE_CHECKING:
    from ._building import *  # noqa: F403 - all of them are public, here
    from ._calling import *  # noqa: F403 - see above
    from ._configuring import *  # noqa: F403 - see above
    from ._deploying import *  # noqa: F403 - see above
    from ._receiving import *  # noqa: F403 - see above
    from ._root import *  # noqa: F403 - see above
    from ._running import *  # noqa: F403 - see above

_FIRST: Final = ("_root", "_building", "_configuring")
_LATER: Final = ("_calling", "_deploying", "_receiving", "_running")
"""Modules that a pipeline file does not need. They are loaded on first use."""


def _take(modules: Sequence[str]) -> None:
    """Make the names of modules public here, also in tracebacks."""
    for module in modules:
        loaded = import_module(f".{module}", __name__)
        for name, thing in vars(loaded).items():
            if getattr(thing, "__module__", None) == loaded.__name__:
                thing.__module__ = __name__
            elif not name.isupper():
                continue  # it was imported there
            if not name.startswith("_"):
                globals()[name] = thing


def __getattr__(name: str) -> Any:
    if not name.startswith("_"):
        for module in _LATER:
            _take([module])
            if name in globals():
                return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    _take(_LATER)
    return sorted(globals())


_take(_FIRST)
