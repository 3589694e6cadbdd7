"""Pairs of workflows to compare: which is which, without secrets."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from attrs import evolve, frozen

from ..definition import (
    MASK,
    BoundSecret,
    Definition,
    Path,
    Value,
    canonical_id,
    genuine_stamp,
    name_secrets,
    redact_for_display,
    secrets_of,
)
from ..deploy import (
    fields_of,
    fields_of_last_deploy,
    keep_fields,
    managed_fields,
    prepare_for_display,
)
from ..environments import Environment, Reference
from ..errors import ConfigError
from ..loading import Side, SideWorkflow, select_set_values
from ..redaction import Secrets, map_json, map_json_pairs
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


def pair_sides(
    before: Side, after: Side, secrets: Sequence[BoundSecret] = ()
) -> Comparable:
    """Pair the workflows of two sides, without secrets.

    Args:
        before: The first side.
        after: The second side.
        secrets: What is secret wherever it is live, whatever the code says.
    """
    pairs = _match_workflows(before, after)
    omitted = 0
    if before.is_part != after.is_part:
        one = 0 if before.is_part else 1
        kept = [pair for pair in pairs if pair[one] is not None]
        omitted, pairs = len(pairs) - len(kept), kept
    if before.env is not None and after.env is not None:
        pairs = [_name_values(pair, before.values, after.values) for pair in pairs]
    return Comparable([_make_subject(*pair, secrets) for pair in pairs], omitted)


def find_hidden(before: Side, after: Side) -> Sequence[str]:
    """Return variables that are not set here, without which no difference is shown.

    Between two environments nothing else tells which texts are secret.
    """
    if before.env is None or after.env is None:
        return ()
    return [*dict.fromkeys([*before.unset, *after.unset])]


def name_live_texts(side: Side, environment: Environment) -> Side:
    """Put the names of values in the place of texts that come from variables.

    Such a text may be secret, and the live workflow does not say so. The suffix of the
    environment is taken off the titles too.
    """
    known: dict[str, Value] = {}
    unset: list[str] = []
    for name in environment.values:
        for variable in environment.variables(name):
            try:
                text = environment.text(f"values.{name}", Reference(variable))
            except ConfigError:
                unset.append(variable)
            else:
                known[text] = Value(name, secret=True)
    ending = f" {environment.suffix}" if environment.suffix else ""

    def name_text(item: Any) -> Any:
        is_known = isinstance(item, str) and item in known
        return BoundSecret(known[item], item) if is_known else item

    entries = [
        evolve(
            entry,
            definition=evolve(
                entry.definition.map_specs(lambda at: map_json(at.specs, name_text)),
                name=entry.definition.name.removesuffix(ending),
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
    secrets: Sequence[BoundSecret],
) -> Subject:
    entry = after or before
    assert entry is not None
    old, new = (
        None if side is None else _redact(side, other, secrets)
        for side, other in ((before, after), (after, before))
    )
    sides = [side.definition for side in (before, after) if side is not None]
    hidden = secrets_of(sides, secrets)
    unmanaged: Sequence[str] = ()
    if before is not None and after is not None and before.is_live != after.is_live:
        code, live = (after, before) if before.is_live else (before, after)
        last = genuine_stamp(live.definition.stamp, live.definition.id)
        sent = fields_of_last_deploy(live.definition, last)
        managed = managed_fields(code.definition, sent)
        if live is before and old is not None:
            old, unmanaged = _drop_unmanaged(old, managed)
        elif new is not None:
            new, unmanaged = _drop_unmanaged(new, managed)
    return Subject(
        hidden.redact(entry.key),
        None if old is None else _hide(old, hidden),
        None if new is None else _hide(new, hidden),
        place=str(entry.definition.place or ""),
        was=_find_old_key(before, after),
        unmanaged=unmanaged,
    )


def _redact(
    entry: SideWorkflow, other: SideWorkflow | None, secrets: Sequence[BoundSecret]
) -> Definition:
    """Return a side to show. What is live is named as in code."""
    if not entry.is_live:
        return entry.definition
    if other is None:
        return redact_for_display(entry.definition, None, secrets)
    if other.is_live:
        shown = redact_for_display(entry.definition, None, secrets)
    else:
        shown = prepare_for_display(entry.definition, other.definition, secrets)
    ours = {block.id.lower(): block.specs for block in other.definition.blocks}
    return shown.map_specs(
        lambda block: map_json_pairs(block.specs, ours.get(block.id.lower()), _mask)
    )


def _mask(item: Any, beside: Any, _: Path) -> Any:
    """Return the mask for a live value in the place of a secret of the other side."""
    is_named = type(item) in (Value, BoundSecret)
    is_secret = type(beside) is BoundSecret or (type(beside) is Value and beside.secret)
    return MASK if is_secret and not is_named else item


def _hide(definition: Definition, secrets: Secrets) -> Definition:
    """Return a definition without secrets, filled in or written out."""
    shown = definition.map_specs(lambda block: name_secrets(secrets.hide(block.specs)))
    return evolve(
        shown,
        name=secrets.redact(definition.name),
        description=secrets.redact(definition.description),
    )


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

    def put(item: Any, other: Any, _: Path) -> Any:
        name = names.get((_mark(item), _mark(other))) if item != other else None
        return item if name is None else Value(name)

    return map_json_pairs(specs, others, put)


def _mark(item: Any) -> Hashable:
    """Return what identifies a text, a number or a flag. None for anything else."""
    is_plain = isinstance(item, str | int | float)
    return (type(item), item) if is_plain else None
