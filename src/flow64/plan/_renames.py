"""Find workflows that may be renamed: new ones like others that are not in the code.

A plan compares the code with the service. A review of two folders compares both.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any, Final
from urllib.parse import unquote

from attrs import Factory, evolve, frozen

from ..definition import Definition, canonical_id
from ._model import Rename, Step
from ._reasons import format_rename_reason

ALIKE: Final = 0.5
"""Least share of blocks that two workflows have in common, from 0 to 1."""

USUAL: Final = 8
"""Most orphans with a block for that block to point to them."""


@frozen
class NamedDefinition:
    """A workflow that is new, or no longer in the code.

    Attributes:
        key: Its key.
        path: The path that its id was computed from. Empty if that is not known.
        definition: Its definition.
    """

    key: str
    path: str
    definition: Definition

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.definition.id)


@frozen
class _Profile:
    """The parts of a workflow that are compared. Ids are not.

    Attributes:
        of: The workflow.
        blocks: Kind and specs of each block.
        kinds: Kind of each block.
        name: The title.
    """

    of: NamedDefinition
    blocks: Counter[Hashable]
    kinds: Counter[str]
    name: str

    @classmethod
    def make(cls, one: NamedDefinition) -> _Profile:
        """Return the profile of a workflow."""
        definition = one.definition
        blocks = Counter[Hashable]((b.kind, b.specs) for b in definition.blocks)
        kinds = Counter(block.kind for block in definition.blocks)
        return cls(one, blocks, kinds, definition.name)

    def share(self, other: _Profile) -> float:
        """Return how similar two are, from 0 to 1. Blocks of one kind count half."""
        most = max(self.blocks.total(), other.blocks.total(), 1)
        same = (self.blocks & other.blocks).total()
        like = (self.kinds & other.kinds).total() - same
        return (same + like / 2) / most


def find_renames(
    created: Iterable[NamedDefinition], orphans: Iterable[NamedDefinition]
) -> Sequence[Rename]:
    """Find pairs that may be one workflow under two keys. No orphan is in two pairs.

    If several orphans fit equally, none of them is chosen: the result names them all.

    Args:
        created: New workflows.
        orphans: Workflows that are no longer in the code, without unmanaged fields.
    """
    old = [*map(_Profile.make, orphans)]
    if not old:
        return []
    index = _Index.of(old)
    wanted = [*map(_Profile.make, created)]
    found: dict[str, Rename] = {}
    # Some that fit equally at first are taken by others, so these are looked at again.
    for is_last in (False, True):
        for one in wanted:
            best = [] if one.of.key in found else _find_best(one, index)
            if len(best) == 1:
                index.taken.add(best[0].of.id)
            if len(best) == 1 or (best and is_last):
                found[one.of.key] = _rename(one.of, best)
    return [found[one.of.key] for one in wanted if one.of.key in found]


def _find_best(wanted: _Profile, index: _Index) -> Sequence[_Profile]:
    """Return the orphan that fits best, or several that fit equally."""
    ranks: dict[tuple[float, bool], list[_Profile]] = defaultdict(list)
    for other in index.candidates(wanted):
        if (share := wanted.share(other)) >= ALIKE:
            ranks[share, wanted.name == other.name].append(other)
    return ranks[max(ranks)] if ranks else []


def hold_renames(steps: Sequence[Step], renames: Sequence[Rename]) -> Sequence[Step]:
    """Refuse to create workflows that may be renamed orphans, until that is decided."""
    undecided = {one.key: one for one in renames if not one.is_decided}
    return [
        evolve(
            step,
            action="refuse",
            lifted_by="create",
            reasons=(*step.reasons, format_rename_reason(undecided[step.key])),
        )
        if step.key in undecided
        else step
        for step in steps
    ]


@frozen
class _Index:
    """Finds similar orphans, with a time that does not grow with their number.

    Attributes:
        by_name: Orphans by title.
        by_block: Orphans by one of their blocks.
        by_blocks: Orphans by all of their blocks.
        taken: Ids of orphans that have a pair.
    """

    by_name: Mapping[str, deque[_Profile]]
    by_block: Mapping[Hashable, deque[_Profile]]
    by_blocks: Mapping[Hashable, deque[_Profile]]
    taken: set[str] = Factory(set)

    @classmethod
    def of(cls, looks: Iterable[_Profile]) -> _Index:
        """Return an index of orphans."""
        by_name, by_block, by_blocks = (
            defaultdict[Any, deque[_Profile]](deque) for _ in range(3)
        )
        for one in looks:
            by_name[one.name].append(one)
            by_blocks[frozenset(one.blocks.items())].append(one)
            for block in one.blocks:
                by_block[block].append(one)
        return cls(by_name, by_block, by_blocks)

    def candidates(self, wanted: _Profile) -> Sequence[_Profile]:
        """Return the orphans that may be similar, each once."""
        piles: list[deque[_Profile] | None] = [
            self.by_name.get(wanted.name),
            self.by_blocks.get(frozenset(wanted.blocks.items())),
            *(
                near
                for block in wanted.blocks
                if len(near := self.by_block.get(block, _NO_ORPHANS)) <= USUAL
            ),
        ]
        found: dict[str, _Profile] = {}
        for pile in piles:
            for one in self._left(_NO_ORPHANS if pile is None else pile):
                found.setdefault(one.of.id, one)
        return [*found.values()]

    def _left(self, pile: deque[_Profile]) -> Iterator[_Profile]:
        """Yield the first orphans of a pile that have no pair."""
        while pile and pile[0].of.id in self.taken:
            pile.popleft()
        for one in islice(pile, USUAL):
            if one.of.id not in self.taken:
                yield one


_NO_ORPHANS: Final = deque[_Profile]()


def _rename(new: NamedDefinition, best: Sequence[_Profile]) -> Rename:
    orphan, *others = (one.of for one in best)
    was = [_find_was(new.path, one.of.path) for one in best]
    return Rename(
        new.key,
        orphan.key,
        canonical_id(orphan.id),
        None if None in was else was[0],
        others=tuple(one.key for one in others),
    )


def _find_was(new: str, old: str) -> str | None:
    """Return the argument for `was=`. None if more than the key differs."""
    parts, others = new.split("/"), old.split("/")
    apart = [other for one, other in zip_longest(parts, others) if one != other]
    if len(apart) != 1:  # both are unknown, or more differs than the key
        return None
    tag, _, name = (apart[0] or "").partition(":")
    return unquote(name) if tag == "workflow" else None
