"""Match regular expressions of users in a separate process, which can be killed.

An expression may take exponential time. While Python matches it, all other threads
wait. So a separate process does it.

The library `regex` has a timeout, but not while it compiles an expression: it writes
out counted repeats, so `(?:(?:(?:a{1000}){1000}){1000}){1000}` takes all memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from threading import Timer
from typing import IO, Any, Final

from attrs import define, field

from ._block_context import BlockFailedError

SECONDS: Final = 5
"""Seconds that one chunk of texts may take."""

_PROGRAM: Final = """
import json, re, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
alarm = getattr(signal, "alarm", lambda seconds: None)
seconds = int(sys.argv[1])
def say(found):
    print(json.dumps(found), flush=True)
try:
    search = re.compile(json.loads(sys.stdin.readline())).search
except (re.error, OverflowError, RecursionError) as error:
    say(str(error))
else:
    say(None)
    for line in sys.stdin:
        alarm(seconds)
        found = [search(text) is not None for text in json.loads(line)]
        alarm(0)
        say(found)
"""
# The alarm ends it even if this process is gone.


@define
class Matcher:
    """Finds the texts that contain a match of an expression.

    Attributes:
        pattern: The expression, in Python's syntax.
        seconds: How long one chunk of texts may take.
    """

    pattern: str
    seconds: float = SECONDS
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def find_in(self, texts: Sequence[str]) -> list[bool]:
        """Return for each text whether it contains a match.

        Raises:
            BlockFailedError: The expression is invalid, or takes too long.
        """
        process = self._start_process() if self._process is None else self._process
        answer: list[bool] = self._ask(process, texts)
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _start_process(self) -> subprocess.Popen[str]:
        self._process = process = subprocess.Popen(  # noqa: S603 - this Python, and a program written here
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(int(self.seconds) + 1)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
        )
        if problem := self._ask(process, self.pattern):
            raise BlockFailedError(f"invalid regular expression: {problem}")
        return process

    def _ask(self, process: subprocess.Popen[str], question: object) -> Any:
        """Send one line to the process, and return its answer."""
        timer = Timer(self.seconds, process.kill)
        timer.start()
        try:
            _pipe(process.stdin).write(f"{json.dumps(question)}\n")
            _pipe(process.stdin).flush()
            line = _pipe(process.stdout).readline()
        except OSError:  # it ended before it read everything
            line = ""
        finally:
            timer.cancel()
        if not line:
            raise BlockFailedError(
                f"the regular expression {self.pattern[:100]!r} took longer than "
                f"{self.seconds:g} seconds; write it so that it cannot go back and "
                "forth over the same text"
            )
        return json.loads(line)


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # both were requested
    return stream
