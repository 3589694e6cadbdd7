"""Items of lists in words, as the class of their block says them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..blocks import CATALOGUE
from ..definition import Path
from ..dsl import UNSET
from ._lines import Line, Sign, format_path, format_value, shorten_name


def read_item(kind: str | None, path: Path, item: Any) -> tuple[str, Any] | None:
    """Return an item of a list as words and the value that they end with.

    None if the class of the block has no words for it.

    Args:
        kind: The kind of the block.
        path: The place of the list.
        item: The item.
    """
    block = CATALOGUE.get(kind) if isinstance(kind, str) else None
    if block is None or len(path) != 1:
        return None
    found = block.item_words(str(path[0]), item)
    return None if found is None else (shorten_name(found[0]), found[1])


def format_item(words: str, value: Any) -> str:
    """Return an item as one text."""
    return words if value is UNSET else f"{words} {format_value(value)}"


class ValuePart(NamedTuple):
    """A value in words, or one item of a list.

    Attributes:
        words: Its place, or the words that it ends.
        value: The value. `UNSET` if the words are all.
        joint: What stands between the two.
    """

    words: str
    value: Any
    joint: str = " "

    def __str__(self) -> str:
        if self.value is UNSET:
            return self.words
        return f"{self.words}{self.joint}{format_value(self.value)}"


def read_value(kind: str | None, path: Path, value: Any) -> Sequence[ValuePart]:
    """Return a value in words: one part, or one for each item if its items have words.

    Args:
        kind: The kind of the block.
        path: The place of the value.
        value: The value.
    """
    items: Sequence[Any] = value if isinstance(value, list | tuple) else ()
    found = [read_item(kind, path, item) for item in items]
    known = [ValuePart(*words) for words in found if words is not None]
    if known and None not in found:
        return known
    return [ValuePart(format_path(path), value, ": ")]


def describe_value(
    sign: Sign, kind: str | None, path: Path, value: Any, depth: int = 0
) -> Iterator[Line]:
    """Yield the lines for a value that is new or gone."""
    for part in read_value(kind, path, value):
        yield Line(sign, str(part), depth=depth)
