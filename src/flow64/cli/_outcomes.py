"""What an error means to whoever started a command: an exit code, and a way on."""

from __future__ import annotations

import shlex
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
    RowsError,
    SaveError,
    StaleDeploymentError,
    StateRefusedError,
    UnboundValueError,
)
from ._codes import FAILED, REFUSED, UNKNOWN

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
"""Errors after which nothing was sent, and which a word of consent would let pass."""


class RefusedError(click.ClickException):
    """Nothing was sent, since nobody agreed to it."""

    exit_code = REFUSED


def code_of(error: FlowError) -> int:
    """The exit code of an error."""
    if isinstance(error, OutcomeUnknownError):
        return UNKNOWN
    return REFUSED if isinstance(error, REFUSALS) else FAILED


def way_on(error: FlowError) -> str:
    """How what an error advises is spelled on the command line; empty if it is not."""
    match error:
        case IntentFailedError():
            return f"here: --retry {shlex.quote(error.run_id)}"
        case StaleDeploymentError():
            return "here: flow64 deploy, or --stale to run what is there"
        case BudgetError():
            return "here: another --max-rows or --max-cost, or --allow-unpriced"
        case RowsError():
            return "here: --no-check-columns sends rows whatever columns they have"
        case SaveError():
            return "here: --overwrite replaces a file that is there"
        case IntentChangedError():
            return "here: another --intent for what is new"
        case RetryError():
            return "here: --retry RUN_ID, with the --intent that it was started for"
        case UnboundValueError():
            return 'here: --values FILE, a JSON object such as {"name": "what it is"}'
        case _:
            return ""
