"""The changes between two definitions: one small frozen class for each sort of change.

Each knows its own words: `describe()` returns its lines, and `topic` is their section.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias

from attrs import field, frozen

from ..definition import Path, WireBlock
from ..dsl import UNSET
from ._items import describe_value, format_item, read_item
from ._lines import (
    ARROW,
    EDGES,
    THE_BLOCK,
    Line,
    compare_texts,
    compare_values,
    format_path,
    format_value,
    join_names,
    shorten_name,
)
from ._redaction import Hidden

Topic: TypeAlias = tuple[str, str | None]
"""A section of changes: its title, and the id of the block if it is about one."""


@frozen
class BlockRef:
    """A block as people call it.

    Attributes:
        id: Its id in the definition that it is part of.
        kind: Its kind. None if an edge leads to a block that does not exist.
        path: Its key path, if one of the two definitions knows it.
    """

    id: str
    kind: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"{self.kind} ({self.id[:8]})" if self.kind is not None else self.id

    @property
    def topic(self) -> Topic:
        """The section for changes of this block."""
        return f"block {shorten_name(self)}", self.id


class EdgeRef(NamedTuple):
    """An edge between two blocks, by the ids that they have after the change.

    A named tuple, as `Edge` is, since there may be many of them.

    Attributes:
        source: The block that gives rows.
        target: The block that takes them.
        condition: The reserved condition of the edge.
    """

    source: BlockRef
    target: BlockRef
    condition: str | None = None

    def __str__(self) -> str:
        ends = f"{shorten_name(self.source)} >> {shorten_name(self.target)}"
        more = "" if self.condition is None else f" if {shorten_name(self.condition)}"
        return ends + more


# -- The workflow and its blocks -------------------------------------------------------

_WORKFLOW: Final[Topic] = ("", None)
_EDGES: Final[Topic] = (EDGES, None)


class _OfBlock:
    """A change of one block."""

    __slots__ = ()
    block: BlockRef

    @property
    def topic(self) -> Topic:
        """The section that its lines belong to."""
        return self.block.topic


@frozen
class TitleChanged:
    """The workflow has another title."""

    topic: ClassVar[Topic] = _WORKFLOW

    before: str | Hidden
    after: str | Hidden

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield compare_values("~", "title", self.before, self.after)


@frozen
class DescriptionChanged:
    """The workflow has another description. The stamp is not part of it."""

    topic: ClassVar[Topic] = _WORKFLOW

    before: str | Hidden
    after: str | Hidden

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield compare_values("~", "description", self.before, self.after)


@frozen
class BlockAdded(_OfBlock):
    """A new block; `wire` is the block as it is sent."""

    block: BlockRef
    wire: WireBlock

    def describe(self) -> Iterator[Line]:
        """Return the change in words, with all fields of the block."""
        yield Line("+", f"{THE_BLOCK}is new{_of_kind(self.block)}")
        for name, value in self.wire.specs.items():
            yield from describe_value("+", self.wire.kind, (name,), value, depth=1)


@frozen
class BlockRemoved(_OfBlock):
    """A block that is gone; `wire` is the block as it was."""

    block: BlockRef
    wire: WireBlock

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield Line("-", f"{THE_BLOCK}is gone{_of_kind(self.block)}")


def _of_kind(block: BlockRef) -> str:
    """Return the kind of a block, if its name does not say it."""
    if block.path is None or block.path.rpartition("/")[2] == block.kind:
        return ""
    return f", of kind {shorten_name(block.kind)}"


@frozen
class BlockRenamed(_OfBlock):
    """A block that is the same by key or content, under another id.

    Attributes:
        block: Its name now, with its new id.
        before: Its name before, with its old id.
    """

    block: BlockRef
    before: BlockRef

    @property
    def has_new_name(self) -> bool:
        """Whether its key path is another one too."""
        paths = (self.before.path, self.block.path)
        return None not in paths and paths[0] != paths[1]

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        old = shorten_name(self.before)
        yield Line("~", f"was {old}, with another id (was= keeps it)")


@frozen
class KindChanged(_OfBlock):
    """The block with this id is of another kind."""

    block: BlockRef
    before: str
    after: str

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield compare_values("~", "kind", self.before, self.after)


@frozen
class BlockMoved(_OfBlock):
    """A block stands at another place of the flow.

    Attributes:
        block: Its name.
        before: The blocks that fed it.
        after: The blocks that feed it now.
        removed: Edges of the block that are gone.
        added: Edges of the block that are new.
    """

    block: BlockRef
    before: tuple[BlockRef, ...]
    after: tuple[BlockRef, ...]
    removed: tuple[EdgeRef, ...]
    added: tuple[EdgeRef, ...]

    def describe(self) -> Iterator[Line]:
        """Return the change in words, with the edges that come and go."""
        yield Line(">", "place", _format_place(self.before), _format_place(self.after))
        yield from (Line("-", f"edge {edge}", depth=1) for edge in self.removed)
        yield from (Line("+", f"edge {edge}", depth=1) for edge in self.added)


def _format_place(feeding: Sequence[BlockRef]) -> str:
    return f"after {join_names(feeding)}" if feeding else "first"


@frozen
class EdgeAdded:
    """A new edge."""

    topic: ClassVar[Topic] = _EDGES

    edge: EdgeRef

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield Line("+", str(self.edge))


@frozen
class EdgeRemoved:
    """An edge that is gone."""

    topic: ClassVar[Topic] = _EDGES

    edge: EdgeRef

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield Line("-", str(self.edge))


# -- Fields ----------------------------------------------------------------------------


@frozen
class FieldAdded(_OfBlock):
    """A field that was not set; `path` is its place in the specs."""

    block: BlockRef
    path: Path
    value: Any

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield from describe_value("+", self.block.kind, self.path, self.value)


@frozen
class FieldRemoved(_OfBlock):
    """A field that is no longer set, with the value that it had."""

    block: BlockRef
    path: Path
    value: Any

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield from describe_value("-", self.block.kind, self.path, self.value)


@frozen
class FieldChanged(_OfBlock):
    """A field that has another value; `path` is its place in the specs."""

    block: BlockRef
    path: Path
    before: Any
    after: Any

    def describe(self) -> Iterator[Line]:
        """Return the change in words."""
        yield compare_values("~", format_path(self.path), self.before, self.after)


@frozen
class ItemAdded:
    """An item that is new in a list, at its position."""

    at: int
    value: Any

    def describe(self, of: ListChanged) -> Iterator[Line]:
        """Return the change in words. `of` is the list."""
        yield _describe_item("+", of, self.at, self.value)


@frozen
class ItemRemoved:
    """An item that is gone from a list, at the position that it had."""

    at: int
    value: Any

    def describe(self, of: ListChanged) -> Iterator[Line]:
        """Return the change in words. `of` is the list."""
        yield _describe_item("-", of, self.at, self.value)


@frozen
class ItemMoved:
    """An item that stands before or behind others than it did."""

    before: int
    after: int
    value: Any

    def describe(self, of: ListChanged) -> Iterator[Line]:
        """Return the change in words. `of` is the list."""
        found = read_item(of.block.kind, of.path, self.value)
        if found is None:
            text = f"{format_path(of.path)} {format_value(self.value)}"
        else:
            text = format_item(*found)
        yield Line(">", text, f"[{self.before}]", f"[{self.after}]")


@frozen
class ItemChanged:
    """An item of a list that is the same one, with other members.

    Attributes:
        before: Its position before.
        after: Its position now.
        changes: The changes inside of it. Their paths have the position now.
    """

    before: int
    after: int
    changes: tuple[FieldChange, ...]

    def describe(self, of: ListChanged) -> Iterator[Line]:
        """Return the changes in words. `of` is the list."""
        item = of.after[self.after] if isinstance(of.after, list) else None
        now = read_item(of.block.kind, of.path, item)
        was = now and read_item(
            of.block.kind, of.path, _undo(item, self.changes, len(of.path) + 2)
        )
        if now is None or was is None:
            for change in self.changes:
                yield from change.describe()
        elif now[0] != was[0] or UNSET in (now[1], was[1]):
            yield compare_texts("~", format_item(*was), format_item(*now))
        else:
            yield compare_values("~", now[0], was[1], now[1], joint=" ")


def _describe_item(
    sign: Literal["+", "-"], of: ListChanged, at: int, value: Any
) -> Line:
    found = read_item(of.block.kind, of.path, value)
    if found is None:
        return Line(sign, f"{format_path((*of.path, at))}: {format_value(value)}")
    return Line(sign, format_item(*found))


def _undo(item: Any, changes: Sequence[FieldChange], depth: int) -> Any:
    """Return an item of a list as it was. None if that is not known.

    Args:
        item: The item as it is now.
        changes: The changes inside of it.
        depth: The length of the paths of its members. Deeper changes are not undone.
    """
    made = dict(item)
    for change in changes:
        name = str(change.path[-1])
        match change:
            case _ if len(change.path) != depth:
                return None
            case FieldAdded():
                made.pop(name, None)
            case FieldRemoved():
                made[name] = change.value
            case FieldChanged():
                made[name] = change.before
            case _:
                made[name] = _undo_list(change)
    return None if None in made.values() else made


def _undo_list(change: ListChanged) -> list[Any] | None:
    """Return a list as it was. None if that is not known."""
    new: set[int] = set()
    old: dict[int, Any] = {}
    for edit in change.edits:
        match edit:
            case ItemAdded():
                new.add(edit.at)
            case ItemRemoved():
                old[edit.at] = edit.value
            case ItemMoved():
                new.add(edit.after)
                old[edit.before] = edit.value
            case _:  # it was changed inside
                return None
    if not isinstance(change.after, list):  # hidden
        return None
    made = [item for at, item in enumerate(change.after) if at not in new]
    for at in sorted(old):
        made.insert(at, old[at])
    return made


ItemEdit: TypeAlias = ItemAdded | ItemRemoved | ItemMoved | ItemChanged


@frozen
class ListChanged(_OfBlock):
    """A list with other items, or the same ones in another order.

    Attributes:
        block: The block.
        path: The place of the list in the specs.
        edits: The changes of its items.
        after: The whole list, for `apply`.
    """

    block: BlockRef
    path: Path
    edits: tuple[ItemEdit, ...]
    after: Any = field(repr=False)

    def describe(self) -> Iterator[Line]:
        """Return the change in words, with a line or more for each item."""
        for edit in self.edits:
            yield from edit.describe(self)


@frozen
class Unmanaged(_OfBlock):
    """A field that differs, and that code does not manage.

    Attributes:
        block: The block.
        path: The place of the field in the specs.
        before: Its value before, or `UNSET`.
        after: Its value now, or `UNSET`.
    """

    block: BlockRef
    path: Path
    before: Any
    after: Any

    def describe(self) -> Iterator[Line]:
        """Return the difference in words."""
        values = [one for one in (self.before, self.after) if one is not UNSET]
        text = f" {ARROW} ".join(map(format_value, values))
        yield Line("?", f"{format_path(self.path)}: {text} is not managed")


FieldChange: TypeAlias = FieldAdded | FieldRemoved | FieldChanged | ListChanged

Change: TypeAlias = (
    TitleChanged
    | DescriptionChanged
    | BlockAdded
    | BlockRemoved
    | BlockRenamed
    | KindChanged
    | BlockMoved
    | EdgeAdded
    | EdgeRemoved
    | FieldAdded
    | FieldRemoved
    | FieldChanged
    | ListChanged
    | Unmanaged
)
"""One thing that two definitions differ in."""
