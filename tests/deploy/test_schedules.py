"""Schedules are planned and written with their workflow, and never doubled."""

from __future__ import annotations

import sys

import pytest
from attrs import evolve

from flow64 import LEAD, Client, Schedule, Workflow, errors, value
from flow64.api import answers, calls
from flow64.blocks import Filter, FindEmail, Search
from flow64.client import Terms
from flow64.definition import Values
from flow64.deploy.history import History
from flow64.deploy.make import plan_restore
from flow64.deploy.plan import Consents, as_json, load_plan
from flow64.deploy.target import without_schedules
from flow64.deploy.writing import Write
from flow64.emulator import Fault
from flow64.schedules import make_stamp
from tests.deploy.planned import ENDPOINT, QUICK, Service, target
from tests.service.fault_server import LOST, Drop, FaultServer, Reply, cut
from tests.service.support import GROWTH

EARLY, LATE = "0 1 29 2 *", "0 2 29 2 *"
WHOLE = {"projects": [GROWTH]}
FORCE = Consents(force=["a"])


def code(*schedules, key="a", mode="PROFESSIONAL"):
    """A workflow with schedules of a name and a cron expression each."""
    flow = Search(LEAD, query="people", max_results=10) >> FindEmail(mode=mode)
    listed = [s if isinstance(s, Schedule) else Schedule(*s) for s in schedules]
    return Workflow("A", flow, key=key, project=GROWTH, schedules=listed)


def daily(cron=EARLY, **more):
    return Schedule("daily", cron, **more)


PLAIN, A, A2 = code(), code(daily()), code(daily(LATE))
ID = A.id()


def texts(here, workflow_id=ID):
    """What is live: each schedule's name, cron expression, and whether it is on."""
    listed = here.client.schedules.list(workflow_id)
    return sorted((live.name, live.cron_expression, live.is_active) for live in listed)


def only(here):
    (live,) = here.client.schedules.list(ID)
    return live


def step_of(here, *wanted, **options):
    return here.plan(*wanted, **options).steps[0]


# -- What a deploy does ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        (PLAIN, A, "schedule"),
        (A, A2, "schedule"),
        (A, code(daily(active=False)), "schedule"),
        (A, code(daily(timezone="Europe/Berlin")), "schedule"),
        (A, PLAIN, "schedule"),
        (A, code(("weekly", EARLY)), "schedule"),
        (A, code(daily(LATE), ("weekly", EARLY), mode="PERSONAL"), "update"),
    ],
)
def test_update_writes_what_the_code_says(here, before, after, action):
    """What it replaces is saved, and a restore brings it back."""
    here.deploy(before)
    old = texts(here)

    step = here.deploy(after).steps[0]

    wanted = sorted((s.name, s.cron, s.active) for s in after._schedules)
    assert (step.state, step.action) == ("update", action)
    assert texts(here) == wanted
    assert here.plan(after).is_empty
    (saved,) = here.history.entries()
    here.apply(plan_restore(here.session, saved, endpoint=ENDPOINT))
    assert texts(here) == old
    assert here.plan(before).is_empty


def test_schedules_are_no_part_of_the_definition():
    assert A.to_json() == PLAIN.to_json()
    assert A.fingerprint() == PLAIN.fingerprint()
    assert A.compile() == PLAIN.compile()


def test_environment_may_leave_schedules_out(here):
    here.deploy(A)
    terms = Terms(schedules=False)
    transport = here.emulator.transport()
    facts = {"base_url": ENDPOINT, "transport": transport, "journal": None}
    with Client("sk_test_not_a_real_key", terms=terms, **facts) as client:
        client.deploy(A, force=False)

    assert texts(here) == []


BY_HAND = {
    "paused": {"is_active": False},
    "edited": {"cron_expression": "0 3 29 2 *"},
    "renamed": {"name": "mine"},
    "without stamp": {"description": "by hand"},
}


@pytest.mark.parametrize("wanted", [A, A2, PLAIN], ids=["A", "A2", "none"])
@pytest.mark.parametrize("how", ["paused", "edited", "renamed"])
def test_edit_by_hand_is_drift(here, how, wanted):
    here.deploy(A)
    here.client.schedules.update(only(here).id, **BY_HAND[how])

    plan = here.plan(wanted)

    assert plan.steps[0].state == ("conflict" if wanted is A2 else "drifted")
    assert ("now called mine" in str(plan)) == (how == "renamed")
    assert "unreadable-cron" not in str(plan)
    with pytest.raises(errors.ConsentError, match="--force a"):
        here.apply(plan)
    here.deploy(wanted, consents=FORCE)
    assert texts(here) == [(s.name, s.cron, True) for s in wanted._schedules]


