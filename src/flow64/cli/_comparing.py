"""Two sides compared: which workflow is which, and what differs in each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, frozen

from ..definition import (
    BoundSecret,
    Definition,
    FrozenDict,
    FrozenList,
    Value,
    canonical_id,
    redact_for_display,
    secrets_of,
)
from ..deploy import Fields, fields_of, keep_fields, prepare_for_display
from ..diff import (
    Change,
    Consequence,
    CostChanged,
    EffectAppeared,
    EffectVanished,
    FindingAppeared,
    Unmanaged,
    Written,
    as_data,
    as_lines,
    consequences,
    diff,
)
from ..environments import Environment, Reference
from ..errors import ConfigError
from ..loading import Side, SideWorkflow, select_set_values
from ..redaction import redact_keys
from ..text import pluralize, printable

Outcome: TypeAlias = Literal["added", "removed", "changed", "same"]

_NONE: Final = frozenset[str]()


@frozen
class Compared:
    """A workflow on both sides, or on one.

    Attributes:
        before: What it is on the one side; None where it is not there.
        after: What it is on the other side; None where it is not there.
        changes: What differs.
        consequences: What follows from that.
        unmanaged: Live fields that differ and that code does not set.
    """

    before: SideWorkflow | None
    after: SideWorkflow | None
    changes: Sequence[Change] = ()
    consequences: Sequence[Consequence] = ()
    unmanaged: Sequence[Unmanaged] = ()

    @property
    def entry(self) -> SideWorkflow:
        """It as it is now, or was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def renamed_from(self) -> str | None:
        """The key it had in code that `was=` names; None where it has the same."""
        if self.before is None or self.after is None:
            return None
        # What is live keeps the old key in its path for as long as it is there.
        is_code = not (self.before.is_live or self.after.is_live)
        is_one_place = self.before.place is not None and (
            self.before.place == self.after.place
        )
        if is_code and is_one_place and self.before.key != self.after.key:
            return self.before.key
        return None

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "changed" if self.changes or self.renamed_from else "same"


@frozen
class Comparison:
    """Two sides compared.

    Attributes:
        before: The one side.
        after: The other side.
        workflows: Each workflow of both.
        beside: How many of a side were left out, since the other one means one alone.
    """

    before: Side
    after: Side
    workflows: Sequence[Compared]
    beside: int = 0

    @property
    def hidden_for(self) -> Sequence[str]:
        """Variables that are not set here, for which what differs is not shown.

        Between two environments nothing else tells which texts are secret.
        """
        if self.before.env is None or self.after.env is None:
            return ()
        return [*dict.fromkeys([*self.before.unset, *self.after.unset])]

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return any(one.outcome != "same" for one in self.workflows)

    def counts(self) -> Mapping[Outcome, int]:
        """How many workflows became what."""
        found: dict[Outcome, int] = dict.fromkeys(
            ("added", "removed", "changed", "same"), 0
        )
        for one in self.workflows:
            found[one.outcome] += 1
        return found


def comparison(
    before: Side,
    after: Side,
    *,
    prices: Mapping[str, float],
    strict: bool = False,
    secrets: Sequence[BoundSecret] = (),
) -> Comparison:
    """Compare two sides.

    Args:
        before: What was there.
        after: What is there instead.
        prices: Dollars for one row by kind, in place of those that are documented.
        strict: Count fields that are live and that code does not manage.
        secrets: What is secret wherever it is live, whatever code says.
    """
    pairs = _paired(before, after)
    beside = 0
    if before.is_one != after.is_one:
        one = 0 if before.is_one else 1
        kept = [pair for pair in pairs if pair[one] is not None]
        beside, pairs = len(pairs) - len(kept), kept
    if before.env is not None and after.env is not None:
        pairs = [_agreed(pair, before.values, after.values) for pair in pairs]
    found = [_compared(*pair, prices, secrets, strict=strict) for pair in pairs]
    shown = [
        evolve(
            one, before=_titled(one.before, secrets), after=_titled(one.after, secrets)
        )
        for one in found
    ]
    return Comparison(before, after, shown, beside)


