"""What people are told: on stderr, in any locale and width, also where nobody reads."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, Final, TextIO

import click
import rich.console
from rich.text import Text

from ..diagnostics import printable
from ._outcomes import RefusedError


class Console(rich.console.Console):
    """Goes quiet where the other end is gone; rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Say no more."""
        self.quiet = True


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
        console = _DRAWING[-1] if _DRAWING else stderr_console()
        console.print(said)


def stderr_console() -> Console:
    """The terminal of stderr, or whatever is there instead."""
    plain = False if os.environ.get("NO_COLOR") else None
    # Long lines are left to the terminal, so that addresses stay whole.
    return Console(stderr=True, highlight=False, soft_wrap=True, force_terminal=plain)


@contextmanager
def drawing(console: Console) -> Generator[None]:
    """Let what is told meanwhile stand above what a console draws."""
    _DRAWING.append(console)
    try:
        yield
    finally:
        _DRAWING.pop()


_DRAWING: Final[list[Console]] = []
"""Consoles that something is drawn on."""


def complain(problem: str) -> None:
    """Tell people what went wrong."""
    talk(problem, "error: ", "bold red")


def give(line: str) -> None:
    """Write a line of the result, at once.

    Raises:
        click.ClickException: It cannot be written.
    """
    _written(lambda stream: print(line, file=stream, flush=True))


def give_text(text: str) -> None:
    """Write a text of ours as it is, the same bytes everywhere; JSON for example.

    Raises:
        click.ClickException: It cannot be written.
    """

    def write(stream: TextIO) -> None:
        binary = getattr(stream, "buffer", None)
        if binary is None or stream.isatty():
            stream.write(_shown(text, stream.encoding))
        else:
            stream.flush()
            binary.write(text.encode("utf-8", "backslashreplace"))
        stream.flush()

    _written(write)


def give_data(data: Any) -> None:
    """Write data as JSON.

    Raises:
        click.ClickException: It cannot be written.
    """
    give_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def is_interactive() -> bool:
    """Whether somebody is there who can be asked."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def agreed(question: str, *, yes: bool, instead: str = "--yes") -> None:
    """Ask, unless it was agreed to beforehand.

    Args:
        question: What is asked.
        yes: Whether it was agreed to.
        instead: What to say on the command line where nobody can be asked.

    Raises:
        RefusedError: The answer is no, or nobody can be asked.
    """
    if yes:
        return
    if not is_interactive():
        raise RefusedError(f"nobody can be asked here; agree with {instead}")
    if not click.confirm(printable(question), err=True):
        raise RefusedError("nothing was sent")


def _shown(text: str, encoding: str) -> str:
    """JSON for a terminal: the same data, with escapes for what would steer it."""
    return "".join(
        character
        if character == "\n" or (character.isprintable() and _has(encoding, character))
        else json.dumps(character)[1:-1]
        for character in text
    )


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _written(write: Callable[[TextIO], None]) -> None:
    if sys.stdout is None:  # started with a closed stdout, as by `>&-`
        return
    try:
        write(sys.stdout)
    except (OSError, ValueError) as error:
        _silence(sys.stdout)
        raise click.ClickException(f"stdout cannot be written to: {error}") from error


def _silence(stream: TextIO) -> None:
    """Let what waits to be written go nowhere; Python tries it again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
