"""Judging a definition: row kinds, columns, rules, cost, and what differs."""

from __future__ import annotations

from ._columns import ColumnSet, KnownColumn
from ._cost import Charge, Cost, cost
from ._difference import differences
from ._effects import Effects, Touch, effects
from ._lineage import Stage, lineage, output_columns
from ._reference import findings_reference
from .checks import ADVICE, SAFE_RULES, code_of, errors, findings, rules_by_code

__all__ = [
    "ADVICE",
    "SAFE_RULES",
    "Charge",
    "ColumnSet",
    "Cost",
    "Effects",
    "KnownColumn",
    "Stage",
    "Touch",
    "code_of",
    "cost",
    "differences",
    "effects",
    "errors",
    "findings",
    "findings_reference",
    "lineage",
    "output_columns",
    "rules_by_code",
]
