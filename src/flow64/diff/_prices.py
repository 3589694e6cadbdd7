"""The cost of 1,000 input rows, by documented prices and by prices of your own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final

from attrs import frozen

from ..analysis import cost
from ..definition import Definition
from ..errors import ArgumentError, shortened
from ..text import format_dollars, join_first


@frozen
class RowPrice:
    """Dollars for each row that reaches the blocks of a kind."""

    kind: str
    dollars: float


@frozen
class Estimate:
    """The cost of 1,000 input rows. An unknown cost stays unknown and is never zero.

    Attributes:
        dollars: An upper bound, before filters, for the blocks with a known price and a
            known number of rows. None if blocks may charge, but none is such a block.
        unpriced: Kinds that charge or may charge, without a stated price.
        open: Prices of blocks that any number of rows may reach.
    """

    dollars: float | None
    unpriced: tuple[str, ...]
    open: tuple[RowPrice, ...]

    def describe(self, quote: Callable[[str], str] = str) -> str:
        """Return the cost in words; `quote` writes the name of a kind."""
        parts = [] if self.dollars is None else [format_dollars(self.dollars)]
        if self.open:
            rows = [
                f"{quote(row.kind)} {format_dollars(row.dollars)}" for row in self.open
            ]
            listed = join_first(rows, MOST_KINDS)
            parts.append(f"{listed} a row, for an unknown number of rows")
        if self.unpriced:
            listed = join_first(self.unpriced, MOST_KINDS, quote)
            parts.append(f"unknown for {listed}")
        return " + ".join(parts) or "unknown"

    def brief(self) -> str:
        """Return the cost in a word or two; an unknown cost is never zero."""
        parts = [] if self.dollars is None else [format_dollars(self.dollars)]
        parts += ["an open sum"] * bool(self.open)
        parts += ["unknown"] * bool(self.unpriced)
        return " + ".join(parts) or "unknown"


MOST_KINDS: Final = 8
"""Kinds that the words of a cost name. JSON has all."""


def estimate(definition: Definition, prices: Mapping[str, float]) -> Estimate:
    """Return the cost of 1,000 input rows.

    Args:
        definition: The workflow.
        prices: Dollars a row by kind, in place of those that are documented.

    Raises:
        ArgumentError: A price is not a number of dollars.
    """
    found = cost(definition, prices=_check_prices(prices))
    unpriced = [charge.kind for charge in found.charges if charge.dollars is None]
    rows = [
        RowPrice(charge.kind, charge.dollars)
        for charge in found.charges
        if charge.dollars is not None and charge.is_open
    ]
    others = (*dict.fromkeys([*unpriced, *found.unknown]),)
    is_counted = any(
        charge.dollars is not None and not charge.is_open for charge in found.charges
    )
    # Zero only if nothing may charge. Without a counted block, no sum is known.
    dollars = found.dollars if is_counted or not (others or rows) else None
    listed = sorted(set(rows), key=lambda row: (row.kind, row.dollars))
    return Estimate(dollars, tuple(sorted(others)), tuple(listed))


def _check_prices(prices: Mapping[str, float]) -> Mapping[str, float]:
    for kind, price in prices.items():
        is_number = isinstance(price, int | float) and not isinstance(price, bool)
        if not (is_number and isfinite(price) and price >= 0):
            what = f"the price of {shortened(kind)} is {shortened(price)}"
            problem = f"{what}; write dollars for one row, such as 0.05"
            raise ArgumentError("consequences", problem)
    return prices
