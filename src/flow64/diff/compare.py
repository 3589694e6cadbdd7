"""The paths in which two definitions differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from attrs import Factory, frozen

from ..blocks import CATALOGUE, facts_of
from ..definition import EMPTY, Definition, fingerprint, rfc8785
from .facts import (
    ANY,
    MISSING,
    UNKNOWN,
    Facts,
    Marker,
    Path,
    Side,
    flatten,
    name_blocks,
)
from .matching import find_moved_blocks, match_blocks

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
    """

    before: Side | None
    after: Side | None
    changes: Mapping[Path, Change] = Factory(dict)
    old_names: Mapping[str, str] = Factory(dict)

    @property
    def is_equal(self) -> bool:
        """Whether both mean the same."""
        return not self.changes


def compare_definitions(
    before: Definition | None,
    after: Definition | None,
    prices: Mapping[str, float] = EMPTY,
) -> Comparison:
    """Compare two definitions, either of which may be missing.

    Args:
        before: The earlier one.
        after: The later one.
        prices: Dollars a row by kind, in place of those that are documented.
    """
    if before is None or after is None:
        old = None if before is None else flatten(before, None, prices)
        new = None if after is None else flatten(after, None, prices)
        differences = compare_facts(old.facts if old else {}, new.facts if new else {})
        return Comparison(old, new, {change.path: change for change in differences})
    names = name_blocks(after)
    if _mean_the_same(before, after):
        new = flatten(after, names, prices)
        return Comparison(new, new)
    pairs = match_blocks(before, after)
    own_names = name_blocks(before)
    old_names = _take_names(own_names, names, pairs)
    old, new = flatten(before, old_names, prices), flatten(after, names, prices)
    differences = compare_facts(old.facts, new.facts)
    changes = {change.path: _add_default(change, old, new) for change in differences}
    changes |= _find_moves(old, new, pairs, changes)
    renamed = {names[new]: own_names[old] for old, new in pairs.items()}
    was = {name: own for name, own in renamed.items() if name != own}
    return Comparison(old, new, changes, was)


def compare_facts(before: Facts, after: Facts) -> list[Change]:
    """Return the paths that differ, in the order of the later side.

    What one side does not have is unknown there if it may have any others.
    """
    changes: list[Change] = []
    for path in {**after, **before}:
        old, new = _find(before, path), _find(after, path)
        if not _is_same(old, new):
            changes.append(Change(path, old, new))
    return changes


def _find(facts: Facts, path: Path) -> Any:
    value = facts.get(path, MISSING)
    if value is MISSING and path[0] in ("inputs", "output"):
        return UNKNOWN if (path[0], ANY) in facts else MISSING
    return value


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, str) and isinstance(new, str):
        return old == new
    if old is new:
        return True
    if isinstance(old, Marker) or isinstance(new, Marker):
        return False
    try:  # as JSON: 1 and 1.0 are the same, 1 and true are not
        return rfc8785(old) == rfc8785(new)
    except (TypeError, ValueError):  # of a definition with errors
        return repr(old) == repr(new)


def _mean_the_same(before: Definition, after: Definition) -> bool:
    try:
        return fingerprint(before) == fingerprint(after)
    except (TypeError, ValueError):  # of a definition with errors
        return False


def _take_names(
    own_names: Sequence[str], names: Sequence[str], pairs: Mapping[int, int]
) -> list[str]:
    """Return names for the earlier side: those of the later one, of the same blocks."""
    used = {*names}
    chosen: list[str] = []
    for at, name in enumerate(own_names):
        if at in pairs:
            name = names[pairs[at]]  # noqa: PLW2901 - the name that the block has now
        else:
            while name in used:
                name += " (old)"  # noqa: PLW2901 - until no other block has it
            used.add(name)
        chosen.append(name)
    return chosen


def _add_default(change: Change, before: Side, after: Side) -> Change:
    """Add the documented default of a field that is set on one side alone."""
    head, *parts = change.path
    sides = (change.before, change.after)
    if head != "block" or len(parts) != 2 or MISSING not in sides:
        return change
    name, field = parts
    kind = after.facts.get(("block", name))
    cls = CATALOGUE.get(str(kind))
    if cls is None or before.facts.get(("block", name)) != kind:
        return change
    fact = facts_of(cls).get(str(field))
    if fact is None or fact.confidence not in ("D", "D1") or fact.default is None:
        return change
    return Change(change.path, *sides, default=fact.default)


def _find_moves(
    old: Side,
    new: Side,
    pairs: Mapping[int, int],
    changes: Mapping[Path, Change],
) -> dict[Path, Change]:
    """Return the blocks that stand at another place, with their neighbours."""
    if not any(path[0] == "edge" for path in changes):
        return {}
    topologies = old.definition.topology, new.definition.topology
    positions = find_moved_blocks(*topologies, pairs)
    partners = {new: old for old, new in pairs.items()}
    moves: dict[Path, Change] = {}
    for at in sorted(positions):
        sides = ((old, partners[at]), (new, at))
        before, after = (side.neighbours[side.names[place]] for side, place in sides)
        if before != after:
            path: Path = ("moved", new.names[at])
            moves[path] = Change(path, before, after)
    return moves
