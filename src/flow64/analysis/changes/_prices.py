"""What a run may cost, by documented prices and by those that somebody gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from attrs import evolve

from ...blocks import CATALOGUE
from ...definition import Definition
from ...errors import ArgumentError, shortened
from .._asking import unknown_kinds
from .._cost import Charge, Cost, cost, reached
from ._model import Estimate, RowPrice


def estimate(definition: Definition, prices: Mapping[str, float]) -> Estimate:
    """What 1,000 input rows may cost.

    Args:
        definition: What is run.
        prices: Dollars a row by kind, in place of those that are documented.

    Raises:
        ArgumentError: A price is no number of dollars.
    """
    found = _priced(definition, _checked(prices))
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
    is_known = is_counted or not (others or rows)
    dollars = round(found.dollars, 6) if is_known else None
    return Estimate(
        dollars, tuple(sorted(others)), tuple(sorted(set(rows), key=_place))
    )


def _priced(definition: Definition, prices: Mapping[str, float]) -> Cost:
    """The cost with some prices in place of the documented ones."""
    found = cost(definition)
    if definition.by_kind.keys().isdisjoint(prices):
        return found
    charges = [
        charge._replace(dollars=prices.get(charge.kind, charge.dollars))
        for charge in found.charges
    ]
    known = {charge.kind for charge in charges}
    is_open, _ = reached(definition)
    for kind, positions in definition.by_kind.items():
        if kind in prices and kind not in known:
            charges += _charges(kind, prices[kind], positions, is_open)
    strangers = (kind for kind in definition.by_kind if kind not in CATALOGUE)
    words = zip(strangers, unknown_kinds(definition), strict=True)
    unknown = [word for kind, word in words if kind not in prices]
    return evolve(found, charges=charges, unknown=unknown)


def _charges(
    kind: str, dollars: float, positions: Sequence[int], is_open: bytearray
) -> list[Charge]:
    found: dict[bool, list[int]] = {}
    for at in positions:
        found.setdefault(bool(is_open[at]), []).append(at)
    return [Charge(kind, dollars, flag, where) for flag, where in found.items()]


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
