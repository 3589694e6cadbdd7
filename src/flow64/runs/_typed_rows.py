"""Rows of a result: all columns as they came, and as objects of a class."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import cattrs
from attrs import frozen

from ..errors import ArgumentError, shortened
from ..text import printable, truncate
from ._row_classes import Refused, columns_of_class, structure_class
from ._row_values import CONVERTER, LONGEST_WORDS, Misfit, has_columns, name_type

T = TypeVar("T")


@frozen
class Row(Generic[T]):
    """One row.

    Attributes:
        value: The row as an object of the class, with what fits. A field that does not
            fit, or is missing, has its default, or else None; a key of a TypedDict is
            left out. None if the class itself refuses the row.
        raw: All columns.
        misfits: What does not fit, one line for each column.
    """

    value: T | None
    raw: Mapping[str, Any]
    misfits: Sequence[str] = ()


class ResultRows(Iterator[Row[T]], Generic[T]):
    """The rows of a result, read one by one. `len` is their number, read or not.

    Attributes:
        total: Their number; None if the service does not say it.
    """

    total: int | None

    def __init__(self, rows: Iterator[Row[T]], total: int | None) -> None:
        self._rows = rows
        self.total = total

    def __next__(self) -> Row[T]:
        return next(self._rows)

    def __len__(self) -> int:
        if self.total is None:
            raise TypeError(
                "the service does not say how many rows there are; count them as they "
                "are read, or write len([*rows])"
            )
        return self.total

    def __bool__(self) -> bool:
        return True  # an iterator, whatever is left of it


def typed_rows(rows: Iterable[Mapping[str, Any]], kind: Any) -> Iterator[Row[Any]]:
    """Yield rows as objects of a class, by column name.

    The class is an attrs class, a dataclass, a TypedDict or a pydantic model. A column
    that it does not name is only in `raw`. A missing column has the default of its
    field. Values from CSV are converted: numbers, truth values, dates and enum words
    from text, lists, dicts and classes from JSON text, and None from an empty cell.

    Raises:
        ArgumentError: The type is not supported, or a field has a type that no column
            can have. It is raised at once, and not for each row.
    """
    if kind is None:
        return (Row(raw, raw) for raw in rows)
    if not has_columns(kind):
        problem = (
            f"{shortened(kind)} is not an attrs class, dataclass, TypedDict or model"
        )
        raise ArgumentError("rows", f"{problem}; put @returns above a class")
    try:
        structure = CONVERTER.get_structure_hook(kind)
    except NameError as error:
        problem = (
            f"{name_type(kind)}: {error}; its annotations have to name what exists"
        )
        raise ArgumentError("rows", problem) from error
    return _structure_rows(rows, kind, structure)


def _structure_rows(
    rows: Iterable[Mapping[str, Any]], kind: Any, structure: Callable[[Any, Any], Any]
) -> Iterator[Row[Any]]:
    for raw in rows:
        try:
            yield Row(structure(raw, kind), raw)
        except Exception as error:  # noqa: BLE001 - cattrs gathers errors of all kinds
            yield Row(_structure_rest(raw, kind, error), raw, [*_misfits(error)])


def _structure_rest(raw: Mapping[str, Any], kind: Any, error: Exception) -> Any:
    """Return an object with the fields that fit; None if the class refuses it."""
    names = frozenset(
        note.name
        for inner in getattr(error, "exceptions", ())
        if isinstance(note := _last_note(inner), cattrs.AttributeValidationNote)
    )
    if not names:
        return None
    try:
        return structure_class(kind, names)(raw, kind)
    except Exception:  # noqa: BLE001 - the class refuses what is left
        return None


# -- What does not fit ----------------------------------------------------------------


def _misfits(error: BaseException, path: str = "") -> Iterator[str]:
    """Yield one line for each value that does not fit, with its path."""
    if not isinstance(error, cattrs.BaseValidationError):
        yield f"{path or 'the row'}: {_describe_error(error)}"
        return
    names = columns_of_class(getattr(error, "cl", None))
    for inner in error.exceptions:
        note = _last_note(inner)
        if isinstance(note, cattrs.AttributeValidationNote):
            column = printable(names.get(note.name, note.name))
            at = f"{path}.{column}" if path else column
            if type(inner) is KeyError:
                yield f"{at}: it is missing, and {name_type(note.type)} is wanted"
                continue
        elif isinstance(note, cattrs.IterableValidationNote):
            at = f"{path}[{shortened(note.index)}]"
        else:
            at = path
        yield from _misfits(inner, at)


def _last_note(error: BaseException) -> Any:
    """Return the note that says where an error was raised, or None."""
    return next(reversed(getattr(error, "__notes__", ())), None)


def _describe_error(error: BaseException) -> str:
    if isinstance(error, Misfit):
        return str(error)
    text = printable(str(error))  # the words of a class that was given to us
    cut = truncate(text, LONGEST_WORDS)
    return cut if isinstance(error, Refused) else f"{type(error).__name__}: {cut}"
