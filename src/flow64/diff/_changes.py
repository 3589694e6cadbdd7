"""What two definitions differ in: small frozen classes, one for each sort of change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias, final

from attrs import field, frozen

from ..definition import Path, WireBlock
from ..diagnostics import Finding
from ..redaction import MASK
from ._prices import Estimate


@final
class Hidden:
    """A value that is not shown, since a secret stands in its place on the other side.

    No attrs class, so that what lists fields does not find it; a pickle and a text hold
    the mask.
    """

    __slots__ = ("_content",)

    def __init__(self, content: Any) -> None:
        self._content = content

    @property
    def content(self) -> Any:
        """What is hidden: frozen JSON, for `apply` alone."""
        return self._content

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hidden):
            return NotImplemented
        return bool(self._content == other._content)

    def __hash__(self) -> int:
        return hash((Hidden, self._content))

    def __copy__(self) -> Hidden:
        return self

    def __deepcopy__(self, memo: object) -> Hidden:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Hidden, (MASK,)


@frozen
class BlockRef:
    """A block as people call it.

    Attributes:
        id: Its id in the definition it stands in.
        kind: Its kind; None where an edge leads to a block that does not exist.
        path: Its key path, where one of both definitions knows it.
    """

    id: str
    kind: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"{self.kind} ({self.id[:8]})" if self.kind is not None else self.id


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
        ends = f"{self.source} >> {self.target}"
        return ends if self.condition is None else f"{ends} if {self.condition}"


# -- The workflow and its blocks -------------------------------------------------------


@frozen
class TitleChanged:
    """The workflow has another title."""

    before: str | Hidden
    after: str | Hidden


@frozen
class DescriptionChanged:
    """The workflow is described otherwise; the stamp is no part of a description."""

    before: str | Hidden
    after: str | Hidden


@frozen
class BlockAdded:
    """A block that was not there; `wire` is the block as it is sent."""

    block: BlockRef
    wire: WireBlock


@frozen
class BlockRemoved:
    """A block that is no longer there; `wire` is the block as it was."""

    block: BlockRef
    wire: WireBlock


@frozen
class BlockRenamed:
    """The same block by key or content, under another id.

    Attributes:
        block: What it is called now, with its new id.
        before: What it was called, with its old id.
    """

    block: BlockRef
    before: BlockRef


@frozen
class KindChanged:
    """A block of this id is of another kind now."""

    block: BlockRef
    before: str
    after: str


@frozen
class BlockMoved:
    """A block stands at another place of the flow.

    Attributes:
        block: What it is called.
        before: The blocks that fed it.
        after: The blocks that feed it now.
        removed: Edges of the block that are there no more.
        added: Edges of the block that were not there.
    """

    block: BlockRef
    before: tuple[BlockRef, ...]
    after: tuple[BlockRef, ...]
    removed: tuple[EdgeRef, ...]
    added: tuple[EdgeRef, ...]


@frozen
class EdgeAdded:
    """Rows flow where none flowed."""

    edge: EdgeRef


@frozen
class EdgeRemoved:
    """Rows no longer flow there."""

    edge: EdgeRef


# -- Fields ----------------------------------------------------------------------------


@frozen
class FieldAdded:
    """A field that was not set; `path` is its place in the specs."""

    block: BlockRef
    path: Path
    value: Any


@frozen
class FieldRemoved:
    """A field that is no longer set, with the value that it had."""

    block: BlockRef
    path: Path
    value: Any


@frozen
class FieldChanged:
    """A field that is set to something else.

    Attributes:
        block: Whose field it is.
        path: Where it stands in the specs.
        before: What it was set to.
        after: What it is set to now.
    """

    block: BlockRef
    path: Path
    before: Any
    after: Any


@frozen
class ItemAdded:
    """An item that a list did not have, at its position."""

    at: int
    value: Any


@frozen
class ItemRemoved:
    """An item that a list has no more, at the position it had."""

    at: int
    value: Any


@frozen
class ItemMoved:
    """An item that stands before or behind others than it did."""

    before: int
    after: int
    value: Any


@frozen
class ItemChanged:
    """An item of a list that is still the same one, with other members.

    Attributes:
        before: Its position before.
        after: Its position now.
        changes: What changed in it; their paths go by the position it has now.
    """

    before: int
    after: int
    changes: tuple[FieldChange, ...]


ItemEdit: TypeAlias = ItemAdded | ItemRemoved | ItemMoved | ItemChanged


@frozen
class ListChanged:
    """A list with other items, or the same ones in another order.

    Attributes:
        block: Whose field it is.
        path: Where it stands in the specs.
        edits: What happened to its items.
        after: The whole list, for `apply`.
    """

    block: BlockRef
    path: Path
    edits: tuple[ItemEdit, ...]
    after: Any = field(repr=False)


@frozen
class Unmanaged:
    """A field that is on one side, or another one there, and that code does not manage.

    Attributes:
        block: Whose field it is.
        path: Where it stands in the specs.
        before: What it was set to, or `UNSET`.
        after: What it is set to now, or `UNSET`.
    """

    block: BlockRef
    path: Path
    before: Any
    after: Any


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


# -- What follows from them ------------------------------------------------------------


@frozen
class RowsChanged:
    """Rows of another kind come out.

    Attributes:
        block: The block where the change begins; None for the end of the workflow.
        before: The row kinds that came out; None among them where one is unknown.
        after: The row kinds that come out now.
    """

    block: BlockRef | None
    before: tuple[str | None, ...]
    after: tuple[str | None, ...]


@frozen
class ColumnAdded:
    """A run ends with a column that it did not end with."""

    name: str
    type: str | None


@frozen
class ColumnDropped:
    """A run no longer ends with a column."""

    name: str
    type: str | None


@frozen
class ColumnRetyped:
    """A column has another type; None where that is unknown."""

    name: str
    before: str | None
    after: str | None


@frozen
class OtherColumnsChanged:
    """Whether a run may end with columns that nobody knows."""

    before: bool
    after: bool


@frozen
class CostChanged:
    """A run may cost something else."""

    before: Estimate
    after: Estimate


@frozen
class LiveSetting:
    """A live field that code does not set, and that changes what a run costs or does.

    Attributes:
        block: The block that it is set in.
        path: The field.
        value: What is live.
        default: What the service takes if the field is not set, in words. None if that
            is not documented.
        price: Dollars a row with the default, and as it is live; None: unknown. Empty
            if they are the same.
        rows: The row kind likewise.
        appeared: Effects that only the live value has.
        vanished: Effects that only the default has.
        before: What 1,000 input rows may cost with the default.
        after: What they may cost as it is live.
        code: What to write to keep it.
    """

    block: BlockRef
    path: Path
    value: Any
    default: str | None
    price: tuple[float | None, ...]
    rows: tuple[str | None, ...]
    appeared: tuple[str, ...]
    vanished: tuple[str, ...]
    before: Estimate
    after: Estimate
    code: str

    @property
    def dollars(self) -> float | None:
        """Dollars more for 1,000 input rows; None if they are unknown."""
        sides = self.before, self.after
        costs = [one.dollars for one in sides if one.dollars is not None]
        others = {(one.unpriced, one.open) for one in sides}
        if len(costs) < len(sides) or len(others) > 1:
            return None
        return round(costs[1] - costs[0], 6)


EFFECT_WORDS: Final[Mapping[str, str]] = {
    "spends": "spends at each run",
    "may-spend": "may spend at each run (no source says)",
    "spends-on-create": "spends as soon as it is created",
    "writes-outside": "leaves something outside at each run",
    "creates-storage": "makes a place to keep rows",
}
"""What a block does beyond its rows, in words."""


@frozen
class EffectAppeared:
    """Something is spent or touched that was not.

    Attributes:
        kind: The kind of the blocks that do it.
        effect: What they do beyond their rows; None where nobody knows.
        target: What they touch outside, in words.
    """

    kind: str
    effect: str | None
    target: str | None


@frozen
class EffectVanished:
    """Something is spent or touched no more.

    Attributes:
        kind: The kind of the blocks that did it.
        effect: What they did beyond their rows; None where nobody knows.
        target: What they touched outside, in words.
    """

    kind: str
    effect: str | None
    target: str | None


@frozen
class FindingAppeared:
    """A check finds something that it did not find."""

    finding: Finding


@frozen
class FindingVanished:
    """A check no longer finds something."""

    finding: Finding


Consequence: TypeAlias = (
    RowsChanged
    | ColumnAdded
    | ColumnDropped
    | ColumnRetyped
    | OtherColumnsChanged
    | CostChanged
    | EffectAppeared
    | EffectVanished
    | FindingAppeared
    | FindingVanished
)
"""One thing that follows from what two definitions differ in."""
