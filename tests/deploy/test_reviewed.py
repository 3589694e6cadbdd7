"""A plan as a review: each state is told, and no secret is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from flow64 import LEAD, Workflow
from flow64.analysis import Estimate
from flow64.blocks import FindEmail, FindPhone, Webhook
from flow64.definition import BoundSecret, walk
from flow64.deploy import review_of_plan
from flow64.diff import FieldRemoved
from flow64.plan import ABSENT_BASE, DIRTY_TREE, RunRef, live_of
from flow64.render import as_text
from tests.deploy import planned as situations
from tests.deploy.planned import service
from tests.service.support import leads, secret_leads

ROOT = Path(__file__).parents[2]
MOVED = Workflow(
    "Plain",
    Webhook(LEAD) >> FindEmail() >> FindPhone(),
    key="moved",
    was="plain",
    project=situations.GROWTH,
)


def review(situation, **options):
    """The review of the plan of a situation."""
    with service() as there:
        wanted, facts = situation(there)
        return review_of_plan(there.plan(*wanted, **facts), **options)


@pytest.mark.parametrize(
    ("situation", "told"),
    [
        (situations.new, ("new", "create", False, True)),
        (situations.absent, ("absent", "refuse", False, False)),
        (situations.unchanged, ("unchanged", "none", False, False)),
        (situations.update, ("update", "update", True, True)),
        (situations.drifted, ("drifted", "refuse", True, True)),
        (situations.conflict, ("conflict", "refuse", True, True)),
        (situations.converged, ("converged", "stamp", True, True)),
        (situations.behind, ("behind", "refuse", True, True)),
        (situations.foreign, ("foreign", "refuse", True, True)),
        (situations.orphan, ("orphan", "none", False, False)),
        (situations.pruned, ("orphan", "delete", False, False)),
        (situations.copy, ("copy", "none", False, False)),
    ],
)
def test_states(situation, told):
    """State and action are the plan's; both sides are there where both are known."""
    one = review(situation).workflows[-1]
    sides = one.details.before is not None, one.details.after is not None

    assert (one.state, one.action, *sides) == told


def test_what_a_plan_says():
    """What a step says is said."""
    with service() as there:
        wanted, facts = situations.conflict(there)
        plan = there.plan(*wanted, **facts)
    (step,), (one,) = plan.steps, review_of_plan(plan).workflows

    assert evolve(one, details=step.details) == step
    costs = one.details.cost_before.dollars, one.details.cost_after.dollars
    assert costs == (50.0, 200.0)


def test_at_work():
    """Schedules and runs are told, and that nobody could look."""
    with service() as there:
        wanted, facts = situations.at_work(there)
        plan = there.plan(*wanted, **facts)
    (found,) = plan.steps
    running = evolve(found.touched, runs=(RunRef("r1", "running"),))
    nobody = evolve(found.touched, schedules=None, runs=None)
    steps = [evolve(found, touched=touched) for touched in (running, nobody)]
    one, other = review_of_plan(evolve(plan, steps=steps)).workflows

    assert found.touched.schedules
    assert one.touched == running
    assert other.touched == nobody


def test_edits_may_be_unknown():
    """That nobody knows what was edited is not told as nothing."""
    assert review(situations.drifted).workflows[0].are_edits_known is False
    assert review(situations.drifted_with_base).workflows[0].are_edits_known is True
    assert review(situations.update).workflows[0].are_edits_known is True


def test_renames():
    """A possible rename is told, until it is decided."""
    undecided = review(situations.renamed)
    with service() as there:
        wanted, facts = situations.renamed(there)
        key = undecided.renames[0].key
        decided = review_of_plan(there.plan(*wanted, **facts, create=[key]))

    assert undecided.renames[0].orphan
    assert decided.renames == ()


def test_new_is_told_in_full():
    """Of a new workflow a plan says little, and a review what it brings."""
    with service() as there:
        wanted, facts = situations.new(there)
        plan = evolve(there.plan(*wanted, **facts), prices={"find_email": 1.0})
    (one,) = review_of_plan(plan).workflows

    assert one.details.cost_after == Estimate(1000.0, (), ())
    assert one.consequences
    assert one.details.before is None


