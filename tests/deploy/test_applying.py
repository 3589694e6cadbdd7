"""Applying over real sockets, by both clients: exactly what was planned, or refused."""

from __future__ import annotations

import errno
import os
from copy import copy
from itertools import pairwise
from threading import Barrier, Lock, Thread
from uuid import uuid4

import pytest
from attrs import evolve

from flow64 import LEAD, Project, Workflow, errors, value
from flow64.api.calls import create_schedule, delete_workflow, start_run
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.deploy import Agreement, Done, Failed, Summary, Writing, as_text
from flow64.emulator import Emulator, Fault, Switches
from flow64.plan import live_of
from tests.deploy.applied import client_of
from tests.deploy.planned import NEWER
from tests.service.fault_server import LOST, Drop, Forward, Reply
from tests.service.support import Script, answer


@pytest.fixture
def theirs(place):
    """Return a workflow with an id that another organisation has."""
    wanted, ours = place.workflow(), place.client
    with client_of(place.emulator) as place.client:
        place.put(wanted)
    place.client = ours
    yield wanted
    place.emulator.faults.clear()


def test_taken_id_that_the_plan_cannot_know(place, theirs):
    """The service answers 404 to it, so only the write shows that it is taken."""
    plan = place.plan(theirs)
    summary = place.apply(plan, agreed=Agreement(force=["a"]))

    (failed,) = summary.failed
    assert [step.state for step in plan.steps] == ["new"]
    assert (failed.error.state, place.writes()) == ("taken", ["create_workflow"])


def test_taken_id_that_the_plan_knows(place, theirs):
    """The service answers 403: nothing lifts that, and it may be left alone."""
    path = f"/workflows/{theirs.id()}"
    fault = Fault("status_before", status=403, path=path, times=None)
    place.emulator.faults.add(fault)
    plan = place.plan(theirs, place.workflow("b"))
    forced = Agreement(force=["a"], skip_drifted=False)

    with pytest.raises(errors.PlanRefusedError) as caught:
        place.apply(plan, agreed=forced)
    summary = place.apply(plan, agreed=Agreement(skip_drifted=True))

    step = plan.step("a")
    assert (step.state, step.action, step.is_taken) == ("foreign", "refuse", True)
    (problem,) = caught.value.problems
    assert problem.startswith("a: its id is taken by a workflow that this key may not")
    assert "give the other organisation an environment of its own" in problem
    assert "--force" not in problem + as_text(plan)
    assert (summary.is_complete, summary.skipped) == (True, ("a",))


UPDATE, DELETE = "/workflows/update_workflow", "/workflows/delete_workflow"


def keys(done):
    return [one.key for one in done]


# -- All goes well --------------------------------------------------------------------


def test_plan_is_done_step_by_step_and_told(place):
    """F24: what is replaced is saved; the next plan is empty."""
    old = [place.workflow("a"), place.workflow("b"), place.workflow("gone")]
    place.put(*old)
    new = [
        place.workflow("a", mode="PERSONAL"),
        place.workflow("b"),
        place.workflow("c"),
    ]
    plan = place.plan(*new)
    events = []

    place.apply(plan, agreed=Agreement(prune=1), emit=events.append)

    assert [event for event in events if isinstance(event, Writing)] == [
        Writing("a", "update", 1, 3),
        Writing("c", "create", 2, 3),
        Writing("gone", "delete", 3, 3),
    ]
    done = [event for event in events if isinstance(event, Done)]
    assert [(one.key, one.saved is not None) for one in done] == [
        ("a", True), ("c", False), ("gone", True),
    ]  # fmt: skip
    assert {saved.key: saved.reason for saved in place.history.entries()} == {
        "a": "update",
        "gone": "pruned",
    }
    assert place.writes() == ["update_workflow", "create_workflow", "delete_workflow"]
    assert place.plan(*new).is_empty


def test_empty_plan_sends_nothing_and_makes_no_folder(place):
    place.put(place.workflow("a"))
    plan = place.plan(place.workflow("a"))
    place.forget()

    summary = place.apply(plan)

    assert (summary, summary.resume) == (Summary(), "")
    assert (place.emulator.requests, place.history.folder.exists()) == ([], False)


