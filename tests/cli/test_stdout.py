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
def test_what_nobody_reads_is_no_failure(service, leads, options):
    for command in (DEPLOY, ("plan", "leads.py"), ("check", ".")):
        done = unread(*command, *options)

        assert (done.returncode, "error" in done.stderr) == (0, False)
    assert deployed() == ["Inbound leads"]


@full
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_full_disk_is_a_failure_unless_something_was_done(service, leads, options):
    """The exit code is about what was done, and the message says so, once."""
    codes = []
    for command in (DEPLOY, ("plan", "leads.py"), ("list",)):
        with Path("/dev/full").open("w") as stdout:
            done = started(stdout, *command, *options)
        codes.append(done.returncode)
        assert done.stderr.count("stdout cannot be written to: [Errno 28]") == 1

    assert (codes, deployed()) == ([0, 1, 1], ["Inbound leads"])
