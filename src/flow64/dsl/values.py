"""Row kinds, unset values, and values that each environment fills in."""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Generic, TypeVar

from ..definition import Value, is_plain
from ..errors import BuildError
from ..text import shortened

K = TypeVar("K")


class Lead:
    """Rows about people. Never instantiated: it is there for the type checker."""


class Company:
    """Rows about companies. Never instantiated: it is there for the type checker."""


class Start:
    """The input of a source, which is nothing. Only a source takes it."""


class RowKind(Generic[K]):
    """A row kind as a value: the `dataframe_type` of a source."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def __repr__(self) -> str:
        return self.name


LEAD: Final[RowKind[Lead]] = RowKind("LEAD")
"""People."""

COMPANY: Final[RowKind[Company]] = RowKind("COMPANY")
"""Companies."""


# -- Values ----------------------------------------------------------------------------


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""The value of an unset field. None is another value, and is written as null."""


def value(name: str, *, secret: bool = False) -> Any:
    """Return a whole value of a spec that differs by environment.

    Its type is `Any`, so that it may stand for any value. In unbound JSON it is
    `{"flow64:value": name}`; a deploy fills it in from `values={name: ...}`.

    Args:
        name: The name that environments use.
        secret: Mask the filled-in value in everything that is printed or saved.

    Raises:
        BuildError: The name is not text, or is empty.
    """
    if type(name) is not str or not name or not is_plain(name):
        raise BuildError(f"value: {shortened(name)} is not a name", hint="write a str")
    if type(secret) is not bool:
        message = f"value: secret is {shortened(secret)}"
        raise BuildError(message, hint="write True or False")
    return Value(name, secret)