def test_stamp_alone_is_saved_first_too(place):
    """A write of the description is a write."""
    workflow_id = place.put(place.workflow("a"))
    place.edit(workflow_id, mode="PERSONAL")

    summary = place.apply(place.plan(place.workflow("a", mode="PERSONAL")))

    assert [(one.doing, one.saved.reason) for one in summary.done] == [
        ("stamp", "stamp")
    ]


# -- Consent by name ------------------------------------------------------------------


def found(place):
    flow = Search(LEAD, query="people", auto_execute=True) >> FindEmail()
    return Workflow("Found", flow, key="found", project=place.project)


@pytest.mark.parametrize(
    ("agreed", "words"),
    [
        (Agreement(), "to allow it, add --force a, or skip it with --skip-drifted"),
        (Agreement(), "found: search buys at creation; to allow it, add --allow-spe"),
        (Agreement(force=["b"]), "--force b: there is no such key"),
        (Agreement(allow_spend=["fuond"]), r"there is no such key \(did you mean 'fou"),
        (Agreement(behind=["a"]), "a: it was edited on the service"),
        (
            Agreement(prune=2),
            "nothing is to be deleted, and --prune says 2; leave it out",
        ),
    ],
)
def test_nothing_is_written_without_consent_by_name(place, agreed, words):
    """All that is missing is said at once, and nobody was asked anything."""
    place.edit(place.put(place.workflow("a")), mode="NONE")
    plan = place.plan(place.workflow("a"), place.workflow("c"), found(place))
    place.forget()

    with pytest.raises(errors.PlanRefusedError, match=words):
        place.apply(plan, agreed=agreed)
    assert place.emulator.requests == []


def test_consent_by_name_lets_it_pass(place):
    """And what was forced is in the history as such."""
    workflow_id = place.put(place.workflow("a"))
    place.edit(workflow_id, mode="NONE")
    plan = place.plan(place.workflow("a"), found(place))

    summary = place.apply(plan, agreed=Agreement(force=["a"], allow_spend=["found"]))

    assert keys(summary.done) == ["a", "found"]
    assert summary.done[0].saved.reason == "forced"
    assert place.mode(workflow_id) == "PROFESSIONAL"


def test_what_was_edited_is_left_alone_where_that_is_asked_for(place):
    workflow_id = place.put(place.workflow("a"))
    place.edit(workflow_id, mode="NONE")
    plan = place.plan(place.workflow("a"), place.workflow("b"))

    summary = place.apply(plan, agreed=Agreement(skip_drifted=True))

    assert (keys(summary.done), list(summary.skipped)) == (["b"], ["a"])
    assert place.mode(workflow_id) == "NONE"


def test_pin_that_is_not_there_is_never_skipped_and_never_created(place):
    pinned = Workflow("P", place.workflow("a").flows[0], id=str(uuid4()))
    plan = place.plan(pinned, is_whole=False)
    key = plan.steps[0].key

    for agreed in (Agreement(skip_drifted=True), Agreement(force=[key])):
        with pytest.raises(errors.PlanRefusedError, match="it is pinned"):
            place.apply(plan, agreed=agreed)


def test_possible_rename_waits_for_a_word(place):
    place.put(place.workflow("old"))
    plan = place.plan(place.workflow("new"), create=())

    with pytest.raises(errors.PlanRefusedError, match="--create new"):
        place.apply(plan)
    assert keys(place.apply(plan, agreed=Agreement(create=["new"])).done) == ["new"]


@pytest.mark.parametrize("given", ["leads", [1]])
def test_agreement_takes_keys(given):
    with pytest.raises(errors.ArgumentError):
        Agreement(force=given)


# -- Prune (F17) ----------------------------------------------------------------------


