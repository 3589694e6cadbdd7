"""The language: flows and `>>`, blocks, row kinds, field maps, values."""

from __future__ import annotations

from ._arguments import helpful
from ._block import RESERVED, Block, RawBlock, set_place
from ._flow import (
    Flow,
    Nothing,
    Parallel,
    Passthrough,
    Scoped,
    Series,
    Tap,
    as_flow,
    fan,
    include_if,
    outline,
    tap,
)
from ._kinds import COMPANY, LEAD, Company, Lead, RowKind, Start
from ._returns import (
    Alias,
    alias,
    column_of,
    field_map,
    model_fields,
    returns,
    unwrap,
)
from ._values import UNSET, Unset, value

__all__ = [
    "COMPANY",
    "LEAD",
    "RESERVED",
    "UNSET",
    "Alias",
    "Block",
    "Company",
    "Flow",
    "Lead",
    "Nothing",
    "Parallel",
    "Passthrough",
    "RawBlock",
    "RowKind",
    "Scoped",
    "Series",
    "Start",
    "Tap",
    "Unset",
    "alias",
    "as_flow",
    "column_of",
    "fan",
    "field_map",
    "helpful",
    "include_if",
    "model_fields",
    "outline",
    "returns",
    "set_place",
    "tap",
    "unwrap",
    "value",
]
