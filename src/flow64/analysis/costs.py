"""The most that a run may cost, by documented prices, and what it changes outside.

`cost` is the one function that counts: check, plan, review, the estimate of a run and
its limits all show what it returns. It is an estimate and never a quote.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from math import isfinite
from typing import Any, Final, NamedTuple

from attrs import asdict, frozen

from ..blocks import CATALOGUE, EFFECT_WORDS, OLD_NAMES, CatalogueBlock, Effect
from ..definition import EMPTY, Definition, Hidden, Value, is_number
from ..errors import BuildError
from ..text import format_dollars, join_first, shortened

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
        depends: The kinds with a price that depends on fields, which an environment
            fills in, each with these fields.
    """

    charges: Sequence[Charge]
    unknown: Sequence[str]
    meets: bool
    rows: int = ROWS
    unconfirmed: Mapping[str, str] = EMPTY
    depends: Mapping[str, Sequence[str]] = EMPTY

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
        return sum(self._sum_by_kind().values(), Fraction(0))

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
            if charge.kind in self.depends and charge.dollars is None:
                fields = ", ".join(self.depends[charge.kind])
                yield f"{names}: the price depends on {fields}"
            elif charge.dollars is None:
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
        parts = []
        if sums := self._sum_by_kind():
            kinds = ", ".join(
                f"{k} {format_dollars(as_float(v))}" for k, v in sums.items()
            )
            most = format_dollars(as_float(sum(sums.values(), Fraction(0))))
            parts.append(f"{self.rows:,} input rows may cost up to {most} ({kinds})")
        each = [
            f"{charge.kind} {format_dollars(charge.dollars)} a row"
            for charge in self.charges
            if charge.dollars is not None and charge.is_open
        ]
        if each:
            parts.append(f"for an unknown number of rows: {', '.join(each)}")
        unpriced = [charge.kind for charge in self.charges if charge.dollars is None]
        kinds = ", ".join(
            kind
            for kind in dict.fromkeys([*unpriced, *self.unknown])
            if kind not in self.depends
        )
        if kinds:
            parts.append(f"not counted, since no price is documented: {kinds}")
        parts += [
            f"not counted: {kind} depends on {', '.join(names)}"
            for kind, names in self.depends.items()
        ]
        if self.meets:
            parts.append("where branches meet, their rows add up")
        parts.append("an estimate by documented prices, before filters")
        if self.unconfirmed:
            parts.append(f"unconfirmed prices: {self.describe_unconfirmed()}")
        return "; ".join(parts)

    def _sum_by_kind(self) -> dict[str, Fraction]:
        """Return dollars by kind, for charges with known price and rows."""
        sums: dict[str, Fraction] = {}
        for kind, dollars, rows, _ in self.charges:
            if dollars is not None and rows is not None:
                total = rows * _exact(dollars)
                sums[kind] = sums[kind] + total if kind in sums else total
        return sums


@lru_cache(maxsize=256)
def _exact(dollars: float) -> Fraction:
    # As the price is written: no cent is lost to binary fractions.
    return Fraction(repr(dollars))


def as_float(dollars: Fraction) -> float:
    """Dollars as a float; the largest one stands for all that are larger."""
    try:
        return float(dollars)
    except OverflowError:
        return sys.float_info.max


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
    reach, meets = _count_reaching(definition, rows, of_payload=of_payload)
    groups: dict[tuple[str, float | None, bool], list[int]] = {}
    unconfirmed: dict[str, str] = {}
    depends: dict[str, Sequence[str]] = {}
    for kind, positions in definition.by_kind.items():
        cls = CATALOGUE.get(kind)
        may_spend = cls is not None and not SPENDING.isdisjoint(cls.about.effects)
        for position in positions if may_spend or kind in prices else ():
            dollars, specs = prices.get(kind), definition.blocks[position].specs
            if dollars is None and cls is not None:
                price = cls.price(specs)
                dollars = None if price is None else price.dollars
                if price is None and (fields := _open_fields(cls, specs)):
                    depends[kind] = fields
                elif price is not None and price.confidence == "I":
                    unconfirmed[kind] = price.source
            group = (kind, dollars, reach[position] is None)
            groups.setdefault(group, []).append(position)
    charges = [
        Charge(kind, dollars, _add_counts([reach[at] for at in positions]), positions)
        for (kind, dollars, _), positions in groups.items()
    ]
    has_met = any(meets[at] for charge in charges for at in charge.positions)
    unknown = [
        name for kind, name in _unknown_kinds(definition).items() if kind not in prices
    ]
    return Cost(charges, unknown, has_met, rows, unconfirmed, depends)


def _open_fields(cls: type[CatalogueBlock], specs: Mapping[str, Any]) -> Sequence[str]:
    """Return the fields that decide the price of a block and are filled in later."""
    names = [name for name, value in specs.items() if isinstance(value, _LATER)]
    # Without them, the class has a price.
    known = {name: value for name, value in specs.items() if name not in names}
    return names if names and cls.price(known) is not None else ()


_LATER: Final = (Value, Hidden)
SPENDING: Final = frozenset({"spends", "may-spend"})


def count_start_rows(definition: Definition, given: int) -> int | None:
    """Return the most rows that a run starts with; None if that is unknown.

    A start without rows runs the sample rows of its webhook, and nothing says how many
    those are.

    Args:
        definition: What is run.
        given: Rows in the payload.
    """
    roots = [definition.blocks[at] for at in definition.topology.roots]
    brings = [_brought_by(block.kind) for block in roots]
    takes_payload = "payload" in brings
    if takes_payload and not given:
        return None
    limits = [
        _most_rows(block.kind, block.specs)
        for block, source in zip(roots, brings, strict=True)
        if source != "payload"
    ]
    return _add_counts([given if takes_payload else 0, *limits])


