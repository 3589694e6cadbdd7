"""The options and the output of commands that print a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ..report.lines import Report
from ..report.writers import as_html, as_markdown, as_text
from ._colours import paint_report_lines
from ._output_options import choose_format, output_file
from ._terminal import format_result, print_text, write_file

F = TypeVar("F", bound=Callable[..., Any])

WRITERS: Final[Mapping[str, Callable[[Report], str]]] = {
    "text": as_text,
    "markdown": as_markdown,
    "html": as_html,
    "json": lambda report: format_result(report.data),
}

_BY_ENDING: Final[Mapping[str, str]] = {
    ".txt": "text",
    ".md": "markdown",
    ".html": "html",
    ".json": "json",
}


def report_options(command: F) -> F:
    """Add the options `--format`, `--json` and `-o`."""
    chosen = click.option(
        "--format",
        "form",
        type=click.Choice([*WRITERS]),
        help="`markdown` is a comment for a pull request, `html` a page with graphs. "
        "By default the ending of FILE decides, else it is text.",
    )
    short = click.option(
        "--json", "form", flag_value="json", help="The same as --format json."
    )
    return chosen(short(output_file("Write the report into a file.")(command)))


def choose_form(form: str | None, output: Path | None) -> str:
    """Return the form of a report.

    Raises:
        click.UsageError: The name of the file ends like one of another form.
    """
    return choose_format(form, output, _BY_ENDING) or "text"


def print_report(
    report: Report, form: str, output: Path | None, *, json_text: str | None = None
) -> None:
    """Print a report in a form, or write it to a file.

    Args:
        report: The report.
        form: The form.
        output: The file; None for stdout.
        json_text: What to print as JSON, if that is more than the data of the report.
    """
    text = WRITERS[form](report)
    if form == "json" and json_text is not None:
        text = json_text
    if output is not None:
        write_file(output, text)
    else:
        print_text(text, paint_report_lines if form == "text" else None)
