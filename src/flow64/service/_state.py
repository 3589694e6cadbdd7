"""What is deployed, compared with what the code says: decided from live and stamp."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, frozen

from ..analysis import differences
from ..definition import (
    EMPTY,
    MASK,
    BoundSecret,
    Definition,
    FrozenDict,
    FrozenList,
    ListedOrigins,
    Stamp,
    WireBlock,
    block_refs,
    fingerprint,
    thaw,
    walk,
)

State: TypeAlias = Literal[
    "new", "unchanged", "update", "drifted", "conflict", "converged", "foreign"
]
"""new: not there. unchanged: live and stamp are the code's. update: the code has
changed. drifted: edited on the service. conflict: both. converged: live is what the
code says, and the stamp does not say so. foreign: not deployed by this code."""

Fields: TypeAlias = Mapping[str, frozenset[str]]
"""Names of the top-level spec fields that are set, by block."""


@frozen
class Comparison:
    """Live against code.

    Attributes:
        state: What is the case.
        edits: How what is live differs from the code, one line each; the definition
            that was deployed last is not at hand.
        changes: The same the other way round: what a write would change.
        unmanaged: Fields that are live and that code neither sets nor set: sent back as
            they are, never a change.
    """

    state: State
    edits: Sequence[str] = ()
    changes: Sequence[str] = ()
    unmanaged: Sequence[str] = ()


def fields_of(definition: Definition) -> Fields:
    """The spec fields that a definition sets, by block id in lower case."""
    return {block.id.lower(): frozenset(block.specs) for block in definition.blocks}


def sent_fields(definition: Definition) -> Fields:
    """The same as a stamp has them: by block reference."""
    refs = block_refs(block.id for block in definition.blocks)
    return {refs[block.id]: frozenset(block.specs) for block in definition.blocks}


def reduced(live: Definition, fields: Fields) -> Definition:
    """A live definition with the fields that code manages, and no others."""
    blocks = tuple(
        block._replace(specs=_kept(block, fields.get(block.id.lower(), _NONE)))
        for block in live.blocks
    )
    return evolve(live, blocks=blocks)


def short(definition: Definition) -> str:
    """The first 16 digits of the bound fingerprint, as a stamp has them."""
    return fingerprint(definition, bound=True)[:16]


def compare(code: Definition, live: Definition | None, stamp: Stamp) -> Comparison:
    """The state of a workflow.

    Args:
        code: What the code says, with its values filled in.
        live: What the service has.
        stamp: What a deploy of the code would leave there.
    """
    if live is None:
        return Comparison("new")
    ours, sent, left = fields_of(code), _last_sent(live), _genuine(live)
    kinds = {block.id.lower(): block.kind for block in code.blocks}
    unmanaged, dropped = [], False
    for block in live.blocks:
        ref = block.id.lower()
        if kinds.get(ref) != block.kind:
            continue  # a block that goes, or becomes another, keeps nothing
        for name in block.specs.keys() - ours[ref]:
            if name in sent.get(ref, _NONE):
                dropped = True  # set last time, and no longer: an update removes it
            else:
                unmanaged.append(f"{block.kind} ({ref[:8]}).{name}")
    is_equal = not dropped and short(reduced(live, ours)) == stamp.bound
    # Where the stamp had no room for FIELDS, what code sets now has to stand in.
    known = ours if left is not None and left.fields is None else sent
    state: State
    if left is None:
        state = "converged" if is_equal else "foreign"
    elif is_equal:
        same = (left.path, left.unbound, left.bound)
        is_stamped = same == (stamp.path, stamp.unbound, stamp.bound)
        state = "unchanged" if is_stamped else "converged"
    elif short(reduced(live, known)) == left.bound:
        state = "update"
    else:
        state = "drifted" if left.bound == stamp.bound else "conflict"
    if is_equal:
        return Comparison(state, unmanaged=sorted(unmanaged))
    either = {ref: names | sent.get(ref, _NONE) for ref, names in ours.items()}
    shown = _called_alike(veiled(reduced(live, either), code), code)
    edits, changes = differences(code, shown), differences(shown, code)
    return Comparison(state, list(edits), list(changes), sorted(unmanaged))


def _called_alike(live: Definition, code: Definition) -> Definition:
    """A live definition whose blocks are called as the code calls them."""
    return evolve(
        live,
        origins=ListedOrigins(
            [
                code.origins[code.index[block.id]]
                if block.id in code.index
                else live.origins[position]
                for position, block in enumerate(live.blocks)
            ]
        ),
    )


def merged(code: Definition, live: Definition | None) -> Definition:
    """What a write sends: the code, and what is live beside it, as it is.

    That is unmanaged spec fields, and keys that no document names, such as what an
    editor may remember of a block.
    """
    if live is None:
        return code
    sent = _last_sent(live)
    there = {block.id.lower(): block for block in live.blocks}
    blocks = []
    for block in code.blocks:
        old = there.get(block.id.lower())
        if old is not None and old.kind == block.kind:
            known = block.specs.keys() | sent.get(block.id.lower(), _NONE)
            more = {name: v for name, v in old.specs.items() if name not in known}
            specs = FrozenDict({**block.specs, **more})
            extra = FrozenDict({**old.extra, **block.extra})
            block = block._replace(specs=specs, extra=extra)  # noqa: PLW2901 - the same block, with more in it
        blocks.append(block)
    return evolve(
        code,
        blocks=tuple(blocks),
        graph_extra=FrozenDict({**live.graph_extra, **code.graph_extra}),
    )


def veiled(live: Definition, code: Definition) -> Definition:
    """A live definition as it may be shown, although secrets are live as their text.

    A field that code fills with a secret is shown as in the code where it is equal, and
    masked where it is not; a secret that stands anywhere else is masked as well.
    """
    ours = {block.id.lower(): block.specs for block in code.blocks}
    secrets = [
        item.content
        for block in code.blocks
        for _, item in walk(block.specs)
        if isinstance(item, BoundSecret) and item.content not in ("", None)
    ]
    if not secrets:
        return live
    blocks = []
    for block in live.blocks:
        wanted = ours.get(block.id.lower(), EMPTY)
        specs = {
            name: _veiled(found, wanted.get(name), secrets)
            for name, found in block.specs.items()
        }
        blocks.append(block._replace(specs=FrozenDict(specs)))
    return evolve(live, blocks=tuple(blocks))


def _veiled(found: Any, wanted: Any, secrets: Sequence[Any]) -> Any:
    if any(isinstance(item, BoundSecret) for _, item in walk(wanted)):
        return wanted if thaw(wanted, _revealed) == thaw(found) else MASK
    return _without(found, secrets)


def _without(found: Any, secrets: Sequence[Any]) -> Any:
    if any(
        found == secret
        or (isinstance(found, str) and isinstance(secret, str) and secret in found)
        for secret in secrets
    ):
        return MASK
    if isinstance(found, dict):
        return FrozenDict({k: _without(inner, secrets) for k, inner in found.items()})
    if isinstance(found, list):
        return FrozenList([_without(inner, secrets) for inner in found])
    return found


def _revealed(item: Any) -> Any:
    return thaw(item.content) if isinstance(item, BoundSecret) else item


_NONE: Final = frozenset[str]()


def _genuine(live: Definition) -> Stamp | None:
    """The stamp that code of ours left on this very workflow."""
    stamp = live.stamp
    return stamp if stamp is not None and stamp.is_genuine(live.id or "") else None


def _last_sent(live: Definition) -> Fields:
    """What the last deploy set, by block id; nothing where that is not on record."""
    if (stamp := _genuine(live)) is None:
        return {}
    return {
        block.id.lower(): stamp.fields_of(block.id) or _NONE for block in live.blocks
    }


def _kept(block: WireBlock, names: frozenset[str]) -> FrozenDict:
    if block.specs.keys() <= names:
        return block.specs
    return FrozenDict({k: v for k, v in block.specs.items() if k in names})