def _brought_by(kind: str) -> str | None:
    """Return where a block that brings the rows of a run has them from."""
    return CATALOGUE[kind].about.brings if kind in CATALOGUE else None


def _most_rows(kind: str, specs: Mapping[str, Any]) -> int | None:
    """Return the upper limit of the rows that a block gives, for any input."""
    return CATALOGUE[kind].most_rows(specs) if kind in CATALOGUE else None


def _count_reaching(
    definition: Definition, rows: int, *, of_payload: bool
) -> tuple[Sequence[int | None], Sequence[bool]]:
    """Return how many rows reach each block at most, and where branches met before.

    Every block is taken to pass every row. Where branches meet, their rows add up, so
    layers that are joined whole multiply them: the counts are exact, however large.
    """
    topology, blocks = definition.topology, definition.blocks
    reach: list[int | None] = [None] * len(blocks)
    leave: list[int | None] = [None] * len(blocks)  # None as well: later, on a cycle
    meets = [False] * len(blocks)
    parents = topology.parents
    # Without a payload, the sample rows of a block are run.
    brought = {
        "payload": None if of_payload and not rows else rows,
        "stored": None if of_payload else rows,
    }
    for position in topology.order:
        kind, above = blocks[position].kind, parents[position]
        count: int | None = rows
        if len(above) == 1:
            count, meets[position] = leave[above[0]], meets[above[0]]
        elif above:
            count, meets[position] = _add_counts([leave[at] for at in above]), True
        reach[position] = count
        about = CATALOGUE[kind].about if kind in CATALOGUE else None
        if about is None:
            count = None
        elif about.brings is not None:
            own = brought[about.brings]
            count = _add_counts([count, own]) if above else own
        elif about.may_make_rows:
            count = _most_rows(kind, blocks[position].specs)
        leave[position] = count
        if not above:
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
        BuildError: A price is not a number of dollars.
    """
    total = cost(definition, prices=_check_prices(prices))
    unpriced = [charge.kind for charge in total.charges if charge.dollars is None]
    rows = {
        RowPrice(charge.kind, charge.dollars)
        for charge in total.charges
        if charge.dollars is not None and charge.is_open
    }
    others = {*unpriced, *total.unknown}
    is_counted = any(
        charge.dollars is not None and not charge.is_open for charge in total.charges
    )
    # Zero only if nothing may charge. Without a counted block, no sum is known.
    dollars = total.dollars if is_counted or not (others or rows) else None
    listed = sorted(rows, key=lambda row: (row.kind, row.dollars))
    return Estimate(dollars, tuple(sorted(others)), tuple(listed), total.unconfirmed)


def _check_prices(prices: Mapping[str, float]) -> Mapping[str, float]:
    for kind, price in prices.items():
        if not (is_number(price) and isfinite(price) and price >= 0):
            message = f"the price of {shortened(kind)} is {shortened(price)}"
            raise BuildError(message, hint="write dollars for one row, such as 0.05")
    return prices


# -- Effects ---------------------------------------------------------------------------


class Touch(NamedTuple):
    """One effect, with the blocks of one kind that have it.

    Attributes:
        kind: The kind of the blocks.
        effect: What they do beyond their rows.
        target: What they touch outside, in words. Paths and queries of URLs are left
            out, since they may hold a secret.
        positions: Positions of the blocks in the definition.
    """

    kind: str
    effect: Effect
    target: str | None
    positions: Sequence[int]

    def __str__(self) -> str:
        count = len(self.positions)
        more = f" ({count} blocks)" if count > 1 else ""
        return f"{self.target or self.kind}{more}"


@frozen
class Effects:
    """All effects of a workflow.

    Attributes:
        touches: The effects, in order of the kinds.
        unknown: Kinds with unknown effects.
    """

    touches: Sequence[Touch]
    unknown: Sequence[str]

    @property
    def at_creation(self) -> Sequence[Touch]:
        """Money that is spent as soon as the workflow is created or updated."""
        return [one for one in self.touches if one.effect == "spends-on-create"]

    def __str__(self) -> str:
        lists: dict[str, list[str]] = {words: [] for words in EFFECT_WORDS.values()}
        for touch in self.touches:
            # A place to keep rows is named with all that a run leaves outside.
            is_place = touch.effect == "creates-storage"
            effect: Effect = "writes-outside" if is_place else touch.effect
            lists[EFFECT_WORDS[effect]].append(str(touch))
        lists["unknown"] = [*self.unknown]
        return "; ".join(
            f"{k}: {', '.join(names)}" for k, names in lists.items() if names
        )


def effects(definition: Definition) -> Effects:
    """Return what a workflow spends and touches, as far as its blocks are known."""
    touches: dict[tuple[str, Effect, str | None], list[int]] = {}
    for kind, positions in definition.by_kind.items():
        cls = CATALOGUE.get(kind)
        for position in positions if cls is not None else ():
            specs = definition.blocks[position].specs
            for effect in cls.effects(specs) if cls is not None else ():
                is_outside = effect in ("writes-outside", "creates-storage")
                target = (
                    cls.effect_target(specs, effect) if cls and is_outside else None
                )
                touches.setdefault((kind, effect, target), []).append(position)
    listed = [Touch(*touch, positions) for touch, positions in touches.items()]
    return Effects(listed, [*_unknown_kinds(definition).values()])


def _unknown_kinds(definition: Definition) -> Mapping[str, str]:
    """Return the kinds outside the catalogue; old names with the current ones."""
    return {
        kind: f"{kind} (now {OLD_NAMES[kind]})" if kind in OLD_NAMES else kind
        for kind in definition.by_kind
        if kind not in CATALOGUE
    }
