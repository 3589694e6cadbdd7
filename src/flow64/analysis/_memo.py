"""What several rules need of one definition is worked out once."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import TypeVar

from ..definition import Definition

T = TypeVar("T")


def once(function: Callable[[Definition], T]) -> Callable[[Definition], T]:
    """The same function, remembered for as long as the definition lives.

    Definitions are looked up by identity: two equal ones may come from different
    places, and a hash would have to read all of their blocks. What is remembered must
    not hold the definition itself.
    """
    known: dict[int, tuple[weakref.ref[Definition], T]] = {}

    @functools.wraps(function)
    def ask(definition: Definition) -> T:
        number = id(definition)
        found = known.get(number)
        if found is not None and found[0]() is definition:
            return found[1]
        made = function(definition)
        gone = weakref.ref(definition, lambda _: known.pop(number, None))
        known[number] = (gone, made)
        return made

    return ask
