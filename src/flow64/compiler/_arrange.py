"""From a graph back to `>>`: chains, lists and side branches.

A graph is reduced step by step. Two blocks make a chain if the first feeds only the
second and nothing else feeds the second. Blocks with the same inputs and outputs form a
list. If neither is left, a dead end becomes a side branch of the block that feeds it.
If several parts remain, they are written as several chains that name the same blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from ..definition import Topology
from ..dsl import Block, Flow, Parallel, Series, Tap, as_flow

Form: TypeAlias = Literal["block", "chain", "list", "tap"]

MAIN: Final = 2
"""Blocks by which one of several dead ends is longer than the rest."""


@frozen(eq=False)
class FlowPart:
    """A flow as it will be written, made of smaller ones.

    Attributes:
        members: Its parts in reading order; empty for a block.
        scope: The scope that all its blocks share.
        at: Position of its first block in the definition.
        size: Number of blocks.
        height: Levels of chains, lists and side branches.
        block: The block, if it is one.
    """

    form: Form
    flow: Flow[Any, Any]
    members: tuple[FlowPart, ...]
    scope: tuple[str, ...]
    at: int
    size: int = 1
    height: int = 0
    block: Block | None = None


def leaf(block: Block, scope: tuple[str, ...], at: int) -> FlowPart:
    """Return the part of a block in its scope."""
    flow = as_flow(block)
    for name in reversed(scope):
        flow = flow.scoped(name)
    return FlowPart("block", flow, (), scope, at, block=block)


def chain(
    parts: Sequence[FlowPart], whole: AbstractSet[FlowPart] = frozenset()
) -> FlowPart:
    """Join parts one after another; chains among them are flattened.

    Args:
        whole: Parts that are not flattened.
    """
    members = _flat("chain", parts, whole)
    flow = members[0].flow
    for member in members[1:]:
        flow = Series(flow, member.flow)
    return _enclose("chain", flow, members)


def side_by_side(
    parts: Iterable[FlowPart], whole: AbstractSet[FlowPart] = frozenset()
) -> FlowPart:
    """Put parts side by side, the first of the definition first."""
    members = _flat("list", sorted(parts, key=_at), whole)
    return _enclose("list", Parallel(tuple(one.flow for one in members)), members)


def side_branch(part: FlowPart) -> FlowPart:
    """Return a part that rows enter and also pass."""
    return _enclose("tap", Tap(part.flow), (part,))


def arrange_parts(
    leaves: Sequence[FlowPart], topology: Topology
) -> tuple[FlowPart, ...]:
    """Return the graph of some blocks as chains: a single one if possible.

    Args:
        leaves: The blocks, by position.
        topology: Their edges, without a cycle.
    """
    graph = _Reduction(leaves, topology)
    while graph.join_chains() or graph.join_alike() or graph.join_dead_ends():
        pass
    return graph.chains()


def _flat(
    form: Form, parts: Iterable[FlowPart], whole: AbstractSet[FlowPart]
) -> tuple[FlowPart, ...]:
    """Return parts, with those of the same form replaced by their members."""
    found: list[FlowPart] = []
    for part in parts:
        is_open = part.form == form and part not in whole
        found += part.members if is_open else (part,)
    return tuple(found)


def _enclose(
    form: Form, flow: Flow[Any, Any], members: tuple[FlowPart, ...]
) -> FlowPart:
    scope = members[0].scope
    for member in members[1:]:
        pairs = zip(scope, member.scope, strict=False)
        same = [a == b for a, b in pairs]
        scope = scope[: same.index(False) if False in same else len(same)]
    return FlowPart(
        form,
        flow,
        members,
        scope,
        at=min(map(_at, members)),
        size=sum(one.size for one in members),
        height=1 + max(one.height for one in members),
    )


def _at(part: FlowPart) -> int:
    return part.at


class _Reduction:
    """A graph of parts that becomes smaller.

    Attributes:
        parts: The parts that are left.
        ins: The parts that feed each part.
        outs: The parts that each part feeds.
    """

    def __init__(self, leaves: Sequence[FlowPart], topology: Topology) -> None:
        self.parts: dict[int, FlowPart] = {at: leaves[at] for at in topology.order}
        self.ins = {at: set(topology.parents[at]) for at in self.parts}
        self.outs = {at: set(topology.children[at]) for at in self.parts}

    def join_chains(self) -> bool:
        """Join each part with the next one if no other edge is involved."""
        heads = [
            at
            for at in self.parts
            if self._next(at) is not None and not self._is_inside(at)
        ]
        for head in heads:
            line = [head]
            while (follower := self._next(line[-1])) is not None:
                line.append(follower)
            self._replace(head, chain([self.parts[at] for at in line]))
            self.outs[head] = self.outs[line[-1]]
            for at in self.outs[head]:
                self.ins[at] = self.ins[at] - {line[-1]} | {head}
            for at in line[1:]:
                self._drop(at)
        return bool(heads)

    def join_alike(self) -> bool:
        """Join parts with the same inputs and outputs."""
        groups: dict[tuple[frozenset[int], frozenset[int]], list[int]] = {}
        for at in self.parts:
            if self.ins[at] or self.outs[at]:
                ends = frozenset(self.ins[at]), frozenset(self.outs[at])
                groups.setdefault(ends, []).append(at)
        alike = [group for group in groups.values() if len(group) > 1]
        for group in alike:
            self._join_group(group)
        return bool(alike)

    def join_dead_ends(self) -> bool:
        """Make dead ends a side branch of the part that feeds them."""
        branches: dict[int, list[int]] = {}
        for at in self.parts:
            if not self.outs[at] and len(self.ins[at]) == 1:
                branches.setdefault(min(self.ins[at]), []).append(at)
        for owner, ends in branches.items():
            self._tap(owner, ends)
        return bool(branches)

    def chains(self) -> tuple[FlowPart, ...]:
        """Return the remaining joins as chains that name the same parts."""
        groups: dict[frozenset[int], list[int]] = {}
        for at in self.parts:
            if self.outs[at]:
                groups.setdefault(frozenset(self.outs[at]), []).append(at)
        steps = {
            tuple(sorted(sources)): tuple(sorted(targets))
            for targets, sources in groups.items()
        }
        # A chain goes on with what begins where it ends; no two end in one place.
        ends_of_some = {*steps.values()}
        lines = [[sources] for sources in steps if sources not in ends_of_some]
        for line in lines:
            while (ends := steps.get(line[-1])) is not None:
                line.append(ends)
        named = Counter(at for line in lines for ends in line for at in ends)
        shared = {self.parts[at] for at, times in named.items() if times > 1}
        alone = [self.parts[at] for at in self.parts if at not in named]
        chains = [self._line(line, shared) for line in lines]
        return tuple(sorted([*alone, *chains], key=_at))

    def _line(self, line: Sequence[tuple[int, ...]], shared: set[FlowPart]) -> FlowPart:
        """Return a chain; parts that other chains share stay whole."""
        found: list[FlowPart] = []
        for ends in line:
            parts = [self.parts[at] for at in ends]
            found.append(parts[0] if len(parts) == 1 else side_by_side(parts, shared))
        return chain(found, shared)

    def _next(self, at: int) -> int | None:
        """Return the only part that a part feeds, if nothing else feeds it."""
        if len(self.outs[at]) != 1:
            return None
        (follower,) = self.outs[at]
        return follower if len(self.ins[follower]) == 1 else None

    def _is_inside(self, at: int) -> bool:
        """Return True if a part is the next one of another."""
        if len(self.ins[at]) != 1:
            return False
        (before,) = self.ins[at]
        return len(self.outs[before]) == 1

    def _join_group(self, group: list[int]) -> None:
        """Join similar parts to a list, or to one with the rest as side branches."""
        first = group[0]
        longest = max(group, key=lambda at: self.parts[at].size)
        others = [at for at in group if at != longest]
        rest = sum(self.parts[at].size for at in others)
        is_end = not self.outs[first] and len(self.ins[first]) == 1
        if is_end and self.parts[longest].size >= rest + MAIN:
            self._tap(min(self.ins[first]), others)
            return
        self._replace(first, side_by_side(self.parts[at] for at in group))
        for at in group[1:]:
            self._drop(at)

    def _tap(self, owner: int, ends: list[int]) -> None:
        """Make dead ends side branches of the part that feeds them."""
        parts = sorted((self.parts[at] for at in ends), key=_at)
        taps = [side_branch(part) for part in parts]
        self._replace(owner, chain([self.parts[owner], *taps]))
        for at in ends:
            self._drop(at)

    def _replace(self, at: int, part: FlowPart) -> None:
        self.parts[at] = part

    def _drop(self, at: int) -> None:
        """Remove a part that is inside another one now."""
        del self.parts[at]
        for before in self.ins.pop(at):
            self.outs.get(before, set()).discard(at)
        for after in self.outs.pop(at):
            self.ins.get(after, set()).discard(at)
