"""Clients of environments, also of the emulator."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import asdict

from ..client import AsyncClient, Client, OAuth, Terms
from ..client.client import PLACE_NAME as JOURNAL
from ..deploy.history import PLACE_NAME as HISTORY
from ..errors import ConfigError, require_type
from ..files import make_folder
from .settings import Environment

OPENING_LOG: Final = "flow64.environments"
"""The log that says which emulator is used."""

_LOCAL_KEY: Final = "local"  # too short to be redacted in titles


@contextmanager
def open_client(environment: Environment) -> Generator[Client]:
    """Open a client of an environment, and close it at the end.

    For the environment `local`, the emulator that `flow64 serve` runs for the project
    is used. If there is none, one is started in this process, with the same file. So
    the next command finds everything again, and unfinished runs go on.

    Raises:
        ConfigError: A variable is not set, or a setting cannot be used.
    """
    own = _options(environment)
    with _connect(environment) as options, Client(**options, **own) as client:
        yield client


def async_client_for(environment: Environment) -> AsyncClient:
    """Make an async client of an environment, which the caller closes.

    Raises:
        ConfigError: A variable is not set, a setting cannot be used, or it is the
            emulator, which has to be served and named by an endpoint.
    """
    return AsyncClient(**_options(environment), **_read_connection(environment))


def _options(environment: Environment) -> dict[str, Any]:
    """Return the options of a client, except endpoint and credential."""
    hint = 'write open_client(load().environment("prod"))'
    require_type("environment", environment, Environment, hint)
    terms = Terms(
        was=environment.was,
        values=environment.bound,
        suffix=environment.suffix,
        schedules=environment.schedules,
        max_rows=environment.max_rows,
        max_cost=environment.max_cost,
        prices=environment.prices,
        org_id=environment.text("org_id", environment.org_id),
    )
    options: dict[str, Any] = {"env": environment.name, "terms": terms}
    # The variables of the process take precedence.
    if environment.journal is not None and JOURNAL not in os.environ:
        options["journal"] = environment.journal
    if environment.history is not None and not os.environ.get(HISTORY):
        options["history"] = environment.history
    return options


def _read_connection(environment: Environment) -> dict[str, Any]:
    """Return endpoint and credential of a client, by the names of its options."""
    if environment.store is not None:
        problem = f"environment {environment.name!r} has to be started"
        raise ConfigError(f"{problem}: `with open_client(environment) as client:`")
    options: dict[str, Any] = {
        "base_url": environment.text("endpoint", environment.endpoint),
        "api_key": environment.text("api_key", environment.api_key),
        "allow_http": environment.allow_http,
    }
    if environment.oauth is not None:
        texts: dict[str, Any] = {
            name: environment.text(f"oauth.{name}", item)
            for name, item in asdict(environment.oauth, recurse=False).items()
        }
        options["oauth"] = OAuth(private_key=Path(texts.pop("file")), **texts)
    elif environment.is_keyless:
        options["api_key"] = _LOCAL_KEY
    return options


@contextmanager
def _connect(environment: Environment) -> Generator[dict[str, Any]]:
    """Start the emulator of an environment, or find the one that has its store open.

    Returns:
        How a client reaches the environment. In journals and plans the endpoint of an
        emulator is its store.

    Raises:
        ConfigError: Another process has it open, and does not serve it.
    """
    if (store := environment.store) is None:
        yield _read_connection(environment)
        return
    from ..emulator import Emulator, server  # noqa: PLC0415 - it needs its extra

    local = {"api_key": _LOCAL_KEY}
    try:
        make_folder(store.parent)
        emulator = Emulator(store=store)
    except OSError as error:
        problem = f"the folder {store.parent} cannot be made ({error.strerror})"
        raise ConfigError(f"{problem}; make it, or start elsewhere") from error
    except ConfigError as error:
        if error.url is None:
            raise
        logging.getLogger(OPENING_LOG).info("%s is served at %s", store, error.url)
        yield {**local, "base_url": error.url, "place": server.find_place(error.url)}
        return
    try:
        transport = emulator.transport()  # it needs no port
        local |= {"base_url": "http://127.0.0.1", "place": transport.place}
        yield {**local, "transport": transport}
    finally:
        emulator.stop()
