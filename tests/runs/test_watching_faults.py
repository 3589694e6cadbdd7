"""Watching with real clients: faults, pace, and clocks that jump."""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime
from random import Random

import pytest
from attrs import define, evolve, field

from flow64 import errors
from flow64.api import Clock, start_run
from flow64.client import AsyncClient, AsyncRun, Client, Policy, Run
from flow64.emulator import Emulator, Switches
from flow64.runs import (
    BlockDone,
    BlockFailed,
    Finished,
    Progress,
    Tracked,
    wait_for_run,
)
from tests.service.clients import BOTH, FakeClock, use, with_clock
from tests.service.fault_server import FaultServer, Reply
from tests.service.mishaps import Fault
from tests.service.support import leads

KEY = "sk_test_not_a_real_key"
ROWS = [{"email": f"{number}@example.com"} for number in range(40)]
LOOK = "/workflows/runs/*/live_status"
KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@define
class Course:
    """A run whose course is set by the test: it goes on with each wait."""

    emulator: Emulator
    run_id: str
    ending: str
    needed: int
    now: float = 0.0
    reached: float = field(default=0.0)

    @property
    def fired(self):
        return len(self.emulator.faults.log)

    async def nap(self, seconds):
        self.now += seconds
        share = min(1.0, self.fired / self.needed)
        if share > self.reached or share == 1.0:
            self.reached = share
            self.go_to(share)

    def go_to(self, share):
        """Let a third of the way be one block."""
        store = self.emulator.store
        run = store.runs.get(self.run_id)
        if run.is_done:
            return
        for at, block in enumerate(store.blocks.under(self.run_id)):
            part = min(max(share * 3 - at, 0.0), 1.0)
            word = "completed" if part == 1 else "running" if part else "pending"
            if part == 1 and at == 2:
                word = self.ending
            done = evolve(
                block, status=word, total=len(ROWS), processed=int(part * len(ROWS))
            )
            store.blocks.change(block.id, lambda _, done=done: done)
        if share == 1.0:
            ended = evolve(run, status=self.ending, completed_at=datetime.now(UTC))
            store.runs.change(run.id, lambda _: ended)


def story(kind, emulator, ending, needed, policy):
    """What is told of a run, and the run, when it is watched on a bad day."""
    with Client(KEY, base_url=emulator.url, journal=None) as client:
        leads().deploy(client)
        body = {"webhook_payload": ROWS}
        run_id = client.call(start_run, leads().id(), body, "key-1").job_id
    course = Course(emulator, run_id, ending, needed)

    def watched(client):
        client._clock = Clock(lambda: course.now, course.nap)
        run = Run(Tracked(run_id, "", status="", is_new=False), client)
        return list(run.watch()), run

    async def awaited(client):
        client._clock = Clock(lambda: course.now, course.nap)
        run = AsyncRun(Tracked(run_id, "", status="", is_new=False), client)
        return [event async for event in run.watch()], run

    watch = watched if kind == "sync" else awaited
    return use(kind, emulator.url, watch, policy=policy)


BAD_DAY = [
    Fault(kind, path=LOOK, times=10, probability=0.2, **more)
    for kind, more in [
        ("reset_before", {}),
        ("reset_after", {}),
        ("close_before", {}),
        ("close_after", {}),
        ("status_before", {"status": 429}),
        ("status_before", {"status": 429, "retry_after": "2"}),
        ("status_before", {"status": 500}),
        ("status_after", {"status": 502}),
        ("status_before", {"status": 503, "retry_after": "1"}),
        ("status_after", {"status": 504, "body": "<html>"}),
        ("html", {}),
        ("empty", {}),
        ("truncate", {}),
        ("truncate_chunked", {}),
        ("cut_json", {}),
        ("endless", {"size": 70_000}),
        ("bad_gzip", {}),
        ("gzip_bomb", {"size": 70_000}),
        ("unknown_status", {}),
        ("missing_field", {"word": "overall_status"}),
        ("missing_field", {"word": "sequence_number"}),
        ("missing_field", {"word": "status"}),
        ("missing_field", {"word": "blocks"}),
        ("rewrite", {"members": {"processed_count": 0, "progress_percentage": 0}}),
        ("rewrite", {"members": {"overall_status": "queued", "status": "pending"}}),
        ("rewrite", {"members": {"progress_percentage": 250}}),
        ("rewrite", {"members": {"blocks": None, "workflow_id": 7}}),
    ]
]
# Refusals that pass, of a run that was seen: a proxy, a page to log in at.
ODD_DAY = [
    Fault("status_before", path=LOOK, times=10, probability=0.1, after=2, **more)
    for more in [
        {"status": 302, "headers": {"location": "https://login.example.com/"}},
        {"status": 400},
        {"status": 403},
        {"status": 404},
        {"status": 422},
    ]
]
SLOW_DAY = [
    Fault("hang_before", path=LOOK, times=10, probability=0.4, seconds=0.2),
    Fault("hang_after", path=LOOK, times=10, probability=0.4, seconds=0.2),
    Fault("slow", path=LOOK, times=10, probability=0.4, seconds=0.2),
]


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize(
    ("faults", "policy", "ending"),
    [
        # Nothing is repeated within a look, so that the watch meets each fault.
        (BAD_DAY, Policy(timeout=5, retries=0), "failed"),
        (ODD_DAY, Policy(timeout=5), "cancelled"),
        (SLOW_DAY, Policy(timeout=0.05, retries=0), "completed"),
    ],
    ids=["bad", "odd", "slow"],
)
def test_watch_goes_through_ten_faults_of_each_kind(kind, faults, policy, ending):
    """It never ends early, never goes back, and tells how it truly ended."""
    with Emulator(switches=Switches(speed=3600.0), seed=64) as emulator:
        emulator.faults.add(*faults)

        events, run = story(kind, emulator, ending, 10 * len(faults), policy)

        assert len(emulator.faults.log) == 10 * len(faults)
        assert emulator.faults.active == []
        assert emulator.store.runs.get(run.id).status == ending
    assert (run.status, events[-1].status) == (ending, ending)
    assert sum(isinstance(event, Finished) for event in events) == 1
    over = [event for event in events if isinstance(event, BlockDone | BlockFailed)]
    assert [event.number for event in over] == [1, 2, 3]
    for number in (1, 2, 3):
        steps = [e for e in events if isinstance(e, Progress) and e.number == number]
        counts = [(step.processed, step.percentage) for step in steps]
        assert counts == sorted(counts)
        assert counts[-1][0] == len(ROWS)


