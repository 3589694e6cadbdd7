"""Ctrl-C: once, a write is ended first; twice, at once (F20)."""

from __future__ import annotations

import os
import signal
import time
from threading import Thread

import pytest

from flow64.client import Client
from flow64.deploy import first_interrupt_waits
from tests.deploy.applied import QUICK
from tests.service import clients
from tests.service.fault_server import Forward, Hang

UPDATE = "/workflows/update_workflow"


def press():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def two(faulty):
    """A plan of two updates."""
    for key in "ab":
        faulty.put(faulty.workflow(key))
    return faulty, faulty.plan(*[faulty.workflow(k, mode="PERSONAL") for k in "ab"])


def sync_apply(place, plan, told):
    client = Client(clients.KEY, base_url=place.url, policy=QUICK, journal=None)
    with client, first_interrupt_waits(lambda: told.append(1)) as stop:
        return client.call(place.applying(plan, stopped=stop))


def test_first_interrupt_ends_the_write_that_is_under_way(two):
    """And is heeded before the next one."""
    place, plan = two
    told = []

    def pressed(_):
        press()
        while not told:  # until the other thread has handled it
            time.sleep(0.01)
        return Forward()

    place.server.on("POST", UPDATE, pressed)
    before = signal.getsignal(signal.SIGINT)
    summary = sync_apply(place, plan, told)

    assert ([one.key for one in summary.done], summary.was_stopped) == (["a"], True)
    assert (list(summary.not_tried), told) == (["b"], [1])
    assert signal.getsignal(signal.SIGINT) is before


def test_second_interrupt_stops_at_once(two):
    """What was under way is in the history, and the next deploy looks first."""
    place, plan = two
    told = []

    def pressed(_):
        press()
        while not told:  # two at once would be one
            time.sleep(0.01)
        press()
        return Hang()

    place.server.on("POST", UPDATE, pressed)
    with pytest.raises(KeyboardInterrupt):
        sync_apply(place, plan, told)
    assert [saved.key for saved in place.history.entries()] == ["a"]


def test_other_threads_change_no_handler():
    seen = []

    def work():
        with first_interrupt_waits() as stop:
            seen.append((stop(), signal.getsignal(signal.SIGINT)))

    before = signal.getsignal(signal.SIGINT)
    thread = Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [(False, before)]
