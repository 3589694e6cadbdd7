"""Asking the catalogue about many blocks: equal questions are asked once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, Literal, TypeAlias, cast

from ..blocks import CATALOGUE, OLD_NAMES, CatalogueBlock
from ..definition import Definition

_Question: TypeAlias = Literal["columns", "effects", "price"]
_Ask: TypeAlias = Callable[[Mapping[str, Any]], Any]

_TEXT: Final = frozenset({str})


def unknown_kinds(definition: Definition) -> Sequence[str]:
    """Return the kinds outside the catalogue; old names with the current ones."""
    return [*_unknown_of(tuple(definition.by_kind))]


@lru_cache(maxsize=256)
def _unknown_of(kinds: tuple[str, ...]) -> Sequence[str]:
    return [
        f"{kind} (now {OLD_NAMES[kind]})" if kind in OLD_NAMES else kind
        for kind in kinds
        if kind not in CATALOGUE
    ]


def is_constant(cls: type[CatalogueBlock], about: _Question) -> bool:
    """Whether the answer of a catalogue class is the same for all specs."""
    answer: Any = getattr(cls, about)
    return answer.__func__ is getattr(CatalogueBlock, about).__func__


def _asker(cls: type[CatalogueBlock], about: _Question) -> _Ask:
    """Return the method of a class that answers a question, or a faster equal."""
    method = getattr(cls, about)
    if is_constant(cls, about):
        constant = getattr(cls.about, about)
        return lambda _: constant

    @lru_cache(maxsize=256)
    def ask_of_texts(texts: tuple[tuple[str, str], ...]) -> Any:
        return method(dict(texts))

    def ask(specs: Mapping[str, Any]) -> Any:
        # Text alone, since 1 and True are one key of a dict and two values in JSON.
        if _TEXT.issuperset(map(type, specs.values())):
            return ask_of_texts(tuple(specs.items()))
        return method(specs)

    return ask


# Cast because to mypy a class has the __hash__ of its instances, and is not hashable.
asker: Final = cast("Callable[[type[CatalogueBlock], _Question], _Ask]", cache(_asker))
"""The answer of a catalogue class for some specs; one function for each question."""
