"""A cache on each definition for facts that several rules need."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

from ..definition import Definition

T = TypeVar("T")


def once(function: Callable[[Definition], T]) -> Callable[[Definition], T]:
    """Cache the result of a function for the lifetime of the definition.

    The definition itself holds the cache, since two equal ones may come from different
    places. A result must not refer to the definition.
    """

    @functools.wraps(function)
    def ask(definition: Definition) -> T:
        memo = definition.memo
        if ask not in memo:
            memo[ask] = function(definition)
        found: T = memo[ask]
        return found

    return ask
