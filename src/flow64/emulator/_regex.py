"""Regular expressions of users, matched in a process that can be ended.

An expression may take longer than the universe lasts, and while Python matches it, no
other thread of the process works: so it is matched in a process of its own.
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
"""How long some hundreds of texts may take."""

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
# The alarm ends it also where nobody is left who could.


@define
class Matcher:
    """Tells which texts an expression is found in.

    Attributes:
        pattern: The expression, of Python's flavour.
        seconds: How long some hundreds of texts may take.
    """

    pattern: str
    seconds: float = SECONDS
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def found_in(self, texts: Sequence[str]) -> list[bool]:
        """Whether it is found in each text.

        Raises:
            BlockFailedError: It is no expression, or takes too long.
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
        """The answer of the process to a line."""
        timer = Timer(self.seconds, process.kill)
        timer.start()
        try:
            _pipe(process.stdin).write(f"{json.dumps(question)}\n")
            _pipe(process.stdin).flush()
            line = _pipe(process.stdout).readline()
        except OSError:  # it ended before it had read everything
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
    assert stream is not None  # both were asked for
    return stream
