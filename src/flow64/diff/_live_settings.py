"""Live fields that code does not set, and that change what a run costs or does.

The class of a block is asked twice: with the field, and with its default. So there is
no list of such fields, and a default that the service fills in is none of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from attrs import evolve, frozen

from ..analysis import RowKindName, output_rows
from ..blocks import CATALOGUE, CatalogueBlock, facts_of
from ..compiler import call_of
from ..definition import BoundSecret, Definition, FrozenDict, thaw
from ._changes import BlockRef, LiveSetting
from ._prices import estimate

_Specs: TypeAlias = Mapping[str, Any]


@frozen
class _Answers:
    """What a class says of a block with some specs."""

    price: float | None
    effects: tuple[str, ...]
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
            set beside those that it sets.
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
                default = _by_default(cls, specs, name)
                if _Answers.of(cls, specs) != _Answers.of(cls, default):
                    made = [_with(code, at, one) for one in (default, specs)]
                    yield _setting(made, at, name, prices)
                    break


def _by_default(cls: type[CatalogueBlock], specs: _Specs, name: str) -> _Specs:
    """The specs with the documented default of a field, or without the field."""
    default = {key: value for key, value in specs.items() if key != name}
    found = facts_of(cls)[name].value
    if found is not None:
        default[name] = found
    return default


def _setting(
    sides: Sequence[Definition], at: int, name: str, prices: Mapping[str, float]
) -> LiveSetting:
    """A field of a block, from the definitions with its default and as it is live."""
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
        estimate(sides[0], prices),
        estimate(sides[1], prices),
        _call(cls, name, block.specs[name]),
    )


def _with(code: Definition, at: int, specs: _Specs) -> Definition:
    """The code with other specs of one block."""
    blocks = [*code.blocks]
    blocks[at] = blocks[at]._replace(specs=FrozenDict(specs))
    return evolve(code, blocks=tuple(blocks))


def _call(cls: type[CatalogueBlock], name: str, value: Any) -> str:
    """What to write in the code; a secret goes by its name."""
    return call_of(cls.__name__, {name: thaw(value, _named)})


def _named(item: Any) -> Any:
    return item.value if isinstance(item, BoundSecret) else item
