"""A client for one command, and its log."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Final

from ..api.auth import CLIENT_NAME, KEY_NAME
from ..api.calls import COMPLETED
from ..api.session import REQUEST_LOG
from ..client import Client, Run
from ..definition import canonical_id, is_uuid
from ..diff.replay import Recording, Replay
from ..environments import ENV_NAME, Environment, load
from ..environments.clients import OPENING_LOG, open_client
from ..errors import ConfigError, NotFoundError, TransportError
from ..runs.results import read_recording
from ..text import shortened
from . import params, printing
from .commands import STATE

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
            case _ if record.levelno >= logging.WARNING or record.name in _SHOWN:
                printing.message(record.getMessage())
            case _:
                pass


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
        with open_client(environment) as client:
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


MOST_RUNS: Final = 100
"""Newest runs among which the beginning of an id is looked up."""


def find_run(client: Client, text: str, *, may_be_latest: bool = False) -> Run:
    """Return a run by its id, by the beginning of its id, or the newest by `latest`.

    Raises:
        click.UsageError: There is none, or there are several.
    """
    if is_uuid(text):
        with suppress(NotFoundError):
            return client.runs.get(text)
    runs = [run.job_id for run in client.runs.list(limit=MOST_RUNS)]
    if text == "latest" and may_be_latest:
        ids = runs[:1]
    else:
        ids = [run for run in runs if run.lower().startswith(text.lower())]
    if len(ids) == 1 and (len(text) >= SHORTEST or text == "latest"):
        return client.runs.get(ids[0])
    problem = "no run begins with it" if runs else "there is no run yet"
    if ids:
        problem = f"{len(ids)} runs begin with it"
    raise params.option_error(
        "RUN_ID", f"{shortened(text)}: {problem}; flow64 runs lists the newest"
    )


SHORTEST: Final = 4
"""Fewest digits of the beginning of an id."""


def make_record(client: Client, text: str) -> Callable[[str], Recording | Replay]:
    """Return a function that reads the rows of a run of a workflow.

    Args:
        client: Sends the requests, which only read.
        text: As for `find_run`. `latest` is the newest run that has completed.
    """
    named = None if text == "latest" else find_run(client, text)

    def record(workflow_id: str) -> Recording | Replay:
        if named and canonical_id(named.workflow_id) == canonical_id(workflow_id):
            return read_recording(client.session, named.state)
        if named:
            return Replay(named.id, unknown="it is of another workflow")
        with suppress(NotFoundError):
            for entry in client.runs.list(workflow_id, 1, status=COMPLETED):
                return read_recording(
                    client.session, client.runs.get(entry.job_id).state
                )
        return Replay("", unknown="no workflow with a completed run is there")

    return record
