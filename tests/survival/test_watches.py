"""Watching under faults: never ends early, never goes back, ends with what is true."""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from attrs import define, evolve, field

from flow64 import errors
from flow64.api import Clock
from flow64.client import AsyncClient, Client
from flow64.emulator import Emulator, Switches
from flow64.runs import (
    DAY,
    BlockDone,
    BlockStarted,
    Finished,
    Progress,
    Queued,
    Running,
)
from tests.service.clients import BOTH, KEY, FakeClock, use, with_clock
from tests.service.fault_server import Reply
from tests.service.mishaps import Fault
from tests.survival.support import QUICK, RUN, hurried, rows, workflow

pytestmark = pytest.mark.slow


LOOK = "/workflows/runs/*/live_status"


def started(kind, url, made, then, *, policy=QUICK, clock=None, count=3):
    """Deploy and run by either client, and then do something with client and run."""

    def sync(client):
        hurried(client, clock)
        client.deploy(made)
        return then(client, client.run(made, rows(count)))

    async def awaited(client):
        hurried(client, clock)
        await client.deploy(made)
        return await then(client, await client.run(made, rows(count)))

    call = sync if kind == "sync" else awaited
    return use(kind, url, call, policy=policy)


def watched(kind, arm):
    """Give a run and all its events, by either client."""

    def sync(_, run):
        arm()
        return run, list(run.watch(every=0.001))

    async def awaited(_, run):
        arm()
        return run, [event async for event in run.watch(every=0.001)]

    return sync if kind == "sync" else awaited


def goes_forward(events):
    """Whether nothing is told twice, nor too early, nor goes back."""
    phases = [e for e in events if isinstance(e, Queued | Running)]
    assert [Queued() in phases[1:], Finished in map(type, events[:-1])] == [False] * 2
    begun, done, shares = [], [], {}
    for event in events:
        match event:
            case BlockStarted(number):
                assert number not in begun
                begun.append(number)
            case Progress(number, processed=count, percentage=share):
                assert number in begun
                assert number not in done
                before = shares.get(number, (0, 0))
                assert (count, share) >= before
                assert count >= before[0] and share >= before[1]  # noqa: PT018 - one fact
                shares[number] = (count, share)
            case BlockDone(number):
                assert number in begun
                assert number not in done
                done.append(number)
    return True


# -- Faults mid-watch -----------------------------------------------------------------

FAULTS = {
    "reset": [Fault("reset_before"), Fault("reset_after")],
    "close": [Fault("close_before"), Fault("close_after")],
    "hang": [Fault("hang_before"), Fault("hang_after")],
    "status": [
        Fault("status_before", status=500),
        Fault("status_after", status=502),
        Fault("status_after", status=503, retry_after="2"),
        Fault("status_before", status=504),
        Fault("status_before", status=429),
        Fault("status_before", status=429, retry_after="120"),
        Fault("status_before", status=429, retry_after="nan"),
    ],
    "body": [
        Fault("html"),
        Fault("empty"),
        Fault("truncate"),
        Fault("truncate_chunked"),
        Fault("cut_json"),
        Fault("bad_gzip"),
        Fault("status_after", status=200, body="null"),
        Fault("status_after", status=200, body="[]"),
        Fault("status_after", status=200, body="{}"),
        Fault("slow", size=400, seconds=0.001),
    ],
    "large": [Fault("endless", size=2**21), Fault("gzip_bomb", size=2**21)],
    "odd": [
        Fault("unknown_status"),
        Fault("missing_field", word="blocks"),
        Fault("missing_field", word="block_id"),
        Fault("missing_field", word="sequence_number"),
        Fault("missing_field", word="overall_status"),
        Fault("rewrite", members={"progress_percentage": 900.0}),
        Fault("rewrite", members={"processed_count": None, "total_count": -1}),
        Fault("rewrite", members={"overall_status": "queued", "status": "pending"}),
    ],
}


