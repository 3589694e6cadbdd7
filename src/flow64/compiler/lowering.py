"""Lowering: flows become a definition, and findings about keys and values.

The passes in reading order: nodes and edges, ids from key paths, a stable order, and
the wire form of each block.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import evolve

from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    Freezer,
    FrozenDict,
    FrozenList,
    ListedOrigins,
    Origin,
    Problem,
    Topology,
    WireBlock,
    canonical_id,
    drop_env,
    escape_key,
    ids_of,
    is_uuid,
    order_nodes,
    pointer,
    positions_in,
    read_old_keys,
    split_stamp,
)
from ..diagnostics import Finding
from ..dsl import UNSET, Block, Flow, as_data
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
    graph = Graph(flows)
    paths, faulty, order, topology = _lay_out(graph)
    _judge_keys(graph, faulty, findings)
    ids = ids_of(paths, f"{drop_env(path)}/")
    _pin(graph, identity.pins.get("blocks") or EMPTY, ids, findings)
    ids = [*map(ids.__getitem__, order)]
    blocks = _wire_blocks(graph, order, ids, findings)
    definition = Definition(
        _text(identity.name),
        # A stamp that was pasted with the rest belongs to no code.
        split_stamp(_text(identity.description))[0],
        blocks,
        topology.join(ids),
        workflow_id,
        path=path,
        present=identity.present,
        origins=ListedOrigins(
            lambda position: _origin(graph, order[position], paths),
            may_allow=any(map(attrgetter("allow"), graph.blocks)),
        ),
        allowed=frozenset(allowed),
        schedules=EMPTY,
        shape=topology,
        # With `was=` the ids are those of the old key, for any title.
        is_key_derived=identity.key is None and identity.was is None,
        place=identity.place,
    )
    return Lowered(definition, findings)


# -- Nodes and edges -------------------------------------------------------------------


class Scope:
    """A scope of a graph: its path for ids, its names, and the scopes in it."""

    __slots__ = ("inner", "keys", "levels", "names", "path")

    def __init__(
        self, levels: tuple[str, ...], names: tuple[str, ...], keys: Sequence[str]
    ) -> None:
        self.levels: tuple[str, ...] = levels
        self.path: str = levels[-1] if levels else ""
        self.names: tuple[str, ...] = names
        self.keys: Sequence[str] = keys
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
        has_was: Whether a scope had another name.
    """

    def __init__(self, flows: Sequence[Flow[Any, Any]]) -> None:
        self.sources: list[int] = []
        self.targets: list[int] = []
        self.root: Scope = Scope((), (), ())
        self.has_was: bool = False
        self._nodes: dict[tuple[Any, Scope], int] = {}
        for flow in flows:
            self._add(flow)
        self.blocks: Sequence[Block] = [*map(itemgetter(0), self._nodes)]
        self.scopes: Sequence[Scope] = [*map(itemgetter(1), self._nodes)]

    def _add(self, flow: Flow[Any, Any]) -> None:  # noqa: C901 - a case a shape
        """Add a flow: replace flows on a stack by their parts, from left to right."""
        nodes, sources, targets = self._nodes, self.sources, self.targets
        todo: list[Any] = [flow]
        feeding: list[int] = []  # the nodes whose rows come next
        passes = False  # whether rows before the list around it are among them
        scope = self.root
        while todo:
            item = todo.pop()
            match item.shape:
                case "block":
                    node = nodes.setdefault((item, scope), len(nodes))
                    sources += feeding
                    targets += [node] * len(feeding)
                    feeding, passes = [node], False
                case "series":
                    while item.shape == "series":  # chains are long on their left
                        todo.append(item.right)
                        item = item.left
                    todo.append(item)
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


SMALL: Final = 100
"""Blocks below which a workflow shares its layout with its variants."""


Layout: TypeAlias = tuple[Sequence[str], Sequence[int], Sequence[int], Topology]


def _lay_out(graph: Graph) -> Layout:
    """Return the layout of a graph. Small ones that are alike share theirs."""
    names = tuple(map(attrgetter("key", "was"), graph.blocks))
    kinds = tuple([type(block).kind or block.block_name for block in graph.blocks])
    scopes = tuple([scope.path for scope in graph.scopes])
    # Texts alone: a key of another type, equal to a text, is a fault.
    is_cached = len(names) < SMALL and {*map(type, chain(*names))} <= {str, type(None)}
    make = _make_layout if is_cached else _make_layout.__wrapped__
    return make(names, kinds, scopes, tuple(graph.sources), tuple(graph.targets))


@lru_cache(250)
def _make_layout(
    names: Sequence[tuple[Any, Any]],
    kinds: Sequence[str],
    scopes: Sequence[str],
    sources: Sequence[int],
    targets: Sequence[int],
) -> Layout:
    """Return the layout of nodes with these keys and old keys, kinds, scopes and edges.

    It is the path of each node, from which its id is made; the nodes whose key is not a
    key, for which their kind stands in; the nodes in order; and the edges in order.
    """
    paths: list[str] = []
    faulty: list[int] = []
    for (key, was), kind, scope in zip(names, kinds, scopes, strict=True):
        path, segment = scope, escape_key(kind) if key is None else as_segment(key)
        if was is not None and segment is not None:
            path, segment = _old_path(scope, was)
        if segment is None:
            faulty.append(len(paths))
            segment = escape_key(kind)
        paths.append(f"{path}block:{segment}")
    order = order_nodes(paths, sources, targets)
    place = positions_in(order).__getitem__
    in_order = [kinds[node] for node in order]
    topology = Topology.of(in_order, map(place, sources), map(place, targets))
    return paths, faulty, order, topology


