"""Conditions of a filter.

How values compare is a guess; see `_run_guesses.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeAlias

from ._block_context import BlockFailedError
from ._csv import format_cell
from ._records import RowData
from ._regex import Matcher

Cells: TypeAlias = Sequence[Any]
"""The values of one column, row by row; None if a row has none."""

ColumnTest: TypeAlias = Callable[[Cells], list[bool]]
"""Returns for each cell whether it meets the condition."""

Operator: TypeAlias = Callable[[Any], Callable[[Any], bool]]
"""Makes the test of one cell, from the value of the condition."""

Conditions: TypeAlias = Sequence[Mapping[str, Any]]


def parse_conditions(found: object) -> Conditions:
    """Return the conditions in the specs of a filter.

    Raises:
        BlockFailedError: There are none, or one has an unknown operator.
    """
    if not isinstance(found, list) or not found:
        raise BlockFailedError("filters must be a list of at least one condition")
    for condition in found:
        operator = condition.get("operator") if isinstance(condition, dict) else None
        if not isinstance(operator, str) or operator not in OPERATORS:
            raise BlockFailedError(f"unknown filter operator: {operator}")
    return found


@contextmanager
def open_row_filter(
    conditions: Conditions,
) -> Iterator[Callable[[list[RowData]], list[RowData]]]:
    """Yield a function that keeps the rows that meet all conditions, left to right."""
    with ExitStack() as stack:
        tests = [_make_test(condition, stack) for condition in conditions]

        def keep(rows: list[RowData]) -> list[RowData]:
            held = [True] * len(rows)
            for condition, test in zip(conditions, tests, strict=True):
                column = str(condition.get("column"))
                holds = test([row.get(column) for row in rows])
                if condition is not conditions[0] and condition.get("logic") == "or":
                    held = [a or b for a, b in zip(held, holds, strict=True)]
                else:
                    held = [a and b for a, b in zip(held, holds, strict=True)]
            return [row for row, holds in zip(rows, held, strict=True) if holds]

        yield keep


def make_equality_test(value: Any) -> Callable[[Any], bool]:
    """Return a test for cells that equal a value or are written like it."""
    text = format_cell(value)
    return lambda found: bool(found == value) or format_cell(found) == text


def _make_test(condition: Mapping[str, Any], stack: ExitStack) -> ColumnTest:
    operator, value = OPERATORS[condition["operator"]], condition.get("value")
    if operator is not None:
        holds = operator(value)
        return lambda cells: [holds(found) for found in cells]
    matcher = Matcher(format_cell(value))
    stack.callback(matcher.close)
    return lambda cells: matcher.find_in([format_cell(found) for found in cells])


def _negate(operator: Operator) -> Operator:
    def make_test(value: Any) -> Callable[[Any], bool]:
        holds = operator(value)
        return lambda found: not holds(found)

    return make_test


def _make_contains_test(value: Any) -> Callable[[Any], bool]:
    text = format_cell(value)

    def holds(found: Any) -> bool:
        if isinstance(found, list):
            return any(make_equality_test(value)(item) for item in found)
        return text in format_cell(found)

    return holds


def _make_membership_test(value: Any) -> Callable[[Any], bool]:
    tests = [
        make_equality_test(option)
        for option in (value if isinstance(value, list) else [value])
    ]
    return lambda found: any(holds(found) for holds in tests)


def _make_order_test(sign: int) -> Operator:
    return lambda value: lambda found: _compare(found, value) == sign


def _compare(found: Any, value: Any) -> int:
    """Compare two numbers or two texts as -1, 0 or 1; 0 if they cannot be compared."""
    if found is None or value is None:
        return 0
    left, right = _number(found), _number(value)
    if left is not None and right is not None:
        return int(left > right) - int(left < right)
    if left is None and right is None:
        text, other = format_cell(found), format_cell(value)
        return int(text > other) - int(text < other)
    return 0


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _make_empty_test(_value: Any) -> Callable[[Any], bool]:
    return lambda found: found is None or found in ("", [], {})


OPERATORS: Final[Mapping[str, Operator | None]] = {
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
    "matches": None,
}
"""The operators of a filter; None marks `matches`. Missing columns are empty."""
