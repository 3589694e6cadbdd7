"""Reading stdin, which the argument `-` stands for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..text import DASH
from ._options import OPTIONS
from ._terminal import print_advice


def is_dash(given: str | Path | None) -> bool:
    """Return True if an argument stands for stdin or stdout."""
    return given is not None and str(given) == DASH


def read_stdin(what: str, form: str) -> bytes:
    """Read all of stdin, once for each command.

    Args:
        what: The argument or option that is `-`, such as `ROWS`.
        form: What is expected there, for a person who types it.

    Raises:
        click.UsageError: Something else was read from stdin, or it is closed or empty.
    """
    if OPTIONS.stdin is not None:
        both = f"{OPTIONS.stdin} and {what}"
        raise click.UsageError(f"{both} cannot both be stdin: name a file for one")
    OPTIONS.stdin = what
    stream = sys.stdin
    if stream is None:
        raise click.UsageError(f"{what} is -, and stdin is closed")
    if stream.isatty():
        print_advice(f"reading {what} from the terminal: {form}; Ctrl-D ends it")
    binary = getattr(stream, "buffer", None)
    content = stream.read().encode() if binary is None else binary.read()
    if not content.strip():
        raise click.UsageError(f"{what} is -, and stdin is empty")
    return bytes(content)
