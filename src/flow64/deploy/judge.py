"""The state of a live workflow, from what is live, its stamp and the code alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from attrs import NOTHING, evolve, frozen

from ..blocks import CATALOGUE
from ..definition import (
    EMPTY,
    Definition,
    Edge,
    FrozenDict,
    Places,
    Stamp,
    Values,
    WireBlock,
    canonical_id,
    fingerprint,
    genuine_stamp,
    meaning,
    name_secrets,
    secret_places,
    stamped_places,
    thaw,
    walk,
)
from .target import Target

State: TypeAlias = Literal[
    "new", "unchanged", "update", "drifted", "conflict", "foreign", "orphan"
]
"""new: not there. unchanged: live and stamp are those of the code. update: the code has
changed, or the text of a secret, or the stamp alone. drifted: edited on the service.
conflict: edited on both sides, or deployed by newer code. foreign: no code of ours
deployed it. orphan: our code deployed it, and does not have it any more."""

SpecFields: TypeAlias = Mapping[str, frozenset[str]]
"""Names of the top-level spec fields that are set, by block id in lower case."""


@frozen
class Judgement:
    """How a live workflow stands to its code.

    Attributes:
        state: The state, without a look at commits.
        is_equal: Live is what the code says, but for its stamp and texts of secrets.
        last: The stamp of the last deploy, or the record of the pull.
        sent: The fields that were set last time.
        secrets: Names of the secrets that have another text on the service.
        unset: Names of the secrets that are not known here, so were not compared.
        unmanaged: Live fields that the code neither sets nor set last time.
        is_others: The stamp is genuine, and belongs to another workflow of code.
    """

    state: State
    is_equal: bool
    last: Stamp | None
    sent: SpecFields
    secrets: Sequence[str] = ()
    unset: Sequence[str] = ()
    unmanaged: Sequence[str] = ()
    is_others: bool = False


def judge(target: Target, live: Definition, values: Values) -> Judgement:
    """Return the state of a live workflow.

    Args:
        target: What the code wants.
        live: What the service has.
        values: The values of the environment, to compare texts of secrets.
    """
    code, stamp = target.definition, target.stamp
    genuine = genuine_stamp(live.stamp, live.id)
    last = genuine or target.pulled
    is_others = genuine is not None and not is_one_workflow(genuine.path, stamp.path)
    ours, our_places = fields_of(code), secret_places(code)
    has_record = genuine is not None and genuine.sent is not None
    last_places = stamped_places(live, genuine) if has_record else our_places
    sent = fields_of_last_deploy(live, last, last_places)
    unmanaged, dropped = _find_unmanaged_fields(code, live, sent)
    named = keep_fields(name_secrets(live, our_places), ours)
    is_equal = not dropped and short_fingerprint(named) == stamp.bound
    secrets, unset = _compare_secrets(live, our_places, values)
    state: State
    if is_equal and not secrets:
        same = genuine and str(evolve(genuine, commit=stamp.commit)) == str(stamp)
        state = "unchanged" if same else "update"
    elif last is None or is_others:
        state = "foreign"
    elif is_equal:
        state = "update"
    else:
        # If the stamp had no room for its fields, those that code sets now are used.
        fields = sent if last.sent is not None or any(sent.values()) else ours
        before = keep_fields(name_secrets(live, last_places), fields)
        if short_fingerprint(before) == last.bound:
            state = "update"
        else:
            state = "drifted" if last.bound == stamp.bound else "conflict"
    return Judgement(state, is_equal, last, sent, secrets, unset, unmanaged, is_others)


def _find_unmanaged_fields(
    code: Definition, live: Definition, sent: SpecFields
) -> tuple[Sequence[str], bool]:
    """Return the fields that code never set, and whether it set one last time only."""
    ours = fields_of(code)
    kinds = {block.id.lower(): block.kind for block in code.blocks}
    unmanaged: list[str] = []
    dropped = False
    for block in live.blocks:
        ref = block.id.lower()
        if kinds.get(ref) != block.kind:
            continue  # a block that is removed or changes its kind keeps nothing
        name = code.origins[code.index.get(block.id, 0)].path or block.kind
        for field in block.specs.keys() - ours[ref]:
            if field in sent.get(ref, _NONE):
                dropped = True  # an update removes it
            else:
                unmanaged.append(f"{name}.{field}")
    return sorted(unmanaged), dropped


def _compare_secrets(
    live: Definition, places: Places, values: Values
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the names of secrets that differ, and of those that are not known here."""
    differ: set[str] = set()
    unset: set[str] = set()
    items = {
        tuple(map(str, path)): item
        for block in live.blocks
        for path, item in walk(block.specs, (block.id.lower(),))
    }
    for path, name in places.items():
        wanted = values.find(name)
        if wanted is NOTHING:
            unset.add(name)
        elif thaw(items.get(path)) != wanted:
            differ.add(name)
    return sorted(differ), sorted(unset)


def find_places(live: Definition, code: Definition | None = None) -> Places:
    """Return where secrets stand, by the last deploy and by the code."""
    last = stamped_places(live, genuine_stamp(live.stamp, live.id))
    return {**last, **secret_places(code)} if code else last


def is_as_deployed(live: Definition, stamp: Stamp) -> bool | None:
    """Return whether a workflow is as its stamp says. None if the stamp cannot tell."""
    places = stamped_places(live, stamp)
    sent = fields_of_last_deploy(live, stamp, places)
    if short_fingerprint(keep_fields(name_secrets(live, places), sent)) == stamp.bound:
        return True
    return None if stamp.sent is None else False


