"""Both clients, so that a test runs for each."""

from __future__ import annotations

import asyncio
from functools import wraps

import pytest
from attrs import define, field

from flow64.api import Clock
from flow64.client import AsyncClient, Client

KEY = "sk_test_not_a_real_key"
BOTH = pytest.mark.parametrize("kind", ["sync", "async"])


def play(kind, url, job, **settings):
    """Run a job with one kind of client, made for it alone."""
    return use(kind, url, lambda client: client.call(job), **settings)


def job(function):
    """Let a call take its arguments now, and its session later."""

    @wraps(function)
    def with_arguments(*args, **kwargs):
        return lambda session: function(session, *args, **kwargs)

    return with_arguments


@job
async def ask(session, request, look=None):
    """Send a request, and return the JSON of its answer."""
    return await session.ask(request, look)


def use(kind, url, call, **settings):
    """Call something with one kind of client; gives what comes of it, awaited."""
    facts = {"base_url": url, "journal": None, **settings}
    if "oauth" not in facts:
        facts.setdefault("api_key", KEY)
    if kind == "sync":
        with Client(**facts) as client:
            return call(client)

    async def awaited():
        async with AsyncClient(**facts) as client:
            return await call(client)

    return asyncio.run(awaited())


@define
class FakeClock:
    """Time that passes only during sleeps, and by `step` with each look."""

    time: float = 0.0
    step: float = 0.0
    slept: list[float] = field(factory=list)

    def now(self):
        self.time += self.step
        return self.time

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.time += seconds

    async def nap(self, seconds):
        self.sleep(seconds)


def with_clock(client, clock):
    """Give a client another clock."""
    client._clock = Clock(clock.now, clock.nap)
    return client
