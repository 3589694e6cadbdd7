"""A client for one command, and what it logs on the way."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from ..api import CLIENT_NAME, KEY_NAME
from ..client import Client
from ..environments import Environment, Settings, load, opened
from ..errors import ConfigError, TransportError
from ..redaction import redact_keys
from ..text import printable
from ._credential_source import no_settings, unnamed
from ._options import SAID
from ._terminal import advise, give, talk
from ._verbose import tell_requests

_log = logging.getLogger("flow64")


class _Telling(logging.Handler):
    """Tells people what is logged, with what would steer a terminal escaped.

    Warnings, and each wait for a service that cannot be reached: whoever looks on is to
    know what takes so long, and how long it may.

    Attributes:
        limit: Seconds for all attempts of one request together.
    """

    limit = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        match record.args:
            case (TransportError() as error, float() as wait):
                limit = f"for at most {self.limit:g} s in all"
                talk(f"{error.reason}; trying again in {wait:.3g} s, {limit}")
            case _ if record.levelno >= logging.WARNING:
                talk(record.getMessage())
            case _:
                pass


@contextmanager
def _telling() -> Generator[_Telling]:
    """Tell what is logged meanwhile."""
    telling, level = _Telling(), _log.level
    _log.addHandler(telling)
    _log.setLevel(logging.INFO)
    try:
        yield telling
    finally:
        _log.setLevel(level)
        _log.removeHandler(telling)


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
    settings = load()
    environment = settings.environment(env)
    require_credential(settings, environment)
    is_told = SAID.environment == environment
    SAID.environment = environment
    with _telling() as telling, opened(environment) as client:
        telling.limit = client.policy.deadline
        tell_requests(client)
        if not is_told:
            tell_unnamed(settings, environment, client)
        yield client


def require_credential(settings: Settings, environment: Environment) -> None:
    """Refuse to work without any credential, in words of the command line.

    Raises:
        ConfigError: There is none.
    """
    is_of_variables = environment.credential is None and environment.store is None
    is_there = KEY_NAME in os.environ or os.environ.get(CLIENT_NAME)
    if is_of_variables and not is_there:
        raise ConfigError(f"no API key: set {KEY_NAME}; {no_settings(settings)}")


def tell_unnamed(settings: Settings, environment: Environment, client: Client) -> None:
    """Say where an environment leads whose name is not configured: it may be wrong."""
    if environment.name not in settings.environments:
        advise(unnamed(settings, environment, client.endpoint))


def resuming(run_id: str, env: str | None) -> str:
    """The line that follows a run again."""
    option = "" if env is None else f" --env {shlex.quote(env)}"
    return f"flow64 watch {shlex.quote(run_id)}{option}"


def give_table(rows: Sequence[Sequence[str]]) -> None:
    """Write lines whose columns stand below each other; the last may be of any width.

    Cells are shown without what looks like a key, and with what would steer a terminal
    escaped.
    """
    shown = [[printable(redact_keys(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        give("  ".join(cells).rstrip())
