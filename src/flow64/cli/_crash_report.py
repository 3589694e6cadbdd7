"""Reports of unexpected errors: where they were raised, without secrets."""

from __future__ import annotations

import logging
import os
import platform
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from traceback import extract_tb
from typing import Final

from ..text import printable
from ._terminal import print_error, print_message

_NAMES: Final = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL")
"""The names of environment variables that hold secrets."""

_SECRETS: Final = re.compile(r"sk[_-]\S+|[\w+/=%\\.~-]{20,}")
"""Keys, and all other texts that are long enough to be one."""


def report_crash(error: BaseException, *, debug: bool) -> None:
    """Print that flow64 failed unexpectedly, and where the report is."""
    report = build_report(error)
    print_error(
        f"flow64 failed with {type(error).__name__}, which it should not: "
        f"please report it, with {save_report(report)}"
    )
    if debug:
        print_message(report)


def report_thread_crashes(*, debug: bool) -> None:
    """Report errors of threads and servers, and what they log, in the same way."""

    def report(thread: threading.ExceptHookArgs) -> None:
        if thread.exc_value is not None:
            report_crash(thread.exc_value, debug=debug)

    threading.excepthook = report
    logging.basicConfig(
        level=logging.WARNING, handlers=[_CrashLogger(debug)], force=True
    )


class _CrashLogger(logging.Handler):
    def __init__(self, debug: bool) -> None:
        super().__init__()
        self._debug = debug

    def emit(self, record: logging.LogRecord) -> None:
        """Print a log record."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            print_message(record.getMessage())
        else:
            report_crash(error, debug=self._debug)


def build_report(error: BaseException) -> str:
    """Describe an error, without locals, source lines or arguments."""
    python = f"Python {platform.python_version()} on {sys.platform}"
    lines = [f"flow64 {version('flow64')}, {python}", *_lines(error)]
    return "".join(f"{printable(line)}\n" for line in lines)


def save_report(report: str) -> str:
    """Save a report in a file that only its owner can read, and return its path."""
    try:
        handle, path = tempfile.mkstemp(prefix="flow64-report-", suffix=".txt")
        os.close(handle)
        Path(path).write_text(report, "utf-8", "backslashreplace")
    except OSError as error:
        return f"what --debug shows (no report was saved: {error})"
    return path


def mask_secrets(text: str) -> str:
    """Mask everything in a text that may be a secret."""
    for name, value in os.environ.items():
        if _NAMES.search(name.upper()) and len(value) >= 4:
            text = text.replace(value, "***")
    return _SECRETS.sub("***", text)


def _lines(error: BaseException) -> Iterator[str]:
    """The lines of an error and of its causes."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield f"{type(link).__name__}: {mask_secrets(_describe_message(link))}"
        for frame in extract_tb(link.__traceback__):
            yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
        link = link.__cause__ or (
            None if link.__suppress_context__ else link.__context__
        )


def _describe_message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - `__str__` of an error may fail
        return "(no message)"
