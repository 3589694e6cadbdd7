"""What a plan costs for each workflow of a fleet, without network: one table.

    python benchmarks/plan.py            fleets to 2,000 workflows, in some minutes
    python benchmarks/plan.py --quick    fleets to 500 and few rounds, in some seconds

Answers are at hand as text, as a client gets them, and are read anew each time. The
limit is what nobody can go without who reads all definitions: reading their JSON, and
one fingerprint each. A fleet is unchanged (with one request each, or vouched for by a
cache), changed in every workflow, all new, or renamed as a whole, which compares every
new workflow with what it may have been. Every round measures every contender once;
medians are compared. Last comes how the time grows with the number of workflows.
"""

# ruff: noqa: D103 - a contender is named for what it makes

from __future__ import annotations

import json
import math
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import linear_regression
from typing import Any

from attrs import evolve, field, frozen

sys.path.insert(0, str(Path(__file__).parent))

from flow64.plan import Plan, Sighting, Target
from run import medians, row

from flow64 import LEAD, Project, Workflow
from flow64.api import Answer, Request, Session
from flow64.blocks import EmailMode, Filter, FindEmail, OutgoingWebhook, Webhook
from flow64.definition import as_body, fingerprint, from_data, with_stamp
from flow64.deploy import Git, make_plan, target_of

GROWTH = Project("growth", namespace="acme.example")
SIZES = (125, 500, 2_000)


def fleet(
    size: int, *, mode: EmailMode = "PROFESSIONAL", prefix: str = "w"
) -> list[Target]:
    git = Git()
    return [
        target_of(workflow(f"{prefix}{n}", f"Leads {n}", mode), "default", git=git)
        for n in range(size)
    ]


def workflow(key: str, name: str, mode: EmailMode) -> Workflow:
    flow = (
        Webhook(LEAD, input_schema={"email": "string", "company": "string"})
        >> FindEmail(mode=mode)
        >> Filter.where("email_status").equals("OK").and_("company").equals(name)
        >> OutgoingWebhook(url="https://example.com/hook")
    )
    return Workflow(name, flow, key=key, project=GROWTH)


@frozen
class Service:
    """Answers that are at hand: the list, and each workflow by its path."""

    answers: Mapping[str, Answer]

    @classmethod
    def of(cls, targets: Sequence[Target]) -> Service:
        """What it answers once all of these were deployed."""
        listed: list[dict[str, Any]] = []
        answers = {
            "/schedules": answer([]),
            "/workflows/runs": answer([]),
        }
        for one in targets:
            body = as_body(one.definition)
            shown = {
                "id": one.id,
                "name": one.name,
                "description": with_stamp(one.definition.description, one.stamp),
                "status": "ready",
                "updated_at": "2026-11-24T10:00:00.000000Z",
            }
            listed.append(shown)
            whole = {**shown, "workflow_definition": body["workflow_definition"]}
            answers[f"/workflows/{one.id}"] = answer(whole)
        answers["/workflows"] = answer(listed)
        return cls(answers)

    def run(self, job: Callable[[Session], Awaitable[Any]]) -> Any:
        """Run a call; there is nothing to wait for."""
        session = _SessionOfAnswers(self.answers)
        try:
            job(session).__await__().send(None)
        except StopIteration as stop:
            return stop.value
        raise AssertionError("it waits")


class _SessionOfAnswers(Session):
    """A session that has all answers, and runs jobs one after the other."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.is_part = True
        self.ends = 0.0
        self.sent = 0

    @property
    def requests(self) -> int:
        """Number of requests."""
        return self.sent

    def now(self) -> float:
        """Return a time at which it stands still."""
        return 0.0

    def begin(
        self, seconds: float | None = None, *, patience: float | None = None
    ) -> float:
        """Start no deadline."""
        del seconds, patience
        return 0.0

    async def exchange(self, request: Request) -> Answer:
        """Return the answer of a path."""
        self.sent += 1
        return self.answers.get(request.path) or Answer(404, {}, b"{}")

    def retry_wait(self, request: Request, error: Any, failures: int) -> None:
        """Give up."""

    async def emit(self, event: Any) -> None:
        """Drop an event."""

    def _part(self) -> Session:
        return self


def answer(data: Any) -> Answer:
    return Answer(200, {}, json.dumps(data).encode())


@frozen
class Vouching:
    """Knows all that it was ever told."""

    kept: dict[str, Sequence[str]] = field(factory=dict)

    def find(self, sighting: Sighting) -> Sequence[str] | None:
        """What was kept of it."""
        return self.kept.get(sighting.digest)

    def keep(self, sighting: Sighting, unmanaged: Sequence[str]) -> None:
        """Keep it for good."""
        self.kept[sighting.digest] = unmanaged


def plan(service: Service, targets: Sequence[Target], **options: Any) -> Plan:
    # Copies, since a definition remembers what was worked out of it.
    fresh = [evolve(one, definition=evolve(one.definition)) for one in targets]
    made: Plan = service.run(
        lambda session: make_plan(
            session,
            fresh,
            env="default",
            endpoint="https://api.example.com",
            projects=[GROWTH],
            **options,
        )
    )
    return made


def read(service: Service, targets: Sequence[Target]) -> None:
    for one in targets:
        data = json.loads(service.answers[f"/workflows/{one.id}"].content)
        fingerprint(from_data(data))


def contenders(size: int) -> dict[str, Callable[[], Any]]:
    deployed = fleet(size)
    service, empty = Service.of(deployed), Service.of([])
    changed, renamed = fleet(size, mode="PERSONAL"), fleet(size, prefix="x")
    cache = Vouching()
    assert plan(service, deployed, cache=cache).is_empty
    assert plan(service, deployed, cache=cache).requests == 1
    assert len(plan(service, changed).writes) == size
    assert len(plan(service, renamed).renames) == size
    return {
        "limit": partial(read, service, deployed),
        "unchanged": partial(plan, service, deployed),
        "unchanged, vouched for": partial(plan, service, deployed, cache=cache),
        "changed": partial(plan, service, changed),
        "new": partial(plan, empty, deployed),
        "renamed": partial(plan, service, renamed),
    }


def main(arguments: list[str]) -> None:
    quick = arguments == ["--quick"]
    if arguments and not quick:
        sys.exit("usage: python benchmarks/plan.py [--quick]")
    heads = ("each workflow, median", "fleet", "limit", "measured", "ratio", "target")
    print("{:38} {:>8} {:>10} {:>10} {:>7}  {}".format(*heads))
    seconds: dict[str, list[float]] = {}
    sizes = SIZES[:2] if quick else SIZES
    for size in sizes:
        found = medians(contenders(size), rounds=2 if quick else 5)
        limit = found.pop("limit")
        for name, ours in found.items():
            seconds.setdefault(name, []).append(ours)
            each = [f"{1e6 * part / size:.0f} µs" for part in (limit, ours)]
            row(f"plan, {name}", f"{size:,}", each, ours / limit, None)
    for name, times in seconds.items():
        logs = [[math.log(x) for x in part] for part in (sizes, times)]
        slope = linear_regression(*logs).slope
        row(f"plan, {name}: growth exponent", "all", ["", ""], slope, 1.2)


if __name__ == "__main__":
    main(sys.argv[1:])
