"""Asking the catalogue about many blocks: equal questions are asked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

from ..blocks import CATALOGUE, OLD_NAMES, CatalogueBlock
from ..definition import Definition

_TEXT: Final = frozenset({str})


def unknown_kinds(definition: Definition) -> Sequence[str]:
    """The kinds that the catalogue does not know, old names with the current ones."""
    return [
        f"{kind} (now {OLD_NAMES[kind]})" if kind in OLD_NAMES else kind
        for kind in definition.by_kind
        if kind not in CATALOGUE
    ]


def asker(
    cls: type[CatalogueBlock], about: Literal["columns", "effects", "price"]
) -> Callable[[Mapping[str, Any]], Any]:
    """What a catalogue class answers for some specs: its method, or a faster equal."""
    method = getattr(cls, about)
    if method.__func__ is getattr(CatalogueBlock, about).__func__:
        constant = getattr(cls.about, about)
        return lambda _: constant
    known: dict[Any, Any] = {}

    def ask(specs: Mapping[str, Any]) -> Any:
        # Text alone, since 1 and True are one key of a dict and two values in JSON.
        if not _TEXT.issuperset(map(type, specs.values())):
            return method(specs)
        question = tuple(specs.items())
        if question not in known:
            known[question] = method(specs)
        return known[question]

    return ask
