"""Messages of errors for the command line, and the options that help."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from ..errors import (
    NOT_DEPLOYED,
    AmbiguousRowsError,
    AnswerError,
    AuthError,
    BudgetError,
    CompileError,
    FlowError,
    IntentChangedError,
    IntentFailedError,
    NotFoundError,
    OverrideError,
    RetryError,
    RowsError,
    RunError,
    SaveError,
    StaleDeploymentError,
    TransportError,
    WaitTimeoutError,
)
from ..text import printable
from ._exit_codes import NoConsentError
from ._options import OPTIONS, PORT, name_environment
from ._terminal import find_width


def describe_error(error: FlowError | NoConsentError) -> str:
    """Describe an error for the command line: its facts, without advice for Python."""
    return name_environment(_describe(error))


def _describe(error: FlowError | NoConsentError) -> str:
    match error:
        case NoConsentError():
            return error.message
        case FlowError(option=str()):
            return error.message + (f"; {error.option}" if error.option else "")
        case CompileError():
            return error.describe(find_width(sys.stderr))
        case AuthError():
            return error.describe(f"check the credential: {_describe_credential()}")
        case TransportError() | AnswerError():
            return error.describe(_describe_endpoint())
        case NotFoundError(is_wrong_endpoint=True):
            return error.describe_endpoint(f"check {_describe_endpoint()}")
        case RunError():
            return _describe_run_error(error)
        case _:
            return _replace_python_advice(str(error))


def _describe_run_error(error: RunError) -> str:
    """Describe an error about starting a run, or about its results."""
    match error:
        case WaitTimeoutError():
            return error.describe(f"goes on: flow64 watch {shlex.quote(error.run_id)}")
        case OverrideError():
            return _replace_python_advice(error.describe("--set"))
        case StaleDeploymentError():
            facts = f"{error.workflow!r} ({error.workflow_id}) is not what this code"
            return f"{facts} says: {error.reason}"
        case IntentFailedError():
            return (
                f"run {printable(error.run_id)} ended as {printable(error.status)} and "
                "may have charged for rows; it is not repeated by itself: to start it "
                "again may pay for those rows again"
            )
        case IntentChangedError():
            run = f" (run {printable(error.run_id)})" if error.run_id else ""
            return (
                f"{error.what} was started before{run} with {error.change}; nothing "
                "was sent"
            )
        case RetryError():
            problem = _replace_python_advice(error.problem)
            return f"--{error.option} {printable(error.run_id)}: {problem}"
        case AmbiguousRowsError():
            ends = printable(", ".join(error.ends))
            return f"run {error.run_id} ends in several blocks: {ends}"
        case _:
            return _replace_python_advice(str(error))


def suggest_option(error: FlowError) -> str:
    """Return the option that follows the advice of an error. It may be empty."""
    return name_environment(_suggest_option(error))


def _suggest_option(error: FlowError) -> str:
    match error:
        case IntentFailedError():
            return f"to start it again: --retry {shlex.quote(error.run_id)}"
        case BudgetError():
            return "to run it: fewer rows, a higher --max-rows, or a higher --max-cost"
        case RowsError():
            return _suggest_rows_option(error)
        case StaleDeploymentError(reason=reason) if reason == NOT_DEPLOYED:
            return "deploy it first: flow64 deploy"
        case SaveError() if _THERE in error.problem:
            return "to replace files that are there, add --overwrite"
        case TransportError(is_refused=True):
            return (
                "start it in another terminal: flow64 serve"
                f"{_find_port()}; or use -e local, which needs no server"
            )
        case AmbiguousRowsError():
            return f"name one: --block {shlex.quote(error.ends[-1])}"
        case _:
            return _WAYS.get(type(error), "")


_WAYS: Final[Mapping[type[FlowError], str]] = {
    IntentChangedError: "to start what is new, give another --intent",
    StaleDeploymentError: "deploy first: flow64 deploy; or run what is there: --stale",
}
"""Options that do not depend on the details of the error."""


def _find_port() -> str:
    """Return ` --port N` if the endpoint has another port than `serve` by itself."""
    endpoint = None if OPTIONS.environment is None else OPTIONS.environment.endpoint
    port = urlsplit(endpoint).port if isinstance(endpoint, str) else None
    return "" if port in (None, PORT) else f" --port {port}"


def _suggest_rows_option(error: RowsError) -> str:
    said = " ".join(error.problems)
    if "not in UTF-8" in said:
        return "save the file as UTF-8, which spreadsheets call CSV UTF-8"
    return ""


_THERE: Final = "it is there already"
"""A part of messages about an existing file, if they give no advice themselves."""

_WORDS: Final = (
    ("or overwrite it: deploy(force=True)", "or overwrite it: --force KEY"),
    ("or overwrite=True to replace it", "or say --overwrite"),
    ("or pass allow_http=True if that is meant", "or set allow_http = true for it"),
    (": keep one of them, or pass api_key= or oauth=", ": keep one of them"),
    ("base_url=", "the settings"),
    ("run([])", "leave ROWS out"),
    ("max_rows=", "--max-rows "),
    ("max_cost=", "--max-cost "),
    (
        (
            "journal= or FLOW64_JOURNAL (journal=None remembers nothing, so a start "
            "that is cut off may be paid twice)"
        ),
        "FLOW64_JOURNAL",
    ),
    (": run(..., intent=..., retry=...)", ": --intent NAME with --retry RUN_ID"),
)
"""Advice for Python, and the same advice for the command line."""


def _replace_python_advice(text: str) -> str:
    """Replace advice for Python by options of the command line."""
    for python, option in _WORDS:
        text = text.replace(python, option)
    return text


def _describe_credential() -> str:
    """Return the variable or setting of the credential."""
    from ._service import describe_credential_source  # noqa: PLC0415 - loads httpx

    if OPTIONS.environment is None:
        return "that of the environment"
    return describe_credential_source(OPTIONS.environment)


def _describe_endpoint() -> str:
    """Return the variable or setting of the endpoint."""
    from ._service import describe_endpoint_source  # noqa: PLC0415 - loads httpx

    if OPTIONS.environment is None:
        return "the endpoint"
    return describe_endpoint_source(OPTIONS.environment)
