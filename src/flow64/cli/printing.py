"""Printing: results to stdout and messages to stderr, in any locale and width.

The rooms below make plain texts, which are the same with and without colours. rich adds
the colours by the marks at the start of lines, such as `+` or `error[code]`.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TextIO

import click
import rich.console
from cattrs import Converter
from rich.cells import cell_len
from rich.console import RenderableType
from rich.highlighter import RegexHighlighter
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from ..diagnostics import as_text, summary
from ..errors import CompileError
from ..files import relative_path
from ..report.lines import Report
from ..report.writers import as_html, as_markdown
from ..report.writers import as_text as as_report
from ..secrets import clean_text, mask
from ..text import join_names, printable
from . import errors
from .commands import STATE

FORMAT_VERSION: Final = 1
"""The version of what `--json` prints. It is raised if a key goes or changes its
meaning, and not for new keys."""

WIDEST: Final = 10_000
"""Columns of a pipe, and of a table that is too wide: nothing is cut or wrapped."""


class Marks(RegexHighlighter):
    """Colours lines by what they begin with. The colours suit any theme."""

    base_style = "flow64."
    highlights: ClassVar[Sequence[str]] = [
        r"(?m)^(?P<green>\+ .*)$",
        r"(?m)^(?P<red>- .*)$",
        r"(?m)^(?P<yellow>! .*)$",
        r"(?m)^(?P<group>@@ .*)$",
        r"(?m)^(?P<cyan>[^ \n].*:[0-9]+) (?=(?:error|warning|note)\[)",
        r"(?m)^(?:.*:[0-9]+ )?(?P<error>error)(?:\[[a-z0-9-]+\]|:)",
        r"(?m)^(?:.*:[0-9]+ )?(?P<warning>warning)(?:\[[a-z0-9-]+\]|:)",
        r"(?m)^(?:.*:[0-9]+ )?(?P<note>note)\[[a-z0-9-]+\]",
        r"(?m)^ +(?P<yellow>\^+)$",
        r"(?m)^(?P<green>created|updated|stamped|deleted|completed|same)\b",
        r"(?m)^(?P<red>failed|timeout|terminated|unknown|gone)\b",
        r"(?m)^(?P<yellow>cancelled|skipped|not tried|changed|new)\b",
        r"(?m)(?P<red>: failed\b)",
    ]


_THEME: Final = Theme(
    {
        "flow64.group": "bold cyan",
        "flow64.error": "bold red",
        "flow64.warning": "bold yellow",
        "flow64.note": "bold cyan",
        **{f"flow64.{name}": name for name in ("red", "green", "yellow", "cyan")},
    }
)


class Console(rich.console.Console):
    """A console for plain texts. It goes quiet if its reader is gone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            theme=_THEME,
            highlighter=Marks(),
            markup=False,
            emoji=False,
            soft_wrap=True,
            # rich would leave bold and underlined texts.
            color_system=None if os.environ.get("NO_COLOR") else "auto",
            **options,
        )

    def on_broken_pipe(self) -> None:
        """Stop printing. rich would end the program."""
        self.quiet = True


# -- Results --------------------------------------------------------------------------


class CommandResult(Protocol):
    """The result of a command: an attrs class. Its fields are its JSON."""

    def __rich__(self) -> RenderableType:
        """Return it as a text or a table. An empty text prints nothing."""
        ...


CONVERTER: Final = Converter(omit_if_default=False)
CONVERTER.register_unstructure_hook(Path, str)


def emit(result: CommandResult) -> None:
    """Print the result of a command: with `--json` its fields, else its text.

    Raises:
        click.ClickException: It cannot be written, and nothing was done before.
    """
    if STATE.is_json:
        emit_data(mask(CONVERTER.unstructure(result)))
    elif shown := result.__rich__():
        show(shown)


def emit_data(data: Mapping[str, Any], *, is_line: bool = False) -> None:
    """Print data as one JSON object, with the version of its form.

    Args:
        data: The result.
        is_line: Whether it is one line, as of an event or an error.
    """
    STATE.has_result = not is_line
    whole = {"format_version": FORMAT_VERSION, **data}
    write(format_json(whole, indent=None if is_line else 2))


