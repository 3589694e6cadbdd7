"""The program that counts what comes through a bad network, with a few workflows."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64.client import Client
from flow64.emulator import Emulator
from tests.survival import black_box

pytestmark = pytest.mark.slow


def test_every_workflow_is_there_once_with_one_run(capsys):
    """By threads and by tasks, with a key that counts and with one that does not."""
    code = black_box.main(["--workflows", "12"])

    _, _, honoured, ignored, *_, last = capsys.readouterr().out.splitlines()
    assert (code, last) == (0, "each workflow once, each with one run")
    for line, word in ((honoured, "honoured"), (ignored, "ignored")):
        name, stored, runs, faults, _ = line.split()
        assert (name, stored, runs) == (word, "12", "12")
        assert int(faults) > 30


def test_what_must_not_be_is_counted(capsys, monkeypatch):
    """A second run, a second workflow and one that was not done are each said."""
    one, two, three = (black_box.workflow(number) for number in range(3))
    told = black_box.Told(given_up=["Leads 2 was not done"])
    with (
        Emulator() as emulator,
        Client("any", base_url=emulator.url, journal=None) as client,
    ):
        told.note(one, "new", "another")
        for each in (one, two):
            client.deploy(each)
        runs = [client.run(two, black_box.ROWS).id for _ in range(2)]
        emulator.copy(two.id())
        copy = next(
            stored
            for stored in emulator.store.workflows.all()
            if stored.id not in {one.id(), two.id()}
        )
        emulator.store.workflows.put(evolve(copy, name=two.name))
        found = list(black_box.problems_of(emulator, [one, two, three], told))

    assert len(set(runs)) == 2
    assert found == [
        "Leads 2 was not done",
        "Leads 0 has 0 runs",
        "Leads 0 was told of other runs than it has",
        "Leads 0 was new when deployed again",
        "Leads 1 is there 2 times",
        "Leads 1 has 2 runs",
        "Leads 1 was told of other runs than it has",
        "Leads 2 is there 0 times",
        "Leads 2 has 0 runs",
        "Leads 2 was told of other runs than it has",
    ]

    outcome = black_box.Outcome(1, 1, 2, 3, black_box.Counter(), found)
    monkeypatch.setattr(black_box, "carried_out", lambda *_, **__: outcome)

    assert black_box.main([]) == 1
    assert "not once each" in capsys.readouterr().out
