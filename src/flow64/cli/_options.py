"""What holds for every command, said before it or with it."""

from __future__ import annotations

from typing import Any, Final


class Options:
    """What was said that holds for every command.

    A plain class: `flow64 --help` is to load little.

    Attributes:
        command: The command that is carried out.
        debug: Whether to show where an unexpected error came from.
        is_quiet: Whether to tell no more than errors, and what is asked.
        is_verbose: Whether to tell of each request.
        held: What was not told yet since all is quiet; told where something is asked,
            which is about it.
        environment: The environment that was last worked with; None before that.
        is_done: Whether anything was written to the service: what became of that is
            the exit code then, also where it cannot be told.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget what was said: another command line begins."""
        self.command = ""
        self.debug = False
        self.is_quiet = False
        self.is_verbose = False
        self.held: list[Any] = []
        self.environment: Any = None
        self.is_done = False


SAID: Final = Options()
"""What the command line says that is being carried out; also for other threads."""