def test_what_people_made_is_listed_and_left_alone(here):
    here.deploy(A)
    here.client.schedules.create(ID, "by hand", LATE)

    same = here.plan(A)
    here.deploy(code(mode="PERSONAL"))

    assert same.is_empty
    assert "by hand" in str(same)
    assert texts(here) == [("by hand", LATE, True)]


def test_schedule_of_people_is_adopted_if_it_equals_the_code(here):
    """Otherwise, it is overwritten by consent only."""
    here.deploy(PLAIN)
    here.client.schedules.create(ID, "daily", EARLY, description="Ask Ada.")

    assert step_of(here, A2).needs == ("force",)
    here.deploy(A)

    assert only(here).description.splitlines()[0] == "Ask Ada."
    assert here.plan(A).is_empty


@pytest.mark.parametrize("copy", [("daily (copy)", EARLY), ("daily", "0 3 29 2 *")])
def test_copy_of_a_schedule_is_of_people(here, copy):
    """It has our stamp, and another name or another time."""
    here.deploy(A)
    here.client.schedules.create(ID, *copy, description=only(here).description)

    here.deploy(A2)

    names = [(name, cron) for name, cron, _ in texts(here)]
    assert names == [("daily", LATE), copy]


def test_schedules_are_deleted_before_their_workflow(here):
    here.deploy(A)
    plan = here.plan(**WHOLE)
    here.asked()

    assert here.apply(plan, Consents(prune=1)).is_complete

    writes = [line.split(" ")[0] for line in here.asked() if line[:3] != "GET"]
    assert writes == ["DELETE", "POST"]
    assert here.client.schedules.list() == []


@pytest.mark.parametrize("wanted", [A2, PLAIN], ids=["A2", "none"])
def test_workflow_that_is_made_again_revives_no_schedule(here, wanted):
    """Somebody deleted it alone. What is left would buy as soon as it is back."""
    here.deploy(A)
    here.client.workflows.delete(ID)

    plan = here.deploy(wanted)

    assert "left by an earlier one: schedule daily" in str(plan)
    assert texts(here) == [(s.name, s.cron, True) for s in wanted._schedules]


def test_schedule_of_a_workflow_that_is_gone_is_saved_before_it_is_replaced(here):
    """Somebody deleted the workflow alone, and edited what it left."""
    here.deploy(A)
    here.client.workflows.delete(ID)
    here.client.schedules.update(only(here).id, **BY_HAND["edited"])
    edited = texts(here)

    here.deploy(A2, consents=FORCE)

    (saved,) = here.history.entries()
    here.apply(plan_restore(here.session, saved, endpoint=ENDPOINT))
    assert texts(here) == edited


@pytest.mark.parametrize("what", ["run", "schedule"])
def test_workflow_that_is_used_meanwhile_is_not_deleted(here, monkeypatch, what):
    """Its schedules may start one until they are deleted; people may, too."""
    here.deploy(A)
    plan, delete = here.plan(**WHOLE), calls.delete_schedule

    def use(*args, **fields):
        if what == "schedule":
            here.client.schedules.create(ID, "by hand", LATE)
        else:
            run = answers.RunEntry("r", status="running")
            monkeypatch.setattr(calls, "list_runs", lambda *_, **__: [run])
        return delete(*args, **fields)

    monkeypatch.setattr(calls, "delete_schedule", use)
    (error,) = here.apply(plan, Consents(prune=1)).errors

    assert type(error) is errors.ConsentError
    assert len(here.client.workflows.list()) == 1


@pytest.mark.parametrize("codes", [[code(daily(LATE), mode="PERSONAL")], []])
def test_workflow_is_read_right_before_it_is_written(here, codes):
    """One round trip stays in which an edit is not seen: no schedule adds another."""
    here.deploy(A)
    plan = here.plan(*codes, **WHOLE)
    here.asked()

    assert here.apply(plan, Consents(prune=None if codes else 1)).is_complete

    asked = here.asked()
    write = next(at for at, line in enumerate(asked) if line.startswith("POST"))
    assert asked[write - 1].startswith(f"GET /workflows/{ID}")


def test_refused_schedule_is_named_and_the_next_deploy_finishes_the_job(here):
    """The mistake is no documented one, so it is a warning; the service refuses it."""
    here.deploy(A)
    wrong = code(daily("0 25 * * *"), mode="PERSONAL")

    result = here.apply(here.plan(wrong, code(key="b")), parallel=1)

    (error,) = result.errors
    assert (type(error), error.status) == (errors.ApiError, 422)
    assert "schedule daily" in str(error)
    assert [step.key for step in result.not_tried] == ["b"]
    assert result.outcomes[0].saved == here.history.entries()[0]
    assert texts(here) == [("daily", EARLY, True)]
    plan = here.deploy(code(daily(LATE), mode="PERSONAL"), code(key="b"))
    assert [step.action for step in plan.steps] == ["schedule", "create"]


