"""Applying over real sockets, by both clients: exactly what was planned, or refused."""

from __future__ import annotations

import errno
import os
from itertools import pairwise
from threading import Barrier, Lock, Thread
from uuid import uuid4

import pytest
from attrs import evolve

from flow64 import LEAD, Project, Workflow, errors, value
from flow64.api.calls import create_schedule, delete_workflow, start_run
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.deploy import Agreement, Done, Writing, as_text
from flow64.emulator import Emulator, Switches
from flow64.plan import live_of
from tests.deploy.applied import client_of
from tests.deploy.planned import NEWER
from tests.service.fault_server import LOST, Drop, Forward, Reply


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


# -- By hand --------------------------------------------------------------------------
