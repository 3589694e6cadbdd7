"""The most that a run may cost, by documented prices; an estimate and never a quote.

`cost` is the one function that counts: check, plan, review, the estimate of a run and
its limits all show what it returns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import asdict, frozen

from ..blocks import CATALOGUE, of_catalogue
from ..definition import EMPTY, Definition, is_number
from ..errors import ArgumentError, shortened
from ..text import format_dollars, join_first
from ._unknown_kinds import unknown_kinds

ROWS: Final = 1000
"""Input rows that a cost is for, unless another number is given."""


class Charge(NamedTuple):
    """The rows that blocks of one kind and price may charge for.

    Attributes:
        kind: The kind of the blocks.
        dollars: Dollars for a row that reaches one, or None if no source states it.
        rows: Rows that reach all of them together, at most. None if that is unknown,
            because a block before them makes rows of its own.
        positions: Positions of the blocks in the definition.
    """

    kind: str
    dollars: float | None
    rows: int | None
    positions: Sequence[int]

    @property
    def is_open(self) -> bool:
        """Whether it is unknown how many rows reach the blocks."""
        return self.rows is None


@frozen
class Cost:
    """The most that a run may cost, by documented prices.

    Attributes:
        charges: The blocks that spend or may spend, in order of the kinds.
        unknown: Kinds for which it is not known whether they spend.
        meets: Whether a block that charges follows a place where branches meet. Their
            rows add up there.
        rows: Input rows that the cost is for.
        unconfirmed: The kinds with an unconfirmed price, each with the source.
    """

    charges: Sequence[Charge]
    unknown: Sequence[str]
    meets: bool
    rows: int = ROWS
    unconfirmed: Mapping[str, str] = EMPTY

    @property
    def dollars(self) -> float:
        """Dollars for the input rows: those of blocks with a documented price.

        An upper bound for these blocks, before filters. Blocks that any number of rows
        may reach are left out.
        """
        return as_float(self.exact)

    @property
    def exact(self) -> Fraction:
        """The dollars, not rounded."""
        return sum(_sum_by_kind(self._plain_charges()).values(), Fraction(0))

    @property
    def is_open(self) -> bool:
        """Whether a block charges for a number of rows that only the run shows."""
        return any(charge.is_open for charge in self.charges)

    @property
    def is_whole(self) -> bool:
        """Whether `dollars` leaves out no block that charges or may charge."""
        is_priced = all(charge.dollars is not None for charge in self.charges)
        return is_priced and not self.is_open and not self.unknown

    def list_omissions(self, definition: Definition) -> Iterator[str]:
        """Yield the blocks that `dollars` leaves out, each with the reason.

        Args:
            definition: The workflow that the cost is of.
        """
        for charge in self.charges:
            paths = [definition.origins.path(at) for at in charge.positions]
            names = ", ".join(path or charge.kind for path in paths)
            if charge.dollars is None:
                yield f"{names}: no price is documented"
            elif charge.is_open:
                price = f"{format_dollars(charge.dollars)} a row"
                yield f"{names}: {price}, and how many rows reach it is not known"
        for kind in self.unknown:
            yield f"{kind}: it is not known whether it charges"

    def describe_unconfirmed(self) -> str:
        """Return the kinds with an unconfirmed price, with their sources, in words."""
        found = self.unconfirmed.items()
        return ", ".join(f"{kind} ({source})" for kind, source in found)

    def __str__(self) -> str:
        return _describe(
            self._plain_charges(),
            tuple(self.unknown),
            self.describe_unconfirmed(),
            meets=self.meets,
            rows=self.rows,
        )

    def _plain_charges(self) -> tuple[_PlainCharge, ...]:
        return tuple([charge[:3] for charge in self.charges])


_PlainCharge: TypeAlias = tuple[str, float | None, int | None]
"""A charge without its positions: kind, dollars, rows."""


def as_float(dollars: Fraction) -> float:
    """Dollars as a float; the largest one stands for all that are larger."""
    try:
        return float(dollars)
    except OverflowError:
        return sys.float_info.max


def _sum_by_kind(charges: Sequence[_PlainCharge]) -> dict[str, Fraction]:
    """Return dollars by kind, for charges with known price and rows."""
    counted: dict[str, Fraction] = {}
    for kind, dollars, rows in charges:
        if dollars is not None and rows is not None:
            # As the price is written: no cent is lost to binary fractions.
            sum_ = rows * Fraction(repr(dollars))
            counted[kind] = counted.get(kind, Fraction(0)) + sum_
    return counted


@lru_cache(maxsize=256)
def _describe(
    charges: Sequence[_PlainCharge],
    unknown: Sequence[str],
    unconfirmed: str,
    *,
    meets: bool,
    rows: int,
) -> str:
    """Describe a cost in words.

    It is cached, since the workflows of a fleet are alike. Without this cache and that
    of effects, `check()` of a fleet takes 1.4 times as long.
    """
    parts = []
    counted = {kind: as_float(sum_) for kind, sum_ in _sum_by_kind(charges).items()}
    if counted:
        sums = {kind: format_dollars(sum_) for kind, sum_ in counted.items()}
        kinds = ", ".join(f"{kind} {sum_}" for kind, sum_ in sums.items())
        total = as_float(sum(_sum_by_kind(charges).values(), Fraction(0)))
        most = format_dollars(total)
        parts.append(f"{rows:,} input rows may cost up to {most} ({kinds})")
    each = [
        f"{kind} {format_dollars(dollars)} a row"
        for kind, dollars, reach in charges
        if dollars is not None and reach is None
    ]
    if each:
        parts.append(f"for an unknown number of rows: {', '.join(each)}")
    unpriced = [kind for kind, dollars, _ in charges if dollars is None]
    if unpriced or unknown:
        kinds = ", ".join(dict.fromkeys([*unpriced, *unknown]))
        parts.append(f"not counted, since no price is documented: {kinds}")
    if meets:
        parts.append("where branches meet, their rows add up")
    parts.append("an estimate by documented prices, before filters")
    if unconfirmed:
        parts.append(f"unconfirmed prices: {unconfirmed}")
    return "; ".join(parts)


def cost(
    definition: Definition,
    rows: int = ROWS,
    prices: Mapping[str, float] = EMPTY,
    *,
    of_payload: bool = False,
) -> Cost:
    """Return the most that a run may cost.

    Args:
        definition: What is run.
        rows: Rows that each source of a run brings.
        prices: Dollars a row by kind, in place of the documented ones.
        of_payload: Whether `rows` are those of a payload. Then only webhooks bring
            them. It is unknown how many rows a file or a notebook holds.
    """
    blocks = definition.blocks
    found: dict[tuple[str, float | None, bool], list[int]] = {}
    unconfirmed: dict[str, str] = {}
    reach, meets = _count_reaching(definition, rows, of_payload=of_payload)
    by_kind = definition.by_kind
    for kind, ask in _spending(tuple(by_kind), frozenset(prices)):
        for position in by_kind[kind]:
            dollars = prices.get(kind)
            if ask is not None and (price := ask(blocks[position].specs)):
                dollars = price.dollars
                if price.confidence == "I":
                    unconfirmed[kind] = price.source
            key = (kind, dollars, reach[position] is None)
            found.setdefault(key, []).append(position)
    charges = [
        Charge(kind, dollars, _add_counts([reach[at] for at in positions]), positions)
        for (kind, dollars, _), positions in found.items()
    ]
    has_met = any(meets) and any(meets[at] for c in charges for at in c.positions)
    strangers = [kind for kind in by_kind if kind not in CATALOGUE]
    unknown = [
        word
        for kind, word in zip(strangers, unknown_kinds(definition), strict=True)
        if kind not in prices
    ]
    return Cost(charges, unknown, has_met, rows, unconfirmed)


def count_start_rows(definition: Definition, given: int) -> int | None:
    """Return the most rows that a run starts with; None if that is unknown.

    A start without rows runs the sample rows of its webhook, and nothing says how many
    those are.

    Args:
        definition: What is run.
        given: Rows in the payload.
    """
    kinds = [definition.blocks[at].kind for at in definition.topology.roots]
    bringing = _bringing()
    takes_payload = any(bringing.get(kind) == "payload" for kind in kinds)
    if takes_payload and not given:
        return None
    most = given if takes_payload else 0
    for at, kind in zip(definition.topology.roots, kinds, strict=True):
        if bringing.get(kind) != "payload":
            limit = _limit(kind, definition.blocks[at].specs)
            if limit is None:
                return None
            most += limit
    return most


SPENDING: Final = frozenset({"spends", "may-spend"})


@of_catalogue
def _bringing() -> Mapping[str, str]:
    """Return the kinds that bring the rows of a run, with the place of these rows."""
    return {
        kind: source
        for kind, block in CATALOGUE.items()
        if (source := block.about.brings) is not None
    }


@of_catalogue
def _spending(
    kinds: tuple[str, ...], priced: frozenset[str]
) -> Sequence[tuple[str, Callable[..., Any] | None]]:
    """Return the kinds that cost credits, or may, each with the function for its price.

    The function is None if the caller gives the price of the kind.
    """
    return [
        (kind, None if kind in priced else CATALOGUE[kind].price)
        for kind in kinds
        if kind in priced
        or (kind in CATALOGUE and SPENDING & {*CATALOGUE[kind].about.effects})
    ]


@of_catalogue
def _making_rows(kinds: tuple[str, ...]) -> frozenset[str]:
    """Return the kinds that find rows, however many went in."""
    bringing = _bringing()
    found = [kind for kind in kinds if kind not in bringing]
    return frozenset(
        kind
        for kind in found
        if kind not in CATALOGUE or CATALOGUE[kind].about.may_make_rows
    )


def _limit(kind: str, specs: Mapping[str, Any]) -> int | None:
    """Return the upper limit of the rows that a block gives, for any input."""
    block = CATALOGUE.get(kind)
    return None if block is None else block.most_rows(specs)


def _count_reaching(
    definition: Definition, rows: int, *, of_payload: bool
) -> tuple[Sequence[int | None], bytearray]:
    """Return how many rows reach each block at most, and where branches met before.

    Every block is taken to pass every row. Where branches meet, their rows add up, so
    layers that are joined whole multiply them: the counts are exact, however large.
    """
    topology, blocks = definition.topology, definition.blocks
    meets = bytearray(len(blocks))
    made = _making_rows(tuple(definition.by_kind))
    bringing = _bringing()
    brought: dict[str, int | None] = dict.fromkeys(bringing, rows)
    if of_payload:
        for kind, source in bringing.items():
            # Without a payload, the sample rows of the block are run.
            if source == "stored" or not rows:
                brought[kind] = None
    fed = set(topology.targets)
    is_plain = topology.is_forward and not made and len(topology.sources) == len(fed)
    if is_plain and not any(
        at in fed or brought[kind] is None
        for kind in bringing
        for at in definition.by_kind.get(kind, ())
    ):
        return [rows] * len(blocks), meets
    reach: list[int | None] = [None] * len(blocks)
    leave: list[int | None] = [None] * len(blocks)  # None as well: later, on a cycle
    parents = topology.parents
    for position in topology.order:
        kind, above = blocks[position].kind, parents[position]
        meets[position] = len(above) > 1 or any(meets[parent] for parent in above)
        count: int | None = rows
        if above:
            count = _add_counts([leave[parent] for parent in above])
        reach[position] = count
        if kind in bringing:
            count = _add_counts([count, brought[kind]]) if above else brought[kind]
        elif kind in made:
            count = _limit(kind, blocks[position].specs)
        leave[position] = count
        if not above and (kind in bringing or kind in made):
            reach[position] = count
    return reach, meets


def _add_counts(counts: Sequence[int | None]) -> int | None:
    """Return the sum of some counts; None if one of them is unknown."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


