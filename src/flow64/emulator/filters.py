"""Conditions of a filter. How values compare is a guess; see `guesses.toml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from .csv_text import format_cell
from .records import RowData

CellTest: TypeAlias = Callable[[Any], bool]
"""Returns whether a cell meets a condition."""


def keeps_row(filters: object) -> Callable[[RowData], bool]:
    """Return a test for the rows that a filter keeps.

    Raises:
        ValueError: There are no conditions, or one cannot be used.
    """
    if not isinstance(filters, Sequence) or isinstance(filters, str) or not filters:
        raise ValueError("filters must be a list of at least one condition")
    tests = [_make_test(condition) for condition in filters]

    def is_kept(row: RowData) -> bool:
        kept = True
        for position, (column, holds, is_or) in enumerate(tests):
            if position and is_or:
                kept = kept or holds(row.get(column))
            else:
                kept = kept and holds(row.get(column))
        return kept

    return is_kept


def _make_test(condition: Any) -> tuple[str, CellTest, bool]:
    operator = condition.get("operator") if isinstance(condition, Mapping) else None
    if not isinstance(operator, str) or operator not in OPERATORS:
        raise ValueError(f"unknown filter operator: {operator}")
    holds = OPERATORS[operator](condition.get("value"))
    return str(condition.get("column")), holds, condition.get("logic") == "or"


def make_equality_test(value: Any) -> CellTest:
    """Return a test for cells that equal a value or are written like it."""
    text = format_cell(value)
    return lambda cell: bool(cell == value) or format_cell(cell) == text


def _negate(operator: Callable[[Any], CellTest]) -> Callable[[Any], CellTest]:
    def make_test(value: Any) -> CellTest:
        holds = operator(value)
        return lambda cell: not holds(cell)

    return make_test


def _make_contains_test(value: Any) -> CellTest:
    text, equals = format_cell(value), make_equality_test(value)

    def holds(cell: Any) -> bool:
        return (
            any(map(equals, cell))
            if isinstance(cell, list)
            else text in format_cell(cell)
        )

    return holds


def _make_membership_test(value: Any) -> CellTest:
    options = value if isinstance(value, list | tuple) else [value]
    tests = [make_equality_test(option) for option in options]
    return lambda cell: any(holds(cell) for holds in tests)


def _make_order_test(sign: int) -> Callable[[Any], CellTest]:
    return lambda value: lambda cell: _compare(cell, value) == sign


def _compare(cell: Any, value: Any) -> int:
    """Compare two numbers or two texts as -1, 0 or 1; 0 if they cannot be compared."""
    if cell is None or value is None:
        return 0
    left, right = _number(cell), _number(value)
    if left is not None and right is not None:
        return int(left > right) - int(left < right)
    if left is None and right is None:
        text, other = format_cell(cell), format_cell(value)
        return int(text > other) - int(text < other)
    return 0


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _make_empty_test(_value: Any) -> CellTest:
    return lambda cell: cell is None or cell in ("", [], {})


def _make_pattern_test(value: Any) -> CellTest:
    try:
        search = re.compile(format_cell(value)).search
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"invalid regular expression: {error}") from error
    return lambda cell: search(format_cell(cell)) is not None


OPERATORS: Final[Mapping[str, Callable[[Any], CellTest]]] = {
    "equals": make_equality_test,
    "not_equals": _negate(make_equality_test),
    "contains": _make_contains_test,
    "not_contains": _negate(_make_contains_test),
    "greater": _make_order_test(1),
    "less": _make_order_test(-1),
    "in": _make_membership_test,
    "not_in": _negate(_make_membership_test),
    "is_empty": _make_empty_test,
    "is_not_empty": _negate(_make_empty_test),
    "matches": _make_pattern_test,
}
"""The operators of a filter. A missing column is empty."""
