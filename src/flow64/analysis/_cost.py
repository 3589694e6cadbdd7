"""What a run may cost, where prices are documented; an estimate and never a quote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import frozen

from ..blocks import CATALOGUE
from ..definition import Definition
from ._asking import asker, unknown_kinds

ROWS: Final = 1000
"""Input rows that a cost is told for."""


class Charge(NamedTuple):
    """What blocks of one kind and price may charge for.

    Attributes:
        kind: The kind of the blocks.
        dollars: Dollars for a row that reaches one, or None where no source states it.
        is_open: Whether how many rows reach them is unknown, since a block before them
            makes rows of its own.
        positions: Positions of the blocks in the definition.
    """

    kind: str
    dollars: float | None
    is_open: bool
    positions: Sequence[int]


@frozen
class Cost:
    """What a run may cost, by the prices that are documented.

    Attributes:
        charges: The blocks that spend or may spend, in order of the kinds.
        unknown: Kinds of which nobody knows whether they spend.
        meets: Whether a block that charges stands behind a place where branches meet;
            how rows merge there is unknown, and each is counted once.
    """

    charges: Sequence[Charge]
    unknown: Sequence[str]
    meets: bool

    @property
    def dollars(self) -> float:
        """Dollars for 1,000 input rows: those of blocks with a documented price.

        An upper bound for these blocks, before filters; blocks that any number of rows
        may reach are left out.
        """
        return sum(_counted(self._told()).values())

    @property
    def is_open(self) -> bool:
        """Whether a block charges for rows whose number is known only after the run."""
        return any(charge.is_open for charge in self.charges)

    @property
    def is_whole(self) -> bool:
        """Whether `dollars` leaves out no block that charges or may charge."""
        is_priced = all(charge.dollars is not None for charge in self.charges)
        return is_priced and not self.is_open and not self.unknown

    def __str__(self) -> str:
        return _words(self._told(), tuple(self.unknown), meets=self.meets)

    def _told(self) -> tuple[_Told, ...]:
        return tuple([(*charge[:3], len(charge.positions)) for charge in self.charges])


_Told: TypeAlias = tuple[str, float | None, bool, int]
"""What is told of a charge: kind, dollars, whether it is open, how many blocks."""


def _counted(told: Sequence[_Told]) -> dict[str, float]:
    """Dollars for 1,000 input rows by kind, of those whose rows can be counted."""
    counted: dict[str, float] = {}
    for kind, dollars, is_open, count in told:
        if dollars is not None and not is_open:
            # Of the price of 1,000 rows, no cent is lost to binary fractions.
            thousand = round(ROWS * dollars, 2) * count
            counted[kind] = counted.get(kind, 0.0) + thousand
    return counted


@lru_cache(maxsize=256)
def _words(told: Sequence[_Told], unknown: Sequence[str], *, meets: bool) -> str:
    """A cost in words; made once for the many workflows of a fleet."""
    parts = []
    counted = _counted(told)
    if counted:
        kinds = ", ".join(f"{kind} ${sum_:,.2f}" for kind, sum_ in counted.items())
        total = f"${sum(counted.values()):,.2f}"
        parts.append(f"{ROWS:,} input rows may cost up to {total} ({kinds})")
    each = [
        f"{kind} ${dollars:.2f} a row"
        for kind, dollars, is_open, _ in told
        if dollars is not None and is_open
    ]
    if each:
        parts.append(f"how many rows reach these is open: {', '.join(each)}")
    unpriced = [kind for kind, dollars, _, _ in told if dollars is None]
    if unpriced or unknown:
        kinds = ", ".join(dict.fromkeys([*unpriced, *unknown]))
        parts.append(f"not counted, since no price is documented: {kinds}")
    if meets:
        parts.append("where branches meet, each row is counted once")
    parts.append("by documented prices, before filters: an estimate and no quote")
    return "; ".join(parts)


def cost(definition: Definition) -> Cost:
    """What a run may cost for 1,000 input rows, by the prices that are documented."""
    blocks = definition.blocks
    found: dict[tuple[str, float | None, bool], list[int]] = {}
    is_open, meets = reached(definition)
    by_kind = definition.by_kind
    for kind, ask in _spending(tuple(by_kind)):
        for position in by_kind[kind]:
            price = ask(blocks[position].specs)
            dollars = None if price is None else price.dollars
            key = (kind, dollars, bool(is_open[position]))
            found.setdefault(key, []).append(position)
    charges = [Charge(*what, where) for what, where in found.items()]
    has_met = any(meets) and any(meets[at] for c in charges for at in c.positions)
    return Cost(charges, unknown_kinds(definition), has_met)


SPENDING: Final = frozenset({"spends", "may-spend"})

# Whose rows are those that a run is started with.
_GIVEN: Final = frozenset({"webhook", "read_csv", "read_notebook"})


@lru_cache(maxsize=256)
def _spending(kinds: tuple[str, ...]) -> Sequence[tuple[str, Callable[..., Any]]]:
    """Of some kinds those known to cost credits, or that may, with their prices."""
    return [
        (kind, asker(CATALOGUE[kind], "price"))
        for kind in kinds
        if kind in CATALOGUE and not SPENDING.isdisjoint(CATALOGUE[kind].about.effects)
    ]


@lru_cache(maxsize=256)
def _making_rows(kinds: tuple[str, ...]) -> frozenset[str]:
    """Of some kinds those of which as many rows come out as they find."""
    return frozenset(filter(_makes_rows, kinds))


def _makes_rows(kind: str) -> bool:
    """Whether as many rows come out as a block finds, however many went in."""
    if kind in _GIVEN:
        return False
    block = CATALOGUE.get(kind)
    return block is None or block.about.role in ("source", "converter")


def reached(definition: Definition) -> tuple[bytearray, bytearray]:
    """Where the number of rows is open, and where branches have met before."""
    topology = definition.topology
    count = len(definition.blocks)
    is_open, meets = bytearray(count), bytearray(count)
    made = _making_rows(tuple(definition.by_kind))
    joined = len(topology.sources) > len(set(topology.targets))
    if not made and not joined:
        return is_open, meets
    parents = topology.parents
    blocks = definition.blocks
    for position in topology.order:
        above = parents[position]
        meets[position] = len(above) > 1 or any(meets[parent] for parent in above)
        is_open[position] = any(
            is_open[parent] or blocks[parent].kind in made for parent in above
        ) or (not above and blocks[position].kind in made)
    return is_open, meets
