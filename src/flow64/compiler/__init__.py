"""The compiler: a flow becomes a definition, and a definition a flow, and code."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .identity import Identity as Identity
from .identity import is_key as is_key
from .lowering import Lowered as Lowered
from .lowering import lower as lower

if TYPE_CHECKING:
    from .code import Code as Code
    from .code import as_code as as_code
    from .code import call_of as call_of
    from .lifting import Lifted as Lifted
    from .lifting import OwnClasses as OwnClasses
    from .lifting import lift as lift

_MODULES: Final = {
    **dict.fromkeys(("Code", "as_code", "call_of"), ".code"),
    **dict.fromkeys(("Lifted", "OwnClasses", "lift"), ".lifting"),
}


def __getattr__(name: str) -> Any:
    """Load the way back on first use, since it needs the whole catalogue."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name], __package__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
