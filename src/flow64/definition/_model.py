"""The definition: frozen wire data, made from code, a file or a response."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol, overload

from attrs import evolve, field, frozen

from ..diagnostics import Place
from ._frozen import EMPTY, FrozenDict
from ._stamp import Stamp


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
        extra: `condition` and undocumented keys, as they were read.
    """

    source: str
    target: str
    extra: FrozenDict = EMPTY

    @property
    def condition(self) -> str | None:
        """The reserved `condition`, which the service does not use yet."""
        found: str | None = self.extra.get("condition")
        return found


@frozen
class Origin:
    """The origin of a block: code, a file, or neither.

    Attributes:
        key: The block's key, or None for a block that was read with a UUID.
        path: Keys from the workflow down, joined by `/`: the name that people use.
        place: The user's file and line, for a block written in code.
        pointer: The JSON pointer, for a block that was read.
        is_default: Whether the key is the block's kind because none was given.
        allowed: Codes of findings that the block silences.
        extra: Names of spec fields passed through `extra=`, which are not judged.
    """

    key: str | None = None
    path: str | None = None
    place: Place | None = None
    pointer: str | None = None
    is_default: bool = False
    allowed: Sequence[str] = ()
    extra: Sequence[str] = ()

    @property
    def where(self) -> str | None:
        """The key path, or the JSON pointer."""
        return self.path or self.pointer


class Origins(Protocol):
    """The origins of the blocks of a definition, by position in `blocks`."""

    def __getitem__(self, position: int, /) -> Origin:
        """Return the origin of the block at a position."""

    def path(self, position: int, /) -> str | None:
        """Return its path alone, which costs less."""

    def silenced_codes(self) -> Iterable[tuple[int, Sequence[str]]]:
        """Yield the positions of blocks that silence codes, with the codes."""


@frozen
class ListedOrigins:
    """Origins in a list, in the order of the blocks."""

    origins: Sequence[Origin]

    def __getitem__(self, position: int) -> Origin:
        return self.origins[position]

    def path(self, position: int) -> str | None:
        """Return the path of the block at a position."""
        return self.origins[position].path

    def silenced_codes(self) -> Iterable[tuple[int, Sequence[str]]]:
        """Yield the positions of blocks that silence codes, with the codes."""
        for position, origin in enumerate(self.origins):
            if origin.allowed:
                yield position, origin.allowed


class Unknown:
    """Origins of a definition that was made by hand."""

    def __getitem__(self, position: int) -> Origin:
        return Origin()

    def path(self, position: int) -> str | None:  # noqa: ARG002 - it knows of none
        """Return None."""
        return None

    def silenced_codes(self) -> Iterable[tuple[int, Sequence[str]]]:
        return ()


@frozen
class Topology:
    """The edges of a definition by position of its blocks, without dangling ones.

    Attributes:
        sources: Position of the block that gives rows, for each edge.
        targets: Position of the block that takes them, for each edge.
        count: Number of blocks.
        is_forward: Whether every edge leads to a later block, so that there is no
            cycle, and edges are in the order of their sources.
    """

    sources: Sequence[int]
    targets: Sequence[int]
    count: int
    is_forward: bool

    @cached_property
    def parents(self) -> Sequence[Sequence[int]]:
        """For each block, the positions of the blocks that feed it."""
        return self._group(self.targets, self.sources)

    @cached_property
    def children(self) -> Sequence[Sequence[int]]:
        """For each block, the positions of the blocks that it feeds."""
        return self._group(self.sources, self.targets)

    @cached_property
    def roots(self) -> Sequence[int]:
        """Positions of the blocks that nothing feeds."""
        fed = set(self.targets)
        return [position for position in range(self.count) if position not in fed]

    def find_ancestors(self, position: int) -> set[int]:
        """Return the positions of all blocks before one."""
        found: set[int] = set()
        todo = [*self.parents[position]]
        while todo:
            at = todo.pop()
            if at not in found:
                found.add(at)
                todo += self.parents[at]
        return found

    @cached_property
    def order(self) -> Sequence[int]:
        """Positions in a topological order; blocks on a cycle come last, as written."""
        if self.is_forward:
            return range(self.count)
        waiting = [len(parents) for parents in self.parents]
        ready = [i for i, n in enumerate(waiting) if not n]
        for position in ready:
            for child in self.children[position]:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        seen = set(ready)
        return [*ready, *(i for i in range(self.count) if i not in seen)]

    def _group(self, by: Sequence[int], ends: Sequence[int]) -> list[list[int]]:
        groups: list[list[int]] = [[] for _ in range(self.count)]
        for position, end in zip(by, ends, strict=True):
            groups[position].append(end)
        return groups


