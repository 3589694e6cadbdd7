"""What a plan asks, what it leaves unchecked, and how it tells things apart."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import Project, Workflow, errors, variants
from flow64.definition import with_stamp
from flow64.deploy import Agreement, as_data, as_text, check_plan
from flow64.deploy import History as Folder
from tests.deploy.planned import (
    NEW,
    NEWER,
    OLD,
    OURS,
    WHOLE,
    History,
    planned,
    service,
    target,
)
from tests.service.mishaps import Fault
from tests.service.support import (
    GROWTH,
    Script,
    leads,
)

ID = "11111111-1111-4111-8111-111111111111"
FLEET = [leads(f"Leads {n}", key=f"leads-{n}") for n in range(5)]


@pytest.fixture
def here():
    with service() as found:
        yield found


def states(plan):
    return {step.key: step.state for step in plan.steps}


def doubts(plan):
    """What was not checked, of the plan and of its steps, without the usual line."""
    found = [*plan.not_checked, *(d for step in plan.steps for d in step.not_checked)]
    return [doubt for doubt in found if not doubt.startswith("orphans (")]


# -- Requests --------------------------------------------------------------------------


def test_one_target_alone_needs_no_list(here):
    """A single workflow is asked for by its id."""
    here.put(OLD)
    here.asked()

    here.plan(OLD)

    assert here.asked() == [f"GET /workflows/{OLD.id()}"]


def test_refused_list_is_made_up_for(here):
    """Each workflow is asked for, and what only the list shows was not checked."""
    here.put(*FLEET)
    here.emulator.faults.add(Fault("status_before", path="/workflows", status=403))

    plan = here.plan(*FLEET, **WHOLE)

    assert doubts(plan) == ["orphans and copies: the service answered 403"]
    assert set(states(plan).values()) == {"unchanged"}
    assert plan.projects is None


@pytest.mark.parametrize(
    ("twins", "words"),
    [
        ([OLD, evolve(target(OLD), key="other")], "'leads' and 'other' have one id"),
        ([OLD, target(FLEET[0], key="leads")], "two workflows are called 'leads'"),
    ],
)
def test_targets_are_told_apart(twins, words):
    """One id, or one key, for two workflows is a mistake."""
    with pytest.raises(errors.ArgumentError, match=words):
        Script().play(planned(*twins))


# -- Orphans and copies ----------------------------------------------------------------


def test_orphans_are_those_of_the_project_and_environment_alone(here):
    """F17: what other projects, environments and people have is not its business."""
    other = Project("other", namespace="acme.example")
    here.put(OLD, leads("Gone", key="gone"))
    here.put(leads("Theirs", key="theirs", project=other))
    here.put(leads("Local", key="local", project=None))
    here.put(leads("Staged", key="staged"), env="staging")
    here.write(evolve(leads("By hand", key="by-hand").compile(), id=ID))

    assert states(here.plan(OLD, **WHOLE)) == {"leads": "unchanged", "gone": "orphan"}
    assert states(here.plan(OLD)) == {"leads": "unchanged"}
    plan = here.plan(**WHOLE, env="staging")
    assert states(plan) == {"staged": "orphan"}
    assert [step.key for step in plan.victims] == ["staged"]


def test_copy_that_code_names_is_foreign(here):
    """Its stamp is that of another workflow."""
    here.put(OLD)
    copy = here.emulator.copy(OLD.id())
    pinned = Workflow("Leads", NEW.flows[0], key="mine", project=GROWTH, id=copy)

    (step,) = here.plan(pinned).steps

    path = "ns:acme.example/project:growth/workflow:leads"
    told = f"it carries the stamp of {path}, and not its own"
    assert (step.state, step.reasons[-1]) == ("foreign", told)


@pytest.mark.parametrize(
    ("edit", "reasons"),
    [
        ({}, 1),
        ({"specs": {"find_email": {"tier": "high"}}}, 1),
        ({"specs": {"find_email": {"mode": "PERSONAL"}}}, 2),
    ],
)
def test_edited_orphan_is_told(here, edit, reasons):
    """Whoever prunes it knows that an edit goes with it; unmanaged fields are none."""
    gone = here.put(leads("Gone", key="gone"))
    if edit:
        here.edit(gone, **edit)

    (step,) = here.plan(**WHOLE).steps

    assert len(step.reasons) == reasons


def test_orphan_without_fields_in_its_stamp_is_judged_as_a_whole(here):
    """Where FIELDS had no room, nobody knows whether it was edited, or not at all."""
    gone = here.put(leads("Gone", key="gone"))
    without_fields(here, gone)

    (before,) = here.plan(**WHOLE).steps
    here.edit(gone, specs={"find_email": {"tier": "high"}})
    (step,) = here.plan(**WHOLE).steps

    assert (before.not_checked, len(before.reasons), len(step.reasons)) == ((), 1, 1)
    assert step.not_checked == (
        "whether it was edited since: its stamp had no room for fields",
    )


def without_fields(here, workflow_id):
    live = here.client.workflows.get(workflow_id).definition
    stamp = evolve(live.stamp, fields=None)
    here.edit(workflow_id, description=with_stamp(live.description, stamp))


# -- Renames ---------------------------------------------------------------------------


def key_of(plan):
    return [(r.key, r.orphan, r.was, r.is_decided) for r in plan.renames]


def test_renamed_key_in_a_part_of_a_project(here):
    """A part finds it too, if something in it is new. It has no orphans."""
    old, other = leads(key="old"), leads(key="other")
    here.put(old)
    here.put(other)
    part = {**WHOLE, "left_out": [other.id().upper()]}

    new = here.plan(leads(key="new"), **part)
    known = here.plan(old, **part)
    part["left_out"] += [old.id()]
    unlike = here.plan(leads(key="new"), **part)

    assert key_of(new) == [("new", "old", "old", False)]
    assert (states(new), new.steps[0].action) == ({"new": "new"}, "refuse")
    assert (states(known), known.requests) == ({"old": "unchanged"}, 1)
    assert (key_of(unlike), unlike.steps[0].action) == ([], "create")
    assert (new.projects, new.victims) == (None, ())


def test_renamed_variant_is_told_without_was(here):
    """`was=` speaks of the key of the workflow, not of its variants."""

    def build(mode):
        return leads(mode=mode)

    old = variants(build, {"us": {"mode": "PERSONAL"}})["us"]
    new = variants(build, {"usa": {"mode": "PERSONAL"}})["usa"]
    here.put(old)

    plan = here.plan(new, **WHOLE)

    assert key_of(plan) == [("leads/usa", "leads/us", None, False)]


def test_title_that_makes_the_key_is_found_again(here):
    """The content is what it was, whatever the title."""
    here.put(Workflow("Leads of Q3", OLD.flows[0], project=GROWTH))

    plan = here.plan(Workflow("Leads of Q4", OLD.flows[0], project=GROWTH), **WHOLE)

    assert key_of(plan) == [("leads-of-q4", "leads-of-q3", "leads-of-q3", False)]


# -- Commits ---------------------------------------------------------------------------

APART = "your code is not built on commit bbbbbbbbbbbb that deployed it"


@pytest.mark.parametrize(
    ("deployed", "git", "state", "doubt"),
    [
        (NEWER, History(), "behind", []),
        (NEWER, History(NEWER), "update", []),
        (
            "c" * 40,
            History(),
            "update",
            ["its commit is not known in this copy of the repository"],
        ),
        (
            NEWER,
            History(None),
            "update",
            ["the code is in no git repository that can be read"],
        ),
        (None, History(), "update", ["its stamp names no commit"]),
    ],
)
def test_unknown_commits_are_not_checked(here, deployed, git, state, doubt):
    """Behind is what git says is so; what it cannot say is said."""
    here.put(OLD, commit=deployed)

    plan = here.plan(target(NEW), git=git)

    assert states(plan) == {"leads": state}
    assert doubts(plan) == [f"whether newer code deployed it: {d}" for d in doubt]


def test_branches_may_deploy_where_the_environment_says_so(here):
    """It is an update then, and says whose work it replaces."""
    here.put(OLD, commit=NEWER)

    (step,) = here.plan(NEW, branches=True).steps

    assert (step.state, step.action, step.reasons[-1]) == ("update", "update", APART)


# -- What was edited -------------------------------------------------------------------


def test_stamp_without_room_hides_nothing_where_nobody_edited(here):
    """All that is live was sent then, so that a dropped field is seen as one."""
    before = leads(extra={"retries": 3})
    without_fields(here, here.put(before))

    (step,) = here.plan(OLD).steps

    assert (step.state, step.not_checked, step.unmanaged) == ("update", (), ())
    assert [type(change).__name__ for change in step.changes] == ["FieldRemoved"]
    assert "retries" not in step.sent.content.blocks[1].specs


def test_field_that_code_sets_no_more_is_a_change(here):
    """And what it never set is none, but listed."""
    before = leads(extra={"retries": 3})
    here.edit(here.put(before), specs={"find_email": {"tier": "high"}})

    (step,) = here.plan(OLD).steps

    assert [type(change).__name__ for change in step.changes] == ["FieldRemoved"]
    assert [name.partition(").")[2] for name in step.unmanaged] == ["tier"]
    specs = step.sent.content.blocks[1].specs
    assert dict(specs) == {"mode": "PROFESSIONAL", "tier": "high"}


# -- What was pulled -------------------------------------------------------------------


# -- What is at work -------------------------------------------------------------------


def test_hostile_words_cannot_write_to_the_terminal(here):
    """T1: escaped on one line as text, exact as data."""
    name = "a\x1b]0;b\x07\r\n+ other: new\u202e"
    plan = here.plan(leads(name))

    text = as_text(plan)

    assert not set(text) & {"\x1b", "\x07", "\r", "\u202e"}
    assert "\n+ other" not in text
    assert as_data(plan)["workflows"][0]["name"] == name


# -- The data --------------------------------------------------------------------------


# -- What others did -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commits", "branches", "consents", "doubt"),
    [
        ((OURS, OURS), False, (), None),
        ((NEWER, OURS), False, ("behind",), None),
        ((NEWER, OURS), True, (), None),
        ((f"{NEWER}+", OURS), False, ("behind",), None),
        # What cannot be told takes the name: it may be somebody's work.
        (("c" * 40, OURS), False, ("behind",), None),
        ((f"{'c' * 40}+", OURS), False, ("behind",), None),
        ((None, OURS), False, ("behind",), None),
        ((f"{OURS}+", OURS), False, ("behind",), None),
        ((OURS, None), False, ("behind",), None),
        (("c" * 40, OURS), True, (), "its commit is not known in this copy"),
        ((None, OURS), True, (), "its stamp names no commit"),
        ((f"{OURS}+", OURS), True, (), "a dirty working tree"),
        # Neither side is in git, so that there is nothing to compare.
        ((None, None), False, (), "its stamp names no commit"),
    ],
)
def test_orphan_is_judged_by_its_commit(here, commits, branches, consents, doubt):
    """What another branch added is not what this code dropped."""
    commit, ours = commits
    here.put(leads("Gone", key="gone"), commit=commit)
    options = {**WHOLE, "branches": branches, "git": History(ours)}

    (step,) = here.plan(**options, prune=True).steps
    (only,) = here.plan(**options).steps

    assert (step.action == "refuse", step.consents) == (bool(consents), consents)
    assert (only.action, only.consents) == ("none", consents)
    assert [doubt in found for found in step.not_checked] == [True] * (
        doubt is not None
    )


@pytest.mark.parametrize(
    ("commit", "ours", "reason"),
    [
        (
            "c" * 40,
            OURS,
            "its commit cccccccccccc is not known here: fetch, or agree by name",
        ),
        (
            f"{OURS}+",
            OURS,
            ("it was deployed from a dirty working tree: to delete it, agree by name"),
        ),
        (
            OURS,
            None,
            (
                "its commit aaaaaaaaaaaa is known to no git here: to delete it, agree "
                "by name"
            ),
        ),
        (None, OURS, "its stamp names no commit: to delete it, agree by name"),
    ],
    ids=["unknown", "uncommitted", "no-git", "no-commit"],
)
def test_deletion_of_what_may_be_newer_says_why_it_takes_a_name(
    here, tmp_path, commit, ours, reason
):
    """Its number alone is not enough."""
    folder = Folder(tmp_path / "history")
    here.put(leads("Gone", key="gone"), commit=commit)
    plan = here.plan(**WHOLE, prune=True, git=History(ours))

    (step,) = plan.steps
    assert step.reasons == ("no longer in the code", reason)
    assert f"    {reason}\n" in as_text(plan)
    assert "to decide: delete gone?\n    1. bring this code up to what" in as_text(plan)
    with pytest.raises(errors.PruneError, match="to allow it, add --allow-behind gone"):
        check_plan(plan, Agreement(prune=1), history=folder)
    agreed = Agreement(prune=1, behind=["gone"])
    (job,) = check_plan(plan, agreed, history=folder)
    assert job.doing == "delete"
