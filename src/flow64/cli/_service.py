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
from ..endpoints import NAMES, find_endpoint_variable
from ..environments import (
    ENV_NAME,
    OPENING_LOG,
    Environment,
    OAuthFile,
    Reference,
    Settings,
    load,
    open_client,
)
from ..errors import ConfigError, TransportError
from ..runs.start import ATTACH_LOG
from ._options import OPTIONS
from ._terminal import print_advice, print_message

_log = logging.getLogger("flow64")

_SHOWN: Final = (REQUEST_LOG, OPENING_LOG)
"""Logs that are printed whatever their level is."""


class _LogPrinter(logging.Handler):
    """Prints log records, with control characters escaped.

    These are warnings, each wait for a service that cannot be reached, and each request
    if `--verbose` was given.

    Attributes:
        limit_words: How long a request is tried in all, until that was said.
    """

    limit_words = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a log record."""
        match record.args:
            case (TransportError() as error, float() as wait):
                often = f"once more in {wait:.2g} s"
                if not error.is_refused:
                    often = f"again in {wait:.2g} s{self.limit_words}"
                    self.limit_words = ""
                print_message(f"{error.reason}; trying {often}")
            case _ if record.name == ATTACH_LOG:
                pass  # `run` says that itself
            case _ if record.levelno >= logging.WARNING or record.name in _SHOWN:
                print_message(record.getMessage())
            case _:
                pass


@contextmanager
def _print_logs() -> Generator[_LogPrinter]:
    """Print what flow64 logs."""
    printer, level = _LogPrinter(), _log.level
    _log.addHandler(printer)
    _log.setLevel(logging.DEBUG if OPTIONS.is_verbose else logging.INFO)
    try:
        yield printer
    finally:
        _log.setLevel(level)
        _log.removeHandler(printer)


def find_environment(env: str | None) -> Environment:
    """Return an environment by its name, from pyproject.toml or the variables.

    Raises:
        ConfigError: The file has mistakes.
        ConfigError: The name is unknown, or several environments are
            configured and none was named.
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
    require_credential(settings, environment)
    is_new = OPTIONS.environment != environment
    OPTIONS.environment = environment
    with _print_logs() as printer, open_client(environment, settings.prices) as client:
        printer.limit_words = f", for at most {client.policy.deadline:g} s in all"
        if is_new:
            if env is None and os.environ.get(ENV_NAME):
                print_message(f"environment {environment.name}, by {ENV_NAME}")
            warn_about_endpoint(settings, environment, client)
        yield client


def require_credential(settings: Settings, environment: Environment) -> None:
    """Refuse to work without a credential.

    Raises:
        ConfigError: No credential is set.
    """
    is_there = KEY_NAME in os.environ or os.environ.get(CLIENT_NAME)
    if environment.is_of_variables and not is_there:
        raise ConfigError(
            f"no API key: set {KEY_NAME} ({describe_missing_settings(settings)})"
        )


def warn_about_endpoint(
    settings: Settings, environment: Environment, client: Client
) -> None:
    """Print the endpoint of an environment that is not configured."""
    if environment.name not in settings.environments:
        print_advice(
            describe_default_environment(settings, environment, client.endpoint)
        )


def format_watch_command(run_id: str, env: str | None) -> str:
    """Return the command that follows a run again, also in another terminal."""
    env = env or os.environ.get(ENV_NAME)
    option = f" --env {shlex.quote(env)}" if env else ""
    return f"flow64 watch {shlex.quote(run_id)}{option}"


# -- Where endpoint and credential come from -------------------------------------------


def describe_credential_source(environment: Environment) -> str:
    """Name the variable or file that holds the credential."""
    match environment.credential:
        case Reference(variable=name):
            return name
        case OAuthFile(file=Reference(variable=name)):
            return f"the OAuth client whose key is in the file that {name} names"
        case OAuthFile(file=file):
            return f"the OAuth client whose key is in {file}"
        case None if environment.is_keyless:
            return (
                f"environment {environment.name!r} sends a made-up key; with an "
                "api_key in pyproject.toml it sends that"
            )
        case None if os.environ.get(CLIENT_NAME):
            return f"the OAuth client of {CLIENT_NAME}"
        case None:
            return KEY_NAME


def describe_missing_settings(settings: Settings) -> str:
    """Say that no environment is configured, and where settings were looked for."""
    if settings.file is None:
        return "no [tool.flow64] was found from here up"
    return f"[tool.flow64] of {settings.file.name} names no environment"


def describe_default_environment(
    settings: Settings, environment: Environment, endpoint: str
) -> str:
    """Describe an environment without settings: its name may be misspelled."""
    endpoints = find_endpoint_variable() or NAMES[0]
    credential = describe_credential_source(environment)
    return (
        f"{describe_missing_settings(settings)}: environment {environment.name} is "
        f"{endpoints} and {credential} at {endpoint}"
    )
