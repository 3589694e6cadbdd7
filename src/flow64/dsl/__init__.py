"""The language: flows and `>>`, blocks, row kinds, field maps, values."""

from __future__ import annotations

from ._arguments import helpful
from ._block import RESERVED, Block, located
from ._flow import (
    Flow,
    Nothing,
    Parallel,
    Passthrough,
    Scoped,
    Series,
    Shape,
    Tap,
    as_flow,
    fan,
    include_if,
    outline,
    tap,
)
from ._kinds import COMPANY, LEAD, Company, Lead, RowKind, Start
from ._raw import RawBlock
from ._returns import field_map, returns
from ._unset import UNSET, Unset
from ._values import value

__all__ = [
    "COMPANY",
    "LEAD",
    "RESERVED",
    "UNSET",
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
    "Shape",
    "Start",
    "Tap",
    "Unset",
    "as_flow",
    "fan",
    "field_map",
    "helpful",
    "include_if",
    "located",
    "outline",
    "returns",
    "tap",
    "value",
]
