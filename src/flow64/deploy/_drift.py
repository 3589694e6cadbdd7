"""Compare a live workflow with its code, using only live data and its stamp."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import evolve, frozen

from ..blocks import CATALOGUE
from ..definition import (
    EMPTY,
    BoundSecret,
    Definition,
    Edge,
    FrozenDict,
    ListedOrigins,
    Stamp,
    WireBlock,
    block_refs,
    fingerprint,
    genuine_stamp,
    redact_for_display,
    with_stamp,
)
from ..diff import Change, Unmanaged, Written, as_lines, diff
from ..plan import State, unnamed_of_edges

SpecFields: TypeAlias = Mapping[str, frozenset[str]]
"""Names of the top-level spec fields that are set, by block id or reference."""


@frozen
class Judgement:
    """The state of a live workflow.

    Attributes:
        state: The state.
        last: The stamp of the last deploy, or the record of the pull.
        sent: The fields that were set last time, by block id in lower case.
        is_untouched: Live is as the last deploy left it.
        unmanaged: Live fields that the code neither sets nor set last time.
        is_others: The stamp is genuine, and belongs to another workflow of code.
    """

    state: State
    last: Stamp | None
    sent: SpecFields
    is_untouched: bool
    unmanaged: Sequence[str] = ()
    is_others: bool = False


def fields_of(definition: Definition) -> SpecFields:
    """Return the spec fields that a definition sets, by block id in lower case."""
    return {block.id.lower(): frozenset(block.specs) for block in definition.blocks}


def sent_fields(definition: Definition) -> SpecFields:
    """Return the spec fields that a definition sets, as in a stamp: by reference."""
    refs = block_refs(block.id for block in definition.blocks)
    return {refs[block.id]: frozenset(block.specs) for block in definition.blocks}


def keep_fields(live: Definition, fields: SpecFields) -> Definition:
    """Return a live definition with only some of its spec fields."""
    return live.map_specs(
        lambda block: _keep_specs(block, fields.get(block.id.lower(), _NONE))
    )


def fields_of_last_deploy(live: Definition, last: Stamp | None) -> SpecFields:
    """Return the fields that the last deploy set, by block id. Empty if unknown."""
    if last is None:
        return {}
    if last.fields is None and short_fingerprint(live) == last.bound:
        return fields_of(live)  # no record is needed: everything live was sent
    return {
        block.id.lower(): last.fields_of(block.id) or _NONE for block in live.blocks
    }


def short_fingerprint(definition: Definition) -> str:
    """Return the first 16 digits of the bound fingerprint, as in a stamp."""
    return fingerprint(definition, bound=True)[:16]


def judge(
    code: Definition, live: Definition, stamp: Stamp, pulled: Stamp | None = None
) -> Judgement:
    """Return the state of a live workflow.

    Args:
        code: The definition of the code, with its values filled in.
        live: What the service has.
        stamp: The stamp that a deploy of the code would leave.
        pulled: The record of its pull. It is used without a genuine stamp.
    """
    genuine = genuine_stamp(live.stamp, live.id)
    last = genuine or pulled
    is_others = genuine is not None and not is_one_workflow(genuine.path, stamp.path)
    ours, sent = fields_of(code), fields_of_last_deploy(live, last)
    kinds = {block.id.lower(): block.kind for block in code.blocks}
    unmanaged: list[str] = []
    dropped = False
    for block in live.blocks:
        ref = block.id.lower()
        if kinds.get(ref) != block.kind:
            continue  # a block that is removed or changes its kind keeps nothing
        for name in block.specs.keys() - ours[ref]:
            if name in sent.get(ref, _NONE):
                dropped = True  # set last time, and no longer: an update removes it
            else:
                unmanaged.append(f"{block.kind} ({ref[:8]}).{name}")
    is_equal = not dropped and short_fingerprint(keep_fields(live, ours)) == stamp.bound
    # If the stamp had no room for its fields, those that code sets now are used.
    known = ours if last is not None and not is_known(last, sent) else sent
    is_untouched = (
        last is not None and short_fingerprint(keep_fields(live, known)) == last.bound
    )
    state: State
    if is_equal:
        marks = genuine and (genuine.path, genuine.unbound, genuine.bound)
        is_stamped = marks == (stamp.path, stamp.unbound, stamp.bound)
        state = "unchanged" if is_stamped else "converged"
    elif last is None or is_others:
        state = "foreign"
    elif is_untouched:
        state = "update"
    else:
        state = "drifted" if last.bound == stamp.bound else "conflict"
    return Judgement(state, last, sent, is_untouched, sorted(unmanaged), is_others)


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
    owners = {found.partition("/workflow:")[0] for found in (ours, theirs)}
    return bool(is_pinned and is_other_pinned) and len(owners) == 1


def is_known(last: Stamp, sent: SpecFields) -> bool:
    """Return True if it is known which fields the last deploy sent.

    Args:
        last: Its stamp, which may have had no room for them.
        sent: The fields that are known, as in a `Judgement`.
    """
    return last.fields is not None or any(sent.values())


def describe_differences(
    code: Definition,
    live: Definition,
    found: Judgement,
    secrets: Iterable[BoundSecret] = (),
) -> Iterator[str]:
    """Describe what an update would change; for other states, what live has instead.

    Args:
        code: The definition of the code, with its values filled in.
        live: What the service has.
        found: The judgement of the two.
        secrets: Further secrets to hide.
    """
    ours = managed_fields(code, found.sent)
    shown = prepare_for_display(live, code, secrets)
    if found.state == "update":
        return as_lines(changes_between(shown, code, ours))
    return as_lines(changes_between(code, shown, ours, ("before",)))


_CODE: Final[Written] = ("after",)


def changes_between(
    before: Definition, after: Definition, ours: SpecFields, written: Written = _CODE
) -> tuple[Change, ...]:
    """Return the differences in the fields that code manages.

    Args:
        before: One side: by default what is live.
        after: The other side: by default the code.
        ours: The managed fields, by block id.
        written: Which sides are code.
    """
    found = diff(before, after, bound=True, managed=ours, written=written)
    return tuple(change for change in found if not isinstance(change, Unmanaged))


def managed_fields(code: Definition, sent: SpecFields) -> SpecFields:
    """Return the fields that code sets or set last time, by block id in lower case."""
    ours = fields_of(code)
    return {ref: names | sent.get(ref, _NONE) for ref, names in ours.items()}


def prepare_for_display(
    live: Definition, code: Definition, secrets: Iterable[BoundSecret] = ()
) -> Definition:
    """Return a live definition to show: named as in the code, with secrets redacted."""
    return copy_block_names(redact_for_display(live, code, secrets), code)


def copy_block_names(live: Definition, code: Definition) -> Definition:
    """Return a live definition with the names that the code gives to its blocks."""
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


def merge_live(
    code: Definition,
    live: Definition | None,
    pulled: Stamp | None = None,
    *,
    sent: SpecFields | None = None,
) -> Definition:
    """Return what a write sends: the code, with everything live that it does not set.

    This means unmanaged spec fields, and undocumented keys, such as the position of a
    block in an editor.

    Args:
        code: The definition of the code.
        live: What the service has. None if it has nothing.
        pulled: The record of its pull.
        sent: The fields that the last deploy set, if they are known already.
    """
    if live is None:
        return code
    if sent is None:
        last = genuine_stamp(live.stamp, live.id) or pulled
        sent = fields_of_last_deploy(live, last)
    there = {block.id.lower(): block for block in live.blocks}
    blocks: list[WireBlock] = []
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
        edges=_merge_edges(code, live),
        graph_extra=FrozenDict({**live.graph_extra, **code.graph_extra}),
    )


def with_own_stamp(definition: Definition) -> Definition:
    """Return a definition with its stamp, if it has one, in its description."""
    if definition.stamp is None:
        return definition
    text = with_stamp(definition.description, definition.stamp)
    return evolve(definition, description=text)


def spends_when_written(definition: Definition) -> Sequence[str]:
    """Describe the blocks that spend credits as soon as they are written."""
    return [
        f"{definition.origins[position].where or block.kind} buys at creation"
        for position, block in enumerate(definition.blocks)
        if block.kind in CATALOGUE
        and "spends-on-create" in CATALOGUE[block.kind].effects(block.specs)
    ]


_NONE: Final = frozenset[str]()


def _merge_edges(code: Definition, live: Definition) -> Sequence[Edge]:
    """Return the edges of the code, with the undocumented keys that are live."""
    there = unnamed_of_edges(live)
    if not there:
        return code.edges
    return tuple(
        edge._replace(
            extra=FrozenDict(
                {
                    **there.get((edge.source.lower(), edge.target.lower()), EMPTY),
                    **edge.extra,
                }
            )
        )
        for edge in code.edges
    )


def _keep_specs(block: WireBlock, names: frozenset[str]) -> FrozenDict:
    if block.specs.keys() <= names:
        return block.specs
    return FrozenDict({k: v for k, v in block.specs.items() if k in names})
