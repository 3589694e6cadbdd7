"""What a plan asks, what it leaves unchecked, and how it tells things apart."""

from __future__ import annotations

import pytest
from attrs import evolve, frozen
from attrs import field as attribute

from flow64 import LEAD, Project, RawBlock, Workflow, errors, value, variants
from flow64.api.calls import MOST_RUNS
from flow64.blocks import Filter, FindEmail, FindPhone, Webhook
from flow64.definition import as_body, id_of, split_stamp, with_stamp
from flow64.deploy import Agreement, Looked, as_data, as_text, bases_of, check_plan
from flow64.deploy import History as Folder
from flow64.diff import TitleChanged, as_lines
from flow64.plan import RunRef
from tests.deploy.planned import (
    NEW,
    NEWER,
    OLD,
    OURS,
    WHOLE,
    History,
    of_new_kind,
    planned,
    pulled_of,
    sent,
    service,
    target,
)
from tests.service.mishaps import Fault
from tests.service.support import (
    GROWTH,
    MISSING,
    Script,
    answer,
    leads,
    secret_leads,
    unreachable,
)

ID = "11111111-1111-4111-8111-111111111111"
FLEET = [leads(f"Leads {n}", key=f"leads-{n}") for n in range(5)]


@pytest.fixture
def here():
    with service() as found:
        yield found


@frozen
class Memory:
    """A cache that forgets nothing, and looks at nothing."""

    kept: dict = attribute(factory=dict)

    def find(self, sighting):
        return self.kept.get(sighting.digest)

    def keep(self, sighting, unmanaged):
        self.kept[sighting.digest] = tuple(unmanaged)


def states(plan):
    return {step.key: step.state for step in plan.steps}


def doubts(plan):
    """What was not checked, of the plan and of its steps, without the usual line."""
    found = [*plan.not_checked, *(d for step in plan.steps for d in step.not_checked)]
    return [doubt for doubt in found if not doubt.startswith("orphans (")]


# -- Requests --------------------------------------------------------------------------


def test_unchanged_fleet_costs_one_list_and_what_no_cache_vouches_for(here):
    """Fleets: with a cache one request is all; without it, one more a workflow."""
    here.put(*FLEET)
    here.edit(FLEET[0].id(), specs={"find_email": {"tier": "high"}})
    here.asked()
    cache = Memory()

    first = here.plan(*FLEET, cache=cache)
    asked = here.asked()
    again = here.plan(*FLEET, cache=cache)

    assert (first.requests, first.vouched, len(asked)) == (6, 0, 6)
    assert (again.requests, again.vouched) == (1, 5)
    assert here.asked() == ["GET /workflows"]
    told = [
        [(s.key, s.state, s.action, s.unmanaged) for s in plan.steps]
        for plan in (first, again)
    ]
    assert told[0] == told[1]
    assert first.steps[0].unmanaged != ()


@pytest.mark.parametrize(
    "edit",
    [
        {"specs": {"find_email": {"mode": "PERSONAL"}}},
        {"name": "Renamed"},
        {"description": "Without its stamp"},
    ],
)
def test_cache_vouches_for_nothing_that_was_edited(here, edit):
    """The list shows another time, title or description."""
    here.put(*FLEET)
    cache = Memory()
    here.plan(*FLEET, cache=cache)
    here.edit(FLEET[2].id(), **edit)

    plan = here.plan(*FLEET, cache=cache)

    assert (plan.vouched, plan.requests) == (4, 4)  # two of them for what is at work


def test_cache_vouches_whatever_the_commit(here):
    """The next commit of the same code asks as little as this one."""
    here.put(*FLEET)
    cache = Memory()
    here.plan(*FLEET, cache=cache)

    plan = here.plan(*(target(one, commit=NEWER) for one in FLEET), cache=cache)

    assert (plan.vouched, plan.requests, plan.is_empty) == (5, 1, True)


def test_cache_vouches_for_nothing_that_code_changed(here):
    """What was wanted is part of what a cache knows it by."""
    here.put(OLD, FLEET[0])
    cache = Memory()
    here.plan(OLD, FLEET[0], cache=cache)

    plan = here.plan(NEW, FLEET[0], cache=cache)

    assert states(plan) == {"leads": "update", "leads-0": "unchanged"}
    assert plan.vouched == 1


