"""Failures as JSON: what `--json` prints of a command that has no result."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import click

from ..errors import CompileError, FlowError
from ..secrets import mask
from ._error_messages import find_advice
from ._exit_codes import CHANGES, INTERRUPTED
from ._options import OPTIONS
from ._terminal import print_json


def print_failure(code: int, error: Exception | None = None) -> None:
    """Print why a command failed as one line of JSON, if it printed no result.

    Args:
        code: The exit code.
        error: The error that ended it, if one did.
    """
    if code in (0, CHANGES) or OPTIONS.has_result:
        return
    with suppress(click.ClickException):  # stdout cannot be written, which was said
        print_json({"error": describe_failure(code, error)}, is_line=True)


def describe_failure(code: int, error: Exception | None = None) -> dict[str, Any]:
    """Describe why a command failed, by its error and what it printed as errors.

    `type` is the class of the error, or `UsageError`. `help` is the option that helps,
    if there is one. `workflows` are those that have errors, if these are the reason.
    """
    faults = [_describe_faults(key, found) for key, found in OPTIONS.faults]
    found = error or next((one for _, one in OPTIONS.faults), None)
    ended = "Interrupted" if code == INTERRUPTED else "Failed"
    name = ended if found is None else _name_type(found)
    advice = find_advice(found) if isinstance(found, FlowError) else ""
    return {
        "type": name,
        "message": mask("\n".join(OPTIONS.problems)),
        "help": mask(advice) or None,
        "exit_code": code,
        "workflows": faults,
    }


def _describe_faults(key: str, error: FlowError) -> dict[str, Any]:
    found = error.findings if isinstance(error, CompileError) else ()
    return {
        "key": mask(key),
        "type": _name_type(error),
        "findings": [finding.as_data() for finding in found],
    }


def _name_type(error: Exception) -> str:
    if isinstance(error, click.UsageError):
        return "UsageError"
    if type(error) is click.ClickException:
        return "Failed"
    return type(error).__name__
