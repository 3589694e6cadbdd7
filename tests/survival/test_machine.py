"""A machine that deploys, runs, watches and downloads while anything goes wrong."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch
from uuid import uuid4

import pytest
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

from flow64 import errors
from flow64.client import AsyncClient, Client
from flow64.emulator import Emulator, Switches
from flow64.emulator.records import payload_owner
from flow64.emulator.results import read_file
from flow64.runs import _start
from tests.service.clients import BOTH, use
from tests.service.mishaps import Fault
from tests.survival.support import QUICK, hurried, workflow

pytestmark = pytest.mark.slow


KEYS = ["leads", "others"]
INTENTS = ["monday", "tuesday"]
MODES = ["PROFESSIONAL", "PERSONAL"]

PLACES = {
    "save": {"method": "POST", "path": "/workflows/*_workflow"},
    "start": {"method": "POST", "path": "/workflows/run"},
    "read": {"method": "GET", "path": "/workflows/get_workflow*"},
    "list": {"method": "GET", "path": "/workflows/runs"},
    "look": {"method": "GET", "path": "*/live_status"},
    "links": {"method": "GET", "path": "*/download-links"},
    "file": {"method": "GET", "path": "/files/*"},
    "any": {},
}

MISHAPS = {
    "reset before": {"kind": "reset_before"},
    "reset after": {"kind": "reset_after"},
    "close after": {"kind": "close_after"},
    "busy": {"kind": "status_before", "status": 503},
    "too many": {"kind": "status_before", "status": 429, "retry_after": "1"},
    "failed after": {"kind": "status_after", "status": 500},
    "late": {"kind": "hang_after", "seconds": 60.0},
    "log in": {"kind": "html"},
    "empty": {"kind": "empty"},
    "cut": {"kind": "truncate"},
    "cut text": {"kind": "cut_json"},
    "cut pack": {"kind": "bad_gzip"},
    "no link": {"kind": "null_download_url"},
}

# The key is heeded or not, and then lists are in time: R1 asks for each by itself.
WORLDS = [
    Switches(),
    Switches(honour_idempotency=False),
    Switches(list_runs_late=3),
    Switches(fill_defaults=True, reorder=True, drop_unknown=True),
]

ON_THE_WAY = (
    errors.ApiError,
    errors.TransportError,
    errors.AnswerError,
    errors.OutcomeUnknownError,
)
"""What may come of a fault; nothing else may."""

kinds = st.sampled_from(["sync", "async"])
keys = st.sampled_from(KEYS)
intents = st.sampled_from(INTENTS)
modes = st.sampled_from(MODES)


def troubles(*places):
    """What goes wrong with the next requests: where, what, how often, after when."""
    one = st.tuples(
        st.sampled_from(places),
        st.sampled_from([*MISHAPS]),
        st.integers(1, 2),
        st.integers(0, 1),
    )
    return st.lists(one, max_size=3)


class Service(RuleBasedStateMachine):
    """What a user does, and what the world does to it.

    Everything that is promised is compared with what the emulator has in its store,
    which no fault reaches.
    """

    emulator: Emulator  # one for all

    def __init__(self):
        super().__init__()
        self.namespace = f"{uuid4()}.example"
        self.api_key = f"sk_test_{uuid4().hex}"
        self.folder = Path(mkdtemp())
        self.loop = asyncio.new_event_loop()
        self.clients = {}
        self.deployed = {}  # key: the mode of the code that is known to be there
        self.edited = set()
        self.handed_out = {}  # (key, intent): ids of the runs that were given
        self.wanted = set()  # (key, intent) that were asked for
        self.runs = []
        self.truths = {}
        self.switches = Switches()
        self.other = self.before = None
        self.emulator.faults.clear()

    def teardown(self):
        try:
            self.everything_is_reached()
        finally:
            self.leave()
            self.loop.close()
            shutil.rmtree(self.folder)
            self.emulator.faults.clear()

    # -- Helpers ------------------------------------------------------------------

    def client(self, kind):
        """A client of a kind; both remember runs in one file."""
        if kind not in self.clients:
            made = {"sync": Client, "async": AsyncClient}[kind]
            self.clients[kind] = hurried(
                made(
                    self.api_key,
                    base_url=self.emulator.url,
                    journal=self.folder / "runs.jsonl",
                    policy=evolve(QUICK, timeout=0.25),
                )
            )
        return self.clients[kind]

    def does(self, kind, call):
        """Let a client do something, awaited where need be."""
        done = call(self.client(kind))
        if kind == "sync":
            return done
        return self.loop.run_until_complete(done)

    def leave(self):
        for kind, client in self.clients.items():
            if kind == "sync":
                client.close()
            else:
                self.loop.run_until_complete(client.close())
        self.clients.clear()

    def code(self, key, mode="PROFESSIONAL"):
        return workflow(mode, key=key, namespace=self.namespace)

    def rows(self, key, intent):
        """The rows of an intent, by which its runs are known in the store."""
        return [{"email": f"{intent}{n}@{key}.example"} for n in range(2)]

    def stored_runs(self, key, intent):
        """The runs that the service has of an intent."""
        store, wanted = self.emulator.store, self.rows(key, intent)
        return {
            run.id
            for run in store.runs.of(self.before.org_id)
            if run.workflow_id == self.code(key).id()
            and list(store.rows(payload_owner(run.id))) == wanted
        }

    # -- The world ----------------------------------------------------------------

    @initialize(switches=st.sampled_from(WORLDS), kind=kinds)
    def begins(self, switches, kind):
        """Somebody else's workflow is there before."""
        self.switches = self.emulator.switches = switches
        other = workflow(key="other-team", namespace=f"other.{self.namespace}")
        self.does(kind, lambda client: client.deploy(other))
        self.other = other.id()
        self.before = self.emulator.store.workflows.get(self.other)
        code = self.code(KEYS[0])
        self.does(kind, lambda client: client.deploy(code))
        self.deployed[KEYS[0]] = MODES[0]

    def meet(self, troubles):
        """Let all of that go wrong."""
        for place, mishap, times, after in troubles:
            at = {} if mishap == "no link" else PLACES[place]
            fault = Fault(**MISHAPS[mishap], **at, times=times, after=after)
            self.emulator.faults.add(fault)

    @rule(is_well=st.booleans())
    def starts_again(self, is_well):
        """The program is ended and started anew; the journal stays."""
        self.leave()
        if is_well:
            self.emulator.faults.clear()

    @precondition(lambda self: self.deployed)
    @rule(data=st.data())
    def is_edited(self, data):
        """Somebody changes a workflow on the service."""
        key = data.draw(st.sampled_from(sorted(self.deployed)))
        self.emulator.edit(self.code(key).id(), name="Another title")
        self.deployed.pop(key)
        self.edited.add(key)

    # -- The user -----------------------------------------------------------------

    @rule(
        kind=kinds,
        key=keys,
        mode=modes,
        force=st.booleans(),
        wrong=troubles("save", "read", "any"),
    )
    def deploys(self, *, kind, key, mode, force, wrong):
        code = self.code(key, mode)
        self.meet(wrong)
        live = self.emulator.store.workflows.get(code.id())
        was_edited = key in self.edited
        self.deployed.pop(key, None)
        try:
            self.does(kind, lambda client: client.deploy(code, force=force))
        except errors.StateRefusedError:
            assert was_edited
            assert not force
            assert self.emulator.store.workflows.get(code.id()) == live
            return
        except ON_THE_WAY:
            return
        finally:
            now = self.emulator.store.workflows.get(code.id())
            if now != live:
                assert force or not was_edited
                self.edited.discard(key)
        self.deployed[key] = mode
        self.edited.discard(key)
        self.emulator.faults.clear()
        for other in ("sync", "async"):
            again = self.does(other, lambda client: client.deploy(code))
            assert again.state == "unchanged"

    @precondition(lambda self: self.deployed)
    @rule(
        kind=kinds,
        data=st.data(),
        intent=intents,
        first=troubles("start", "start", "start", "list", "read", "any"),
        then=troubles("look", "links", "file", "file"),
    )
    def uses(self, *, kind, data, intent, first, then):
        """Start a run, watch it to its end, and save its files."""
        key = data.draw(st.sampled_from(sorted(self.deployed)))
        self.meet(first)
        run = self.started(kind, key, intent, self.deployed[key])
        if run is not None:
            self.meet(then)
            self.waited(kind, run)
            self.saved(kind, run, key, intent)

    def started(self, kind, key, intent, mode, **more):
        """Start a run; what is given has to be the run of the intent."""
        code, rows = self.code(key, mode), self.rows(key, intent)
        self.wanted.add((key, intent))
        try:
            run = self.does(
                kind, lambda client: client.run(code, rows, intent=intent, **more)
            )
        except ON_THE_WAY:
            return None
        self.runs.append((run.id, key, intent))
        if not run.is_presumed:
            self.handed_out.setdefault((key, intent), set()).add(run.id)
        return run

    @precondition(lambda self: self.runs)
    @rule(kind=kinds, data=st.data(), wrong=troubles("look", "links", "file"))
    def follows(self, *, kind, data, wrong):
        """The same with a run that is known by its id alone."""
        run_id, key, intent = data.draw(st.sampled_from(self.runs))
        try:
            run = self.does(kind, lambda client: client.runs.get(run_id))
        except ON_THE_WAY:
            return
        self.meet(wrong)
        self.waited(kind, run)
        self.saved(kind, run, key, intent)

    def waited(self, kind, run):
        """Watching outlives whatever happens, and ends with the truth."""
        self.does(kind, lambda _: run.wait(every=0.01))
        assert run.status == "completed"
        assert self.emulator.store.runs.get(run.id).status == "completed"

    def saved(self, kind, run, key, intent):
        """Save its files: each is complete or absent, and none of another run."""
        target = Path(mkdtemp(dir=self.folder))
        try:
            self.does(kind, lambda _: run.download(target, every_stage=True))
        except (*ON_THE_WAY, errors.ResultError):
            is_done = False
        else:
            is_done = True
        visible = [path for path in target.iterdir() if path.suffix != ".part"]
        assert len(visible) == 2 or not is_done
        for path in visible:
            assert path.read_bytes() in self.files(run.id)
            assert run.id in self.stored_runs(key, intent)
        return is_done

    def files(self, run_id):
        """The true contents of the files of a run."""
        if run_id not in self.truths:
            store = self.emulator.store
            self.truths[run_id] = [
                b"".join(read_file(store, block, word))
                for block in store.blocks.under(run_id)
                for word in ("json", "csv")
            ]
        return self.truths[run_id]

    # -- What holds ---------------------------------------------------------------

    @invariant()
    def no_workflow_is_there_twice(self):
        known = {self.code(key).id() for key in KEYS} | {self.other}
        ids = {stored.id for stored in self.mine()}
        assert ids <= known

    def mine(self):
        """The workflows of this example's organisation."""
        if self.before is None:
            return []
        return self.emulator.store.workflows.of(self.before.org_id)

    @invariant()
    def nothing_of_others_is_touched(self):
        if self.before:
            assert self.emulator.store.workflows.get(self.other) == self.before

    @invariant()
    def nothing_that_was_deployed_is_gone(self):
        ids = {stored.id for stored in self.mine()}
        assert {self.code(key).id() for key in self.deployed} <= ids

    @invariant()
    def an_intent_has_one_run_at_most(self):
        for key, intent in self.wanted:
            stored = self.stored_runs(key, intent)
            assert len(stored) <= 1
            assert self.handed_out.get((key, intent), set()) <= stored

    @invariant()
    def no_run_is_of_nobody(self):
        if self.before is None:
            return
        runs = {run.id for run in self.emulator.store.runs.of(self.before.org_id)}
        wanted = [self.stored_runs(key, intent) for key, intent in self.wanted]
        assert runs == set().union(*wanted)

    def everything_is_reached(self):
        """When all is well again, each intent leads to its one run, and its rows."""
        self.emulator.faults.clear()
        for key, intent in sorted(self.wanted):
            before = self.stored_runs(key, intent)
            run = self.started("sync", key, intent, "PROFESSIONAL", stale=True)
            if before:
                assert run is not None
            self.an_intent_has_one_run_at_most()
            if run is not None:
                assert {run.id} == self.stored_runs(key, intent)
                self.waited("sync", run)
                assert self.saved("sync", run, key, intent)