def test_orphan_stays_unless_the_number_is_given(place):
    """A plan that shows deletions needs their number too."""
    workflow_id = place.put(place.workflow("gone"))

    assert place.apply(place.plan(place.workflow("a"))).is_complete
    assert place.live(workflow_id) is not None
    with pytest.raises(errors.PruneError, match="--prune=1"):
        place.apply(place.plan(place.workflow("a"), prune=True))
    with pytest.raises(
        errors.PruneError, match="1 workflow is to be deleted, and --prune says 3"
    ):
        place.apply(place.plan(place.workflow("a")), agreed=Agreement(prune=3))
    assert place.live(workflow_id) is not None


def test_workflow_that_is_deleted_already_is_fine(place):
    """Before the last look, or between it and the delete."""
    first, second = place.put(place.workflow("x")), place.put(place.workflow("y"))
    plan = place.plan(place.workflow("a"))
    place.direct(delete_workflow, first)

    summary = place.apply(plan, agreed=Agreement(prune=2))

    assert [(one.key, one.was_gone) for one in summary.done] == [
        ("a", False), ("x", True), ("y", False),
    ]  # fmt: skip
    assert place.live(second) is None


def test_edited_orphan_is_deleted_only_by_name(place):
    """Whatever a plan says: one from a file may not have said so."""
    workflow_id = place.put(place.workflow("gone"))
    place.edit(workflow_id, mode="BY HAND")
    plan = place.plan(prune=True)
    (step,) = plan.steps
    silent = evolve(step, action="delete", lifted_by=None, also=(), reasons=("so",))

    for one in (plan, evolve(plan, steps=[silent])):
        with pytest.raises(errors.PruneError, match="--force gone"):
            place.apply(one, agreed=Agreement(prune=1))
    with pytest.raises(
        errors.PruneError,
        match="the plan deletes 1 workflow; to allow it, add --prune=1",
    ):
        place.apply(plan)
    assert place.live(workflow_id) is not None
    done = place.apply(plan, agreed=Agreement(prune=1, force=["gone"]))

    assert keys(done.done) == ["gone"]
    assert place.live(workflow_id) is None


def test_orphan_of_another_branch_is_deleted_only_by_name(place):
    """And both are asked for where it was edited as well."""
    theirs = evolve(place.target(place.workflow("extra")), key="extra")
    theirs = evolve(theirs, stamp=evolve(theirs.stamp, commit=NEWER))
    place.edit(place.put(theirs), mode="BY HAND")
    plan = place.plan(prune=True)

    for agreed, words in (
        ({}, "--allow-behind extra --force extra"),
        ({"behind": ["extra"]}, "to allow it, add --force extra"),
        ({"force": ["extra"]}, "to allow it, add --allow-behind extra"),
    ):
        with pytest.raises(errors.PruneError, match=words):
            place.apply(plan, agreed=Agreement(prune=1, **agreed))
    both = Agreement(prune=1, behind=["extra"], force=["extra"])
    assert "will be deleted, as --allow-behind and --force say" in as_text(plan, both)
    assert keys(place.apply(plan, agreed=both).done) == ["extra"]


def test_delete_that_finds_nothing_is_fine(faulty):
    faulty.put(faulty.workflow("x"))
    plan = faulty.plan(faulty.workflow("a"))

    def meanwhile(seen):
        faulty.direct(delete_workflow, seen.query["workflow_id"][0])
        return Forward()

    faulty.server.on("POST", DELETE, lambda seen: Reply(404, {"detail": "gone"}))
    faulty.server.on("POST", UPDATE, meanwhile)
    summary = faulty.apply(plan, agreed=Agreement(prune=1))

    assert keys(summary.done) == ["a", "x"]


@pytest.mark.parametrize("act", [LOST, Drop("reset"), Reply(500)])
def test_delete_whose_answer_is_lost_ends_with_it_gone(faulty, act):
    """It is repeated, since that is free."""
    workflow_id = faulty.put(faulty.workflow("x"))
    faulty.server.on("POST", DELETE, act)

    summary = faulty.apply(faulty.plan(faulty.workflow("a")), agreed=Agreement(prune=1))

    assert (keys(summary.done), faulty.live(workflow_id)) == (["a", "x"], None)


