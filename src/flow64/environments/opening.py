"""Making the client of an environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from ..api.auth import OAuth
from ..client import AsyncClient, Client, Terms
from ..client.settings import PLACE_NAME as JOURNAL
from ..definition import EMPTY
from ..deploy.history import PLACE_NAME as HISTORY
from ..errors import ConfigError
from ..files import make_folder
from .settings import Environment, OAuthFile, Reference

EMULATED: Final = "http://127.0.0.1"
"""Endpoint of the emulator. It runs in this process and needs no port."""


OPENING_LOG: Final = "flow64.environments"
"""The log that says which emulator is used."""

KEY: Final = "local"
"""Made-up API key for what runs on this machine. It is too short to be redacted in
titles."""


@contextmanager
def open_client(
    environment: Environment, prices: Mapping[str, float] = EMPTY
) -> Generator[Client]:
    """Open a client of an environment, and close it at the end.

    For the environment `local`, the emulator that `flow64 serve` runs for the project
    is used. If there is none, one is started in this process, with the same file. So
    the next command finds everything again, and unfinished runs go on.

    Raises:
        ConfigError: A variable is not set, or a setting cannot be used.
    """
    with ExitStack() as ends:
        if environment.store is None:
            client = client_for(environment, prices)
        else:
            client = Client(
                KEY,
                **ends.enter_context(_open_emulator(environment.store)),
                **_options(environment, prices),
            )
        yield ends.enter_context(client)


def client_for(environment: Environment, prices: Mapping[str, float] = EMPTY) -> Client:
    """Make a client of an environment. The caller closes it.

    Raises:
        ConfigError: A variable is not set, a setting cannot be used, or it is the
            emulator, which has to be started first.
    """
    return Client(**_connection(environment), **_options(environment, prices))


def async_client_for(
    environment: Environment, prices: Mapping[str, float] = EMPTY
) -> AsyncClient:
    """Make an async client of an environment; see `client_for`."""
    return AsyncClient(**_connection(environment), **_options(environment, prices))


def _options(environment: Environment, prices: Mapping[str, float]) -> dict[str, Any]:
    """Return the options of a client, except endpoint and credential."""
    options: dict[str, Any] = {
        "env": environment.name,
        "terms": Terms(
            values=environment.bound,
            suffix=environment.suffix,
            max_rows=environment.max_rows,
            max_cost=environment.max_cost,
            prices=prices,
            org_id=_text(environment, "org_id", environment.org_id),
        ),
    }
    # The variables of the process take precedence.
    if environment.journal is not None and JOURNAL not in os.environ:
        options["journal"] = environment.journal
    if environment.history is not None and not os.environ.get(HISTORY):
        options["history"] = environment.history
    return options


def _connection(environment: Environment) -> dict[str, Any]:
    """Return endpoint and credential of a client, by the names of its options."""
    if environment.store is not None:
        raise ConfigError(
            f"environment {environment.name!r} has to be started: write "
            "`with open_client(environment) as client:`"
        )
    credential = environment.credential
    options: dict[str, Any] = {
        "hosts": environment.hosts,
        "allow_http": environment.allow_http,
    }
    if environment.endpoint is not None:
        options["base_url"] = environment.text("endpoint", environment.endpoint)
    if isinstance(credential, OAuthFile):
        options["oauth"] = _oauth(environment, credential)
    elif credential is not None:
        options["api_key"] = environment.text("api_key", credential)
    elif environment.is_keyless:
        options["api_key"] = KEY
    return options


def _text(
    environment: Environment, key: str, setting: str | Reference | None
) -> str | None:
    return None if setting is None else environment.text(key, setting)


def _oauth(environment: Environment, given: OAuthFile) -> OAuth:
    return OAuth(
        environment.text("oauth.client_id", given.client_id),
        Path(environment.text("oauth.file", given.file)),
        kid=environment.text("oauth.kid", given.kid),
        audience=_text(environment, "oauth.audience", given.audience),
    )


@contextmanager
def _open_emulator(store: Path) -> Generator[dict[str, Any]]:
    """Start the emulator of a store, or find the one that has it open.

    Returns:
        How a client reaches it. In journals and plans its endpoint is its store.

    Raises:
        ConfigError: Another process has it open, and does not serve it.
    """
    from ..emulator import Emulator, server

    try:
        make_folder(store.parent)
    except OSError as error:
        problem = f"the folder {store.parent} cannot be made ({error.strerror})"
        raise ConfigError(f"{problem}; make it, or start elsewhere") from error
    try:
        emulator = Emulator(store=store)
    except ConfigError as error:
        if error.url is None:
            raise
        logging.getLogger(OPENING_LOG).info("%s is served at %s", store, error.url)
        yield {"base_url": error.url, "place": server.find_place(error.url)}
        return
    try:
        transport = emulator.transport()
        place = transport.place
        yield {"base_url": EMULATED, "transport": transport, "place": place}
    finally:
        emulator.stop()