@pytest.mark.parametrize("time", ["2026-11-24T10:00:00Z", "", None])
def test_nothing_is_kept_whose_time_is_too_coarse(here, time):
    """Two edits in one second could not be told apart."""
    here.put(*FLEET)
    here.emulator.faults.add(Fault("rewrite", members={"updated_at": time}, times=None))
    cache = Memory()
    if time is None:
        here.emulator.faults.clear()
        here.emulator.faults.add(Fault("missing_field", word="updated_at", times=None))

    plan = here.plan(*FLEET, cache=cache)

    assert (cache.kept, set(states(plan).values())) == ({}, {"unchanged"})


def test_one_target_alone_needs_no_list(here):
    """A single workflow is asked for by its id."""
    here.put(OLD)
    here.asked()

    here.plan(OLD)

    assert here.asked() == [f"GET /workflows/{OLD.id()}"]


def test_repetitions_are_counted(here):
    """The number is that of the requests, and not of the questions."""
    here.put(OLD)
    here.asked()
    here.emulator.faults.add(Fault("status_before", status=503))

    plan = here.plan(OLD)

    assert plan.requests == 2


def test_failure_is_raised_as_it_is():
    """What cannot be reached is no plan."""
    script = Script(*[unreachable()] * 9)

    with pytest.raises(errors.TransportError):
        script.play(planned(OLD))
    assert set(script.lines) == {"GET"}


def test_progress_is_told():
    """One event for each target that was looked at."""
    script = Script(answer([]), *[MISSING] * 5)

    events = []

    script.play(planned(*FLEET, emit=events.append))

    assert events == [Looked(n, 5) for n in range(1, 6)]


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


def test_copy_is_seen_by_the_stamp_of_a_target(here):
    """Without the whole project as well, wherever there is a list."""
    here.put(OLD, FLEET[0])
    copies = [here.emulator.copy(OLD.id()) for _ in range(2)]

    plan = here.plan(OLD, FLEET[0])

    told = [(step.key, step.id) for step in plan.steps if step.state == "copy"]
    assert sorted(found for _, found in told) == sorted(copies)
    assert [key.partition(")")[0] for key, _ in told] == ["leads (copy"] * 2
    assert len({key for key, _ in told}) == 2


def test_copy_that_code_names_is_foreign(here):
    """Its stamp is that of another workflow."""
    here.put(OLD)
    copy = here.emulator.copy(OLD.id())
    pinned = Workflow("Leads", NEW.flows[0], key="mine", project=GROWTH, id=copy)

    (step,) = here.plan(pinned).steps

    path = "ns:acme.example/project:growth/workflow:leads"
    told = f"it carries the stamp of {path}, and not its own"
    assert (step.state, step.reasons[-1]) == ("foreign", told)


def test_stamp_of_strangers_makes_no_copy(here):
    """Whatever somebody pasted into a description."""
    other = target(leads(project=Project("other", namespace="b.example")))
    here.write(evolve(sent(other), id=ID))

    assert here.plan(OLD, FLEET[0], **WHOLE).step("leads").state == "new"
    assert len(here.plan(OLD, FLEET[0], **WHOLE).steps) == 2


def test_orphan_that_goes_meanwhile_is_in_no_plan(here):
    """It is in the list, and not there when it is asked for."""
    gone = here.put(leads("Gone", key="gone"))
    path = f"/workflows/{gone}"
    here.emulator.faults.add(Fault("status_before", path=path, status=404))

    assert here.plan(**WHOLE).steps == ()


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


def test_orphan_that_is_called_as_a_target_gets_another_key(here):
    """A workflow that was pinned since, or no longer is."""
    here.put(OLD)
    pinned = Workflow("Leads", OLD.flows[0], key="leads", project=GROWTH, id=ID)
    here.put(pinned)

    assert states(here.plan(pinned, **WHOLE)) == {
        "leads": "unchanged",
        f"leads {OLD.id()[:8]}": "orphan",
    }


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


def test_create_decides_a_rename(here):
    """What is said to be new is created."""
    here.put(leads(key="old"))

    plan = here.plan(leads(key="new"), **WHOLE, create=["new", "none"])

    assert [step.action for step in plan.steps] == ["create", "none"]
    assert key_of(plan) == [("new", "old", "old", True)]


