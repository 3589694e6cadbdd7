"""What a run may cost, by documented prices and by those that somebody gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, Final

from attrs import frozen

from ..analysis import cost
from ..definition import Definition
from ..errors import ArgumentError, shortened


@frozen
class RowPrice:
    """Dollars for each row that reaches the blocks of a kind."""

    kind: str
    dollars: float


@frozen
class Estimate:
    """What 1,000 input rows may cost; unknown stays unknown, and is never zero.

    Attributes:
        dollars: For the blocks whose price and rows are known, as an upper bound before
            filters; None where that is known of no block that may charge.
        unpriced: Kinds that charge or may charge, for a price that nobody states.
        open: Prices of blocks that any number of rows may reach.
    """

    dollars: float | None
    unpriced: tuple[str, ...]
    open: tuple[RowPrice, ...]

    def describe(self, quote: Callable[[str], str] = str) -> str:
        """Return the cost in words; `quote` writes the name of a kind."""
        parts = [] if self.dollars is None else [_dollars(self.dollars)]
        if self.open:
            rows = [f"{quote(row.kind)} {_dollars(row.dollars)}" for row in self.open]
            parts.append(f"{_some(rows)} for each of an open number of rows")
        if self.unpriced:
            parts.append(f"unknown for {_some([*map(quote, self.unpriced)])}")
        return " + ".join(parts) or "unknown"

    def brief(self) -> str:
        """Return the cost in a word or two; an unknown cost is never zero."""
        parts = [] if self.dollars is None else [_dollars(self.dollars)]
        parts += ["an open sum"] * bool(self.open)
        parts += ["unknown"] * bool(self.unpriced)
        return " + ".join(parts) or "unknown"


MOST_KINDS: Final = 8
"""Kinds that the words of a cost name; JSON has all."""


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_KINDS
    return ", ".join(names[:MOST_KINDS]) + (f" and {more:,} more" if more > 0 else "")


def _dollars(amount: float) -> str:
    if 0 < amount < 0.01:  # less than a cent is not nothing
        return f"${amount:.6f}".rstrip("0")
    return f"${amount:,.2f}".removesuffix(".00")


def estimate(definition: Definition, prices: Mapping[str, float]) -> Estimate:
    """Return what 1,000 input rows may cost.

    Args:
        definition: What is run.
        prices: Dollars a row by kind, in place of those that are documented.

    Raises:
        ArgumentError: A price is not a number of dollars.
    """
    found = cost(definition, prices=_checked(prices))
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
    # Zero only where nothing may charge: of what is unknown, no sum is known either.
    dollars = found.dollars if is_counted or not (others or rows) else None
    return Estimate(
        dollars, tuple(sorted(others)), tuple(sorted(set(rows), key=_place))
    )


def _checked(prices: Mapping[str, float]) -> Mapping[str, float]:
    for kind, price in prices.items():
        if not _is_price(price):
            what = f"the price of {shortened(kind)} is {shortened(price)}"
            problem = f"{what}; write dollars for one row, such as 0.05"
            raise ArgumentError("consequences", problem)
    return prices


def _is_price(price: Any) -> bool:
    is_number = isinstance(price, int | float) and not isinstance(price, bool)
    return is_number and isfinite(price) and price >= 0


def _place(row: RowPrice) -> tuple[str, float]:
    return row.kind, row.dollars