@pytest.mark.parametrize(
    ("acts", "error", "words"),
    [
        ([Reply(200, {"id": "x"})], errors.VerificationError, "still there"),
        ([Reply(403, {"detail": "no"})], errors.ForbiddenError, "403"),
        ([Reply(500)] * 7, errors.OutcomeUnknownError, "it is still there"),
    ],
)
def test_delete_that_does_not_end_well_says_how_it_stands(faulty, acts, error, words):
    workflow_id = faulty.put(faulty.workflow("x"))
    faulty.server.on("POST", DELETE, *acts)

    summary = faulty.apply(faulty.plan(), agreed=Agreement(prune=1))

    assert type(summary.failed[0].error) is error
    assert words in str(summary.failed[0].error)
    assert summary.failed[0].is_unknown == (error is errors.OutcomeUnknownError)
    assert faulty.live(workflow_id) is not None


def test_partly_loaded_project_prunes_nothing(place):
    workflow_id = place.put(place.workflow("gone"))
    plan = place.plan(place.workflow("a"), place.workflow("b"), is_whole=False)

    for number in (0, 1):
        with pytest.raises(errors.PruneError, match="not all of the project"):
            place.apply(plan, agreed=Agreement(prune=number))
    assert place.live(workflow_id) is not None


def test_what_is_not_ours_is_never_deleted(place):
    """A copy, another environment, another project, a pin, an edited stamp."""
    ours = place.put(place.workflow("gone"))
    copied = place.emulator.copy(ours)
    other = place.workflow("b", project=Project("other", place.project.namespace))
    others = [place.put(other)]
    staging = place.target(place.workflow("gone"), "staging")
    others += [place.put(staging), copied]

    summary = place.apply(place.plan(), agreed=Agreement(prune=1))

    assert keys(summary.done) == ["gone"]
    assert all(place.live(one) is not None for one in others)


def test_stamp_is_judged_again_at_the_last_look(place):
    """Whatever a plan says: only what is there now counts."""
    workflow_id = place.put(place.workflow("gone"))
    plan = place.plan()
    place.emulator.edit(workflow_id, description="mine now")
    live = live_of(place.live(workflow_id))
    forged = evolve(plan, steps=[evolve(plan.steps[0], live=live)])

    summary = place.apply(forged, agreed=Agreement(prune=1))

    assert "no genuine stamp" in str(summary.failed[0].error)
    other = evolve(place.plan(), projects=(Project("other", "b.example"),))
    assert place.apply(other, agreed=Agreement(prune=0)).is_complete
    assert place.live(workflow_id) is not None


def test_stamp_of_another_project_is_never_deleted(place):
    workflow_id = place.put(place.workflow("gone"))
    plan = evolve(place.plan(), projects=(Project("other", "b.example"),))

    summary = place.apply(plan, agreed=Agreement(prune=1))

    assert "no genuine stamp" in str(summary.failed[0].error)
    assert place.live(workflow_id) is not None


def test_workflow_that_is_at_work_is_never_deleted(place):
    """Told by the plan, and again right before the deletion."""
    workflow_id = place.put(place.workflow("gone"))
    early = place.plan()
    place.direct(create_schedule, workflow_id, "Weekly", "0 9 * * 1")

    with pytest.raises(errors.PruneError, match="schedule Weekly is active"):
        place.apply(place.plan(), agreed=Agreement(prune=1, force=["gone"]))
    summary = place.apply(early, agreed=Agreement(prune=1))
    assert "schedule Weekly is active" in str(summary.failed[0].error)
    assert place.live(workflow_id) is not None


def test_workflow_whose_run_goes_on_is_never_deleted(place, tmp_path):
    with (
        Emulator(switches=Switches(speed=60.0)) as place.emulator,
        client_of(place.emulator) as place.client,
    ):
        workflow_id = place.put(place.workflow("gone"))
        rows = {"webhook_payload": [{"email": "a@example.com"}]}
        place.direct(start_run, workflow_id, rows, str(uuid4()))

        with pytest.raises(errors.PruneError, match="is in flight"):
            place.apply(place.plan(), agreed=Agreement(prune=1))


