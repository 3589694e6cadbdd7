"""What people are told: on stderr, in any locale and width, also where nobody reads."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TextIO

import click
import rich.console
from rich.text import Text

from ..text import printable
from ._exit_codes import RefusedError
from ._options import SAID


class Console(rich.console.Console):
    """Goes quiet where the other end is gone; rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Say no more."""
        self.quiet = True


def from_here(path: Path) -> str:
    """A path as it is written from the working folder, where it is below that."""
    full, here = path.absolute(), Path.cwd()
    return str(full.relative_to(here) if full.is_relative_to(here) else full)


def talk(text: str, label: str = "", style: str = "") -> None:
    """Tell people something; control characters are shown as escapes.

    Where `--quiet` was said it is held back, until something is asked.

    Args:
        text: One or more lines.
        label: What stands before it, in a style.
        style: A style of rich, where the terminal has any.
    """
    said = _styled(text, label, style)
    if _is_quiet():
        del SAID.held[:-_MOST_HELD]
        SAID.held.append(said)
    else:
        _tell(said)


def _is_quiet() -> bool:
    return SAID.is_quiet and not SAID.debug


def _styled(text: str, label: str, style: str) -> Text:
    lines = "\n".join(printable(line) for line in text.split("\n"))
    return Text.assemble((label, style), lines)


def _tell(said: Text) -> None:
    with suppress(OSError, ValueError):  # closed, or full: then nobody reads it
        is_drawn = bool(_DRAWING) and not _is_quiet()
        console = _DRAWING[-1] if is_drawn else _console()
        console.print(said)


def stderr_console() -> Console:
    """The terminal of stderr, or whatever is there instead; quiet where that is said.

    What is to be drawn is drawn on it.
    """
    return _console(is_quiet=_is_quiet())


def _console(*, is_quiet: bool = False) -> Console:
    plain = False if os.environ.get("NO_COLOR") else None
    # Long lines are left to the terminal, so that addresses stay whole.
    return Console(
        stderr=True,
        highlight=False,
        soft_wrap=True,
        force_terminal=plain,
        quiet=is_quiet,
    )


_MOST_HELD: Final = 1000
"""How many things are held back at most; the newest ones."""


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
    """Tell people what went wrong, however quiet it is to be."""
    _tell(_styled(problem, "error: ", "bold red"))


def advise(text: str) -> None:
    """Tell people how to go on after what went wrong, however quiet it is to be."""
    _tell(_styled(text, "", ""))


def give(line: str) -> None:
    """Write a line of the result, at once.

    Raises:
        click.ClickException: It cannot be written, and was all that there was to do.
    """
    _written(lambda stream: print(line, file=stream, flush=True))


def give_text(text: str) -> None:
    """Write a text of ours as it is, the same bytes everywhere; JSON for example.

    Raises:
        click.ClickException: It cannot be written, and was all that there was to do.
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
        click.ClickException: It cannot be written, and was all that there was to do.
    """
    give_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")


def is_interactive() -> bool:
    """Whether somebody is there who can be asked."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def may_ask(*, yes: bool) -> bool:
    """Whether there is somebody to ask, and nothing was agreed to beforehand."""
    return not yes and is_interactive()


def agreed(question: str, *, yes: bool) -> None:
    """Ask, unless it was agreed to beforehand.

    Args:
        question: What is asked.
        yes: Whether it was agreed to.

    Raises:
        RefusedError: The answer is no, or nobody can be asked.
    """
    if yes:
        return
    if not is_interactive():
        raise RefusedError("nobody can be asked here; agree with --yes")
    tell_held()
    if not click.confirm(printable(question), err=True):
        raise RefusedError("nothing was sent")


def tell_held() -> None:
    """Tell what was held back: something is asked, and that is about it."""
    while SAID.held:
        _tell(SAID.held.pop(0))


def _shown(text: str, encoding: str) -> str:
    """JSON for a terminal: the same data, with escapes for what would steer it."""
    return "".join(
        character
        if character == "\n" or (character.isprintable() and _has(encoding, character))
        else json.dumps(character)[1:-1]
        for character in text
    )


def _has(encoding: str | None, character: str) -> bool:
    if encoding is None:  # a stream of somebody's program, which takes any text
        return True
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
    except BrokenPipeError:
        _silence(sys.stdout)  # whoever read it has enough, as `head` has
    except (OSError, ValueError) as error:
        _silence(sys.stdout)
        problem = f"stdout cannot be written to: {error}"
        if not SAID.is_done:
            raise click.ClickException(problem) from error
        complain(f"{problem}; what was done is done, and the exit code is about that")


def _silence(stream: TextIO) -> None:
    """Let what waits to be written go nowhere; Python tries it again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
