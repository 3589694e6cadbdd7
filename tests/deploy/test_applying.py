"""A plan is applied as shown or refused, whatever becomes of the requests."""

from __future__ import annotations

import os
import signal
import threading

import httpx
import pytest

from flow64 import Client, errors
from flow64.api.answers import RunEntry
from flow64.client.client import Client as BlockingClient
from flow64.deploy.apply import Stop, first_interrupt_waits
from flow64.deploy.history import History
from flow64.deploy.plan import Consents
from flow64.emulator import Fault
from tests.deploy.planned import QUICK, Service
from tests.service.fault_server import CLOSED, LOST, Drop, FaultServer, Reply, cut
from tests.service.support import GROWTH, leads, searched, secret_leads

A, A2 = leads("A", key="a"), leads("A", key="a", mode="PERSONAL")
WHOLE = {"projects": [GROWTH]}
STEPS = ("create", "update", "stamp", "delete")


def arranged(here, action):
    """What is there before, and what is wanted, so that a plan has one such step."""
    here.clear()
    if action == "create":
        return [A]
    workflow_id = here.put(A)
    if action == "delete":
        return []
    if action == "stamp":
        here.edit(workflow_id, specs={"find_email": {"mode": "PERSONAL"}})
    return [A2]


def pruned(plan):
    return Consents(prune=len(plan.orphans))


# -- Faults ----------------------------------------------------------------------------

FAULTS = {
    "reset-before": Fault("reset_before", method="POST"),
    "reset-after": Fault("reset_after", method="POST"),
    "503-before": Fault("status_before", method="POST"),
    "502-after": Fault("status_after", method="POST", status=502),
    "429": Fault(
        "status_before", method="POST", status=429, headers={"retry-after": "0"}
    ),
    "truncate": Fault("truncate", method="POST"),
    "look-reset": Fault("reset_after", method="GET"),
    "look-503": Fault("status_before", method="GET", times=2),
    "look-cut": Fault("truncate", method="GET"),
}


@pytest.mark.parametrize("action", STEPS)
@pytest.mark.parametrize("name", FAULTS)
def test_step_is_applied_once_whatever_becomes_of_its_answer(here, action, name):
    """Or its outcome is unknown; the next deploy alone ends where it should."""
    wanted = arranged(here, action)
    plan = here.plan(*wanted, **WHOLE)
    here.emulator.faults.add(FAULTS[name])

    result = here.apply(plan, pruned(plan))

    here.emulator.faults.clear()
    assert {type(e) for e in result.errors} <= {errors.OutcomeUnknownError}
    then = here.plan(*wanted, **WHOLE)
    if result.is_complete:
        assert [outcome.step.action for outcome in result.outcomes] == [action]
        assert then.is_empty
    else:
        assert here.apply(then, pruned(then)).is_complete
        assert here.plan(*wanted, **WHOLE).is_empty
    assert len(here.client.workflows.list()) == len(wanted)


REPLIES = {
    "lost": (LOST,),
    "closed": (CLOSED,),
    "cut": (cut(20),),
    "not sent": (Drop("reset", "headers"),),
    "html": (Reply(200, b"<html>log in</html>"),),
    "empty": (Reply(200, b""),),
    "5xx, then lost": (Reply(503), LOST),
}


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("action", ["create", "update"])
def test_one_workflow_over_a_bad_network(emulator, tmp_path, action, name):
    """Not sent: sent again. Lost after it was applied: read back, no second write."""
    with FaultServer(emulator) as server:
        facts = {"base_url": server.url, "policy": QUICK, "journal": None}
        with Client(f"sk_test_{name}_{action}".replace(" ", ""), **facts) as client:
            here = Service(emulator, client, History(tmp_path))
            if action == "update":
                here.put(A)
            wanted = A if action == "create" else A2
            plan = here.plan(wanted)
            before = len(server.applied("POST"))
            server.on("POST", "*", *REPLIES[name])

            result = here.apply(plan)

            assert result.is_complete, result.errors
            assert here.plan(wanted).is_empty
            writes = len(server.applied("POST")) - before
            assert writes == 1
            here.clear()


