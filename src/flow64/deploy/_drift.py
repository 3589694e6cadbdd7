"""What is deployed, compared with what the code says: decided from live and stamp."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    redact_for_display,
    secrets_of,
    with_stamp,
)
from ..diff import Change, Unmanaged, Written, as_lines, diff
from ..plan import State, unnamed_of_edges

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


@frozen
class Judgement:
    """What live and stamp tell, before anybody says what differs.

    Attributes:
        state: What is the case.
        last: The stamp of the last deploy, or what was recorded at the pull.
        sent: The fields that were set last time, by block id in lower case.
        is_equal: Whether live is what the code says.
        is_untouched: Whether live is as the last deploy left it.
        unmanaged: Fields that are live and that code neither sets nor set.
        is_others: Whether the stamp there is genuine, and another workflow's of code.
    """

    state: State
    last: Stamp | None
    sent: Fields
    is_equal: bool
    is_untouched: bool
    unmanaged: Sequence[str] = ()
    is_others: bool = False


def fields_of(definition: Definition) -> Fields:
    """The spec fields that a definition sets, by block id in lower case."""
    return {block.id.lower(): frozenset(block.specs) for block in definition.blocks}


def sent_fields(definition: Definition) -> Fields:
    """The same as a stamp has them: by block reference."""
    refs = block_refs(block.id for block in definition.blocks)
    return {refs[block.id]: frozenset(block.specs) for block in definition.blocks}


def keep_fields(live: Definition, fields: Fields) -> Definition:
    """A live definition with the fields that code manages, and no others."""
    blocks = tuple(
        block._replace(specs=_kept(block, fields.get(block.id.lower(), _NONE)))
        for block in live.blocks
    )
    return evolve(live, blocks=blocks)


def last_sent(live: Definition, last: Stamp | None) -> Fields:
    """What the last deploy set, by block id; nothing where that is not on record."""
    if last is None:
        return {}
    if last.fields is None and short_fingerprint(live) == last.bound:
        return fields_of(live)  # no record is needed: all that is live was sent
    return {
        block.id.lower(): last.fields_of(block.id) or _NONE for block in live.blocks
    }


def short_fingerprint(definition: Definition) -> str:
    """The first 16 digits of the bound fingerprint, as a stamp has them."""
    return fingerprint(definition, bound=True)[:16]


def judge(
    code: Definition, live: Definition, stamp: Stamp, pulled: Stamp | None = None
) -> Judgement:
    """The state of a workflow that is there.

    Args:
        code: What the code says, with its values filled in.
        live: What the service has.
        stamp: What a deploy of the code would leave there.
        pulled: What was recorded when it was pulled; stands in for a genuine stamp.
    """
    genuine = _genuine(live)
    last = genuine or pulled
    is_others = genuine is not None and not is_one_workflow(genuine.path, stamp.path)
    ours, sent = fields_of(code), last_sent(live, last)
    kinds = {block.id.lower(): block.kind for block in code.blocks}
    unmanaged: list[str] = []
    dropped = False
    for block in live.blocks:
        ref = block.id.lower()
        if kinds.get(ref) != block.kind:
            continue  # a block that goes, or becomes another, keeps nothing
        for name in block.specs.keys() - ours[ref]:
            if name in sent.get(ref, _NONE):
                dropped = True  # set last time, and no longer: an update removes it
            else:
                unmanaged.append(f"{block.kind} ({ref[:8]}).{name}")
    is_equal = not dropped and short_fingerprint(keep_fields(live, ours)) == stamp.bound
    # Where the stamp had no room for FIELDS, what code sets now has to stand in.
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
    return Judgement(
        state, last, sent, is_equal, is_untouched, sorted(unmanaged), is_others
    )


def is_one_workflow(path: str, other: str) -> bool:
    """Whether two paths that lead to one id are those of one workflow of code.

    They are where they are equal, a pin left out: code may begin to pin an id that it
    had computed, or cease to. They are as well where both pin it for one project and
    environment, since the id hangs on no key then. Else it is code of somebody else.
    """
    ours, is_pinned, _ = path.partition("/pin:")
    theirs, is_other_pinned, _ = other.partition("/pin:")
    if ours == theirs:
        return True
    owners = {found.partition("/workflow:")[0] for found in (ours, theirs)}
    return bool(is_pinned and is_other_pinned) and len(owners) == 1


def is_known(last: Stamp, sent: Fields) -> bool:
    """Whether it is known which fields the last deploy sent.

    Args:
        last: Its stamp, which may have had no room for them.
        sent: What is known of them, as in a `Judgement`.
    """
    return last.fields is not None or any(sent.values())


def compare(
    code: Definition,
    live: Definition | None,
    stamp: Stamp,
    secrets: Iterable[BoundSecret] = (),
) -> Comparison:
    """The state of a workflow, and what differs in words.

    Args:
        code: What the code says, with its values filled in.
        live: What the service has.
        stamp: What a deploy of the code would leave there.
        secrets: What is secret beside what code binds.
    """
    if live is None:
        return Comparison("new")
    found = judge(code, live, stamp)
    if found.is_equal:
        return Comparison(found.state, unmanaged=found.unmanaged)
    ours = managed_fields(code, found)
    shown = prepare_for_display(live, code, secrets)
    edits = changes_between(code, shown, ours, ("before",))
    changes = changes_between(shown, code, ours)
    unmanaged = [*map(secrets_of([code], secrets).redact, found.unmanaged)]
    return Comparison(found.state, [*as_lines(edits)], [*as_lines(changes)], unmanaged)


_CODE: Final[Written] = ("after",)


def changes_between(
    before: Definition, after: Definition, ours: Fields, written: Written = _CODE
) -> tuple[Change, ...]:
    """Return what differs in the fields that code manages.

    Args:
        before: One side: by default what is live.
        after: The other side: by default the code.
        ours: For each block id the fields that code manages.
        written: Which sides are code.
    """
    found = diff(before, after, bound=True, managed=ours, written=written)
    return tuple(change for change in found if not isinstance(change, Unmanaged))


def managed_fields(code: Definition, found: Judgement) -> Fields:
    """The fields that code sets or set last time, by block id in lower case."""
    ours = fields_of(code)
    return {ref: names | found.sent.get(ref, _NONE) for ref, names in ours.items()}


def prepare_for_display(
    live: Definition, code: Definition, secrets: Iterable[BoundSecret] = ()
) -> Definition:
    """A live definition as it is shown: blocks called as in the code, secrets not."""
    return copy_block_names(redact_for_display(live, code, secrets), code)


def copy_block_names(live: Definition, code: Definition) -> Definition:
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


def merge_live(
    code: Definition,
    live: Definition | None,
    pulled: Stamp | None = None,
    *,
    sent: Fields | None = None,
) -> Definition:
    """What a write sends: the code, and what is live beside it, as it is.

    That is unmanaged spec fields, and keys that no document names, such as what an
    editor may remember of a block or an edge.

    Args:
        code: What the code says.
        live: What the service has; None where nothing is there.
        pulled: What was recorded when it was pulled.
        sent: What the last deploy set, where that is told already.
    """
    if live is None:
        return code
    if sent is None:
        sent = last_sent(live, _genuine(live) or pulled)
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
        edges=_with_extras(code, live),
        graph_extra=FrozenDict({**live.graph_extra, **code.graph_extra}),
    )


def with_own_stamp(definition: Definition) -> Definition:
    """Return a definition with its stamp, if it has one, in its description."""
    if definition.stamp is None:
        return definition
    text = with_stamp(definition.description, definition.stamp)
    return evolve(definition, description=text)


def spends_when_written(definition: Definition) -> Sequence[str]:
    """The blocks that spend credits as soon as they are written."""
    return [
        f"{definition.origins[position].where or block.kind} buys at creation"
        for position, block in enumerate(definition.blocks)
        if block.kind in CATALOGUE
        and "spends-on-create" in CATALOGUE[block.kind].effects(block.specs)
    ]


_NONE: Final = frozenset[str]()


def _genuine(live: Definition) -> Stamp | None:
    """The stamp that code of ours left on this very workflow."""
    stamp = live.stamp
    return stamp if stamp is not None and stamp.is_genuine(live.id or "") else None


def _with_extras(code: Definition, live: Definition) -> Sequence[Edge]:
    """The edges of the code, with what is live beside each."""
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


def _kept(block: WireBlock, names: frozenset[str]) -> FrozenDict:
    if block.specs.keys() <= names:
        return block.specs
    return FrozenDict({k: v for k, v in block.specs.items() if k in names})
