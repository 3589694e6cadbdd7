"""What a run may cost, by documented prices and by those that somebody gives."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from ..analysis import cost
from ..definition import Definition
from ..errors import ArgumentError, shortened
from ._changes import Estimate, RowPrice


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
