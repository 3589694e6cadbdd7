"""Lifting: a definition becomes flows again. It is the reverse of lowering.

Blocks become blocks of the catalogue, edges `>>`, and ids keys if they were made from
keys, or else pins. The result is lowered again, and must have the same fingerprint.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final
from unicodedata import normalize

import attrs
from attrs import field, frozen

from ..blocks import BUILT_IN, UncheckedBlock
from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    Hidden,
    ProjectKey,
    Tag,
    Topology,
    WireBlock,
    canonical_id,
    fingerprint,
    genuine_stamp,
    id_of,
    is_uuid,
    parse_path,
    path_of,
    slug,
    split_stamp,
    thaw,
)
from ..dsl import COMPANY, LEAD, UNSET, Block, Flow, Parallel, RawBlock, Series, as_flow
from ..errors import ReadError
from ..schedules import Schedule
from ..text import join_words, printable, shortened
from .identity import MAX_KEY, Identity, is_key
from .lowering import lower

LONGEST: Final = 80
"""Characters of a key that a title gives."""

_WHOLE: Final = "specs"
"""The argument that takes all specs of a kind with unknown fields."""


@frozen
class OwnClasses:
    """The block classes of one module of the user's.

    Attributes:
        module: The name that the module is imported by.
        by_kind: Its class for each kind.
    """

    module: str = ""
    by_kind: Mapping[str, type[Block]] = field(factory=dict)


@frozen
class Lifted:
    """A definition in the terms of the language.

    Attributes:
        identity: Title, keys, project and pins: the arguments of `Workflow(...)`.
        flows: Its flows: a single one if that expresses all of the graph.
        allow: Codes of findings that its project silences.
        schedules: Its schedules.
        omitted: Data that the service does not read and code cannot express, in words.
    """

    identity: Identity
    flows: tuple[Flow[Any, Any], ...]
    allow: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    schedules: tuple[Schedule, ...] = ()


def lift(
    definition: Definition,
    identity: Identity | None = None,
    *,
    env: str = DEFAULT_ENV,
    own: OwnClasses | None = None,
) -> Lifted:
    """Turn a definition into flows, and the other arguments of `Workflow(...)`.

    Args:
        identity: Its keys and pins, if known. By default those of the path that its id
            was computed from, or of its stamp, or a pin.
        env: The environment that its id is for.
        own: Classes of the user's own, which are preferred to those of the catalogue.

    Raises:
        ReadError: It has no blocks, a cycle, a dangling edge, ids that are not
            UUIDs or stand twice, or data that code cannot express.
    """
    if problems := [*_faults(definition)]:
        raise _lift_error(definition, problems)
    identity = _identity(definition, env) if identity is None else identity
    owner = identity._replace(name=definition.name).path()
    classes = {**BUILT_IN, **(own or OwnClasses()).by_kind}
    leaves: list[Flow[Any, Any]] = []
    pins: dict[str, str] = {}
    for at, keys in enumerate(_key_paths(definition, owner)):
        block = definition.blocks[at]
        *scope, key = keys
        flow = as_flow(_block(definition, at, key, classes))
        for name in reversed(scope):
            flow = flow.scoped(name)
        leaves.append(flow)
        if _id(owner, keys) != canonical_id(block.id):
            path = "/".join(key.replace("/", "%2F") for key in keys)
            pins[path] = canonical_id(block.id)
    all_pins = {"workflow": identity.pins.get("workflow", EMPTY), "blocks": pins}
    named = identity._replace(
        name=definition.name,
        # A definition that is about to be sent has a stamp here, which code has not.
        description=split_stamp(definition.description)[0],
        pins={part: ids for part, ids in all_pins.items() if ids},
        place=None,
    )
    flows = arrange_flows(leaves, definition.topology)
    lifted = Lifted(
        named,
        flows,
        tuple(sorted(definition.allowed)),
        tuple(dict.fromkeys(_omissions(definition))),
        tuple(
            Schedule.from_text(*item) for item in (definition.schedules or {}).items()
        ),
    )
    _require_same(definition, lifted)
    return lifted


def _require_same(definition: Definition, lifted: Lifted) -> None:
    """Check that the lifted flows have the meaning of the definition.

    Raises:
        ReadError: The definition holds something that code cannot express.
    """
    lowered = lower(lifted.flows, lifted.identity)
    if problems := [finding.message for finding in lowered.findings]:
        raise _lift_error(definition, problems)
    if fingerprint(lowered.definition) != fingerprint(definition):
        problem = "as code it would say something else, which is a mistake of flow64"
        raise _lift_error(definition, [problem])


def _lift_error(definition: Definition, problems: Sequence[str]) -> ReadError:
    message = f"{shortened(definition.name)} cannot be written as flow64 code"
    shown = join_words(map(printable, problems), 5)
    return ReadError(f"{message}: {shown}", hint="correct that, or keep it as JSON")


# -- What code cannot say --------------------------------------------------------------


def _faults(definition: Definition) -> Iterator[str]:
    """Yield the reasons why a definition cannot be written as a flow."""
    if definition.id is not None and not is_uuid(definition.id):
        yield f"the workflow id {shortened(definition.id)} is not a UUID"
    ids = Counter(canonical_id(block.id) for block in definition.blocks)
    for block_id, times in ids.items():
        if times > 1:
            yield f"{times} blocks have the id {shortened(block_id)}"
        elif not is_uuid(block_id):
            yield f"the block id {shortened(block_id)} is not a UUID"
    if not definition.blocks:
        yield "it has no blocks"
    for block in definition.blocks:
        if not block.kind:
            yield f"the block {shortened(block.id)} has no block_name"
    yield from _edge_faults(definition)


def _edge_faults(definition: Definition) -> Iterator[str]:
    for edge in definition.edges:
        for end in (edge.source, edge.target):
            if end not in definition.index:
                yield f"an edge names the block {shortened(end)}, which is not there"
        if edge.extra.get("condition") is not None:
            yield "an edge has a condition, which code cannot say"
    if definition.topology.has_cycle:
        yield "rows run in a circle"


def _omissions(definition: Definition) -> Iterator[str]:
    """Yield the data that code cannot express, apart from the workflow."""
    parts = [("workflow", definition.extra), ("graph", definition.graph_extra)]
    parts += [(f"block {shortened(b.kind)}", b.extra) for b in definition.blocks]
    parts += [("edges", edge.extra) for edge in definition.edges]
    for owner, extra in parts:
        if keys := [key for key in extra if key != "condition"]:
            yield f"of the {owner} {', '.join(map(shortened, keys))}"


# -- The owner -----------------------------------------------------------------------


def _identity(definition: Definition, env: str) -> Identity:
    """Return the keys of a definition by its path or genuine stamp, or a pin."""
    path, own_id = definition.path, definition.id
    if path is None and (stamp := genuine_stamp(definition.stamp, own_id)):
        path = stamp.path
    owner = None if path is None else _parse_path(path)
    key = slug(definition.name)[:LONGEST].strip("-")
    identity = Identity("", key=key if is_key(key) else "workflow")
    if owner is not None:
        env, identity = owner
        if definition.is_key_derived and slug(definition.name) == identity.key:
            identity = identity._replace(key=None)
    key_id, _ = identity._replace(name=definition.name).id_and_path(env)
    if own_id and canonical_id(own_id) != key_id:
        identity = identity._replace(pins={"workflow": {env: canonical_id(own_id)}})
    return identity


def _parse_path(path: str) -> tuple[str, Identity] | None:
    """Return the environment and the keys of a path; None if it is not one of ours."""
    bare, _, _ = path.partition("/pin:")
    segments = parse_path(bare)
    names = dict(segments)
    env = names.get("env", DEFAULT_ENV)
    project = ProjectKey(names["project"], names["ns"]) if "project" in names else None
    variant = tuple(pair for pair in segments if pair[0] in ("axis", "variant"))
    key = names.get("workflow", "")
    identity = Identity("", key=key, project=project, segments=variant)
    is_ours = identity.path(env) == bare and not identity.findings(env)
    return (env, identity) if is_ours else None


# -- The names of blocks ---------------------------------------------------------------


def _key_paths(definition: Definition, owner: str) -> Sequence[Sequence[str]]:
    """Return scopes and key of each block: those in code if known, else by its kind."""
    key_paths: dict[int, Sequence[str]] = {}
    taken: set[Sequence[str]] = set()

    def take(at: int, keys: Sequence[str]) -> bool:
        """Give a block its keys if they are free."""
        folded = tuple(normalize("NFC", key) for key in keys)
        if folded not in taken:
            taken.add(folded)
            key_paths[at] = keys
        return at in key_paths

    order = definition.topology.order
    for at in order:
        path = definition.origins[at].path
        keys = [key.replace("%2F", "/") for key in path.split("/")] if path else []
        if keys and all(map(is_key, keys)):
            take(at, keys)
    kinds = Counter(definition.blocks[at].kind for at in order if at not in key_paths)
    for at in order:
        if at not in key_paths:
            block = definition.blocks[at]
            is_default = _id(owner, [block.kind]) == canonical_id(block.id)
            is_plain = is_default or kinds[block.kind] == 1
            any(take(at, [key]) for key in _candidate_keys(block, is_plain=is_plain))
    return [key_paths[at] for at in range(len(definition.blocks))]


def _candidate_keys(block: WireBlock, *, is_plain: bool) -> Iterator[str]:
    """Yield keys for a block without a known key, the plainest first.

    They have its id and not a number, so that inserting a block changes no key.
    """
    kind = block.kind if is_key(block.kind) else "block"
    block_id = canonical_id(block.id)
    if is_plain:
        yield kind
    base = kind[: MAX_KEY - 80]
    yield f"{base}-{block_id[:8]}"
    yield from (f"{base}-{block_id}-{number}" for number in count(1))


def _id(owner: str, keys: Sequence[str]) -> str:
    """Return the id of a key path."""
    *scope, key = keys
    segments: list[tuple[Tag, str]] = [("scope", name) for name in scope]
    return id_of(f"{owner}/{path_of([*segments, ('block', key)])}")


# -- Blocks ----------------------------------------------------------------------------


def _block(
    definition: Definition, at: int, name: str, classes: Mapping[str, type[Block]]
) -> Block:
    """Return a block of the catalogue if the specs fit its class, or a raw one."""
    kind, origin = definition.blocks[at].kind, definition.origins[at]
    key = None if name == kind else name
    specs: dict[str, Any] = thaw(definition.blocks[at].specs, _unbound)
    extra = {name: specs.pop(name) for name in [*specs] if name in origin.extra}
    allow = tuple(sorted(origin.allowed))
    cls = classes.get(kind)
    if cls is None or not _fits(cls, specs):
        return RawBlock(kind, specs=specs, key=key, extra=extra or None, allow=allow)
    arguments = {
        argument: specs.pop(sent)
        for argument, sent in cls.spec_names.items()
        if sent in specs and argument != _WHOLE
    }
    if (rows := arguments.get("dataframe_type")) in ("LEAD", "COMPANY"):
        arguments["dataframe_type"] = LEAD if rows == "LEAD" else COMPANY
    if issubclass(cls, UncheckedBlock):
        arguments[_WHOLE] = specs
    else:
        extra |= specs
    return cls(**arguments, key=key, extra=extra or None, allow=allow)


def _fits(cls: type[Block], specs: Mapping[str, Any]) -> bool:
    """Return True if a class would send exactly these specs."""
    sent = {name: cls.spec_names[name] for name in cls.spec_names if name != _WHOLE}
    return all(
        argument.default is UNSET
        for argument in attrs.fields(cls)
        if argument.name in sent and sent[argument.name] not in specs
    )


def _unbound(value: Any) -> Any:
    """Return what stands for a hidden text, and other values unchanged."""
    return value.as_data() if isinstance(value, Hidden) else value


# -- From edges to `>>` ----------------------------------------------------------------


def arrange_flows(
    leaves: Sequence[Flow[Any, Any]], topology: Topology
) -> tuple[Flow[Any, Any], ...]:
    """Return a graph without a cycle as flows: a single one if possible.

    A block and the only one that it feeds make a chain, if nothing else feeds that.
    Flows with the same inputs and outputs make a list. Edges that remain are written as
    further chains, which name the same flows.

    Args:
        leaves: The flow of each block, by position.
        topology: Their edges.
    """
    graph = _Reduction(leaves, topology)
    while graph.join_chains() or graph.join_lists():
        pass
    return graph.remaining_chains()


class _Reduction:
    """A graph of flows that becomes smaller, by the position of their first blocks."""

    def __init__(self, leaves: Sequence[Flow[Any, Any]], topology: Topology) -> None:
        self.flows = {at: leaves[at] for at in topology.order}
        self.before = {at: {*topology.parents[at]} for at in self.flows}
        self.behind = {at: {*topology.children[at]} for at in self.flows}

    def join_chains(self) -> bool:
        """Join each flow with the next one if no other edge is involved."""
        has_joined = False
        for at in [*self.flows]:
            while len(self.behind.get(at, ())) == 1:
                (follower,) = self.behind[at]
                if len(self.before[follower]) != 1:
                    break
                self.flows[at] = Series(self.flows[at], self.flows.pop(follower))
                del self.before[follower]
                self.behind[at] = self.behind.pop(follower)
                for further in self.behind[at]:
                    self.before[further] = self.before[further] - {follower} | {at}
                has_joined = True
        return has_joined

    def join_lists(self) -> bool:
        """Put flows with the same inputs and outputs side by side."""
        groups: dict[Any, list[int]] = defaultdict(list)
        for at in self.flows:
            if self.before[at] or self.behind[at]:
                ends = frozenset(self.before[at]), frozenset(self.behind[at])
                groups[ends].append(at)
        alike = [group for group in groups.values() if len(group) > 1]
        for group in alike:
            members = tuple(self.flows[at] for at in sorted(group))
            self.flows[group[0]] = Parallel(members)
            for at in group[1:]:
                self._drop(at)
        return bool(alike)

    def remaining_chains(self) -> tuple[Flow[Any, Any], ...]:
        """Return the remaining edges as chains that name the same flows."""
        groups: dict[frozenset[int], list[int]] = defaultdict(list)
        for at in sorted(self.flows):
            if self.behind[at]:
                groups[frozenset(self.behind[at])].append(at)
        named = {at for ends in groups.items() for side in ends for at in side}
        chains: list[tuple[int, Flow[Any, Any]]] = [
            (sources[0], Series(self._side(sources), self._side(sorted(targets))))
            for targets, sources in groups.items()
        ]
        chains += [(at, flow) for at, flow in self.flows.items() if at not in named]
        return tuple(flow for _, flow in sorted(chains, key=lambda chain: chain[0]))

    def _side(self, ends: Sequence[int]) -> Flow[Any, Any]:
        flows = tuple(self.flows[at] for at in ends)
        return flows[0] if len(flows) == 1 else Parallel(flows)

    def _drop(self, at: int) -> None:
        """Remove a flow that is inside another one now."""
        del self.flows[at]
        for before in self.before.pop(at):
            self.behind[before].discard(at)
        for behind in self.behind.pop(at):
            self.before[behind].discard(at)
