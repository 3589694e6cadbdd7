"""Find the consequences of the changes between two definitions.

They are not part of `diff`, since they depend on the catalogue and on prices, which a
later release may know better. `diff` and `apply` say the same in every release.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import evolve

from ..analysis import (
    ABOUT_READS,
    ColumnSet,
    Openness,
    RowKindName,
    RuleSetting,
    column_flow,
    effects,
    estimate_cost,
    find_later_producers,
    findings,
    output_columns,
    row_kinds,
)
from ..blocks import CATALOGUE, Effect
from ..definition import EMPTY, Definition, WireBlock, canonical_id
from ..diagnostics import Finding
from ._consequences import (
    ColumnAdded,
    ColumnDropped,
    ColumnRetyped,
    Consequence,
    CostChanged,
    EffectAppeared,
    EffectVanished,
    FindingAppeared,
    FindingVanished,
    OtherColumnsChanged,
    PassingChanged,
    ReadBroken,
    RowsChanged,
)
from ._diff import Sides
from ._items import format_item, read_item
from ._reading import Reading
from ._redaction import SideSecrets, Written, has_secret, mask_hidden, put_secrets_in

_FindingKey: TypeAlias = tuple[str, str]
"""The code of a finding, and the id that its block has now."""

NOTHING: Final = Definition("", "", (), ())
"""Stands for a workflow that does not exist."""


def consequences(
    before: Definition | None,
    after: Definition,
    *,
    prices: Mapping[str, float] = EMPTY,
    written: Written = (),
) -> Iterator[Consequence]:
    """Yield the consequences of the changes between two definitions.

    Args:
        before: The definition before the changes. None for a new workflow, of which all
            findings are new.
        after: The definition with the changes.
        prices: Dollars for one row by kind, in place of those that are documented.
        written: The sides that are code or JSON: `"before"`, `"after"` or both. There
            the target of an effect is shown, even if the other side has a secret.

    Raises:
        ArgumentError: A price is not a number of dollars.
    """
    is_new = before is None
    before = before or NOTHING
    if (listed := after.listed or before.listed) is not None:
        before, after = evolve(before, listed=listed), evolve(after, listed=listed)
    costs = [estimate_cost(definition, prices) for definition in (before, after)]
    sides = _redact_sides(Sides.of(before, after, Reading(bound=False)), written)
    broken = [*_compare_reads(sides)]
    yield from broken
    yield from _compare_rows(sides)
    if not is_new:
        yield from _compare_passing(sides)
    yield from _compare_columns(
        output_columns(sides.before), output_columns(sides.after)
    )
    if costs[0] != costs[1]:
        yield CostChanged(*costs)
    yield from _compare_effects(sides)
    yield from _compare_findings(sides, broken, is_new=is_new)


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


def _compare_passing(sides: Sides) -> Iterator[PassingChanged]:
    """Find the rows that pass a filter now, or no longer do."""
    before, after = sides.before.blocks, sides.after.blocks
    for at in _list_filters(sides.after):
        block, partner = after[at], sides.partners.get(at)
        if partner is None:
            rows = _describe_conditions(block)
            yield PassingChanged(sides.now(at), rows, passes=False, filter="new")
        elif before[partner].kind == block.kind:
            specs = before[partner].specs, block.specs
            if found := CATALOGUE[block.kind].compare_passing(*specs):
                yield PassingChanged(sides.now(at), *found)
    stay = set(sides.partners.values())
    for at in _list_filters(sides.before):
        if at not in stay:
            rows = _describe_conditions(before[at])
            yield PassingChanged(sides.then(at), rows, passes=True, filter="gone")


def _list_filters(definition: Definition) -> Sequence[int]:
    """Return the positions of the blocks that drop rows."""
    return [
        at
        for kind, positions in definition.by_kind.items()
        if kind in CATALOGUE and CATALOGUE[kind].about.drops_rows
        for at in positions
    ]


def _describe_conditions(block: WireBlock) -> str:
    """Return the conditions of a filter in words; empty if it has none."""
    found = [
        read_item(block.kind, (name,), item)
        for name, value in block.specs.items()
        if isinstance(value, list)
        for item in value
    ]
    words = [format_item(*one) for one in found if one is not None]
    return " ".join(words) if len(words) == len(found) else ""


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
    stay = set(sides.partners.values())
    for touch, positions in old.items():
        if touch not in new:
            yield EffectVanished(*touch)
        else:
            gone = [at for at in positions if at not in stay]
            yield from (EffectVanished(*touch, sides.then(at)) for at in gone)
    for touch, positions in new.items():
        if touch not in old:
            yield EffectAppeared(*touch)
        else:
            added = [at for at in positions if at not in sides.partners]
            yield from (EffectAppeared(*touch, sides.now(at)) for at in added)


def _list_effects(
    definition: Definition,
) -> Mapping[tuple[str, Effect | None, str | None], Sequence[int]]:
    """Return the positions of the blocks by effect. Unknown effects have none."""
    found = effects(definition)
    listed: dict[tuple[str, Effect | None, str | None], Sequence[int]] = {
        (touch.kind, touch.effect, touch.target): touch.positions
        for touch in found.touches
    }
    return listed | {(kind, None, None): () for kind in found.unknown}


def _compare_findings(
    sides: Sides, broken: Iterable[ReadBroken], *, is_new: bool
) -> Iterator[Consequence]:
    """Compare findings by code and block, and not by message.

    Args:
        sides: Both definitions.
        broken: Broken reads. Findings that say the same are left out.
        is_new: Whether there was no workflow, and so no finding.
    """
    readers = {canonical_id(one.block.id) for one in broken}
    rules = {**sides.before.rules, **sides.after.rules}  # a live side has none
    old = [] if is_new else _list_findings(sides.before, rules)
    new = _list_findings(sides.after, rules)
    renamed = sides.map_ids()
    left, right = _count_topics(old, renamed), _count_topics(new, {})
    yield from map(FindingVanished, _list_surplus(old, left - right, renamed))
    for finding in _list_surplus(new, right - left, {}):
        is_of_reader = canonical_id(finding.block_id or "") in readers
        if not (is_of_reader and finding.code in ABOUT_READS):
            yield FindingAppeared(finding)


def _list_findings(
    definition: Definition, rules: Mapping[str, RuleSetting]
) -> list[Finding]:
    found = findings(evolve(definition, rules=rules) if rules else definition)
    return [finding for finding in found if finding.code not in _SUMMARIES]


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
