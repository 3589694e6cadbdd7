"""What several rules need of one definition is worked out once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

from ..definition import Definition

T = TypeVar("T")


def once(function: Callable[[Definition], T]) -> Callable[[Definition], T]:
    """The same function, remembered for as long as the definition lives.

    Kept by the definition itself, since two equal ones may come from different places.
    What is remembered must not hold the definition in turn.
    """

    @functools.wraps(function)
    def ask(definition: Definition) -> T:
        memo = definition.memo
        if ask not in memo:
            memo[ask] = function(definition)
        found: T = memo[ask]
        return found

    return ask
