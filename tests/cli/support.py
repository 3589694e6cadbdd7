"""Start `flow64` as people do: as a program of its own."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
from contextlib import contextmanager

import pytest

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


def on_terminal(width, *arguments, **variables):
    """Give what `flow64` prints to a terminal of so many columns."""
    fcntl, termios = map(pytest.importorskip, ("fcntl", "termios"))  # not on Windows
    reader, writer = os.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    here = environment(PYTHONUTF8="1", **variables)
    for name in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"} - variables.keys():
        here.pop(name, None)
    flow64(*arguments, stdout=writer, stderr=writer, env=here)
    os.close(writer)
    printed = b""
    while block := _read(reader):
        printed += block
    os.close(reader)
    return printed.decode().replace("\r\n", "\n")


def _read(reader):
    try:
        return os.read(reader, 65536)
    except OSError:  # the end, on Linux
        return b""


@contextmanager
def serving(*arguments, **options):
    """Serve an emulator, give the process and its address, and end it."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    if "--store" not in arguments:
        arguments = (*arguments, "--store", ":memory:")
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