def test_doubt_whether_it_is_at_work_needs_its_name(faulty):
    """A key that may not list schedules or runs cannot tell."""
    faulty.put(faulty.workflow("gone"))
    faulty.server.always("GET", "/schedules*", Reply(403, {"detail": "no"}))
    faulty.server.always("GET", "/workflows/runs*", Reply(403, {"detail": "no"}))
    plan = faulty.plan()

    with pytest.raises(errors.PruneError, match="could not be checked"):
        faulty.apply(plan, agreed=Agreement(prune=1))
    agreed = Agreement(prune=1, force=["gone"])
    assert keys(faulty.apply(plan, agreed=agreed).done) == ["gone"]


# -- Stale plans (F15, L2) ------------------------------------------------------------


def edited(place, workflow_id):
    place.edit(workflow_id, mode="NONE")


def removed(place, workflow_id):
    place.direct(delete_workflow, workflow_id)


def restamped(place, workflow_id):
    """Somebody else has deployed other code."""
    place.put(place.workflow("a", mode="PERSONAL", url="https://b.example.com/hook"))


@pytest.mark.parametrize(
    ("event", "meanwhile", "edits"),
    [
        ("edited", edited, ['"PROFESSIONAL" → "NONE"']),
        ("deleted", removed, []),
        ("edited", restamped, ["b.example.com", "another deploy has written its st"]),
    ],
)
def test_change_since_the_plan_stops_all_of_it(place, event, meanwhile, edits):
    """Before the first write: their edit and our change apart, and the ways out."""
    workflow_id = place.put(place.workflow("b"), place.workflow("a"))
    new = [place.workflow("b", mode="PERSONAL"), place.workflow("a", mode="PERSONAL")]
    plan = place.plan(*new)
    meanwhile(place, workflow_id)
    place.forget()

    with pytest.raises(errors.StalePlanError, match=f"was {event} since") as caught:
        place.apply(plan, agreed=Agreement(force=["a"]))

    error, theirs = caught.value, "\n".join(caught.value.edits)
    assert all(edit in theirs for edit in edits)
    assert '"PROFESSIONAL" → "PERSONAL"' in "\n".join(error.changes)
    for way in ("into the code", "--force a", "--skip-drifted", "our change"):
        assert way in str(error)
    assert place.writes() == []


def test_workflow_that_was_created_meanwhile_is_not_overwritten(place):
    """L2: two deployers of one new workflow."""
    plan = place.plan(place.workflow("a", mode="PERSONAL"))
    workflow_id = place.put(place.workflow("a"))

    with pytest.raises(errors.StalePlanError, match="was created since"):
        place.apply(plan)
    assert place.mode(workflow_id) == "PROFESSIONAL"


def test_two_deployers_at_once_end_in_one_of_their_states_whole(place):
    """L2: whoever comes later sees it, and stops; nothing is mixed."""
    workflow_id = place.put(place.workflow("a"))
    hosts = ["one", "two"]
    wanted = [
        place.workflow("a", name=host, url=f"https://{host}.example.com/hook")
        for host in hosts
    ]
    for _ in range(3):
        plans = [place.plan(one) for one in wanted]
        begin, ended = Barrier(2), []

        def deploy(plan, begin=begin, ended=ended):
            begin.wait()
            try:
                failed = place.apply(plan).failed
                ended.append(failed[0].error if failed else None)
            except errors.FlowError as error:
                ended.append(error)

        threads = [Thread(target=deploy, args=[plan]) for plan in plans]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        live = place.live(workflow_id)
        assert live.blocks[2].specs["url"] == f"https://{live.name}.example.com/hook"
        assert place.plan(wanted[hosts.index(live.name)]).is_empty
        assert len(ended) == 2
        assert {type(one) for one in ended if one} <= {
            errors.StalePlanError,
            errors.VerificationError,  # both wrote, and this one was first
        }


