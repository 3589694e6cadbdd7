"""The compiler: a flow becomes a definition, and a definition a flow, and code."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._identity import Identity
from ._keys import is_key
from ._lower import Lowered, lower
from ._own_classes import OwnClasses as OwnClasses

if TYPE_CHECKING:
    from ._audit import parse_source, refuse_hidden_characters
    from ._code import Code, as_code, call_of
    from ._layout import cells, flat, is_shown, lines_of, quote_text
    from ._lift import Lifted, lift

__all__ = [
    "Code",
    "Identity",
    "Lifted",
    "Lowered",
    "as_code",
    "call_of",
    "cells",
    "flat",
    "is_key",
    "is_shown",
    "lift",
    "lines_of",
    "lower",
    "parse_source",
    "quote_text",
    "refuse_hidden_characters",
]

_MODULES: Final = {
    "Code": "._code",
    "Lifted": "._lift",
    "as_code": "._code",
    "call_of": "._code",
    "cells": "._layout",
    "flat": "._layout",
    "is_shown": "._layout",
    "lift": "._lift",
    "lines_of": "._layout",
    "parse_source": "._audit",
    "quote_text": "._layout",
    "refuse_hidden_characters": "._audit",
}


def __getattr__(name: str) -> Any:
    """Load the way back on first use, since it needs the whole catalogue."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
