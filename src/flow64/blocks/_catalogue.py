"""The catalogue: every kind with a class, by the name that the service gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Final

from . import (
    _ai,
    _data,
    _discovery,
    _enrichment,
    _integrations,
    _output,
    _sources,
)
from ._facts import CatalogueBlock
from ._registry import KINDS, fill


def _blocks_in(module: ModuleType) -> Iterator[type[CatalogueBlock]]:
    """Yield the blocks that a module defines, in reading order."""
    for item in vars(module).values():
        is_class = isinstance(item, type) and issubclass(item, CatalogueBlock)
        if is_class and item.kind and item.__module__ == module.__name__:
            yield item


fill(
    {
        block.kind: block
        for module in (
            *(_sources, _enrichment, _discovery, _ai),
            *(_data, _output, _integrations),
        )
        for block in _blocks_in(module)
    }
)

CATALOGUE: Final[Mapping[str, type[CatalogueBlock]]] = KINDS
"""The class of each kind: the built-in ones, then those of your own."""
