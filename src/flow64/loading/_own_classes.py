"""Loading a module of block classes that `flow64 blocks generate` wrote."""

from __future__ import annotations

from pathlib import Path

from ..compiler import OwnClasses
from ..dsl import Block
from ._importing import import_scope


def load_classes(file: Path) -> OwnClasses:
    """Import a module, and return its block classes."""
    with import_scope(file.resolve().parent) as scope:
        module = scope.import_file(file)
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, Block)
        and item.__module__ == module.__name__
    ]
    return OwnClasses(file.stem, {cls.kind: cls for cls in classes})
