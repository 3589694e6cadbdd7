"""Lowering: flows become a definition, and findings about keys and values.

The passes in reading order: nodes and edges, ids from key paths, a stable order, and
the wire form of each block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from attrs import evolve

from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    Freezer,
    FrozenDict,
    JoinedEdges,
    ListedOrigins,
    Origin,
    Problem,
    Topology,
    WireBlock,
    canonical_id,
    drop_env,
    escape_key,
    id_of,
    is_uuid,
    order_nodes,
    pointer,
    positions_in,
    read_old_keys,
    split_stamp,
)
from ..diagnostics import Finding
from ..dsl import UNSET, Block, Flow, RowKind, field_map
from ..text import did_you_mean, shortened
from .identity import MAX_KEY, Identity, as_segment, is_key


class Lowered(NamedTuple):
    """A definition, faulty or not, and the findings of the lowering."""

    definition: Definition
    findings: Sequence[Finding] = ()


def lower(
    flows: Sequence[Flow[Any, Any]],
    identity: Identity,
    env: str = DEFAULT_ENV,
    allowed: Sequence[str] = (),
) -> Lowered:
    """Return the definition of some flows.

    Args:
        flows: They may share blocks.
        identity: The names of the workflow.
        env: The environment of its id. The ids of blocks are the same in all of them.
        allowed: Codes of findings to silence in the whole workflow.
    """
    findings = identity.findings(env)
    workflow_id, path = identity.id_and_path(env)
    graph = Graph()
    for flow in flows:
        graph.add(flow)
    paths = _key_paths(graph, findings)
    _judge_scopes(graph, findings)
    owner = drop_env(path)
    ids = [id_of(f"{owner}/{below}") for below in paths]
    _pin(graph, identity.pins.get("blocks") or EMPTY, ids, findings)
    order = order_nodes(paths, graph.sources, graph.targets)
    blocks = tuple(_wire_blocks(graph, ids, order, findings))
    definition = Definition(
        _text(identity.name),
        # A stamp that was pasted with the rest belongs to no code.
        split_stamp(_text(identity.description))[0],
        blocks,
        JoinedEdges(blocks, _sort_edges(graph, order)),
        workflow_id,
        path=path,
        present=identity.present,
        origins=ListedOrigins(
            lambda position: _origin(graph, order[position], paths),
            may_allow=any(map(_ALLOW, graph.blocks)),
        ),
        allowed=frozenset(allowed),
        schedules=EMPTY,
        # With `was=` the ids are those of the old key, for any title.
        is_key_derived=identity.key is None and identity.was is None,
        place=identity.place,
    )
    return Lowered(definition, findings)


# -- Nodes and edges -------------------------------------------------------------------


class Scope:
    """A scope of a graph: its path for ids, its names, and its nodes by block."""

    __slots__ = ("inner", "keys", "levels", "names", "nodes", "path")

    def __init__(
        self, levels: tuple[str, ...], names: tuple[str, ...], keys: Sequence[str]
    ) -> None:
        self.levels: tuple[str, ...] = levels
        self.path: str = levels[-1] if levels else ""
        self.names: tuple[str, ...] = names
        self.keys: Sequence[str] = keys
        self.nodes: dict[Any, int] = {}
        self.inner: dict[tuple[str, str | None], Scope] = {}

    def enter(self, name: str, was: str | None) -> Scope:
        """Return the scope of a name inside of it."""
        if (name, was) not in self.inner:
            old = (False, [name]) if was is None else read_old_keys(was)
            levels = *self.levels, _enter_scopes(self.path, *old)
            self.inner[name, was] = Scope(levels, (*self.names, name), [name, *old[1]])
        return self.inner[name, was]


def _enter_scopes(around: str, is_whole: bool, keys: Sequence[str]) -> str:
    """Return the path of a scope for ids."""
    names = [f"scope:{as_segment(key) or '-'}/" for key in keys]
    return "".join(names if is_whole else [around, *names])


class _Task(NamedTuple):
    """A step on the stack that follows once the flows above it are done."""

    shape: str
    value: Any


class _Fan:
    """The nodes before a list, and those whose rows leave it.

    Rows pass by a list if they pass by each member. The ends of members go into one
    list, since many lists would make the garbage collector run more often.
    """

    def __init__(self, before: list[int], *, passes: bool) -> None:
        self.before: list[int] = before
        self.is_passed: bool = passes
        self.inner: list[int] = []
        self.lets_pass: bool = True

    def add(self, ends: list[int], *, passes: bool) -> None:
        """Add the ends of a member. If rows pass by it, those before it come first."""
        self.inner += ends[len(self.before) :] if passes else ends
        self.lets_pass = self.lets_pass and passes

    @property
    def ends(self) -> list[int]:
        """The nodes whose rows leave the list."""
        return self.before + self.inner if self.lets_pass else self.inner


class Graph:
    """Nodes and edges of flows: one node for each block object in each scope.

    Attributes:
        blocks: The block of each node.
        scopes: The scope of each node.
        sources: The node that each edge leaves.
        targets: The node that each edge enters. Some edges may stand twice.
        has_was: Whether a scope or a block had another name.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.scopes: list[Scope] = []
        self.sources: list[int] = []
        self.targets: list[int] = []
        self.root: Scope = Scope((), (), ())
        self.has_was: bool = False

    def add(self, flow: Flow[Any, Any]) -> None:  # noqa: C901 - one case for each shape
        """Add a flow: replace flows on a stack by their parts, from left to right."""
        todo: list[Any] = [flow]
        feeding: list[int] = []  # the nodes whose rows come next
        passes = False  # whether rows before the list around it are among them
        scope = self.root
        while todo:
            item = todo.pop()
            match item.shape:
                case "block":
                    node = scope.nodes.get(item)
                    if node is None:
                        node = scope.nodes[item] = len(self.blocks)
                        self.blocks.append(item)
                        self.scopes.append(scope)
                    self.sources += feeding
                    self.targets += [node] * len(feeding)
                    feeding, passes = [node], False
                case "series":
                    todo += (item.right, item.left)
                case "parallel":
                    fan, passes = _Fan(feeding, passes=passes), True
                    todo.append(_Task("unite", fan))
                    end = _Task("end", fan)
                    todo += [at for flow in item.members[::-1] for at in (end, flow)]
                case "end":
                    item.value.add(feeding, passes=passes)
                    feeding, passes = item.value.before, True
                case "unite":
                    fan = item.value
                    feeding, passes = fan.ends, fan.is_passed and fan.lets_pass
                case "tap":
                    todo += (_Task("feed", (feeding, passes)), item.flow)
                case "feed":
                    feeding, passes = item.value
                case "scope":
                    todo += (_Task("leave", scope), item.flow)
                    scope = scope.enter(item.name, item.was)
                    self.has_was |= item.was is not None
                case "leave":
                    scope = item.value
                case _:  # nothing: rows pass
                    pass

    def shown_path(self, node: int) -> str:
        """Return the keys from the workflow down, joined by `/`, as people write it."""
        block = self.blocks[node]
        key = block.block_name if block.key is None else block.key
        names = [*self.scopes[node].names, key]
        return "/".join([_text(name).replace("/", "%2F") for name in names])


