"""Start `flow64` as people do: as a program of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

FLOW64 = [sys.executable, "-m", "flow64"]


def environment(**more):
    """The environment of a program that knows no key and no endpoint."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SIXTYFOUR_")}
    return {**kept, **more}


def flow64(*arguments, **options):
    """Let `flow64` do something, and give what it printed and its exit code."""
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.run(
        [*FLOW64, *map(str, arguments)],
        check=False,
        timeout=60,
        **{**pipe, "env": environment(), **options},
    )


@contextmanager
def serving(*arguments, **options):
    """Serve an emulator, give the process and its address, and end it."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(
        [*FLOW64, *options.pop("before", ()), "serve", "--port", "0", *arguments],
        **{**settings, "env": environment(), **options},
    )
    try:
        first = process.stdout.readline()
        if not first:
            raise AssertionError(process.communicate(timeout=30)[1])
        yield process, first.removesuffix("\n")
    finally:
        process.kill()
        process.communicate()


def ended(process, number=signal.SIGTERM):
    """Send a signal, and give what was still printed and the exit code."""
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    return stdout, stderr, process.returncode