@contextmanager
def gated(*faults, fails=False):
    """An emulator whose runs wait for a watcher, and go on as the faults are met.

    Gives it with what to do with a client and a run: let the faults begin.
    """
    with Emulator(seed=7) as emulator:
        armed, over = Event(), Event()

        def gate(_):
            armed.wait(20)
            while emulator.faults.active and not over.is_set():
                time.sleep(0.002)
            return {}

        def arm():
            emulator.faults.add(*faults)
            armed.set()

        emulator.fixtures["find_email"] = gate
        if fails:
            emulator.fail_block("outgoing_webhook", "out of credits")
        try:
            yield emulator, arm
        finally:
            over.set()
            armed.set()


def ten(faults):
    """Each of them ten times, at random moments of a watch."""
    return [evolve(f, path=LOOK, times=10, probability=0.3) for f in faults]


@BOTH
@pytest.mark.parametrize("group", FAULTS)
def test_watch_outlives_ten_of_each_fault(kind, group):
    policy = evolve(QUICK, timeout=0.05) if group == "hang" else QUICK
    faults = ten(FAULTS[group])
    with gated(*faults) as (emulator, arm):
        then = watched(kind, arm)
        run, events = started(kind, emulator.url, workflow(), then, policy=policy)
        met = Counter(entry.kind for entry in emulator.faults.log)
        truth = emulator.store.runs.get(run.id).status

    assert met == Counter([fault.kind for fault in faults] * 10)
    assert goes_forward(events)
    end = Finished("completed")
    assert (events[-1], run.status, truth) == (end, "completed", "completed")


@BOTH
def test_watch_under_faults_of_every_kind_ends_with_the_true_failure(kind):
    """And the reason is the block's own."""
    faults = ten([f for group in FAULTS for f in FAULTS[group] if group != "hang"])
    made = workflow(hook="https://crm.acme.example/x")
    with gated(*faults, fails=True) as (emulator, arm):
        run, events = started(kind, emulator.url, made, watched(kind, arm))

    assert goes_forward(events)
    assert (events[-1].status, run.status) == ("failed", "failed")
    assert "out of credits" in events[-1].reason


# -- Odd answers ----------------------------------------------------------------------


def look(status, **more):
    """An answer to a look at a run."""
    block = {"block_name": "find_email", "sequence_number": 1, "status": status}
    data = {"run_id": RUN, "workflow_id": RUN, "overall_status": status}
    return Reply(200, {**data, "blocks": [block | more]})


def follow(kind, server, **settings):
    """Watch a run that is got by its id, and give its events."""

    def sync(client):
        with_clock(client, FakeClock())
        run = client.runs.get(RUN)
        return run, list(run.watch(**settings))

    async def awaited(client):
        with_clock(client, FakeClock())
        run = await client.runs.get(RUN)
        return run, [event async for event in run.watch(**settings)]

    return use(kind, server.url, sync if kind == "sync" else awaited, policy=QUICK)


@BOTH
def test_unknown_word_is_shown_and_ends_nothing(kind, server):
    server.on("GET", LOOK, look("running"), look("resting"), look("COMPLETED"))

    run, events = follow(kind, server)

    assert Running("resting") in events
    assert (events[-1], run.status) == (Finished("completed"), "completed")


@BOTH
def test_unknown_word_goes_on_until_the_time_is_over(kind, server):
    server.always("GET", LOOK, look("resting"))

    with pytest.raises(errors.WaitTimeoutError, match="still resting after 600 s"):
        follow(kind, server, timeout=600)

    assert 100 < len(server.requests) < 140


@BOTH
@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("canceled", "cancelled"),
        ("Cancelled", "cancelled"),
        ("timed_out", "timeout"),
        ("TIMEOUT", "timeout"),
        ("terminated", "terminated"),
        ("Failed", "failed"),
    ],
)
def test_words_for_one_end_are_one_word(kind, server, word, known):
    server.on("GET", LOOK, look(word))
    server.always("GET", "/workflows/runs", Reply(200, []))

    run, events = follow(kind, server)

    assert (events[-1].status, run.status) == (known, known)