# -- Fields ----------------------------------------------------------------------------


def fields_of(definition: Definition) -> SpecFields:
    """Return the spec fields that a definition sets."""
    return {block.id.lower(): frozenset(block.specs) for block in definition.blocks}


def fields_of_last_deploy(
    live: Definition, last: Stamp | None, places: Places | None = None
) -> SpecFields:
    """Return the fields that the last deploy set. Empty if unknown.

    Args:
        live: What the service has.
        last: The stamp of that deploy.
        places: Where it has filled in secrets, if the stamp had no room for that.
    """
    if last is None:
        return {}
    if last.sent is None:
        is_all = short_fingerprint(name_secrets(live, places or {})) == last.bound
        return fields_of(live) if is_all else {}
    return {
        block.id.lower(): last.fields_of(block.id) or _NONE for block in live.blocks
    }


def keep_fields(live: Definition, fields: SpecFields) -> Definition:
    """Return a live definition with only some of its spec fields."""

    def keep(block: WireBlock) -> FrozenDict:
        names = fields.get(block.id.lower(), _NONE)
        return FrozenDict({k: v for k, v in block.specs.items() if k in names})

    return live.map_specs(keep)


_NONE: Final = frozenset[str]()


def short_fingerprint(definition: Definition) -> str:
    """Return the first 16 digits of the fingerprint, as in a stamp."""
    return fingerprint(definition)[:16]


def is_one_workflow(path: str, other: str) -> bool:
    """Return True if two paths of one id belong to the same workflow of code.

    They do if they are equal without their pins: code may begin to pin an id that it
    computed before, or stop doing so. They also do if both pin the id for one project
    and environment, since the id does not depend on a key then.
    """
    ours, is_pinned, _ = path.partition("/pin:")
    theirs, is_other_pinned, _ = other.partition("/pin:")
    if ours == theirs:
        return True
    owners = {item.partition("/workflow:")[0] for item in (ours, theirs)}
    return bool(is_pinned and is_other_pinned) and len(owners) == 1


# -- What a write sends ----------------------------------------------------------------


def merge_live(
    code: Definition, live: Definition | None, sent: SpecFields
) -> Definition:
    """Return the code, with everything live that it does not set.

    This means unmanaged spec fields, and undocumented keys, such as the position of a
    block in an editor.

    Args:
        code: The definition of the code.
        live: What the service has. None if it has nothing.
        sent: The fields that the last deploy set: those that code drops are removed.
    """
    if live is None:
        return code
    there = {block.id.lower(): block for block in live.blocks}
    blocks: list[WireBlock] = []
    for block in code.blocks:
        old = there.get(block.id.lower())
        if old is None or old.kind != block.kind:
            blocks.append(block)
            continue
        managed = block.specs.keys() | sent.get(block.id.lower(), _NONE)
        others = {name: v for name, v in old.specs.items() if name not in managed}
        specs = FrozenDict({**block.specs, **others})
        extra = FrozenDict({**old.extra, **block.extra})
        blocks.append(block._replace(specs=specs, extra=extra))
    return evolve(
        code,
        blocks=tuple(blocks),
        edges=tuple(_merge_edges(code, live)),
        graph_extra=FrozenDict({**live.graph_extra, **code.graph_extra}),
    )


def _merge_edges(code: Definition, live: Definition) -> Sequence[Edge]:
    """Return the edges of the code, with the undocumented keys that are live."""
    there = _extras_of_edges(live)
    if not there:
        return code.edges
    extras = [{**there.get(_ends(edge), EMPTY), **edge.extra} for edge in code.edges]
    pairs = zip(code.edges, extras, strict=True)
    return tuple(edge._replace(extra=FrozenDict(extra)) for edge, extra in pairs)


def _extras_of_edges(live: Definition) -> Mapping[tuple[str, str], FrozenDict]:
    """Return undocumented keys of edges, by the ids of both ends in lower case."""
    return {
        _ends(edge): FrozenDict(extra)
        for edge in live.edges
        if (extra := {k: v for k, v in edge.extra.items() if k != "condition"})
    }


def _ends(edge: Edge) -> tuple[str, str]:
    return edge.source.lower(), edge.target.lower()


def content_of(live: Definition) -> Mapping[str, object]:
    """Return all that an update of a workflow would replace, as JSON data.

    It leaves out order, numbers and labels, since each answer of a service may differ
    in them. It includes unmanaged fields, and unknown keys of graph, blocks and edges.
    """
    return {
        **meaning(live),
        "stamp": str(live.stamp) if live.stamp else None,
        "graph_extra": _as_data(live.graph_extra),
        "extras": {
            canonical_id(block.id): _as_data(block.extra)
            for block in live.blocks
            if block.extra
        },
        "edge_extras": sorted(
            [*ends, _as_data(extra)] for ends, extra in _extras_of_edges(live).items()
        ),
    }


def _as_data(item: object) -> object:
    plain: object = thaw(
        item, lambda inner: inner.as_data() if hasattr(inner, "as_data") else inner
    )
    return plain


def list_purchases(definition: Definition) -> Sequence[str]:
    """Describe the blocks that spend credits as soon as they are written."""
    return [
        f"{definition.origins[position].where or block.kind} buys at creation"
        for position, block in enumerate(definition.blocks)
        if block.kind in CATALOGUE
        and "spends-on-create" in CATALOGUE[block.kind].effects(block.specs)
    ]
