"""Limits that a run must be certain to keep before it is started."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from attrs import Attribute, field, frozen

from ..analysis import as_float, cost, count_start_rows
from ..definition import Definition
from ..errors import ArgumentError, BudgetError, shortened
from ..text import pluralize


def _check_limit(_: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is None:
        return
    numbers = int if attribute.name == "max_rows" else int | float
    is_number = isinstance(value, numbers) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        problem = f"{attribute.name} is {shortened(value)}, no number from 0 up"
        raise ArgumentError("run", problem)


@frozen
class Budget:
    """Limits of one run, or of all batches of an input.

    Attributes:
        max_rows: Rows to start with.
        max_cost: Dollars before filters, by documented prices. A price of the service's
            list of blocks counts if it is higher, or if no price is documented.
        allow_unpriced: Start although something cannot be counted, such as a block
            without a documented price, or rows that a source makes.
    """

    max_rows: int | None = field(default=None, validator=_check_limit)
    max_cost: float | None = field(default=None, validator=_check_limit)
    allow_unpriced: bool = False

    @property
    def depends_on_specs(self) -> bool:
        """True if the limits depend on the deployed workflow."""
        return self.max_cost is not None

    def require(
        self,
        workflow: str,
        definition: Definition,
        given: int,
        *,
        size: int | None = None,
    ) -> None:
        """Refuse a run that may exceed a limit.

        Args:
            workflow: Title, for the error.
            definition: The workflow, with the settings of this run in its source.
            given: Rows in the body of the start.
            size: Rows of one batch, if the rows start several runs.

        Raises:
            BudgetError: A limit is exceeded, or that cannot be known.
        """
        if self.max_rows is None and self.max_cost is None:
            return
        runs = _split_rows(given, size)
        rows = _count_rows(definition, runs)
        found = cost(definition, given, of_payload=True)
        unpriced = [*found.list_omissions(definition)]
        known = _sum_costs(definition, runs)
        problems: list[str] = []
        may_allow = False
        if self.max_rows is not None:
            if rows is not None and rows > self.max_rows:
                are = "is" if rows == 1 else "are"
                problems.append(
                    f"{pluralize(rows, 'row')} {are} more than max_rows={self.max_rows}"
                )
            elif rows is None and not self.allow_unpriced:
                problems.append(f"max_rows={self.max_rows} cannot be held: {_UNKNOWN}")
                may_allow = True
        if self.max_cost is not None:
            if known > self.max_cost:
                problems.append(f"it may cost more than max_cost={self.max_cost:g}")
            if unpriced and not self.allow_unpriced:
                problems.append(
                    f"max_cost={self.max_cost:g} cannot be held, since not all prices "
                    "are known"
                )
                may_allow = True
        if problems:
            raise BudgetError(workflow, problems, rows, known, unpriced, may_allow)


_UNKNOWN = "how many rows its source makes is not known"


def _split_rows(given: int, size: int | None) -> Sequence[tuple[int, int]]:
    """Return pairs of a number of runs and the rows that each of them starts with."""
    if size is None:
        return [(1, given)]
    full, rest = divmod(given, size)
    return [(full, size), (1, rest)] if rest or not full else [(full, size)]


def _count_rows(definition: Definition, runs: Iterable[tuple[int, int]]) -> int | None:
    """Return the most rows of all runs; None if a source makes any number."""
    found = [(number, count_start_rows(definition, rows)) for number, rows in runs]
    known = [number * rows for number, rows in found if rows is not None]
    return sum(known) if len(known) == len(found) else None


def _sum_costs(definition: Definition, runs: Iterable[tuple[int, int]]) -> float:
    """Return the cost of blocks with a known price and a known number of rows."""
    costs = (
        number * cost(definition, rows, of_payload=True).exact for number, rows in runs
    )
    return as_float(sum(costs, Fraction(0)))  # three times 0.1 is not above 0.3
