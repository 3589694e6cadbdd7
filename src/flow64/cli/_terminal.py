"""Printing: messages to stderr and results to stdout, in any locale and width."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TextIO

import click
import rich.console
from rich.text import Text

from ..redaction import clean_text
from ..text import printable
from ._exit_codes import NoConsentError
from ._options import OPTIONS


class Console(rich.console.Console):
    """A console that goes quiet if its reader is gone. Rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Stop printing."""
        self.quiet = True


def relative_path(path: Path) -> str:
    """Return a path relative to the working folder, if it is below that."""
    full, here = path.absolute(), Path.cwd()
    return str(full.relative_to(here) if full.is_relative_to(here) else full)


def print_message(text: str, label: str = "", style: str = "") -> None:
    """Print a message to stderr, with control characters escaped.

    With `--quiet` it is held back until a question is asked.

    Args:
        text: One or more lines.
        label: A prefix in the style.
        style: A style of rich.
    """
    said = _style(text, label, style)
    if _is_quiet():
        del OPTIONS.held[:-_MOST_HELD]
        OPTIONS.held.append(said)
    else:
        _print(said)


def _is_quiet() -> bool:
    return OPTIONS.is_quiet and not OPTIONS.debug


def _style(text: str, label: str, style: str) -> Text:
    lines = "\n".join(printable(line) for line in text.split("\n"))
    return Text.assemble((label, style), lines)


def _print(said: Text) -> None:
    with suppress(OSError, ValueError):  # closed, or full
        is_drawn = bool(_DRAWING) and not _is_quiet()
        console = _DRAWING[-1] if is_drawn else _console()
        console.print(said)


def stderr_console() -> Console:
    """Return a console on stderr to draw on, which `--quiet` silences."""
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
"""The most messages that are held back. The oldest are dropped."""


@contextmanager
def draw_on(console: Console) -> Generator[None]:
    """Print messages above what is drawn on a console."""
    _DRAWING.append(console)
    try:
        yield
    finally:
        _DRAWING.pop()


_DRAWING: Final[list[Console]] = []
"""The consoles that are drawn on now."""


def print_error(problem: str) -> None:
    """Print an error, also with `--quiet`."""
    _print(_style(problem, "error: ", "bold red"))


def print_advice(text: str) -> None:
    """Print advice after an error, also with `--quiet`."""
    _print(_style(text, "", ""))


def print_line(line: str) -> None:
    """Print a line of the result, and flush it.

    Raises:
        click.ClickException: It cannot be written, and nothing was done before.
    """
    _write_stdout(lambda stream: print(line, file=stream, flush=True))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines of the result, with control characters escaped."""
    for line in lines:
        print_line(printable(line))


def print_paths(paths: Iterable[Path], *, as_json: bool) -> None:
    """Print the files that a command wrote."""
    if as_json:
        print_json([str(path) for path in paths])
    else:
        print_lines(map(str, paths))


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows with aligned columns. The last column may have any width.

    Keys in cells are redacted, and control characters are escaped.
    """
    shown = [[clean_text(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        print_line("  ".join(cells).rstrip())


def print_text(text: str) -> None:
    """Print a text such as JSON with the same bytes everywhere.

    Raises:
        click.ClickException: It cannot be written, and nothing was done before.
    """

    def write(stream: TextIO) -> None:
        binary = getattr(stream, "buffer", None)
        if binary is None or stream.isatty():
            stream.write(_escape(text, stream.encoding))
        else:
            stream.flush()
            binary.write(text.encode("utf-8", "backslashreplace"))
        stream.flush()

    _write_stdout(write)


def print_json(data: Any) -> None:
    """Print data as JSON.

    Raises:
        click.ClickException: It cannot be written, and nothing was done before.
    """
    print_text(format_json(data))


def format_json(data: Any) -> str:
    """Format data as indented JSON with a newline at the end."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def write_file(file: Path, text: str) -> None:
    """Write a result into a file.

    Raises:
        click.ClickException: It cannot be written.
    """
    try:
        file.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        problem = f"{file} cannot be written ({error.strerror})"
        raise click.ClickException(problem) from error
    print_message(f"written to {file}")


def find_width(stream: TextIO | None) -> int | None:
    """Return the columns of a terminal; None if the stream is not one."""
    with suppress(OSError, ValueError):  # it is closed
        if stream is not None and stream.isatty():
            own = os.get_terminal_size(stream.fileno())
            return shutil.get_terminal_size(own).columns
    return None


def is_interactive() -> bool:
    """Return True if a person can answer questions."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def may_ask(*, yes: bool) -> bool:
    """Return True if a person can answer, and `--yes` was not given."""
    return not yes and is_interactive()


def confirm(question: str, *, yes: bool) -> None:
    """Ask for consent, unless `--yes` was given.

    Raises:
        NoConsentError: The answer is no, or there is no terminal to ask at.
    """
    if yes:
        return
    if not is_interactive():
        raise NoConsentError("there is no terminal to ask at; agree with --yes")
    flush_messages()
    if not click.confirm(printable(question), err=True):
        raise NoConsentError("nothing was sent")


def flush_messages() -> None:
    """Print the messages that were held back, before a question about them."""
    while OPTIONS.held:
        _print(OPTIONS.held.pop(0))


def _escape(text: str, encoding: str) -> str:
    """Escape control characters in JSON for a terminal. The data stays the same."""
    return "".join(
        character
        if character == "\n"
        or (character.isprintable() and _can_encode(encoding, character))
        else json.dumps(character)[1:-1]
        for character in text
    )


def _can_encode(encoding: str | None, character: str) -> bool:
    if encoding is None:  # a stream of another program, which takes any text
        return True
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _write_stdout(write: Callable[[TextIO], None]) -> None:
    if sys.stdout is None:  # started with a closed stdout, as by `>&-`
        return
    try:
        write(sys.stdout)
    except BrokenPipeError:
        _silence(sys.stdout)  # the reader needs no more, such as `head`
    except (OSError, ValueError) as error:
        _silence(sys.stdout)
        problem = f"stdout cannot be written to: {error}"
        if not OPTIONS.is_done:
            raise click.ClickException(problem) from error
        print_error(
            f"{problem}; what was done is done, and the exit code is about that"
        )


def _silence(stream: TextIO) -> None:
    """Discard buffered output, which Python would try to write again at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
