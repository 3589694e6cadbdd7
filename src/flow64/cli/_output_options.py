"""The option `-o`: a file or a folder, or `-` for stdout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ._param_types import PathName
from ._params import option_error
from ._stdin import is_dash

ROW_FILES: Final = (".csv", ".json", ".ndjson", ".tsv", ".xlsx")
"""Suffixes that no folder has."""

F = TypeVar("F", bound=Callable[..., Any])


def output_file(words: str, ending: str = "") -> Callable[[F], F]:
    """Make the option `-o FILE`. Its value is None for `-`, which is stdout.

    Args:
        words: The help text.
        ending: What the name of the file has to end in; empty for anything.
    """

    def check(given: Path) -> Path | None:
        if is_dash(given):
            return None
        if not given.name.lower().endswith(ending):
            raise option_error("--output", f"{given} does not end in {ending}")
        return given

    return _output_option("FILE", f"{words} - is stdout.", check)


def private_output_file(words: str) -> Callable[[F], F]:
    """Make the option `-o FILE` for a file that only its owner can read."""

    def check(given: Path) -> Path:
        if is_dash(given):
            problem = "only you can read what is saved, so it is not for stdout"
            raise option_error("--output", f"{problem}; name a file")
        return given

    return _output_option("FILE", words, check)


def rows_file(words: str) -> Callable[[F], F]:
    """Make the option `-o FILE` for rows, which `flow64 run` checks itself."""
    return _output_option("FILE", words, lambda given: given)


def output_folder(metavar: str, words: str, *, may_be_stdout: bool) -> Callable[[F], F]:
    """Make the option `-o FOLDER`. Its value is None for `-`, if it may be stdout."""

    def check(given: Path) -> Path | None:
        if not is_dash(given):
            return given
        if not may_be_stdout:
            raise option_error("--output", f"{metavar} is a folder, and - is stdout")
        return None

    return _output_option(metavar, words, check, is_folder=True)


def choose_format(
    form: str | None, output: Path | None, by_ending: Mapping[str, str]
) -> str | None:
    """Return the given format, or that of the ending of a file; None if unknown.

    Raises:
        click.UsageError: The name of the file ends like one of another format.
    """
    ending = "" if output is None else output.suffix.lower()
    of_name = by_ending.get(ending)
    if form is not None and ending and of_name not in (None, form):
        problem = f"{output} ends like a file of {of_name}, and not of {form}"
        raise option_error("--format", f"{problem}; leave --format out")
    return form or of_name


def results_path(words: str) -> Callable[[F], F]:
    """Make the option `-o PATH` for a file or a folder, which must be given."""
    return click.option(
        "-o", "--output", type=PathName(), metavar="PATH", required=True, help=words
    )


def _output_option(
    metavar: str,
    words: str,
    check: Callable[[Path], Path | None],
    *,
    is_folder: bool = False,
    required: bool = False,
) -> Callable[[F], F]:
    return click.option(
        "-o",
        "--output",
        type=PathName(dir_okay=is_folder, allow_dash=True),
        metavar=metavar,
        required=required,
        callback=lambda _, __, given: None if given is None else check(given),
        help=words,
    )
