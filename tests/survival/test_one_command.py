"""One command on a fresh machine: emulator, deploy, run, watch, files, webhook."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


PROGRAM = Path(__file__).with_name("one_command.py")

WITHOUT_NETWORK = """
import ipaddress, runpy, socket, sys

def guarded(method):
    def call(sock, address, *more):
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            assert ipaddress.ip_address(address[0]).is_loopback, address
        return method(sock, address, *more)
    return call

def resolve(host, *more, **named):
    assert host in {None, "127.0.0.1", "0.0.0.0"}, host  # the last one by waitress
    return real(host, *more, **named)

real, socket.getaddrinfo = socket.getaddrinfo, resolve
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, guarded(getattr(socket.socket, name)))
program = sys.argv.pop(1)
runpy.run_path(program, run_name="__main__")
"""


def test_one_command_shows_it_all_without_network_or_home(tmp_path):
    """From another folder, with no HOME and nothing else in the environment."""
    here, files = tmp_path / "here", tmp_path / "files"
    here.mkdir()
    began = time.monotonic()

    done = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_NETWORK, PROGRAM, files],
        cwd=here,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began < 60
    told = done.stdout.splitlines()
    steps = [line.partition(":")[0] for line in told]
    order = ["deploy", "watch", "download", "webhook"]
    assert list(dict.fromkeys(steps))[:-1] == order
    assert "watch: completed" in told
    assert "webhook: outgoing_webhook.completed, 2 rows, verified" in told
    assert sorted(path.name for path in here.iterdir()) == []
    assert len(sorted(path.name for path in files.iterdir())) == 3
