"""The words in specs, as types for the editor and as lists for the rules."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

EmailMode: TypeAlias = Literal["PROFESSIONAL", "PERSONAL"]
"""Which address `find_email` looks for (SK, endpoint; documented)."""

DataframeType: TypeAlias = Literal["LEAD", "COMPANY"]
"""Row kind of a source (PW, IN; documented)."""

FilterOperator: TypeAlias = Literal[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "greater",
    "less",
    "in",
    "not_in",
    "is_empty",
    "is_not_empty",
    "matches",
]
"""Operators of the `filter` block (SK; documented once)."""

FilterLogic: TypeAlias = Literal["and", "or"]
"""How a condition joins the one before it: `and` documented once, `or` inferred."""

Tier: TypeAlias = Literal["micro", "scout", "low", "medium", "high", "xhigh"]
"""Depth of the research about people: the words of its endpoint (inferred here)."""

CompanyTier: TypeAlias = Literal["micro", "low", "medium", "high"]
"""Depth of the research about companies: the words of its endpoint (inferred here)."""

EMAIL_MODES: Final = get_args(EmailMode)
"""Every `EmailMode`."""

DATAFRAME_TYPES: Final = get_args(DataframeType)
"""Every `DataframeType`."""

FILTER_OPERATORS: Final = get_args(FilterOperator)
"""Every `FilterOperator`."""

FILTER_LOGIC: Final = get_args(FilterLogic)
"""Every `FilterLogic`."""

UNARY_OPERATORS: Final = ("is_empty", "is_not_empty")
"""Operators that take no value (inferred)."""

TYPE_WORDS: Final = (
    "str", "string", "int", "integer", "float", "bool", "boolean", "dict", "list",
    "list[str]", "list[string]", "list[int]", "list[float]", "list[bool]",
    "list[boolean]",
)  # fmt: skip
"""Type words of field maps (ST; documented). Tutorials use `list[string]` (NB)."""

OLD_NAMES: Final = {
    "enrich_lead": "lead_enrichment",
    "enrich_company": "company_enrichment",
}
"""Names of kinds that older pages use, with the current ones (documented conflict)."""

CREATE_NEW: Final = "__create_new__"
"""The `notebook_id` that asks for a new notebook (SK; documented once)."""
