"""Live fields that code does not set, and that change what a run costs or does.

The class of a block is asked twice: with the field, and with its default. So there is
no list of such fields, and a default that the service fills in is none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import frozen

from ..analysis import Estimate, RowKindName, estimate_cost, output_rows
from ..blocks import CATALOGUE, EFFECT_WORDS, CatalogueBlock, Effect, facts_of
from ..compiler import call_of
from ..definition import BoundSecret, Definition, FrozenDict, Path, WireBlock, thaw
from ..redaction import clean_text
from ..text import format_dollars
from ._changes import BlockRef
from ._costs import COST, find_cost_difference, format_cost_change
from ._lines import ARROW, format_value

_Specs: TypeAlias = Mapping[str, Any]


@frozen
class LiveSetting:
    """A live field that code does not set, and that changes what a run costs or does.

    Attributes:
        block: The block that it is set in.
        path: The field.
        value: The live value.
        default: The service's value if the field is not set, in words. None if that is
            not documented.
        price: Dollars a row with the default, and as it is live. None if one is
            unknown. Empty if they are the same.
        rows: The row kind likewise.
        appeared: Effects that only the live value has.
        vanished: Effects that only the default has.
        before: The cost of 1,000 input rows with the default.
        after: Their cost as it is live.
        code: The code that keeps it.
    """

    block: BlockRef
    path: Path
    value: Any
    default: str | None
    price: tuple[float | None, ...]
    rows: tuple[str | None, ...]
    appeared: tuple[Effect, ...]
    vanished: tuple[Effect, ...]
    before: Estimate
    after: Estimate
    code: str

    @property
    def dollars(self) -> float | None:
        """Dollars more for 1,000 input rows; None if they are unknown."""
        return find_cost_difference(self.before, self.after)

    def describe(self) -> Iterator[str]:
        """Return the setting as lines of text."""
        return map(clean_text, self._lines())

    def _lines(self) -> Iterator[str]:
        default = self.default or "not documented"
        field = ".".join(map(str, self.path))
        yield f"{self.block}.{field} is {format_value(self.value)}; default: {default}"
        if self.price:
            old, new = map(_format_price, self.price)
            yield f"    price of a row: {old} {ARROW} {new}"
        if self.before != self.after:
            yield f"    {COST}: {format_cost_change(self.before, self.after)}"
        if self.rows:
            old, new = (kind or "unknown" for kind in self.rows)
            yield f"    rows: {old} {ARROW} {new}"
        for sign, effects in (("+", self.appeared), ("-", self.vanished)):
            yield from (f"    {sign} effect: {EFFECT_WORDS[one]}" for one in effects)
        yield f"    to keep it, write: {self.code}"


def _format_price(dollars: float | None) -> str:
    return "unknown" if dollars is None else format_dollars(dollars)


@frozen
class _Answers:
    """The price, effects and rows of a block with some specs."""

    price: float | None
    effects: tuple[Effect, ...]
    rows: RowKindName

    @classmethod
    def of(cls, block: type[CatalogueBlock], specs: _Specs) -> _Answers:
        price = block.price(specs)
        dollars = None if price is None else price.dollars
        effects = tuple(sorted(block.effects(specs)))
        return cls(dollars, effects, output_rows(block.kind, specs))


def find_settings(
    code: Definition, live: Definition, prices: Mapping[str, float]
) -> Iterator[LiveSetting]:
    """Return the live fields that change what a run costs or does.

    These are fields that code does not set.

    Args:
        code: What the code says.
        live: The same blocks in the same order, with the live fields that code does not
            set added to the fields that it sets.
        prices: Dollars a row by kind, in place of those that are documented.
    """
    for at, (ours, block) in enumerate(zip(code.blocks, live.blocks, strict=True)):
        cls = CATALOGUE.get(block.kind)
        if cls is None:
            continue
        names = facts_of(cls).keys() & block.specs.keys()
        for name in sorted(names - ours.specs.keys()):
            # Beside all other live fields and alone: two may do the same, or only both.
            for specs in (block.specs, {**ours.specs, name: block.specs[name]}):
                default = _with_default(cls, specs, name)
                if _Answers.of(cls, specs) != _Answers.of(cls, default):
                    made = [_replace_specs(code, ours, one) for one in (default, specs)]
                    yield _make_setting(made, at, name, prices)
                    break


def _with_default(cls: type[CatalogueBlock], specs: _Specs, name: str) -> _Specs:
    """Return specs with the documented default of a field, or without the field."""
    default = {key: value for key, value in specs.items() if key != name}
    found = facts_of(cls)[name].value
    if found is not None:
        default[name] = found
    return default


def _make_setting(
    sides: Sequence[Definition], at: int, name: str, prices: Mapping[str, float]
) -> LiveSetting:
    """Compare the definitions with the default of a field and with its live value."""
    block = sides[1].blocks[at]
    cls = CATALOGUE[block.kind]
    old, new = (_Answers.of(cls, side.blocks[at].specs) for side in sides)
    return LiveSetting(
        BlockRef(block.id, block.kind, sides[1].origins.path(at)),
        (name,),
        block.specs[name],
        facts_of(cls)[name].default,
        () if old.price == new.price else (old.price, new.price),
        () if old.rows == new.rows else (old.rows, new.rows),
        tuple(one for one in new.effects if one not in old.effects),
        tuple(one for one in old.effects if one not in new.effects),
        estimate_cost(sides[0], prices),
        estimate_cost(sides[1], prices),
        call_of(cls.__name__, {name: thaw(block.specs[name], _replace_secret)}),
    )


def _replace_specs(code: Definition, block: WireBlock, specs: _Specs) -> Definition:
    """Return the code with other specs of one block."""
    made = FrozenDict(specs)
    return code.map_specs(lambda at: made if at is block else at.specs)


def _replace_secret(item: Any) -> Any:
    """Return the name of a secret. Other values stay."""
    return item.value if isinstance(item, BoundSecret) else item
