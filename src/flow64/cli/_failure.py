"""Failures as JSON: what `--json` prints of a command that has no result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final, TypedDict

import click

from ..errors import CompileError, FlowError
from ..redaction import redact_keys
from ._error_messages import suggest_option
from ._exit_codes import CHANGES, INTERRUPTED
from ._options import OPTIONS
from ._terminal import print_json


class Faults(TypedDict):
    """A workflow that has errors."""

    key: str
    """Its name, as `flow64 check` prints it."""
    type: str
    """The class of the error."""
    findings: Sequence[Mapping[str, object]]
    """Its errors, as `flow64 check --json` prints them."""


class Failure(TypedDict):
    """Why a command failed."""

    type: str
    """The class of the error; `UsageError` if the command line is wrong."""
    message: str
    """What stderr says about it. The words may change."""
    help: str | None
    """The option that helps, if there is one."""
    exit_code: int
    """The exit code of the command."""
    workflows: Sequence[Faults]
    """The workflows that have errors, if these are the reason."""


NAMES: Final[Mapping[int, str]] = {INTERRUPTED: "Interrupted"}
"""Types of failures without an error."""


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


def describe_failure(code: int, error: Exception | None = None) -> Failure:
    """Describe why a command failed, by its error and what it printed as errors."""
    faults = [_describe_faults(key, found) for key, found in OPTIONS.faults]
    found = error or next((one for _, one in OPTIONS.faults), None)
    name = NAMES.get(code, "Failed") if found is None else _name_type(found)
    advice = suggest_option(found) if isinstance(found, FlowError) else ""
    return {
        "type": name,
        "message": redact_keys("\n".join(OPTIONS.problems)),
        "help": redact_keys(advice) or None,
        "exit_code": code,
        "workflows": faults,
    }


def _describe_faults(key: str, error: FlowError) -> Faults:
    found = error.findings if isinstance(error, CompileError) else ()
    return {
        "key": redact_keys(key),
        "type": _name_type(error),
        "findings": [finding.as_data() for finding in found],
    }


def _name_type(error: Exception) -> str:
    if isinstance(error, click.UsageError):
        return "UsageError"
    if type(error) is click.ClickException:
        return "Failed"
    return type(error).__name__
