"""Options of every command, given before it or after it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

PORT: Final = 6464
"""The port that `flow64 serve` listens on by itself."""


class Options:
    """The options that hold for every command.

    A plain class: `flow64 --help` is to load little.

    Attributes:
        arguments: The words of the command line.
        command: The command that is carried out.
        debug: Whether to show where an unexpected error came from.
        is_quiet: Whether to print only errors and questions.
        is_verbose: Whether to print each request.
        color: Whether to print colours: `auto`, `always` or `never`.
        held: Messages that `--quiet` holds back. They are printed before a question.
        stdin: What was read from stdin; None if nothing was.
        environment: The environment that was used last; None before that.
        has_result: Whether the JSON of a result was printed. An error after it is only
            a message.
        problems: The errors that were printed.
        faults: The name and the error of each workflow that has errors.
        is_done: Whether anything was written to the service. The exit code is about
            that, even if stdout fails afterwards.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Reset all options for another command line."""
        self.arguments: Sequence[str] = ()
        self.command = ""
        self.debug = False
        self.is_quiet = False
        self.is_verbose = False
        self.color = "auto"
        self.held: list[Any] = []
        self.stdin: str | None = None
        self.environment: Any = None
        self.has_result = False
        self.problems: list[str] = []
        self.faults: list[Any] = []
        self.is_done = False


def wants_json(arguments: Sequence[str]) -> bool:
    """Return True if a command line asks for JSON, even if it is wrong otherwise."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = arguments[:end]
    given = {*words, *(f"{one}={two}" for one, two in pairwise(words))}
    return not given.isdisjoint({"--json", "--format=json"})


def name_environment(text: str) -> str:
    """Add the `--env` of the command line to the commands that a text names."""
    env = _find_environment(OPTIONS.arguments)
    if env is None:
        return text
    option = f" -e {shlex.quote(env)}"
    return _COMMANDS.sub(lambda found: f"{found[0]}{option}", text)


_COMMANDS: Final = re.compile(
    "flow64 (?:deploy|history|list|runs|watch [0-9a-f-]{36}|blocks sync)(?![^ `;,)]| -)"
)
"""Commands that messages name and that work on an environment."""


def _find_environment(arguments: Sequence[str]) -> str | None:
    for word, value in pairwise(arguments):
        if word in ("-e", "--env"):
            return value
    long = (one for one in arguments if one.startswith("--env="))
    return next((one.partition("=")[2] for one in long), None)


OPTIONS: Final = Options()
"""The options of the running command, also for other threads."""
