"""A dict and a list that cannot be changed, and scalars that need no freezing.

`FrozenDict` and `FrozenList` can be read like any dict and list.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn, TypeGuard

MAX_INTEGER: Final = 2**53 - 1
"""Integers beyond this lose digits in programs that read JSON numbers as doubles."""


def _refuse(_self: object, *_: object, **__: object) -> NoReturn:
    message = "a definition is frozen: build another one, with_(...) on its block"
    raise TypeError(message)


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override] # it is frozen
        return hash(frozenset(self.items()))

    def __deepcopy__(self, memo: object) -> FrozenDict:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override] # it is frozen
        return hash(tuple(self))

    def __deepcopy__(self, memo: object) -> FrozenList:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


_CHANGES: Final = {
    FrozenDict: "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update",
    FrozenList: "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert "
    "pop remove reverse sort",
}
# By name, since to a type checker an assignment would be a method that fits no dict.
for _frozen, _methods in _CHANGES.items():
    for _method in _methods.split():
        setattr(_frozen, _method, _refuse)

EMPTY: Final = FrozenDict()


def is_plain(value: Any) -> bool:
    """Return True for a scalar that any JSON reader keeps, which needs no freezing."""
    kind = type(value)
    if kind is str:
        return value.isascii() or is_encodable(value)
    return (
        kind is bool
        or value is None
        or (kind is int and -MAX_INTEGER <= value <= MAX_INTEGER)
    )


def is_number(value: object) -> TypeGuard[float]:
    """Return True for a number of JSON: an `int` or a `float`, and not a `bool`."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_encodable(text: str) -> bool:
    """Return True if a text is Unicode, without a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
