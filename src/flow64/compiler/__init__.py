"""The compiler: a flow becomes a definition, and a definition a flow, and code."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._identity import Identity
from ._keys import is_key
from ._lower import Lowered, lower

if TYPE_CHECKING:
    from ._code import Code, as_code, call_of
    from ._lift import Lifted, lift

__all__ = [
    "Code",
    "Identity",
    "Lifted",
    "Lowered",
    "as_code",
    "call_of",
    "is_key",
    "lift",
    "lower",
]

_MODULES: Final = {
    "Code": "._code",
    "Lifted": "._lift",
    "as_code": "._code",
    "call_of": "._code",
    "lift": "._lift",
}


def __getattr__(name: str) -> Any:
    """Load the way back on first use, since it needs the whole catalogue."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
