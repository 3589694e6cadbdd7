"""The most that a run may cost, by documented prices, and what it changes outside.

`cost` is the one function that counts: check, plan, review, the estimate of a run and
its limits all show what it returns. It is an estimate and never a quote.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from math import isfinite
from typing import Any, Final, NamedTuple

from attrs import frozen

from ..blocks import CATALOGUE, EFFECT_WORDS, OLD_NAMES, CatalogueBlock, Effect
from ..definition import EMPTY, Definition, Hidden, Value, is_number
from ..errors import BuildError
from ..text import format_dollars, shortened
from .rule import once

ROWS: Final = 1000
"""Input rows that a cost is for, unless another number is given."""

A_RUN: Final = "a run"
"""The unit of a cost that no number of input rows changes."""

SPENDING: Final = frozenset({"spends", "may-spend"})
_LATER: Final = (Value, Hidden)


class Charge(NamedTuple):
    """The rows that blocks of one kind and price may charge for.

    Attributes:
        kind: The kind of the blocks.
        dollars: Dollars for a row that reaches one, or None if no source states it.
        rows: Rows that reach all of them together, at most. None if that is unknown,
            because a block before them makes rows of its own.
        positions: Positions of the blocks in the definition.
        depends: The fields that decide the price, if an environment fills them in.
    """

    kind: str
    dollars: float | None
    rows: int | None
    positions: Sequence[int]
    depends: Sequence[str] = ()


@frozen
class Cost:
    """The most that a run may cost, by documented prices.

    Attributes:
        charges: The blocks that spend or may spend, in order of the kinds.
        unknown: Kinds for which it is not known whether they spend.
        unit: What the cost is for: `a run`, if its sources bound the rows, or
            `per 1,000 rows` of input.
        unconfirmed: The kinds with an unconfirmed price, each with the source.
    """

    charges: Sequence[Charge]
    unknown: Sequence[str]
    unit: str
    unconfirmed: Mapping[str, str] = EMPTY

    @property
    def dollars(self) -> float:
        """Dollars for the input rows: those of blocks with a documented price.

        An upper bound for these blocks, before filters. Blocks that any number of rows
        may reach are left out. The largest float stands for all that is larger.
        """
        # As prices are written: no cent is lost to binary fractions.
        total = sum(
            charge.rows * Decimal(repr(charge.dollars))
            for charge in self.charges
            if charge.dollars is not None and charge.rows is not None
        )
        return min(float(total), sys.float_info.max)

    @property
    def is_whole(self) -> bool:
        """Whether `dollars` leaves out no block that charges or may charge."""
        ends = [end for charge in self.charges for end in (charge.dollars, charge.rows)]
        return None not in ends and not self.unknown

    def list_omissions(self, definition: Definition) -> Iterator[str]:
        """Yield the blocks that `dollars` leaves out, each with the reason.

        Args:
            definition: The workflow that the cost is of.
        """
        for kind, dollars, rows, positions, depends in self.charges:
            if depends:
                reason = f"the price depends on {', '.join(depends)}"
            elif dollars is None:
                reason = "no price is documented"
            elif rows is None:
                price = f"{format_dollars(dollars)} a row"
                reason = f"{price}, and how many rows reach it is not known"
            else:
                continue
            paths = [definition.origins[at].path for at in positions]
            yield f"{', '.join(path or kind for path in paths)}: {reason}"
        for kind in self.unknown:
            yield f"{kind}: it is not known whether it charges"

    def describe_unconfirmed_prices(self) -> str:
        """Return the kinds with an unconfirmed price, with their sources, in words."""
        items = self.unconfirmed.items()
        return ", ".join(f"{kind} ({source})" for kind, source in items)

    def as_data(self) -> dict[str, Any]:
        """Return the cost as plain JSON data.

        `dollars` is null if blocks may charge, but no sum is known. Zero means that
        nothing may charge.
        """
        priced = [each for each in self.charges if each.dollars is not None]
        unbounded = {(each.kind, each.dollars) for each in priced if each.rows is None}
        unpriced = {each.kind for each in self.charges if each.dollars is None}
        unpriced.update(self.unknown)
        is_counted = any(each.rows is not None for each in priced)
        is_nothing = not self.charges and not self.unknown
        return {
            "dollars": self.dollars if is_counted or is_nothing else None,
            "unpriced": sorted(unpriced),
            "open": [
                {"kind": kind, "dollars": each} for kind, each in sorted(unbounded)
            ],
            "unconfirmed": {**self.unconfirmed},
            "unit": self.unit,
        }

    def __str__(self) -> str:
        most = "at most " if self.is_whole else ""
        depends = {c.kind: ", ".join(c.depends) for c in self.charges if c.depends}
        names = {kind: f"{kind} (depends on {depends[kind]})" for kind in depends}
        text = describe_cost(self.as_data(), lambda kind: names.get(kind, kind))
        return f"{self.unit.removeprefix('per ')}: {most}{text}"


def describe_cost(cost: Mapping[str, Any], name: Callable[[str], str]) -> str:
    """Return a cost, as `Cost.as_data` gives it, in words.

    Args:
        name: Writes a kind.
    """
    parts = [] if cost["dollars"] is None else [format_dollars(cost["dollars"])]
    parts += [
        f"{name(price['kind'])} {format_dollars(price['dollars'])} a row for an "
        "unknown number of rows"
        for price in cost["open"]
    ]
    if cost["unpriced"]:
        parts.append(f"unknown for {', '.join(map(name, cost['unpriced']))}")
    note = ", ".join(map(name, cost["unconfirmed"]))
    return (" + ".join(parts) or "unknown") + f" (unconfirmed: {note})" * bool(note)


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

    Raises:
        BuildError: A price is not a number of dollars.
    """
    for kind, price in prices.items():
        if not (is_number(price) and isfinite(price) and price >= 0):
            message = f"the price of {shortened(kind)} is {shortened(price)}"
            raise BuildError(message, hint="write dollars for one row, such as 0.05")
    reach = _count_reaching(definition, rows, of_payload=of_payload)
    groups: dict[tuple[str, float | None, tuple[str, ...], bool], list[int]] = {}
    unconfirmed: dict[str, str] = {}
    for kind, positions in definition.by_kind.items():
        cls, dollars = CATALOGUE.get(kind), prices.get(kind)
        may_spend = cls is not None and not SPENDING.isdisjoint(cls.about.effects)
        for position in positions if may_spend or kind in prices else ():
            depends: tuple[str, ...] = ()
            if cls is not None and kind not in prices:
                specs = definition.blocks[position].specs
                row = cls.price(specs)
                dollars = None if row is None else row.dollars
                if row is None:
                    depends = _open_fields(cls, specs)
                elif row.confidence == "I":
                    unconfirmed[kind] = row.source
            group = (kind, dollars, depends, reach[position] is None)
            groups.setdefault(group, []).append(position)
    charges = [
        Charge(kind, dollars, _add_counts([reach[at] for at in at_all]), at_all, fields)
        for (kind, dollars, fields, _), at_all in groups.items()
    ]
    names = _unknown_kinds(definition)
    unknown = [name for kind, name in names.items() if kind not in prices]
    takers = [c for c in map(CATALOGUE.get, definition.by_kind) if c and c.about.brings]
    is_bounded = not takers and count_start_rows(definition, 0) is not None
    unit = A_RUN if is_bounded else f"per {rows:,} rows"
    return Cost(charges, unknown, unit, unconfirmed)


