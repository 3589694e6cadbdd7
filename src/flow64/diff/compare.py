"""The blocks that two definitions share, and the paths in which they differ."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from attrs import Factory, evolve, frozen

from ..blocks import CATALOGUE, facts_of
from ..definition import EMPTY, canonical_id, fingerprint, rfc8785
from ..definition.model import Definition, ListedOrigins, Origin
from .facts import (
    ANY,
    MISSING,
    UNKNOWN,
    DefinitionFacts,
    Facts,
    Marker,
    Path,
    flatten,
    name_blocks,
)

if TYPE_CHECKING:
    from .replay import Replay

Mark: TypeAlias = Callable[[Definition, int], Hashable]
"""Returns what identifies a block, or None."""

IsClear: TypeAlias = Callable[[int, int], bool]
"""Whether so many blocks with one mark can be paired with so many, in order."""


def match_blocks(
    before: Definition, after: Definition, ids: Mapping[str, str] = EMPTY
) -> Mapping[int, int]:
    """Return the position after by the position before, of blocks that are the same.

    Blocks are the same by id, by key path, by content, by their neighbours, and at last
    by kind. Each step takes time in proportion to blocks and edges.

    Args:
        before: The earlier side.
        after: The later side.
        ids: Other ids for blocks of the later side, by those that they have.
    """

    def mark_id(definition: Definition, at: int) -> Hashable:
        block_id = canonical_id(definition.blocks[at].id)
        return ids.get(block_id, block_id) if definition is after else block_id

    pairing = _Pairing(before, after)
    pairing.pair(mark_id, lambda *_: True)
    for mark, is_clear in _STEPS:
        pairing.pair(mark, is_clear)
        pairing.follow_edges()
    return pairing.pairs


def _mark_content(definition: Definition, at: int) -> Hashable:
    block = definition.blocks[at]
    return block.kind, repr(sorted(block.specs.items()))


_STEPS: Final[Sequence[tuple[Mark, IsClear]]] = (
    (lambda definition, at: definition.origins[at].path, lambda a, b: a == b == 1),
    (_mark_content, lambda a, b: a == b == 1),
    (_mark_content, lambda a, b: a == b),
    (lambda definition, at: definition.blocks[at].kind, lambda a, b: a == b),
    (_mark_content, lambda *_: True),
)


@frozen
class _Pairing:
    """A search for partners.

    Attributes:
        pairs: Position after by position before.
        taken: Positions after that have a partner.
        todo: Pairs with neighbours that were not looked at yet.
    """

    before: Definition
    after: Definition
    pairs: dict[int, int] = Factory(dict[int, int])
    taken: set[int] = Factory(set[int])
    todo: list[tuple[int, int]] = Factory(list[tuple[int, int]])

    def pair(self, mark: Mark, is_clear: IsClear) -> None:
        """Pair the blocks that have the same mark, in the order of the flow."""
        olds = (at for at in self.before.topology.order if at not in self.pairs)
        news = (at for at in self.after.topology.order if at not in self.taken)
        others = _group(news, lambda at: mark(self.after, at))
        for key, ours in _group(olds, lambda at: mark(self.before, at)).items():
            theirs = others.get(key, [])
            if is_clear(len(ours), len(theirs)):
                for old, new in zip(ours, theirs, strict=False):
                    self._join(old, new)

    def follow_edges(self) -> None:
        """Pair the only free neighbours of a kind, of blocks that are the same."""
        before, after = self.before.topology, self.after.topology
        ways = (before.parents, after.parents), (before.children, after.children)
        while self.todo and len(self.pairs) < len(self.before.blocks):
            pair = self.todo.pop()
            for ours, theirs in ways:
                free = (at for at in ours[pair[0]] if at not in self.pairs)
                olds = _group(free, lambda at: self.before.blocks[at].kind)
                free = (at for at in theirs[pair[1]] if at not in self.taken)
                news = _group(free, lambda at: self.after.blocks[at].kind)
                for kind, ours_of_kind in olds.items():
                    others = news.get(kind, [])
                    if len(ours_of_kind) == len(others) == 1:
                        self._join(ours_of_kind[0], others[0])

    def _join(self, old: int, new: int) -> None:
        self.pairs[old] = new
        self.taken.add(new)
        self.todo.append((old, new))


def _group(
    positions: Iterable[int], mark: Callable[[int], Hashable]
) -> dict[Hashable, list[int]]:
    groups: dict[Hashable, list[int]] = {}
    for at in positions:
        groups.setdefault(mark(at), []).append(at)
    groups.pop(None, None)
    return groups


Sign: TypeAlias = Literal["+", "-", "!"]


@frozen
class Change:
    """A path with another value.

    Attributes:
        before: The value before; `MISSING` if the path was not there.
        after: The value after; `MISSING` if the path is not there.
        default: What the service takes if the field is not there, as far as documented.
    """

    path: Path
    before: Any
    after: Any
    default: Any = MISSING

    @property
    def sign(self) -> Sign:
        """`+` for a path that came, `-` for one that went, `!` for another value."""
        if self.default is MISSING and self.before is MISSING:
            return "+"
        return "-" if self.default is MISSING and self.after is MISSING else "!"


@frozen
class Comparison:
    """Two definitions, and the paths in which they differ.

    Attributes:
        before: The earlier side, with the names of the later one.
        after: The later side.
        changes: The differences by path, in the order of the later side.
        old_names: The name before of each block that had another one.
        replay: What the change does with the rows of a run, if one was named.
    """

    before: DefinitionFacts | None
    after: DefinitionFacts | None
    changes: Mapping[Path, Change] = Factory(dict)
    old_names: Mapping[str, str] = Factory(dict)
    replay: Replay | None = None

    @property
    def is_equal(self) -> bool:
        """Whether both mean the same."""
        return not self.changes


def compare_definitions(
    before: Definition | None,
    after: Definition | None,
    prices: Mapping[str, float] = EMPTY,
) -> Comparison:
    """Compare two definitions. One of them may be missing.

    Args:
        before: The earlier one.
        after: The later one.
        prices: Dollars a row by kind, in place of those that are documented.
    """
    if before is None or after is None:
        old, new = (flatten(s, None, prices) if s else None for s in (before, after))
        facts = (side.facts if side else {} for side in (old, new))
        return Comparison(old, new, compare_facts(*facts))
    names, own_names = name_blocks(after), name_blocks(before)
    has_schedules = None not in (before.schedules, after.schedules)
    has_same_times = not has_schedules or before.schedules == after.schedules
    if has_same_times and _mean_the_same(before, after):
        new = flatten(after, names, prices)
        return Comparison(new, new)
    pairs = match_blocks(before, after)
    old_names = _take_names(own_names, names, pairs)
    news = {new: old for old, new in pairs.items()}
    before, after = _judge_as(before, after, pairs), _judge_as(after, before, news)
    old, new = flatten(before, old_names, prices), flatten(after, names, prices)
    changes = {
        path: _add_default(change, old, new)
        for path, change in compare_facts(old.facts, new.facts).items()
        if has_schedules or path[0] != "schedule"
    }
    if any(path[0] == "edge" for path in changes):
        changes |= _find_moves(old, new)
    renamed = {names[new]: own_names[old] for old, new in pairs.items()}
    was = {name: own for name, own in renamed.items() if name != own}
    return Comparison(old, new, changes, was)


def compare_facts(before: Facts, after: Facts) -> dict[Path, Change]:
    """Return the paths that differ, in the order of the later side.

    What one side does not have is unknown there if it may have any others.
    """
    paths = dict.fromkeys([*after, *before])
    sides = ((path, _find(before, path), _find(after, path)) for path in paths)
    return {side[0]: Change(*side) for side in sides if not is_same(*side[1:])}


def _find(facts: Facts, path: Path) -> Any:
    is_open = path[0] in ("inputs", "output") and (path[0], ANY) in facts
    return facts.get(path, UNKNOWN if is_open else MISSING)


def is_same(old: Any, new: Any) -> bool:
    """Return whether two values are the same JSON."""
    if old is new:
        return True
    if isinstance(old, str | Marker) or isinstance(new, str | Marker):
        return bool(old == new)
    try:  # as JSON: 1 and 1.0 are the same, 1 and true are not
        return rfc8785(old) == rfc8785(new)
    except (TypeError, ValueError):  # of a definition with errors
        return repr(old) == repr(new)


def _mean_the_same(before: Definition, after: Definition) -> bool:
    try:
        return fingerprint(before) == fingerprint(after)
    except (TypeError, ValueError):  # of a definition with errors
        return False


def _judge_as(
    own: Definition, other: Definition, pairs: Mapping[int, int]
) -> Definition:
    """Return what was read, with the findings silenced that its code silences."""
    if not pairs or own.origins[0].levels or not other.origins[0].levels:
        return own

    def find(at: int) -> Origin:
        origin = own.origins[at]
        code = other.origins[pairs[at]] if at in pairs else Origin()
        return evolve(origin, allowed=origin.allowed or code.allowed, extra=code.extra)

    allowed = own.allowed or other.allowed
    judged = evolve(own, origins=ListedOrigins(find), allowed=allowed)
    return evolve(judged, listed=other.listed, rules=other.rules)


def _take_names(
    own_names: Sequence[str], names: Sequence[str], pairs: Mapping[int, int]
) -> list[str]:
    """Return names for the earlier side: those of the later one, of the same blocks."""
    used = {*names}
    chosen: list[str] = []
    for at, own_name in enumerate(own_names):
        name = names[pairs[at]] if at in pairs else own_name
        while at not in pairs and name in used:
            name += " (old)"
        used.add(name)
        chosen.append(name)
    return chosen


def _add_default(
    change: Change, before: DefinitionFacts, after: DefinitionFacts
) -> Change:
    """Add the documented default of a field that is set on one side alone."""
    head, *parts = change.path
    if head != "block" or len(parts) != 2 or change.sign == "!":
        return change
    path, field = ("block", parts[0]), str(parts[1])
    kind = after.facts.get(path)
    cls = CATALOGUE.get(str(kind)) if before.facts.get(path) == kind else None
    fact = facts_of(cls).get(field) if cls else None
    default = fact.default if fact and fact.confidence in ("D", "D1") else None
    return change if default is None else evolve(change, default=default)


def _find_moves(old: DefinitionFacts, new: DefinitionFacts) -> dict[Path, Change]:
    """Return the blocks that stand between others, with their neighbours.

    What comes and goes beside a block does not move it, and neither does a block that
    moves itself.
    """
    moves: dict[Path, Change] = {}
    free = {*old.names} & {*new.names}
    above, below = set[str](), set[str]()  # the neighbours of those that moved
    for name in (name for name in new.names if name in free):
        sides = before, after = old.neighbours[name], new.neighbours[name]
        lost, added = (
            free.intersection(parents).difference(above if name in below else ())
            | free.intersection(children).difference(below if name in above else ())
            for parents, children in sides
        )
        is_between = all(
            a != b and {*a}.isdisjoint(b) for a, b in zip(*sides, strict=True)
        )
        if lost and added and is_between:
            moves["moved", name] = Change(("moved", name), before, after)
            free.remove(name)
            above.update(before[0], after[0])
            below.update(before[1], after[1])
    return moves
