"""Situations on the emulator, one for each state, and plans of what is wanted there."""

from __future__ import annotations

from contextlib import contextmanager

from attrs import evolve, field, frozen

from flow64 import LEAD, Client, Project, RawBlock, Workflow, value
from flow64.api.calls import create_workflow, update_workflow
from flow64.api.policy import Policy
from flow64.blocks import FindEmail, FindPhone, Webhook
from flow64.definition import as_body, canonical_id, fingerprint, with_stamp
from flow64.deploy import bases_of, make_plan, short_fingerprint, target_of
from flow64.emulator import Emulator, Switches
from flow64.plan import Target
from tests.service.support import GROWTH, leads, searched, secret_leads

KEY = "sk_test_not_a_real_key"
OURS, NEWER = "a" * 40, "b" * 40
ENDPOINT = "http://127.0.0.1"


@frozen
class History:
    """A git without a repository: the code is at one commit, and knows some others."""

    ours: str | None = OURS
    apart: frozenset = frozenset({NEWER})
    asked: list = field(factory=list)

    def commit_of(self, _file):
        return self.ours

    def relation(self, _file, commit):
        self.asked.append(commit)
        if self.ours is None:
            return "no-git"
        if commit == self.ours:
            return "ancestor"
        return "apart" if commit in self.apart else "unknown"


def digest_quickly(monkeypatch):
    """Digest secrets in one round: that takes long on purpose."""
    monkeypatch.setattr("flow64.deploy._saved_plan.ROUNDS", 1)


def target(workflow, env="default", *, commit=OURS, pulled=None, key=None, **values):
    return target_of(
        workflow, env, values or None, git=History(commit), key=key, pulled=pulled
    )


def sent(wanted: Target):
    """What a deploy of a target sends."""
    code = wanted.definition
    return evolve(code, description=with_stamp(code.description, wanted.stamp))


def pulled_of(workflow):
    """What a pull would record of a workflow, as it is."""
    definition = workflow.compile()
    return evolve(
        target(workflow).stamp,
        unbound=fingerprint(definition)[:16],
        bound=short_fingerprint(definition),
        commit=None,
    )


@frozen
class Service:
    """The emulator, and a client that puts things there."""

    emulator: Emulator
    client: Client

    def put(self, *workflows, **options):
        """Deploy, as code of some commit would; gives the id of the last."""
        for workflow in workflows:
            wanted = target(workflow, **options)
            self.write(sent(wanted))
        return wanted.id

    def write(self, definition):
        """Create it as it is, without a stamp."""
        body = as_body(definition, reveal=True)
        create_workflow(self.client.session, body)
        return str(definition.id)

    def update(self, definition):
        body = as_body(definition, reveal=True)
        update_workflow(self.client.session, str(definition.id), body)

    def describe(self, workflow_id, text):
        body = {"workflow_description": text}
        update_workflow(self.client.session, workflow_id, body)

    def edit(self, workflow_id, **what):
        self.emulator.edit(workflow_id, **what)

    def plan(self, *wanted, **options):
        """A plan, by a client in this process."""
        return self.client.call(planned(*wanted, **options))

    def asked(self):
        """What was asked since, as method and path; forgets it."""
        found = [f"{one.method} {one.path}" for one in self.emulator.requests]
        self.emulator.requests.clear()
        return found


@contextmanager
def service(**switches):
    """An emulator in this process, and a client of it."""
    emulator = Emulator(switches=Switches(**switches))
    transport = emulator.transport()
    client = Client(
        KEY,
        base_url=ENDPOINT,
        transport=transport,
        journal=None,
        policy=Policy(requests_per_minute=None),
    )
    with client:
        yield Service(emulator, client)


def planned(*wanted, **options):
    """Return a job that plans workflows, by default as targets of `default`."""
    targets = [one if isinstance(one, Target) else target(one) for one in wanted]
    facts = {"env": "default", "endpoint": ENDPOINT, "git": History(), **options}
    return lambda session: make_plan(session, targets, **facts)


# -- One situation for each state ------------------------------------------------------

OLD, NEW = leads(), leads(mode="PERSONAL")
WHOLE = {"projects": [GROWTH]}


def new(_service):
    return [OLD], {}


def new_by_title(_service):
    """Its key is made of its title, and it buys as soon as it is created."""
    made = Workflow("Found people", searched().flows[0], project=GROWTH)
    return [made], {}


def absent(_service):
    pinned = Workflow("Leads", OLD.flows[0], id="11111111-1111-4111-8111-111111111111")
    return [pinned], {}


def unchanged(service_):
    service_.put(OLD)
    return [OLD], {}


def unmanaged(service_):
    """Unchanged, with a field that code does not set."""
    service_.edit(service_.put(OLD), specs={"find_email": {"tier": "high"}})
    return [OLD], {}


PLAIN = Workflow(
    "Plain", Webhook(LEAD) >> FindEmail() >> FindPhone(), key="plain", project=GROWTH
)


def dearer(service_):
    """Unchanged, with a field that code does not set and that costs more."""
    service_.edit(service_.put(PLAIN), specs={"find_email": {"mode": "PERSONAL"}})
    return [PLAIN], {}


def update(service_):
    service_.put(OLD)
    return [NEW], {}


