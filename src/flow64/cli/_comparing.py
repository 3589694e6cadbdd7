"""Compare two sides: match their workflows, and list the differences of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, frozen

from ..definition import (
    BoundSecret,
    Definition,
    Path,
    Value,
    canonical_id,
    genuine_stamp,
    redact_for_display,
    secrets_of,
)
from ..deploy import (
    SpecFields,
    fields_of,
    fields_of_last_deploy,
    keep_fields,
    managed_fields,
    prepare_for_display,
)
from ..diff import (
    Change,
    Consequence,
    CostChanged,
    EffectAppeared,
    EffectVanished,
    FindingAppeared,
    Unmanaged,
    Written,
    consequences,
    diff,
)
from ..environments import Environment, Reference
from ..errors import ConfigError
from ..loading import Side, SideWorkflow, select_set_values
from ..redaction import map_json, map_json_pairs

SideOutcome: TypeAlias = Literal["added", "removed", "changed", "same"]

SIGNS: Final[Mapping[SideOutcome, str]] = {
    "added": "+",
    "removed": "-",
    "changed": "~",
    "same": "·",
}
"""The sign of each outcome."""


@frozen
class ComparedWorkflow:
    """A workflow that is on both sides, or only on one.

    Attributes:
        before: The workflow on the first side.
        after: The workflow on the second side.
        changes: The differences.
        consequences: The consequences of the differences.
        unmanaged: Live fields that differ and that code does not set.
    """

    before: SideWorkflow | None
    after: SideWorkflow | None
    changes: Sequence[Change] = ()
    consequences: Sequence[Consequence] = ()
    unmanaged: Sequence[Unmanaged] = ()

    @property
    def entry(self) -> SideWorkflow:
        """The workflow as it is now, or as it was if it is gone."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def renamed_from(self) -> str | None:
        """The old key in code, if `was=` names it. None if the key is the same."""
        if self.before is None or self.after is None:
            return None
        # A live workflow keeps the old key in its path.
        is_code = not (self.before.is_live or self.after.is_live)
        is_one_place = self.before.place is not None and (
            self.before.place == self.after.place
        )
        if is_code and is_one_place and self.before.key != self.after.key:
            return self.before.key
        return None

    @property
    def outcome(self) -> SideOutcome:
        """Whether the workflow was added, removed or changed."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "changed" if self.changes or self.renamed_from else "same"


@frozen
class ComparedSides:
    """The workflows of two sides.

    Attributes:
        before: The first side.
        after: The second side.
        workflows: Each workflow of both sides.
        omitted: The number of workflows that were left out, because the other side is
            a single workflow.
    """

    before: Side
    after: Side
    workflows: Sequence[ComparedWorkflow]
    omitted: int = 0

    @property
    def hidden_for(self) -> Sequence[str]:
        """Variables that are not set here. If there are any, no difference is shown.

        Between two environments nothing else tells which texts are secret.
        """
        if self.before.env is None or self.after.env is None:
            return ()
        return [*dict.fromkeys([*self.before.unset, *self.after.unset])]

    @property
    def differs(self) -> bool:
        """Whether a workflow differs."""
        return any(one.outcome != "same" for one in self.workflows)

    def counts(self) -> Mapping[SideOutcome, int]:
        """The number of workflows with each outcome."""
        found = Counter(one.outcome for one in self.workflows)
        return {outcome: found[outcome] for outcome in SIGNS}


def compare_sides(
    before: Side,
    after: Side,
    *,
    prices: Mapping[str, float],
    strict: bool = False,
    secrets: Sequence[BoundSecret] = (),
) -> ComparedSides:
    """Compare two sides.

    Args:
        before: The first side.
        after: The second side.
        prices: Dollars for one row by kind, in place of those that are documented.
        strict: Count live fields that code does not manage.
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
    found = [_compare(*pair, prices, secrets, strict=strict) for pair in pairs]
    return ComparedSides(before, after, found, omitted)


def _redact_title(
    entry: SideWorkflow | None, secrets: Sequence[BoundSecret]
) -> SideWorkflow | None:
    """Redact the title and the key of a live workflow."""
    if entry is None or not entry.is_live:
        return entry
    redact = secrets_of((), secrets).redact
    definition = evolve(entry.definition, name=redact(entry.definition.name))
    return evolve(entry, key=redact(entry.key), definition=definition)


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
    lambda entry: entry.key,
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


# -- What differs ---------------------------------------------------------------------


def _compare(
    before: SideWorkflow | None,
    after: SideWorkflow | None,
    prices: Mapping[str, float],
    secrets: Sequence[BoundSecret],
    *,
    strict: bool,
) -> ComparedWorkflow:
    shown_pair = _redact_title(before, secrets), _redact_title(after, secrets)
    if before is None or after is None:
        one = before or after
        assert one is not None
        whole = _redact(one, secrets)
        empty = evolve(whole, blocks=(), edges=(), description="")
        sides = (empty, whole) if before is None else (whole, empty)
        wanted = _OF_NEW if before is None else _OF_GONE
        every = consequences(*sides, prices=prices)
        kept = [one for one in every if isinstance(one, wanted)]
        return ComparedWorkflow(*shown_pair, consequences=kept)
    old, new = before.definition, after.definition
    managed: SpecFields | None = None
    is_bound = before.is_live != after.is_live
    if is_bound:
        code, live = (new, old) if before.is_live else (old, new)
        managed = None if strict else managed_fields(code, _sent_last(live))
        shown = prepare_for_display(live, code, secrets)
        old, new = (shown, code) if before.is_live else (code, shown)
    else:
        old, new = _redact(before, secrets), _redact(after, secrets)
    written: Written = () if before.is_live else ("before",)
    if not after.is_live:
        written = (*written, "after")
    found = [*diff(old, new, bound=is_bound, managed=managed, written=written)]
    if managed is not None:
        old, new = (
            keep_fields(one, {**fields_of(one), **managed}) if entry.is_live else one
            for one, entry in ((old, before), (new, after))
        )
    return ComparedWorkflow(
        *shown_pair,
        [change for change in found if not isinstance(change, Unmanaged)],
        [*consequences(old, new, prices=prices, written=written)],
        [change for change in found if isinstance(change, Unmanaged)],
    )


def _redact(entry: SideWorkflow, secrets: Sequence[BoundSecret]) -> Definition:
    """Redact a workflow without code that says what is secret."""
    found = entry.definition
    return redact_for_display(found, None, secrets) if entry.is_live else found


_OF_NEW: Final = (CostChanged, EffectAppeared, FindingAppeared)
"""Consequences that are shown of a workflow that was added."""

_OF_GONE: Final = (CostChanged, EffectVanished)
"""Consequences that are shown of a workflow that was removed."""


def _sent_last(live: Definition) -> SpecFields:
    """Return the fields that code set last time, by block id in lower case."""
    return fields_of_last_deploy(live, genuine_stamp(live.stamp, live.id))


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
