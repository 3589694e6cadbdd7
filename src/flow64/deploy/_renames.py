"""Possible renames: a workflow to create, and an orphan that is much the same."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any, Final
from urllib.parse import unquote

from attrs import Factory, evolve, frozen

from ..definition import Definition, canonical_id
from ..plan import Rename, Step
from ._drift import keep_fields

ALIKE: Final = 0.5
"""The share of blocks that two workflows have in common at least."""

USUAL: Final = 8
"""Orphans with the same block above which that block points to none of them."""


@frozen
class _Looks:
    """What two workflows are compared by, whatever their ids.

    Attributes:
        step: Whose.
        blocks: Kind and specs of each block.
        kinds: Kind of each block.
        name: The title.
    """

    step: Step
    blocks: Counter[Hashable]
    kinds: Counter[str]
    name: str

    @classmethod
    def of(cls, step: Step, definition: Definition) -> _Looks:
        """What a definition looks like."""
        blocks = Counter[Hashable]((b.kind, b.specs) for b in definition.blocks)
        kinds = Counter(block.kind for block in definition.blocks)
        return cls(step, blocks, kinds, definition.name)

    def share(self, other: _Looks) -> float:
        """How much two have in common, from 0 to 1; of one kind alone counts half."""
        most = max(self.blocks.total(), other.blocks.total(), 1)
        same = (self.blocks & other.blocks).total()
        like = (self.kinds & other.kinds).total() - same
        return (same + like / 2) / most


def find_renames(created: Iterable[Step], orphans: Iterable[Step]) -> Iterator[Rename]:
    """The pairs that may be one workflow under two keys, each workflow in one at most.

    Args:
        created: Steps of workflows that are new.
        orphans: Steps of those that code has no more.
    """
    old = [
        _Looks.of(step, _sent(step.live.definition))
        for step in orphans
        if step.live is not None
    ]
    if not old:
        return
    index = _Index.of(old)
    wanted = [
        _Looks.of(step, step.target.definition)
        for step in created
        if step.target is not None
    ]
    for one in wanted:
        ranked = [
            (one.share(other), one.name == other.name, other)
            for other in index.candidates(one)
        ]
        best = max(ranked, key=lambda found: found[:2], default=None)
        if best is not None and best[0] >= ALIKE:
            index.taken.add(best[2].step.id)
            yield _rename(one.step, best[2].step)


def hold_renames(steps: Sequence[Step], renames: Sequence[Rename]) -> list[Step]:
    """Refuse to create workflows that may be renamed orphans, until that is decided."""
    undecided = {one.key: one.orphan for one in renames if not one.is_decided}
    return [
        evolve(
            step,
            action="refuse",
            lifted_by="create",
            reasons=(
                *step.reasons,
                f"it may be {undecided[step.key]} under another key",
            ),
        )
        if step.key in undecided
        else step
        for step in steps
    ]


def _sent(live: Definition) -> Definition:
    """A live definition without what code did not set."""
    stamp = live.stamp
    if stamp is None or stamp.fields is None:
        return live
    fields = {b.id.lower(): stamp.fields_of(b.id) or frozenset() for b in live.blocks}
    return keep_fields(live, fields)


@frozen
class _Index:
    """Orphans by what points to them, so that many are found as quickly as few.

    Attributes:
        by_name: By title.
        by_block: By a block that they have; blocks of more than `USUAL` tell nothing.
        by_blocks: By all of their blocks.
        taken: Ids of those that are paired.
    """

    by_name: Mapping[str, deque[_Looks]]
    by_block: Mapping[Hashable, deque[_Looks]]
    by_blocks: Mapping[Hashable, deque[_Looks]]
    taken: set[str] = Factory(set)

    @classmethod
    def of(cls, looks: Iterable[_Looks]) -> _Index:
        """Look them up by all three."""
        by_name, by_block, by_blocks = (
            defaultdict[Any, deque[_Looks]](deque) for _ in range(3)
        )
        for one in looks:
            by_name[one.name].append(one)
            by_blocks[frozenset(one.blocks.items())].append(one)
            for block in one.blocks:
                by_block[block].append(one)
        return cls(by_name, by_block, by_blocks)

    def candidates(self, wanted: _Looks) -> Sequence[_Looks]:
        """The orphans that something points to, each once."""
        piles: list[deque[_Looks] | None] = [
            self.by_name.get(wanted.name),
            self.by_blocks.get(frozenset(wanted.blocks.items())),
            *(
                near
                for block in wanted.blocks
                if len(near := self.by_block.get(block, _NOBODY)) <= USUAL
            ),
        ]
        found: dict[str, _Looks] = {}
        for pile in piles:
            for one in self._left(_NOBODY if pile is None else pile):
                found.setdefault(one.step.id, one)
        return [*found.values()]

    def _left(self, pile: deque[_Looks]) -> Iterator[_Looks]:
        """The first of a pile that are in no pair yet."""
        while pile and pile[0].step.id in self.taken:
            pile.popleft()
        for one in islice(pile, USUAL):
            if one.step.id not in self.taken:
                yield one


_NOBODY: Final = deque[_Looks]()


def _rename(new: Step, orphan: Step) -> Rename:
    return Rename(
        new.key, orphan.key, canonical_id(orphan.id), _was(new.path, orphan.path)
    )


def _was(new: str, old: str) -> str | None:
    """What `was=` would be; None where more than the key is another."""
    parts, others = new.split("/"), old.split("/")
    apart = [other for one, other in zip_longest(parts, others) if one != other]
    tag, _, name = (apart[0] or "").partition(":")
    is_key = len(apart) == 1 and tag == "workflow"
    return unquote(name) if is_key else None