def _judge_keys(graph: Graph, faulty: Sequence[int], findings: list[Finding]) -> None:
    """Find what is not a key: of blocks, and of scopes, each at its first node."""
    for node in faulty:
        block = graph.blocks[node]
        is_old = block.key is None or is_key(block.key)
        word, key = ("was", block.was) if is_old else ("key", block.key)
        what = f"{word} {shortened(key)} is not a key"
        findings.append(_fault(graph, node, "invalid-key", what, _ONE_KEY))
    for scope in dict.fromkeys(graph.scopes):
        for name in dict.fromkeys(scope.keys):
            if not is_key(name):
                node = graph.scopes.index(scope)
                what = f"scope name {shortened(name)} is not a key"
                findings.append(_fault(graph, node, "invalid-key", what, _ONE_KEY))


def _old_path(around: str, was: Any) -> tuple[str, str | None]:
    """Return the path of the scope and the segment of a block by its `was=`."""
    is_whole, keys = read_old_keys(was) if isinstance(was, str) else (False, [was])
    if not (keys and all(map(is_key, keys))):
        return around, None
    return _enter_scopes(around, is_whole, keys[:-1]), escape_key(keys[-1])


_ONE_KEY: Final = f"keys are plain str of 1 to {MAX_KEY} characters"


def _pin(
    graph: Graph, pins: Mapping[str, str], ids: list[str], findings: list[Finding]
) -> None:
    """Replace computed ids by those of imported blocks."""
    old = [*map(attrgetter("was", "id"), graph.blocks)]
    if not (pins or graph.has_was) and old.count((None, None)) == len(old):
        return
    pinned = [(at, pin) for at, (_, pin) in enumerate(old) if pin is not None]
    paths = [graph.shown_path(node) for node in range(len(graph.blocks))]
    nodes = {path: node for node, path in reversed([*enumerate(paths)])}
    pinned += [(nodes[path], pins[path]) for path in pins if path in nodes]
    for path in (path for path in pins if path not in nodes):
        what = f"pins name the block {path!r}, which is not there"
        what += did_you_mean(path, nodes)
        findings.append(Finding("unknown-pin", "keys", "error", what, "mend pins="))
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


def _fault(graph: Graph, node: int, code: str, message: str, advice: str) -> Finding:
    where, place = graph.shown_path(node) or None, graph.blocks[node].place
    return Finding(code, "keys", "error", message, advice, where=where, place=place)


# -- The wire form ---------------------------------------------------------------------


def _wire_blocks(
    graph: Graph, order: Sequence[int], ids: Sequence[str], findings: list[Finding]
) -> tuple[WireBlock, ...]:
    blocks: list[WireBlock] = []
    problems: list[Problem] = []
    freezer = Freezer(problems.append, convert=as_data)
    for number, (node, block_id) in enumerate(zip(order, ids, strict=True), 1):
        block = graph.blocks[node]
        cls, arguments, specs = type(block), block.__dict__, FrozenDict()
        names = cls.spec_names
        for name in filter(arguments.__contains__, names):
            value = arguments[name]
            form = type(value)
            if form is not str or not value.isascii():
                if value is UNSET or name == "specs":
                    continue
                if form not in _FROZEN:
                    value = freezer.freeze(value, ("specs", names[name]))
            # A frozen dict is filled where it is made, and only there.
            dict.__setitem__(specs, names[name], value)
        if "extra" in arguments or "specs" in names:
            specs = _open_specs(block, specs, freezer)
        while problems:
            problem = problems.pop(0)
            message = f"{pointer(problem.path)}: {problem.message}"
            fault = _fault(graph, node, problem.code, message, problem.help)
            findings.append(evolve(fault, family="values", block_id=block_id))
        kind = cls.kind or block.block_name
        wire = (block_id, kind, specs, cls.label or kind, number, EMPTY)
        blocks.append(tuple.__new__(WireBlock, wire))  # as a named tuple does
    return tuple(blocks)


_FROZEN: Final = frozenset({FrozenDict, FrozenList})  # by the block itself


def _open_specs(block: Block, specs: FrozenDict, freezer: Freezer) -> FrozenDict:
    """Merge the specs that were given whole or in `extra` into the others."""
    for name in ("specs", "extra"):
        value = getattr(block, name, None) or EMPTY
        fields = value if type(value) is FrozenDict else freezer.freeze(value, (name,))
        if not isinstance(fields, FrozenDict):
            if not isinstance(value, Mapping):
                message = f"{name} is not a mapping of fields"
                freezer.report(Problem(message, f"write {name}={{...}}", (name,)))
            continue
        for sent in (sent for sent in fields if sent in specs):
            message = f"{name} sets {sent!r}, which the block sets itself"
            repetition = ("write it once", (name, sent), "extra-repeats-field")
            freezer.report(Problem(message, *repetition))
        below, above = (specs, fields) if name == "extra" else (fields, specs)
        specs = FrozenDict({**below, **above})
    return specs


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
