"""Loading a module of block classes. It is audited first, so it cannot do harm."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from ..compiler import OwnClasses
from ..dsl import Block
from ..errors import ReadError, UnsafeCodeError
from ._audit import audit


def load_classes(file: Path) -> OwnClasses:
    """Return the classes of a module that `write_blocks` wrote.

    Raises:
        ReadError: Something else is in it.
        OSError: It cannot be read.
    """
    text = file.read_bytes().decode("utf-8", "replace")
    try:
        audit(text)
    except UnsafeCodeError as error:
        where = "" if error.line is None else f" in line {error.line}"
        problem = f"it is not as flow64 blocks generate writes it: {error.problem}"
        advice = f"run flow64 blocks generate -o {file}"
        raise ReadError(f"{problem}{where}; {advice}", str(file)) from None
    module = ModuleType(f"{_PREFIX}{file.stem}")
    # Where types and decorators look for it.
    sys.modules[module.__name__] = module
    try:
        exec(compile(text, str(file), "exec"), vars(module))  # noqa: S102 - see above
    finally:
        del sys.modules[module.__name__]
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type)
        and issubclass(item, Block)
        and item.__module__ == module.__name__
    ]
    return OwnClasses(file.stem, {cls.kind: cls for cls in classes})


_PREFIX: Final = "flow64_classes_of_"
