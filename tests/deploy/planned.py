"""A place to plan and apply at: the emulator in this process, or behind faults."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from attrs import define, evolve, field, frozen

from flow64 import Client
from flow64.api.calls import create_workflow, update_workflow
from flow64.api.network import Policy
from flow64.definition import Values, as_body, fingerprint
from flow64.deploy.apply import apply_plan
from flow64.deploy.history import History, put_stamp
from flow64.deploy.make import make_plan
from flow64.deploy.plan import Consents
from flow64.deploy.target import Target, target_of
from flow64.emulator import Emulator, Switches

KEY = "sk_test_not_a_real_key"
OURS, NEWER = "a" * 40, "b" * 40
ENDPOINT = "http://127.0.0.1"
QUICK = Policy(first_wait=0.001, requests_per_minute=None)


@frozen
class Commits:
    """A git without a repository: the code is at one commit, and knows some others."""

    ours: str | None = OURS
    apart: frozenset = frozenset({NEWER})

    def commit_of(self, _file):
        return self.ours

    texts: tuple = ()

    def list_texts(self, _file, _commit):
        return self.texts

    def relation(self, _file, commit):
        if self.ours is None:
            return "no-git"
        if commit == self.ours:
            return "ancestor"
        return "apart" if commit in self.apart else "unknown"


@define
class Hours:
    """A clock that is an hour later each time it is asked."""

    now: datetime = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(hours=1)
        return self.now


def target(workflow, env="default", *, commit=OURS, pulled=None, key=None, **values):
    """What code wants, with its values."""
    if isinstance(workflow, Target):
        return workflow
    git = Commits(commit)
    return target_of(workflow, env, values or None, git=git, key=key, pulled=pulled)


def pulled_of(workflow):
    """What a pull would record of a workflow, as it is."""
    found = fingerprint(workflow.compile())[:16]
    return evolve(target(workflow).stamp, unbound=found, bound=found, commit=None)


@define
class Service:
    """A service, a client that works there, and a history."""

    emulator: Emulator
    client: Client
    history: History | None = None
    values: Values = field(factory=Values)

    @property
    def session(self):
        return self.client.session

    def write(self, definition, **values):
        """Create it as it is."""
        create_workflow(self.session, as_body(definition, values))
        return str(definition.id)

    def update(self, definition, **values):
        update_workflow(self.session, str(definition.id), as_body(definition, values))

    def put(self, *workflows, **options):
        """Deploy, as code of some commit would; gives the id of the last."""
        values = {k: v for k, v in options.items() if k not in ("env", "commit")}
        for workflow in workflows:
            wanted = target(workflow, **options)
            code = evolve(wanted.definition, stamp=wanted.stamp)
            self.write(put_stamp(code), **values)
        return wanted.id

    def edit(self, workflow_id, **what):
        """As in the web editor."""
        self.emulator.edit(workflow_id, **what)

    def plan(self, *wanted, **options):
        targets = [target(workflow) for workflow in wanted]
        facts = {"env": "default", "endpoint": ENDPOINT, "git": Commits()}
        facts |= {"values": self.values, **options}
        return make_plan(self.session, targets, **facts)

    def apply(self, plan, consents=None, **options):
        facts = {"history": self.history, "values": self.values, **options}
        return apply_plan(self.session, plan, consents or Consents(), **facts)

    def deploy(self, *wanted, consents=None, **options):
        """Plan and apply; gives the plan."""
        plan = self.plan(*wanted, **options)
        result = self.apply(plan, consents)
        assert result.is_complete, result.errors
        return plan

    def live(self, workflow_id):
        return self.client.workflows.get(str(workflow_id)).definition

    def asked(self):
        """What was asked since, as method and path; forgets it."""
        lines = [f"{seen.method} {seen.path}" for seen in self.emulator.requests]
        self.emulator.requests.clear()
        return lines

    def writes(self):
        return [line.rpartition("/")[2] for line in self.asked() if line[:4] == "POST"]

    def clear(self):
        for info in self.client.workflows.list():
            self.client.workflows.delete(info.id)


@contextmanager
def service(history=None, values=None, **switches):
    """An emulator in this process, and a client of it."""
    emulator = Emulator(switches=Switches(**switches))
    transport = emulator.transport()
    facts = {"base_url": ENDPOINT, "transport": transport, "journal": None}
    with Client(KEY, policy=QUICK, **facts) as client:
        yield Service(emulator, client, history, values or Values())
