"""Options of every command, given before it or after it."""

from __future__ import annotations

from typing import Any, Final


class Options:
    """The options that hold for every command.

    A plain class: `flow64 --help` is to load little.

    Attributes:
        command: The command that is carried out.
        debug: Whether to show where an unexpected error came from.
        is_quiet: Whether to print only errors and questions.
        is_verbose: Whether to print each request.
        color: Whether to print colours: `auto`, `always` or `never`.
        held: Messages that `--quiet` holds back. They are printed before a question.
        stdin: What was read from stdin; None if nothing was.
        environment: The environment that was used last; None before that.
        is_done: Whether anything was written to the service. The exit code is about
            that, even if stdout fails afterwards.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Reset all options for another command line."""
        self.command = ""
        self.debug = False
        self.is_quiet = False
        self.is_verbose = False
        self.color = "auto"
        self.held: list[Any] = []
        self.stdin: str | None = None
        self.environment: Any = None
        self.is_done = False


OPTIONS: Final = Options()
"""The options of the running command, also for other threads."""