def test_nothing_is_paid_twice_lost_or_mixed(monkeypatch, caplog):
    caplog.set_level(logging.CRITICAL)
    with Emulator() as emulator, patch.object(_start, "LOOKS", (0.0, 0.0)):
        monkeypatch.setattr(Service, "emulator", emulator, raising=False)
        run_state_machine_as_test(
            Service, settings=settings(stateful_step_count=16, max_examples=16)
        )

    # What went wrong would have been raised; and there was something to go wrong.
    assert len(emulator.requests) > 100


@BOTH
@pytest.mark.parametrize("is_honoured", [True, False])
def test_run_that_may_be_of_another_start_is_not_paid_twice(
    kind, is_honoured, tmp_path, monkeypatch
):
    """Two starts are lost and cannot be looked for; only the second was carried out.

    Where the first takes its run for its own, the second must not be sent once more.
    """
    monkeypatch.setattr(_start, "LOOKS", (0.0, 0.0))
    made, lists = workflow(), PLACES["list"]
    down = Fault("status_before", status=500, times=None, after=1, **lists)
    switches = Switches(honour_idempotency=is_honoured)
    with Emulator(switches=switches) as emulator:

        def start(intent):
            return lambda client: client.run(
                made, [{"email": f"{intent}@acme.example"}], intent=intent
            )

        def does(call):
            facts = {"policy": QUICK, "journal": tmp_path / "runs.jsonl"}
            return use(kind, emulator.url, lambda c: call(hurried(c)), **facts)

        does(lambda client: client.deploy(made))
        for intent, lost in (("a", "reset_before"), ("b", "reset_after")):
            emulator.faults.add(Fault(lost, **PLACES["start"]), down)
            with pytest.raises(errors.OutcomeUnknownError):
                does(start(intent))
            emulator.faults.clear()
        for intent in "abab":
            with suppress(errors.OutcomeUnknownError):
                does(start(intent))
        store = emulator.store
        started = [list(store.rows(payload_owner(run.id))) for run in store.runs.all()]

    assert started.count([{"email": "b@acme.example"}]) == 1
    assert started.count([{"email": "a@acme.example"}]) <= 1