def _titled(
    entry: SideWorkflow | None, secrets: Sequence[BoundSecret]
) -> SideWorkflow | None:
    """A workflow that is live, without a secret in its title and its key."""
    if entry is None or not entry.is_live:
        return entry
    within = secrets_of((), secrets).redact
    name = within(entry.definition.name)
    definition = evolve(entry.definition, name=name)
    return evolve(entry, key=within(entry.key), definition=definition)


def recognised(side: Side, environment: Environment) -> Side:
    """A live side in which what variables hold stands by the names of their values.

    It may be secret, and what is live does not say so. The suffix of titles goes.
    """
    known: dict[str, Value] = {}
    unset: list[str] = []
    for name, given in environment.values.items():
        for reference in _references(given):
            try:
                text = environment.text(f"values.{name}", reference)
            except ConfigError:
                unset.append(reference.variable)
            else:
                known[text] = Value(name, secret=True)
    ending = f" {environment.suffix}" if environment.suffix else ""
    entries = [
        evolve(
            entry,
            definition=evolve(
                _named(entry.definition, known),
                name=entry.definition.name.removesuffix(ending),
            ),
        )
        for entry in side.entries
    ]
    values = select_set_values(environment.bound)
    return evolve(side, entries=entries, values=values, unset=tuple(unset))


def _references(given: Any) -> Iterator[Reference]:
    """The variables that a value is read from."""
    if isinstance(given, Reference):
        yield given
    elif isinstance(given, Mapping):
        inner: Any
        for inner in given.values():  # pyright: ignore[reportUnknownVariableType] - JSON
            yield from _references(inner)
    elif isinstance(given, list):
        for inner in given:  # pyright: ignore[reportUnknownVariableType] - JSON
            yield from _references(inner)


# -- Which is which -------------------------------------------------------------------


_Pair: TypeAlias = tuple[SideWorkflow | None, SideWorkflow | None]


def _paired(before: Side, after: Side) -> Sequence[_Pair]:
    """The workflows of both sides: by id, by path, by key; at last what is alone."""
    if before.is_one and after.is_one:
        return [(before.entries[0], after.entries[0])]
    partners: dict[int, SideWorkflow] = {}
    taken: set[int] = set()
    for feature in (_id, _place, _key):
        theirs = _unique(before.entries, feature, {*partners})
        ours = _unique(after.entries, feature, taken)
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


def _unique(
    entries: Sequence[SideWorkflow],
    feature: Callable[[SideWorkflow], str | None],
    done: set[int],
) -> Mapping[str, int]:
    """Positions by what one entry alone has."""
    found: dict[str, list[int]] = {}
    for position, entry in enumerate(entries):
        mark = feature(entry)
        if position not in done and mark:
            found.setdefault(mark, []).append(position)
    return {mark: many[0] for mark, many in found.items() if len(many) == 1}


def _id(entry: SideWorkflow) -> str | None:
    found = entry.definition.id
    return None if found is None else canonical_id(found)


def _place(entry: SideWorkflow) -> str | None:
    return entry.place


def _key(entry: SideWorkflow) -> str:
    return entry.key


# -- What differs ---------------------------------------------------------------------