def test_renamed_variant_is_told_without_was(here):
    """`was=` speaks of the key of the workflow, not of its variants."""

    def build(mode):
        return leads(mode=mode)

    old = variants(build, {"us": {"mode": "PERSONAL"}})["us"]
    new = variants(build, {"usa": {"mode": "PERSONAL"}})["usa"]
    here.put(old)

    plan = here.plan(new, **WHOLE)

    assert key_of(plan) == [("leads/usa", "leads/us", None, False)]


def test_longer_path_is_told_without_was(here):
    """A workflow that became variants of one."""
    here.put(leads())
    new = variants(lambda **_: leads(), {"us": {}})["us"]

    assert key_of(here.plan(new, **WHOLE)) == [("leads/us", "leads", None, False)]


def test_title_that_makes_the_key_is_found_again(here):
    """The content is what it was, whatever the title."""
    here.put(Workflow("Leads of Q3", OLD.flows[0], project=GROWTH))

    plan = here.plan(Workflow("Leads of Q4", OLD.flows[0], project=GROWTH), **WHOLE)

    assert key_of(plan) == [("leads-of-q4", "leads-of-q3", "leads-of-q3", False)]


@pytest.mark.parametrize(
    ("now", "is_like"),
    [
        (Webhook(LEAD) >> FindEmail() >> FindPhone(), True),
        (Webhook(LEAD) >> FindPhone(), True),
        (Webhook(LEAD, key="b") >> FindPhone() >> Filter.where("a").is_empty(), False),
        (Webhook(LEAD, input_schema={"a": "string"}), False),
    ],
)
def test_half_of_the_blocks_make_it_alike(here, now, is_like):
    """Fewer do not, and neither does a kind alone under another title."""
    before = Webhook(LEAD) >> FindEmail()
    here.put(Workflow("Before", before, key="before", project=GROWTH))

    plan = here.plan(Workflow("Now", now, key="now", project=GROWTH), **WHOLE)

    assert bool(plan.renames) == is_like


def test_many_that_are_all_alike_are_paired_one_to_one(here):
    """Each in one pair at most, and the ones of one title with each other."""
    here.put(*(leads(f"Leads {n}", key=f"old-{n}") for n in range(12)))
    now = [leads(f"Leads {n}", key=f"new-{n}") for n in range(12)]

    plan = here.plan(*now, leads("One more", key="more"), **WHOLE)

    assert {(r.key[4:], r.orphan[4:]) for r in plan.renames} == {
        (str(n), str(n)) for n in range(12)
    }


def test_what_fits_several_equally_is_not_chosen(here):
    """Its place in a list does not say which of them it was."""
    here.put(*(leads(f"Old {n}", key=f"old-{n}") for n in range(5)))
    now = [leads("Old 1", key="kept"), *(leads(f"New {n}", key=n) for n in "xy")]

    plan = here.plan(*now, **WHOLE)
    by_key = {one.key: one for one in plan.steps}
    found = {one.key: one.candidates for one in plan.renames}
    (_, one, _) = plan.renames

    left = ("old-0", "old-2", "old-3", "old-4")
    assert found == {"kept": ("old-1",), "x": left, "y": left}
    assert [by_key[key].action for key in found] == ["refuse"] * 3
    assert by_key["x"].reasons[-1] == (
        "it may be any of old-0, old-2, old-3 and 1 more under another key"
    )
    assert one.arguments[:2] == ['was="old-0"', 'was="old-2"']


def test_one_that_was_left_open_is_decided_by_the_others(here):
    """Only one is left for it, whichever comes first."""
    here.put(*(leads(f"Leads {n}", key=f"old-{n}") for n in range(2)))

    plan = here.plan(leads(key="open"), leads("Leads 0", key="sure"), **WHOLE)

    assert key_of(plan) == [
        ("open", "old-1", "old-1", False),
        ("sure", "old-0", "old-0", False),
    ]


def test_stamp_without_fields_and_no_blocks_are_compared_too(here):
    """What the server filled in then counts as part of a block."""
    old = here.put(leads(key="old"))
    without_fields(here, old)
    plan = here.plan(leads(key="new"), **WHOLE)
    assert key_of(plan) == [("new", "old", "old", False)]


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