# -- Before it happens -----------------------------------------------------------------


def test_first_lines_say_when_it_is_due_and_what_it_may_cost(here):
    """Each with its basis: due times, runs, rows and dollars."""
    morning = code(("mornings", "0 9 * * *"))
    plan = here.plan(morning, prices={"search": 0.5})

    line = next(line for line in str(plan).splitlines() if line.startswith("spends"))
    for part in ("mornings", "09:00", "30 runs in 30 days", "at most $", "a run"):
        assert part in line


def test_first_lines_say_how_many_runs_there_were_before(here):
    often = code(("often", "0 9,15 * * *"), ("new", "0 9 * * *"))
    here.deploy(code(("often", "0 9 * * *")))

    first = str(here.plan(often))

    assert ": 30 → 60 runs in 30 days" in first
    assert ": 30 runs in 30 days" in first


@pytest.mark.parametrize("cron", ["0 25 * * *", "0 0 30 2 *"])
def test_cron_that_cannot_be_read_is_a_warning(here, monkeypatch, cron):
    """The service alone knows what it takes. Without cronsim, nothing is said."""
    odd = code(daily(cron))
    here.deploy(PLAIN)
    found = [f.severity for f in odd.check() if f.code == "unreadable-cron"]
    plan = str(here.plan(odd))
    monkeypatch.setitem(sys.modules, "cronsim", None)

    assert found == ["warning"]
    assert "+ warning[unreadable-cron]: schedule 'daily'" in plan
    assert "unreadable-cron" not in [finding.code for finding in odd.check()]
    assert "next unknown" in str(here.plan(odd))


def test_forty_with_schedules_are_planned_by_one_list(here):
    wanted = [code(daily(), key=f"a{number}") for number in range(40)]
    here.deploy(*wanted)
    here.asked()

    here.plan(*wanted, **WHOLE)

    assert [line for line in here.asked() if "schedules" in line] == ["GET /schedules"]


@pytest.mark.parametrize("status", [403, 404])
def test_service_without_schedules_refuses_code_with_them(here, status):
    here.deploy(PLAIN)
    here.emulator.faults.add(Fault("status_before", path="/schedules", status=status))
    plain = here.plan(PLAIN)
    here.emulator.faults.add(Fault("status_before", path="/schedules", status=status))
    plan = here.plan(A)

    assert plain.is_empty
    assert "not checked" in str(plain)
    with pytest.raises(errors.ConsentError, match="Enterprise"):
        here.apply(plan)


def test_json_alone_says_nothing_of_schedules(here):
    """A deploy of it leaves them alone."""
    here.deploy(A)
    alone = target(A)
    alone = evolve(alone, definition=evolve(alone.definition, schedules=None))

    assert here.plan(alone).is_empty
    assert without_schedules(alone.definition, schedules=False).schedules is None


def test_saved_plan_covers_schedules(here, tmp_path):
    here.deploy(A)
    path = tmp_path / "plan.json"
    path.write_text(as_json(here.plan(A2), {}), "utf-8")
    saved = load_plan(path)

    assert saved.require_same(here.plan(A2))
    with pytest.raises(errors.StalePlanError, match="code"):
        saved.require_same(here.plan(PLAIN))
    here.client.schedules.update(only(here).id, is_active=False)
    with pytest.raises(errors.StalePlanError, match="service"):
        saved.require_same(here.plan(A2))


def test_saved_plan_is_refused_if_other_code_deployed_a_schedule(here, tmp_path):
    """The state is the same, and something else would be overwritten."""
    here.deploy(A)
    path = tmp_path / "plan.json"
    path.write_text(as_json(here.plan(A2), {}), "utf-8")
    here.deploy(code(daily("0 5 29 2 *")))

    with pytest.raises(errors.StalePlanError, match="service"):
        load_plan(path).require_same(here.plan(A2))


def test_edit_while_the_workflow_is_written_is_seen(here, monkeypatch):
    here.deploy(A)
    plan, live = here.plan(code(daily(LATE), mode="PERSONAL")), only(here)
    run = Write.run

    def write(self):
        run(self)
        here.client.schedules.update(live.id, is_active=False)

    monkeypatch.setattr(Write, "run", write)
    (error,) = here.apply(plan).errors

    assert type(error) is errors.StalePlanError
    assert texts(here) == [("daily", EARLY, False)]


@pytest.mark.parametrize("others", [[], [code(key="b")]])
@pytest.mark.parametrize("how", BY_HAND)
def test_edit_after_the_plan_is_refused_before_the_first_write(here, how, others):
    here.deploy(A)
    plan = here.plan(code(daily(LATE), mode="PERSONAL"), *others)
    here.client.schedules.update(only(here).id, **BY_HAND[how])
    here.asked()

    if others:
        with pytest.raises(errors.StalePlanError):
            here.apply(plan)
    else:
        (error,) = here.apply(plan).errors
        assert type(error) is errors.StalePlanError

    assert {line[:3] for line in here.asked()} == {"GET"}


