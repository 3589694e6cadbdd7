"""A workflow as it is shown: blocks by name, changes as lines, and its signature.

Blocks of committed JSON have ids and no keys, so one change of forty variants would
look like forty changes. Here each block has the same name in each variant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

from attrs import evolve, frozen

from ...analysis import column_flow, effects
from ...blocks import CATALOGUE
from ...definition import EMPTY, Definition, WireBlock, canonical_id
from ...diff import (
    BlockAdded,
    BlockMoved,
    BlockRef,
    BlockRemoved,
    BlockRenamed,
    Change,
    ColumnAdded,
    ColumnDropped,
    Consequence,
    CostChanged,
    DescriptionChanged,
    EdgeAdded,
    EdgeRemoved,
    EffectAppeared,
    EffectVanished,
    FindingAppeared,
    PassingChanged,
    ReadBroken,
    Section,
    TitleChanged,
    Unmanaged,
    diff,
    map_blocks,
    outline_change,
    sections,
    sign_change,
)
from ...plan import Rename, Step


@frozen(eq=False)
class View:
    """A workflow with all that its renderings need, each computed once.

    Attributes:
        step: The workflow, and what becomes of it.
        rename: The rename that it may be.
        orphan: The workflow that it may be a rename of, if it is in the review.
    """

    step: Step
    rename: Rename | None = None
    orphan: Step | None = None

    @property
    def old_keys(self) -> Sequence[str]:
        """The key that it had before, or those that it may have had."""
        if self.rename is not None:
            return self.rename.candidates
        was = self.step.details.was
        return [] if was is None else [was]

    @property
    def steps(self) -> Sequence[Step]:
        """The workflow, and the one that it may be a rename of."""
        return [self.step] if self.orphan is None else [self.orphan, self.step]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The name of each block by its id: the same in each variant."""
        one = self.step
        renamed = {
            canonical_id(change.before.id): canonical_id(change.block.id)
            for change in (*one.changes, *one.edits)
            if isinstance(change, BlockRenamed)
        }
        return block_names(one.details.before, one.details.after, renamed)

    @cached_property
    def changes(self) -> Sequence[Change]:
        """The changes, blocks by name."""
        return [map_blocks(one, self._name_block) for one in self.step.changes]

    @cached_property
    def edits(self) -> Sequence[Change]:
        """The edits on the service, blocks by name."""
        return [map_blocks(one, self._name_block) for one in self.step.edits]

    @cached_property
    def change_signatures(self) -> Sequence[str]:
        """A text for each change, without ids."""
        return [*map(sign_change, self.changes)]

    @cached_property
    def signature(self) -> str:
        """A text that is equal for workflows that are the same in all that is shown."""
        details = self.step.details
        parts = self.change_signatures, [*map(sign_change, self.contents)]
        effects = self.step.effects if self.has_effects else ""
        texts = details.cost_before, details.cost_after, effects
        values = [one for one in self.consequences if isinstance(one, _WITH_VALUES)]
        return repr((self.outline, parts, sections(values), texts))

    @cached_property
    def outline(self) -> str:
        """A text that is equal for workflows that are shown as one.

        Their values may differ, but not those of workflows that were edited.
        """
        one = self.step
        edits = [*map(sign_change, self.edits)]
        follows = [o for o in self.consequences if not isinstance(o, _WITH_VALUES)]
        return repr(
            (
                [one.state, one.action, one.lifted_by, one.also, one.details.given],
                [one.may_skip, one.are_edits_known],
                self.change_signatures
                if edits
                else [*map(outline_change, self.changes)],
                edits,
                sections(follows),
                self.unmanaged,
                self.settings,
                one.spends,
                [one.details.was is None, self.rename is None, self.orphan is None],
                self.differences,
                [] if one.details.before and one.details.after else self.blocks,
            )
        )

    def find_neighbours(self, block_id: str) -> tuple[Sequence[str], Sequence[str]]:
        """Return the names of the blocks before and after a block."""
        definition = self.step.details.after
        if definition is None:
            return (), ()
        at = self._find_position(definition, block_id)
        names, topology = self.blocks, definition.topology
        pairs = [*zip(topology.sources, topology.targets, strict=True)]
        before = [names[source] for source, target in pairs if target == at]
        return before, [names[target] for source, target in pairs if source == at]

    @staticmethod
    def _find_position(definition: Definition, block_id: str) -> int:
        ids = [canonical_id(block.id) for block in definition.blocks]
        return ids.index(canonical_id(block_id))

    @property
    def blocks(self) -> Sequence[str]:
        """The names of its blocks, in the order of the flow.

        Empty if no definition may be shown, as in a restore, which has no code.
        """
        definition = self.step.details.after or self.step.details.before
        if definition is None:
            return []
        return [self.names[canonical_id(block.id)] for block in definition.blocks]

    @cached_property
    def contents(self) -> Sequence[Change]:
        """The blocks and edges of a new workflow, blocks by name."""
        after = self.step.details.after
        if after is None or not self.is_new:
            return []
        found = diff(evolve(after, blocks=(), edges=()), after, written=("after",))
        return [map_blocks(one, self._name_block) for one in found]

    @property
    def shown_consequences(self) -> Sequence[Consequence]:
        """The consequences that have lines of their own."""
        # The cost is shown with both sides, even if it is the same. What a new workflow
        # spends and touches is shown in one sentence.
        apart = (CostChanged, EffectAppeared) if self.is_new else CostChanged
        # What may be renamed brings nothing that is not there already.
        shown = [] if self.rename is not None else self.consequences
        return [one for one in shown if not isinstance(one, apart)]

    @cached_property
    def differences(self) -> Sequence[Section] | None:
        """The changes from the workflow that it may be a rename of, as lines."""
        found = self.step.details.differs
        if found is None:
            return None
        return sections(map_blocks(one, self._name_block) for one in found)

    @cached_property
    def unmanaged(self) -> Sequence[str]:
        """Live fields that code does not set, blocks by name."""
        return [
            _BY_ID.sub(self._name_by_prefix, field) for field in self.step.unmanaged
        ]

    @cached_property
    def settings(self) -> Sequence[str]:
        """Unmanaged fields that change what a run costs or does, as lines of text."""
        return [
            line
            for one in self.step.settings
            for line in map_blocks(one, self._name_block).describe()
        ]

    def _name_by_prefix(self, found: re.Match[str]) -> str:
        """Return the name of a block that is named by kind and a piece of its id."""
        names = (name for id_, name in self.names.items() if id_.startswith(found[1]))
        return next(names, found[0])

    @property
    def is_new(self) -> bool:
        """Whether the workflow did not exist before, under another key either."""
        details = self.step.details
        is_there = details.before is not None or self.rename is not None
        return details.after is not None and not is_there

    @property
    def has_effects(self) -> bool:
        """Whether all effects of a run are shown, and not only those that change."""
        is_made = self.is_new or self.step.action == "create"
        return is_made and bool(self.step.effects)

    @property
    def is_drawn(self) -> bool:
        """Whether a picture of both sides shows any of the changes."""
        words = (TitleChanged, DescriptionChanged, Unmanaged)
        return any(not isinstance(one, words) for one in self.step.changes)

    @property
    def errors(self) -> Sequence[str]:
        """The codes of findings with severity error that appear."""
        found = self.step.consequences
        new = [one.finding for one in found if isinstance(one, FindingAppeared)]
        return [one.code for one in new if one.severity == "error"]

    @property
    def broken_columns(self) -> Mapping[str, Sequence[str]]:
        """The columns that a block reads and no block brings now, by block id."""
        found: dict[str, list[str]] = {}
        for one in self.step.consequences:
            if isinstance(one, ReadBroken):
                found.setdefault(canonical_id(one.block.id), []).append(one.name)
        return found

    @property
    def is_rewired(self) -> bool:
        """Whether blocks or edges came, went or moved, or a read breaks."""
        kinds = (BlockAdded, BlockRemoved, BlockMoved, EdgeAdded, EdgeRemoved)
        kinds_changed = any(isinstance(one, kinds) for one in self.step.changes)
        return kinds_changed or bool(self.broken_columns)

    @property
    def broken_reads(self) -> Sequence[ReadBroken]:
        """The columns that blocks read and no block adds any longer, blocks by name."""
        return [one for one in self.consequences if isinstance(one, ReadBroken)]

    def list_passing(self, *, passes: bool) -> Sequence[PassingChanged]:
        """Return the rows that now pass a filter, or that no longer do."""
        found = self.consequences
        return [
            one
            for one in found
            if isinstance(one, PassingChanged) and one.passes == passes
        ]

    @property
    def dropped_columns(self) -> Sequence[str]:
        """The columns that the output loses."""
        found = self.consequences
        return [one.name for one in found if isinstance(one, ColumnDropped)]

    @property
    def added_columns(self) -> Sequence[str]:
        """The columns that the output gains."""
        found = self.consequences
        return [one.name for one in found if isinstance(one, ColumnAdded)]

    @property
    def changed_filters(self) -> Sequence[str]:
        """The blocks that drop rows, and that are new or changed, by name."""
        return [
            *dict.fromkeys(str(one) for one in self._changed_blocks if _drops_rows(one))
        ]

    @property
    def filters_before_costs(self) -> Sequence[str]:
        """The blocks that drop rows before a change, if the cost changes, by name."""
        details = self.step.details
        after = details.after
        if after is None or details.cost_before == details.cost_after:
            return []
        before = {
            at
            for block in self._changed_blocks
            for at in after.topology.find_ancestors(
                self._find_position(after, block.id)
            )
        }
        return [
            self.names[canonical_id(block.id)]
            for at, block in enumerate(after.blocks)
            if at in before and _drops_rows(block)
        ]

    @property
    def _changed_blocks(self) -> Sequence[BlockRef]:
        """The blocks that are new or changed."""
        kept = [one for one in self.changes if not isinstance(one, BlockRemoved)]
        blocks = [getattr(one, "block", None) for one in kept]
        return [block for block in blocks if isinstance(block, BlockRef)]

    def list_senders(self, *, is_after: bool) -> Sequence[tuple[str, str]]:
        """Return the blocks that take changed columns outside, each with its target.

        Args:
            is_after: Whether columns are meant that the output gains. If not, those
                that it loses.
        """
        details = self.step.details
        definition = details.after if is_after else details.before
        columns = self.added_columns if is_after else self.dropped_columns
        if definition is None or not columns:
            return []
        before = column_flow(definition).before
        return [
            (name, target)
            for at, name, target in self._list_targets(definition)
            if any(column in before[at] for column in columns)
        ]

    def list_senders_behind(self, block: BlockRef) -> Sequence[tuple[str, str]]:
        """Return the blocks behind another one that take rows outside, with targets."""
        definition = self.step.details.after
        if definition is None:
            return []
        at_block = self._find_position(definition, block.id)
        return [
            (name, target)
            for at, name, target in self._list_targets(definition)
            if at_block in definition.topology.find_ancestors(at)
        ]

    def spends_before(self, block: BlockRef) -> bool:
        """Return True if a block before another one costs credits."""
        definition = self.step.details.after
        if definition is None:
            return False
        at = self._find_position(definition, block.id)
        before = definition.topology.find_ancestors(at)
        found = effects(definition).touches
        spending = [one for one in found if one.effect in ("spends", "may-spend")]
        return any(before.intersection(one.positions) for one in spending)

    def _list_targets(self, definition: Definition) -> Iterator[tuple[int, str, str]]:
        """Yield the blocks that write outside: position, name and target."""
        for touch in effects(definition).touches:
            if touch.effect == "writes-outside" and touch.target is not None:
                for at in touch.positions:
                    block_id = canonical_id(definition.blocks[at].id)
                    yield at, self.names[block_id], touch.target

    def list_removed_producers(self, column: str) -> Sequence[str]:
        """Return the removed blocks that added a column, by name."""
        before = self.step.details.before
        if before is None:
            return []
        gone = {
            canonical_id(one.block.id)
            for one in self.changes
            if isinstance(one, BlockRemoved)
        }
        return [
            self.names[block_id]
            for block, fact in zip(
                before.blocks, column_flow(before).facts, strict=True
            )
            if (block_id := canonical_id(block.id)) in gone
            and any(one.name == column for one in fact.adds)
        ]

    @property
    def is_breaking(self) -> bool:
        """Whether a read breaks, a column is lost, or a check has a new error."""
        return bool(self.broken_reads or self.dropped_columns or self.errors)

    @cached_property
    def consequences(self) -> Sequence[Consequence]:
        """The consequences, blocks by name."""
        return [map_blocks(one, self._name_block) for one in self.step.consequences]

    def _name_block(self, block: BlockRef) -> BlockRef:
        path = self.names.get(canonical_id(block.id)) or block.path or block.kind
        return evolve(block, path=path)