def test_edit_of_what_newer_code_deployed_is_a_conflict(here):
    """Both are told; the edit weighs more."""
    here.edit(here.put(OLD, commit=NEWER), name="Renamed")

    (step,) = here.plan(NEW).steps

    assert (step.state, step.lifted_by, step.reasons[-1]) == (
        "conflict",
        "force",
        APART,
    )


def test_unchanged_workflow_asks_no_git(here):
    """Only where something would be replaced does it matter who deployed it."""
    here.put(OLD, commit=NEWER)
    git = History()

    here.plan(OLD, git=git)

    assert git.asked == []


# -- What was edited -------------------------------------------------------------------


def test_base_needs_the_values_it_was_deployed_with(here):
    """With other values it would show an edit that nobody made."""
    old = "https://example.com/old"
    here.put(secret_leads(), hook=old)
    here.edit(secret_leads().id(), name="Renamed")

    def told(value):
        base = target(secret_leads(), hook=value).definition
        wanted = target(secret_leads(), hook=old)
        (step,) = here.plan(wanted, bases=bases_of([base])).steps
        return step.base, list(step.edits), list(step.not_checked)

    assert told("https://example.com/other") == (
        None,
        [],
        ["cannot show the edit: the last deployed version was not found"],
    )
    assert told(old) == ("found", [TitleChanged("Leads", "Renamed")], [])


def test_base_may_be_committed_json(here):
    """Its blocks are called as the code calls them."""
    here.edit(here.put(OLD), specs={"find_email": {"mode": "PERSONAL"}})
    read = Workflow.from_json(OLD.to_json()).compile()

    (step,) = here.plan(OLD, bases=bases_of([read])).steps

    assert [*as_lines(step.edits)] == [
        "block find_email",
        '    ~ mode: "PROFESSIONAL" → "PERSONAL"',
    ]


def test_stamp_without_room_for_fields_says_what_it_hides(here):
    """Live is then held against what code sets now."""
    workflow_id = here.put(OLD)
    without_fields(here, workflow_id)
    here.edit(workflow_id, specs={"find_email": {"tier": "high"}})

    plan = here.plan(NEW)
    here.edit(workflow_id, name="Renamed")
    base = bases_of([OLD.compile()])
    (step,) = here.plan(NEW, bases=base).steps

    assert states(plan) == {"leads": "update"}
    assert doubts(plan) == [
        "fields that code set before and no longer sets: its stamp had no room"
    ]
    assert (step.state, step.edits) == ("conflict", (TitleChanged("Leads", "Renamed"),))


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


@pytest.mark.parametrize(
    ("wanted", "edit", "state", "action"),
    [
        (OLD, {}, "converged", "stamp"),
        (NEW, {}, "update", "update"),
        (OLD, {"name": "Renamed"}, "drifted", "refuse"),
        (NEW, {"name": "Renamed"}, "conflict", "refuse"),
    ],
)
def test_pull_stands_in_for_the_first_deploy(here, wanted, edit, state, action):
    """What the manifest recorded is what was there before anybody edited."""
    workflow_id = here.write(OLD.compile())
    if edit:
        here.edit(workflow_id, **edit)

    (step,) = here.plan(target(wanted, pulled=pulled_of(OLD))).steps

    assert (step.state, step.action) == (state, action)
    assert not any("newer code" in doubt for doubt in step.not_checked)


def test_genuine_stamp_outranks_what_was_pulled(here):
    """Once it was deployed, the pull is history."""
    here.put(NEW)

    (step,) = here.plan(target(OLD, pulled=pulled_of(OLD))).steps

    assert (step.state, len(step.reasons)) == ("update", 1)


# -- What is at work -------------------------------------------------------------------


def live_answer(workflow):
    wanted = target(workflow)
    body = as_body(sent(wanted))
    return answer(
        {
            "id": body["id"],
            "name": body["workflow_name"],
            "description": body["workflow_description"],
            "workflow_definition": body["workflow_definition"],
        }
    )


RUN = {"job_id": "r", "workflow_id": OLD.id(), "status": "running"}
REFUSED = answer({"detail": "no"}, 403)


