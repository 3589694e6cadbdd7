"""The async client: the same methods, each call in a daemon thread."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
import time

import pytest

from flow64 import AsyncClient, Client, errors
from flow64.client import AsyncRun, Run, asynchronous, topics
from flow64.emulator import Emulator
from tests.service.fault_server import FaultServer, Forward, Hang, Reply
from tests.service.support import leads

KEY = "sk_test_not_a_real_key"
ROWS = [{"email": "ada@example.com"}]

SIDES = [
    (Client, AsyncClient, {"make_launch"}),
    (Run, AsyncRun, {"steps"}),
    (topics.Workflows, asynchronous.AsyncWorkflows, {"session", "journal"}),
    (topics.Runs, asynchronous.AsyncRuns, {"session", "journal"}),
    (topics.Schedules, asynchronous.AsyncSchedules, {"session", "journal"}),
    (topics.SigningSecrets, asynchronous.AsyncSigningSecrets, {"session", "journal"}),
]


def public(cls):
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize(("blocking", "face", "own"), SIDES)
def test_both_faces_have_the_same_methods(blocking, face, own):
    assert public(blocking) - own == public(face)
    for name in public(face) & public(blocking):
        method = inspect.getattr_static(face, name)
        is_fact = isinstance(method, property)
        assert is_fact or method.__doc__, f"{face.__name__}.{name} says nothing"


@pytest.fixture
def emulator():
    made = Emulator()
    yield made
    made.stop()


def wait_for(is_there):
    while not is_there():
        time.sleep(0.01)


def open_client(emulator):
    transport = emulator.transport()
    return AsyncClient(
        KEY, base_url="http://127.0.0.1", transport=transport, journal=None
    )


def test_deploy_run_watch_and_read(emulator):
    """Events and rows come by `async for`, and so do batches."""

    async def main():
        async with open_client(emulator) as client:
            assert (await client.deploy(leads())).state == "new"
            run = await client.run(leads(), ROWS)
            events = [event async for event in run.watch(every=0.01)]
            assert events[-1].status == (await run.wait()).status == "completed"
            assert [row.raw["email"] async for row in run.rows()] == ["ada@example.com"]
            rows = [{"email": f"{n}@example.com"} for n in range(5)]
            batches = client.run_batches(leads(), rows, size=2, every=0.01)
            assert [batch.count async for batch in batches] == [2, 2, 1]
            assert (await client.runs.get(run.id)).id == run.id

    asyncio.run(main())


def test_a_hundred_calls_run_together_and_errors_reach_their_caller(emulator):
    async def main():
        async with open_client(emulator) as client:
            calls = [client.workflows.list() for _ in range(100)]
            assert await asyncio.gather(*calls) == [[]] * 100
            with pytest.raises(errors.NotFoundError):
                await client.workflows.get("00000000-0000-4000-8000-000000000000")
        with pytest.raises(errors.ConfigError, match="closed"):
            await client.balance()

    asyncio.run(main())


def test_the_loop_goes_on_while_a_run_is_watched(emulator):
    """Waits between polls are on the loop, without a thread."""

    async def main():
        async with open_client(emulator) as client:
            await client.deploy(leads())
            run = await client.run(leads(), ROWS)
            watching = [run.wait(every=0.3) for _ in range(20)]
            tasks = [asyncio.create_task(each) for each in watching]
            await asyncio.sleep(0.15)
            names = [thread.name for thread in threading.enumerate()]
            await asyncio.gather(*tasks)
            return names.count("flow64")

    assert asyncio.run(main()) <= 2


def test_a_cancelled_task_begins_no_further_request():
    """The look before a write may end; the write is not sent."""

    async def main(url, server):
        async with AsyncClient(KEY, base_url=url, journal=None) as client:
            task = asyncio.create_task(client.deploy(leads()))
            await asyncio.to_thread(wait_for, lambda: server.requests)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(0.8)

    def slowly(_):
        time.sleep(0.3)
        return Forward()

    with Emulator() as emulator, FaultServer(emulator) as server:
        server.always("GET", "*", slowly)
        asyncio.run(main(server.url, server))
        assert server.of("POST") == []


def test_a_cancelled_start_is_in_the_journal_and_found_again(tmp_path):
    """It was sent, so it ends by itself; the same call attaches to it."""

    async def main(url, server):
        journal = tmp_path / "runs.jsonl"
        async with AsyncClient(KEY, base_url=url, journal=journal) as client:
            await client.deploy(leads())
            task = asyncio.create_task(client.run(leads(), ROWS))
            await asyncio.to_thread(wait_for, lambda: server.of("POST", "*/run"))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.sleep(1)
            run = await client.run(leads(), ROWS)
            assert run.is_attached

    def slowly(_):
        time.sleep(0.3)
        return Forward()

    with Emulator() as emulator, FaultServer(emulator) as server:
        server.always("POST", "/workflows/run", slowly)
        asyncio.run(main(server.url, server))
        assert len(server.applied("POST", "/workflows/run")) == 1


ENDING = """
import asyncio, sys
from flow64 import AsyncClient, Client

client = Client("k", base_url=sys.argv[1], journal=None)
client.workflows.list()

async def main():
    client = AsyncClient("k", base_url=sys.argv[1], journal=None)
    task = asyncio.create_task(client.balance())
    await asyncio.sleep(0.3)

asyncio.run(main())
print("ended")
"""


def test_python_exits_with_open_clients_and_a_call_under_way():
    with FaultServer() as server:
        server.always("GET", "/workflows", Reply(200, b"[]"))
        server.always("GET", "/check-balance", Hang())
        done = subprocess.run(
            [sys.executable, "-c", ENDING, server.url],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("ended\n", "")


def test_nothing_is_sent_while_a_module_is_loaded(emulator):
    from flow64.api import threads

    async def main():
        async with open_client(emulator) as client:
            with (
                threads.refuse_requests("leads.py"),
                pytest.raises(errors.ConfigError, match=r"test_async.py:\d+"),
            ):
                await client.balance()

    asyncio.run(main())
