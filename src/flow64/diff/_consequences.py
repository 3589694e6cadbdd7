"""The consequences of changes: rows, columns, cost, effects and findings, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Final, Literal, TypeAlias

from attrs import field, frozen

from ..analysis import Estimate
from ..blocks import EFFECT_WORDS, Effect
from ..diagnostics import Finding
from ._changes import BlockRef, Topic
from ._costs import COST, format_cost_change
from ._lines import ARROW, Line, Sign, shorten_name

MISSING_COLUMNS: Final = "missing columns"
"""Title of the lines about columns that blocks read and no block adds any more."""

_READS: Final[Topic] = (MISSING_COLUMNS, None)
_ROWS: Final[Topic] = ("rows", None)
_COLUMNS: Final[Topic] = ("output columns", None)
_EFFECTS: Final[Topic] = ("side effects", None)
_FINDINGS: Final[Topic] = ("findings", None)


@frozen
class ReadBroken:
    """A block reads a column that no block before it adds any more.

    Attributes:
        block: The block that reads the column.
        name: The column.
        later: A later block that adds the column now.
        is_certain: Whether a block before it was known to bring the column. If not, one
            is gone that may have brought any columns.
        fate: What becomes of rows without it, in words. Empty if that is unknown.
    """

    topic: ClassVar[Topic] = _READS

    block: BlockRef
    name: str
    later: BlockRef | None
    fate: str
    is_certain: bool = True

    @property
    def stops_rows(self) -> bool:
        """Whether probably no row passes the block."""
        return self.fate == _NO_ROW

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("!", self.explain(str))

    def explain(self, quote: Callable[[str], str]) -> str:
        """Return the consequence as a sentence. `quote` writes its names."""
        block, name = quote(shorten_name(self.block)), quote(shorten_name(self.name))
        adds = "adds" if self.is_certain else "is known to add"
        later = f"; {quote(shorten_name(self.later))} adds it later" * bool(self.later)
        fate = f": {self.fate}" if self.fate else ""
        return (
            f"{block} reads {name}, but no block before it {adds} that column any "
            f"more{later}{fate}"
        )


_NO_ROW: Final = "probably no row passes"
"""The fate of rows behind a filter that needs a value."""


@frozen
class RowsChanged:
    """Rows of another kind come out.

    Attributes:
        block: The block where the change begins. None for the end of the workflow.
        before: The row kinds that came out. None stands for an unknown one.
        after: The row kinds that come out now.
    """

    topic: ClassVar[Topic] = _ROWS

    block: BlockRef | None
    before: tuple[str | None, ...]
    after: tuple[str | None, ...]

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        of = f"of {shorten_name(self.block)}" if self.block else "out of the workflow"
        old, new = (
            " and ".join(kind or "unknown" for kind in kinds) or "none"
            for kinds in (self.before, self.after)
        )
        yield Line("~", f"rows {of}: {old} {ARROW} {new}")


@frozen
class PassingChanged:
    """A filter is new, gone or has another limit, so that more or fewer rows pass.

    Attributes:
        block: The filter.
        rows: The rows in words: those between the two limits, or the conditions that
            they do not meet. Empty if words cannot say it.
        passes: Whether they pass now. If not, they no longer do.
        filter: What happened to the filter.
    """

    topic: ClassVar[Topic] = _ROWS

    block: BlockRef
    rows: str
    passes: bool
    filter: Literal["changed", "new", "gone"] = "changed"

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("~", self.explain(str))

    def explain(
        self, quote: Callable[[str], str], sentence: Callable[[str], str] = str
    ) -> str:
        """Return the consequence as a sentence.

        Args:
            quote: Writes a name.
            sentence: Writes words with names in them.
        """
        if not self.rows:
            return self.explain_briefly(quote)
        which = "with" if self.filter == "changed" else "that do not meet"
        return self._explain(f"{which} {sentence(shorten_name(self.rows))}", quote)

    def explain_briefly(self, quote: Callable[[str], str]) -> str:
        """Return the sentence without limits or conditions, for several of them."""
        if self.filter == "changed":
            return self._explain("between the old and the new limit", quote)
        return self._explain(f"that {quote(shorten_name(self.block))} drops", quote)

    def _explain(self, which: str, quote: Callable[[str], str]) -> str:
        block = quote(shorten_name(self.block))
        verb = "now pass" if self.passes else "no longer pass"
        if self.filter == "changed":
            return f"rows {which} {verb} {block}"
        return f"rows {which} {verb}: {block} is {self.filter}"


@frozen
class ColumnAdded:
    """A run ends with a new column."""

    topic: ClassVar[Topic] = _COLUMNS

    name: str
    type: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("+", ": ".join(filter(None, (self.name, self.type))))


@frozen
class ColumnDropped:
    """A run no longer ends with a column."""

    topic: ClassVar[Topic] = _COLUMNS

    name: str
    type: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("-", ": ".join(filter(None, (self.name, self.type))))


@frozen
class ColumnRetyped:
    """A column has another type. None if a type is unknown."""

    topic: ClassVar[Topic] = _COLUMNS

    name: str
    before: str | None
    after: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        old, new = self.before or "unknown", self.after or "unknown"
        yield Line("~", f"{self.name}: {old} {ARROW} {new}")


@frozen
class OtherColumnsChanged:
    """A run may now end with unknown columns, or no longer does."""

    topic: ClassVar[Topic] = _COLUMNS

    before: bool
    after: bool

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("+" if self.after else "-", "unknown columns")


@frozen
class CostChanged:
    """A run may have another cost."""

    topic: ClassVar[Topic] = ("", None)

    before: Estimate
    after: Estimate

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("~", f"{COST}: {format_cost_change(self.before, self.after)}")


@frozen
class EffectAppeared:
    """A new effect of a run, beyond its rows.

    Attributes:
        kind: The kind of the blocks that have the effect.
        effect: The effect. None if the effects of this kind are unknown.
        target: What they touch outside, in words.
        block: A block that has it, if others of its kind had it before.
    """

    topic: ClassVar[Topic] = _EFFECTS

    kind: str
    effect: Effect | None
    target: str | None
    block: BlockRef | None = field(default=None, repr=False)

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("+", _describe_effect(self))


@frozen
class EffectVanished:
    """An effect that a run no longer has.

    Attributes:
        kind: The kind of the blocks that had the effect.
        effect: The effect. None if the effects of this kind are unknown.
        target: What they touched outside, in words.
        block: A block that had it, if others of its kind still have it.
    """

    topic: ClassVar[Topic] = _EFFECTS

    kind: str
    effect: Effect | None
    target: str | None
    block: BlockRef | None = field(default=None, repr=False)

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        if self.effect is None:
            yield Line("-", f"{self.kind} is gone; its effects were unknown")
        else:
            # What a run no longer spends is no loss.
            sign: Sign = "~" if self.effect == "spends" else "-"
            yield Line(sign, _describe_effect(self, "no longer "))


def _describe_effect(one: EffectAppeared | EffectVanished, adverb: str = "") -> str:
    if one.effect is None:
        return f"the effects of {one.kind} are unknown"
    name = one.kind if one.block is None else shorten_name(one.block)
    words = f"{name} {adverb}{EFFECT_WORDS[one.effect]}"
    return f"{words}: {one.target}" if one.target else words


@frozen
class FindingAppeared:
    """A new finding of a check."""

    topic: ClassVar[Topic] = _FINDINGS

    finding: Finding

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("+", _describe_finding(self.finding))


@frozen
class FindingVanished:
    """A finding that a check no longer has."""

    topic: ClassVar[Topic] = _FINDINGS

    finding: Finding

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("-", _describe_finding(self.finding))


def _describe_finding(finding: Finding) -> str:
    where = f" ({finding.where})" if finding.where else ""
    return f"{finding.severity} {finding.code}{where}: {finding.message}"


Consequence: TypeAlias = (
    ReadBroken
    | RowsChanged
    | PassingChanged
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
"""One consequence of the changes between two definitions."""

Impact: TypeAlias = Literal[
    "breaks-read", "drops-column", "retypes-column", "adds-column", "none"
]
"""The gravest effect of changes on what reads the rows. `breaks-read`: a block reads a
column that is gone. The others are about the columns that a run ends with."""


def impact_of(found: Iterable[Consequence]) -> Impact:
    """Return the gravest effect of some consequences on what reads the rows."""
    kinds = {type(one) for one in found}
    return next((impact for kind, impact in _IMPACTS if kind in kinds), "none")


_IMPACTS: Final[tuple[tuple[type[Consequence], Impact], ...]] = (
    (ReadBroken, "breaks-read"),
    (ColumnDropped, "drops-column"),
    (ColumnRetyped, "retypes-column"),
    (ColumnAdded, "adds-column"),
)
