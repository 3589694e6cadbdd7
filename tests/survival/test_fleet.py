"""A fleet deploys and runs many workflows through a bad network, and all is counted.

Half of the workflows are deployed and run by tasks of one `AsyncClient`, half by
threads of one `Client`. Whoever is told of a failure does the same again, as a user
would. In the end each workflow is there once, with one run, which was handed out.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from attrs import evolve

from flow64.client import AsyncClient, Client, Policy
from flow64.emulator import Emulator
from flow64.errors import FlowError
from flow64.runs import starter
from tests.service.fault_server import (
    CLOSED,
    LOST,
    PASS,
    Drop,
    FaultServer,
    Forward,
    Reply,
    after,
    answered,
    cut,
)
from tests.survival.support import workflow

pytestmark = pytest.mark.slow

POLICY = Policy(
    first_wait=0.01, first_rest=0.01, timeout=2, requests_per_minute=None, deadline=30
)
ROWS = [{"email": "ada@acme.example"}, {"email": "grace@acme.example"}]
NAMES = [f"leads-{number}" for number in range(12)]
TRIES = 20

BEFORE = [Drop("reset"), Drop("close", "headers"), Reply(503), Reply(429, b"{}")]
AFTER = [LOST, CLOSED, answered(500), answered(502), cut(20), after(2.5)]


def act_for(random, *, honours_key):
    """Return what happens to each request: about a third of them go wrong."""

    def without_key(seen):
        headers = [pair for pair in seen.headers if pair[0] != "idempotency-key"]
        return evolve(seen, headers=headers)

    def choose(seen):
        act = random.choice([PASS] * 20 + BEFORE + AFTER)
        is_start = seen.path == "/workflows/run"
        if is_start and not honours_key and isinstance(act, Forward):
            # A key of its own for each, which is as good as none.
            return evolve(act, change=without_key)
        return act

    return choose


@pytest.mark.parametrize("honours_key", [True, False])
def test_every_workflow_is_there_once_with_one_run(honours_key, tmp_path, monkeypatch):
    """Whether the service honours the Idempotency-Key, or ignores it."""
    monkeypatch.setattr(starter, "LOOKS", (0.02, 0.04))
    codes = {name: workflow(key=name, namespace="acme.example") for name in NAMES}
    told = {name: set() for name in NAMES}
    given_up = []

    def carry(client, name):
        for _ in range(TRIES):
            try:
                client.deploy(codes[name])
                run = client.run(codes[name], ROWS)
                told[name].add(run.wait(every=0.01).id)
            except FlowError:
                continue
            return
        given_up.append(name)

    async def carry_async(client, name):
        for _ in range(TRIES):
            try:
                await client.deploy(codes[name])
                run = await client.run(codes[name], ROWS)
                told[name].add((await run.wait(every=0.01)).id)
            except FlowError:
                continue
            return
        given_up.append(name)

    async def carry_half(url):
        facts = {"base_url": url, "policy": POLICY, "journal": tmp_path / "j"}
        async with AsyncClient("any", **facts) as client:
            await asyncio.gather(*(carry_async(client, name) for name in NAMES[::2]))

    with Emulator() as emulator, FaultServer(emulator) as server:
        server.always("*", "*", act_for(Random(6), honours_key=honours_key))
        facts = {"base_url": server.url, "policy": POLICY, "journal": tmp_path / "j"}
        with Client("any", **facts) as client, ThreadPoolExecutor(7) as pool:
            others = pool.submit(lambda: asyncio.run(carry_half(server.url)))
            list(pool.map(lambda name: carry(client, name), NAMES[1::2]))
            others.result()
        server.settle()
        ids = {stored.id: stored.name for stored in emulator.store.workflows.all()}
        runs = {}
        for run in emulator.store.runs.all():
            runs.setdefault(run.workflow_id, set()).add(run.id)

    assert given_up == []
    assert {*ids} == {code.id() for code in codes.values()}
    assert runs == {codes[name].id(): told[name] for name in NAMES}
    assert all(len(found) == 1 for found in runs.values())
