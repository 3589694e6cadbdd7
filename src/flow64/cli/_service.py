"""A client for one command, and what it logs on the way."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from ..diagnostics import printable
from ..environments import Environment, load, opened
from ..service import Client
from ._terminal import give, talk
from ._verbose import tell_requests

_log = logging.getLogger("flow64")


class _Telling(logging.Handler):
    """Tells people what is logged, with what would steer a terminal escaped."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        talk(record.getMessage())


def environment_of(env: str | None) -> Environment:
    """The environment of a name: of pyproject.toml, else of the variables.

    Raises:
        SettingsError: The file has mistakes.
        UnknownEnvironmentError: There is none of that name, or several without one.
    """
    return load().environment(env)


@contextmanager
def connected(env: str | None) -> Generator[Client]:
    """A client of an environment; the emulator is started for it.

    Raises:
        ConfigError: It cannot be used; no key is shown.
    """
    handler = _Telling(logging.WARNING)
    _log.addHandler(handler)
    try:
        with opened(environment_of(env)) as client:
            tell_requests(client)
            yield client
    finally:
        _log.removeHandler(handler)


def resuming(run_id: str, env: str | None) -> str:
    """The line that follows a run again."""
    option = "" if env is None else f" --env {shlex.quote(env)}"
    return f"flow64 watch {shlex.quote(run_id)}{option}"


def give_table(rows: Sequence[Sequence[str]]) -> None:
    """Write lines whose columns stand below each other; the last may be of any width.

    Names are shown with what would steer a terminal escaped.
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        give("  ".join(cells).rstrip())