@BOTH
def test_progress_beyond_all_is_shown_within(kind, server):
    server.on(
        "GET",
        LOOK,
        look("queued"),  # what gets the run
        look("running", progress_percentage=250.0, processed_count=9, total_count=3),
        look("completed"),
    )

    _, events = follow(kind, server)

    (progress,) = [event for event in events if isinstance(event, Progress)]
    assert (progress.percentage, progress.display_percentage) == (250.0, 100.0)


@BOTH
def test_run_that_has_ended_may_be_gone(kind, server):
    """Its end is known, so nothing that is asked later takes it back."""
    server.on("GET", LOOK, look("completed"))
    server.always("GET", LOOK, Reply(404, {"detail": "no such run"}))

    def sync(client):
        run = client.runs.get(RUN)
        return [list(run.watch()), list(run.watch()), run.wait().status]

    async def awaited(client):
        run = await client.runs.get(RUN)
        first = [event async for event in run.watch()]
        second = [event async for event in run.watch()]
        return [first, second, (await run.wait()).status]

    call = sync if kind == "sync" else awaited
    first, second, status = use(kind, server.url, call, policy=QUICK)

    assert first[-1] == second[-1] == Finished("completed")
    assert status == "completed"


@BOTH
def test_run_that_never_was_is_said_at_once(kind, server):
    server.always("GET", LOOK, Reply(404, {"detail": "no such run"}))

    with pytest.raises(errors.NotFoundError):
        follow(kind, server)

    assert len(server.requests) == 1


# -- Fifty watchers -------------------------------------------------------------------


class VirtualTasks:
    """Time of tasks: it goes on when all of them sleep, to who wakes first."""

    def __init__(self, users):
        self._time = 0.0
        self._awake = users
        self._sleeping = []
        self._count = 0

    def now(self):
        return self._time

    async def sleep(self, seconds):
        woken = asyncio.get_running_loop().create_future()
        self._count += 1
        entry = (self._time + seconds, self._count, woken)
        heapq.heappush(self._sleeping, entry)
        self.leave()
        await woken

    def leave(self):
        self._awake -= 1
        if not self._awake and self._sleeping:
            self._time, _, woken = heapq.heappop(self._sleeping)
            self._awake = 1
            woken.set_result(None)


@define
class Answering:
    """A transport that answers every look at once, and writes down when."""

    clock: VirtualTasks
    times: list[float] = field(factory=list)
    status: int = 200
    headers: dict[str, str] = field(factory=dict)

    async def send(self, _):
        self.times.append(self.clock.now())
        return Body(json.dumps(look("running").body).encode())

    async def close(self):
        """Nothing is open."""


class Body:
    status = 200
    headers = {}  # noqa: RUF012 - never changed

    def __init__(self, content):
        self._left = content

    async def read(self, _):
        content, self._left = self._left, b""
        return content

    async def close(self):
        """Nothing is open."""


WATCHERS, MINUTES = 50, 3


