"""Find the consequences of changes: rows, columns, cost, effects and findings.

They are not part of `diff`, since they depend on the catalogue and on prices, which a
later release may know better. `diff` and `apply` say the same in every release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final, Literal, TypeAlias

from attrs import evolve, frozen

from ..analysis import (
    ABOUT_READS,
    ColumnSet,
    Estimate,
    Openness,
    RowKindName,
    column_flow,
    effects,
    estimate_cost,
    find_later_producers,
    findings,
    output_columns,
    row_kinds,
)
from ..blocks import CATALOGUE, EFFECT_WORDS, Effect
from ..definition import EMPTY, Definition, WireBlock, canonical_id
from ..diagnostics import Finding
from ._changes import BlockRef, Topic
from ._diff import Sides
from ._lines import ARROW, Line, shorten_name
from ._reading import Reading
from ._redaction import SideSecrets, Written, has_secret, mask_hidden, put_secrets_in

_READS: Final[Topic] = ("broken reads", None)
_ROWS: Final[Topic] = ("rows", None)
_COLUMNS: Final[Topic] = ("output columns", None)
_EFFECTS: Final[Topic] = ("effects", None)
_FINDINGS: Final[Topic] = ("findings", None)


@frozen
class ReadBroken:
    """A block reads a column that no block before it brings any more.

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

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        reads = f"{shorten_name(self.block)} reads {shorten_name(self.name)}"
        brings = "brings" if self.is_certain else "is known to bring"
        later = f"; {shorten_name(self.later)} adds it later" if self.later else ""
        fate = f": {self.fate}" if self.fate else ""
        yield Line(
            "!", f"{reads}, which no block before it {brings} any more{later}{fate}"
        )


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
        old, new = self.before.describe(), self.after.describe()
        yield Line("~", f"cost of 1,000 input rows, at most: {old} {ARROW} {new}")


