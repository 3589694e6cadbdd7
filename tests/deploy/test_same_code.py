"""Is production what staging ran? Decided from the stamps of both."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import FindEmail, Webhook
from flow64.definition import FrozenDict
from flow64.deploy import DeployedCode, deployed_code, prepare_deploy, same_code

# ruff: noqa: E501 - the words of an answer stand here as they are shown

PROJECT = Project("growth", namespace="acme.example")


def live(env="staging", **stamped):
    """What a deploy leaves on the service."""
    flow = Webhook(LEAD) >> FindEmail(mode=value("mode"))
    workflow = Workflow("Inbound", flow, key="inbound", project=PROJECT)
    ready = prepare_deploy(workflow, env, {"mode": "PROFESSIONAL"})
    stamp = evolve(ready.stamp, commit="c" * 40, **stamped)
    return evolve(ready.definition, stamp=stamp), stamp


def test_what_a_stamp_says():
    definition, stamp = live()

    assert deployed_code(definition) == DeployedCode(
        "deployed", stamp.unbound, "c" * 40
    )


def test_an_edit_shows():
    """Of what code manages; a field beside it is none."""
    definition, stamp = live()
    edited = evolve(definition, name="By hand")

    assert deployed_code(edited) == DeployedCode("edited", stamp.unbound, "c" * 40)


def test_a_block_that_was_added_shows():
    definition, _ = live()
    more = definition.blocks[0]._replace(id="11111111-1111-4111-8111-111111111111")
    edited = evolve(definition, blocks=(*definition.blocks, more))

    assert deployed_code(edited).state == "edited"


def test_a_stamp_without_fields_shows_no_edit():
    """But that nobody edited shows, where all of it is as it was left."""
    definition, stamp = live(fields=None)

    assert deployed_code(definition) == DeployedCode(
        "deployed", stamp.unbound, "c" * 40
    )
    assert deployed_code(evolve(definition, name="Another")) == DeployedCode(
        "deployed", stamp.unbound, "c" * 40, is_checked=False
    )


def test_a_copy_and_what_is_not_there():
    """A copy made in the editor has the stamp of another workflow."""
    definition, _ = live()
    copy = evolve(definition, id="11111111-1111-4111-8111-111111111111")

    assert deployed_code(copy) == DeployedCode("foreign")
    assert deployed_code(evolve(definition, stamp=None)) == DeployedCode("foreign")
    assert deployed_code(None) == DeployedCode("absent")


ONE, TWO = DeployedCode("deployed", "1" * 16), DeployedCode("deployed", "2" * 16)
COMMITTED = evolve(TWO, commit="abcdef0123456789")
EDITED = evolve(ONE, state="edited")
UNCHECKED = evolve(ONE, is_checked=False)
FOREIGN, ABSENT = DeployedCode("foreign"), DeployedCode("absent")


@pytest.mark.parametrize(
    ("here", "there", "verdict", "reason"),
    [
        (ONE, ONE, "same", ""),
        (
            ONE,
            COMMITTED,
            "different",
            f"the code deployed is {'1' * 16} here and {'2' * 16} (commit abcdef012345) there",
        ),
        (
            EDITED,
            ONE,
            "different",
            "edited on the service since it was deployed: here",
        ),
        (
            EDITED,
            EDITED,
            "different",
            "edited on the service since it was deployed: here and there",
        ),
        (
            ONE,
            UNCHECKED,
            "unknown",
            "the code deployed is the same; its stamp lists no fields, so an edit on the service would not show",
        ),
        (ABSENT, ONE, "different", "not deployed here"),
        (ONE, FOREIGN, "unknown", "not deployed by our code there"),
        (
            FOREIGN,
            ABSENT,
            "different",
            "not deployed by our code here; not deployed there",
        ),
        (
            ABSENT,
            ABSENT,
            "unknown",
            "not deployed here; not deployed there",
        ),
    ],
)
def test_two_environments(here, there, verdict, reason):
    (found,) = same_code({"inbound": here}, {"inbound": there})

    told = "; ".join(found.reasons)
    assert (found.key, found.verdict, told) == ("inbound", verdict, reason)
    assert (found.here, found.there) == (here, there)


def test_a_workflow_that_one_side_does_not_name():
    """They come sorted by key."""
    found = same_code({"b": ONE}, {"a": ONE, "b": ONE})

    assert [(one.key, one.verdict) for one in found] == [
        ("a", "different"),
        ("b", "same"),
    ]


def by_hand(env="staging", **specs):
    """What a deploy leaves, and somebody set by hand beside it."""
    definition, _ = live(env)
    block = definition.blocks[1]
    more = block._replace(specs=FrozenDict({**block.specs, **specs}))
    return deployed_code(evolve(definition, blocks=(definition.blocks[0], more)))


@pytest.mark.parametrize(
    ("here", "there", "notes"),
    [
        ({}, {}, []),
        ({"tier": "high"}, {"tier": "high"}, []),
        ({}, {"tier": "high"}, ["set by hand there: find_email ({}).tier"]),
        (
            {"tier": None, "limit": 3},
            {"tier": "high"},
            [
                "set by hand here: find_email ({0}).limit, find_email ({0}).tier",
                "set by hand there: find_email ({}).tier",
            ],
        ),
    ],
)
def test_what_was_set_by_hand_is_told_and_is_no_other_code(here, there, notes):
    """What is alike in both may be what the service fills in by itself."""
    ours, theirs = by_hand(**here), by_hand("prod", **there)
    (found,) = same_code({"inbound": ours}, {"inbound": theirs})
    (alone,) = same_code({"inbound": ours}, {})

    block = live()[0].blocks[1].id[:8]
    assert (found.verdict, [*found.notes]) == ("same", [n.format(block) for n in notes])
    assert alone.notes == ()
    assert "high" not in repr(found)


def test_code_that_was_in_no_commit_is_told():
    dirty = evolve(TWO, commit="abcdef0123456789+")

    (found,) = same_code({"a": ONE}, {"a": dirty})

    assert "(commit abcdef012345, with changes in no commit) there" in found.reasons[0]
