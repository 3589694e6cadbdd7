"""What follows from the changes: rows, columns, cost, effects and findings.

A function of its own beside `diff`, since these are worked out of the catalogue and of
prices, which a later release may know better: `diff` and `apply` say the same in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, TypeAlias

from attrs import evolve, frozen

from ..analysis import (
    EFFECT_WORDS,
    ColumnSet,
    RowKindName,
    effects,
    findings,
    output_columns,
    row_kinds,
)
from ..blocks import Effect
from ..definition import EMPTY, Definition, WireBlock, canonical_id
from ..diagnostics import Finding
from ._changes import About, BlockRef
from ._diff import Sides
from ._lines import Line, shorten_name
from ._prices import Estimate, estimate
from ._reading import Reading
from ._redaction import SideSecrets, Written, has_secret, mask_hidden, put_secrets_in

_ROWS: Final[About] = ("rows", None)
_COLUMNS: Final[About] = ("output columns", None)
_EFFECTS: Final[About] = ("effects", None)
_FINDINGS: Final[About] = ("findings", None)


@frozen
class RowsChanged:
    """Rows of another kind come out.

    Attributes:
        block: The block where the change begins. None for the end of the workflow.
        before: The row kinds that came out. None stands for an unknown one.
        after: The row kinds that come out now.
    """

    about: ClassVar[About] = _ROWS

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
        yield Line("~", f"rows {of}: {old} -> {new}")


@frozen
class ColumnAdded:
    """A run ends with a new column."""

    about: ClassVar[About] = _COLUMNS

    name: str
    type: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("+", ": ".join(filter(None, (self.name, self.type))))


@frozen
class ColumnDropped:
    """A run no longer ends with a column."""

    about: ClassVar[About] = _COLUMNS

    name: str
    type: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("-", ": ".join(filter(None, (self.name, self.type))))


@frozen
class ColumnRetyped:
    """A column has another type. None if a type is unknown."""

    about: ClassVar[About] = _COLUMNS

    name: str
    before: str | None
    after: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        old, new = self.before or "unknown", self.after or "unknown"
        yield Line("~", f"{self.name}: {old} -> {new}")


@frozen
class OtherColumnsChanged:
    """A run may now end with unknown columns, or no longer does."""

    about: ClassVar[About] = _COLUMNS

    before: bool
    after: bool

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("+" if self.after else "-", "columns that nobody knows")


@frozen
class CostChanged:
    """A run may have another cost."""

    about: ClassVar[About] = ("", None)

    before: Estimate
    after: Estimate

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        old, new = self.before.describe(), self.after.describe()
        yield Line("~", f"cost of 1,000 input rows, at most: {old} -> {new}")


@frozen
class EffectAppeared:
    """A new effect of a run, beyond its rows.

    Attributes:
        kind: The kind of the blocks that have the effect.
        effect: The effect. None if the effects of this kind are unknown.
        target: What they touch outside, in words.
    """

    about: ClassVar[About] = _EFFECTS

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

    about: ClassVar[About] = _EFFECTS

    kind: str
    effect: Effect | None
    target: str | None

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("-", _describe_effect(self))


def _describe_effect(one: EffectAppeared | EffectVanished) -> str:
    if one.effect is None:
        return f"what {one.kind} does is unknown"
    words = f"{one.kind} {EFFECT_WORDS[one.effect]}"
    return f"{words}: {one.target}" if one.target else words


@frozen
class FindingAppeared:
    """A new finding of a check."""

    about: ClassVar[About] = _FINDINGS

    finding: Finding

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("+", _describe_finding(self.finding))


@frozen
class FindingVanished:
    """A finding that a check no longer has."""

    about: ClassVar[About] = _FINDINGS

    finding: Finding

    def describe(self) -> Iterator[Line]:
        """Return the consequence in words."""
        yield Line("-", _describe_finding(self.finding))


def _describe_finding(finding: Finding) -> str:
    where = f" ({finding.where})" if finding.where else ""
    return f"{finding.severity} {finding.code}{where}: {finding.message}"


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
"""One consequence of the changes between two definitions."""


# -- From two definitions --------------------------------------------------------------

_About: TypeAlias = tuple[str, str]
"""The code of a finding, and the id that its block has now."""


def consequences(
    before: Definition,
    after: Definition,
    *,
    prices: Mapping[str, float] = EMPTY,
    written: Written = (),
) -> Iterator[Consequence]:
    """What follows from the changes between two definitions, by what is known.

    Args:
        before: What was there.
        after: What is there instead.
        prices: Dollars for one row by kind, in place of those that are documented.
        written: `"before"`, `"after"` or both, where that side is code or JSON: where
            rows go is told also where the other side has a secret.

    Raises:
        ArgumentError: A price is no number of dollars.
    """
    costs = [estimate(definition, prices) for definition in (before, after)]
    sides = _concealed(Sides.of(before, after, Reading(bound=False)), written)
    yield from _rows(sides)
    yield from _columns(output_columns(sides.before), output_columns(sides.after))
    if costs[0] != costs[1]:
        yield CostChanged(*costs)
    yield from _effects(sides)
    yield from _findings(sides)


def _concealed(sides: Sides, written: Written) -> Sides:
    """Both definitions; in what is live, the secrets of the other in their places.

    So no word of what is worked out of one tells what the other keeps secret.
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
        before=evolve(sides.before, blocks=tuple(map(_masked, old))),
        after=evolve(sides.after, blocks=tuple(map(_masked, new))),
    )