@frozen
class EffectAppeared:
    """A new effect of a run, beyond its rows.

    Attributes:
        kind: The kind of the blocks that have the effect.
        effect: The effect. None if the effects of this kind are unknown.
        target: What they touch outside, in words.
    """

    topic: ClassVar[Topic] = _EFFECTS

    kind: str
    effect: Effect | None
    target: str | None

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
    """

    topic: ClassVar[Topic] = _EFFECTS

    kind: str
    effect: Effect | None
    target: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("-", _describe_effect(self))


def _describe_effect(one: EffectAppeared | EffectVanished) -> str:
    if one.effect is None:
        return f"the effects of {one.kind} are unknown"
    words = f"{one.kind} {EFFECT_WORDS[one.effect]}"
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


# -- From two definitions --------------------------------------------------------------

_FindingKey: TypeAlias = tuple[str, str]
"""The code of a finding, and the id that its block has now."""


def consequences(
    before: Definition,
    after: Definition,
    *,
    prices: Mapping[str, float] = EMPTY,
    written: Written = (),
) -> Iterator[Consequence]:
    """Yield the consequences of the changes between two definitions.

    Args:
        before: The definition before the changes.
        after: The definition with the changes.
        prices: Dollars for one row by kind, in place of those that are documented.
        written: The sides that are code or JSON: `"before"`, `"after"` or both. There
            the target of an effect is shown, even if the other side has a secret.

    Raises:
        ArgumentError: A price is not a number of dollars.
    """
    if (listed := after.listed or before.listed) is not None:
        before, after = evolve(before, listed=listed), evolve(after, listed=listed)
    costs = [estimate_cost(definition, prices) for definition in (before, after)]
    sides = _redact_sides(Sides.of(before, after, Reading(bound=False)), written)
    broken = [*_compare_reads(sides)]
    yield from broken
    yield from _compare_rows(sides)
    yield from _compare_columns(
        output_columns(sides.before), output_columns(sides.after)
    )
    if costs[0] != costs[1]:
        yield CostChanged(*costs)
    yield from _compare_effects(sides)
    yield from _compare_findings(sides, broken)


def _redact_sides(sides: Sides, written: Written) -> Sides:
    """Put the secrets of each side in their places on the other side, if it is live.

    So no consequence shows what the other side keeps secret.
    """
    secrets = SideSecrets.of(sides.before, sides.after)
    old = [*map(secrets.hide_block, sides.before.blocks)]
    new = [*map(secrets.hide_block, sides.after.blocks)]
    changed = bool(secrets.secrets)
    for one, other in sides.matching.pairs.items():
        for side, here, at, there, beside in (
            ("before", old, one, new, other),
            ("after", new, other, old, one),
        ):
            if side not in written and has_secret(there[beside].specs):
                specs: Any = put_secrets_in(here[at].specs, there[beside].specs)
                here[at] = here[at]._replace(specs=specs)
                changed = True
    if not changed:
        return sides
    return evolve(
        sides,
        before=evolve(sides.before, blocks=tuple(map(_mask_block, old))),
        after=evolve(sides.after, blocks=tuple(map(_mask_block, new))),
    )


def _mask_block(block: WireBlock) -> WireBlock:
    return block._replace(specs=mask_hidden(block.specs))


def _compare_reads(sides: Sides) -> Iterator[ReadBroken]:
    """Find columns that a block reads now, and that only came before the changes.

    A new block is compared with all columns that any block added before.
    """
    then, now = column_flow(sides.before), column_flow(sides.after)
    added = {column.name for fact in then.facts for column in fact.adds}
    gone: list[tuple[int, str]] = []
    uncertain: set[tuple[int, str]] = set()
    for at, column in now.reads():
        partner = sides.partners.get(at)
        there = added if partner is None else then.before[partner]
        if column.name in now.before[at]:
            continue
        if column.name in there:
            gone.append((at, column.name))
        elif partner is not None and _may_have_brought(
            then.before[partner], now.before[at]
        ):
            gone.append((at, column.name))
            uncertain.add((at, column.name))
    later = find_later_producers(sides.after, gone)
    for at, name in gone:
        block = sides.after.blocks[at]
        fate = CATALOGUE[block.kind].without_column(block.specs, name)
        producer = later.get((at, name))
        adds = None if producer is None else sides.now(producer)
        is_certain = (at, name) not in uncertain
        yield ReadBroken(sides.now(at), name, adds, fate, is_certain)


def _may_have_brought(before: ColumnSet, after: ColumnSet) -> bool:
    """Whether a block that may add any columns came before, and none does now."""
    return before.openness is Openness.OPEN and after.openness is not Openness.OPEN


def _compare_rows(sides: Sides) -> Iterator[Consequence]:
    """Compare row kinds at the blocks where a change begins, and at the end."""
    old, new = row_kinds(sides.before), row_kinds(sides.after)
    changed = {at for at, one in sides.partners.items() if old[one] != new[at]}
    parents = sides.after.topology.parents
    for at in sorted(changed):
        if changed.isdisjoint(parents[at]):
            kinds = (old[sides.partners[at]],), (new[at],)
            yield RowsChanged(sides.now(at), *kinds)
    ends = _find_end_rows(sides.before, old), _find_end_rows(sides.after, new)
    if ends[0] != ends[1]:
        yield RowsChanged(None, *ends)


def _find_end_rows(definition: Definition, kinds: Any) -> tuple[RowKindName, ...]:
    """Return the row kinds that leave the last blocks."""
    fed = set(definition.topology.sources)
    found = {kinds[at] for at in range(len(definition.blocks)) if at not in fed}
    return tuple(sorted(found, key=str))


def _compare_columns(before: ColumnSet, after: ColumnSet) -> Iterator[Consequence]:
    old, new = dict(before), dict(after)
    for name, column in old.items():
        if name not in new:
            yield ColumnDropped(name, column.type)
        elif column.type != new[name].type:
            yield ColumnRetyped(name, column.type, new[name].type)
    for name, column in new.items():
        if name not in old:
            yield ColumnAdded(name, column.type)
    if before.is_open != after.is_open:
        yield OtherColumnsChanged(before.is_open, after.is_open)


def _compare_effects(sides: Sides) -> Iterator[Consequence]:
    old, new = _list_effects(sides.before), _list_effects(sides.after)
    yield from (EffectVanished(*touch) for touch in old if touch not in new)
    yield from (EffectAppeared(*touch) for touch in new if touch not in old)


def _list_effects(
    definition: Definition,
) -> dict[tuple[str, Effect | None, str | None], None]:
    """List the effects, and the kinds with unknown effects."""
    found = effects(definition)
    known = [(touch.kind, touch.effect, touch.target) for touch in found.touches]
    return dict.fromkeys([*known, *((kind, None, None) for kind in found.unknown)])


def _compare_findings(
    sides: Sides, broken: Iterable[ReadBroken]
) -> Iterator[Consequence]:
    """Compare findings by code and block, and not by message.

    Args:
        sides: Both definitions.
        broken: Broken reads. Findings that say the same are left out.
    """
    readers = {canonical_id(one.block.id) for one in broken}
    rules = {**sides.before.rules, **sides.after.rules}  # a live side has none
    old, new = (
        [
            finding
            for finding in findings(evolve(each, rules=rules) if rules else each)
            if finding.code not in _SUMMARIES
        ]
        for each in (sides.before, sides.after)
    )
    renamed = sides.map_ids()
    left, right = _count_topics(old, renamed), _count_topics(new, {})
    yield from map(FindingVanished, _list_surplus(old, left - right, renamed))
    for finding in _list_surplus(new, right - left, {}):
        is_of_reader = canonical_id(finding.block_id or "") in readers
        if not (is_of_reader and finding.code in ABOUT_READS):
            yield FindingAppeared(finding)


_SUMMARIES: Final = frozenset({"effects", "cost-estimate"})
"""Findings that sum up other consequences."""


def _count_topics(
    found: list[Finding], renamed: Mapping[str, str]
) -> Counter[_FindingKey]:
    return Counter(_topic_of(finding, renamed) for finding in found)


def _topic_of(finding: Finding, renamed: Mapping[str, str]) -> _FindingKey:
    block_id = canonical_id(finding.block_id or "")
    return finding.code, renamed.get(block_id, block_id)


def _list_surplus(
    found: list[Finding], surplus: Counter[_FindingKey], renamed: Mapping[str, str]
) -> Iterator[Finding]:
    """Yield the findings that one side has more of."""
    for finding in found:
        about = _topic_of(finding, renamed)
        if surplus[about]:
            surplus[about] -= 1
            yield finding
