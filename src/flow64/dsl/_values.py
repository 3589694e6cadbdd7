"""Values of specs: unset ones, and those that each environment fills in."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from ..definition import Value, is_plain
from ..errors import ArgumentError
from ..text import shortened
from ._arguments import helpful


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""The value of an unset field. None is another value, and is written as null."""


@helpful
def value(name: str, *, secret: bool = False) -> Any:
    """Return a whole value of a spec that differs by environment.

    Its type is `Any`, so that it may stand for any value. In unbound JSON it is
    `{"flow64:value": name}`; a deploy fills it in from `values={name: ...}`.

    Args:
        name: The name that environments use.
        secret: Mask the filled-in value in everything that is printed or saved.

    Raises:
        ArgumentError: The name is not text, or is empty.
    """
    if type(name) is not str or not name or not is_plain(name):
        raise ArgumentError("value", f"{shortened(name)} is not a name: write a str")
    if type(secret) is not bool:
        problem = f"secret is {shortened(secret)}: write True or False"
        raise ArgumentError("value", problem)
    return Value(name, secret)
