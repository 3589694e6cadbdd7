"""What a run would spend, as far as prices are documented."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..analysis import Cost, cost
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
    yield "cost", _worded(found, given if is_given else None)
    for charge in found.charges:
        names = ", ".join(
            definition.origins.path(position) or charge.kind
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


def _worded(found: Cost, given: int | None) -> str:
    """What is documented of a cost; what is not is unknown, and never zero.

    Args:
        found: The cost.
        given: Rows that the run is started with; None where its source makes them.
    """
    dollars = found.dollars if given is None else found.dollars * given / ROWS
    counted = f"up to ${dollars:,.2f}" + (
        f" for {ROWS:,} rows" if given is None else ""
    )
    if found.is_whole:
        return f"{counted}: documented prices, before filters; no quote"
    if not found.dollars:
        return "unknown: no price that can be counted is documented"
    return f"unknown; of it {counted}: documented prices, before filters; no quote"
