"""Every state on the emulator, named right by both clients, with reads alone."""

from __future__ import annotations

import pytest

from tests.deploy import planned as at
from tests.deploy.planned import service

STATES = [
    (at.new, "new", "create", None),
    (at.new_by_title, "new", "create", None),
    (at.absent, "absent", "refuse", None),
    (at.unchanged, "unchanged", "none", None),
    (at.unmanaged, "unchanged", "none", None),
    (at.update, "update", "update", None),
    (at.at_work, "update", "update", None),
    (at.drifted, "drifted", "refuse", "force"),
    (at.drifted_with_base, "drifted", "refuse", "force"),
    (at.conflict, "conflict", "refuse", "force"),
    (at.converged, "converged", "stamp", None),
    (at.adopted, "converged", "stamp", None),
    (at.behind, "behind", "refuse", "behind"),
    (at.foreign, "foreign", "refuse", "force"),
    (at.orphan, "orphan", "none", None),
    (at.pruned, "orphan", "delete", None),
    (at.pinned_orphan, "orphan", "none", None),
    (at.copy, "copy", "none", None),
    (at.renamed, "new", "refuse", "create"),
    (at.secret, "conflict", "refuse", "force"),
    (at.orphan_of_branch, "orphan", "refuse", "behind"),
    (at.edited_orphan, "orphan", "refuse", "behind"),
    (at.uncommitted, "update", "update", None),
    (at.of_others, "foreign", "refuse", "force"),
    (at.taken_over, "foreign", "refuse", "force"),
    (at.taken_over_equal, "converged", "stamp", None),
    (at.searching, "converged", "stamp", None),
    (at.rotated, "update", "update", None),
    (at.losing, "update", "refuse", "force"),
]
EMPTY = {at.unchanged, at.unmanaged, at.pinned_orphan, at.copy}


@pytest.mark.parametrize(
    ("arrange", "state", "action", "lifted_by"),
    STATES,
    ids=[row[0].__name__ for row in STATES],
)
def test_state_is_told_and_nothing_is_written(arrange, state, action, lifted_by):
    """F22 and F19: what is the case, what applying would do, and what lifts a no."""
    with service(speed=60.0 if arrange is at.at_work else 0.0) as here:
        wanted, options = arrange(here)
        here.asked()
        plan = here.plan(*wanted, **options)
        asked = here.asked()

    told = [step for step in plan.steps if step.state == state]
    assert [(step.action, step.lifted_by) for step in told] == [(action, lifted_by)]
    assert {line.partition(" ")[0] for line in asked} == {"GET"}
    assert plan.requests == len(asked)
    assert plan.is_empty == (arrange in EMPTY)
