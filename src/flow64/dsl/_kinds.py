"""Row kinds: the rows along an edge, as types for the editor and as values."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

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

    def __reduce__(self) -> str:
        return self.name


LEAD: Final[RowKind[Lead]] = RowKind("LEAD")
"""People."""

COMPANY: Final[RowKind[Company]] = RowKind("COMPANY")
"""Companies."""
