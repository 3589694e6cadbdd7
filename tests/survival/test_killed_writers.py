"""kill -9 while a file is written: it is the old one or the new one (L4)."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from datetime import UTC, datetime

import pytest

from flow64.deploy import History, Saved, load_plan, save_plan
from tests.deploy.planned import OLD, digest_quickly, service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]
KILLS = 30


def killed_again_and_again(write, check):
    """Kill a process that does nothing but write, at some instant of it; each time."""
    luck = random.Random(64)
    for number in range(KILLS):
        pid = os.fork()
        if pid == 0:  # pragma: no cover - in the child
            try:
                for turn in range(10**6):
                    write(turn)
            finally:
                os._exit(1)
        time.sleep(luck.uniform(0, 0.008))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status)
        check(number)


def left(folder):
    return sorted(path.name for path in folder.iterdir() if path.name[0] == ".")


def test_history(tmp_path):
    """Entries are there whole or not at all; no kill takes away an older one."""
    history = History(tmp_path)
    definition = OLD.compile()

    def saved(turn):
        return Saved(
            key="leads",
            workflow_id=str(definition.id),
            env="default",
            endpoint="http://127.0.0.1",
            at=datetime(2026, 11, 25, tzinfo=UTC).replace(microsecond=turn % 10**6),
            reason="update",
            definition=definition,
        )

    def write(turn):
        history.require_writable([saved(turn)])
        history.save(saved(turn))
        for path in sorted(tmp_path.glob("*.json"))[20:]:
            path.unlink()

    def check(_):
        entries = history.entries()
        assert entries
        assert {entry.definition for entry in entries} == {entries[0].definition}

    write(0)
    killed_again_and_again(write, check)
    history.require_writable()
    assert left(tmp_path) == []


def test_saved_plan(tmp_path, monkeypatch):
    """A torn plan would be refused; there is none: each is the one or the other."""
    digest_quickly(monkeypatch)
    path = tmp_path / "plan.json"
    with service() as here:
        empty = here.plan()
        plans = [here.plan(OLD), empty]

    def write(turn):
        save_plan(plans[turn % 2], path)

    def check(_):
        assert len(load_plan(path).steps) in {0, 1}
        json.loads(path.read_bytes())

    write(0)
    killed_again_and_again(write, check)
    write(0)
    assert left(tmp_path) == []
