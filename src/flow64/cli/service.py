"""A client for one command, and its log."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from ..api.auth import CLIENT_NAME, KEY_NAME
from ..api.session import REQUEST_LOG
from ..client import Client
from ..environments import ENV_NAME, OPENING_LOG, Environment, load, open_client
from ..errors import ConfigError, TransportError
from ..runs.start import ATTACH_LOG
from . import printing
from .state import STATE

_log = logging.getLogger("flow64")

_SHOWN: Final = (REQUEST_LOG, OPENING_LOG)
"""Logs that are printed whatever their level is."""


class _LogPrinter(logging.Handler):
    """Prints warnings, waits for an answer, and with `-v` each request."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a log record."""
        match record.args:
            case (TransportError() as error, float() as wait):
                printing.message(f"{error.reason}; trying again in {wait:.2g} s")
            case _ if record.name == ATTACH_LOG:
                pass  # `run` says that itself
            case _ if record.levelno >= logging.WARNING or record.name in _SHOWN:
                printing.message(record.getMessage())
            case _:
                pass


def find_environment(env: str | None) -> Environment:
    """Return an environment by its name, from pyproject.toml or the variables.

    Raises:
        ConfigError: The file has mistakes, the name is unknown, or several environments
            are configured and none was named.
    """
    return load().environment(env)


@contextmanager
def connect(env: str | None) -> Generator[Client]:
    """Connect a client to an environment. The emulator is started if it is needed.

    Raises:
        ConfigError: The environment cannot be used. No key is shown.
    """
    settings = load()
    environment = settings.environment(env)
    require_credential(environment)
    printer, level = _LogPrinter(), _log.level
    _log.addHandler(printer)
    _log.setLevel(logging.DEBUG if STATE.is_verbose else logging.INFO)
    try:
        with open_client(environment, settings.prices) as client:
            if environment.name not in settings.environments:
                name = environment.name
                printing.message(
                    f"environment {name}, not configured: {client.endpoint}"
                )
            elif env is None and os.environ.get(ENV_NAME):
                printing.message(f"environment {environment.name}, by {ENV_NAME}")
            yield client
    finally:
        _log.setLevel(level)
        _log.removeHandler(printer)


def require_credential(environment: Environment) -> None:
    """Refuse to work without a credential.

    Raises:
        ConfigError: No credential is set.
    """
    is_set = KEY_NAME in os.environ or os.environ.get(CLIENT_NAME)
    if environment.is_of_variables and not is_set:
        raise ConfigError(
            f"no API key for environment {environment.name!r}: set {KEY_NAME}, or name "
            "another environment of pyproject.toml; -e local needs none"
        )


def format_watch_command(run_id: str, env: str | None) -> str:
    """Return the command that follows a run again, also in another terminal."""
    env = env or os.environ.get(ENV_NAME)
    option = f" -e {shlex.quote(env)}" if env else ""
    return f"flow64 watch {shlex.quote(run_id)}{option}"
