"""Credits: the costs of blocks, as far as prices are known, and the balance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from attrs import define, field

from ..blocks import CATALOGUE, FindEmail, Search
from ..text import pluralize
from ._block_context import BlockFailedError
from ._executors import count_search_rows
from ._records import BlockState, RowData, RunRecord, SpendingRecord, WorkflowRecord
from ._store import Store
from ._switches import Switches

CREDITS_A_DOLLAR: Final = 10
"""One credit is ten cents (derived from an example in the documents)."""

DIGITS: Final = 6
"""Decimal places of credits, so that tenths stay tenths."""


def compute_balance(store: Store, org_id: str, switches: Switches) -> float | None:
    """Return the credits that an organisation has left; None without a limit."""
    if switches.credits is None:
        return None
    return max(0.0, round(switches.credits - store.spent(org_id), DIGITS))


def price_row(kind: str, specs: Mapping[str, Any]) -> float | None:
    """Return the credits that a row costs; None if the price is unknown."""
    cls = CATALOGUE.get(kind)
    price = cls.price(specs) if cls else None
    return None if price is None else round(price.dollars * CREDITS_A_DOLLAR, DIGITS)


def is_charged(kind: str) -> bool:
    """Return True if a kind of block costs credits, or may cost some."""
    cls = CATALOGUE.get(kind)
    return cls is not None and not {"spends", "may-spend"}.isdisjoint(cls.about.effects)


@define
class Bill:
    """The cost of a block so far.

    Attributes:
        limit: The credits that are left for it; None for no limit.
    """

    kind: str
    specs: Mapping[str, Any]
    limit: float | None
    _rows: int = field(default=0, init=False)
    _price: float | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._price = price_row(self.kind, self.specs)

    @property
    def credits(self) -> float | None:
        """The cost so far; None if the price is unknown."""
        return self._price and round(self._rows * self._price, DIGITS)

    def charge_input(self, rows: list[RowData]) -> None:
        """Charge rows before the block works on them.

        Raises:
            BlockFailedError: The credits do not suffice. The rows that they pay for are
                charged.
        """
        count = len(rows) - sum(map(self._is_free, rows))
        if self._price and self.limit is not None:
            payable = self._affordable_rows
            if self._rows + count > payable:
                self._rows = payable
                raise BlockFailedError(self._describe_shortage())
        self._rows += count

    def charge_output(self, count: int) -> None:
        """Charge rows that a source found."""
        self._rows += count

    def recheck(self, left: float | None) -> None:
        """Compare the cost with a new limit, since another run may have spent credits.

        Raises:
            BlockFailedError: The credits no longer suffice.
        """
        self.limit = left
        self.charge_input([])

    def record(
        self, store: Store, run: RunRecord, block: BlockState, now: datetime
    ) -> None:
        """Save the cost, in the transaction that ends the block."""
        if not self._rows or not is_charged(self.kind):
            return
        spending = SpendingRecord(
            id=block.id,
            org_id=run.org_id,
            workflow_id=run.workflow_id,
            run_id=run.id,
            kind=self.kind,
            rows=self._rows,
            credits=self.credits,
            created_at=now,
        )
        store.spendings.put(spending)

    @property
    def _affordable_rows(self) -> int:
        """How many rows the limit pays for. There must be a price and a limit."""
        return int(round((self.limit or 0) / (self._price or 1), DIGITS))

    def _is_free(self, row: RowData) -> bool:
        # Documented: a personal address that the row already has is free.
        return (
            self.kind == FindEmail.kind
            and str(self.specs.get("mode")).upper() == "PERSONAL"
            and bool(row.get("personal_email"))
        )

    def _describe_shortage(self) -> str:
        return (
            f"not enough credits: a row costs {self._price:g}, and {self.limit:g} were "
            f"left when the block began, enough for {pluralize(self._rows, 'row')}"
        )


def charge_searches(store: Store, workflow: WorkflowRecord, now: datetime) -> None:
    """Charge the searches with `auto_execute`, which run when a workflow is saved.

    A run finds the same rows again, since a search gives the same rows every time.
    """
    for block in workflow.definition["blocks"]:
        specs = block["specs"]
        if block["block_name"] == Search.kind and specs.get("auto_execute") is True:
            spending = SpendingRecord(
                id=str(uuid4()),
                org_id=workflow.org_id,
                workflow_id=workflow.id,
                run_id=None,
                kind=Search.kind,
                rows=count_search_rows(specs),
                credits=price_row(Search.kind, specs),
                created_at=now,
            )
            store.spendings.add(spending)
