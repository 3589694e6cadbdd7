"""Exit codes, and which error leads to which."""

from __future__ import annotations

from typing import Final

import click

from ..errors import (
    BudgetError,
    ConsentError,
    FlowError,
    IntentChangedError,
    IntentFailedError,
    LocalNamespaceError,
    OutcomeUnknownError,
    RetryError,
    StaleDeploymentError,
    StateRefusedError,
)

FAILED: Final = 1
"""It failed, or there are findings of severity error."""

CHANGES: Final = 2
"""Something differs, where a command was asked to say so by its exit code."""

REFUSED: Final = 3
"""It was not done, since it would overwrite, pay or repeat what nobody agreed to."""

UNKNOWN: Final = 4
"""It may or may not have been done."""

USAGE: Final = 64
"""The command line itself is wrong."""

INTERRUPTED: Final = 130
"""Ctrl-C ended it."""

REFUSALS: Final = (
    BudgetError,
    ConsentError,
    IntentChangedError,
    IntentFailedError,
    LocalNamespaceError,
    RetryError,
    StaleDeploymentError,
    StateRefusedError,
)
"""Errors after which nothing was sent, and which an option would allow."""


class RefusedError(click.ClickException):
    """Nothing was sent, since it was not agreed to."""

    exit_code = REFUSED


def find_exit_code(error: FlowError) -> int:
    """Return the exit code of an error."""
    if isinstance(error, OutcomeUnknownError):
        return UNKNOWN
    return REFUSED if isinstance(error, REFUSALS) else FAILED