# -- Keys and ids ----------------------------------------------------------------------


def _key_paths(graph: Graph, findings: list[Finding]) -> list[str]:
    """Return the path of each node below the workflow, from which its id is made."""
    paths = []
    for node, block in enumerate(graph.blocks):
        scope, key, was = graph.scopes[node], block.key, block.was
        path = scope.path
        segment = escape_key(block.block_name) if key is None else as_segment(key)
        if was is not None and segment is not None:
            key, graph.has_was = was, True
            path, segment = _old_path(path, was)
        if segment is None:
            what = f"key {shortened(key)} is not a key"
            findings.append(_fault(graph, node, "invalid-key", what, _ONE_KEY))
            segment = escape_key(block.block_name)
        paths.append(f"{path}block:{segment}")
    return paths


def _old_path(around: str, was: Any) -> tuple[str, str | None]:
    """Return the path of the scope and the segment of a block by its `was=`."""
    is_whole, keys = read_old_keys(was) if isinstance(was, str) else (False, [was])
    if not (keys and all(map(is_key, keys))):
        return around, None
    return _enter_scopes(around, is_whole, keys[:-1]), escape_key(keys[-1])


_ONE_KEY: Final = f'keys are text of 1 to {MAX_KEY} characters: write key="a-name"'


def _judge_scopes(graph: Graph, findings: list[Finding]) -> None:
    """Find faulty names of scopes, each at its first node."""
    for scope in dict.fromkeys(graph.scopes):
        for name in dict.fromkeys(scope.keys):
            if not is_key(name):
                node = next(iter(scope.nodes.values()))
                what = f"scope name {shortened(name)} is not a key"
                findings.append(_fault(graph, node, "invalid-key", what, _ONE_KEY))


def _pin(
    graph: Graph, pins: Mapping[str, str], ids: list[str], findings: list[Finding]
) -> None:
    """Replace computed ids by those of imported blocks."""
    blocks = enumerate(graph.blocks)
    pinned: list[tuple[int, Any]] = [(at, b.id) for at, b in blocks if b.id is not None]
    if not (pins or pinned or graph.has_was):
        return
    paths = [graph.shown_path(node) for node in range(len(graph.blocks))]
    nodes = {path: node for node, path in reversed([*enumerate(paths)])}
    pinned += [(nodes[path], pins[path]) for path in pins if path in nodes]
    findings += [_unknown_pin(path, nodes) for path in pins if path not in nodes]
    for node, block_id in pinned:
        if is_uuid(block_id):
            ids[node] = canonical_id(block_id)
        else:
            what = f"id {shortened(block_id)} is not a UUID"
            advice = "leave id= out, or pin the UUID of the imported block"
            findings.append(_fault(graph, node, "invalid-id", what, advice))
    for node, path in enumerate(paths):
        first = nodes[path]
        if ids[first] != ids[node]:  # with one id, a rule finds them
            what = f"key {shortened(path)} is used twice, here and at"
            message = f"{what} {graph.blocks[first].place}, with an id of its own"
            advice = 'give one of them another key with key="second"'
            findings.append(_fault(graph, node, "duplicate-key", message, advice))


