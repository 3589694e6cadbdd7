"""Messages of errors for the command line, and the options that help."""

from __future__ import annotations

import sys
from typing import Final

from ..errors import CompileError, FlowError, compile_error
from ._exit_codes import NoConsentError
from ._options import name_environment
from ._terminal import find_width


def describe_error(error: FlowError | NoConsentError) -> str:
    """Describe an error for the command line: its facts, without advice for Python."""
    return name_environment(_describe(error))


def _describe(error: FlowError | NoConsentError) -> str:
    match error:
        case NoConsentError():
            return error.message
        case CompileError():
            width = find_width(sys.stderr)
            return compile_error(error.workflow, error.findings, width).message
        case FlowError(option=str()):
            return error.message + (f"; {error.option}" if error.option else "")
        case _:
            return _replace_python_advice(str(error))


def find_advice(error: FlowError) -> str:
    """Return what to write on the command line instead. It may be empty."""
    advice = error.hint if error.option is None else error.option
    return name_environment(_replace_python_advice(advice))


_WORDS: Final = (
    ("or overwrite it: deploy(force=True)", "or overwrite it: --force KEY"),
    ("or pass allow_http=True if that is meant", "or set allow_http = true for it"),
    (": keep one of them, or pass api_key= or oauth=", ": keep one of them"),
    ("base_url=", "the settings"),
)
"""Advice for Python, and the same advice for the command line."""


def _replace_python_advice(text: str) -> str:
    """Replace advice for Python by options of the command line."""
    for python, option in _WORDS:
        text = text.replace(python, option)
    return text
