"""Second pass: keys become ids, and paths that order nodes of equal rank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from ..definition import (
    canonical_id,
    escape_key,
    escape_keys,
    ids_under,
    is_plain,
    is_unreserved,
    is_uuid,
)
from ..diagnostics import Finding
from ..dsl import Block
from ..text import did_you_mean, shortened
from ._collect import ROOT, FlowGraph, Scope

MAX_KEY: Final = 512
"""Characters of the longest key."""


def _scope_path(scope: Scope) -> str:
    """Return `scope:outer/scope:inner/`, or nothing for the workflow itself."""
    segments = []
    at: Scope | None = scope
    while at is not None and at.parent is not None:
        name = at.name if at.was is None else at.was
        segments.append(f"scope:{escape_key(name) if is_key(name) else '-'}/")
        at = at.parent
    return "".join(reversed(segments))


def shown_path(block: Block, scope: Scope) -> str:
    """Return the keys from the workflow down, joined by `/`, as people write it."""
    names = [block.block_name if block.key is None else block.key]
    at: Scope | None = scope
    while at is not None and at.parent is not None:
        names.append(at.name)
        at = at.parent
    texts = (n if isinstance(n, str) else shortened(n) for n in reversed(names))
    return "/".join(text.replace("/", "%2F") for text in texts)


def _id_key(block: Block) -> str:
    """Return the key for the id of a block: the old one if it was renamed."""
    key = block.key if block.was is None else block.was
    return block.block_name if key is None else key


@frozen
class Paths:
    """Paths of nodes below the workflow, to choose between nodes that are ready."""

    graph: FlowGraph
    prefixes: dict[Scope, str] = field(factory=dict)

    def __call__(self, nodes: list[int]) -> list[str]:
        blocks, scopes, prefixes = self.graph.blocks, self.graph.scopes, self.prefixes
        keys = escape_keys([_id_key(blocks[node]) for node in nodes])
        paths = []
        for node, key in zip(nodes, keys, strict=True):
            scope = scopes[node]
            prefix = prefixes.get(scope)
            if prefix is None:
                prefix = prefixes[scope] = _scope_path(scope)
            paths.append(f"{prefix}block:{key}")
        return paths


def ids_of(
    graph: FlowGraph,
    prefix: str,
    pins: Mapping[str, str],
    findings: list[Finding],
) -> list[str]:
    """Return the id of each node: computed from its key path, or pinned.

    Args:
        prefix: The path of the workflow.
        pins: Ids of imported blocks, by shown key path.
        findings: Gets the faults of keys and pins.
    """
    ids = [""] * len(graph.blocks)
    is_pinned = bool(pins)
    for scope, nodes in graph.nodes.items():
        if not nodes:
            continue
        inside = "" if scope is ROOT else _scope_path(scope)
        path = f"{prefix}/{inside}block:"
        keys, needs_care = _id_keys(nodes)
        if needs_care or scope is not ROOT or not _are_plain_keys(keys):
            judged = _judge_keys(graph, scope, list(nodes.values()), keys, findings)
            keys = escape_keys(judged)
            is_pinned = is_pinned or needs_care
        made = ids_under(path, keys)
        if len(made) == len(ids):  # the one scope that there is, nodes as they were met
            ids = made
        else:
            for node, block_id in zip(nodes.values(), made, strict=True):
                ids[node] = block_id
    if is_pinned:
        _pin(graph, pins, ids, findings)
    return ids


def _id_keys(blocks: Iterable[Block]) -> tuple[Sequence[str], bool]:
    """Return the keys for ids, and whether any block is pinned or was renamed."""
    keys = []
    needs_care = False
    for block in blocks:
        given = block.__dict__
        key = given.get("key")
        if key is None:
            key = type(block).kind or block.block_name
        if "was" in given or "id" in given:
            needs_care = needs_care or block.was is not None or block.id is not None
            key = _id_key(block)
        keys.append(key)
    return keys, needs_care


def _judge_keys(
    graph: FlowGraph,
    scope: Scope,
    nodes: Sequence[int],
    keys: Sequence[str],
    findings: list[Finding],
) -> list[str]:
    """Return the keys, with the kind and a finding in place of each faulty one."""
    if scope is not ROOT:
        for name in (scope.name, scope.was):
            if name is not None and not is_key(name):
                what = f"scope name {shortened(name)}"
                findings.append(_no_key(graph, nodes[0], what))
    judged = []
    for node, key in zip(nodes, keys, strict=True):
        block = graph.blocks[node]
        for written in (key, block.key):
            if written is not None and not is_key(written):
                findings.append(_no_key(graph, node, f"key {shortened(written)}"))
                break
        judged.append(key if is_key(key) else type(block).kind or "block")
    if any(graph.blocks[node].was is not None for node in nodes):
        _same_names(graph, nodes, findings)
    return judged


def _same_names(
    graph: FlowGraph, nodes: Sequence[int], findings: list[Finding]
) -> None:
    """Find two blocks that get the same key once their `was=` is removed."""
    seen: dict[str, int] = {}
    for node in nodes:
        block = graph.blocks[node]
        key = block.key or block.block_name
        if not is_key(key):
            continue
        first = seen.setdefault(escape_key(key), node)
        if first != node and _id_key(graph.blocks[first]) != _id_key(block):
            message = (
                f"key {key!r} is used twice, here and at "
                f"{graph.blocks[first].place}; was= only hides it"
            )
            findings.append(_finding(graph, node, "duplicate-key", message, _ONE_KEY))


_ONE_KEY = "give one of them another key="


def is_key(key: Any) -> bool:
    """Return True if a value can be a key: text of 1 to 512 characters of Unicode."""
    is_short = type(key) is str and 0 < len(key) <= MAX_KEY
    return is_short and (key.isascii() or is_plain(key))


def _are_plain_keys(values: Sequence[Any]) -> bool:
    """Return True if all values are keys that a path needs not escape."""
    try:
        text = "".join(values)
    except TypeError:
        return False
    is_short = len(text) <= MAX_KEY or max(map(len, values)) <= MAX_KEY
    return is_short and "" not in values and is_unreserved(text)


def _no_key(graph: FlowGraph, node: int, what: str) -> Finding:
    message = f"{what} is not a key: keys are text of 1 to {MAX_KEY} characters"
    return _finding(graph, node, "invalid-key", message, 'write key="a-name"')


def _pin(
    graph: FlowGraph, pins: Mapping[str, str], ids: list[str], findings: list[Finding]
) -> None:
    """Replace computed ids by those of imported blocks."""
    blocks, scopes = graph.blocks, graph.scopes
    paths = [shown_path(block, scopes[node]) for node, block in enumerate(blocks)]
    nodes = dict(zip(paths, range(len(paths)), strict=True))
    pinned = [(i, block.id) for i, block in enumerate(blocks) if block.id is not None]
    for path, block_id in pins.items():
        if path in nodes:
            pinned.append((nodes[path], block_id))
            continue
        near = did_you_mean(path, nodes)
        message = f"pins name the block {path!r}, which is not there{near}"
        findings.append(Finding("unknown-pin", "keys", "error", message, "mend pins="))
    for node, block_id in pinned:
        if is_uuid(block_id):
            ids[node] = canonical_id(block_id)
        else:
            message = describe_wrong_id(block_id)
            advice = "leave id= out, or pin the UUID of the imported block"
            findings.append(_finding(graph, node, "invalid-id", message, advice))


def _finding(
    graph: FlowGraph, node: int, code: str, message: str, advice: str
) -> Finding:
    block = graph.blocks[node]
    return Finding(
        code=code,
        family="keys",
        severity="error",
        message=message,
        help=advice,
        where=shown_path(block, graph.scopes[node]),
        place=block.place,
    )


def describe_wrong_id(pinned: Any) -> str:
    """Describe an id that the service cannot have given."""
    is_text = isinstance(pinned, str)
    wrong = (
        "a UUID, and the service wants one" if is_text else "a UUID as text: str(id)"
    )
    return f"id {shortened(pinned)} is not {wrong}"