def at_work(service_):
    """An update of what a schedule starts, and of what runs just now."""
    workflow_id = service_.put(OLD)
    client = service_.client
    client.schedules.create(workflow_id, "Weekly", "0 9 * * 1")
    client.schedules.create(workflow_id, "Off", "0 9 * * 2", is_active=False)
    client.runs.start(workflow_id, [{"email": "ada@example.com"}])
    return [NEW], {}


def drifted(service_):
    service_.edit(service_.put(OLD), name="Renamed by hand")
    return [OLD], {}


def drifted_with_base(service_):
    service_.edit(service_.put(OLD), name="Renamed by hand")
    return [OLD], {"bases": bases_of([OLD.compile()])}


def conflict(service_):
    service_.edit(service_.put(OLD), name="Renamed by hand")
    return [NEW], {"bases": bases_of([OLD.compile()])}


def converged(service_):
    service_.edit(service_.put(OLD), specs={"find_email": {"mode": "PERSONAL"}})
    return [NEW], {}


def adopted(service_):
    """What no code deployed, and is as the code says."""
    service_.write(OLD.compile())
    return [OLD], {}


def behind(service_):
    service_.put(NEW, commit=NEWER)
    return [OLD], {}


def foreign(service_):
    service_.write(NEW.compile())
    return [OLD], {}


def orphan(service_):
    service_.put(leads("Gone", key="gone"))
    return [], WHOLE


def pruned(service_):
    service_.put(leads("Gone", key="gone"))
    return [], {**WHOLE, "prune": True}


def pinned_orphan(service_):
    """An imported workflow that code has no more."""
    old = Workflow(
        "Leads",
        OLD.flows[0],
        key="leads",
        project=GROWTH,
        id="11111111-1111-4111-8111-111111111111",
    )
    service_.put(old)
    return [], {**WHOLE, "prune": True}


def copy(service_):
    service_.emulator.copy(service_.put(OLD))
    return [OLD], WHOLE


def renamed(service_):
    """A key that changed: one to create, and one that would be left behind."""
    service_.put(leads("Leads", key="old"))
    return [leads("Leads", key="new")], WHOLE


def orphan_of_branch(service_):
    """What another branch added and deployed; this code never had it."""
    service_.put(leads("Extra", key="extra"), commit=NEWER)
    return [OLD], {**WHOLE, "prune": True}


def edited_orphan(service_):
    """What another branch deployed, and somebody edited since."""
    gone = service_.put(leads("Extra", key="extra"), commit=NEWER)
    service_.edit(gone, name="Renamed by hand")
    return [OLD], {**WHOLE, "prune": True}


def uncommitted(service_):
    """What was deployed from a commit, and changes beside it."""
    service_.put(NEW, commit=f"{OURS}+")
    return [OLD], {}


def pinned_by(mode, **more):
    """Code of another project that pins the id of OLD."""
    return Workflow(
        "Leads",
        leads(mode=mode).flows[0],
        key="theirs",
        project=Project("sales", namespace="acme.example"),
        id=OLD.id(),
        **more,
    )


def of_others(service_):
    """What code of another project deployed under its own id, and this code pins."""
    service_.put(OLD)
    return [pinned_by("PERSONAL")], {}


def taken_over(service_):
    """What somebody took over: its stamp is that of a pin now; and edited by hand."""
    service_.put(pinned_by("PERSONAL"))
    service_.edit(OLD.id(), name="Renamed by hand")
    return [OLD], {}


def taken_over_equal(service_):
    """The same, and it is what the code says."""
    wanted = evolve(OLD.compile(), stamp=target(pinned_by("PERSONAL")).stamp)
    text = with_stamp("", wanted.stamp)
    service_.write(evolve(wanted, description=text))
    return [OLD], {}


def searching(service_):
    """What buys when it is written is what the code says, but for its stamp."""
    service_.write(searched().compile())
    return [searched()], {}


def rotated(service_):
    """A secret of the environment is another one, and nothing else is."""
    service_.put(secret_leads(), hook="https://example.com/SENTINEL-OLD")
    return [target(secret_leads(), hook="https://example.com/SENTINEL-NEW")], {}


def losing(service_):
    """Code puts a secret where somebody has set something by hand."""
    text = "https://example.com/SENTINEL-EDIT"
    service_.edit(service_.put(of_new_kind()), specs={"new_kind": {"url": text}})
    hook = "https://example.com/SENTINEL-NEW"
    return [target(of_new_kind(url=value("hook", secret=True)), hook=hook)], {}


def of_new_kind(**specs):
    """A workflow with a block of a kind that flow64 does not know."""
    flow_ = Webhook(LEAD) >> RawBlock("new_kind", specs={"a": 1, **specs})
    return Workflow("Leads", flow_, key="leads", project=GROWTH)


def secret(service_):
    """A secret that was changed by hand; neither text is to be shown."""
    service_.put(secret_leads(), hook="https://example.com/SENTINEL-OLD")
    workflow_id = canonical_id(str(secret_leads().compile().id))
    service_.edit(
        workflow_id,
        specs={"outgoing_webhook": {"url": "https://example.com/SENTINEL-EDIT"}},
    )
    wanted = target(secret_leads(), hook="https://example.com/SENTINEL-NEW")
    base = target(secret_leads(), hook="https://example.com/SENTINEL-OLD")
    return [wanted], {"bases": bases_of([base.definition])}
