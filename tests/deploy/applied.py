"""A place to plan and apply at, by either client, over real sockets and with faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from attrs import define, evolve, field

from flow64 import Client, Project, Workflow
from flow64.api.calls import get_workflow
from flow64.client import Policy
from flow64.definition import thaw
from flow64.deploy import Agreement, History, apply_plan, make_plan, target_of
from flow64.emulator import Emulator
from flow64.errors import FlowError
from flow64.plan import Target
from tests.deploy.planned import History as Commits
from tests.service import clients
from tests.service.support import flow

QUICK = Policy(first_wait=0.001, first_rest=0.001)


def client_of(emulator, key=None):
    """A client of a new organisation, or of one with this key. It keeps no pace."""
    policy = evolve(QUICK, requests_per_minute=None)
    key = key or f"sk_test_{uuid4().hex}"
    return Client(key, base_url=emulator.url, policy=policy, journal=None)


@define
class Hours:
    """A clock that is an hour later each time it is asked."""

    now: datetime = datetime(2026, 11, 25, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(hours=1)
        return self.now


@define
class Place:
    """A service, one organisation in it, and a folder for what is replaced.

    Attributes:
        emulator: The service.
        history: Where what is replaced goes.
        client: A client of the service. Calls through a fault server have their own.
        server: The fault server in front of it, if there is one.
        project: The project of these workflows.
    """

    emulator: Emulator
    history: History
    client: Client
    server: object = None
    project: Project = field(factory=lambda: Project("growth", f"{uuid4()}.example"))

    @property
    def url(self):
        return (self.server or self.emulator).url

    def workflow(self, key="a", *, name=None, project=None, **more):
        made = flow(**more)
        return Workflow(
            name or f"Leads {key}", made, key=key, project=project or self.project
        )

    def target(self, workflow, env="default", **values):
        if isinstance(workflow, Target):
            return workflow
        return target_of(workflow, env, values or None, git=Commits())

    def play(self, job, *args, **facts):
        """Run a call, through the fault server if there is one."""
        if self.server is None:
            return self.client.call(job, *args, **facts)
        return clients.play(
            self.url,
            lambda session: job(session, *args, **facts),
            policy=QUICK,
        )

    def direct(self, job, *args, **facts):
        """Run a call past the fault server, as someone else would."""
        return self.client.call(job, *args, **facts)

    def plan(self, *workflows, env="default", is_whole=True, **options):
        targets = [self.target(one, env) for one in workflows]
        facts = {"git": Commits(), **options}
        facts.setdefault("create", [one.key for one in targets])
        if is_whole:
            facts.setdefault("projects", [self.project])
        return self.play(make_plan, targets, env=env, endpoint=self.url, **facts)

    def apply(self, plan, *, agreed=None, **options):
        return self.play(self.applying(plan, agreed=agreed, **options))

    def applying(self, plan, *, agreed=None, **options):
        facts = {"history": self.history, "endpoint": self.url, **options}
        agreed = agreed or Agreement()
        return lambda session: apply_plan(session, plan, agreed, **facts)

    def put(self, *workflows):
        """Deploy them, past the fault server; gives the id of the last."""
        targets = [self.target(one) for one in workflows]
        url = self.emulator.url
        facts = {"env": "default", "endpoint": url, "git": Commits()}
        plan = self.direct(make_plan, targets, **facts)
        summary = self.direct(apply_plan, plan, history=self.history, endpoint=url)
        assert summary.is_complete, summary
        self.forget()
        return targets[-1].id

    def live(self, workflow_id):
        return self.direct(get_workflow, str(workflow_id))

    def mode(self, workflow_id):
        """The field that the tests change."""
        return thaw(self.live(workflow_id).blocks[1].specs).get("mode")

    def edit(self, workflow_id, **specs):
        """As in the web editor."""
        self.emulator.edit(workflow_id, specs={"find_email": specs})

    def forget(self):
        self.emulator.requests.clear()

    def writes(self):
        """What was written since, by the last part of the path."""
        return [
            one.path.rpartition("/")[2]
            for one in self.emulator.requests
            if one.method == "POST"
        ]


def caught(error: FlowError | None):
    """Kind and words of an error."""
    return type(error).__name__, str(error)
