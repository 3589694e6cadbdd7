"""Conditions of a filter: which rows meet them, column by column.

How values compare is a guess throughout; see `_guesses.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, TypeAlias

from attrs import frozen

from ._block_context import BlockFailedError
from ._records import RowData
from ._regex import Matcher
from ._results import cell

Cells: TypeAlias = Sequence[Any]
"""The values of one column, row by row; None where a row has none."""

ColumnTest: TypeAlias = Callable[[Cells], list[bool]]
"""Which cells hold."""

Conditions: TypeAlias = Sequence[Mapping[str, Any]]


def parse_conditions(found: object) -> Conditions:
    """The conditions of a filter's specs.

    Raises:
        BlockFailedError: They are none that can be tested.
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
    """What keeps the rows that meet conditions, joined from left to right."""
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


def equals(value: Any) -> Callable[[Any], bool]:
    """Whether a cell is a value, or is written as it is."""
    text = cell(value)
    return lambda found: bool(found == value) or cell(found) == text


def _make_test(condition: Mapping[str, Any], stack: ExitStack) -> ColumnTest:
    operator, value = OPERATORS[condition["operator"]], condition.get("value")
    if isinstance(operator, _Each):
        return operator.test(value)
    matcher = Matcher(cell(value))
    stack.callback(matcher.close)
    return lambda cells: matcher.found_in([cell(found) for found in cells])


@frozen
class _Each:
    """An operator that looks at one cell after the other."""

    of: Callable[[Any], Callable[[Any], bool]]
    is_negated: bool = False

    def test(self, value: Any) -> ColumnTest:
        holds, is_negated = self.of(value), self.is_negated
        return lambda cells: [holds(found) is not is_negated for found in cells]


def _contains(value: Any) -> Callable[[Any], bool]:
    text = cell(value)

    def holds(found: Any) -> bool:
        if isinstance(found, list):
            return any(equals(value)(item) for item in found)
        return text in cell(found)

    return holds


def _is_in(value: Any) -> Callable[[Any], bool]:
    tests = [
        equals(option) for option in (value if isinstance(value, list) else [value])
    ]
    return lambda found: any(holds(found) for holds in tests)


def _compares_as(sign: int) -> Callable[[Any], Callable[[Any], bool]]:
    return lambda value: lambda found: _compare(found, value) == sign


def _compare(found: Any, value: Any) -> int:
    """-1, 0 or 1: two numbers, or two texts; 0 where they cannot be compared."""
    if found is None or value is None:
        return 0
    left, right = _number(found), _number(value)
    if left is not None and right is not None:
        return int(left > right) - int(left < right)
    if left is None and right is None:
        return int(cell(found) > cell(value)) - int(cell(found) < cell(value))
    return 0


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_empty(_value: Any) -> Callable[[Any], bool]:
    return lambda found: found is None or found in ("", [], {})


OPERATORS: Final[Mapping[str, _Each | None]] = {
    "equals": _Each(equals),
    "not_equals": _Each(equals, is_negated=True),
    "contains": _Each(_contains),
    "not_contains": _Each(_contains, is_negated=True),
    "greater": _Each(_compares_as(1)),
    "less": _Each(_compares_as(-1)),
    "in": _Each(_is_in),
    "not_in": _Each(_is_in, is_negated=True),
    "is_empty": _Each(_is_empty),
    "is_not_empty": _Each(_is_empty, is_negated=True),
    "matches": None,
}
"""The operators of a filter, `matches` apart; missing columns are empty."""
