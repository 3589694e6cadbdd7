"""Clients with other limits that share the rest, and the log of `FLOW64_LOG`."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import warnings

import pytest

from flow64 import errors
from flow64.client import AsyncClient, Client, Policy
from tests.service.mishaps import Fault

HOME = "http://127.0.0.1:1"
KINDS = pytest.mark.parametrize("kind", [Client, AsyncClient])


# -- with_options ---------------------------------------------------------------------


@KINDS
def test_other_limits_and_the_same_rest(kind):
    """Both pace themselves together, and write to one journal."""
    policy = Policy(timeout=7, requests_per_minute=9)
    client = kind("k", base_url=HOME, policy=policy, env="prod")

    quick = client.with_options(timeout=5, max_retries=0)
    slow = quick.with_options(deadline=3000.0)
    ours, theirs = client._settings, quick._settings

    assert type(quick) is kind
    assert client.policy == policy
    assert quick.policy == Policy(timeout=5, retries=0, requests_per_minute=9)
    assert (slow.policy.timeout, slow.policy.deadline) == (5, 3000.0)
    assert (quick.endpoint, quick.env, repr(quick)) == (HOME, "prod", repr(client))
    for shared in ("pace", "credential", "secrets", "renewing"):
        assert getattr(theirs.channel, shared) is getattr(ours.channel, shared)
    for shared in ("journal", "history", "organisation"):
        assert getattr(theirs, shared) is getattr(ours, shared)
    assert client.with_options().policy == policy


@KINDS
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"timeout": 0}, "timeout=0"),
        ({"max_retries": -1}, "retries=-1"),
        ({"deadline": "5"}, "deadline='5'"),
    ],
)
def test_limits_are_checked(kind, given, problem):
    client = kind("k", base_url=HOME, journal=None)

    with pytest.raises(errors.ConfigError, match=problem):
        client.with_options(**given)


def test_limits_count(emulator):
    """The other client gives up; this one waits for the same answer."""
    emulator.faults.add(Fault("hang_after", seconds=0.4, times=None))
    with Client("k", base_url=emulator.url, journal=None) as client:
        with pytest.raises(errors.TransportError) as caught:
            client.with_options(timeout=0.05, max_retries=0).workflows.list()
        found = list(client.workflows.list())

    assert (caught.value.attempts, found) == (1, [])


def test_owner_closes_both(emulator):
    """Closing the other leaves this one open, and this one closes both."""
    client = Client("k", base_url=emulator.url, journal=None)
    with client.with_options(timeout=5) as quick:
        quick.balance()
    quick.balance()
    client.balance()
    client.close()

    with pytest.raises(errors.ConfigError, match="is closed"):
        quick.balance()


def test_owner_closes_both_async(emulator):
    async def play():
        async with AsyncClient("k", base_url=emulator.url, journal=None) as client:
            async with client.with_options(timeout=5) as quick:
                await quick.balance()
            await quick.balance()
            await client.balance()
        with pytest.raises(errors.ConfigError, match="is closed"):
            await quick.balance()

    asyncio.run(play())


def test_owner_lives_as_long_as_the_other(emulator):
    """The connections stay open for whoever has the other client alone."""
    owner = Client("k", base_url=emulator.url, journal=None)
    held = [owner.with_options(timeout=5)]
    del owner
    gc.collect()
    held[0].balance()

    with pytest.warns(ResourceWarning, match="unclosed Client"):
        held.clear()


def test_only_the_owner_is_missed(emulator):
    """A client of `with_options` needs no end, so dropping it is no mistake."""

    async def play():
        async with AsyncClient("k", base_url=emulator.url, journal=None) as client:
            quick = client.with_options(timeout=5)
            await quick.balance()
            del quick
            gc.collect()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(play())
    assert gc.collect() >= 0


# -- FLOW64_LOG -----------------------------------------------------------------------


def unhandled_log(monkeypatch):
    """The log of flow64, as in a program that handles no records.

    Not a fixture: pytest adds its handlers after those.
    """
    found = logging.getLogger("flow64")
    monkeypatch.setattr(found, "handlers", [])
    monkeypatch.setattr(found, "propagate", False)
    return found


@pytest.fixture(autouse=True)
def _level():
    """Set the level back, and with it what is cached of levels."""
    level = logging.getLogger("flow64").level
    yield
    logging.getLogger("flow64").setLevel(level)


@pytest.mark.parametrize("level", ["debug", " DEBUG "])
def test_variable_shows_requests(monkeypatch, capsys, emulator, level):
    """One line each, without key, query and body; several clients add one handler."""
    monkeypatch.setenv("FLOW64_LOG", level)
    unhandled_log(monkeypatch)
    with (
        Client("sk_not_a_real_key_SENTINEL", base_url=emulator.url) as client,
        Client("other", base_url=emulator.url),
    ):
        client.runs.list(limit=3)
    (line,) = capsys.readouterr().err.splitlines()

    assert " DEBUG 200 GET /workflows/runs (" in line
    assert "SENTINEL" not in line


@pytest.mark.parametrize("level", [None, "", "info", "error"])
def test_other_levels_show_no_requests(monkeypatch, capsys, emulator, level):
    log = unhandled_log(monkeypatch)
    if level is None:
        monkeypatch.delenv("FLOW64_LOG", raising=False)
    else:
        monkeypatch.setenv("FLOW64_LOG", level)
    with Client("k", base_url=emulator.url, journal=None) as client:
        client.balance()

    assert capsys.readouterr().err == ""
    assert bool(log.handlers) == bool(level)


def test_handlers_of_the_program_are_kept(monkeypatch, capsys, emulator):
    """Only the level is set, so that no line comes twice."""
    monkeypatch.setenv("FLOW64_LOG", "debug")
    log, theirs = unhandled_log(monkeypatch), io.StringIO()
    log.addHandler(logging.StreamHandler(theirs))
    with Client("k", base_url=emulator.url, journal=None) as client:
        client.balance()

    assert "200 GET /check-balance (" in theirs.getvalue()
    assert (capsys.readouterr().err, len(log.handlers)) == ("", 1)


def test_wrong_level_is_one_warning(monkeypatch):
    """It stops nothing."""
    monkeypatch.setenv("FLOW64_LOG", "verbose")
    log, theirs = unhandled_log(monkeypatch), io.StringIO()
    log.addHandler(logging.StreamHandler(theirs))
    for _ in range(2):
        Client("k", base_url=HOME, journal=None)

    assert theirs.getvalue() == (
        "FLOW64_LOG is 'verbose', and not a level; write one of debug, info, warning, "
        "error\n"
    )
