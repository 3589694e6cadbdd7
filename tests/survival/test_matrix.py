"""The whole story over every switch: what the service leaves open changes nothing."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

import attrs
import pytest

from flow64 import errors
from flow64.client import Policy
from flow64.emulator import Emulator, Switches
from tests.service.clients import BOTH, use
from tests.survival.support import QuickClock, hurried, rows, workflow

pytestmark = pytest.mark.slow


FLIPPED = [
    {"speed": 0.02},
    {"honour_idempotency": False},
    {"key_clash": "422"},
    {"key_clash": "replay"},
    {"list_runs_late": 2},
    {"list_runs_late_seconds": 30.0},
    {"fill_defaults": True},
    {"reorder": True},
    {"drop_unknown": True},
    {"bad_graph_status": 422},
    {"foreign_status": 403},
    {"both_credentials_status": 401},
    {"rate_limit": 6},
    {"rate_limit": 6, "retry_after": True},
    {"partial_upsert": True},
    {"check_row_kinds": False},
    {"require_columns": False},
    {"refuse_empty_payload": True},
    {"unknown_kind_fails": True},
    {"credits": 10_000.0},
    {"auto_execute_on_update": True},
    {"replace_specs": True},
    {"keep_block_ids": True},
    {"refuse_condition": True},
    {"refuse_same_numbers": True},
    {"untyped_gives_leads": True},
    {"strip_description": True},
    {"max_description": 4000},
    {"ids_per_organisation": True},
]
NAMES = [",".join(f"{name}={value}" for name, value in one.items()) for one in FLIPPED]

STORY = [
    ("deploy", "new"),
    ("deploy again", "unchanged"),
    ("run", "completed"),
    ("rows", ["person0@acme.example", "person1@acme.example"]),
    ("run again", True),
    ("deploy after an edit of the code", "update"),
    ("deploy again", "unchanged"),
    ("deploy after an edit on the service", "drifted"),
    ("deploy all the same", "drifted"),
    ("deploy again", "unchanged"),
    ("run of the second code", "completed"),
    ("runs", 2),
    ("workflows", 1),
]


@attrs.define
class Shared(QuickClock):
    """A clock that takes that of the emulator along, which counts requests by it."""

    emulator: Emulator | None = None

    def sleep(self, seconds):
        super().sleep(seconds)
        self.emulator.clock.advance(seconds)


def told(emulator, seen):
    """The story as a generator of calls of a client, which writes down what it sees."""
    namespace = f"{uuid4()}.example"
    first = workflow(namespace=namespace)
    second = workflow("PERSONAL", namespace=namespace)

    def tell(name, outcome):
        seen.append((name, outcome))

    def deploy(name, made, **more):
        done = yield lambda client: client.deploy(made, **more)
        assert done.workflow_id == first.id()
        tell(name, done.state)

    yield from deploy("deploy", first)
    yield from deploy("deploy again", first)
    run = yield lambda client: client.run(first, rows(), intent="today")
    tell("run", (yield lambda _: run.wait(every=0.005)).status)
    tell("rows", [row.raw["email"] for row in (yield lambda _: run.rows())])
    same = yield lambda client: client.run(first, rows(), intent="today")
    tell("run again", same.id == run.id)
    yield from deploy("deploy after an edit of the code", second)
    yield from deploy("deploy again", second)
    emulator.edit(first.id(), specs={"find_email": {"mode": "PROFESSIONAL"}})
    try:
        yield from deploy("deploy after an edit on the service", second)
    except errors.StateRefusedError as refused:
        tell("deploy after an edit on the service", refused.state)
    yield from deploy("deploy all the same", second, force=True)
    yield from deploy("deploy again", second)
    other = yield lambda client: client.run(second, rows(), intent="tomorrow")
    tell("run of the second code", (yield lambda _: other.wait(every=0.005)).status)
    emulator.clock.advance(60)
    for _ in range(3):  # what is listed late is there by now
        runs = yield lambda client: client.runs.list(workflow_id=first.id())
    tell("runs", len(runs))
    tell("workflows", len((yield lambda client: client.workflows.list())))


def lived(kind, emulator, journal):
    """Let a client live the story, and give what it has seen."""
    seen = []
    policy = Policy(timeout=20, first_rest=30, requests_per_minute=None, deadline=3600)
    clock = Shared(emulator=emulator)

    def sync(client):
        story = told(emulator, seen)
        call = next(story)
        with suppress(StopIteration):
            while True:
                try:
                    answer = call(client)
                except errors.StateRefusedError as error:
                    call = story.throw(error)
                else:
                    call = story.send(answer)

    async def awaited(client):
        story = told(emulator, seen)
        call = next(story)
        with suppress(StopIteration):
            while True:
                try:
                    answer = await call(client)
                except errors.StateRefusedError as error:
                    call = story.throw(error)
                else:
                    call = story.send(answer)

    def live(client):
        return (sync if kind == "sync" else awaited)(hurried(client, clock))

    use(kind, emulator.url, live, policy=policy, journal=journal)
    return seen


@BOTH
@pytest.mark.parametrize("flipped", FLIPPED, ids=NAMES)
def test_story_is_the_same_whatever_the_service_does(kind, flipped, tmp_path):
    with Emulator(switches=Switches(**flipped)) as emulator:
        assert lived(kind, emulator, tmp_path / "runs.jsonl") == STORY


def test_every_switch_is_flipped():
    """A switch that is new has to be here too."""
    known = {name for one in FLIPPED for name in one}
    standard = attrs.asdict(Switches())

    assert known == set(standard)
    assert all(one != {n: standard[n] for n in one} for one in FLIPPED)


@BOTH
def test_every_limit_is_met_in_its_story(kind, tmp_path):
    """So that the story with few requests a minute proves something."""
    with Emulator(switches=Switches(rate_limit=6)) as emulator:
        before = emulator.clock.now()
        lived(kind, emulator, tmp_path / "runs.jsonl")
        took = (emulator.clock.now() - before).total_seconds()

    assert took > 60 + 3 * 60  # the minute that the story passes by itself, and waits


@BOTH
def test_credits_that_end_are_no_silent_success(kind):
    """The one switch that may end the story otherwise, said by the run."""
    made = workflow()
    with Emulator(switches=Switches(credits=0.0)) as emulator:

        def sync(client):
            client.deploy(made)
            return hurried(client).run(made, rows()).wait(every=0.005)

        async def awaited(client):
            await client.deploy(made)
            run = await hurried(client).run(made, rows())
            return await run.wait(every=0.005)

        call = sync if kind == "sync" else awaited
        with pytest.raises((errors.RunFailedError, errors.PaymentError)):
            use(kind, emulator.url, call)
