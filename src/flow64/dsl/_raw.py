"""RawBlock: a block of a kind that the catalogue does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from ..definition import EMPTY, is_plain
from ..errors import ArgumentError
from ..text import shortened
from ._block import Block
from ._flow import Flow


@frozen(eq=False, slots=False)
class RawBlock(Flow[Any, Any], Block):
    """A block of a kind that the catalogue does not know, or should not judge.

    Args:
        block_name: The service's name for the block; picks the executor (documented).
        specs: Its settings, sent as they are.

    Raises:
        ArgumentError: The kind is not text, or is empty.
    """

    block_name: str  # pyright: ignore[reportIncompatibleMethodOverride] - as data here
    specs: Mapping[str, Any] = field(default=EMPTY, kw_only=True)

    def __attrs_post_init__(self) -> None:
        name = self.block_name
        # Not left to the compiler, since every block of a definition has a kind.
        if type(name) is not str or not name or not is_plain(name):
            problem = f"block_name is {shortened(name)}"
            raise ArgumentError("RawBlock", f'{problem}; write RawBlock("new_kind")')
