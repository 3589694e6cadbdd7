"""The command line that is carried out: its options, and what it has done.

It loads nothing, since `flow64 --help` loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final


class State:
    """One command line.

    A plain class: attrs would take half the time of `flow64 --help`.

    Attributes:
        arguments: Its words.
        command: The command that is carried out.
        debug: Whether to show where an unexpected error came from.
        is_quiet: Whether to print only results, errors and questions.
        is_verbose: Whether to print each request, and notes.
        stdin: What was read from stdin; None if nothing was.
        console: The console on stderr; None before the first message.
        has_result: Whether the JSON of a result was printed.
        problems: The errors that were printed.
        faults: The name and the error of each workflow that has errors.
        is_done: Whether anything was written to the service. The exit code is about
            that, even if stdout fails afterwards.
    """

    def __init__(self) -> None:
        self.begin(())

    def begin(self, arguments: Sequence[str]) -> None:
        """Reset everything for another command line."""
        self.arguments = arguments
        self.command = ""
        self.debug = False
        self.is_quiet = False
        self.is_verbose = False
        self.stdin: str | None = None
        self.console: Any = None
        self.has_result = False
        self.problems: list[str] = []
        self.faults: list[tuple[str, Exception]] = []
        self.is_done = False

    @property
    def wants_json(self) -> bool:
        """Whether the command line asks for JSON, even if it is wrong otherwise."""
        words = [*self.arguments]
        words = words[: words.index("--")] if "--" in words else words
        pairs = {f"{name}={value}" for name, value in pairwise(words)}
        return not {*words, *pairs}.isdisjoint({"--json", "--format=json"})


STATE: Final = State()
"""The running command line, also for other threads."""