@frozen(eq=False, repr=False)
class JoinedEdges(Sequence[Edge]):
    """Edges given by the positions of their blocks; an `Edge` is made when it is read.

    Lowering makes these: a graph has many edges, and most are only written as text. All
    ids that lowering makes are UUIDs.
    """

    ids: Sequence[str]
    topology: Topology

    def __len__(self) -> int:
        return len(self.topology.sources)

    @overload
    def __getitem__(self, at: int) -> Edge: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Edge, ...]: ...
    def __getitem__(self, at: int | slice) -> Edge | tuple[Edge, ...]:
        """One edge, or a tuple of some."""
        if isinstance(at, slice):
            return tuple(self)[at]
        ids, topology = self.ids, self.topology
        return Edge(ids[topology.sources[at]], ids[topology.targets[at]])

    def __iter__(self) -> Iterator[Edge]:
        ids, topology = self.ids, self.topology
        for source, target in zip(topology.sources, topology.targets, strict=True):
            yield Edge(ids[source], ids[target])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, JoinedEdges | tuple):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other))  # noqa: B905 - of one length

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@frozen
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
        origins: The origin of each block.
        allowed: Codes of findings that the whole workflow silences.
        is_answer: Whether it was read from a response of the service.
        is_key_derived: Whether the workflow's key is made from its title.
        place: The place in code, or the file of JSON, if it has one.
        listed: The service's own list of blocks, a `LiveCatalogue`, if rules are to
            believe it.
        rules: The severity of findings in its project, by code; `ignore` leaves a
            finding out. Only checks go by it.
    """

    name: str
    description: str
    blocks: tuple[WireBlock, ...] = field(repr=lambda blocks: f"<{len(blocks)}>")
    edges: Sequence[Edge] = field(repr=lambda edges: f"<{len(edges)}>")
    id: str | None = None
    extra: FrozenDict = EMPTY
    graph_extra: FrozenDict = EMPTY
    stamp: Stamp | None = field(default=None, eq=False)
    path: str | None = field(default=None, eq=False, repr=False)
    origins: Origins = field(factory=Unknown, eq=False, repr=False)
    allowed: frozenset[str] = field(default=frozenset(), eq=False, repr=False)
    is_answer: bool = field(default=False, eq=False, repr=False)
    is_key_derived: bool = field(default=False, eq=False, repr=False)
    place: Place | None = field(default=None, eq=False, repr=False)
    listed: Any = field(default=None, eq=False, repr=False)
    rules: Mapping[str, Any] = field(default=EMPTY, eq=False, repr=False)

    def of_kind(self, *kinds: str) -> Iterator[tuple[int, WireBlock]]:
        """Yield the blocks of some kinds with their positions, kind by kind."""
        for kind in kinds:
            for position in self.by_kind.get(kind, ()):
                yield position, self.blocks[position]

    def map_specs(self, change: Callable[[WireBlock], FrozenDict]) -> Definition:
        """Return a definition with other specs: those that a function gives a block."""
        made = (block._replace(specs=change(block)) for block in self.blocks)
        return evolve(self, blocks=tuple(made))

    @cached_property
    def memo(self) -> dict[object, Any]:
        """A cache for analysis, for the lifetime of the definition."""
        return {}

    @cached_property
    def by_kind(self) -> Mapping[str, Sequence[int]]:
        """Positions of the blocks of each kind."""
        found: dict[str, list[int]] = {}
        for position, block in enumerate(self.blocks):
            found.setdefault(block.kind, []).append(position)
        return found

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Position of each block id; the first position of a repeated id."""
        ids = [block.id for block in self.blocks]
        return dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))

    @property
    def topology(self) -> Topology:
        """The edges by position of their blocks."""
        edges = self.edges
        if isinstance(edges, JoinedEdges):
            # By position, since two blocks may by mistake have one id.
            return edges.topology
        return self._listed_topology

    @cached_property
    def _listed_topology(self) -> Topology:
        """The topology of edges that name their blocks."""
        index = self.index
        pairs = sorted(
            (index[source], index[target])
            for source, target, _ in self.edges
            if source in index and target in index
        )
        return Topology(
            sources=[source for source, _ in pairs],
            targets=[target for _, target in pairs],
            count=len(self.blocks),
            is_forward=all(source < target for source, target in pairs),
        )