def test_all_that_is_stale_is_named(place):
    ids = [place.put(place.workflow(key)) for key in "abc"]
    plan = place.plan(*[place.workflow(key, mode="PERSONAL") for key in "abc"])
    for workflow_id in ids[:2]:
        place.edit(workflow_id, mode="NONE")

    with pytest.raises(errors.StalePlanError, match="also changed since: b"):
        place.apply(plan)


def test_edit_after_the_first_write_stops_the_rest(faulty):
    """The last look is right before each write."""
    ids = [faulty.put(faulty.workflow(key)) for key in "abc"]
    plan = faulty.plan(*[faulty.workflow(key, mode="PERSONAL") for key in "abc"])

    def meanwhile(_):
        faulty.edit(ids[1], mode="NONE")
        return Forward()

    faulty.server.on("POST", UPDATE, meanwhile)
    summary = faulty.apply(plan, parallel=1)

    assert keys(summary.done) == ["a"]
    assert type(summary.failed[0].error) is errors.StalePlanError
    assert list(summary.not_tried) == ["c"]
    assert [faulty.mode(one) for one in ids] == ["PERSONAL", "NONE", "PROFESSIONAL"]


def test_plan_of_another_endpoint_is_refused(place):
    plan = place.plan(place.workflow("a"))

    with pytest.raises(errors.SavedPlanError, match=r"and this is http://else\.where"):
        place.apply(plan, endpoint="http://else.where")


def test_edit_of_a_secret_is_told_without_its_text(place):
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))

    def target(hook, name="S"):
        made = Workflow(name, flow, key="s", project=place.project)
        return place.target(made, hook=hook)

    old = "https://hooks.example.com/SENTINEL-OLD"
    workflow_id = place.put(target(old))
    plan = place.plan(target(old, "T"))
    place.emulator.edit(
        workflow_id, specs={"outgoing_webhook": {"url": "https://SENTINEL.example.com"}}
    )

    with pytest.raises(errors.StalePlanError) as caught:
        place.apply(plan)
    assert "SENTINEL" not in str(caught.value)
    first = kept_plan_with_live(place, plan, workflow_id)
    other = "https://SENTINEL.other.example.com"
    place.emulator.edit(workflow_id, specs={"outgoing_webhook": {"url": other}})
    with pytest.raises(errors.StalePlanError, match="such as the text of a secret"):
        place.apply(first, agreed=Agreement(force=["s"]))


def kept_plan_with_live(place, plan, workflow_id):
    """The plan as if it had been made on what is live now."""
    live = live_of(place.live(workflow_id))
    return evolve(plan, steps=[evolve(plan.steps[0], live=live)])


# -- A step fails (F10, F14) ----------------------------------------------------------


def test_after_a_failure_nothing_more_is_written_and_a_rerun_resumes(faulty):
    """F14: five workflows, one at a time, and the third fails for good."""
    old = [faulty.workflow(key) for key in "abcde"]
    for workflow in old:
        faulty.put(workflow)
    new = [faulty.workflow(key, mode="PERSONAL") for key in "abcde"]
    faulty.server.on("POST", UPDATE, Forward(), Forward(), Reply(422, {"detail": "no"}))

    summary = faulty.apply(faulty.plan(*new), parallel=1)

    assert keys(summary.done) == ["a", "b"]
    assert (summary.failed[0].key, type(summary.failed[0].error)) == (
        "c", errors.ApiError,
    )  # fmt: skip
    assert (list(summary.not_tried), summary.is_complete) == (["d", "e"], False)
    assert "is not written again" in summary.resume
    assert {saved.key for saved in faulty.history.entries()} == {"a", "b", "c"}
    faulty.forget()
    again = faulty.apply(faulty.plan(*new))
    assert keys(again.done) == ["c", "d", "e"]
    assert len(faulty.writes()) == 3


# -- History (F24, F26, L6) -----------------------------------------------------------


def unwritable(folder, monkeypatch):
    folder.write_text("a file")


def linked(folder, monkeypatch):
    (folder.parent / "else").mkdir()
    folder.symlink_to(folder.parent / "else")


def full(folder, monkeypatch):
    def fail(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)