def format_json(data: Any, *, indent: int | None = 2) -> str:
    """Return data as JSON with a newline at the end."""
    return json.dumps(data, indent=indent, ensure_ascii=False) + "\n"


def show(shown: RenderableType) -> None:
    """Print a text or a table of the result, for people."""
    if isinstance(shown, str):
        shown = _escape_lines(shown.rstrip("\n"))
    screen, page = Console(), io.StringIO()
    console = Console(file=page, force_terminal=screen.is_terminal, width=WIDEST)
    if screen.is_terminal and getattr(shown, "least", 0) <= screen.width:
        console.width = screen.width
    console.print(shown, soft_wrap=isinstance(shown, str))
    text = re.sub(r" +$", "", page.getvalue(), flags=re.MULTILINE)
    _send(lambda stream: stream.write(text))


def write(text: str) -> None:
    """Print data such as JSON, with the same bytes everywhere.

    On a terminal, what would steer it is escaped as in JSON and in Python.
    """

    def send(stream: TextIO) -> None:
        binary = getattr(stream, "buffer", None)
        if binary is None or stream.isatty():
            stream.write("".join(map(_escape, text)))
        else:
            stream.flush()
            binary.write(text.encode("utf-8", "backslashreplace"))

    _send(send)


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


REPORTS: Final = {".txt": "text", ".md": "markdown", ".html": "html", ".json": "json"}
"""The forms of a report, by the endings of their files."""


def find_form(output: Path | None, endings: Mapping[str, str]) -> str:
    """Return the form of a file by its ending; without one, it is text.

    Raises:
        click.UsageError: The ending is of no form, such as `.png`.
    """
    suffix = "" if output is None else output.suffix.lower()
    if not suffix:
        return "text"
    if suffix not in endings:
        problem = f"the ending of {output} is none of {', '.join(endings)}"
        raise click.UsageError(f"{problem}; name another file, or a --format")
    return endings[suffix]


def emit_report(
    report: Report, form: str | None, output: Path | None = None, *, data: str = ""
) -> None:
    """Print a report in one of its forms, or write it into a file.

    Args:
        report: The report.
        form: The form; by default the ending of the file decides, else it is text.
        output: The file; None for stdout.
        data: What JSON has, if that is more than the data of the report.
    """
    form = form or find_form(output, REPORTS)
    writers = {"markdown": as_markdown, "html": as_html, "text": as_report}
    whole = {"format_version": FORMAT_VERSION, **report.data}
    text = writers[form](report) if form in writers else data or format_json(whole)
    if output is not None:
        write_file(output, text)
    elif form == "text":
        show(text)
    else:
        write(text)
    STATE.has_result = True


class WrappingTable(Table):
    """A table. It wraps its last column, if the terminal has `least` columns."""

    least = 0


