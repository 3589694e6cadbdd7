"""A review of two sets of definitions, such as the committed JSON of two branches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import evolve, field, frozen

from ...analysis import KindChange, effects, estimate_cost
from ...definition import EMPTY, Definition
from ...diff import (
    NOTHING,
    BlockRenamed,
    Change,
    RowsChanged,
    Written,
    consequences,
    diff,
    fields_of,
    redact_pair,
)
from ...errors import ArgumentError, shortened
from ...plan import (
    Details,
    NamedDefinition,
    Rename,
    Review,
    Step,
    find_renames,
    hold_renames,
)


@frozen
class Pair:
    """One workflow before and after a change.

    Attributes:
        key: Its key.
        before: The workflow before. None if it was not there.
        after: The workflow after. None if it is no longer there.
        file: Its file, if that is known.
        was: The key that it had before, if it is another one.
    """

    key: str
    before: Definition | None = field(repr=False)
    after: Definition | None = field(repr=False)
    file: str | None = None
    was: str | None = None


def review_of_diff(
    pairs: Iterable[Pair],
    *,
    prices: Mapping[str, float] = EMPTY,
    listed_kinds: Sequence[KindChange] = (),
    not_checked: Sequence[str] = (),
) -> Review:
    """Review the changes between two sets of definitions. No service is asked.

    Args:
        pairs: Each workflow before and after, each key once.
        prices: Dollars for one row by kind, in place of those that are documented.
        listed_kinds: The changes of the saved list of blocks.
        not_checked: What else could not be checked, in words.

    Raises:
        ArgumentError: A key is repeated, a pair is empty, or a price is not a number.
    """
    seen: dict[str, Pair] = {}
    made: list[Step] = []
    for pair in pairs:
        if pair.key in seen:
            problem = f"two workflows are called {shortened(pair.key)}"
            advice = "give each a key of its own"
            raise ArgumentError("review_of_diff", f"{problem}; {advice}")
        seen[pair.key] = pair
        made.append(_make_step(pair, prices))
    renames = find_renames(
        [
            NamedDefinition(one.key, one.after.path or "", one.after)
            for one in seen.values()
            if one.before is None and one.after is not None
        ],
        [
            NamedDefinition(one.key, one.before.path or "", one.before)
            for one in seen.values()
            if one.after is None and one.before is not None
        ],
    )
    steps = [
        _compare_with_old(one, seen, renames, prices)
        for one in hold_renames(made, renames)
    ]
    doubt = "the service: what is deployed, edited or running there was not looked at"
    return Review(
        "diff",
        steps,
        renames=tuple(renames),
        not_checked=(doubt, *not_checked),
        listed_kinds=listed_kinds,
    )


def _compare_with_old(
    step: Step,
    pairs: Mapping[str, Pair],
    renames: Sequence[Rename],
    prices: Mapping[str, float],
) -> Step:
    """Add how a workflow differs from the one that it may be a rename of."""
    found = [one for one in renames if one.key == step.key and not one.others]
    before = pairs[found[0].orphan].before if found else None
    after = pairs[step.key].after
    if before is None or after is None:
        return step
    details = evolve(
        step.details,
        cost_before=estimate_cost(before, prices),
        differs=list_other_changes(before, after, written=_BOTH),
    )
    return evolve(step, details=details)


def list_other_changes(
    before: Definition, after: Definition, *, bound: bool = False, written: Written = ()
) -> tuple[Change, ...]:
    """Return what differs between two workflows, besides ids.

    Args:
        before: One, such as that before a rename.
        after: The other one.
        bound: Whether values of the environment are filled in.
        written: The sides that are code or JSON.
    """
    changes = diff(before, after, bound=bound, written=written)
    return tuple(one for one in changes if not isinstance(one, BlockRenamed))


def _make_step(pair: Pair, prices: Mapping[str, float]) -> Step:
    before, after = pair.before, pair.after
    if before is not None and after is not None:
        return _make_update(pair, before, after, prices)
    if after is not None:
        return make_new_step(pair.key, after, prices, file=pair.file)
    if before is not None:
        return _make_removal(pair, before, prices)
    problem = f"{shortened(pair.key)} is neither there before nor after"
    raise ArgumentError("review_of_diff", f"{problem}; give one of both")


def make_new_step(
    key: str,
    definition: Definition,
    prices: Mapping[str, float],
    *,
    file: str | None = None,
) -> Step:
    """Return the step of a new workflow."""
    follows = [
        found
        for found in consequences(None, definition, prices=prices)
        # A workflow that is not there has no blocks, and no rows come out of it.
        if not isinstance(found, RowsChanged)
    ]
    _, after = redact_pair(NOTHING, definition)
    return Step(
        key,
        definition.id or "",
        definition.name,
        "",
        "new",
        "create",
        consequences=tuple(follows),
        spends=_list_spending(definition),
        effects=str(effects(definition)),
        details=Details(
            file, after=after, cost_after=estimate_cost(definition, prices)
        ),
    )


def _make_removal(pair: Pair, before: Definition, prices: Mapping[str, float]) -> Step:
    shown, _ = redact_pair(before, NOTHING)
    return Step(
        pair.key,
        before.id or "",
        before.name,
        "",
        "removed",
        reasons=("a deploy leaves it on the service unless it prunes",),
        details=Details(
            pair.file, before=shown, cost_before=estimate_cost(before, prices)
        ),
    )


def _make_update(
    pair: Pair, before: Definition, after: Definition, prices: Mapping[str, float]
) -> Step:
    changes = tuple(diff(before, after, written=_BOTH))
    has_new_id = before.id != after.id and None not in (before.id, after.id)
    if not changes and not has_new_id:
        details = Details(pair.file, was=pair.was)
        return Step(
            pair.key, after.id or "", after.name, "", "unchanged", details=details
        )
    reasons: list[str] = []
    if has_new_id:
        reasons.append(
            "its id is another one: a deploy makes a new workflow, and leaves the old "
            "one behind"
        )
    if any(isinstance(change, BlockRenamed) for change in changes):
        reasons.append("blocks have other ids: was= keeps the old ones")
    shown = redact_pair(before, after, written=(fields_of(before), fields_of(after)))
    return Step(
        pair.key,
        after.id or "",
        after.name,
        "",
        "update",
        "update",
        tuple(reasons),
        changes=changes,
        consequences=tuple(consequences(before, after, prices=prices, written=_BOTH)),
        spends=_list_spending(after),
        effects=str(effects(after)),
        details=Details(
            pair.file,
            *shown,
            cost_before=estimate_cost(before, prices),
            cost_after=estimate_cost(after, prices),
            was=pair.was,
        ),
    )


_BOTH: Final = ("before", "after")
"""Neither side of a review of two folders is live."""


def _list_spending(definition: Definition) -> tuple[str, ...]:
    """Return the kinds that spend as soon as the workflow is written."""
    return tuple(touch.kind for touch in effects(definition).at_creation)
