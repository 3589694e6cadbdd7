"""Changes made to a definition, and what they cannot be made to."""

from __future__ import annotations

import copy
import pickle

import pytest
from attrs import evolve

from flow64 import LEAD
from flow64.blocks import Deduplicate, FindEmail, FindPhone, Webhook
from flow64.definition import FrozenDict, fingerprint
from flow64.diff import Hidden, Unmanaged, apply, diff
from flow64.errors import StaleChangesError
from tests.diff.support import compiled

FIRST = compiled(Webhook(LEAD) >> FindEmail(mode="PERSONAL", extra={"a": {"b": 1}}))
SECOND = compiled(Webhook(LEAD) >> FindEmail(extra={"a": {"b": 2}}) >> FindPhone())


def test_it_keeps_what_a_fingerprint_leaves_out():
    """Labels, numbers and places stay; what is added knows its key."""
    made = apply(diff(FIRST, SECOND), FIRST)

    assert made.blocks[0] == FIRST.blocks[0]
    assert made.blocks[1].number == FIRST.blocks[1].number
    assert [made.origins[at].path for at in range(3)] == [
        "webhook",
        "find_email",
        "find_phone",
    ]
    assert made.origins[1].place == FIRST.origins[1].place


def test_what_is_unmanaged_stays_as_it_is():
    """It is told, and is nobody's to change."""
    before = compiled(Webhook(LEAD) >> FindEmail(mode="PERSONAL"))
    after = compiled(Webhook(LEAD) >> FindEmail(mode="PROFESSIONAL"))
    managed = {block.id: frozenset[str]() for block in after.blocks}

    changes = list(diff(before, after, managed=managed))

    assert [type(change) for change in changes] == [Unmanaged]
    assert fingerprint(apply(changes, before)) == fingerprint(before)


def test_some_changes_can_be_made_alone():
    """Those of one block, for example."""
    changes = [c for c in diff(FIRST, SECOND) if hasattr(c, "path")]

    made = apply(changes, FIRST)

    assert [len(made.blocks), made.blocks[1].specs] == [2, SECOND.blocks[1].specs]
    assert made.edges is FIRST.edges


STALE = {
    "a block that is not there": evolve(FIRST, blocks=FIRST.blocks[:1]),
    "no object where one is changed": evolve(
        FIRST,
        blocks=(FIRST.blocks[0], FIRST.blocks[1]._replace(specs=FrozenDict(a=1))),
    ),
}


@pytest.mark.parametrize("other", STALE.values(), ids=STALE)
def test_changes_of_another_definition_are_refused(other):
    """Rather than made in part."""
    with pytest.raises(StaleChangesError) as refused:
        apply(diff(FIRST, SECOND), other)

    assert refused.value.block_id == FIRST.blocks[1].id


def test_a_block_that_changed_meanwhile_is_not_removed():
    """What goes is what was seen to go."""
    before = compiled(Webhook(LEAD) >> Deduplicate())
    changes = list(diff(before, compiled(Webhook(LEAD))))
    block = before.blocks[1]._replace(specs=FrozenDict(a=1))

    with pytest.raises(StaleChangesError):
        apply(changes, evolve(before, blocks=(before.blocks[0], block)))

    assert fingerprint(apply(changes, before)) == fingerprint(compiled(Webhook(LEAD)))


def test_what_is_hidden_is_not_pickled():
    """A pickle and a text hold the mask; a copy is the same object."""
    hidden = Hidden("hush")

    assert pickle.loads(pickle.dumps(hidden)) == Hidden("***")
    assert repr(hidden) == "***"
    assert copy.copy(hidden) is copy.deepcopy(hidden) is hidden
