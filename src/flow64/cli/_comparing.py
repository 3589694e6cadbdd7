"""Pairs of workflows to compare: which is which, without secrets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from attrs import evolve, frozen

from ..definition import (
    EMPTY,
    Definition,
    FrozenDict,
    FrozenList,
    Value,
    Values,
    canonical_id,
    genuine_stamp,
    hide_secrets,
    join_places,
    secret_places,
    stamped_places,
)
from ..deploy.judge import fields_of, fields_of_last_deploy, keep_fields
from ..environments import Environment, Reference
from ..errors import ConfigError
from ..loading import Side, SideWorkflow, select_set_values
from ..report.subjects import Subject


@frozen
class Comparable:
    """The workflows of two sides, in pairs.

    Attributes:
        subjects: One for each workflow of both sides.
        omitted: The number of workflows that were left out, because the other side is
            a single workflow.
    """

    subjects: Sequence[Subject]
    omitted: int = 0


def pair_sides(before: Side, after: Side, values: Sequence[Values] = ()) -> Comparable:
    """Pair the workflows of two sides, without secrets.

    Args:
        before: The first side.
        after: The second side.
        values: The values of the environments. Secret ones are hidden on both sides.
    """
    pairs = _match_workflows(before, after)
    omitted = 0
    if before.is_part != after.is_part:
        one = 0 if before.is_part else 1
        kept = [pair for pair in pairs if pair[one] is not None]
        omitted, pairs = len(pairs) - len(kept), kept
    if before.env is not None and after.env is not None:
        pairs = [_name_values(pair, before.values, after.values) for pair in pairs]
    known = values or (Values(),)
    own = [
        side.values if isinstance(side.values, Values) else known[0]
        for side in (before, after)
    ]
    subjects = [_make_subject(*pair, (own[0], own[1]), known) for pair in pairs]
    return Comparable(subjects, omitted)


def find_hidden(before: Side, after: Side) -> Sequence[str]:
    """Return variables that are not set here, without which no difference is shown.

    Between two environments nothing else tells which texts are secret.
    """
    if before.env is None or after.env is None:
        return ()
    return [*dict.fromkeys([*before.unset, *after.unset])]


def prepare_live(side: Side, environment: Environment) -> Side:
    """Return a live side with its values, and without the suffix of its titles."""
    unset: list[str] = []
    for name in environment.values:
        for variable in environment.variables(name):
            try:
                environment.text(f"values.{name}", Reference(variable))
            except ConfigError:
                unset.append(variable)
    ending = f" {environment.suffix}" if environment.suffix else ""
    entries = [
        evolve(
            entry,
            definition=evolve(
                entry.definition, name=entry.definition.name.removesuffix(ending)
            ),
        )
        for entry in side.entries
    ]
    values = select_set_values(environment.bound)
    return evolve(side, entries=entries, values=values, unset=tuple(unset))


# -- Which is which -------------------------------------------------------------------


_Pair: TypeAlias = tuple[SideWorkflow | None, SideWorkflow | None]


def _match_workflows(before: Side, after: Side) -> Sequence[_Pair]:
    """Match the workflows of both sides: by id, then by path, then by key."""
    if before.is_one and after.is_one:
        return [(before.entries[0], after.entries[0])]
    partners: dict[int, SideWorkflow] = {}
    taken: set[int] = set()
    for feature in _FEATURES:
        theirs = _find_unique(before.entries, feature, {*partners})
        ours = _find_unique(after.entries, feature, taken)
        for mark, position in theirs.items():
            if mark in ours:
                partners[position] = after.entries[ours[mark]]
                taken.add(ours[mark])
    pairs: list[_Pair] = [
        (entry, partners.get(position)) for position, entry in enumerate(before.entries)
    ]
    pairs += [
        (None, entry)
        for position, entry in enumerate(after.entries)
        if position not in taken
    ]
    return sorted(pairs, key=_order)


def _order(pair: _Pair) -> tuple[str, str]:
    entry = pair[1] or pair[0]
    assert entry is not None
    return entry.key, str(entry.definition.id)


_Feature: TypeAlias = Callable[[SideWorkflow], str | None]

_FEATURES: Final[Sequence[_Feature]] = (
    lambda entry: canonical_id(entry.definition.id or ""),
    lambda entry: entry.place,
    lambda entry: unquote(entry.key),  # `%6C` is no other key than `l`
)


def _find_unique(
    entries: Sequence[SideWorkflow], feature: _Feature, done: set[int]
) -> Mapping[str, int]:
    """Return the positions of entries by a feature that no other entry has."""
    found: dict[str, list[int]] = {}
    for position, entry in enumerate(entries):
        mark = feature(entry)
        if position not in done and mark:
            found.setdefault(mark, []).append(position)
    return {mark: many[0] for mark, many in found.items() if len(many) == 1}


# -- Without secrets ------------------------------------------------------------------


def _make_subject(
    before: SideWorkflow | None,
    after: SideWorkflow | None,
    own: tuple[Values, Values],
    values: Sequence[Values],
) -> Subject:
    entry = after or before
    assert entry is not None
    old, new = (
        None if side is None else _hide(side, other, known, values)
        for side, other, known in ((before, after, own[0]), (after, before, own[1]))
    )
    unmanaged: Sequence[str] = ()
    if before is not None and after is not None and before.is_live != after.is_live:
        code, live = (after, before) if before.is_live else (before, after)
        stamp = genuine_stamp(live.definition.stamp, live.definition.id)
        places = stamped_places(live.definition, stamp)
        sent = fields_of_last_deploy(live.definition, stamp, places)
        managed = {
            ref: names | sent.get(ref, frozenset())
            for ref, names in fields_of(code.definition).items()
        }
        if live is before and old is not None:
            old, unmanaged = _drop_unmanaged(old, managed)
        elif new is not None:
            new, unmanaged = _drop_unmanaged(new, managed)
    shown = new or old
    is_title = shown is not None and entry.key == entry.definition.name
    return Subject(
        shown.name if is_title and shown else entry.key,
        old,
        new,
        place=str(entry.definition.place or ""),
        was=_find_old_key(before, after),
        unmanaged=unmanaged,
    )


def _hide(
    entry: SideWorkflow,
    other: SideWorkflow | None,
    own: Values,
    values: Sequence[Values],
) -> Definition:
    """Return a side without secrets: by its code, by the stamp, and by their texts."""
    shown = entry.definition
    places = secret_places(shown)
    if entry.is_live:
        last = stamped_places(shown, genuine_stamp(shown.stamp, shown.id))
        is_code = other is not None and not other.is_live
        ours = secret_places(other.definition) if is_code and other else EMPTY
        places = join_places(ours, last)
    shown = hide_secrets(shown, places, own)
    for known in values:
        if known is not own:
            shown = hide_secrets(shown, {}, known)
    return shown


def _drop_unmanaged(
    live: Definition, managed: Mapping[str, frozenset[str]]
) -> tuple[Definition, Sequence[str]]:
    """Return a live definition without fields that code does not manage, and these."""
    kept = {**fields_of(live), **managed}
    unmanaged = [
        f"{live.origins.path(at) or block.kind}.{field}"
        for at, block in enumerate(live.blocks)
        for field in block.specs
        if field not in kept[block.id.lower()]
    ]
    return keep_fields(live, kept), unmanaged


def _find_old_key(before: SideWorkflow | None, after: SideWorkflow | None) -> str:
    """Return the old key in code, if `was=` names it. Live keeps it in its path."""
    if before is None or after is None or before.is_live or after.is_live:
        return ""
    is_one_place = before.place is not None and before.place == after.place
    return before.key if is_one_place and before.key != after.key else ""


# -- Values of environments -----------------------------------------------------------


def _name_values(
    pair: _Pair, before: Mapping[str, Any], after: Mapping[str, Any]
) -> _Pair:
    """Put values of environments by their names into two live workflows.

    A text is named if both sides have in its place what their own environment fills in.
    So two environments are compared by what the code says.
    """
    old, new = pair
    names = {
        (_mark(content), _mark(after[name])): name
        for name, content in before.items()
        if name in after and None not in (_mark(content), _mark(after[name]))
    }
    if old is None or new is None or not names:
        return pair
    theirs = {block.id.lower(): block for block in old.definition.blocks}
    ours = {block.id.lower(): block for block in new.definition.blocks}
    counts = len(old.definition.blocks), len(new.definition.blocks)
    if (len(theirs), len(ours)) != counts:
        return pair  # two blocks have one id, so it is not known which is which
    swapped = {(now, then): name for (then, now), name in names.items()}
    for ref in theirs.keys() & ours.keys():
        then, now = theirs[ref].specs, ours[ref].specs
        theirs[ref] = theirs[ref]._replace(specs=_put_names(then, now, names))
        ours[ref] = ours[ref]._replace(specs=_put_names(now, then, swapped))
    made = (
        evolve(entry, definition=evolve(entry.definition, blocks=(*blocks.values(),)))
        for entry, blocks in ((old, theirs), (new, ours))
    )
    return next(made), next(made)


def _put_names(
    specs: Any, others: Any, names: Mapping[tuple[Hashable, Hashable], str]
) -> Any:
    """Put values by their names into specs, beside the specs of the other side."""
    if specs == others:
        return specs
    if isinstance(specs, dict):
        members = others if isinstance(others, dict) else {}
        return FrozenDict(
            {k: _put_names(v, members.get(k), names) for k, v in specs.items()}
        )
    if isinstance(specs, list):
        is_aligned = isinstance(others, list) and len(others) == len(specs)
        items = zip(specs, others if is_aligned else [None] * len(specs), strict=True)
        return FrozenList([_put_names(item, other, names) for item, other in items])
    name = names.get((_mark(specs), _mark(others)))
    return specs if name is None else Value(name)


def _mark(item: Any) -> Hashable:
    """Return what identifies a text, a number or a flag. None for anything else."""
    is_plain = isinstance(item, str | int | float)
    return (type(item), item) if is_plain else None