def _open_fields(
    cls: type[CatalogueBlock], specs: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return the fields that decide the price of a block and are filled in later."""
    names = tuple(name for name, value in specs.items() if isinstance(value, _LATER))
    # Without them, the class has a price.
    others = {name: value for name, value in specs.items() if name not in names}
    return names if names and cls.price(others) is not None else ()


def count_start_rows(definition: Definition, payload: int) -> int | None:
    """Return the most rows that a run starts with; None if that is unknown.

    A start without rows runs the sample rows of its webhook, and nothing says how many
    those are.

    Args:
        definition: What is run.
        payload: Rows in the payload.
    """
    limits: list[int | None] = []
    takes_payload = False
    for at in definition.topology.roots:
        block = definition.blocks[at]
        cls = CATALOGUE.get(block.kind)
        if cls is not None and cls.about.brings == "payload":
            takes_payload = True
        else:
            limits.append(None if cls is None else cls.most_rows(block.specs))
    return _add_counts([*limits, payload or None] if takes_payload else limits)


def _count_reaching(
    definition: Definition, rows: int, *, of_payload: bool
) -> Sequence[int | None]:
    """Return how many rows reach each block at most.

    Every block is taken to pass every row. Where branches meet, their rows add up, so
    layers that are joined whole multiply them: the counts are exact, however large.
    """
    blocks, parents = definition.blocks, definition.topology.parents
    reach: list[int | None] = [None] * len(blocks)
    leave: list[int | None] = [None] * len(blocks)  # None as well: later, on a cycle
    # Without a payload, the sample rows of a block are run.
    brought = {
        "payload": None if of_payload and not rows else rows,
        "stored": None if of_payload else rows,
    }
    for position in definition.topology.order:
        block, above = blocks[position], parents[position]
        cls = CATALOGUE.get(block.kind)
        incoming = _add_counts([leave[at] for at in above]) if above else 0
        if cls is None:
            leave[position] = None
        elif cls.about.brings is not None:
            leave[position] = _add_counts([incoming, brought[cls.about.brings]])
        elif cls.about.may_make_rows:
            leave[position] = cls.most_rows(block.specs)
        else:
            leave[position] = incoming if above else rows
        reach[position] = incoming if above else leave[position]
    return reach


def _add_counts(counts: Sequence[int | None]) -> int | None:
    """Return the sum of some counts; None if one of them is unknown."""
    numbers = [count for count in counts if count is not None]
    return sum(numbers) if len(numbers) == len(counts) else None


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

    def __str__(self) -> str:
        lists = {words: list[str]() for words in EFFECT_WORDS.values()}
        for touch in self.touches:
            # A place to keep rows is named with all that a run leaves outside.
            is_place = touch.effect == "creates-storage"
            words = EFFECT_WORDS["writes-outside" if is_place else touch.effect]
            lists[words].append(str(touch))
        lists["unknown"] = [*self.unknown]
        return "; ".join(f"{w}: {', '.join(n)}" for w, n in lists.items() if n)


@once
def effects(definition: Definition) -> Effects:
    """Return what a workflow spends and touches, as far as its blocks are known."""
    touches: dict[tuple[str, Effect, str | None], list[int]] = {}
    for kind, positions in definition.by_kind.items():
        if (cls := CATALOGUE.get(kind)) is None:
            continue
        for position in positions:
            specs = definition.blocks[position].specs
            for effect in cls.effects(specs):
                is_outside = effect in ("writes-outside", "creates-storage")
                target = cls.effect_target(specs, effect) if is_outside else None
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
