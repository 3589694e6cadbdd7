"""The log of flow64, and the variable that shows it."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import Final

from ..text import shortened

REQUEST_LOG: Final = "flow64.requests"
"""Name of the log that each request is a line of, at the level DEBUG."""

LOG_NAME: Final = "FLOW64_LOG"
"""Environment variable of the level to log at."""

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""The values of the variable."""

_log = logging.getLogger("flow64")


def configure_logging() -> None:
    """Log at the level that `FLOW64_LOG` asks for; without it, change nothing.

    A program that handles log records keeps its handlers. For others, they go to
    stderr.
    """
    level = _parse_level(os.environ.get(LOG_NAME, ""))
    if level is None:
        return
    _log.setLevel(level)
    if not _log.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        _log.addHandler(handler)


def log_request(status: object, asked: str, seconds: float) -> None:
    """Log a request, without what may be secret: query, headers, body and link."""
    logging.getLogger(REQUEST_LOG).debug(
        "%s %s (%.0f ms)", status, asked, 1000 * seconds
    )


@cache
def _parse_level(text: str) -> int | None:
    """Return the level of a text; None if it is not one, after one warning."""
    level = LEVELS.get(text.strip().lower())
    if text and level is None:
        known = ", ".join(LEVELS)
        problem = f"{LOG_NAME} is {shortened(text)}, and not a level"
        _log.warning("%s; write one of %s", problem, known)
    return level