@pytest.mark.parametrize("arrange", [unwritable, linked, full])
def test_without_a_place_for_what_is_replaced_nothing_is_written(
    place, arrange, monkeypatch
):
    place.put(place.workflow("a"))
    plan = place.plan(place.workflow("new"), place.workflow("a", mode="PERSONAL"))
    arrange(place.history.folder, monkeypatch)
    place.forget()

    with pytest.raises(errors.HistoryError, match="is not overwritten"):
        place.apply(plan)
    assert place.emulator.requests == []


def test_disk_that_fills_up_on_the_way_stops_before_that_write(place, monkeypatch):
    for key in "ab":
        place.put(place.workflow(key))
    plan = place.plan(*[place.workflow(key, mode="PERSONAL") for key in "ab"])
    real, seen = os.fsync, []

    def fail(descriptor):
        seen.append(descriptor)
        if len(seen) > 3:  # the room that was tried, the file and the folder of `a`
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    summary = place.apply(plan)

    assert keys(summary.done) == ["a"]
    assert "No space left" in str(summary.failed[0].error)
    assert place.writes() == ["update_workflow"]


def test_orphan_keeps_no_secret_that_the_environment_knows(place):
    """Code that said what is secret in it is gone; its values are not."""
    hook = "https://hooks.example.com/SENTINEL"
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    made = Workflow("S", flow, key="s", project=place.project)
    place.put(place.target(made, hook=hook))

    summary = place.apply(
        place.plan(), agreed=Agreement(prune=1), values={"hook": hook, "n": 1, "s": "x"}
    )

    text = summary.done[0].saved.file.read_text()
    assert ("SENTINEL" in text, '"flow64:value": "hook"' in text) == (False, True)


# -- Several at a time ----------------------------------------------------------------


class Gate:
    """Lets requests through when so many are there, and knows how many ever were."""

    def __init__(self, count):
        self.barrier = Barrier(count)
        self.lock = Lock()
        self.inside = self.most = 0

    def __call__(self, _):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.barrier.wait(timeout=120)
        with self.lock:
            self.inside -= 1
        return Forward()


def updates(place, names):
    """A plan that updates each of them."""
    for key in names:
        place.put(place.workflow(key))
    return place.plan(*[place.workflow(key, mode="PERSONAL") for key in names])


@pytest.mark.parametrize(("parallel", "names"), [(4, "abcde"), (2, "abcdefg")])
def test_several_are_written_at_a_time_after_the_first(faulty, parallel, names):
    """So many and no more; what is told is in the order of the plan."""
    plan, gate = updates(faulty, names), Gate(parallel)
    faulty.server.on("POST", UPDATE, Forward(), *[gate] * (len(names) - 1))

    summary = faulty.apply(plan, parallel=parallel)

    assert (keys(summary.done), summary.is_complete) == ([*names], True)
    assert gate.most == parallel
    assert {saved.key for saved in faulty.history.entries()} == {*names}


def test_first_is_written_alone(faulty):
    """What stops all of them is found out by one write."""
    plan = updates(faulty, "abcde")
    faulty.server.always("POST", UPDATE, Reply(403, {"detail": "no"}))

    summary = faulty.apply(plan)

    assert keys(summary.failed) == ["a"]
    assert [*summary.not_tried] == [*"bcde"]
    assert len(faulty.server.of("POST", UPDATE)) == 1


def test_those_under_way_go_on_to_their_end(faulty):
    """One of four fails: the other three are done, and seen to be."""
    plan, gate = updates(faulty, "abcde"), Gate(4)
    second = plan.steps[1].id

    def one_fails(seen):
        gate(seen)
        is_second = second in seen.target or second.encode() in seen.body
        return Reply(422, {"detail": "no"}) if is_second else Forward()

    faulty.server.on("POST", UPDATE, Forward(), *[one_fails] * 4)
    summary = faulty.apply(plan)

    assert (keys(summary.done), keys(summary.failed)) == ([*"acde"], ["b"])
    assert ([*summary.not_tried], summary.is_complete) == ([], False)
    faulty.forget()
    again = place_again(faulty, "abcde")
    assert (keys(again.done), len(faulty.writes())) == (["b"], 1)


