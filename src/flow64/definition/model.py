"""The definition: frozen wire data, made from code, a file or a response.

Its canonical JSON has the same bytes everywhere, and gives its fingerprint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from heapq import heapify, heappop, heappush
from itertools import repeat
from operator import lt
from typing import Any, Final, NamedTuple

from attrs import evolve, field, frozen

from ..diagnostics import Place
from .freezing import EMPTY, FrozenDict, Hidden, Value, digest, rfc8785, thaw
from .ids import Stamp, Tag, canonical_id, split_stamp


class WireBlock(NamedTuple):
    """One block as the service stores it.

    A named tuple, as `Edge` is, because a definition has one for each block: it takes
    half the time of an attrs class to make.

    Attributes:
        id: The block's UUID (`block_id`).
        kind: The kind of block (`block_name`).
        specs: Its settings, frozen; unset fields are absent.
        label: The free-form `block_type`; the service ignores it.
        number: `sequence_number`, from 1 in topological order when computed here.
        extra: Undocumented keys, as they were read.
    """

    id: str
    kind: str
    specs: FrozenDict
    label: str
    number: int
    extra: FrozenDict = EMPTY


class Edge(NamedTuple):
    """Rows flow from one block to another.

    Attributes:
        source: Id of the block that gives rows (`from_block_id`).
        target: Id of the block that takes them (`to_block_id`).
        extra: The reserved `condition`, which the service does not use yet, and
            undocumented keys, as they were read.
    """

    source: str
    target: str
    extra: FrozenDict = EMPTY


@frozen
class Origin:
    """The origin of a block: code, a file, or neither.

    Attributes:
        key: The block's key, or None for a block that was read with a UUID.
        path: Keys from the workflow down, joined by `/`: the name that people use.
        find_place: Returns the place, which takes a while.
        pointer: The JSON pointer, for a block that was read.
        is_default: Whether the key is the block's kind because none was given.
        allowed: Codes of findings that the block silences.
        extra: Names of spec fields passed through `extra=`, which are not judged.
        levels: The paths of its scopes and its own, below the workflow, that ids are
            made from; none if it was read.
    """

    key: str | None = None
    path: str | None = None
    find_place: Callable[[], Place | None] = lambda: None
    pointer: str | None = None
    is_default: bool = False
    allowed: Sequence[str] = ()
    extra: Sequence[str] = ()
    levels: Sequence[str] = ()

    @property
    def place(self) -> Place | None:
        """The user's file and line, for a block written in code."""
        return self.find_place()

    @property
    def where(self) -> str | None:
        """The key path, or the JSON pointer."""
        return self.path or self.pointer


@frozen
class ListedOrigins:
    """The origins of the blocks of a definition, by position in `blocks`.

    Attributes:
        find: Returns the origin at a position; a definition made by hand has none.
        may_allow: Whether one of them may silence a finding.
    """

    find: Callable[[int], Origin] = lambda _: Origin()
    may_allow: bool = True

    def __getitem__(self, position: int) -> Origin:
        return self.find(position)


def order_nodes(
    keys: Sequence[Any], sources: Sequence[int], targets: Sequence[int]
) -> list[int]:
    """Return the nodes in order: of those that are ready, the least key first.

    Nodes on or behind a cycle come last, by key.
    """
    by_key = sorted(range(len(keys)), key=keys.__getitem__)
    rank = positions_in(by_key)
    children: list[list[int]] = [[] for _ in keys]
    waiting = [0] * len(keys)
    for source, target in zip(sources, targets, strict=True):
        children[source].append(target)
        waiting[target] += 1
    ready = [rank[node] for node, count in enumerate(waiting) if not count]
    heapify(ready)
    order: list[int] = []
    while ready:
        node = by_key[heappop(ready)]
        order.append(node)
        for child in children[node]:
            waiting[child] -= 1
            if not waiting[child]:
                heappush(ready, rank[child])
    return order + [node for node in by_key if waiting[node]]


def positions_in(order: Sequence[int]) -> Mapping[int, int]:
    """Return the position of each node in an order."""
    return dict(zip(order, range(len(order)), strict=True))


