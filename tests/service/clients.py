"""Clients for tests: blocking ones, and both kinds where a test runs for each."""

from __future__ import annotations

import asyncio

import pytest

from flow64.client import AsyncClient, Client

KEY = "sk_test_not_a_real_key"
BOTH = pytest.mark.parametrize("kind", ["sync", "async"])


def play(url, job, **settings):
    """Run a function of a session with a client that is made for it alone."""
    return use("sync", url, lambda client: job(client.session), **settings)


def use(kind, url, call, **settings):
    """Call something with one kind of client, and return the result, awaited."""
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