@pytest.mark.parametrize(
    ("schedules", "runs", "touched", "is_idle", "doubt"),
    [
        (answer([]), answer([]), ([], []), True, []),
        (answer([]), answer([RUN]), ([], ["r"]), False, []),
        (
            REFUSED,
            answer([]),
            (None, []),
            None,
            ["schedules: the service answered 403"],
        ),
        (
            answer([]),
            answer([{"no": "run"}]),
            ([], None),
            None,
            ["runs in flight: the service did not answer as documented"],
        ),
        (REFUSED, answer([RUN]), (None, ["r"]), False, ["schedules: the service"]),
        (
            answer([]),
            answer([RUN] * MOST_RUNS),
            ([], ["r"] * MOST_RUNS),
            False,
            ["runs"],
        ),
    ],
)
def test_what_is_at_work_is_told_or_not_checked(
    schedules, runs, touched, is_idle, doubt
):
    """A refusal is no answer, and no reason to stop planning."""
    again = [runs] * (9 if runs.content.startswith(b'[{"no') else 1)
    script = Script(live_answer(OLD), schedules, *again)

    plan = script.play(planned(NEW))

    found = plan.steps[0].touched
    told = tuple(
        None if some is None else [one.id for one in some]
        for some in (found.schedules, found.runs)
    )
    assert (told, found.is_idle) == (touched, is_idle)
    assert ("    not checked: schedules\n" in as_text(plan)) == (schedules is REFUSED)
    assert len(doubts(plan)) == len(doubt)
    assert all(a.startswith(b[:20]) for a, b in zip(doubts(plan), doubt, strict=True))


def test_ended_runs_are_not_under_way():
    """Also if a service ignores the status that it was asked for."""
    others = {"completed": {}, "running": {"workflow_id": FLEET[0].id()}}
    runs = [RUN, *({**RUN, "status": one, **more} for one, more in others.items())]
    script = Script(live_answer(OLD), answer([]), answer(runs))

    plan = script.play(planned(NEW))

    assert plan.steps[0].touched.runs == (RunRef("r", "running"),)


def test_text_names_some_and_counts_the_rest():
    """JSON has all of them."""
    runs = [{**RUN, "job_id": f"run-{n}"} for n in range(5)]
    script = Script(live_answer(OLD), answer([]), answer(runs))

    plan = script.play(planned(NEW))

    (line,) = [line for line in as_text(plan).splitlines() if "in flight" in line]
    assert line.strip() == (
        "5 runs in flight: run-0 (running), run-1 (running), run-2 (running) and 2 more"
    )
    assert len(as_data(plan)["workflows"][0]["touched"]["runs"]) == 5


def test_hostile_words_cannot_write_to_the_terminal(here):
    """T1: escaped on one line as text, exact as data."""
    name = "a\x1b]0;b\x07\r\n+ other: new\u202e"
    plan = here.plan(leads(name))

    text = as_text(plan)

    assert not set(text) & {"\x1b", "\x07", "\r", "\u202e"}
    assert "\n+ other" not in text
    assert as_data(plan)["workflows"][0]["name"] == name


def test_runs_beyond_the_list_are_not_checked():
    """Of a workflow that is not among the newest 500, nobody knows."""
    other = {**RUN, "workflow_id": FLEET[0].id()}
    listed = [target(w) for w in (OLD, FLEET[0])]
    entries = [{"id": one.id, "name": one.name} for one in listed]
    script = Script(
        answer(entries),
        live_answer(NEW),
        live_answer(leads("Other", key="leads-0")),
        answer([]),
        answer([other] * MOST_RUNS),
    )

    plan = script.play(planned(*listed))

    assert [step.touched.is_idle for step in plan.steps] == [None, False]
    assert [dict(step.query) for step in script.asked[-2:]] == [
        {},
        {"status": "active", "limit": "500"},
    ]


def test_nothing_is_asked_where_nothing_is_replaced(here):
    """New workflows, stamps and unchanged ones touch nothing that runs."""
    here.put(OLD)
    here.write(FLEET[0].compile())
    here.asked()

    plan = here.plan(OLD, FLEET[0], FLEET[1])

    assert states(plan) == {
        "leads": "unchanged",
        "leads-0": "converged",
        "leads-1": "new",
    }
    assert not {line for line in here.asked() if "runs" in line or "sched" in line}
    assert {step.touched.is_idle for step in plan.steps} == {True}