def _compared(
    before: SideWorkflow | None,
    after: SideWorkflow | None,
    prices: Mapping[str, float],
    secrets: Sequence[BoundSecret],
    *,
    strict: bool,
) -> Compared:
    if before is None or after is None:
        one = before or after
        assert one is not None
        whole = _shown(one, secrets)
        empty = evolve(whole, blocks=(), edges=(), description="")
        sides = (empty, whole) if before is None else (whole, empty)
        followed = consequences(*sides, prices=prices)
        told = _OF_NEW if before is None else _OF_GONE
        kept = [found for found in followed if isinstance(found, told)]
        return Compared(before, after, consequences=kept)
    old, new = before.definition, after.definition
    managed: Fields | None = None
    is_bound = before.is_live != after.is_live
    if is_bound:
        code, live = (new, old) if before.is_live else (old, new)
        managed = None if strict else _managed(code, live)
        shown = prepare_for_display(live, code, secrets)
        old, new = (shown, code) if before.is_live else (code, shown)
    else:
        old, new = _shown(before, secrets), _shown(after, secrets)
    written: Written = () if before.is_live else ("before",)
    if not after.is_live:
        written = (*written, "after")
    found = [*diff(old, new, bound=is_bound, managed=managed, written=written)]
    if managed is not None:
        old, new = (
            keep_fields(one, _with_others(one, managed)) if entry.is_live else one
            for one, entry in ((old, before), (new, after))
        )
    return Compared(
        before,
        after,
        [change for change in found if not isinstance(change, Unmanaged)],
        [*consequences(old, new, prices=prices, written=written)],
        [change for change in found if isinstance(change, Unmanaged)],
    )


def _shown(entry: SideWorkflow, secrets: Sequence[BoundSecret]) -> Definition:
    """A workflow of which no code says what is secret, as it may be shown."""
    found = entry.definition
    return redact_for_display(found, _SAYS_NOTHING, secrets) if entry.is_live else found


_SAYS_NOTHING: Final = Definition("", "", (), ())

_OF_NEW: Final = (CostChanged, EffectAppeared, FindingAppeared)
"""What is told of a workflow that came whole."""

_OF_GONE: Final = (CostChanged, EffectVanished)
"""What is told of one that went whole; that nothing is there is no finding."""


def _managed(code: Definition, live: Definition) -> Fields:
    """The fields that code sets, or set last time, by block id in lower case."""
    stamp = live.stamp
    is_ours = stamp is not None and stamp.is_genuine(live.id or "")
    last = stamp if is_ours else None
    return {
        ref: names | ((last.fields_of(ref) if last else None) or _NONE)
        for ref, names in fields_of(code).items()
    }


def _with_others(definition: Definition, managed: Fields) -> Fields:
    """The same, with all fields of the blocks that code does not have."""
    return {**fields_of(definition), **managed}


def _agreed(pair: _Pair, before: Mapping[str, Any], after: Mapping[str, Any]) -> _Pair:
    """Two live workflows in which values of their environments stand by their names.

    That is, where either side has what its own environment fills in, at one place. So
    two environments differ in what code says, and not in what they are there for.
    """
    old, new = pair
    named = {
        (_mark(content), _mark(after[name])): name
        for name, content in before.items()
        if name in after and None not in (_mark(content), _mark(after[name]))
    }
    if old is None or new is None or not named:
        return pair
    theirs = {block.id.lower(): block for block in old.definition.blocks}
    ours = {block.id.lower(): block for block in new.definition.blocks}
    if (len(theirs), len(ours)) != (
        len(old.definition.blocks),
        len(new.definition.blocks),
    ):
        return pair  # two blocks have one id: which is which is not known
    swapped = {(now, then): name for (then, now), name in named.items()}
    for ref in theirs.keys() & ours.keys():
        then, now = theirs[ref].specs, ours[ref].specs
        theirs[ref] = theirs[ref]._replace(specs=_alike(then, now, named))
        ours[ref] = ours[ref]._replace(specs=_alike(now, then, swapped))
    made = (
        evolve(entry, definition=evolve(entry.definition, blocks=(*blocks.values(),)))
        for entry, blocks in ((old, theirs), (new, ours))
    )
    return next(made), next(made)


_Names: TypeAlias = Mapping[tuple[Hashable, Hashable], str]


def _alike(item: Any, other: Any, named: _Names) -> Any:
    """An item with values in the place of what stands for them on both sides."""
    name = named.get((_mark(item), _mark(other))) if item != other else None
    if name is not None:
        return Value(name)
    if isinstance(item, FrozenDict) and isinstance(other, FrozenDict):
        inner = {
            key: _alike(one, other[key], named) if key in other else one
            for key, one in item.items()
        }
        return FrozenDict(inner)
    is_list = isinstance(item, FrozenList) and isinstance(other, FrozenList)
    if is_list and len(item) == len(other):
        return FrozenList(
            [_alike(*both, named) for both in zip(item, other, strict=True)]
        )
    return item


