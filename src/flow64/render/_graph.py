"""The graph to draw: of one definition, or of two with the changes marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, Literal, TypeAlias

from attrs import define, evolve, field, frozen

from ..analysis import effects, lineage
from ..blocks import Effect
from ..definition import (
    Definition,
    Topology,
    WireBlock,
    canonical_id,
)
from ..diff import (
    BlockAdded,
    BlockMoved,
    BlockRemoved,
    BlockRenamed,
    Change,
    FieldAdded,
    FieldChange,
    FieldChanged,
    FieldRemoved,
    KindChanged,
    ListChanged,
    diff,
    format_path,
)
from ._layout import Label, name_blocks

ChangeMark: TypeAlias = Literal[
    "unchanged", "added", "removed", "changed", "moved", "broken"
]
"""The change of a block or an edge. In a single definition all are unchanged. A broken
block reads a column that no block before it adds any more."""

SIGNS: Final[Mapping[ChangeMark, str]] = {
    "unchanged": "",
    "added": "+",
    "removed": "-",
    "changed": "~",
    "moved": ">",
    "broken": "!",
}
"""The sign of a mark, as in the lines of a diff."""


@frozen
class GraphNode:
    """A block to draw.

    Attributes:
        id: Its id now, or before if it is gone.
        label: Its name.
        mark: Its change; `changed` also if it moved too.
        rows: The row kind that leaves it, if that is known.
        effects: Its effects beyond its rows.
        is_moved: Whether it stands at another place of the flow.
        has_new_id: Whether it had another id before.
        was: Its old name, if it has another one now.
        fields: The changes of its fields, each after `+`, `-`, `~` or `>`.
    """

    id: str
    kind: str
    label: Label
    mark: ChangeMark
    rows: str | None
    effects: frozenset[Effect]
    is_moved: bool = False
    has_new_id: bool = False
    was: str | None = None
    fields: Sequence[str] = ()

    @property
    def sign(self) -> str:
        """The sign of its mark; `~>` if it changed and moved."""
        if self.mark == "changed" and self.is_moved:
            return SIGNS["changed"] + SIGNS["moved"]
        return SIGNS[self.mark]

    @property
    def is_spending(self) -> bool:
        """Whether it is documented to cost money, at each run or when it is created."""
        return not self.effects.isdisjoint(("spends", "spends-on-create"))

    @property
    def is_outside(self) -> bool:
        """Whether a run leaves something outside that stays."""
        return not self.effects.isdisjoint(("writes-outside", "creates-storage"))


@frozen
class GraphLink:
    """An edge to draw, by the positions of its nodes.

    Attributes:
        mark: Its change; `changed` if it has another condition.
    """

    source: int
    target: int
    mark: ChangeMark = "unchanged"


@frozen
class Graph:
    """Blocks and edges to draw.

    Attributes:
        name: The title of the workflow.
        nodes: The blocks in the order of the flow. A removed block keeps its place.
        links: The edges, one for each pair of nodes.
        is_compared: Whether it is made of two definitions.
        lost: The number of edges to blocks that do not exist.
    """

    name: str
    nodes: Sequence[GraphNode]
    links: Sequence[GraphLink]
    is_compared: bool = False
    lost: int = 0

    @cached_property
    def topology(self) -> Topology:
        """The links as a topology. That of two definitions may have cycles."""
        return Topology(
            sources=[link.source for link in self.links],
            targets=[link.target for link in self.links],
            count=len(self.nodes),
            is_forward=all(link.source < link.target for link in self.links),
        )


def graph_of(definition: Definition) -> Graph:
    """Return one definition as a graph to draw."""
    topology = definition.topology
    pairs = sorted({*zip(topology.sources, topology.targets, strict=True)})
    return Graph(
        definition.name,
        _make_nodes(definition),
        [GraphLink(source, target) for source, target in pairs],
        lost=len(definition.edges) - len(topology.sources),
    )


def graph_between(
    before: Definition | None,
    after: Definition | None,
    changes: Iterable[Change] | None = None,
) -> Graph:
    """Return two definitions as one graph, with the changes marked.

    Args:
        before: The definition before the changes, if there was one.
        after: The definition with the changes, if there is one.
        changes: The result of `diff`, if it is already known.
    """
    old = _EMPTY if before is None else before
    new = _EMPTY if after is None else after
    by_block = _BlockChanges.of(diff(old, new) if changes is None else changes)
    partners, removed = _match_nodes(old, new, by_block)
    then, now = _make_nodes(old), _make_nodes(new)
    order = _merge_orders(partners, removed, len(old.blocks))
    nodes: list[GraphNode] = []
    for was, at in order:
        if at is None:
            nodes.append(evolve(then[was or 0], mark="removed"))
        elif was is None:
            nodes.append(evolve(now[at], mark="added"))
        else:
            nodes.append(_merge_nodes(old, new, was, at, then[was], now[at], by_block))
    olds = {was: place for place, (was, _) in enumerate(order) if was is not None}
    news = {at: place for place, (_, at) in enumerate(order) if at is not None}
    return Graph(
        (old if after is None else new).name,
        nodes,
        _compare_links(_collect_joints(old, olds), _collect_joints(new, news)),
        is_compared=True,
        lost=len(new.edges) - len(new.topology.sources),
    )


def mark_broken(graph: Graph, reads: Mapping[str, Sequence[str]]) -> Graph:
    """Return a graph in which blocks with broken reads are marked.

    Args:
        graph: The graph of two definitions.
        reads: The columns that a block reads and no block before it adds any more, by
            its id in lower case.
    """
    nodes: list[GraphNode] = []
    for node in graph.nodes:
        broken = () if node.mark == "removed" else reads.get(canonical_id(node.id), ())
        fields = [*(f"!reads {column}" for column in broken), *node.fields]
        made = evolve(node, mark="broken", fields=fields) if broken else node
        nodes.append(made)
    return evolve(graph, nodes=nodes)


_EMPTY: Final = Definition("", "", (), ())


def _make_nodes(definition: Definition) -> Sequence[GraphNode]:
    done: dict[int, list[Effect]] = {}
    for touch in effects(definition).touches:
        for at in touch.positions:
            done.setdefault(at, []).append(touch.effect)
    stages = lineage(definition)
    return [
        GraphNode(
            definition.blocks[at].id,
            str(definition.blocks[at].kind),
            label,
            "unchanged",
            stages[at].rows,
            frozenset(done.get(at, ())),
        )
        for at, label in enumerate(name_blocks(definition))
    ]


# -- Two in one ------------------------------------------------------------------------


@define
class _BlockChanges:
    """Changes by the id of their block.

    Attributes:
        added: New blocks. An id has several if it is repeated.
        removed: Blocks that are gone.
        renamed: The old id by the new id.
        fields: The changes of the fields of a block.
        moved: Blocks that stand at another place.
    """

    added: dict[str, list[WireBlock]] = field(factory=dict)
    removed: dict[str, list[WireBlock]] = field(factory=dict)
    renamed: dict[str, str] = field(factory=dict)
    fields: dict[str, list[str]] = field(factory=dict)
    moved: set[str] = field(factory=set)

    @classmethod
    def of(cls, changes: Iterable[Change]) -> _BlockChanges:
        """Sort changes by block."""
        found = cls()
        for change in changes:
            found.take(change)
        return found

    def take(self, change: Change) -> None:
        """Add one change of a block. Edges are compared separately."""
        match change:
            case BlockAdded(block=block, wire=wire):
                self.added.setdefault(canonical_id(block.id), []).append(wire)
            case BlockRemoved(block=block, wire=wire):
                self.removed.setdefault(canonical_id(block.id), []).append(wire)
            case BlockRenamed(block=block, before=before):
                self.renamed[canonical_id(block.id)] = canonical_id(before.id)
            case BlockMoved(block=block):
                self.moved.add(canonical_id(block.id))
            case KindChanged(block=block, before=kind):
                self._differs(block.id, f"was {kind}")
            case FieldAdded() | FieldRemoved() | FieldChanged() | ListChanged():
                for what in _describe_field(change):
                    self._differs(change.block.id, what)
            case _:
                pass

    def _differs(self, block_id: str, what: str) -> None:
        found = self.fields.setdefault(canonical_id(block_id), [])
        if what not in found:
            found.append(what)


def _describe_field(change: FieldChange) -> Sequence[str]:
    """Return the change of a field with its sign, or only its name if that is long."""
    lines = [*change.describe()]
    match change:
        case FieldAdded(path=path) | FieldRemoved(path=path):
            found = [f"{line.sign}{format_path(path)}" for line in lines[:1]]
        case _:
            found = [f"{line.sign}{str(line)[2:]}" for line in lines]
    if all(len(text) <= MOST_FIELD for text in found):
        return found
    name = str(change.path[0]) if change.path else "specs"
    return [f"~{name}"]


MOST_FIELD: Final = 40
"""The most characters of a change of a field in a picture."""


def _match_nodes(
    old: Definition, new: Definition, changes: _BlockChanges
) -> tuple[Mapping[int, int | None], Sequence[int]]:
    """Return the partner before of each block now, and the blocks that are gone."""
    gone = _find_positions(old, changes.removed)
    come = _find_positions(new, changes.added)
    waiting: dict[str, list[int]] = {}
    for at in range(len(old.blocks) - 1, -1, -1):
        if at not in gone:
            waiting.setdefault(canonical_id(old.blocks[at].id), []).append(at)
    partners: dict[int, int | None] = {}
    for at, block in enumerate(new.blocks):
        block_id = canonical_id(block.id)
        left = waiting.get(changes.renamed.get(block_id, block_id))
        partners[at] = left.pop() if left and at not in come else None
    return partners, sorted(gone.union(*waiting.values()))


def _find_positions(
    definition: Definition, named: Mapping[str, list[WireBlock]]
) -> set[int]:
    """Return the positions of blocks that are added or removed.

    If an id is repeated, the blocks with the same kind and content are meant.
    """
    places: dict[str, list[int]] = {}
    for at, block in enumerate(definition.blocks):
        block_id = canonical_id(block.id)
        if block_id in named:
            places.setdefault(block_id, []).append(at)
    picked: set[int] = set()
    for block_id, positions in places.items():
        wanted = named[block_id]
        # Blocks with other content come last.
        positions.sort(key=lambda at: definition.blocks[at] not in wanted)
        picked.update(positions[: len(wanted)])
    return picked


def _merge_orders(
    partners: Mapping[int, int | None], removed: Sequence[int], count: int
) -> Sequence[tuple[int | None, int | None]]:
    """Return positions before and now in the order of the flow.

    A block that is gone comes after the block that it followed.
    """
    going = set(removed)
    behind: dict[int | None, list[int]] = {}
    last: int | None = None
    for was in range(count):
        if was in going:
            behind.setdefault(last, []).append(was)
        else:
            last = was
    order: list[tuple[int | None, int | None]] = [
        (was, None) for was in behind.get(None, ())
    ]
    for at, partner in partners.items():
        order.append((partner, at))
        if partner is not None:
            order += [(was, None) for was in behind.get(partner, ())]
    return order


def _merge_nodes(  # noqa: PLR0917 - two sides of everything
    old: Definition,
    new: Definition,
    was: int,
    at: int,
    then: GraphNode,
    now: GraphNode,
    changes: _BlockChanges,
) -> GraphNode:
    """Return the node of a block that is on both sides."""
    block_id = canonical_id(now.id)
    is_moved = block_id in changes.moved
    has_new_id = block_id in changes.renamed
    old_path, new_path = old.origins.path(was), new.origins.path(at)
    label, other = now.label, None
    if new_path is None and old_path is not None:
        kind = str(new.blocks[at].kind)
        name = then.label.name
        label = Label(
            then.label.scopes, name, "" if name == kind else kind, now.label.shape
        )
    elif has_new_id and None is not old_path != new_path:
        other = then.label.path
    fields = changes.fields.get(block_id, ())
    is_changed = bool(fields) or other is not None
    mark: ChangeMark = "changed" if is_changed else "moved" if is_moved else "unchanged"
    return evolve(
        now,
        label=label,
        mark=mark,
        is_moved=is_moved,
        has_new_id=has_new_id,
        was=other,
        fields=tuple(fields),
    )


_Joints: TypeAlias = dict[tuple[int, int], set[str | None]]
"""The conditions of the edges between each pair of nodes."""


def _collect_joints(definition: Definition, places: Mapping[int, int]) -> _Joints:
    found: _Joints = {}
    index = definition.index
    for edge in definition.edges:
        if edge.source in index and edge.target in index:
            pair = places[index[edge.source]], places[index[edge.target]]
            found.setdefault(pair, set()).add(edge.condition)
    return found


def _compare_links(then: _Joints, now: _Joints) -> Sequence[GraphLink]:
    links: list[GraphLink] = []
    for pair in sorted(then.keys() | now.keys()):
        mark: ChangeMark = "unchanged"
        if pair not in then:
            mark = "added"
        elif pair not in now:
            mark = "removed"
        elif then[pair] != now[pair]:
            mark = "changed"
        links.append(GraphLink(*pair, mark))
    return links