@frozen(slots=False)  # a cached property of a class with slots takes far longer
class Topology:
    """The kinds of the blocks of a definition, and the edges between them by position.

    The edges are in the order of their sources; dangling ones are left out. Variants of
    one flow share it.

    Attributes:
        kinds: Kind of each block.
        sources: Position of the block that gives rows, for each edge.
        targets: Position of the block that takes them, for each edge.
        memo: A cache for analysis.
    """

    kinds: Sequence[str]
    sources: Sequence[int]
    targets: Sequence[int]
    memo: dict[object, Any] = field(factory=dict, init=False, eq=False, repr=False)

    @classmethod
    def of(
        cls, kinds: Sequence[str], sources: Iterable[int], targets: Iterable[int]
    ) -> Topology:
        """Return the topology of edges in any order, some of which may stand twice."""
        count = len(kinds)
        # As single numbers, which take half the time of pairs.
        ends = zip(sources, targets, strict=True)
        numbers = sorted({source * count + target for source, target in ends})
        starts = [number // count for number in numbers]
        return cls(kinds, starts, [number % count for number in numbers])

    def join(self, ids: Sequence[str]) -> tuple[Edge, ...]:
        """Return the edges of blocks with these ids."""
        sides = [map(ids.__getitem__, side) for side in (self.sources, self.targets)]
        return tuple(map(_new_edge, zip(*sides, repeat(EMPTY))))

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[int]]:
        """Positions of the blocks of each kind."""
        positions: dict[str, list[int]] = {}
        for position, kind in enumerate(self.kinds):
            positions.setdefault(kind, []).append(position)
        return positions

    @cached_property
    def is_forward(self) -> bool:
        """Whether every edge leads to a later block, so that there is no cycle."""
        return all(map(lt, self.sources, self.targets))

    @cached_property
    def parents(self) -> Sequence[Sequence[int]]:
        """For each block, the positions of the blocks that feed it."""
        return self._group(self.targets, self.sources)

    @cached_property
    def children(self) -> Sequence[Sequence[int]]:
        """For each block, the positions of the blocks that it feeds."""
        return self._group(self.sources, self.targets)

    @cached_property
    def fed(self) -> frozenset[int]:
        """Positions of the blocks that another one feeds."""
        return frozenset(self.targets)

    @cached_property
    def roots(self) -> Sequence[int]:
        """Positions of the blocks that nothing feeds."""
        return [at for at in range(len(self.kinds)) if at not in self.fed]

    def find_ancestors(self, position: int) -> set[int]:
        """Return the positions of all blocks before one."""
        ancestors: set[int] = set()
        todo = [*self.parents[position]]
        while todo:
            at = todo.pop()
            if at not in ancestors:
                ancestors.add(at)
                todo += self.parents[at]
        return ancestors

    @cached_property
    def order(self) -> Sequence[int]:
        """Positions in a topological order; blocks on a cycle come last, as written."""
        if self.is_forward:
            return range(len(self.kinds))
        return order_nodes(range(len(self.kinds)), self.sources, self.targets)

    @property
    def has_cycle(self) -> bool:
        """Whether rows run in a circle."""
        rank = positions_in(self.order)
        pairs = zip(self.sources, self.targets, strict=True)
        return any(rank[source] >= rank[target] for source, target in pairs)

    def _group(self, by: Sequence[int], ends: Sequence[int]) -> list[list[int]]:
        groups: list[list[int]] = [[] for _ in range(len(self.kinds))]
        for position, end in zip(by, ends, strict=True):
            groups[position].append(end)
        return groups


_new_edge: Final = partial(tuple.__new__, Edge)  # the call that a named tuple makes


@frozen(slots=False)  # as above
class Definition:
    """A workflow as data: the form that is read, checked, compared and sent.

    Equality, JSON and fingerprint are those of the wire data. `stamp`, `path` and
    `origins` say where it came from, and take no part in them.

    Attributes:
        name: The title (`workflow_name`, in responses `name`).
        description: The description without its stamp.
        blocks: In the order in which they are written.
        edges: In the order in which they are written.
        id: The workflow's id, or None if a file gave none.
        extra: Undocumented keys of the body, as they were read.
        graph_extra: Undocumented keys of the graph, as they were read.
        stamp: The stamp of the description that was read, if it had one.
        path: The path that `id` was computed from; None for an id that was read.
        present: Project, workflow and variant as they are called now, if it is code.
        origins: The origin of each block.
        allowed: Codes of findings that the whole workflow silences.
        is_answer: Whether it was read from a response of the service.
        is_described: Whether a body that was read has a `workflow_description`.
        is_key_derived: Whether the workflow's key is made from its title.
        place: The place in code, or the file of JSON, if it has one.
        listed: The service's own list of blocks, a `LiveCatalogue`, if rules are to
            believe it.
        schedules: The text of each schedule by its name; None if nothing tells.
        shape: Its topology, if the compiler has made it.
        rules: The severity of findings in its project, by code; `ignore` leaves a
            finding out. Only checks go by it.
        memo: A cache for analysis, for the lifetime of the definition.
    """

    name: str
    description: str
    blocks: tuple[WireBlock, ...] = field(repr=lambda blocks: f"<{len(blocks)}>")
    edges: tuple[Edge, ...] = field(repr=lambda edges: f"<{len(edges)}>")
    id: str | None = None
    extra: FrozenDict = EMPTY
    graph_extra: FrozenDict = EMPTY
    stamp: Stamp | None = field(default=None, eq=False)
    path: str | None = field(default=None, eq=False, repr=False)
    present: Sequence[tuple[Tag, str]] = field(default=(), eq=False, repr=False)
    origins: ListedOrigins = field(factory=ListedOrigins, eq=False, repr=False)
    allowed: frozenset[str] = field(default=frozenset(), eq=False, repr=False)
    is_answer: bool = field(default=False, eq=False, repr=False)
    is_described: bool = field(default=True, eq=False, repr=False)
    is_key_derived: bool = field(default=False, eq=False, repr=False)
    place: Place | None = field(default=None, eq=False, repr=False)
    listed: Any = field(default=None, eq=False, repr=False)
    schedules: Mapping[str, str] | None = field(default=None, eq=False, repr=False)
    shape: Topology | None = field(default=None, eq=False, repr=False)
    rules: Mapping[str, Any] = field(default=EMPTY, eq=False, repr=False)
    memo: dict[object, Any] = field(factory=dict, init=False, eq=False, repr=False)

    def of_kind(self, *kinds: str) -> Iterator[tuple[int, WireBlock]]:
        """Yield the blocks of some kinds with their positions, kind by kind."""
        for kind in kinds:
            for position in self.by_kind.get(kind, ()):
                yield position, self.blocks[position]

    def map_specs(self, change: Callable[[WireBlock], FrozenDict]) -> Definition:
        """Return a definition with other specs: those that a function gives a block."""
        blocks = [block._replace(specs=change(block)) for block in self.blocks]
        return evolve(self, blocks=tuple(blocks))

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[int]]:
        """Positions of the blocks of each kind."""
        return self.topology.by_kind

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each block id; the first position of a repeated id."""
        ids = [block.id for block in self.blocks]
        return dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))

    @cached_property
    def topology(self) -> Topology:
        """The kinds of the blocks, and the edges between them by position."""
        if self.shape is not None and len(self.shape.kinds) == len(self.blocks):
            return self.shape
        at = self.index
        edges = [edge for edge in self.edges if edge.source in at and edge.target in at]
        return Topology.of(
            [block.kind for block in self.blocks],
            [at[edge.source] for edge in edges],
            [at[edge.target] for edge in edges],
        )


def as_body(
    definition: Definition, values: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the create body as plain dicts, keys in the order of the documents.

    Args:
        definition: The definition.
        values: Content to fill in by name, for the request itself. Without them, values
            stay unbound.
    """

    def fill(item: Any) -> Any:
        if values is None or type(item) is not Value:
            return _show(item)
        return thaw(values[item.name])

    body: dict[str, Any] = thaw(body_of(definition), fill)
    return body