# -- The cost in a change, a plan or a review ------------------------------------------


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
        unconfirmed: The kinds with an unconfirmed price, each with the source.
    """

    dollars: float | None
    unpriced: tuple[str, ...]
    open: tuple[RowPrice, ...]
    unconfirmed: Mapping[str, str] = EMPTY

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
        more = join_first([*self.unconfirmed], MOST_KINDS, quote)
        sources = f" (unconfirmed price: {more})" if more else ""
        return (" + ".join(parts) or "unknown") + sources

    def as_data(self) -> dict[str, Any]:
        """Return the cost as plain JSON data."""
        rows = [*map(asdict, self.open)]
        return {
            "dollars": self.dollars,
            "unpriced": [*self.unpriced],
            "open": rows,
            "unconfirmed": {**self.unconfirmed},
        }

    def brief(self) -> str:
        """Return the cost in a few words; an unknown cost is never zero."""
        if self.dollars is None:
            return _UNKNOWN_AMOUNT
        known = format_dollars(self.dollars)
        is_whole = not self.open and not self.unpriced
        return known if is_whole else f"{known} + {_UNKNOWN_AMOUNT}"


_UNKNOWN_AMOUNT: Final = "an unknown amount"

MOST_KINDS: Final = 8
"""Kinds that the words of a cost name. JSON has all."""


def estimate_cost(definition: Definition, prices: Mapping[str, float]) -> Estimate:
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
    return Estimate(dollars, tuple(sorted(others)), tuple(listed), found.unconfirmed)


def _check_prices(prices: Mapping[str, float]) -> Mapping[str, float]:
    for kind, price in prices.items():
        if not (is_number(price) and isfinite(price) and price >= 0):
            what = f"the price of {shortened(kind)} is {shortened(price)}"
            problem = f"{what}; write dollars for one row, such as 0.05"
            raise ArgumentError("prices", problem)
    return prices
