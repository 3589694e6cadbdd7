"""The command `flow64`, with one module for each command.

A command parses, calls a public function, prints, and returns an exit code. Results go
to stdout, messages to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

if find_spec("click") and find_spec("rich"):
    from .commands import COMMANDS, GROUPS, group, main
else:

    def main(arguments: Sequence[str] | None = None) -> int:  # noqa: ARG001 - the form of main
        """Say what to install, since the command needs its extra."""
        from ..errors import missing_extra  # noqa: PLC0415 - help loads little

        problem = missing_extra("the command flow64", "cli")
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 - rich is missing
        return 1


__all__ = ["COMMANDS", "GROUPS", "group", "main"]
