"""All rules, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from . import (
    _columns,
    _fields,
    _filters,
    _graph,
    _keys,
    _money,
    _order,
    _rows,
    _secrets,
    _shape,
    _silence,
    _specs,
    _values,
)
from ._rule import Rule, rules_in

SAFE_RULES: Final[Sequence[Rule]] = [
    rule for rule in rules_in(_graph, _keys, _rows, _specs) if rule.is_safe
]
"""Rules that decide by documented facts alone. Every error is one of theirs."""

ADVICE: Final[Sequence[Rule]] = [
    rule
    for rule in rules_in(
        *(_shape, _keys, _order, _columns, _filters, _fields, _values),
        *(_secrets, _money, _silence),
    )
    if not rule.is_safe
]
"""Rules that warn and note. They never stop a compile."""
