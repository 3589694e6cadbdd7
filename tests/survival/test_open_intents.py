"""Two intents of one workflow whose starts were both lost: neither is paid twice."""

from __future__ import annotations

import pytest

from flow64.client import Client
from flow64.emulator import Emulator, Switches
from flow64.emulator.records import payload_owner
from flow64.errors import FlowError
from flow64.runs import _launch
from tests.service.mishaps import Fault
from tests.survival.support import QUICK, hurried, workflow

pytestmark = pytest.mark.slow


START = {"method": "POST", "path": "/workflows/run"}
LIST = {"method": "GET", "path": "/workflows/runs"}


@pytest.mark.parametrize("is_honoured", [True, False])
@pytest.mark.parametrize("order", ["AB", "BA", "AAB", "ABA"])
def test_no_intent_is_bought_twice(tmp_path, is_honoured, order):
    """What one took for its own may be the other's: in doubt nothing is sent."""
    emulator = Emulator(switches=Switches(honour_idempotency=is_honoured))
    with emulator:
        client = hurried(
            Client("k", base_url=emulator.url, policy=QUICK, journal=tmp_path / "j")
        )
        code = workflow()
        client.deploy(code)

        def run(intent):
            _launch._OURS.clear()  # as a new process
            try:
                client.run(code, [{"email": intent}], intent=intent)
            except FlowError as error:
                return type(error).__name__
            return "run"

        emulator.faults.add(Fault("reset_before", times=2, **START))
        first = run("A")
        emulator.faults.clear()
        emulator.faults.add(
            Fault("reset_after", times=1, **START),
            Fault("status_before", times=9, after=1, **LIST),
        )
        second = run("B")
        emulator.faults.clear()
        for intent in order:
            run(intent)
        client.close()

        rows = [
            next(iter(emulator.store.rows(payload_owner(started.id))))["email"]
            for started in emulator.store.runs.all()
        ]

    assert (first, second) == ("OutcomeUnknownError", "OutcomeUnknownError")
    assert sorted(set(rows)) == sorted(rows)
