"""Plan and apply against everything that may happen meanwhile, in any order (L8).

A machine writes code, plans, applies, saves plans, and restores; somebody edits,
duplicates and deletes on the service; deploys are killed and the service misbehaves.
After each step: nothing went or changed that was not named, nothing is there twice,
what was replaced is in the history, and each workflow is whole, old or new.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from flow64 import LEAD, Client, Project, Schedule, Workflow, errors
from flow64.api import threads
from flow64.api.calls import create_workflow
from flow64.api.network import Policy
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.definition import as_body, fingerprint, id_of
from flow64.deploy.apply import apply_plan
from flow64.deploy.history import History
from flow64.deploy.judge import fields_of, keep_fields
from flow64.deploy.make import make_plan, plan_restore
from flow64.deploy.plan import Consents, as_json, load_plan
from flow64.deploy.target import target_of
from flow64.emulator import Emulator, Fault, Switches
from tests.deploy.planned import ENDPOINT, KEY, Commits
from tests.laws.test_convergence import SWITCHES

PROJECT = Project("machine", namespace="acme.example")
KEYS = ("a", "b", "c")
VERSIONS = range(3)
QUICK = Policy(timeout=1, deadline=30, first_wait=0.001, requests_per_minute=None)
REFUSED = (errors.ConsentError, errors.StalePlanError)
MISHAPS = ("reset_before", "reset_after", "status_before", "status_after", "truncate")

keys = st.sampled_from(KEYS)
some_keys = st.frozensets(keys)
counts = st.none() | st.integers(0, 2)
mishaps = (
    st.none()
    | st.none()
    | st.builds(
        Fault,
        st.sampled_from(MISHAPS),
        method=st.sampled_from([None, "GET", "POST", "PATCH", "DELETE"]),
        after=st.integers(0, 4),
        times=st.integers(1, 2),
    )
)


class Killed(BaseException):
    """The process is gone."""


class Watched(httpx.BaseTransport):
    """A transport that calls a function around each request."""

    def __init__(self, plain):
        self.plain, self.around = plain, None

    def handle_request(self, request):
        if self.around is None:
            return self.plain.handle_request(request)
        with self.around(request):
            return self.plain.handle_request(request)


def kill(number, *, is_sent):
    """End at some request, sent or not."""
    numbers = count()

    @contextmanager
    def around(_):
        is_last = next(numbers) == number
        if is_last and not is_sent:
            raise Killed
        try:
            yield
        finally:
            if is_last:
                raise Killed

    return around


def meddle(number, act):
    """Let somebody act right before a read.

    Nobody acts between a read and the write that follows it: that would not be seen.
    """
    numbers = count()

    @contextmanager
    def around(request):
        if request.method == "GET" and next(numbers) == number:
            act()
        yield

    return around


def schedules_of(version):
    """None, one, and two schedules; none of them is due while a test runs."""
    names = ["daily", "weekly"][:version]
    return [Schedule(name, f"{version} 0 29 2 *") for name in names]


def code(key, version):
    """A workflow at one version of its code: all parts of it tell which."""
    url = f"https://v{version}.example/hook"
    flow = (
        Webhook(LEAD, input_schema={"email": "string"})
        >> FindEmail(mode=["PROFESSIONAL", "PERSONAL"][version % 2])
        >> OutgoingWebhook(url=url)
    )
    title, timed = f"{key} {version}", schedules_of(version)
    return Workflow(title, flow, key=key, project=PROJECT, schedules=timed)


def target(key, version):
    return target_of(code(key, version), "default", git=Commits())


IDS = {key: target(key, 0).id for key in KEYS}
WANTED = {
    (key, version): fingerprint(target(key, version).definition)
    for key in KEYS
    for version in VERSIONS
}


class Service(RuleBasedStateMachine):
    """One service, one project, one folder.

    Attributes:
        code: Version of each workflow that the code has.
        others: Ids of what is not ours, and never may be written to.
        by_hand: Fingerprints that a workflow of ours has had by hand, or by a service
            that stored something else than it was sent.
        seen: What was there at the last look: id to its definition.
        timed: The schedules that were there at the last look, by their ids.
    """

    def __init__(self):
        super().__init__()
        self.emulator = Emulator()
        self.transport = Watched(self.emulator.transport())
        facts = {"base_url": ENDPOINT, "journal": None, "policy": QUICK}
        self.client = Client(KEY, transport=self.transport, **facts)
        self.place = TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.history = History(self.folder / "history")
        self.code = {}
        self.others = set()
        self.by_hand = set()
        self.seen = {}
        self.timed = {}
        self.plan = None

    def teardown(self):
        try:
            self.ends_where_the_code_is()
        finally:
            self.client.close()
            self.place.cleanup()

    # -- What is there ---------------------------------------------------------------

    def live(self):
        """Every workflow."""
        listed = self.client.workflows.list()
        return {
            info.id: self.client.workflows.get(info.id).definition for info in listed
        }

    def schedules(self):
        """Every schedule, by its id."""
        return {live.id: live for live in self.client.schedules.list()}

    def mark(self):
        self.seen = self.live()
        self.timed = self.schedules()

    @initialize(switches=st.sampled_from(SWITCHES), versions=st.data())
    def begin(self, switches, versions):
        self.emulator.switches = Switches(**switches)
        for key in KEYS:
            self.code[key] = versions.draw(st.sampled_from(VERSIONS))
        stranger = evolve(code("a", 0).compile(), id=id_of("stranger"))
        create_workflow(self.client.session, as_body(stranger))
        self.others.add(stranger.id)
        self.mark()

    # -- What happens ----------------------------------------------------------------

    @rule(key=keys, version=st.none() | st.sampled_from(VERSIONS))
    def changes_code(self, key, version):
        self.code.pop(key, None)
        if version is not None:
            self.code[key] = version

    @rule(key=keys, field=st.sampled_from(["title", "mode", "tier", "version"]))
    def edits(self, key, field):
        """Somebody, in the web editor: at times into what code says, or said."""
        if IDS[key] not in self.seen:
            return
        other = f"https://v{len(self.by_hand) % 3}.example/hook"
        edit = {
            "title": {"name": "By hand"},
            "mode": {"specs": {"find_email": {"mode": "BY HAND"}}},
            "tier": {"specs": {"find_email": {"tier": "high"}}},
            "version": {"specs": {"outgoing_webhook": {"url": other}}},
        }
        self.emulator.edit(IDS[key], **edit[field])
        self.mark()
        self.by_hand.add(fingerprint(self.seen[IDS[key]]))

    @rule(key=keys)
    def duplicates(self, key):
        if IDS[key] in self.seen:
            self.others.add(self.emulator.copy(IDS[key]))
            self.mark()

    @rule(key=keys)
    def deletes(self, key):
        if IDS[key] in self.seen:
            self.client.workflows.delete(IDS[key])
            self.mark()

    @rule(key=keys, name=st.sampled_from(["daily", "weekly", "by hand"]))
    def schedules_by_hand(self, key, name):
        """Somebody makes one, at times with a name that code has, or will have."""
        if IDS[key] in self.seen:
            self.client.schedules.create(IDS[key], name, "9 0 29 2 *", is_active=False)
            self.mark()

    @rule(
        at=st.integers(0, 9),
        edit=st.sampled_from(
            [
                {"is_active": False},
                {"cron_expression": "1 0 29 2 *"},
                {"cron_expression": "8 0 29 2 *"},
                {"name": "Renamed"},
                {"description": "No stamp"},
                None,
            ]
        ),
    )
    def edits_a_schedule(self, at, edit):
        """Or deletes it."""
        if not self.timed:
            return
        chosen = sorted(self.timed)[at % len(self.timed)]
        if edit is None:
            self.client.schedules.delete(chosen)
        else:
            self.client.schedules.update(chosen, **edit)
        self.mark()

    @rule(switches=st.sampled_from(SWITCHES))
    def tidies(self, switches):
        self.emulator.switches = Switches(**switches)

    # -- Deploys ---------------------------------------------------------------------

    def planned(self, is_whole=True):
        wanted = [target(key, version) for key, version in sorted(self.code.items())]
        return make_plan(
            self.client.session,
            wanted,
            env="default",
            endpoint=ENDPOINT,
            projects=[PROJECT] if is_whole else None,
            git=Commits(),
        )

    @rule(is_whole=st.booleans())
    def plans(self, is_whole):
        """Reads alone, whatever is there."""
        self.emulator.requests.clear()
        self.plan = self.planned(is_whole)
        assert {request.method for request in self.emulator.requests} <= {"GET"}

    @precondition(lambda self: self.plan is not None)
    @rule(force=some_keys, prune=counts, skip=st.booleans(), fault=mishaps)
    def applies(self, force, prune, skip, fault):
        """The last plan, however old it is."""
        self.carry_out(force, prune, skip, fault=fault)

    @precondition(lambda self: self.plan is not None)
    @rule(
        force=some_keys, prune=counts, number=st.integers(0, 20), is_sent=st.booleans()
    )
    def is_killed(self, force, prune, number, is_sent):
        cut = {"number": number, "is_sent": is_sent}
        self.carry_out(force, prune, True, around=kill(**cut))

    @rule(
        force=some_keys, prune=counts, number=st.integers(-2, 4), at=st.integers(0, 2)
    )
    def is_meddled_with(self, force, prune, number, at):
        """All of the code changes, and somebody edits while it is deployed.

        Whatever was forced, that edit stays, or is on top.
        """
        self.code = {name: (was + 1) % 3 for name, was in self.code.items()}
        self.plan = self.planned()
        there = [step for step in self.plan.steps if step.id in self.seen]
        touched = [step for step in there if step.action in ("update", "stamp")]
        if not touched:
            return
        key = touched[-1 - at % len(touched)].key
        number += len(writes_of(self.plan))  # about when it has looked at all of them
        edits = []

        def edit():
            name = f"By hand {len(self.by_hand)}"
            with suppress(KeyError):  # it is not there yet, or no more
                self.emulator.edit(IDS[key], name=name)
                edits.append(name)

        def settle():
            for name in edits:
                self.seen[IDS[key]] = live = self.live()[IDS[key]]
                self.by_hand.add(fingerprint(live))
                assert live.name == name
            return edits

        around = meddle(number, edit)
        self.carry_out(force, prune, True, around=around, settle=settle)

    @rule(force=some_keys, prune=counts, skip=st.booleans(), fault=mishaps)
    def deploys(self, force, prune, skip, fault):
        """Plan and apply at once, the service in whatever mood."""
        self.plan = self.planned()
        self.carry_out(force, prune, skip, fault=fault)

    @rule(force=some_keys, prune=counts, is_late=st.booleans(), key=keys)
    def deploys_a_file(self, force, prune, is_late, key):
        """A saved plan; at times somebody edits after it was made."""
        self.plan = self.planned()
        path = self.folder / "plan.json"
        path.write_text(as_json(self.plan, {}), "utf-8")
        if is_late:
            self.edits(key, "title")
        again = self.planned()
        try:
            is_same = load_plan(path).require_same(again)
        except errors.StalePlanError:
            assert is_late
            return
        assert is_same
        self.plan = again
        self.carry_out(force, prune, False)

    def carry_out(self, *agreed, fault=None, around=None, settle=tuple):
        """Apply, and judge what came of it by what is there."""
        plan = self.plan
        known = {step.key for step in plan.steps}
        force, prune, skip = agreed
        consents = Consents(
            force=force & known, create=known, prune=prune, skip_drifted=skip
        )
        if fault is not None:
            self.emulator.faults.add(fault)
        result = None
        self.emulator.requests.clear()
        self.transport.around = around
        try:
            result = apply_plan(
                self.client.session, plan, consents, history=self.history, parallel=1
            )
        except REFUSED:
            assert {one.method for one in self.emulator.requests} <= {"GET"}
        except (errors.FlowError, Killed):
            pass
        self.transport.around = None
        self.emulator.faults.clear()
        is_edited = bool(settle())
        self.judge(plan, consents)
        if result is not None and result.is_complete and not is_edited:
            self.is_done(plan, consents, result)

    def judge(self, plan, consents):
        """What is there now, beside what was there before."""
        before, after = self.seen, self.live()
        steps = {step.id: step for step in plan.steps}
        kept = {}
        for saved in self.history.entries():
            kept.setdefault(saved.workflow_id, []).append(saved.definition)
        for workflow_id in before.keys() | after.keys():
            old, new = before.get(workflow_id), after.get(workflow_id)
            if same(old, new):
                continue
            step = steps[workflow_id]
            assert workflow_id not in self.others
            assert step.action != "none"
            if old is not None:  # nothing goes that was not saved
                assert any(same(old, one) for one in kept[workflow_id])
            assert not consents.lacks(step)
            if new is None:
                assert step.action == "delete"
                assert consents.prune == len(plan.orphans)
                continue
            wanted = fingerprint(step.target.definition)
            assert reduced_print(new, step.target) == wanted
            assert new.stamp == step.target.stamp
        self.seen = after
        self.judge_schedules(steps, consents)

    def judge_schedules(self, steps, consents):
        """What changed was named by the plan, and agreed to."""
        before, after = self.timed, self.schedules()
        for schedule_id in before.keys() | after.keys():
            old, new = before.get(schedule_id), after.get(schedule_id)
            if old == new:
                continue
            step = steps[(old or new).workflow_id]
            assert not consents.lacks(step)
            assert old in [write.live for write in step.schedules]
        self.timed = after

    def is_done(self, plan, consents, result):
        """What the plan was about is as it was planned, but for what was skipped."""
        for step in plan.steps:
            if step.target is None or consents.skips(step):
                continue
            # Of what had nothing to be done it says nothing: it is not looked at again.
            if step.action != "none":
                live = self.seen[step.id]
                wanted = fingerprint(step.target.definition)
                assert reduced_print(live, step.target) == wanted
        current = {step.key: step for step in self.planned().steps}
        for outcome in result.outcomes:
            key = outcome.step.key
            step = current.get(key)
            if outcome.step.action == "delete":
                assert step is None or step.state != "orphan"
            elif step is not None and step.action == "schedule":
                # Somebody may have edited those that had nothing to be done.
                assert not outcome.step.schedules
            elif self.code.get(key) is not None:
                is_same = target(key, self.code[key]).stamp == outcome.step.target.stamp
                assert step.state == ("unchanged" if is_same else "update")

    # -- Back again ------------------------------------------------------------------

    @rule(key=keys)
    def restores(self, key):
        """What was replaced last comes back as it was, and what was there is saved."""
        entries = self.history.entries(IDS[key])
        if not entries:
            return
        session = self.client.session
        plan = plan_restore(session, entries[0], endpoint=ENDPOINT)
        before = self.seen.get(IDS[key])
        (step,) = plan.steps  # what people did to a schedule needs a consent here too
        is_edited = step.timetable is not None and step.timetable.edits
        agreed = Consents(force=[key] if is_edited else [])
        assert apply_plan(session, plan, agreed, history=self.history).is_complete
        self.mark()
        back = self.seen[IDS[key]]
        old = entries[0].definition
        assert fingerprint(sent_part(back, old)) == fingerprint(old)
        if before is not None and not same(before, old):
            newest = self.history.entries(IDS[key])[0].definition
            assert same(before, newest)
        self.by_hand.add(fingerprint(back))

    # -- What holds ------------------------------------------------------------------

    @invariant()
    def nothing_is_there_twice(self):
        assert self.seen.keys() <= {*IDS.values(), *self.others}
        paths = [
            live.stamp.path
            for workflow_id, live in self.seen.items()
            if live.stamp is not None and live.stamp.is_genuine(workflow_id)
        ]
        assert len(paths) == len(set(paths))

    @invariant()
    def no_schedule_is_there_twice(self):
        """It would be paid for twice."""
        names = [
            (live.workflow_id, live.name)
            for live in self.timed.values()
            if "[flow64:" in live.description
        ]
        ours = [name for name in names if name[1] != "Renamed"]
        assert len(ours) == len({*ours})

    @invariant()
    def nothing_of_others_is_gone(self):
        assert self.seen.keys() >= self.others

    @invariant()
    def every_workflow_is_whole(self):
        """One version of the code, or what somebody made of one by hand."""
        for key in KEYS:
            live = self.seen.get(IDS[key])
            if live is None:
                continue
            prints = {reduced_print(live, target(key, version)) for version in VERSIONS}
            ours = {WANTED[key, version] for version in VERSIONS}
            assert prints & ours or fingerprint(live) in self.by_hand

    def ends_where_the_code_is(self):
        """When all is well again, one forced deploy is all that it takes."""
        self.emulator.faults.clear()
        for live in self.timed.values():  # they would keep a workflow from deletion
            if live.is_active and "[flow64:" not in live.description:
                self.client.schedules.update(live.id, is_active=False)
        self.mark()
        self.plan = self.planned()
        keys = [step.key for step in self.plan.steps]
        consents = Consents(force=keys, create=keys, prune=len(self.plan.orphans))
        session = self.client.session
        result = apply_plan(session, self.plan, consents, history=self.history)
        assert result.is_complete, result.errors
        self.judge(self.plan, consents)
        again = self.planned()
        assert again.is_empty
        assert {step.state for step in again.steps} <= {"unchanged"}
        for key, version in self.code.items():
            own = [s for s in self.timed.values() if s.workflow_id == IDS[key]]
            texts = [(s.name, s.cron_expression, s.is_active) for s in own]
            for schedule in schedules_of(version):
                assert (schedule.name, schedule.cron, True) in texts


def writes_of(plan):
    return [step for step in plan.steps if step.action != "none"]


def sent_part(live, other):
    """A definition with the spec fields that another has."""
    return keep_fields(live, fields_of(other))


def reduced_print(live, target_):
    return fingerprint(sent_part(live, target_.definition))


def same(one, other):
    """Whether two definitions say the same, stamp and all."""
    if one is None or other is None:
        return one is other
    prints = [fingerprint(some) for some in (one, other)]
    return prints[0] == prints[1] and one.stamp == other.stamp


def test_nothing_is_lost_mixed_or_there_twice(monkeypatch):
    """The machine asserts after each step, and returns where all of that held."""
    monkeypatch.setattr(threads, "sleep", lambda _: None)
    chosen = settings(deadline=None, stateful_step_count=16)
    assert run_state_machine_as_test(Service, settings=chosen) is None
