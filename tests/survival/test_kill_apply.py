"""kill -9 while a plan is applied: the next deploy alone ends where it should (L3)."""

from __future__ import annotations

import os

import pytest

from tests.survival.kill_apply import kill

pytestmark = pytest.mark.slow


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_deploy_that_was_killed_is_mended_by_the_next_one(tmp_path):
    """Twenty instants; as a program, `kill_apply.py` does hundreds."""
    killer = kill(20, seed=64, folder=tmp_path)

    assert killer.kills > 0
    assert killer.left.keys() <= {
        *("create", "update", "stamp", "schedule", "delete", "nothing")
    }