def _masked(block: WireBlock) -> WireBlock:
    return block._replace(specs=mask_hidden(block.specs))


def _rows(sides: Sides) -> Iterator[Consequence]:
    """Row kinds at the blocks where a change begins, and at the end."""
    old, new = row_kinds(sides.before), row_kinds(sides.after)
    changed = {at for at, one in sides.partners.items() if old[one] != new[at]}
    parents = sides.after.topology.parents
    for at in sorted(changed):
        if changed.isdisjoint(parents[at]):
            kinds = (old[sides.partners[at]],), (new[at],)
            yield RowsChanged(sides.now(at), *kinds)
    ends = _ends(sides.before, old), _ends(sides.after, new)
    if ends[0] != ends[1]:
        yield RowsChanged(None, *ends)


def _ends(definition: Definition, kinds: Any) -> tuple[RowKindName, ...]:
    """The row kinds that leave blocks which feed no other."""
    fed = set(definition.topology.sources)
    found = {kinds[at] for at in range(len(definition.blocks)) if at not in fed}
    return tuple(sorted(found, key=str))


def _columns(before: ColumnSet, after: ColumnSet) -> Iterator[Consequence]:
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


def _effects(sides: Sides) -> Iterator[Consequence]:
    old, new = _touches(sides.before), _touches(sides.after)
    yield from (EffectVanished(*touch) for touch in old if touch not in new)
    yield from (EffectAppeared(*touch) for touch in new if touch not in old)


def _touches(
    definition: Definition,
) -> dict[tuple[str, Effect | None, str | None], None]:
    """What is done, and the kinds of which nobody knows what they do."""
    found = effects(definition)
    known = [(touch.kind, touch.effect, touch.target) for touch in found.touches]
    return dict.fromkeys([*known, *((kind, None, None) for kind in found.unknown)])


def _findings(sides: Sides) -> Iterator[Consequence]:
    """Findings that only one side has of a code and block, whatever their words."""
    old, new = (
        [finding for finding in findings(each) if finding.code not in _TOLD]
        for each in (sides.before, sides.after)
    )
    renamed = sides.renamed()
    left, right = _counted(old, renamed), _counted(new, {})
    yield from map(FindingVanished, _more(old, left - right, renamed))
    yield from map(FindingAppeared, _more(new, right - left, {}))


_TOLD: Final = frozenset({"effects", "cost-estimate"})
"""Findings that sum up what is told one by one here, and of prices given."""


def _counted(found: list[Finding], renamed: Mapping[str, str]) -> Counter[_About]:
    return Counter(_about(finding, renamed) for finding in found)


def _about(finding: Finding, renamed: Mapping[str, str]) -> _About:
    block_id = canonical_id(finding.block_id or "")
    return finding.code, renamed.get(block_id, block_id)


def _more(
    found: list[Finding], surplus: Counter[_About], renamed: Mapping[str, str]
) -> Iterator[Finding]:
    """The findings that one side has more of."""
    for finding in found:
        about = _about(finding, renamed)
        if surplus[about]:
            surplus[about] -= 1
            yield finding
