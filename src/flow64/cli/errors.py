"""Errors of a command: their exit codes, and how they are printed."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from .. import errors
from ..secrets import mask
from ..text import printable
from .commands import STATE

FAILED: Final = 1
"""It failed, or there are errors in workflows."""

CHANGES: Final = 2
"""There are differences, and `--exit-code` was given."""

REFUSED: Final = 3
"""Nothing was done: it would overwrite, pay or repeat something without consent."""

UNKNOWN: Final = 4
"""The outcome is unknown: it may have been done or not."""

USAGE: Final = 64
"""The command line is wrong."""

INTERRUPTED: Final = 130
"""Ctrl-C ended it."""

CODES: Final[Mapping[type[errors.FlowError], int]] = {
    errors.OutcomeUnknownError: UNKNOWN,
    errors.ConsentError: REFUSED,
    errors.RunError: REFUSED,
    errors.StalePlanError: REFUSED,
}
"""The exit codes of errors and their subclasses. All others are `FAILED`."""


class NoConsentError(click.ClickException):
    """Nothing was sent, since there was no consent."""

    exit_code = REFUSED


def find_exit_code(error: BaseException) -> int:
    """Return the exit code of an error."""
    if isinstance(error, click.UsageError):
        return USAGE
    if isinstance(error, click.ClickException):
        return error.exit_code
    if getattr(error, "is_usage", False):
        return USAGE
    if getattr(error, "is_earlier", False):  # the run of an earlier call failed
        return REFUSED
    codes = (CODES[cls] for cls in type(error).__mro__ if cls in CODES)
    return next(codes, FAILED)


def describe(error: Exception, width: int | None = None) -> str:
    """Return what is wrong, and what to write on the command line.

    Args:
        error: The error.
        width: Columns of the terminal; None to cut no source line.
    """
    match error:
        case click.UsageError():
            # The errors of click's parser have no context.
            path = error.ctx.command_path if error.ctx else f"flow64 {STATE.command}"
            problem = error.format_message().removesuffix(".")
            return f"{problem} (see {path.rstrip()} --help)"
        case click.ClickException():
            return error.message
        case errors.CompileError():
            named = errors.compile_error(error.workflow, error.findings, width)
            return named.message
        case errors.SourceError(traceback=str(trace)) if trace and STATE.is_verbose:
            return f"{error}\n{trace}"
        case errors.FlowError():
            advice = find_advice(error)
            problem = error.message or str(error)
            return f"{problem}; {advice}" if advice else problem
        case _:
            return _describe_crash(error)


def find_advice(error: Exception) -> str:
    """Return what to write on the command line instead; it may be empty."""
    if not isinstance(error, errors.FlowError):
        return ""
    return error.hint if error.option is None else error.option


def as_data(code: int, error: Exception | None = None) -> dict[str, Any]:
    """Return why a command failed, as JSON data.

    `type` is the class of the error. `help` is the option that helps, if there is one.
    `workflows` are those that have errors, if these are the reason.
    """
    cause = error or next((fault for _, fault in STATE.faults), None)
    kind = "Interrupted" if code == INTERRUPTED else "Failed"
    if isinstance(cause, click.UsageError):
        kind = "UsageError"
    elif cause is not None and type(cause) is not click.ClickException:
        kind = type(cause).__name__
    return {
        "type": kind,
        "message": mask("\n".join(STATE.problems)),
        "help": mask(find_advice(cause) if cause else "") or None,
        "exit_code": code,
        "workflows": [
            {
                "key": mask(key),
                "type": type(fault).__name__,
                "findings": [f.as_data() for f in getattr(fault, "findings", ())],
            }
            for key, fault in STATE.faults
        ],
    }


def _describe_crash(error: Exception) -> str:
    """Describe an error of flow64 itself, without its text, which may hold a secret."""
    problem = f"flow64 failed with {type(error).__name__}, which it should not"
    frames = [*_list_frames(error)]
    if STATE.debug:
        return "\n".join([problem, *frames])
    return f"{problem}, {frames[-1]}; if it is not your code, report what --debug shows"


def _list_frames(error: BaseException) -> Iterator[str]:
    if error.__cause__ is not None:
        yield from _list_frames(error.__cause__)
        yield type(error.__cause__).__name__
    for frame in traceback.extract_tb(error.__traceback__):
        yield printable(f"at {frame.filename}:{frame.lineno} in {frame.name}")