# -- Pace -----------------------------------------------------------------------------


class Skipping(selectors.DefaultSelector):
    """Lets the time of a loop pass at once instead of waiting for it."""

    now = 0.0

    def select(self, timeout=None):
        found = super().select(0)
        if not found and timeout:
            self.now += timeout
        return found


def skipped(main):
    """Run a coroutine whose waits take no time; gives what its clock shows."""
    selector = Skipping()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now
    try:
        return loop.run_until_complete(main(loop.time))
    finally:
        loop.close()


@define
class Service:
    """Answers each look after a moment, and notes when it was asked."""

    time: object
    ends: float
    asked: list = field(factory=list)

    async def send(self, _):
        self.asked.append(self.time())
        await asyncio.sleep(0.05)
        word = "completed" if self.time() >= self.ends else "running"
        return Answered(f'{{"overall_status": "{word}"}}'.encode())

    async def close(self):
        """Nothing is open."""


@define
class Answered:
    content: bytes
    status: int = 200
    headers: dict = field(factory=dict)

    async def read(self, _):
        content, self.content = self.content, b""
        return content

    async def close(self):
        """Nothing is open."""


def test_fifty_watchers_stay_below_the_limit_together():
    """Of 500 a minute, whichever minute; and they do not ask all at once."""

    async def main(time):
        service = Service(time, ends=600.0)
        async with AsyncClient(
            KEY, base_url="https://api.example.com", journal=None, transport=service
        ) as client:
            client._clock = Clock(time)
            runs = [AsyncRun(Tracked(f"r{at}", "w1"), client) for at in range(50)]
            await asyncio.gather(*(run.wait(3600, every=5.0) for run in runs))
        return service.asked, runs

    asked, runs = skipped(main)

    assert {run.status for run in runs} == {"completed"}
    assert len(asked) > 4000
    for first, later in zip(asked, asked[500:], strict=False):
        assert later - first >= 60
    moments = {round(moment, 2) for moment in asked[50:100]}
    assert len(moments) > 25


# -- Clocks ---------------------------------------------------------------------------


@define
class Telling:
    """Answers looks with words, in order."""

    words: list

    async def send(self, _):
        return Answered(f'{{"overall_status": "{self.words.pop(0)}"}}'.encode())

    async def close(self):
        """Nothing is open."""


def naps(kind, words, timeout):
    """How long is waited between looks, by the real clock, and the run."""
    slept = []

    async def nap(seconds):
        slept.append(seconds)

    def waited(client):
        client._clock = Clock(sleep=nap)
        return (Run if kind == "sync" else AsyncRun)(Tracked("r1", "w1"), client).wait(
            timeout
        )

    service = Telling(words)
    run = use(kind, "https://api.example.com", waited, transport=service)
    return slept, run


@KINDS
def test_clock_of_the_machine_may_jump_while_a_run_is_watched(kind, monkeypatch):
    """By an hour, back and forth: waits go by the clock that does not."""
    luck = Random(64)
    monkeypatch.setattr("time.time", lambda: 1.7e9 + luck.choice((-3600, 0, 3600)))

    slept, run = naps(kind, ["running"] * 20 + ["completed"], timeout=60)

    assert run.status == "completed"
    assert len(slept) == 20
    assert all(4.5 <= seconds <= 5.5 for seconds in slept)


@BOTH
def test_own_pace_does_not_outlast_the_time_given(kind):
    """The timeout holds, and neither the network nor the service is blamed."""
    clock = FakeClock()
    with FaultServer() as server:
        server.always("GET", "*", Reply(200, {"overall_status": "running"}))

        def watched(client):
            run = Tracked("r1", "w1")
            return with_clock(client, clock).call(
                wait_for_run, run, every=5, timeout=12
            )

        with pytest.raises(errors.WaitTimeoutError) as caught:
            use(kind, server.url, watched, policy=Policy(requests_per_minute=2))
        looks = len(server.requests)

    assert (looks, clock.time) == (2, 12)
    assert (
        "still running after 12 s; the last look was held back by the client's own"
        in (str(caught.value))
    )
    assert isinstance(caught.value.__cause__, errors.HeldBackError)
