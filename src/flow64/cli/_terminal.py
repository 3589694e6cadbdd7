"""Printing: messages to stderr and results to stdout, in any locale and width."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, TextIO

import click
import rich.console
from rich.text import Text

from ..files import relative_path
from ..text import printable
from ._colours import Painter, has_colours, paint_findings
from ._exit_codes import NoConsentError
from ._options import OPTIONS


class Console(rich.console.Console):
    """A console that goes quiet if its reader is gone. Rich would end the program."""

    def on_broken_pipe(self) -> None:
        """Stop printing."""
        self.quiet = True


def print_message(text: str, painter: Painter | None = None) -> None:
    """Print a message to stderr, with control characters escaped.

    With `--quiet` it is held back until a question is asked.

    Args:
        text: One or more lines.
        painter: Adds the colours.
    """
    said = _escape_lines(text)
    if _is_quiet():
        del OPTIONS.held[:-_MOST_HELD]
        OPTIONS.held.append((said, painter))
    else:
        _print(said, painter)


def _is_quiet() -> bool:
    return OPTIONS.is_quiet and not OPTIONS.debug


def _escape_lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _print(said: str, painter: Painter | None) -> None:
    _write_stderr(_finish(said, painter, sys.stderr))


def _write_stderr(shown: str) -> None:
    if _DRAWING and not _is_quiet():
        _DRAWING[-1].print(Text.from_ansi(shown))
    elif sys.stderr is not None:
        try:
            sys.stderr.write(f"{shown}\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # closed, or full
            _silence(sys.stderr)


def stderr_console() -> Console:
    """Return a console on stderr to draw on, which `--quiet` silences."""
    stream = sys.stderr
    return Console(
        stderr=True,
        highlight=False,
        soft_wrap=True,
        # Bars need a terminal, whether or not it has colours.
        force_terminal=None if stream is None else stream.isatty(),
        color_system="standard" if has_colours(stream) else None,
        quiet=_is_quiet(),
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
    OPTIONS.problems.append(problem)
    _print(_escape_lines(f"error: {problem}"), paint_findings)


def print_advice(text: str) -> None:
    """Print advice after an error, also with `--quiet`."""
    _print(_escape_lines(text), None)


def _finish(text: str, painter: Painter | None, stream: TextIO | None) -> str:
    """Return a text as a stream gets it: with colours, if the stream has them."""
    if painter is None or not has_colours(stream):
        return text
    return painter(text)


def print_line(line: str) -> None:
    """Print a line of the result, and flush it.

    Raises:
        click.ClickException: It cannot be written, and nothing was done before.
    """
    _write_stdout(lambda stream: print(line, file=stream, flush=True))


def print_lines(lines: Iterable[str], painter: Painter | None = None) -> None:
    """Print lines of the result for people, with control characters escaped."""
    if shown := [*map(printable, lines)]:
        print_line(_finish("\n".join(shown), painter, sys.stdout))


def print_paths(paths: Iterable[Path], *, as_json: bool) -> None:
    """Print the files that a command wrote."""
    if as_json:
        print_json({"files": [str(path) for path in paths]})
    else:
        for path in paths:
            print_line(printable(relative_path(path)))


def print_text(text: str, painter: Painter | None = None) -> None:
    """Print a text such as JSON with the same bytes everywhere.

    Args:
        text: The text.
        painter: Adds the colours to a text for people.

    Raises:
        click.ClickException: It cannot be written, and nothing was done before.
    """

    def write(stream: TextIO) -> None:
        binary = getattr(stream, "buffer", None)
        if binary is None or stream.isatty():
            stream.write(_finish(_escape(text, stream.encoding), painter, stream))
        else:
            stream.flush()
            shown = _finish(text, painter, stream)
            binary.write(shown.encode("utf-8", "backslashreplace"))
        stream.flush()

    _write_stdout(write)


FORMAT_VERSION: Final = 1
"""The version of what `--json` prints. It is raised if a key goes or changes its
meaning, and not for new keys."""


def print_json(data: Mapping[str, Any], *, is_line: bool = False) -> None:
    """Print the result of a command as one JSON object, with the version of its form.

    Args:
        data: The result.
        is_line: Whether it is one line, as of an event or an error.

    Raises:
        click.ClickException: It cannot be written, and nothing was done before.
    """
    OPTIONS.has_result = not is_line
    print_text(format_result(data, indent=None if is_line else 2))


def format_result(data: Mapping[str, Any], *, indent: int | None = 2) -> str:
    """Format the result of a command as JSON, with the version of its form."""
    return format_json({"format_version": FORMAT_VERSION, **data}, indent=indent)


def format_json(data: Any, *, indent: int | None = 2) -> str:
    """Format data as JSON with a newline at the end."""
    return json.dumps(data, indent=indent, ensure_ascii=False) + "\n"


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
    print_message(f"written to {relative_path(file)}")


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
        why = (
            f"{OPTIONS.stdin} is stdin, so you cannot be asked" if OPTIONS.stdin else ""
        )
        raise NoConsentError(
            f"{why or 'there is no terminal to ask at'}; agree with --yes"
        )
    flush_messages()
    if not click.confirm(printable(question), err=True):
        raise NoConsentError("nothing was sent")


def flush_messages() -> None:
    """Print the messages that were held back, before a question about them."""
    while OPTIONS.held:
        _print(*OPTIONS.held.pop(0))


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
