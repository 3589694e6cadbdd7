"""Row kinds: the kind of rows that leave each block, followed along the edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from ..blocks import CATALOGUE, DATAFRAME_TYPES
from ..definition import Definition

RowKindName: TypeAlias = Literal["LEAD", "COMPANY"] | None
"""A row kind, or None if it is not certain."""


def input_rows(kind: str) -> RowKindName:
    """Return the one row kind that a block takes, by a documented fact."""
    return _certain(kind, "takes")


def output_rows(kind: str, specs: Mapping[str, Any]) -> RowKindName:
    """Return the row kind that leaves a block for every input, or None."""
    if kind in CATALOGUE and CATALOGUE[kind].about.gives == "dataframe_type":
        word = specs.get("dataframe_type") if _is_certain(kind) else None
        return word if word in DATAFRAME_TYPES else None
    return _certain(kind, "gives")


def row_kinds(definition: Definition) -> Sequence[RowKindName]:
    """Return the row kind that leaves each block.

    A block for any rows gives the kind that comes in, if all of it is known and equal.
    """
    topology = definition.topology
    leaving: list[RowKindName] = [None] * len(definition.blocks)
    passing = {
        kind: _is_certain(kind) and CATALOGUE[kind].about.gives == "same"
        for kind in definition.by_kind
    }
    fixed = {kind: output_rows(kind, {}) for kind in definition.by_kind}
    for position in topology.order:
        block = definition.blocks[position]
        if passing[block.kind]:
            incoming = {leaving[parent] for parent in topology.parents[position]}
            leaving[position] = incoming.pop() if len(incoming) == 1 else None
        else:
            leaving[position] = fixed[block.kind]
            if "dataframe_type" in block.specs:
                leaving[position] = output_rows(block.kind, block.specs)
    return leaving


def _is_certain(kind: str) -> bool:
    return kind in CATALOGUE and CATALOGUE[kind].about.rows in ("D", "D1")


def _certain(kind: str, side: Literal["takes", "gives"]) -> RowKindName:
    word = getattr(CATALOGUE[kind].about, side) if _is_certain(kind) else None
    return word if word in DATAFRAME_TYPES else None
