"""T2: commands with a closed or full stdout."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.pipelines import deployed
from tests.cli.support import FLOW64, environment

pytestmark = pytest.mark.slow


DEPLOY = ("deploy", "leads.py", "--yes")

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is none here")


def started(stdout, *arguments):
    """Start a program with a given stdout."""
    names = ("SIXTYFOUR_API_ENDPOINT", "SIXTYFOUR_API_KEY")
    here = {name: os.environ[name] for name in names}
    return subprocess.run(
        [*FLOW64, *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env=environment(**here),
    )


def unread(*arguments):
    """Start it with a stdout that has no reader."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        return started(pipe, *arguments)


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_deploy_that_nobody_reads_is_done(service, leads, options):
    done = unread(*DEPLOY, *options)

    assert (done.returncode, deployed()) == (0, ["Inbound leads"])
    assert "default: 1 new" in done.stderr


@pytest.mark.parametrize("command", [["plan", "leads.py"], ["check", "."]])
def test_result_that_nobody_reads_is_no_failure(service, leads, flow64, command):
    flow64(*DEPLOY)

    done = unread(*command)

    assert (done.returncode, "error" in done.stderr) == (0, False)


@full
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_deploy_on_a_full_disk_is_done_and_says_so(service, leads, options):
    with Path("/dev/full").open("w") as stdout:
        done = started(stdout, *DEPLOY, *options)

    assert (done.returncode, deployed()) == (0, ["Inbound leads"])
    assert done.stderr.splitlines()[-1] == (
        "error: stdout cannot be written to: [Errno 28] No space left on device; what "
        "was done is done, and the exit code is about that"
    )
    assert done.stderr.count("stdout cannot be written to") == 1


@full
@pytest.mark.parametrize("command", [["plan", "leads.py"], ["list"]])
def test_result_on_a_full_disk_is_a_failure(service, leads, flow64, command):
    """There was nothing to do but to write it."""
    flow64(*DEPLOY)

    with Path("/dev/full").open("w") as stdout:
        done = started(stdout, *command)

    assert done.returncode == 1
    assert done.stderr.startswith("error: stdout cannot be written to: [Errno 28]")