# -- Faults ----------------------------------------------------------------------------

REPLIES = {
    "lost": LOST,
    "cut": cut(20),
    "html": Reply(200, b"<html>log in</html>"),
    "closed before": Drop("close", "request"),
    "503": Reply(503),
}


@pytest.mark.parametrize("name", REPLIES)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_schedule_over_a_bad_network(emulator, tmp_path, method, name):
    """A create is sent once. After any answer, the next deploy alone settles it."""
    before, after = {"POST": (PLAIN, A), "PATCH": (A, A2), "DELETE": (A, PLAIN)}[method]
    with FaultServer(emulator) as server:
        key = f"sk_test_{method}_{name}".replace(" ", "")
        facts = {"base_url": server.url, "policy": QUICK, "journal": None}
        with Client(key, **facts) as client:
            here = Service(emulator, client, History(tmp_path))
            here.deploy(before)
            plan = here.plan(after)
            sent = len(server.requests)
            server.on(method, "/schedules*", REPLIES[name])

            result = here.apply(plan)

            methods = [seen.method for seen in server.requests[sent:]]
            assert methods.count("POST") == (method == "POST")
            is_once = method == "POST" and len(texts(here)) == 0
            assert result.is_complete != is_once
            assert {type(e) for e in result.errors} <= {errors.OutcomeUnknownError}
            here.deploy(after)
            assert here.plan(after).is_empty
            assert texts(here) == [(s.name, s.cron, True) for s in after._schedules]
            for live in client.schedules.list():
                client.schedules.delete(live.id)
            here.clear()


def test_of_two_deployers_that_create_at_once_one_schedule_stays(here, monkeypatch):
    """Each has looked before the other one wrote; the next plan is empty."""
    here.deploy(PLAIN)
    plan = here.plan(A)
    create = here.client.schedules.create
    (write,) = plan.steps[0].schedules

    def create_twice(*args, **fields):
        create(ID, "daily", EARLY, description=write.description)
        return plain(*args, **fields)

    plain = calls.create_schedule
    monkeypatch.setattr(calls, "create_schedule", create_twice)
    result = here.apply(plan)
    monkeypatch.undo()

    assert result.is_complete
    assert texts(here) == [("daily", EARLY, True)]
    assert here.plan(A).is_empty


@pytest.mark.parametrize("field", [None, "workflow_id"])
def test_schedule_that_is_not_listed_is_not_left(here, monkeypatch, field):
    """Else each deploy would make one more, and each of them would buy runs."""
    here.deploy(PLAIN)
    list_all = calls.list_schedules

    def list_other(*args):
        changes = {} if field is None else {field: ""}
        return [evolve(live, **changes) for live in list_all(*args) if field]

    monkeypatch.setattr(calls, "list_schedules", list_other)
    errors_of_both = [here.apply(here.plan(A)).errors for _ in range(2)]
    monkeypatch.undo()

    assert [type(e) for (e,) in errors_of_both] == [errors.DeployError] * 2
    assert texts(here) == []


def test_second_one_that_was_left_is_deleted_by_the_next_deploy(here):
    here.deploy(A)
    here.client.schedules.create(ID, "daily", EARLY, description=only(here).description)

    here.deploy(A)

    assert texts(here) == [("daily", EARLY, True)]


def test_schedule_of_another_workflow_with_our_stamp_is_not_ours(here):
    """As if the web editor had copied it with its workflow."""
    here.deploy(A, code(key="b"))
    path = target(A).stamp.path
    stamp = make_stamp(path, "daily", daily().text)
    here.client.schedules.create(code(key="b").id(), "daily", EARLY, description=stamp)

    assert here.plan(code(key="b")).is_empty


# -- Secrets ---------------------------------------------------------------------------


def test_name_may_hold_the_text_of_a_secret(here):
    """Each text from a variable is one. It is hidden in names that people gave."""
    here.values = Values({"region": "emea-42"}, {"region"})
    at = Filter.where("country").equals(value("region"))
    flow = Search(LEAD, query="people", max_results=10) >> at
    timed = [Schedule("emea-42 mornings", EARLY)]
    wanted = Workflow("A", flow, key="a", project=GROWTH, schedules=timed)
    wanted = target(wanted, region="emea-42")

    here.deploy(wanted)
    assert here.plan(wanted).is_empty

    here.client.schedules.create(ID, "by emea-42", LATE)
    (error,) = here.apply(here.plan(**WHOLE), Consents(prune=1)).errors
    assert "emea-42" not in f"{here.plan(wanted)} {error}"
