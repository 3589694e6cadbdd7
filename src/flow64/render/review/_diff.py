"""Steps of a plan, as its text needs them."""

from __future__ import annotations

from collections.abc import Mapping

from ...analysis import effects, estimate_cost
from ...definition import Definition
from ...diff import (
    NOTHING,
    BlockRenamed,
    Change,
    RowsChanged,
    Written,
    consequences,
    diff,
    redact_pair,
)
from ...plan import (
    Details,
    Step,
)


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


def _list_spending(definition: Definition) -> tuple[str, ...]:
    """Return the kinds that spend as soon as the workflow is written."""
    return tuple(touch.kind for touch in effects(definition).at_creation)
