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

from attrs import evolve, frozen
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

from flow64 import LEAD, Client, Project, Workflow, errors
from flow64.api.calls import create_workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.client import Policy
from flow64.definition import as_body, fingerprint, id_of
from flow64.deploy import (
    Agreement,
    History,
    apply_plan,
    apply_saved_plan,
    fields_of,
    keep_fields,
    load_plan,
    make_plan,
    plan_restore,
    save_plan,
    target_of,
)
from flow64.emulator import Emulator, Switches
from tests.deploy.planned import ENDPOINT, KEY, digest_quickly
from tests.deploy.planned import History as Commits
from tests.laws.examples import SWITCHES
from tests.service.mishaps import Fault, stored_otherwise

PROJECT = Project("machine", namespace="acme.example")
KEYS = ("a", "b", "c")
VERSIONS = range(3)
QUICK = Policy(timeout=1, deadline=30, requests_per_minute=None)
REFUSED = (
    errors.PlanRefusedError, errors.PruneError, errors.StalePlanError,
    errors.SavedPlanError,
)  # fmt: skip
MISHAPS = (
    "reset_before", "reset_after", "status_before", "status_after", "html", "empty",
    "truncate", "cut_json", "drop_spec_field", "other_name",
)  # fmt: skip
LYING = {"drop_spec_field", "other_name"}
"""After these something else than was sent is there."""

keys = st.sampled_from(KEYS)
some_keys = st.frozensets(keys)
counts = st.none() | st.integers(0, 2)
mishaps = (
    st.none()
    | st.none()
    | st.builds(
        dict,
        kind=st.sampled_from(MISHAPS),
        method=st.sampled_from([None, "GET", "POST"]),
        after=st.integers(0, 4),
        times=st.integers(1, 2),
    )
)


class Killed(BaseException):
    """The process is gone."""


@frozen
class Watched:
    """A transport that calls a function around each request.

    Attributes:
        plain: Sends the requests.
        around: A context manager for a request.
    """

    plain: object
    around: object

    async def send(self, request):
        with self.around(request):
            return await self.plain.send(request)

    async def close(self):
        await self.plain.close()


def watch(session, around):
    """Return a session that sends its requests one by one, each inside `around`."""
    return evolve(session, transport=Watched(session.transport, around), is_part=True)


def kill(session, number, *, is_sent):
    """Return a session that ends at some request, sent or not."""
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

    return watch(session, around)


def meddle(session, number, act):
    """Return a session in whose middle, right before a read, somebody acts.

    Nobody acts between a read and the write that follows it: that would not be seen.
    """
    numbers = count()

    @contextmanager
    def around(request):
        if request.method == "GET" and next(numbers) == number:
            act()
        yield

    return watch(session, around)


def code(key, version):
    """A workflow at one version of its code: all parts of it tell which."""
    url = f"https://v{version}.example/hook"
    flow = (
        Webhook(LEAD, input_schema={"email": "string"})
        >> FindEmail(mode=["PROFESSIONAL", "PERSONAL"][version % 2])
        >> OutgoingWebhook(url=url)
    )
    return Workflow(f"{key} {version}", flow, key=key, project=PROJECT)


def target(key, version):
    return target_of(code(key, version), "default", git=Commits())


