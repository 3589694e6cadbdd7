"""Lowering: a flow becomes a definition, and findings about unusable values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from attrs import frozen

from ..definition import (
    EMPTY,
    Definition,
    FrozenDict,
    JoinedEdges,
    Origin,
    Problem,
    WireBlock,
    freeze,
    pointer,
)
from ..diagnostics import Finding, Place
from ..dsl import UNSET, Block, Flow, RowKind, field_map
from ..text import shortened
from ._collect import FlowGraph, collect
from ._keys import ids_of, shown_path
from ._order import arrange_nodes


class Head(NamedTuple):
    """The facts about a workflow apart from its flow.

    A named tuple, as `Lowered` is, because each of many small workflows makes one.

    Attributes:
        name: The title.
        description: The description, without a stamp.
        id: The workflow's id.
        path: The path that the id was computed from, or that pins it.
        blocks_path: The path under which the ids of its blocks stand: without the
            environment, so that the same code has the same block ids everywhere.
        pins: UUIDs of imported blocks by their key path, such as `work/find_email`.
        allowed: Codes of findings that are silenced for the whole workflow.
        is_key_derived: Whether the workflow's key is made from its title.
        place: Where the workflow was written.
    """

    name: str
    description: str
    id: str
    path: str
    blocks_path: str
    pins: Mapping[str, str] = EMPTY
    allowed: frozenset[str] = frozenset()
    is_key_derived: bool = False
    place: Place | None = None


class Lowered(NamedTuple):
    """A definition, faulty or not, and the findings of the lowering."""

    definition: Definition
    findings: Sequence[Finding] = ()


def lower(flows: Sequence[Flow[Any, Any]], head: Head) -> Lowered:
    """Return the definition of some flows.

    The passes in reading order: nodes and edges, ids from key paths, a stable order,
    and the wire form of each block.
    """
    findings: list[Finding] = []
    graph = collect(flows)
    ids = ids_of(graph, head.blocks_path, head.pins, findings)
    order, topology = arrange_nodes(graph)
    origins = LoweredOrigins(graph, order)
    blocks = _wire_blocks(graph, ids, order, origins, findings)
    in_order = ids if type(order) is range else [ids[node] for node in order]
    edges = JoinedEdges(in_order, topology)
    definition = Definition(
        name=head.name,
        description=head.description,
        blocks=blocks,
        edges=edges,
        id=head.id,
        path=head.path,
        origins=origins,
        allowed=head.allowed,
        is_key_derived=head.is_key_derived,
        place=head.place,
    )
    return Lowered(definition, findings)


@frozen
class LoweredOrigins:
    """Key path and place of each block, looked up only when a finding is shown."""

    graph: FlowGraph
    order: Sequence[int]

    def __getitem__(self, position: int) -> Origin:
        node = self.order[position]
        block, scope = self.graph.blocks[node], self.graph.scopes[node]
        key = block.block_name if block.key is None else block.key
        return Origin(
            key=key if isinstance(key, str) else shortened(key),
            path=shown_path(block, scope),
            place=block.place,
            is_default=block.key is None,
            allowed=_texts(block.allow),
            extra=_texts(block.extra),
        )

    def path(self, position: int) -> str:
        """Return the path of a block, without looking up its place."""
        node = self.order[position]
        return shown_path(self.graph.blocks[node], self.graph.scopes[node])

    def silenced_codes(self) -> Iterable[tuple[int, Sequence[str]]]:
        """Yield the positions of blocks that silence codes, with the codes."""
        blocks = self.graph.blocks
        for position, node in enumerate(self.order):
            allow = blocks[node].allow
            if allow is not _NONE:
                yield position, _texts(allow)


_NONE: Final = ()  # Python has one empty tuple, and it is the default of `allow`


def _texts(written: Any) -> tuple[str, ...]:
    """Return the texts in a list or mapping, and nothing for other values."""
    if isinstance(written, str):
        return (written,)
    if not isinstance(written, Mapping | list | tuple | set | frozenset):
        return ()
    return tuple(text for text in written if isinstance(text, str))


# -- Wire form ------------------------------------------------------------------------


def _wire_blocks(
    graph: FlowGraph,
    ids: list[str],
    order: Sequence[int],
    origins: LoweredOrigins,
    findings: list[Finding],
) -> tuple[WireBlock, ...]:
    blocks = graph.blocks
    made = []
    for number, node in enumerate(order, 1):
        block = blocks[node]
        cls = type(block)
        specs = FrozenDict()
        problems: list[Problem] | None = None
        given = block.__dict__
        for name in cls.spec_names:
            if name not in given or (found := given[name]) is UNSET:
                continue
            if type(found) is RowKind:
                found = found.name
            elif type(found) is not str or not found.isascii():
                problems = [] if problems is None else problems
                sent = cls.spec_names[name]
                here = ("specs",) if name == "specs" else ("specs", sent)
                found = freeze(found, here, problems, _convert)
            _put(specs, name, found)
        is_open = cls.has_renamed or "specs" in specs
        if is_open or given.get("extra") is not None:
            problems = [] if problems is None else problems
            specs = _open_specs(block, specs, problems)
        if problems:
            findings += _not_json(problems, ids[node], origins[number - 1])
        kind = cls.kind or block.block_name
        label = cls.label or kind
        made.append(_new(WireBlock, (ids[node], kind, specs, label, number, EMPTY)))
    return tuple(made)


_new = tuple.__new__  # what a named tuple calls in turn
_put = dict.__setitem__  # a frozen dict is filled where it is made, and only there


def _convert(item: Any) -> Any:
    """Convert the values that the language allows in specs to JSON data."""
    if type(item) is RowKind:
        return item.name
    if isinstance(item, type) and (fields := field_map(item)) is not None:
        return fields
    return item


def _open_specs(block: Block, specs: FrozenDict, problems: list[Problem]) -> FrozenDict:
    """Rename specs, and merge those that were given whole or in `extra` into them."""
    opened = FrozenDict()
    whole = specs.get("specs", EMPTY)
    if not isinstance(whole, dict):
        problems.append(_no_mapping("specs", whole))
        whole = EMPTY
    sent = block.spec_names
    named = {sent[name]: found for name, found in specs.items() if name != "specs"}
    problems += [
        _repeats_field("specs", name, block) for name in named if name in whole
    ]
    for name, found in (whole | named).items():
        _put(opened, name, found)
    extra = freeze(block.extra or {}, ("extra",), problems, _convert)
    if not isinstance(extra, dict):
        problems.append(_no_mapping("extra", extra))
        extra = EMPTY
    for name, found in extra.items():
        if name in opened:
            problems.append(_repeats_field("extra", name, block))
        _put(opened, name, found)
    return opened


def _repeats_field(argument: str, name: str, block: Block) -> Problem:
    message = f"{argument} sets {name!r}, which the block sets itself"
    names = block.spec_names.items()
    own = next((one for one, sent in names if sent == name), name)
    advice = f"write {own}=... alone"
    return Problem("extra-repeats-field", (argument, name), message, advice)


def _no_mapping(name: str, found: Any) -> Problem:
    message = f"{name} is a mapping of fields, not {shortened(found)}"
    return Problem("not-json", (name,), message, f"write {name}={{...}}")


def _not_json(
    problems: Iterable[Problem], block_id: str, origin: Origin
) -> Iterable[Finding]:
    for problem in problems:
        yield Finding(
            code=problem.code,
            family="values",
            severity="error",
            message=f"{pointer(problem.path)}: {problem.message}",
            help=problem.help,
            where=origin.where,
            block_id=block_id,
            place=origin.place,
        )
