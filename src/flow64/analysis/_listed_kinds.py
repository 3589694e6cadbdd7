"""Facts about new kinds, from what the service's own list of blocks says of them.

The documents name two keys of an entry, `block_name` and `specs_schema`. The names of
all others are guesses. If they are not there, nothing is learned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import new_class
from typing import Any, Final, cast

from attrs import evolve, frozen

from ..blocks import (
    BUILT_IN,
    CATALOGUE,
    UNKNOWN_COLUMNS,
    About,
    CatalogueBlock,
    Effect,
    Price,
    Role,
    UncheckedBlock,
    set_listed_price,
)
from ..definition import is_number
from ..dsl import Flow
from ..text import format_dollars
from ._live import LiveBlock, LiveCatalogue

_TAKES: Final = ("takes", "input_type", "input_dataframe_type")
_GIVES: Final = ("gives", "output_type", "output_dataframe_type")
_PRICES: Final = ("price", "price_per_row", "cost_per_row")
_CATEGORY: Final = "category"
USED: Final = frozenset({*_TAKES, *_GIVES, *_PRICES, _CATEGORY})
"""The keys of an entry that facts are made of."""

_ROLES: Final[Mapping[str, Role]] = {
    "input": "source",
    "integrations": "source",
    "output": "sink",
}
"""Roles of the categories whose kinds all have one."""


def learn_kinds(live: LiveCatalogue) -> None:
    """Let new kinds join the catalogue, and prices of known ones count.

    A new kind joins if its entry says more than a schema. A known kind that has another
    price for each setting keeps them: one number cannot say for which it is.
    """
    for block in live.blocks.values():
        known = BUILT_IN.get(block.kind)
        if known is not None and "price" not in vars(known):
            price = _other_price(block, live.name, known.about.price)
            set_listed_price(block.kind, price)
        elif block.kind not in CATALOGUE and not USED.isdisjoint(block.extra):
            _make_class(block, live.name)


def describe_entry(block: LiveBlock, source: str) -> About:
    """Return the facts about a new kind that an entry says."""
    takes, gives = _row_kind(block, _TAKES), _row_kind(block, _GIVES)
    price = _price(block, source)
    category = block.extra.get(_CATEGORY)
    role = _ROLES.get(category.casefold()) if isinstance(category, str) else None
    is_known = takes is not None and gives is not None
    effects: tuple[Effect, ...] = ("may-spend",) if price is None else ("spends",)
    return About(
        role=role or ("source" if takes == "none" else "step"),
        takes=cast("Any", takes or "any"),
        gives=cast("Any", gives or "unknown"),
        rows="D1" if is_known else "U",
        confidence="D",
        source=source,
        effects=effects,
        price=price,
        columns=UNKNOWN_COLUMNS,
    )


def _make_class(block: LiveBlock, source: str) -> type[CatalogueBlock]:
    """Make a class that says what an entry says. It is used as a `RawBlock`."""
    about = describe_entry(block, source)
    name = "".join(word.title() for word in block.kind.split("_"))
    members = {"kind": block.kind, "about": about, "__module__": __name__}
    made = new_class(
        name if name.isidentifier() else "Listed",
        (Flow[Any, Any], UncheckedBlock),
        exec_body=lambda namespace: namespace.update(members),
    )
    return frozen(eq=False, repr=False, kw_only=True, slots=False)(made)


def _row_kind(block: LiveBlock, names: tuple[str, ...]) -> str | None:
    """Return `LEAD`, `COMPANY`, `any`, `same` or `none`, if a key says one of them."""
    for name in names:
        word = block.extra.get(name)
        if isinstance(word, str) and word.upper() in ("LEAD", "COMPANY"):
            return word.upper()
        if isinstance(word, str) and word.lower() in ("any", "same", "none"):
            return word.lower()
    return None


def _other_price(block: LiveBlock, source: str, ours: Price | None) -> Price | None:
    """Return the price of a known kind, if it differs from ours."""
    price = _price(block, source)
    if price is None or ours is None:
        return price
    if price.dollars == ours.dollars:
        return None
    other = f"in place of {format_dollars(ours.dollars)}"
    return evolve(price, source=f"{price.source}, {other}")


def _price(block: LiveBlock, source: str) -> Price | None:
    """Return the price of a row, if a key says a plain number.

    That the key means dollars for a row is inferred from its name. A price of 0 is not
    used: it may also mean that the kind is not priced by rows.
    """
    for name in _PRICES:
        found = block.extra.get(name)
        if is_number(found):
            if not math.isfinite(found) or found <= 0:
                return None
            return Price(float(found), "I", f"{name} of {source}")
    return None
