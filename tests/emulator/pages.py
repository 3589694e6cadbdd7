"""Helpers for tests of the page: its addresses, and waiting in a browser."""

from __future__ import annotations

import time
from uuid import uuid4

from flow64.http import httpx
from tests.emulator.support import NO_CERTIFICATES, create, start

PAGE = "/_emulator/page"

SECTIONS = [
    "overview",
    "workflows",
    "runs",
    "notebooks",
    "outbox",
    "switches",
    "guesses",
]


def connected(emulator, key="key"):
    return httpx.Client(
        base_url=emulator.url,
        headers={"x-api-key": key},
        timeout=20,
        verify=NO_CERTIFICATES,
    )


def ran(client, data, rows):
    """The id of a run of a workflow just created, once it has ended."""
    started = start(client, create(client, {**data, "id": str(uuid4())}), rows).json()
    return ended(client, started["job_id"])


def ended(client, run_id):
    """The id of a run, once it has ended."""
    path, ends = f"{PAGE}/runs/{run_id}", time.monotonic() + 20
    while not client.get(path, params={"since": "9"}).json()["is_done"]:
        assert time.monotonic() < ends
        time.sleep(0.01)
    return run_id


def opened(tab, url, address, **more):
    """Open a view of the page of an emulator."""
    page = tab(**more)
    page.goto(f"{url}/#{address}")
    page.wait_for_selector("h1")
    return page


def go(page, address, ready="h1"):
    """Open another address, and wait until it shows something."""
    url = page.url.partition("#")[0]
    page.goto("about:blank")
    page.goto(f"{url}#{address}")
    page.wait_for_selector(ready)


def until(page, words, *arguments):
    """Wait for something to be true; the page's policy forbids Playwright's own way."""
    ends = time.monotonic() + 8
    while not page.evaluate(words, *arguments):
        assert time.monotonic() < ends, words
        page.wait_for_timeout(20)
