"""Analysis of one definition: row kinds, columns, rules, cost and effects.

A compile needs only the safe rules, so everything else is loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .checks import SAFE_RULES, Rule, all_rules, errors, findings, rules_by_code
from .checks import RuleSetting as RuleSetting
from .checks import allow_errors as allow_errors
from .checks import describe_wrong_rule as describe_wrong_rule
from .checks import severities_by_code as severities_by_code

if TYPE_CHECKING:
    from ._columns import ColumnSet, KnownColumn, Openness
    from ._cost import (
        Charge,
        Cost,
        Estimate,
        RowPrice,
        as_float,
        cost,
        count_start_rows,
        estimate_cost,
    )
    from ._effects import Effects, Touch, effects
    from ._lineage import (
        Stage,
        column_flow,
        find_later_producers,
        lineage,
        output_columns,
    )
    from ._reference import CompilerFault as CompilerFault
    from ._reference import all_pages as all_pages
    from ._reference import explain_finding as explain_finding
    from ._reference import findings_reference
    from ._row_kinds import RowKindName, output_rows, row_kinds
    from .checks._columns import ABOUT_READS
    from .live import LiveBlock, LiveCatalogue, as_catalogue
    from .live_changes import (
        KindChange,
        KindFieldChange,
        compare_catalogues,
        format_kind_changes,
        summarize_kind_changes,
    )
    from .live_fields import LIMITS, LiveField, describe_field, read_fields, walk_fields

__all__ = [
    "ABOUT_READS",
    "LIMITS",
    "SAFE_RULES",
    "Charge",
    "ColumnSet",
    "Cost",
    "Effects",
    "Estimate",
    "KindChange",
    "KindFieldChange",
    "KnownColumn",
    "LiveBlock",
    "LiveCatalogue",
    "LiveField",
    "Openness",
    "RowKindName",
    "RowPrice",
    "Rule",
    "Stage",
    "Touch",
    "all_rules",
    "as_catalogue",
    "as_float",
    "column_flow",
    "compare_catalogues",
    "cost",
    "count_start_rows",
    "describe_field",
    "effects",
    "errors",
    "estimate_cost",
    "find_later_producers",
    "findings",
    "findings_reference",
    "format_kind_changes",
    "lineage",
    "output_columns",
    "output_rows",
    "read_fields",
    "row_kinds",
    "rules_by_code",
    "summarize_kind_changes",
    "walk_fields",
]

_ROOMS = {
    "checks._columns": ("ABOUT_READS",),
    "_columns": ("ColumnSet", "KnownColumn", "Openness"),
    "_cost": (
        "Charge",
        "Cost",
        "Estimate",
        "RowPrice",
        "as_float",
        "cost",
        "count_start_rows",
        "estimate_cost",
    ),
    "_effects": ("Effects", "Touch", "effects"),
    "_lineage": (
        "Stage",
        "column_flow",
        "find_later_producers",
        "lineage",
        "output_columns",
    ),
    "live": ("LiveBlock", "LiveCatalogue", "as_catalogue"),
    "live_changes": (
        "KindFieldChange",
        "KindChange",
        "compare_catalogues",
        "format_kind_changes",
        "summarize_kind_changes",
    ),
    "live_fields": (
        "LIMITS",
        "LiveField",
        "describe_field",
        "read_fields",
        "walk_fields",
    ),
    "_reference": (
        "CompilerFault",
        "all_pages",
        "explain_finding",
        "findings_reference",
    ),
    "_row_kinds": ("RowKindName", "row_kinds", "output_rows"),
}
_LATER = {name: module for module, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
