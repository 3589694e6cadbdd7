"""Renames: similar orphans of new workflows, and blocks that lose their id."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any, Final
from urllib.parse import unquote

from attrs import Factory, evolve, frozen

from ..definition import Definition, Tag, canonical_id, drop_env, id_of, path_of
from ..plan import Rename, Step, Target, format_rename_reason
from ._drift import keep_fields

ALIKE: Final = 0.5
"""Least share of blocks that two workflows have in common, from 0 to 1."""

USUAL: Final = 8
"""Most orphans with a block for that block to point to them."""


@frozen
class _Profile:
    """The parts of a workflow that are compared. Ids are not.

    Attributes:
        step: The step of the workflow.
        blocks: Kind and specs of each block.
        kinds: Kind of each block.
        name: The title.
    """

    step: Step
    blocks: Counter[Hashable]
    kinds: Counter[str]
    name: str

    @classmethod
    def of(cls, step: Step, definition: Definition) -> _Profile:
        """Return the profile of a definition."""
        blocks = Counter[Hashable]((b.kind, b.specs) for b in definition.blocks)
        kinds = Counter(block.kind for block in definition.blocks)
        return cls(step, blocks, kinds, definition.name)

    def share(self, other: _Profile) -> float:
        """Return how similar two are, from 0 to 1. Blocks of one kind count half."""
        most = max(self.blocks.total(), other.blocks.total(), 1)
        same = (self.blocks & other.blocks).total()
        like = (self.kinds & other.kinds).total() - same
        return (same + like / 2) / most


def find_renames(created: Iterable[Step], orphans: Iterable[Step]) -> Sequence[Rename]:
    """Find pairs that may be one workflow under two keys. No orphan is in two pairs.

    If several orphans fit equally, none of them is chosen: the result names them all.

    Args:
        created: Steps of new workflows.
        orphans: Steps of workflows that are no longer in the code.
    """
    old = [
        _Profile.of(step, _managed_part(step.live.definition))
        for step in orphans
        if step.live is not None
    ]
    if not old:
        return []
    index = _Index.of(old)
    wanted = [
        _Profile.of(step, step.target.definition)
        for step in created
        if step.target is not None
    ]
    found: dict[str, Rename] = {}
    # Some that fit equally at first are taken by others, so these are looked at again.
    for is_last in (False, True):
        for one in wanted:
            best = [] if one.step.key in found else _find_best(one, index)
            if len(best) == 1:
                index.taken.add(best[0].step.id)
            if len(best) == 1 or (best and is_last):
                found[one.step.key] = _rename(one.step, best)
    return [found[one.step.key] for one in wanted if one.step.key in found]


def _find_best(wanted: _Profile, index: _Index) -> Sequence[_Profile]:
    """Return the orphan that fits best, or several that fit equally."""
    ranks: dict[tuple[float, bool], list[_Profile]] = defaultdict(list)
    for other in index.candidates(wanted):
        if (share := wanted.share(other)) >= ALIKE:
            ranks[share, wanted.name == other.name].append(other)
    return ranks[max(ranks)] if ranks else []


def hold_renames(steps: Sequence[Step], renames: Sequence[Rename]) -> list[Step]:
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


def _managed_part(live: Definition) -> Definition:
    """Return a live definition without the fields that code did not set."""
    stamp = live.stamp
    if stamp is None or stamp.fields is None:
        return live
    fields = {b.id.lower(): stamp.fields_of(b.id) or frozenset() for b in live.blocks}
    return keep_fields(live, fields)


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
                found.setdefault(one.step.id, one)
        return [*found.values()]

    def _left(self, pile: deque[_Profile]) -> Iterator[_Profile]:
        """Yield the first orphans of a pile that have no pair."""
        while pile and pile[0].step.id in self.taken:
            pile.popleft()
        for one in islice(pile, USUAL):
            if one.step.id not in self.taken:
                yield one


_NO_ORPHANS: Final = deque[_Profile]()


def _rename(new: Step, best: Sequence[_Profile]) -> Rename:
    orphan, *others = (one.step for one in best)
    was = [_find_was(new.path, one.step.path) for one in best]
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
    tag, _, name = (apart[0] or "").partition(":")
    is_key = len(apart) == 1 and tag == "workflow"
    return unquote(name) if is_key else None


# -- Blocks ----------------------------------------------------------------------------


def describe_lost_renames(target: Target, live: Definition) -> Iterator[str]:
    """Describe the blocks that should keep the id of a live block, and do not.

    These are blocks that are not live and have an id other than that of their key.

    Args:
        target: The wanted workflow.
        live: What the service has.
    """
    code = target.definition
    there = {canonical_id(block.id) for block in live.blocks}
    gone = there - {canonical_id(block.id) for block in code.blocks}
    above = drop_env(target.stamp.path)
    for position, block in enumerate(code.blocks):
        origin = code.origins[position]
        if canonical_id(block.id) in there or not (origin.key and origin.path):
            continue
        scopes = origin.path.split("/")[:-1]
        own = _id_by(above, scopes, origin.key)
        if "/" in origin.key or own == canonical_id(block.id):
            continue
        is_near = _id_by(above, scopes, block.kind) in gone  # by its default key
        meant = f'; did you mean was="{block.kind}"?' if is_near else ""
        yield (
            f"block {origin.path} was to keep the id of another, and its was= or its "
            f"pin names none that is there{meant}"
        )


def _id_by(above: str, scopes: Sequence[str], key: str) -> str:
    """Return the id of a block with a key inside of some scopes."""
    segments: list[tuple[Tag, str]] = [("scope", name) for name in scopes]
    return id_of(f"{above}/{path_of([*segments, ('block', key)])}")