@pytest.mark.parametrize("name", ["lost", "html", "cut"])
def test_write_that_buys_is_never_sent_again(emulator, tmp_path, name):
    """If a read does not show it, its outcome is unknown."""
    with FaultServer(emulator) as server:
        facts = {"base_url": server.url, "policy": QUICK, "journal": None}
        with Client(f"sk_test_buys_{name}", **facts) as client:
            here = Service(emulator, client, History(tmp_path))
            plan = here.plan(searched())
            server.on("POST", "*", *REPLIES[name])

            result = here.apply(plan, Consents(allow_spend=["found"]))

            posts = [seen for seen in server.requests if seen.method == "POST"]
            assert len(posts) == 1
            is_there = len(server.applied("POST")) == 1
            assert result.is_complete == is_there
            kinds = [type(error) for error in result.errors]
            assert kinds == [errors.OutcomeUnknownError] * (not is_there)
            here.clear()


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("status_before", method="POST", status=404)],
        [Fault("status_before", method="GET", path=f"*/{A.id()}", status=403)],
        [
            Fault("reset_before", method="POST", times=None),
            Fault(
                "status_before", method="GET", path=f"*/{A.id()}", status=403, after=1
            ),
        ],
    ],
    ids=["404 of a proxy", "look refused", "lost, and look refused"],
)
def test_deletion_is_done_only_if_a_look_finds_nothing(here, faults):
    """An answer that refuses to show it does not say that it is gone."""
    plan = here.plan(*arranged(here, "delete"), **WHOLE)
    here.emulator.faults.add(*faults)

    result = here.apply(plan, pruned(plan))

    here.emulator.faults.clear()
    assert not result.is_complete
    assert [info.id for info in here.client.workflows.list()] == [A.id()]


@pytest.mark.parametrize("status", [400, 402, 403, 404, 422])
def test_refusal_is_not_repeated_and_ends_the_deploy(here, status):
    """Two are there, two were not tried; the next deploy goes on."""
    wanted = [leads(key.upper(), key=key) for key in "abcde"]
    plan = here.plan(*wanted)
    fault = Fault("status_before", method="POST", status=status, after=2, times=1)
    here.emulator.faults.add(fault)
    here.asked()

    result = here.apply(plan, parallel=1)

    assert len(here.writes()) == 2  # and one that was refused
    assert [outcome.step.key for outcome in result.outcomes] == ["a", "b", "c"]
    assert [error.status for error in result.errors] == [status]
    assert [step.key for step in result.not_tried] == ["d", "e"]
    assert here.apply(here.plan(*wanted)).is_complete
    assert len(here.client.workflows.list()) == 5


class Editing(httpx.BaseTransport):
    """A service that stores something else than it was sent."""

    def __init__(self, emulator, workflow_id, edit):
        self.plain = emulator.transport()
        self.emulator, self.id, self.edit = emulator, workflow_id, edit

    def handle_request(self, request):
        response = self.plain.handle_request(request)
        if request.method == "POST":
            content = response.read()
            self.emulator.edit(self.id, **self.edit)
            return httpx.Response(response.status_code, content=content)
        return response


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"name": "Other"}, 'title: "A" → "Other"'),
        (
            {"specs": {"find_email": {"mode": "PERSONAL"}}},
            'find_email.mode: "PROFESSIONAL" → "PERSONAL"',
        ),
        ({"description": "gone"}, "the stamp of this deploy"),
    ],
)
def test_service_that_stores_something_else_is_found_out(here, edit, words):
    transport = Editing(here.emulator, A.id(), edit)
    facts = {"base_url": here.client.endpoint, "journal": None, "policy": QUICK}
    key = "sk_test_not_a_real_key"
    with Client(key, transport=transport, **facts) as client:
        liar = Service(here.emulator, client, here.history)

        result = liar.apply(liar.plan(A))

    (error,) = result.errors
    assert type(error) is errors.DeployError
    assert words in str(error)
    assert here.plan(A).steps[0].state in ("drifted", "foreign")


# -- Between plan and write ------------------------------------------------------------


def edited(here):
    here.edit(A.id(), name="By hand")


def deleted(here):
    here.client.workflows.delete(A.id())


def made_again(here):
    deleted(here)
    here.put(leads("Again", key="a"))


def deployed_again(here):
    here.deploy(A2)


@pytest.mark.parametrize("act", [edited, deleted, made_again, deployed_again])
@pytest.mark.parametrize("others", [[], [leads("B", key="b")]])
def test_change_after_the_plan_is_refused_before_the_first_write(here, act, others):
    here.put(A)
    plan = here.plan(A2, *others)
    act(here)
    here.asked()

    if others:
        with pytest.raises(errors.StalePlanError) as caught:
            here.apply(plan)
        error = caught.value
    else:
        (error,) = here.apply(plan).errors

    assert type(error) is errors.StalePlanError
    assert str(error).startswith("a: ")
    assert here.writes() == []


def test_new_workflow_that_somebody_made_meanwhile_is_not_overwritten(here):
    plan = here.plan(A2)
    here.put(A)

    (error,) = here.apply(plan).errors

    assert (type(error), error.event) == (errors.StalePlanError, "created")
    assert here.plan(A).is_empty


# -- Consent and deletion --------------------------------------------------------------


@pytest.mark.parametrize(
    "consents",
    [
        Consents(force=["b"]),
        Consents(allow_spend=["found", "nothing"]),
        Consents(allow_spend=["found"], prune=2),
    ],
)
def test_consent_that_fits_nothing_in_the_plan_is_refused(here, consents):
    """It may be misspelled, or meant for another state."""
    here.put(leads("Gone", key="gone"))
    plan = here.plan(searched(), **WHOLE)
    here.asked()

    with pytest.raises(errors.ConsentError):
        here.apply(plan, consents)

    assert here.writes() == []