def _unknown_pin(path: str, nodes: Mapping[str, int]) -> Finding:
    near = did_you_mean(path, nodes)
    what = f"pins name the block {path!r}, which is not there{near}"
    return Finding("unknown-pin", "keys", "error", what, "mend pins=")


def _fault(graph: Graph, node: int, code: str, message: str, advice: str) -> Finding:
    where, place = graph.shown_path(node) or None, graph.blocks[node].place
    return Finding(code, "keys", "error", message, advice, where=where, place=place)


# -- The order -------------------------------------------------------------------------


def _sort_edges(graph: Graph, order: Sequence[int]) -> Topology:
    """Return the edges, each once, by position and in order."""
    count, position = len(order), positions_in(order)
    # Pairs as single numbers, which the garbage collector does not follow.
    pairs = zip(graph.sources, graph.targets, strict=True)
    numbers = sorted({position[source] * count + position[at] for source, at in pairs})
    sources = [number // count for number in numbers]
    return Topology(sources, [number % count for number in numbers], count)


# -- The wire form ---------------------------------------------------------------------


def _wire_blocks(
    graph: Graph, ids: Sequence[str], order: Sequence[int], findings: list[Finding]
) -> list[WireBlock]:
    blocks: list[WireBlock] = []
    problems: list[Problem] = []
    freezer = Freezer(problems, convert=_convert)
    for number, node in enumerate(order, 1):
        block = graph.blocks[node]
        cls = type(block)
        arguments = block.__dict__
        specs = FrozenDict()
        names = cls.spec_names
        for name in filter(arguments.__contains__, names):
            value = arguments[name]
            if type(value) is not str or not value.isascii():
                if value is UNSET or name == "specs":
                    continue
                value = freezer.freeze(value, ("specs", names[name]))
            _put(specs, names[name], value)
        if "extra" in arguments or "specs" in names:
            specs = _open_specs(block, specs, freezer)
        while problems:
            problem = problems.pop(0)
            message = f"{pointer(problem.path)}: {problem.message}"
            fault = _fault(graph, node, problem.code, message, problem.help)
            findings.append(evolve(fault, family="values", block_id=ids[node]))
        kind = cls.kind or block.block_name
        wire = (ids[node], kind, specs, cls.label or kind, number, EMPTY)
        blocks.append(_new(WireBlock, wire))
    return blocks


_ALLOW: Final = attrgetter("allow")
_new = tuple.__new__  # the call that a named tuple makes in turn
_put = dict.__setitem__  # a frozen dict is filled where it is made, and only there


def _open_specs(block: Block, specs: FrozenDict, freezer: Freezer) -> FrozenDict:
    """Merge the specs that were given whole or in `extra` into the others."""
    for name in ("specs", "extra"):
        fields = getattr(block, name, None) or EMPTY
        fields = freezer.freeze(fields, (name,))
        if not isinstance(fields, FrozenDict):
            message = f"{name} is not a mapping of fields"
            freezer.problems.append(Problem(message, f"write {name}={{...}}", (name,)))
            continue
        for sent in (sent for sent in fields if sent in specs):
            message = f"{name} sets {sent!r}, which the block sets itself"
            repetition = ("write it once", (name, sent), "extra-repeats-field")
            freezer.problems.append(Problem(message, *repetition))
        is_extra = name == "extra"
        merged = {**specs, **fields} if is_extra else {**fields, **specs}
        specs = FrozenDict(merged)
    return specs


def _convert(item: Any) -> Any:
    """Convert the values that the language allows in specs to JSON data."""
    if type(item) is RowKind:
        return item.name
    if isinstance(item, type) and (fields := field_map(item)) is not None:
        return fields
    return item


def _origin(graph: Graph, node: int, paths: Sequence[str]) -> Origin:
    block = graph.blocks[node]
    key = block.block_name if block.key is None else block.key
    return Origin(
        key=_text(key),
        path=graph.shown_path(node),
        find_place=lambda: block.place,
        is_default=block.key is None,
        allowed=_texts(block.allow),
        extra=_texts(block.extra),
        levels=(*graph.scopes[node].levels, paths[node]),
    )


def _text(name: Any) -> str:
    """Return a key, or a faulty one as text."""
    return name if isinstance(name, str) else shortened(name)


def _texts(written: Any) -> tuple[str, ...]:
    """Return the texts in a list or mapping, and nothing for other values."""
    is_many = isinstance(written, Mapping | list | tuple | set | frozenset)
    items = written if is_many else [written]
    return tuple(text for text in items if isinstance(text, str))
