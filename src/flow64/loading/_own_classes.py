"""Loading a module of block classes that `flow64 blocks generate` wrote."""

from __future__ import annotations

from pathlib import Path

from ..compiler import OwnClasses
from ..dsl import Block
from ..errors import ReadError, UnsafeCodeError
from ..generation import audit
from ._importing import import_scope


def load_classes(file: Path) -> OwnClasses:
    """Return the classes of a module, which is audited before it is imported.

    Raises:
        ReadError: It is not as `flow64 blocks generate` writes it.
        OSError: It cannot be read.
    """
    try:
        audit(file.read_bytes().decode("utf-8", "replace"))
    except UnsafeCodeError as error:
        where = "" if error.line is None else f" in line {error.line}"
        problem = f"it is not as flow64 blocks generate writes it: {error.problem}"
        advice = f"run flow64 blocks generate -o {file}"
        raise ReadError(f"{problem}{where}; {advice}", str(file)) from None
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
