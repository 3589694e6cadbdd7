"""Two deployers at once end in one of the two states, whole (L2)."""

from __future__ import annotations

from threading import Barrier, Thread
from uuid import uuid4

import pytest

from flow64.emulator import Emulator
from tests.survival.deployers import (
    HOSTS,
    KEYS,
    Deployer,
    client_of,
    deploy,
    planned,
    workflows,
)

pytestmark = pytest.mark.slow


LATER = {"StalePlanError", "DeployError", "ConsentError"}
"""How it ends for whoever came later, or was overtaken between its look and its write:
it saw another's edit, or another's definition where its own was to be."""


@pytest.fixture
def place():
    """An organisation of its own: the emulator, a key, a namespace."""
    with Emulator() as emulator:
        key, namespace = f"sk_test_{uuid4().hex}", f"{uuid4()}.example"
        with client_of(emulator.url, key) as client:
            yield emulator, key, namespace, client


def state_of(definition):
    """The state that each part of a definition is in: one, where it is whole."""
    _, mode, host = (block.specs for block in definition.blocks)
    return {
        int(definition.name.removeprefix("in state ")),
        ["PROFESSIONAL", "PERSONAL"].index(mode["mode"]),
        [f"https://{one}/hook" for one in HOSTS].index(host["url"]),
    }


def judged(client, namespace, ended):
    """Each workflow is whole; the next deploy of either state alone mends the rest."""
    listed = client.workflows.list()
    assert len(listed) == len(KEYS) or any(one["error"] for one in ended)
    assert len({info.id for info in listed}) == len(listed) <= len(KEYS)
    for info in listed:
        assert len(state_of(client.workflows.get(info.id).definition)) == 1
    assert {one["error"] for one in ended} <= {None, *LATER}
    # Somebody got through, or each was stopped by what the other had written.
    assert any(one["done"] for one in ended)


def settled(client, namespace, state, folder):
    """A deploy that is alone reaches its state, whatever two have left."""
    summary = deploy(client, planned(client, namespace, state), folder)
    assert summary["error"] is None
    plan = planned(client, namespace, state)
    assert plan.is_empty
    _, wanted = workflows(namespace, state)
    found = [client.workflows.get(one.id()).definition for one in wanted]
    assert [state_of(one) for one in found] == [{state}] * len(KEYS)
    ids = {one.id() for one in wanted}
    timed = [s for s in client.schedules.list() if s.workflow_id in ids]
    assert [s.cron_expression for s in timed] == [f"{state} 0 29 2 *"] * len(KEYS)


def test_two_processes(place, tmp_path):
    """First of what is not there yet, then of what both want to change."""
    emulator, key, namespace, client = place
    both = [
        Deployer(emulator.url, key, namespace, tmp_path / str(number))
        for number in range(2)
    ]
    try:
        for _ in range(8):
            for state, one in enumerate(both):
                one.prepare(state)
            assert all(one.is_ready() for one in both)
            for one in both:
                one.go()
            judged(client, namespace, [one.ended() for one in both])
            for info in client.workflows.list()[:2]:
                client.workflows.delete(info.id)
        settled(client, namespace, 1, tmp_path / "last")
    finally:
        for one in both:
            one.close()


@pytest.mark.parametrize("is_one_folder", [True, False])
def test_two_threads(place, tmp_path, is_one_folder):
    """On one machine, with one history, or with two."""
    _, _, namespace, client = place
    folders = [tmp_path / ("0" if is_one_folder else str(state)) for state in (0, 1)]
    for number in range(6):
        plans = [planned(client, namespace, state) for state in (0, 1)]
        begin, ended = Barrier(2), []

        def run(state, plans=plans, begin=begin, ended=ended):
            begin.wait()
            ended.append(deploy(client, plans[state], folders[state]))

        threads = [Thread(target=run, args=[state]) for state in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(ended) == 2
        judged(client, namespace, ended)
        settled(client, namespace, number % 2, tmp_path / "alone")


def test_the_later_one_stops_unless_it_planned_on_what_is_there(place, tmp_path):
    """One after the other, both planned before; then the later one plans again."""
    _, _, namespace, client = place
    early, late = (planned(client, namespace, state) for state in (0, 1))

    first = deploy(client, early, tmp_path)
    second = deploy(client, late, tmp_path)
    third = deploy(client, planned(client, namespace, 1), tmp_path)

    assert first == {"done": [*KEYS], "error": None}
    assert second == {"done": [], "error": "StalePlanError"}
    assert third == {"done": [*KEYS], "error": None}