def test_several_may_fail_and_no_further_one_is_begun(faulty):
    """Each of them is told, in the order of the plan."""
    plan, gate = updates(faulty, "abcdefg"), Gate(4)

    def fails(seen):
        gate(seen)
        return Reply(422, {"detail": "no"})

    faulty.server.on("POST", UPDATE, Forward(), *[fails] * 4)
    summary = faulty.apply(plan)

    assert (keys(summary.done), keys(summary.failed)) == (["a"], [*"bcde"])
    assert [*summary.not_tried] == ["f", "g"]
    assert keys(place_again(faulty, "abcdefg").done) == [*"bcdefg"]


def place_again(place, names):
    """The same deploy once more."""
    wanted = [place.workflow(key, mode="PERSONAL") for key in names]
    return place.apply(place.plan(*wanted))


def test_deletions_come_last_and_one_by_one(faulty):
    """Each is seen to be gone before the next one is looked at."""
    for key in ("old1", "old2", "old3"):
        faulty.put(faulty.workflow(key))
    for key in "ab":
        faulty.put(faulty.workflow(key))
    plan = faulty.plan(*[faulty.workflow(key, mode="PERSONAL") for key in "ab"])
    gone = [step.id for step in plan.victims]
    faulty.forget()

    summary = faulty.apply(plan, agreed=Agreement(prune=3))

    lines = [one.line for one in faulty.server.requests]
    deletes = [at for at, line in enumerate(lines) if DELETE in line]
    assert keys(summary.done) == ["a", "b", "old1", "old2", "old3"]
    assert max(at for at, line in enumerate(lines) if UPDATE in line) < deletes[0]
    for (one, other), (this, following) in zip(
        pairwise(deletes), pairwise(gone), strict=True
    ):
        between = [f"{line}/" for line in lines[one + 1 : other]]
        assert this in between[0]
        assert following in between[-1]


# -- Stopped (F20) --------------------------------------------------------------------


def test_wish_to_stop_is_heeded_between_two_steps(place):
    for key in "ab":
        place.put(place.workflow(key))
    plan = place.plan(*[place.workflow(key, mode="PERSONAL") for key in "ab"])
    asked = iter([False, True])

    summary = place.apply(plan, stopped=lambda: next(asked))

    assert (keys(summary.done), list(summary.not_tried)) == (["a"], ["b"])
    assert (summary.was_stopped, summary.failed) == (True, ())
    assert (
        place.plan(place.workflow("a", mode="PERSONAL")).steps[0].state == "unchanged"
    )


# -- By hand --------------------------------------------------------------------------


def test_each_step_has_a_deadline_of_its_own_and_a_last_look(place):
    """The order of things, step by step."""
    place.put(place.workflow("a"))
    new = place.workflow("a", mode="PERSONAL")
    plan = place.plan(new)
    live = [answer_of(place, plan.steps[0].id)]
    place.apply(plan)
    live.append(answer_of(place, plan.steps[0].id))
    saved = []

    def written(_):
        saved.extend(place.history.entries())
        return answer({})

    place.history.folder.rename(place.history.folder.parent / "before")
    script = Script(live[0], live[0], written, live[1])
    events = []
    summary = script.play(place.applying(plan, emit=events.append))

    assert script.lines == ["GET", "GET", "update_workflow", "GET"]
    assert (len(saved), keys(summary.done)) == (1, ["a"])
    assert [type(event) for event in events] == [Writing, Done]


def answer_of(place, workflow_id):
    return answer(copy(place.emulator.edit(workflow_id)))


def test_failure_is_told_as_an_event(place):
    plan = place.plan(place.workflow("a"))
    script = Script(answer({}, 404), answer({}, 404), answer({"detail": "no"}, 422))

    events = []
    summary = script.play(place.applying(plan, emit=events.append))

    assert events[1] == summary.failed[0]
    assert isinstance(summary.failed[0], Failed)