# -- The data --------------------------------------------------------------------------


def test_plan_tells_what_it_does(here):
    """Writes, refusals and victims, and each step by its key."""
    here.put(OLD, leads("Gone", key="gone"), FLEET[0])
    here.edit(FLEET[0].id(), name="Renamed")

    plan = here.plan(NEW, FLEET[0], **WHOLE)

    told = [[step.key for step in some] for some in (plan.writes, plan.refused)]
    assert told == [["leads"], ["leads-0"]]
    assert plan.step("gone") in plan.victims
    with pytest.raises(KeyError):
        plan.step("none")


def test_step_holds_what_applying_needs(here):
    """The definition that was read, its digest, and what is sent, stamp and all."""
    workflow_id = here.put(OLD)

    (step,) = here.plan(NEW).steps
    text, stamp = split_stamp(step.sent.content.description)

    assert (text, stamp) == (NEW.identity.description, step.target.stamp)
    assert step.live.definition == here.client.workflows.get(workflow_id).definition
    assert step.id == id_of(step.path)


@pytest.mark.parametrize(
    ("edit", "is_same"),
    [
        ({}, True),
        ({"name": "Renamed"}, False),
        ({"description": "Without a stamp"}, False),
        ({"specs": {"find_email": {"tier": "high"}}}, False),
    ],
)
def test_digest_changes_with_all_that_an_update_replaces(here, edit, is_same):
    """Unmanaged fields too, since they are sent back as they were read."""
    workflow_id = here.put(OLD)
    before = here.plan(NEW).steps[0].live.digest
    if edit:
        here.edit(workflow_id, **edit)

    assert (here.plan(NEW).steps[0].live.digest == before) == is_same


@pytest.mark.parametrize("part", ["graph", "block", "edge"])
def test_digest_changes_with_what_an_editor_keeps_beside(here, part):
    """Keys that no document names are sent back too."""
    workflow_id = here.put(OLD)
    before = here.plan(NEW).steps[0].live.digest
    data = as_body(here.client.workflows.get(workflow_id).definition)
    graph = data["workflow_definition"]
    places = {"graph": graph, "block": graph["blocks"][0], "edge": graph["edges"][0]}
    places[part]["colour"] = "red"
    here.edit(workflow_id, definition=graph)

    assert here.plan(NEW).steps[0].live.digest != before


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


def test_pinned_orphan_takes_no_name(here):
    """It is never deleted, whoever deployed it."""
    pinned = Workflow("Leads", OLD.flows[0], key="mine", project=GROWTH, id=ID)
    here.put(pinned, commit="c" * 40)

    (step,) = here.plan(**WHOLE, prune=True).steps

    assert (step.action, step.consents) == ("none", ())
    assert "its commit is not known" in step.not_checked[0]


def test_orphan_is_asked_of_the_repository_of_its_project(here):
    """Else of any code that is at hand."""
    asked = []

    @frozen
    class Asked(History):
        def relation(self, file, commit):
            asked.append(file)
            return "ancestor"

    here.put(leads("Gone", key="gone"))
    other = leads(key="theirs", project=Project("other", namespace="acme.example"))
    theirs, ours = (
        evolve(target(one), file=file) for one, file in ((other, "t.py"), (OLD, "o.py"))
    )
    nowhere = evolve(theirs, file=None)
    for wanted in ([theirs, ours], [theirs], [nowhere], []):
        here.plan(*wanted, **WHOLE, git=Asked())

    assert asked == ["o.py", "t.py", None, None]


def test_deletion_of_a_known_secret_that_cannot_be_saved_is_told(here):
    """As far as a value is known that somebody wrote into it."""
    text = "by https://example.com/SENTINEL here"
    gone = here.put(leads("Gone", key="gone"))
    here.edit(gone, specs={"find_email": {"note": text}})
    wanted = target(secret_leads(), hook="https://example.com/SENTINEL")

    step = here.plan(wanted, **WHOLE, prune=True).step("gone")

    assert (step.action, step.consents, len(step.lost)) == ("refuse", ("force",), 1)
    assert "deleted only with" not in as_text(here.plan(wanted, **WHOLE, prune=True))
    assert (
        "schedules:\n    flow64 deploy --env default --prune=1 --force gone\n"
        in as_text(here.plan(wanted, **WHOLE))
    )


