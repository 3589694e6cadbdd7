"""What is said before the command."""

from __future__ import annotations


class Options:
    """What was said before the command.

    A plain class: `flow64 --help` is to load little.

    Attributes:
        debug: Whether to show where an unexpected error came from.
    """

    def __init__(self, *, debug: bool = False) -> None:
        self.debug = debug
