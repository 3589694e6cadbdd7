"""Limits that a run must be certain to keep before it is started."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from attrs import Attribute, field, frozen

from ..analysis import Charge, cost
from ..definition import Definition
from ..errors import ArgumentError, BudgetError, shortened


def _limit(_: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    numbers = int if attribute.name == "max_rows" else int | float
    is_number = isinstance(value, numbers) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        problem = f"{attribute.name} is {shortened(value)}, no number from 0 up"
        raise ArgumentError("run", problem)


@frozen
class Budget:
    """What a run may take at most.

    Attributes:
        max_rows: Rows to start with.
        max_cost: Dollars by documented prices, before filters.
        allow_unpriced: Whether to go on where something cannot be counted, such as a
            block without a documented price, or rows that a source makes.
    """

    max_rows: int | None = field(default=None, validator=_limit)
    max_cost: float | None = field(default=None, validator=_limit)
    allow_unpriced: bool = False

    @property
    def depends_on_specs(self) -> bool:
        """Whether what is deployed has to be looked at."""
        return self.max_cost is not None

    def require(self, workflow: str, definition: Definition, given: int) -> None:
        """Refuse a run that may take more.

        Args:
            workflow: Title, for the error.
            definition: What runs.
            given: Rows in the body of its start.

        Raises:
            BudgetError: A limit is exceeded, or that cannot be known.
        """
        if self.max_rows is None and self.max_cost is None:
            return
        rows = _rows(definition, given)
        unpriced = [*_unpriced(definition, rows)]
        known = 0.0 if rows is None else _dollars(definition, rows)
        problems: list[str] = []
        may_allow = False
        if self.max_rows is not None:
            if rows is not None and rows > self.max_rows:
                problems.append(f"{rows:,} rows are more than max_rows={self.max_rows}")
            elif rows is None and not self.allow_unpriced:
                problems.append(f"max_rows={self.max_rows} cannot be held: {_UNKNOWN}")
                may_allow = True
        if self.max_cost is not None:
            if known > self.max_cost:
                problems.append(f"that is more than max_cost={self.max_cost:g}")
            if unpriced and not self.allow_unpriced:
                problems.append(
                    f"max_cost={self.max_cost:g} cannot be held, since not all prices "
                    "are known"
                )
                may_allow = True
        if problems:
            raise BudgetError(workflow, problems, rows, known, unpriced, may_allow)


_UNKNOWN = "how many rows its source makes is not known"


def _rows(definition: Definition, given: int) -> int | None:
    """Rows that a run starts with; None where its source makes them."""
    roots = definition.topology.roots
    is_given = all(definition.blocks[position].kind == "webhook" for position in roots)
    return given if is_given else None


def _dollars(definition: Definition, rows: int) -> float:
    """What blocks with a documented price may cost, where their rows are known."""
    dollars = sum(
        charge.dollars * rows * len(charge.positions)
        for charge in cost(definition).charges
        if charge.dollars is not None and not charge.is_open
    )
    return round(dollars, 6)  # three times 0.1 is not above 0.3


def _unpriced(definition: Definition, rows: int | None) -> Iterator[str]:
    """What cannot be counted, and why."""
    found = cost(definition)
    for charge in found.charges:
        if charge.dollars is None:
            yield f"{_names(charge, definition)}: no price is documented"
        elif charge.is_open or rows is None:
            yield f"{_names(charge, definition)}: how many rows reach it is not known"
    for kind in found.unknown:
        yield f"{kind}: nobody knows whether it charges"
    if found.meets:
        yield "where branches meet: how their rows merge is not known"


def _names(charge: Charge, definition: Definition) -> str:
    origins = definition.origins
    return ", ".join(origins.path(at) or charge.kind for at in charge.positions)
