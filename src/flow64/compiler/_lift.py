"""Lifting: a definition becomes a flow again. It is the reverse of lowering.

Blocks become blocks of the catalogue, edges `>>`, and ids keys if they were made from
keys, or else pins. The result is lowered again, and must have the same fingerprint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final, cast
from unicodedata import normalize

import attrs
from attrs import frozen

from ..blocks import BUILT_IN, UncheckedBlock
from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    LOCAL,
    BoundSecret,
    Definition,
    ProjectKey,
    Tag,
    WireBlock,
    canonical_id,
    fingerprint,
    id_of,
    is_uuid,
    parse_path,
    path_of,
    slug,
    split_stamp,
    thaw,
)
from ..dsl import COMPANY, LEAD, UNSET, Block, Flow, RawBlock
from ..errors import CannotLiftError
from ..text import shortened
from ._arrange import FlowPart, arrange_parts, leaf
from ._identity import Identity
from ._keys import MAX_KEY, is_key
from ._lower import lower
from ._own_classes import NO_CLASSES, OwnClasses

DEEPEST: Final = 8
"""How many scopes a block stands in at most; one that has more is pinned."""

LONGEST: Final = 80
"""Characters of a key that a title gives."""


@frozen
class Lifted:
    """A definition in the terms of the language.

    Attributes:
        identity: Title, keys, project and pins: the arguments of `Workflow(...)`.
        parts: Its flows, as they will be written.
        allow: Codes of findings that its project silences.
        omitted: Data that the service does not read and code cannot express, in words.
        accepted: Codes of errors that its blocks allow. The code says so.
    """

    identity: Identity
    parts: tuple[FlowPart, ...]
    allow: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()

    @property
    def flows(self) -> tuple[Flow[Any, Any], ...]:
        """Its flows: a single one if that expresses all of the graph."""
        return tuple(part.flow for part in self.parts)


def lift(
    definition: Definition,
    identity: Identity | None = None,
    *,
    env: str = DEFAULT_ENV,
    own: OwnClasses = NO_CLASSES,
) -> Lifted:
    """Turn a definition into flows, and the other arguments of `Workflow(...)`.

    Lowered again it has the same fingerprint.

    Args:
        identity: Its keys and pins, if known. By default those of the path that its id
            was computed from, or of its stamp, or a pin.
        env: The environment that its id is for.
        own: Classes of the user's own, which are preferred to those of the catalogue.

    Raises:
        CannotLiftError: It has no blocks, a cycle, a dangling edge, two blocks with the
            same id, or data that code cannot express.
    """
    if problems := [*_faults(definition)]:
        raise CannotLiftError(definition.name, problems)
    known = _identity(definition, env) if identity is None else identity
    names = _names(definition, known)
    blocks = [
        _block(wire, definition, at, names[at].key, own)
        for at, wire in enumerate(definition.blocks)
    ]
    leaves = [
        leaf(block, name.scope, at)
        for at, (block, name) in enumerate(zip(blocks, names, strict=True))
    ]
    parts = arrange_parts(leaves, definition.topology)
    pins = {name.path: name.pin for name in names if name.pin is not None}
    workflow_pins = known.pins.get("workflow", EMPTY)
    held = {"workflow": workflow_pins, "blocks": pins}
    named = known._replace(
        name=definition.name,
        # A definition that is about to be sent has a stamp here, which code has not.
        description=split_stamp(definition.description)[0],
        pins={part: ids for part, ids in held.items() if ids},
        place=None,
    )
    lifted = Lifted(
        named, parts, tuple(sorted(definition.allowed)), tuple(_omissions(definition))
    )
    _require_same(definition, lifted)
    return lifted


def _require_same(definition: Definition, lifted: Lifted) -> None:
    """Check that the lifted flows have the meaning of the definition.

    Raises:
        CannotLiftError: The definition holds something that code cannot express.
    """
    head, found = lifted.identity.resolve_head()
    lowered = lower(lifted.flows, head)
    if problems := [one.message for one in (*found, *lowered.findings)]:
        raise CannotLiftError(definition.name, problems)
    if fingerprint(lowered.definition) != fingerprint(definition):
        problem = "as code it would say something else, which is a mistake of flow64"
        raise CannotLiftError(definition.name, [problem])


# -- What cannot be said --------------------------------------------------------------


def _faults(definition: Definition) -> Iterator[str]:
    """Yield the reasons why a graph cannot be written as a flow."""
    yield from _block_faults(definition.blocks)
    index = definition.index
    for edge in definition.edges:
        strangers = [end for end in (edge.source, edge.target) if end not in index]
        for end in strangers:
            yield f"an edge names the block {shortened(end)}, which is not there"
    if any(edge.condition is not None for edge in definition.edges):
        yield "an edge has a condition, which code cannot say"
    if _is_cyclic(definition):
        yield "rows run in a circle"


def _block_faults(blocks: Sequence[WireBlock]) -> Iterator[str]:
    """Yield the faults of blocks that do not depend on their kinds."""
    if not blocks:
        yield "it has no blocks"
    ids = Counter(canonical_id(block.id) for block in blocks)
    for block_id, times in ids.items():
        if times > 1:
            yield f"{times} blocks have the id {shortened(block_id)}"
        elif not is_uuid(block_id):
            yield f"the block id {shortened(block_id)} is not a UUID"
    for block in blocks:
        if not block.kind:
            yield f"the block {shortened(block.id)} has no block_name"


def _is_cyclic(definition: Definition) -> bool:
    topology = definition.topology
    rank = {at: number for number, at in enumerate(topology.order)}
    pairs = zip(topology.sources, topology.targets, strict=True)
    return any(rank[source] >= rank[target] for source, target in pairs)


def _omissions(definition: Definition) -> Iterator[str]:
    """Yield the data that code cannot express, apart from the workflow."""
    if definition.extra:
        yield f"of the workflow {_keys(definition.extra)}"
    if definition.graph_extra:
        yield f"of the graph {_keys(definition.graph_extra)}"
    for block in definition.blocks:
        if block.extra:
            yield f"of the block {shortened(block.kind)} {_keys(block.extra)}"
    others = {key: None for edge in definition.edges for key in edge.extra}
    others.pop("condition", None)
    if others:
        yield f"of edges {_keys(others)}"


def _keys(data: Mapping[str, Any]) -> str:
    return ", ".join(shortened(key) for key in data)


# -- The owner -----------------------------------------------------------------------


def _identity(definition: Definition, env: str) -> Identity:
    """Return the keys of a definition by its path or genuine stamp, or a pin."""
    path = definition.path
    stamp, own = definition.stamp, definition.id
    if path is None and stamp is not None and own and stamp.is_genuine(own):
        path = stamp.path
    found = None if path is None else _parse_path(path)
    key = slug(definition.name)[:LONGEST].strip("-")
    made = Identity("", key=key if is_key(key) else "workflow")
    if found is not None:
        env, made = found
        if definition.is_key_derived and slug(definition.name) == made.key:
            made = made._replace(key=None)
    head = made._replace(name=definition.name).head(env)
    if own and canonical_id(own) != canonical_id(head.id):
        made = made._replace(pins={"workflow": {env: canonical_id(own)}})
    return made


def _parse_path(path: str) -> tuple[str, Identity] | None:
    """Return the environment and the keys of a path; None if it is not one of ours."""
    segments = parse_path(path)
    if segments[-1][0] == "pin":
        segments.pop()
    found: dict[str, str] = {}
    for tag in ("ns", "project", "env", "workflow"):
        if segments and segments[0][0] == tag:
            found[tag] = segments.pop(0)[1]
    names = [*found.values(), *(name for _, name in segments)]
    is_ours = (
        {"ns", "workflow"} <= found.keys()
        and all(map(is_key, names))
        and all(tag in ("axis", "variant") for tag, _ in segments)
        and ("project" in found) == (found["ns"] != LOCAL)
    )
    if not is_ours:
        return None
    project = None
    if "project" in found:
        project = ProjectKey(found["project"], found["ns"])
    axes = cast("Sequence[tuple[Tag, str]]", tuple(segments))
    made = Identity("", key=found["workflow"], project=project, segments=axes)
    return found.get("env", DEFAULT_ENV), made


# -- What blocks are called -----------------------------------------------------------


@frozen
class _Name:
    """Keys of a block.

    Attributes:
        scope: Its scopes, the outermost first.
        key: Its key; None if that is its kind.
        path: Its key path, as in pins.
        pin: Its id, if that is not made from the path.
    """

    scope: tuple[str, ...]
    key: str | None
    path: str
    pin: str | None


def _names(definition: Definition, identity: Identity) -> Sequence[_Name]:
    """Return the name of each block: the one in code if known, else by its kind."""
    owner = identity._replace(name=definition.name).path()
    found: dict[int, _Name] = {}
    taken: set[str] = set()

    def take(at: int, names: Sequence[str]) -> bool:
        """Give a block this name if it is free."""
        made = _make_name(definition.blocks[at], names, owner)
        folded = normalize("NFC", made.path)
        if folded in taken:
            return False
        taken.add(folded)
        found[at] = made
        return True

    order = definition.topology.order
    for at in order:
        known = _names_in_code(definition, at, owner)
        if known is not None:
            take(at, known)
    kinds = Counter(definition.blocks[at].kind for at in order if at not in found)
    for at in order:
        if at not in found:
            block = definition.blocks[at]
            names = _candidate_keys(block, is_alone=kinds[block.kind] == 1)
            any(take(at, [name]) for name in names)
    return [found[at] for at in range(len(definition.blocks))]


def _names_in_code(definition: Definition, at: int, owner: str) -> Sequence[str] | None:
    """Return the scopes and the key that code gave a block, if known."""
    path = definition.origins.path(at)
    block = definition.blocks[at]
    if path is None:
        is_default = _id(owner, [block.kind]) == canonical_id(block.id)
        return [block.kind] if is_default and is_key(block.kind) else None
    names = [name.replace("%2F", "/") for name in path.split("/")]
    return names if len(names) <= DEEPEST and all(map(is_key, names)) else None


def _candidate_keys(block: WireBlock, *, is_alone: bool) -> Iterator[str]:
    """Yield keys for a block without a known key, the plainest first.

    They have its id and not a number, so that inserting a block changes no key.
    """
    kind = block.kind if is_key(block.kind) else "block"
    block_id = canonical_id(block.id)
    if is_alone:
        yield kind
    base = kind[: MAX_KEY - 80]
    yield f"{base}-{block_id[:8]}"
    yield from (f"{base}-{block_id}-{number}" for number in count(1))


def _make_name(block: WireBlock, names: Sequence[str], owner: str) -> _Name:
    *scope, key = names
    block_id = canonical_id(block.id)
    return _Name(
        tuple(scope),
        None if key == block.kind else key,
        "/".join(name.replace("/", "%2F") for name in names),
        None if _id(owner, names) == block_id else block_id,
    )


def _id(owner: str, names: Sequence[str]) -> str:
    """Return the id of a key path."""
    *scope, key = names
    segments: list[tuple[Tag, str]] = [("scope", name) for name in scope]
    return id_of(f"{owner}/{path_of([*segments, ('block', key)])}")


# -- Blocks ---------------------------------------------------------------------------


def _block(
    wire: WireBlock, definition: Definition, at: int, key: str | None, own: OwnClasses
) -> Block:
    """Return a block of the catalogue if the specs fit its class, or a raw one."""
    origin = definition.origins[at]
    specs: dict[str, Any] = thaw(wire.specs, _unbound)
    passed = [name for name in specs if name in origin.extra]
    extra = {name: specs.pop(name) for name in passed}
    allow = tuple(sorted(origin.allowed))
    cls = own.by_kind.get(wire.kind) or BUILT_IN.get(wire.kind)
    if cls is None or not _fits(cls, specs):
        return RawBlock(
            wire.kind, specs=specs, key=key, extra=extra or None, allow=allow
        )
    given = {
        name: _row_kind(sent, specs.pop(sent))
        for name, sent in cls.spec_names.items()
        if sent in specs and name != _WHOLE
    }
    if issubclass(cls, UncheckedBlock):
        given[_WHOLE] = specs
    else:
        extra |= specs
    return cls(**given, key=key, extra=extra or None, allow=allow)


_WHOLE: Final = "specs"
"""Return the argument that takes all specs of a kind with unknown fields."""


def _fits(cls: type[Block], specs: Mapping[str, Any]) -> bool:
    """Return True if a class would send exactly these specs."""
    absent = (
        field.default
        for field in attrs.fields(cls)
        if field.name in cls.spec_names
        and cls.spec_names[field.name] not in specs
        and field.name != _WHOLE
    )
    return all(default is UNSET for default in absent)


def _row_kind(name: str, value: Any) -> Any:
    """Return `LEAD` and `COMPANY` as code has them, and other values unchanged."""
    known = {kind.name: kind for kind in (LEAD, COMPANY)}
    is_row_kind = name == "dataframe_type" and isinstance(value, str)
    return known.get(value, value) if is_row_kind else value


def _unbound(value: Any) -> Any:
    """Return the unbound value of a secret, and other values unchanged."""
    return value.value if isinstance(value, BoundSecret) else value