IDS = {key: target(key, 0).id for key in KEYS}
WANTED = {
    (key, version): fingerprint(target(key, version).definition, bound=True)
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
    """

    def __init__(self):
        super().__init__()
        self.emulator = Emulator()
        client = Client(
            KEY,
            base_url=ENDPOINT,
            transport=self.emulator.transport(),
            journal=None,
            policy=QUICK,
        )
        self.client = client
        self.place = TemporaryDirectory()
        self.folder = Path(self.place.name)
        self.history = History(self.folder / "history")
        self.code = {}
        self.others = set()
        self.by_hand = set()
        self.seen = {}
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

    def mark(self):
        self.seen = self.live()

    @initialize(switches=st.sampled_from(SWITCHES), versions=st.data())
    def begin(self, switches, versions):
        self.emulator.switches = Switches(**switches)
        for key in KEYS:
            self.code[key] = versions.draw(st.sampled_from(VERSIONS))
        stranger = evolve(code("a", 0).compile(), id=id_of("stranger"))
        create_workflow(self.client.session, as_body(stranger, reveal=True))
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
        self.by_hand.add(fingerprint(self.seen[IDS[key]], bound=True))

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

    @rule(switches=st.sampled_from(SWITCHES))
    def tidies(self, switches):
        self.emulator.switches = Switches(**switches)

    # -- Deploys ---------------------------------------------------------------------

    def planned(self, is_whole=True):
        wanted = [target(key, version) for key, version in sorted(self.code.items())]
        return self.client.call(
            make_plan,
            wanted,
            env="default",
            endpoint=ENDPOINT,
            projects=[PROJECT] if is_whole else None,
            create=KEYS,
            git=Commits(),
        )

    @rule(is_whole=st.booleans())
    def plans(self, is_whole):
        """Reads alone, whatever is there."""
        self.emulator.requests.clear()
        self.plan = self.planned(is_whole)
        assert {one.method for one in self.emulator.requests} == {"GET"}

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
        self.carry_out(force, prune, True, change=lambda session: kill(session, **cut))

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
        touched = [step for step in there if step.sent is not None]
        if not touched:
            return
        key = touched[-1 - at % len(touched)].key
        number += len(self.plan.writes)  # about when it has looked at all of them
        edits = []

        def edit():
            name = f"By hand {len(self.by_hand)}"
            with suppress(KeyError):  # it is not there yet, or no more
                self.emulator.edit(IDS[key], name=name)
                edits.append(name)

        def settle():
            for name in edits:
                self.seen[IDS[key]] = live = self.live()[IDS[key]]
                self.by_hand.add(fingerprint(live, bound=True))
                assert live.name == name
            return edits

        def change(session):
            return meddle(session, number, edit)

        self.carry_out(force, prune, True, change=change, settle=settle)

    @rule(force=some_keys, prune=counts, skip=st.booleans(), fault=mishaps)
    def deploys(self, force, prune, skip, fault):
        """Plan and apply at once, the service in whatever mood."""
        self.plan = self.planned()
        self.carry_out(force, prune, skip, fault=fault)

    @rule(force=some_keys, prune=counts, is_late=st.booleans(), key=keys)
    def deploys_a_file(self, force, prune, is_late, key):
        """A saved plan; at times somebody edits after it was made."""
        self.plan = self.planned()
        save_plan(self.plan, self.folder / "plan.json")
        if is_late:
            self.edits(key, "title")
        self.carry_out(force, prune, False, saved=self.folder / "plan.json")

    def carry_out(
        self, *agreed, fault=None, change=lambda s: s, saved=None, settle=tuple
    ):
        """Apply, and judge what came of it by what is there."""
        plan = self.plan
        known = {step.key for step in plan.steps}
        force, prune, skip = agreed
        agreed = Agreement(force=force & known, prune=prune, skip_drifted=skip)
        facts = {"history": self.history, "endpoint": ENDPOINT}
        if saved:
            apply, what = apply_saved_plan, load_plan(saved)
            facts["env"] = "default"
        else:
            apply, what = apply_plan, plan
        if fault is not None:
            self.emulator.faults.add(self.as_fault(**fault))
        summary = None
        self.emulator.requests.clear()
        try:
            summary = self.client.call(
                lambda session: apply(change(session), what, agreed, **facts)
            )
        except REFUSED:
            writes = [one for one in self.emulator.requests if one.method == "POST"]
            assert writes == []
        except (errors.FlowError, Killed):
            pass
        self.emulator.faults.clear()
        is_edited = bool(settle())
        self.judge(plan, agreed, lies=fault is not None and fault["kind"] in LYING)
        if summary is not None and summary.is_complete and not is_edited:
            self.is_done(plan, summary)

    def as_fault(self, kind, method, **more):
        """Make the fault of a mishap."""
        if kind in LYING:
            return stored_otherwise(self.emulator, kind, **more)
        return Fault(kind, method=method, **more)

    def judge(self, plan, agreed, *, lies=False):
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
            assert step.action != "none" or step.may_prune
            if old is not None:  # nothing goes that was not saved
                assert any(same(old, one) for one in kept[workflow_id])
            if new is None:
                assert step.may_prune
                assert agreed.prune == len(plan.victims)
                assert not step.consents or step.key in agreed.force
                continue
            if step.action == "refuse":
                assert step.key in agreed.force
            if lies:
                self.by_hand.add(fingerprint(new, bound=True))
                continue
            wanted = fingerprint(step.target.definition, bound=True)
            assert reduced_print(new, step.target) == wanted
            assert new.stamp == step.target.stamp
        self.seen = after

    def is_done(self, plan, summary):
        """What the plan was about is as it was planned, but for what was skipped."""
        for step in plan.steps:
            if step.target is None or step.key in summary.skipped:
                continue
            # Of what had nothing to be done it says nothing: it is not looked at again.
            if step.action != "none":
                live = self.seen[step.id]
                wanted = fingerprint(step.target.definition, bound=True)
                assert reduced_print(live, step.target) == wanted
        current = {step.key: step for step in self.planned().steps}
        for done in summary.done:
            step = current.get(done.key)
            if done.doing == "delete":
                assert step is None or step.state != "orphan"
            elif self.code.get(done.key) is not None:
                version = self.code[done.key]
                planned = plan.step(done.key).target.stamp
                is_same = target(done.key, version).stamp == planned
                assert step.state == ("unchanged" if is_same else "update")

    # -- Back again ------------------------------------------------------------------

    @rule(key=keys)
    def restores(self, key):
        """What was replaced last comes back as it was, and what was there is saved."""
        entries = self.history.entries(IDS[key])
        if not entries:
            return
        where = {"env": "default", "endpoint": ENDPOINT}
        plan = self.client.call(plan_restore, self.history, IDS[key], **where)
        before = self.seen.get(IDS[key])
        summary = self.client.call(
            apply_plan, plan, history=self.history, endpoint=ENDPOINT
        )
        assert summary.is_complete
        self.mark()
        back = self.seen[IDS[key]]
        old = entries[0].definition
        assert fingerprint(sent_part(back, old), bound=True) == fingerprint(
            old, bound=True
        )
        if before is not None and not same(before, old):
            newest = self.history.entries(IDS[key])[0].definition
            assert same(before, newest)
        self.by_hand.add(fingerprint(back, bound=True))

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
            assert prints & ours or fingerprint(live, bound=True) in self.by_hand

    def ends_where_the_code_is(self):
        """When all is well again, one forced deploy is all that it takes."""
        self.emulator.faults.clear()
        self.plan = self.planned()
        drifted = [step.key for step in self.plan.steps if step.consents]
        agreed = Agreement(force=drifted, prune=len(self.plan.victims))
        where = {"history": self.history, "endpoint": ENDPOINT}
        assert self.client.call(apply_plan, self.plan, agreed, **where).is_complete
        self.judge(self.plan, agreed)
        again = self.planned()
        assert again.is_empty
        assert {step.state for step in again.steps} <= {"unchanged", "copy"}


def sent_part(live, other):
    """A definition with the spec fields that another has."""
    return keep_fields(live, fields_of(other))


def reduced_print(live, target_):
    return fingerprint(sent_part(live, target_.definition), bound=True)


def same(one, other):
    """Whether two definitions say the same, stamp and all."""
    if one is None or other is None:
        return one is other
    prints = [fingerprint(some, bound=True) for some in (one, other)]
    return prints[0] == prints[1] and one.stamp == other.stamp


def test_nothing_is_lost_mixed_or_there_twice(monkeypatch):
    """The machine asserts after each step, and returns where all of that held."""
    digest_quickly(monkeypatch)
    chosen = settings(deadline=None, stateful_step_count=16)
    assert run_state_machine_as_test(Service, settings=chosen) is None
