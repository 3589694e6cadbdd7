"""What a run would spend, as far as prices are documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..analysis import cost
from ..definition import Definition

ROWS: Final = 1000
"""Rows that `Cost.dollars` is for."""


def estimate(definition: Definition, given: int) -> Iterator[tuple[str, str]]:
    """What a run would start with and may cost, as labels and texts.

    Args:
        definition: What runs.
        given: Rows that it is started with.
    """
    roots = definition.topology.roots
    is_given = all(definition.blocks[position].kind == "webhook" for position in roots)
    found = cost(definition)
    yield "rows", f"{given:,}" if is_given else "as many as its source makes"
    counted = f"up to ${found.dollars * given / ROWS:,.2f}"
    known = counted if is_given else f"up to ${found.dollars:,.2f} for {ROWS:,} rows"
    yield "cost", f"{known}: documented prices, before filters; no quote"
    for charge in found.charges:
        names = ", ".join(
            definition.origins[position].path or charge.kind
            for position in charge.positions
        )
        if charge.dollars is None:
            yield "not counted", f"{names}: no price is documented"
        elif charge.is_open:
            price = f"${charge.dollars:.2f} a row"
            yield "not counted", f"{names}: {price}, and how many reach it is unknown"
    for kind in found.unknown:
        yield "not counted", f"{kind}: nobody knows whether it charges"
    if found.meets:
        yield "not counted", "rows that come twice, where branches meet"
