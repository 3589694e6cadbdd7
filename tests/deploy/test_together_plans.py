"""Plans and the look before the first write: several workflows at a time."""

from __future__ import annotations

import time
from threading import Lock

import pytest
from attrs import define, field

from flow64.client import Client, Policy
from flow64.deploy import History as Kept
from flow64.deploy import Looked, apply_plan
from flow64.errors import StalePlanError
from tests.deploy.planned import ENDPOINT, KEY, planned, service
from tests.service.support import leads

NUMBERS = range(40)
POLICY = Policy(requests_per_minute=None)


@define
class Slow:
    """The transport in this process, each of whose answers takes a while."""

    plain: object
    seconds: float
    now: int = 0
    most: int = 0
    lock: object = field(factory=Lock)

    def handle_request(self, request):
        self.count(1)
        time.sleep(self.seconds)
        self.count(-1)
        return self.plain.handle_request(request)

    def count(self, more):
        with self.lock:
            self.now += more
            self.most = max(self.most, self.now)

    def close(self):
        self.plain.close()


def fleet(mode="PROFESSIONAL", numbers=NUMBERS):
    return [leads(f"Leads {n}", key=f"leads-{n}", mode=mode) for n in numbers]


@pytest.fixture(scope="module")
def here():
    with service() as made:
        made.put(*fleet())
        yield made


def slowly(here, job, seconds=0.02):
    """Run a job slowly. Return its result, and the most requests at once."""
    facts = {"base_url": ENDPOINT, "journal": None, "policy": POLICY}
    here.asked()
    slow = Slow(here.emulator.transport(), seconds)
    with Client(KEY, transport=slow, **facts) as client:
        return job(client.session), slow.most


def test_forty_workflows_are_planned_four_at_a_time(here):
    """With the same requests, counted as they are, and steps in their order."""
    events = []
    plan, most = slowly(here, planned(*fleet("PERSONAL"), emit=events.append))

    asked = here.asked()
    assert plan.requests == len(asked) == 43
    assert len(set(asked)) == 43
    assert most == 4
    assert [step.key for step in plan.steps] == [f"leads-{n}" for n in NUMBERS]
    assert {step.action for step in plan.steps} == {"update"}
    assert sorted(events, key=lambda event: event.done) == [
        Looked(n, 40) for n in range(1, 41)
    ]


def test_look_before_the_first_write_names_all_in_order(here, tmp_path):
    plan = here.plan(*fleet("PERSONAL"))
    edited = [plan.steps[at].id for at in (3, 7, 30)]
    for workflow_id in edited:
        here.edit(workflow_id, name="By hand")
    where = {"history": Kept(tmp_path / "history"), "endpoint": ENDPOINT}

    with pytest.raises(StalePlanError) as caught:
        slowly(here, lambda session: apply_plan(session, plan, **where))

    error = caught.value
    assert (error.workflow, [*error.others]) == ("leads-3", ["leads-7", "leads-30"])
    asked = here.asked()
    assert (len(asked), {one.partition(" ")[0] for one in asked}) == (40, {"GET"})
    for step in plan.steps:
        if step.id in edited:
            here.edit(step.id, name=step.live.definition.name)
