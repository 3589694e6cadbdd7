"""Which block is which: by id, by key, and by kind and content."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final, TypeAlias, TypeVar

from attrs import Factory, frozen

from ..definition import Definition, canonical_id, rfc8785, thaw
from ._reading import Reading

_Key = TypeVar("_Key", bound=Hashable)
Groups: TypeAlias = dict[Any, list[int]]
"""Positions of blocks by what they have in common, in order."""


@frozen
class Matching:
    """Pairs of blocks by their positions, and those that have no partner.

    Attributes:
        pairs: Position now by position before.
        removed: Positions before of blocks that are there no more.
        added: Positions now of blocks that were not there.
    """

    pairs: dict[int, int]
    removed: Sequence[int]
    added: Sequence[int]


@frozen(eq=False)
class Side:
    """One of two definitions, as matching sees it.

    Attributes:
        definition: Whose blocks are matched.
        reading: When two contents are the same.
        free: Positions of the blocks that have no partner yet.
        paths: The key paths that were asked for, by position: to work one out is dear.
        texts: The contents that were asked for, by position.
    """

    definition: Definition
    reading: Reading
    free: set[int] = Factory(set)
    paths: dict[int, str | None] = Factory(dict)
    texts: dict[int, str] = Factory(dict)

    def path(self, at: int) -> str | None:
        """The key path of a block, if it is known."""
        if at not in self.paths:
            self.paths[at] = self.definition.origins.path(at)
        return self.paths[at]

    @cached_property
    def ids(self) -> Sequence[str]:
        """The ids of the blocks, as they are compared."""
        return [canonical_id(block.id) for block in self.definition.blocks]

    @cached_property
    def depths(self) -> Sequence[int]:
        """How many blocks stand before each one at most."""
        topology = self.definition.topology
        found = [0] * topology.count
        for at in topology.order:
            for child in topology.children[at]:
                found[child] = max(found[child], found[at] + 1)
        return found

    def kind(self, at: int) -> str:
        """The kind of a block."""
        return self.definition.blocks[at].kind

    def in_flow(self) -> list[int]:
        """The free blocks in the order of the flow, however they are written."""
        return sorted(self.free, key=lambda at: (self.depths[at], at))

    def by_key(self) -> Groups:
        """The free blocks that have a key, by their key path."""
        found = _grouped((self.path(at), at) for at in sorted(self.free))
        found.pop(None, None)
        return found

    def by_kind(self) -> Groups:
        """The free blocks by their kind."""
        return _grouped((self.kind(at), at) for at in self.in_flow())

    def by_content(self, *, at_depth: bool = False) -> Groups:
        """The free blocks by kind and content, and by their depth if that is asked."""
        return _grouped(
            ((self.kind(at), self.text(at), self.depths[at] if at_depth else 0), at)
            for at in self.in_flow()
        )

    def text(self, at: int) -> str:
        """The content of a block as text."""
        if at not in self.texts:
            specs = self.definition.blocks[at].specs
            self.texts[at] = self.reading.content(specs)
        return self.texts[at]

    def by_field(self) -> Groups:
        """The free blocks by each field they set, and each name inside of one."""
        return _grouped(
            ((self.kind(at), *field), at)
            for at in sorted(self.free)
            for field in self._fields(at)
        )

    def _fields(self, at: int) -> Iterator[tuple[str, ...]]:
        for name, value in self.definition.blocks[at].specs.items():
            yield "value", name, self.reading.content(value)
            if isinstance(value, dict):
                for inner in value:
                    yield "member", name, inner

    def by_twin(self, twins: frozenset[str]) -> Groups:
        """The blocks whose id stands twice, by id, kind and content."""
        return _grouped(
            ((block_id, self.kind(at), self._form(at)), at)
            for at, block_id in enumerate(self.ids)
            if block_id in twins
        )

    def _form(self, at: int) -> bytes:
        """The form that a fingerprint has, so that no two equal blocks are told."""
        specs = self.definition.blocks[at].specs
        return rfc8785(thaw(specs, lambda item: thaw(self.reading.plain(item))))


def matching(before: Side, after: Side) -> Matching:
    """Match the blocks of two definitions: each has at most one partner."""
    old, new = before.ids, after.ids
    index = {block_id: at for at, block_id in enumerate(new)}
    is_plain = len(index) == len(new) and len(set(old)) == len(old)
    twins = frozenset[str]() if is_plain else _twins(old) | _twins(new)
    pairs = {
        at: index[block_id]
        for at, block_id in enumerate(old)
        if block_id in index and block_id not in twins
    }
    if twins:
        pairs.update(_in_order(before.by_twin(twins), after.by_twin(twins)))
    taken = set(pairs.values())
    gone = [at for at in range(len(old)) if at not in pairs]
    come = [at for at in range(len(new)) if at not in taken]
    # A block whose id stands twice is not renamed: its id would say too little.
    before.free.update(at for at in gone if old[at] not in twins)
    after.free.update(at for at in come if new[at] not in twins)
    if before.free and after.free:
        _Search(before, after, pairs).run()
        taken = set(pairs.values())
    return Matching(
        pairs,
        [at for at in gone if at not in pairs],
        [at for at in come if at not in taken],
    )


def _twins(ids: Sequence[str]) -> frozenset[str]:
    return frozenset(block_id for block_id, n in Counter(ids).items() if n > 1)


@frozen(eq=False)
class _Search:
    """The search for partners of blocks whose ids differ.

    Attributes:
        before: Where they stood.
        after: Where they stand now.
        pairs: The pairs that are known; the search adds to them.
    """

    before: Side
    after: Side
    pairs: dict[int, int]

    def run(self) -> None:
        """Look by ever weaker signs, and after each along the edges."""
        before, after = self.before, self.after
        self._join(_unique(before.by_key(), after.by_key()))
        # All of them once; later each pair is looked around when it is made.
        self._spread(list(self.pairs.items()))
        self._leave_strangers()
        for look in _LOOKS:
            if not before.free or not after.free:
                return
            self._spread(self._join(look(before, after)))

    def _join(self, found: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
        """Make those pairs of which both blocks are free, and say which."""
        made: list[tuple[int, int]] = []
        for one, other in found:
            if one in self.before.free and other in self.after.free:
                self.before.free.discard(one)
                self.after.free.discard(other)
                self.pairs[one] = other
                made.append((one, other))
        return made

    def _spread(self, made: list[tuple[int, int]]) -> None:
        """Follow the edges: alone of its kind beside the same block is the same."""
        old, new = self.before.definition.topology, self.after.definition.topology
        ways = (old.parents, new.parents), (old.children, new.children)
        for one, other in made:
            if not self.before.free or not self.after.free:
                return
            for ones, others in ways:
                near = _near(self.before, ones[one]), _near(self.after, others[other])
                made += self._join(_unique(*near))

    def _leave_strangers(self) -> None:
        """Look no further at kinds that only one side has left."""
        sides = self.before, self.after
        left, right = ({side.kind(at) for at in side.free} for side in sides)
        for side in sides:
            strangers = {at for at in side.free if side.kind(at) in left ^ right}
            side.free.difference_update(strangers)


def _near(side: Side, neighbours: Iterable[int]) -> Groups:
    """The free ones of some neighbours by kind."""
    return _grouped((side.kind(at), at) for at in neighbours if at in side.free)


# -- Signs, the surest first -----------------------------------------------------------


def _alone_in_content(before: Side, after: Side) -> Iterator[tuple[int, int]]:
    """Of a kind and content that stand once on each side."""
    return _unique(before.by_content(), after.by_content())


def _alone_in_kind(before: Side, after: Side) -> Iterator[tuple[int, int]]:
    """What is left alone of a kind on each side."""
    pairs = _unique(before.by_kind(), after.by_kind())
    return _not_told_apart(before, after, pairs)


def _as_often(before: Side, after: Side) -> Iterator[tuple[int, int]]:
    """Of a kind and content that stand as often on each side, in order."""
    return _as_many(before.by_content(), after.by_content())


def _at_depth(before: Side, after: Side) -> Iterator[tuple[int, int]]:
    """Of a kind and content, and with as many blocks before them."""
    return _in_order(before.by_content(at_depth=True), after.by_content(at_depth=True))


def _most_in_common(before: Side, after: Side) -> Iterator[tuple[int, int]]:
    """Blocks of a kind with the most fields in common that no others have."""
    votes = Counter(_unique(before.by_field(), after.by_field()))
    ranked = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    return (pair for pair, _ in ranked)


def _same_content(before: Side, after: Side) -> Iterator[tuple[int, int]]:
    """Of a kind and content, in order, as far as they go."""
    return _in_order(before.by_content(), after.by_content())


def _as_many_of_a_kind(before: Side, after: Side) -> Iterator[tuple[int, int]]:
    """What is left of a kind, in order, if as much is left on both sides."""
    pairs = _as_many(before.by_kind(), after.by_kind())
    return _not_told_apart(before, after, pairs)


_LOOKS: Final = (
    _alone_in_content,
    _alone_in_kind,
    _as_often,
    _at_depth,
    _most_in_common,
    _same_content,
    _as_many_of_a_kind,
)


def _not_told_apart(
    before: Side, after: Side, pairs: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Pairs less those of which people gave each a key of its own.

    Two that have nothing but the kind in common, and other keys, are two blocks.
    """
    for one, other in pairs:
        if before.path(one) is None or after.path(other) is None:
            yield one, other


def _grouped(pairs: Iterable[tuple[_Key, int]]) -> dict[_Key, list[int]]:
    found: dict[_Key, list[int]] = {}
    for key, at in pairs:
        found.setdefault(key, []).append(at)
    return found


def _unique(left: Groups, right: Groups) -> Iterator[tuple[int, int]]:
    """The pairs of what is called the same and stands once on each side."""
    for key, ones in left.items():
        others = right.get(key, [])
        if len(ones) == len(others) == 1:
            yield ones[0], others[0]


def _as_many(left: Groups, right: Groups) -> Iterator[tuple[int, int]]:
    """The pairs, in order, of what is called the same and stands as often on each."""
    for key, ones in left.items():
        others = right.get(key, [])
        if len(ones) == len(others):
            yield from zip(ones, others, strict=True)


def _in_order(left: Groups, right: Groups) -> Iterator[tuple[int, int]]:
    """The pairs of what is called the same, as many as both sides have."""
    for key, ones in left.items():
        yield from zip(ones, right.get(key, ()), strict=False)
