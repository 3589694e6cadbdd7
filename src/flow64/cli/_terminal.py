"""What people are told: on stderr, in any locale and width, also where nobody reads."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

import click
from rich.console import Console
from rich.text import Text

from ..diagnostics import printable


class _Console(Console):
    """Goes quiet where the other end is gone; rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Say no more."""
        self.quiet = True


def careful(*streams: TextIO | None) -> None:
    """Let streams write what their encoding lacks as escapes, and not fail at it."""
    for stream in streams:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and getattr(stream, "errors", "") == "strict":
            reconfigure(errors="backslashreplace")


def talk(text: str, label: str = "", style: str = "") -> None:
    """Tell people something; control characters are shown as escapes.

    Args:
        text: One or more lines.
        label: What stands before it, in a style.
        style: A style of rich, where the terminal has any.
    """
    lines = "\n".join(printable(line) for line in text.split("\n"))
    said = Text.assemble((label, style), lines)
    with suppress(OSError, ValueError):  # closed, or full: then nobody reads it
        # Long lines are left to the terminal, so that addresses stay whole.
        plain = False if os.environ.get("NO_COLOR") else None
        console = _Console(
            stderr=True, highlight=False, soft_wrap=True, force_terminal=plain
        )
        console.print(said)


def complain(problem: str) -> None:
    """Tell people what went wrong."""
    talk(problem, "error: ", "bold red")


def give(line: str) -> None:
    """Write a line of the result, at once.

    Raises:
        click.ClickException: It cannot be written.
    """
    if sys.stdout is None:  # started with a closed stdout, as by `>&-`
        return
    try:
        print(line, flush=True)  # noqa: T201 - this is the command's result
    except (OSError, ValueError) as error:
        _silence(sys.stdout)
        raise click.ClickException(f"stdout cannot be written to: {error}") from error


def _silence(stream: TextIO) -> None:
    """Let what waits to be written go nowhere; Python tries it again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