def _drops_rows(block: BlockRef | WireBlock) -> bool:
    known = None if block.kind is None else CATALOGUE.get(block.kind)
    return known is not None and known.about.drops_rows


_WITH_VALUES: Final = PassingChanged, CostChanged, EffectAppeared, EffectVanished
"""Consequences that differ if the values of a change differ."""

_BY_ID: Final = re.compile(r"^.* \(([0-9a-f]{8})\)(?=\.)")
"""A block in a plan that does not know its key."""


def block_names(
    before: Definition | None,
    after: Definition | None,
    renamed: Mapping[str, str] = EMPTY,
) -> Mapping[str, str]:
    """Return unique names for blocks, by their ids.

    A name is the key path if there is one, else the kind. It has a number if several
    blocks would have the same name.

    Args:
        before: One side.
        after: The other side. Its blocks are named as if they were alone.
        renamed: The new ids of blocks by their old ids.
    """
    bases: dict[str, str] = {}
    for definition in (after, before):
        if definition is None:
            continue
        for position, block in enumerate(definition.blocks):
            block_id = canonical_id(block.id)
            path = definition.origins.path(position)
            base = str(block.kind) if path is None else path
            # A block has the same name under another id, unless its key is new.
            if bases.get(renamed.get(block_id, "")) != base:
                bases.setdefault(block_id, base)
    alike: dict[str, list[str]] = {}
    for block_id, base in bases.items():
        alike.setdefault(base, []).append(block_id)
    found: dict[str, str] = {}
    for base, ids in alike.items():
        for number, block_id in enumerate(ids, 1):
            found[block_id] = f"{base} {number}" if len(ids) > 1 else base
    found.update({old: found[new] for old, new in renamed.items() if old not in found})
    return found