def test_files():
    """Files are named from the folder of the repository, where they are in it."""
    (near,) = review(situations.update, root=ROOT).workflows
    (whole,) = review(situations.update).workflows
    (far,) = review(situations.update, root=Path("/elsewhere")).workflows

    assert near.details.file == "tests/service/support.py"
    assert (
        whole.details.file == far.details.file == str(ROOT / "tests/service/support.py")
    )


def test_secrets():
    """The text of a secret is in no rendering, and in nothing that is drawn."""
    with service() as there:
        wanted, facts = situations.secret(there)
        plan = there.plan(*wanted, **facts)
    secrets = {
        item.content
        for step in plan.steps
        if step.target
        for block in step.target.definition.blocks
        for _, item in walk(block.specs)
        if isinstance(item, BoundSecret)
    }
    found = review_of_plan(plan)
    texts = [as_text(found), repr(found)]
    kept = [
        item
        for one in found.workflows
        for side in (one.details.before, one.details.after)
        if side is not None
        for block in side.blocks
        for _, item in walk(block.specs)
    ]

    assert secrets
    assert [text for text in texts for secret in secrets if secret in text] == []
    assert [item for item in kept if item in secrets] == []
    assert [item for item in kept if isinstance(item, BoundSecret)] == []


def test_key_that_was_another_one():
    """A workflow that kept its ids under a new key is named; JSON may be called so."""

    def facts(file):
        with service() as there:
            there.put(situations.PLAIN)
            renamed = evolve(situations.target(MOVED), file=file)
            made = review_of_plan(there.plan(renamed))
        assert [one.state for one in made.workflows] == ["unchanged"]
        return "· plain → moved: has a new key in the code;" in as_text(made)

    assert facts("flows/leads.py")
    assert not facts("flows/leads.json")


def test_doubts_are_told_by_reason():
    """A dirty working tree is said of each workflow, and is no headline."""
    doubts = (DIRTY_TREE, ABSENT_BASE, "orphans: not looked for")
    made = review(situations.drifted)
    steps = [
        evolve(one, key=key, not_checked=doubts)
        for one in made.workflows
        for key in "ab"
    ]
    text = as_text(evolve(made, workflows=steps, not_checked=("schedules: 403",)))

    assert (
        "not checked:\n"
        "    schedules\n"
        "    what was edited on the service (2 workflows)\n"
        "    orphans (2 workflows)\n"
        "    what the blocks return (a review starts no run)\n"
    ) in text
    assert "dirty working tree" in text


def test_options_name_the_command_that_was_planned():
    """The options add their flags to it."""
    text = as_text(review(situations.drifted, command="flow64 deploy flows --env x"))

    assert "        flow64 deploy flows --env x --force leads\n" in text
    assert "        flow64 deploy flows --env x --skip-drifted\n" in text


def test_rename_is_compared_with_the_one_that_it_may_have_been():
    """Only what code set counts, as far as the stamp says it, and ids do not."""
    with service() as there:
        old = there.put(leads("Leads", key="old"))
        there.edit(old, specs={"find_email": {"tier": "high"}})
        plan = there.plan(leads("Leads", key="new"), projects=[situations.GROWTH])
    (rename,) = plan.renames
    new, orphan = plan.steps
    stamp = evolve(orphan.live.definition.stamp, fields=None)
    unknown = live_of(evolve(orphan.live.definition, stamp=stamp))
    unsaid = evolve(plan, steps=[new, evolve(orphan, live=unknown)])
    several = evolve(plan, renames=[evolve(rename, others=("other",))])

    found = [
        review_of_plan(made).workflows[0].details for made in (plan, unsaid, several)
    ]

    assert found[0].differs == ()
    assert found[0].cost_before == found[0].cost_after
    assert [type(one) for one in found[1].differs] == [FieldRemoved]
    assert found[2].differs is None


def test_rename_shows_no_secret():
    """The old text of a secret stands in no comparison."""
    flow = secret_leads().flows[0]
    made = [Workflow("A", flow, key=key, project=situations.GROWTH) for key in "ab"]
    with service() as there:
        there.put(made[0], hook="https://example.com/SENTINEL-OLD")
        wanted = situations.target(made[1], hook="https://example.com/SENTINEL-NEW")
        plan = there.plan(wanted, projects=[situations.GROWTH])
    found = review_of_plan(plan)

    assert found.workflows[0].details.differs
    assert "SENTINEL" not in as_text(found)
