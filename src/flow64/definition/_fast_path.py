"""A fast path of `freeze`: plain dicts, lists and scalars, which is nearly always all.

`freeze` goes the long way for everything else. A law in tests/laws holds that both
freeze alike. Measured: without it, a chain compiles in 1.24 times the time, and a fleet
in 1.16 times.
"""

from __future__ import annotations

from typing import Any, Final

from ._frozen import FrozenDict, FrozenList, is_plain
from ._values import VALUE_KEY

_put = dict.__setitem__  # a frozen dict is filled where it is made, and only there

UNUSUAL: Final = object()
"""The answer of `freeze_quickly` for values that it leaves to `freeze`."""


def freeze_quickly(value: Any, levels: int = 16) -> Any:
    """Freeze plain dicts, lists and scalars; return `UNUSUAL` for other values."""
    kind = type(value)
    if kind is dict:
        if not levels or VALUE_KEY in value:
            return UNUSUAL
        made = FrozenDict()
        for key, inner in value.items():
            if type(key) is not str or not key.isascii():
                return UNUSUAL
            if type(inner) is not str or not inner.isascii():
                inner = freeze_quickly(inner, levels - 1)  # noqa: PLW2901 - frozen
                if inner is UNUSUAL:
                    return UNUSUAL
            _put(made, key, inner)
        return made
    if kind is list or kind is tuple:
        if not levels:
            return UNUSUAL
        items = FrozenList([freeze_quickly(inner, levels - 1) for inner in value])
        return UNUSUAL if UNUSUAL in items else items
    return value if is_plain(value) else UNUSUAL