def dumps(definition: Definition, *, indent: int | None = 2) -> str:
    """Return the canonical text, with one newline at the end.

    Args:
        indent: Spaces for each level; None writes it compact, which is much faster.
    """
    encoder = _COMPACT if indent is None else json.JSONEncoder(indent=indent, **_FORM)
    return encoder.encode(body_of(definition)) + "\n"


def body_of(definition: Definition) -> dict[str, Any]:
    """Return the create body around the frozen data, keys in the documents' order."""
    blocks: list[dict[str, Any]] = [
        {
            "block_id": block_id,
            "sequence_number": number,
            "block_type": label,
            "block_name": kind,
            "specs": specs,
            **extra,
        }
        for block_id, kind, specs, label, number, extra in definition.blocks
    ]
    edges: list[dict[str, Any]] = [
        {"from_block_id": source, "to_block_id": target, **extra}
        for source, target, extra in definition.edges
    ]
    graph = {"blocks": blocks, "edges": edges, **definition.graph_extra}
    body: dict[str, Any] = {
        "workflow_name": definition.name,
        "workflow_description": definition.description,
        "workflow_definition": graph,
    }
    if definition.id is not None:
        body["id"] = definition.id
    return body | definition.extra


def _show(value: Any) -> Any:
    return value.as_data() if type(value) in (Value, Hidden) else value


# What is frozen holds no circle.
_FORM: Any = {"ensure_ascii": False, "allow_nan": False, "check_circular": False}
_FORM["default"] = _show
_COMPACT: Final = json.JSONEncoder(separators=(",", ":"), **_FORM)


# -- Fingerprints ----------------------------------------------------------------------


def meaning(definition: Definition) -> dict[str, Any]:
    """Reduce a definition to its meaning: without order, numbers and labels."""
    description, _ = split_stamp(definition.description)
    blocks: dict[str, Any] = {}
    for block in definition.blocks:
        data = {"kind": block.kind, "specs": thaw(block.specs, _show)}
        blocks.setdefault(canonical_id(block.id), []).append(data)
    for block_id, copies in blocks.items():
        # Two with one id are faulty, and yet no block may be lost from sight.
        blocks[block_id] = sorted(copies, key=rfc8785) if copies[1:] else copies[0]
    return {
        "name": definition.name,
        "description": description,
        "blocks": blocks,
        "edges": sorted({_edge(edge) for edge in definition.edges}, key=rfc8785),
    }


def fingerprint(definition: Definition) -> str:
    """Return 64 hex digits. They are equal if two definitions mean the same.

    It is the bound fingerprint if the plain values are filled in. Secrets are names in
    both, so neither tells anything about them.
    """
    return digest(meaning(definition))


def _edge(edge: Edge) -> tuple[str, ...]:
    ends = (canonical_id(edge.source), canonical_id(edge.target))
    condition = edge.extra.get("condition")
    return ends if condition is None else (*ends, condition)
