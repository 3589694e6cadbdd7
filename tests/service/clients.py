"""Both clients, so that a test runs for each."""

from __future__ import annotations

import asyncio

import pytest
from attrs import define, field

from flow64.api import AsyncClock, Clock
from flow64.client import AsyncClient, Client

KEY = "sk_test_not_a_real_key"
BOTH = pytest.mark.parametrize("kind", ["sync", "async"])


def play(kind, url, conversation, **settings):
    """Play a conversation by one kind of client, made for it alone."""
    return use(kind, url, lambda client: client.play(conversation), **settings)


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
    """Time that passes only while somebody sleeps, and by `step` with each look."""

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
    is_sync = isinstance(client, Client)
    made = (
        Clock(clock.now, clock.sleep) if is_sync else AsyncClock(clock.now, clock.nap)
    )
    client._player.clock = made
    return client
