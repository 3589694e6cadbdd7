"""Exit codes, and the exit code of each error."""

from __future__ import annotations

from typing import Final

import click

from ..errors import (
    ConsentError,
    FlowError,
    OutcomeUnknownError,
    RunError,
    RunFailedError,
    StalePlanError,
)

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

REFUSALS: Final = (
    ConsentError,
    RunError,
    StalePlanError,
)
"""Errors for which nothing was sent, and which an option would avoid."""


class NoConsentError(click.ClickException):
    """Nothing was sent, since there was no consent."""

    exit_code = REFUSED


def find_exit_code(error: FlowError) -> int:
    """Return the exit code of an error."""
    if isinstance(error, OutcomeUnknownError):
        return UNKNOWN
    is_refused = isinstance(error, REFUSALS) or (
        isinstance(error, RunFailedError) and error.is_earlier
    )
    return REFUSED if is_refused else FAILED