def watchers_of_threads(every):
    clock = VirtualTasks(WATCHERS)
    transport = Answering(clock)
    client = Client(KEY, base_url="http://127.0.0.1", journal=None, transport=transport)
    client._clock = Clock(clock.now, clock.sleep)

    async def leave(_):
        clock.leave()

    def wait():
        try:
            with pytest.raises(errors.WaitTimeoutError):
                client.runs.get(RUN).wait(MINUTES * 60, every=every)
        finally:
            client.call(leave)

    threads = [Thread(target=wait) for _ in range(WATCHERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    return transport.times


def watchers_of_tasks(every):
    clock = VirtualTasks(WATCHERS)
    transport = Answering(clock)

    async def wait(client):
        try:
            with pytest.raises(errors.WaitTimeoutError):
                await (await client.runs.get(RUN)).wait(MINUTES * 60, every=every)
        finally:
            clock.leave()

    async def main():
        facts = {"base_url": "http://127.0.0.1", "journal": None}
        async with AsyncClient(KEY, transport=transport, **facts) as client:
            client._clock = Clock(clock.now, clock.sleep)
            await asyncio.gather(*(wait(client) for _ in range(WATCHERS)))

    asyncio.run(main())
    return transport.times


@BOTH
@pytest.mark.parametrize("every", [5.0, 10.0])
def test_fifty_watchers_keep_below_the_limit_together(kind, every):
    """500 a minute are allowed; 50 that look each 5 s would ask 600 times."""
    watch = watchers_of_threads if kind == "sync" else watchers_of_tasks

    times = watch(every)

    most = max(sum(t <= u < t + 60 for u in times) for t in times[::10])
    assert most < 500
    # Each has had its turn, and after some looks they do not come together.
    assert len(times) >= min(WATCHERS * MINUTES * 60 / every * 0.8, 1200)
    if every == 10:
        assert len({round(t, 3) for t in times[WATCHERS:]}) > len(times) // 2


# -- Giving up ------------------------------------------------------------------------


@pytest.fixture
def slow():
    """An emulator whose runs go on for long."""
    with Emulator(switches=Switches(speed=60.0)) as made:
        yield made


def is_cancelled(emulator, run):
    return emulator.store.runs.get(run.id).status == "cancelled"


@BOTH
@pytest.mark.parametrize("way", ["wait", "watch"])
def test_time_that_is_over_cancels_nothing(kind, slow, way):
    def sync(_, run):
        with pytest.raises(errors.WaitTimeoutError) as caught:
            run.wait(30) if way == "wait" else list(run.watch(timeout=30))
        return run, str(caught.value)

    async def watch(run):
        async for _ in run.watch(timeout=30):
            pass

    async def awaited(_, run):
        with pytest.raises(errors.WaitTimeoutError) as caught:
            await (run.wait(30) if way == "wait" else watch(run))
        return run, str(caught.value)

    then = sync if kind == "sync" else awaited
    run, said = started(kind, slow.url, workflow(), then)

    assert not is_cancelled(slow, run)
    assert not any("/cancel" in request.path for request in slow.requests)
    assert f'client.runs.get("{run.id}").wait()' in said
    assert f"flow64 watch {run.id}" in said


@BOTH
def test_interrupt_cancels_nothing_and_says_how_to_go_on(kind, slow):
    """Ctrl-C where it blocks, a cancelled task where it awaits; in the real wait."""
    made = workflow()

    def sync(client):
        client.deploy(made)
        run = client.run(made, rows())
        timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt) as caught:
            run.wait()
        return run, caught.value

    async def awaited(client):
        await client.deploy(made)
        run = await client.run(made, rows())
        task = asyncio.ensure_future(run.wait())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await task
        return run, caught.value

    call = sync if kind == "sync" else awaited
    run, stop = use(kind, slow.url, call)

    (note,) = stop.__notes__
    assert not is_cancelled(slow, run)
    assert f'client.runs.get("{run.id}").wait()' in note


@BOTH
@pytest.mark.parametrize("fails", [False, True])
def test_cancel_of_what_has_ended_gives_its_real_status(kind, fails):
    with Emulator() as emulator:
        if fails:
            emulator.fail_block("find_email", "no luck")

        def sync(client, run):
            list(run.watch(every=0.001))
            # A handle that knows nothing of it, and the one that has seen its end.
            return run.cancel(), client.runs.get(run.id).cancel()

        async def awaited(client, run):
            [event async for event in run.watch(every=0.001)]
            other = await client.runs.get(run.id)
            return await run.cancel(), await other.cancel()

        then = sync if kind == "sync" else awaited
        words = started(kind, emulator.url, workflow(), then)

    assert words == (("failed",) if fails else ("completed",)) * 2


@BOTH
def test_cancel_where_asked_ends_the_run(kind, slow):
    def sync(_, run):
        return run, run.cancel()

    async def awaited(_, run):
        return run, await run.cancel()

    then = sync if kind == "sync" else awaited
    run, word = started(kind, slow.url, workflow(), then)

    assert (word, is_cancelled(slow, run)) == ("cancelled", True)


def test_a_day_is_waited_by_itself():
    assert DAY == 24 * 3600
