"""Which rows pass a filter, as far as the documents say it.

They leave open case, blank space, text beside numbers, null, a missing column, `or` and
the syntax of `matches`. An outcome is certain only if every reading gives the same one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, Final, get_args

from ..blocks.facts import FilterOperator
from ..definition import is_number

_OPERATORS: Final = [word for word in get_args(FilterOperator) if word != "matches"]
_FIELDS: Final = {"column", "operator", "value", "logic"}
_SIGNS: Final = frozenset("\\^$*+?{}[]|()")
"""Characters that mean something else in a regular expression, beside the dot."""
_TEXTS: Final = ("", "nan", "none", "null")
"""Texts that null may be compared as."""


def is_documented(specs: Mapping[str, Any]) -> bool:
    """Whether the documents say what each part of a filter means."""
    conditions = specs.get("filters")
    if specs.keys() != {"filters"} or not isinstance(conditions, list):
        return False
    return bool(conditions) and all(
        isinstance(condition, dict)
        and condition.keys() <= _FIELDS
        and isinstance(condition.get("column"), str)
        and condition.get("operator") in _OPERATORS
        and condition.get("logic") == ("and" if number else None)
        for number, condition in enumerate(conditions)
    )


def judge_row(
    conditions: Sequence[Mapping[str, Any]], row: Mapping[str, Any]
) -> bool | None:
    """Return whether a row meets all conditions; None if that is not certain."""
    outcomes = [
        _judge(each["operator"], row[each["column"]], each.get("value"))
        if each["column"] in row
        else None
        for each in conditions
    ]
    return False if False in outcomes else None if None in outcomes else True


def _judge(operator: str, cell: Any, value: Any) -> bool | None:
    if "not_" in operator:  # null is only certain to fail `is_not_empty`
        is_open = cell is None and operator != "is_not_empty"
        outcome = None if is_open else _judge(operator.replace("not_", ""), cell, value)
        return None if outcome is None else not outcome
    if operator == "is_empty":
        is_near = _is_any(cell, (0,) if is_number(cell) else _TEXTS) is not False
        return True if cell is None or cell == "" else None if is_near else False
    if isinstance(cell, float) and isnan(cell):
        return None
    if cell is None:
        readings = (0,) if is_number(value) else _TEXTS
        outcomes = {_judge(operator, reading, value) for reading in readings}
        return False if outcomes == {False} else None
    if operator in ("equals", "in"):
        options = value if isinstance(value, list) else []
        return _is_any(cell, [value] if operator == "equals" else options)
    if operator == "contains" and isinstance(cell, str) and isinstance(value, str):
        if not _SIGNS.isdisjoint(value):
            return None
        texts = value.strip().casefold(), cell.casefold()
        is_near = bool(re.search(*texts, re.DOTALL))  # a dot may be any character
        return True if value.strip() and value in cell else None if is_near else False
    if operator == "contains" or not (is_number(cell) and is_number(value)):
        return None
    return bool(cell > value if operator == "greater" else cell < value)


def _is_any(cell: Any, options: Sequence[Any]) -> bool | None:
    outcomes = {_is_equal(cell, option) for option in options} or {None}
    return True if True in outcomes else None if None in outcomes else False


def _is_equal(cell: Any, value: Any) -> bool | None:
    types = {type(cell), type(value)}
    if types == {bool} or types <= {int, float}:
        return bool(cell == value)
    if types != {str}:
        return None
    texts = [side.strip().casefold() for side in (cell, value)]
    are_numbers = {text[:1] for text in texts} <= {*"0123456789.+-"}  # perhaps equal
    is_near = texts[0] == texts[1] or are_numbers
    return True if cell == value else None if is_near else False