def _mark(item: Any) -> Hashable:
    """What two equal texts, numbers or flags share; none for anything else."""
    is_plain = isinstance(item, str | int | float)
    return (type(item), item) if is_plain else None


def _named(definition: Definition, known: Mapping[str, Value]) -> Definition:
    if not known:
        return definition
    blocks = tuple(
        block._replace(specs=_names_in(block.specs, known))
        for block in definition.blocks
    )
    return evolve(definition, blocks=blocks)


def _names_in(item: Any, known: Mapping[str, Value]) -> Any:
    if isinstance(item, FrozenDict):
        return FrozenDict({key: _names_in(inner, known) for key, inner in item.items()})
    if isinstance(item, FrozenList):
        return FrozenList([_names_in(inner, known) for inner in item])
    if isinstance(item, str) and item in known:
        return BoundSecret(known[item], item)
    return item


# -- Words and data -------------------------------------------------------------------


def lines_of(found: Comparison) -> Iterator[str]:
    """What differs, and what is not managed, as lines of text."""
    for one in found.workflows:
        if one.outcome != "same" or one.unmanaged:
            yield from _lines(one, is_hidden=bool(found.hidden_for))


def data_of(found: Comparison) -> dict[str, Any]:
    """All of it as JSON data."""
    return {
        "before": found.before.label,
        "after": found.after.label,
        "differs": found.differs,
        "hidden_for": list(found.hidden_for),
        "workflows": [
            _data(one, is_hidden=bool(found.hidden_for)) for one in found.workflows
        ],
    }


def summary(found: Comparison) -> str:
    """One line: how many workflows became what."""
    counts = found.counts()
    told = [f"{count} {outcome}" for outcome, count in counts.items() if count]
    return ", ".join(told) or "there are no workflows on either side"


def _lines(one: Compared, *, is_hidden: bool) -> Iterator[str]:
    entry = one.entry
    title = entry.definition.name
    name = entry.key if title in ("", entry.key) else f"{entry.key} ({title})"
    yield f"{_SIGNS[one.outcome]} workflow {_safe(name)}"
    if one.outcome in ("added", "removed"):
        count = len(entry.definition.blocks)
        yield f"    {pluralize(count, 'block')}"
    if one.renamed_from:
        yield f"    ~ key: {_safe(one.renamed_from)} -> {_safe(entry.key)} (was=)"
    if is_hidden:
        return
    for line in as_lines([*one.changes, *one.consequences]):
        yield f"    {line}"
    if one.unmanaged:
        yield "    not managed by code:"
        yield from (f"        {line}" for line in as_lines(one.unmanaged))


_SIGNS: Final[Mapping[Outcome, str]] = {
    "added": "+",
    "removed": "-",
    "changed": "~",
    "same": "=",
}


def _safe(text: str) -> str:
    return printable(redact_keys(text))


def _data(one: Compared, *, is_hidden: bool) -> dict[str, Any]:
    told = {} if is_hidden else _changes_data(one)
    return {
        "key": redact_keys(one.entry.key),
        "outcome": one.outcome,
        "renamed_from": one.renamed_from,
        "before": _entry_data(one.before),
        "after": _entry_data(one.after),
        **told,
    }


def _changes_data(one: Compared) -> dict[str, Any]:
    return {
        "changes": [as_data(change) for change in one.changes],
        "consequences": [as_data(change) for change in one.consequences],
        "unmanaged": [as_data(change) for change in one.unmanaged],
    }


def _entry_data(entry: SideWorkflow | None) -> dict[str, Any] | None:
    if entry is None:
        return None
    definition = entry.definition
    return {
        "key": redact_keys(entry.key),
        "id": definition.id,
        "title": redact_keys(definition.name),
        "is_live": entry.is_live,
    }
