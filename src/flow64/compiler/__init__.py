"""The compiler: a flow becomes a definition, and a definition a flow, and code."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .identity import Identity, is_key
from .lowering import Lowered, lower

if TYPE_CHECKING:
    from ._layout import cells, flat, is_shown, lines_of, quote_text
    from .code import Code, as_code, call_of
    from .lifting import Lifted, OwnClasses, lift

__all__ = [
    "Code",
    "Identity",
    "Lifted",
    "Lowered",
    "OwnClasses",
    "as_code",
    "call_of",
    "cells",
    "flat",
    "is_key",
    "is_shown",
    "lift",
    "lines_of",
    "lower",
    "quote_text",
]

_MODULES: Final = {
    **dict.fromkeys(("Code", "as_code", "call_of"), ".code"),
    **dict.fromkeys(("Lifted", "OwnClasses", "lift"), ".lifting"),
}


def __getattr__(name: str) -> Any:
    """Load the way back on first use, since it needs the whole catalogue."""
    module = _MODULES.get(name, "._layout")
    return getattr(import_module(module, __package__), name)
