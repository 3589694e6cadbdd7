"""Block classes outside flow64 that code may be written with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from ..dsl import Block


@frozen
class OwnClasses:
    """The block classes of one module of the user's.

    Attributes:
        module: The name that the module is imported by.
        by_kind: Its class for each kind.
    """

    module: str = ""
    by_kind: Mapping[str, type[Block]] = field(factory=dict)

    def __contains__(self, cls: object) -> bool:
        return cls in self.by_kind.values()


NO_CLASSES: Final = OwnClasses()