def make_table(items: Iterable[object], columns: Mapping[str, str]) -> RenderableType:
    """Return items as a table, without keys and control characters.

    Only the last column is wrapped. A pipe gets no header, as from `gh`: each line is a
    row.

    Args:
        items: The items, one for each row: objects or mappings.
        columns: The attribute or key of each column, by its title.
    """
    header = [*columns]
    lines = [
        [_as_cell(_read(item, name)) for name in columns.values()] for item in items
    ]
    widths = [
        max(map(cell_len, cells)) + 2 for cells in zip(header, *lines, strict=True)
    ]
    table = WrappingTable(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.least = sum(widths[:-1]) + min(widths[-1] - 2, 20)
    table.show_header = Console().is_terminal
    for name in header:
        table.add_column(name, no_wrap=name != header[-1], overflow="fold")
    marks = Marks()
    for line in lines:
        table.add_row(*map(marks, map(Text, line)))
    return table if table.row_count else ""


def _read(item: object, name: str) -> object:
    return item[name] if isinstance(item, Mapping) else getattr(item, name)


def _as_cell(content: object) -> str:
    if isinstance(content, Path):
        return name_file(content)
    return clean_text("-" if content is None else content)


def name_file(file: Path) -> str:
    """Return the name of a file for people."""
    return printable(relative_path(file))


# -- Messages -------------------------------------------------------------------------


def message(text: str) -> None:
    """Print a message to stderr, with control characters escaped; not with `-q`."""
    if not STATE.is_quiet:
        tell(text)


def tell(text: str) -> None:
    """Print a message to stderr, also with `-q`."""
    if sys.stderr is None:
        return
    try:
        stderr().print(_escape_lines(text))
    except (OSError, ValueError):  # it is closed, or full
        _silence(sys.stderr)


def error(problem: str) -> None:
    """Print an error, also with `-q`."""
    STATE.problems.append(problem)
    tell(f"error: {problem}")


def report(failure: Exception) -> int:
    """Print an error, also as JSON if asked for, and return its exit code."""
    for note in getattr(failure, "notes", ()):
        message(note)
    error(errors.describe(failure, find_width(sys.stderr)))
    code = errors.find_exit_code(failure)
    report_failure(code, failure)
    return code


def report_failure(code: int, failure: Exception | None = None) -> None:
    """Print why a command failed as a line of JSON, if it has no other JSON."""
    if not STATE.wants_json or STATE.has_result or code in (0, errors.CHANGES):
        return
    with suppress(click.ClickException):  # stdout cannot be written, which was said
        emit_data({"error": errors.as_data(code, failure)}, is_line=True)


def report_faults(faults: Sequence[tuple[str, Exception]]) -> None:
    """Print the errors of workflows; the same errors of variants once."""
    STATE.faults += faults
    alike: dict[str, list[str]] = {}
    for name, fault in faults:
        if isinstance(fault, CompileError):
            text = as_text(fault.findings, find_width(sys.stderr))
            text = f"{summary(fault.findings)}\n\n{text}"
        else:
            text = errors.describe(fault)
        alike.setdefault(text, []).append(name)
    for text, names in alike.items():
        error(f"{join_names(names)}: {text}".rstrip())


def stderr() -> Console:
    """Return the console of all messages, on which progress is drawn too."""
    if STATE.console is None:
        STATE.console = Console(stderr=True)
    return STATE.console  # type: ignore[no-any-return] # the state loads no rich


def is_interactive() -> bool:
    """Return True if a person can answer questions."""
    try:
        return sys.stdin.isatty() and sys.stderr.isatty()
    except (AttributeError, ValueError):  # there is none, or it is closed
        return False


def confirm(question: str, *, yes: bool) -> None:
    """Ask for consent, unless `--yes` was given.

    Raises:
        errors.NoConsentError: The answer is no, or there is no terminal to ask at.
    """
    if yes:
        return
    if not is_interactive():
        why = "there is no terminal to ask at"
        if STATE.has_read_stdin:
            why = "ROWS is stdin, so you cannot be asked"
        raise errors.NoConsentError(f"{why}; agree with --yes")
    if not click.confirm(printable(question), err=True):
        raise errors.NoConsentError("nothing was sent")


def find_width(stream: TextIO | None) -> int | None:
    """Return the columns of a terminal; None if the stream is not one."""
    console = Console(file=stream)
    return console.width if stream is not None and console.is_terminal else None


# -- Streams --------------------------------------------------------------------------


def _escape_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def _escape(character: str) -> str:
    if character == "\n" or character.isprintable():
        return character
    return json.dumps(character)[1:-1]


def _send(write_to: Any) -> None:
    if sys.stdout is None:  # started with a closed stdout, as by `>&-`
        return
    try:
        write_to(sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)  # the reader needs no more, such as `head`
    except (OSError, ValueError) as failure:
        _silence(sys.stdout)
        problem = f"stdout cannot be written to: {failure}"
        if not STATE.is_done:
            raise click.ClickException(problem) from failure
        error(f"{problem}; what was done is done, and the exit code is about that")


def _silence(stream: TextIO) -> None:
    """Discard buffered output, which Python would try to write again at exit."""
    with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), stream.fileno())