def test_what_is_not_known_to_be_an_orphan_is_never_deleted(here):
    here.put(leads("Gone", key="gone"))

    with pytest.raises(errors.ConsentError, match="plan all of it"):
        here.apply(here.plan(A), Consents(prune=1))


def test_refusal_of_an_orphan_says_what_is_not_known_of_it(here):
    here.put(leads("Gone", key="gone"), commit="c" * 40)
    plan = here.plan(**WHOLE)

    with pytest.raises(errors.ConsentError) as refused:
        here.apply(plan, pruned(plan))

    assert plan.steps[0].not_checked[0] in refused.value.problems[0]


def test_orphan_with_a_schedule_or_a_run_is_not_deleted(here, monkeypatch):
    gone = here.put(leads("Gone", key="gone"))
    schedule = here.client.schedules.create(gone, "Weekly", "0 9 * * 1")
    plan = here.plan(**WHOLE)

    (error,) = here.apply(plan, pruned(plan)).errors
    assert "Weekly" in str(error)
    here.client.schedules.delete(schedule.id)
    run = RunEntry("r", status="running")
    monkeypatch.setattr("flow64.api.calls.list_runs", lambda *_, **__: [run])
    (error,) = here.apply(plan, pruned(plan)).errors

    assert "in flight" in str(error)
    assert len(here.client.workflows.list()) == 1


def test_orphan_that_lost_its_stamp_meanwhile_is_not_deleted(here):
    gone = here.put(leads("Gone", key="gone"))
    plan = here.plan(**WHOLE)
    here.edit(gone, description="by hand")

    assert [type(e) for e in here.apply(plan, pruned(plan)).errors] == [
        errors.StalePlanError
    ]
    assert len(here.client.workflows.list()) == 1


def test_secret_that_is_not_given_is_refused_before_the_first_write(here):
    plan = here.plan(secret_leads(), A)
    here.asked()

    with pytest.raises(errors.DeployError, match="hook"):
        here.apply(plan)

    assert here.writes() == []


# -- History first ---------------------------------------------------------------------


@pytest.mark.parametrize("spoil", ["file", "link"])
def test_nothing_is_written_if_it_cannot_be_saved_first(here, tmp_path, spoil):
    here.put(A)
    place = tmp_path / "history"
    if spoil == "file":
        place.write_text("not a folder")
    else:
        place.symlink_to(tmp_path)
    plan = here.plan(A2)
    here.asked()

    with pytest.raises(errors.DeployError):
        here.apply(plan)

    assert here.writes() == []


def test_what_is_replaced_is_saved_before_each_write(here):
    here.put(A, leads("Gone", key="gone"))
    plan = here.plan(A2, **WHOLE)

    result = here.apply(plan, pruned(plan))

    entries = {entry.key: entry for entry in here.history.entries()}
    assert {outcome.saved.key for outcome in result.outcomes} == {"a", "gone"}
    assert (entries["a"].reason, entries["gone"].reason) == ("update", "delete")
    assert entries["a"].definition == A.compile()


# -- Interrupts ------------------------------------------------------------------------


def test_wish_to_stop_ends_before_the_next_step(here):
    stop = Stop()

    def note(_):
        stop.is_asked = True

    plan = here.plan(*(leads(key.upper(), key=key) for key in "abc"))
    result = here.apply(plan, stopped=stop, emit=note)

    assert [outcome.step.key for outcome in result.outcomes] == ["a"]
    assert [step.key for step in result.not_tried] == ["b", "c"]
    assert result.was_stopped


def test_first_interrupt_waits_and_the_second_one_does_not():
    notes = []
    with first_interrupt_waits(lambda: notes.append("waits")) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert (stop(), notes) == (True, ["waits"])
        with pytest.raises(KeyboardInterrupt):
            interrupt()


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait(5)


# -- One workflow, from Python ---------------------------------------------------------


def test_client_deploys_one_workflow_with_what_it_needs(here, monkeypatch, tmp_path):
    monkeypatch.setenv("FLOW64_HISTORY", str(tmp_path / "of-client"))
    client = here.client
    assert isinstance(client, BlockingClient)
    first = A.deploy(client)
    again = A.deploy(client)
    here.edit(A.id(), name="By hand")
    with pytest.raises(errors.ConsentError, match="--force a"):
        A.deploy(client)
    forced = A.deploy(client, force=True)
    with pytest.raises(errors.ConsentError, match="allow"):
        searched().deploy(client)
    bought = searched().deploy(client, allow_spend=True)
    steps = [first, again, forced, bought]

    assert [step.action for step in steps] == ["create", "none", "update", "create"]
    assert client.plan(A).is_empty