def test_command_that_deletes_agrees_for_each_orphan(here):
    """They are deleted together, so each group of them shows all."""
    for key in ("a", "b"):
        here.edit(here.put(leads(key, key=key)), specs={"find_email": {"mode": "NONE"}})
    here.put(leads("Plain", key="plain"))
    command = "flow64 deploy --env default --prune=3 --force a --force b"

    here.put(OLD)
    plan = here.plan(target(OLD), **WHOLE)
    text = as_text(plan, in_full=True)

    assert text.endswith(
        "; to delete 3 workflows that are no longer in the code, with history and "
        f"schedules:\n    {command}\n"
    )


def test_behind_and_lost_takes_both(here):
    """Newer code deployed it, and somebody wrote where code puts a secret."""
    text, secret = "https://example.com/SENTINEL-EDIT", value("hook", secret=True)
    workflow_id = here.put(of_new_kind(), commit=NEWER)
    here.edit(workflow_id, specs={"new_kind": {"url": text}})
    wanted = target(of_new_kind(url=secret), hook="https://example.com/x")

    plan = here.plan(wanted)

    (step,) = plan.steps
    assert (step.state, step.consents) == ("behind", ("behind", "force"))
    half = Agreement(behind=["leads"])
    assert "--allow-behind leads --force leads" in as_text(plan, half)
    told = as_text(plan, evolve(half, force={"leads"}))
    assert "will change, as --allow-behind and --force say" in told


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({"mode": "A"}, {"mode": "B"}, "a value of the environment, or the suffix"),
        ({"hook": "https://a.example/one"}, {"hook": "https://a.example/two"}, "hook"),
    ],
)
def test_value_that_changed_is_told(here, before, after, reason):
    """The code is what it was."""
    flow = Webhook(LEAD) >> RawBlock(
        "new_kind",
        specs={
            "mode": value("mode"),
            "urls": [value("hook", secret=True), value("more", secret=True)],
        },
    )
    made = Workflow("Leads", flow, key="leads", project=GROWTH)
    usual = {"mode": "A", "hook": "https://a.example/0", "more": "https://a.example/m"}
    here.put(made, **{**usual, **before})

    plan = here.plan(target(made, **{**usual, **after}))
    both = here.plan(
        target(made, **{**usual, **after, "hook": "x" * 9, "more": "y" * 9})
    )

    assert reason in plan.steps[0].reasons[0]
    assert both.steps[0].reasons[0] == "values have changed: hook, more"
    assert plan.steps[0].action == "update"


def test_own_secret_of_what_was_only_pulled_is_not_ours(here):
    """A stamp vouches for what code of ours set; a pull does not."""
    pulled = secret_leads()
    old = target(pulled, hook="https://a.example/one")
    here.write(old.definition)
    stamp = evolve(old.stamp, commit=None)

    (step,) = here.plan(
        target(secret_leads("New"), hook="https://a.example/two", pulled=stamp)
    ).steps

    assert (step.state, step.consents, len(step.lost)) == ("update", ("force",), 1)


@pytest.mark.parametrize(
    ("block", "scope", "told"),
    [
        (FindEmail(key="mail", was="find_email"), None, None),
        (FindEmail(key="mail"), None, None),
        (
            FindEmail(key="mail", was="find_emial"),
            None,
            'did you mean was="find_email"?',
        ),
        (FindEmail(key="mail", was="find_emial"), "work", 'was="find_email"?'),
        (FindPhone(key="phone", was="phonne"), None, "names none that is there"),
        (FindEmail(key="a/b", was="find_emial"), None, None),
    ],
)
@pytest.mark.parametrize("env", ["default", "staging"])
def test_block_that_keeps_no_id_is_told(here, block, scope, told, env):
    """`was=` that names no block there has no effect but another id."""

    def made(one):
        flow = Webhook(LEAD) >> (one.scoped(scope) if scope else one)
        return Workflow("Leads", flow, key="leads", project=GROWTH)

    here.put(made(FindEmail()), env=env)

    (step,) = here.plan(target(made(block), env), env=env).steps

    found = [reason for reason in step.reasons if "was=" in reason]
    assert [told in reason for reason in found] == ([] if told is None else [True])
