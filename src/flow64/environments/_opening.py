"""From an environment to a client."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..api import OAuth
from ..client import PLACE_NAME as JOURNAL
from ..client import AsyncClient, Client, Terms
from ..deploy import PLACE_NAME as HISTORY
from ..errors import ConfigError
from ..files import make_folder
from ._model import Environment, OAuthFile

if TYPE_CHECKING:
    from ..emulator import Emulator

EMULATED: Final = "http://127.0.0.1"
"""Endpoint of the emulator. It is played in this process and needs no port; that it is
always the same lets plans, and the journal of runs, know it again."""


KEY: Final = "local"
"""API key for the emulator. It is too short to be redacted in titles."""


@contextmanager
def opened(environment: Environment) -> Generator[Client]:
    """A client of an environment, closed at the end; the emulator is started for it.

    What the emulator is told, it remembers in a file of the project, so that the next
    command finds it again. Runs that have not ended by then go on the next time.

    Raises:
        ConfigError: A variable that it names is not set, or something cannot be used.
        MissingExtraError: It is the emulator, and its extra is not installed.
        EmulatorStoreError: Another process has the file of the emulator.
    """
    with ExitStack() as ends:
        if environment.store is None:
            client = client_for(environment)
        else:
            emulator = ends.enter_context(_emulator(environment.store))
            client = Client(
                KEY,
                base_url=EMULATED,
                transport=emulator.transport(),
                **_options(environment),
            )
        yield ends.enter_context(client)


def client_for(environment: Environment) -> Client:
    """A client of an environment; the caller closes it.

    Raises:
        ConfigError: A variable that it names is not set, something cannot be used, or
            it is the emulator, which has to be started first.
    """
    _require_placed(environment)
    return Client(_key(environment), **_placed(environment), **_options(environment))


def async_client_for(environment: Environment) -> AsyncClient:
    """The same client with `await`."""
    _require_placed(environment)
    return AsyncClient(
        _key(environment), **_placed(environment), **_options(environment)
    )


def _require_placed(environment: Environment) -> None:
    if environment.store is not None:
        raise ConfigError(
            f"environment {environment.name!r} has to be started: write "
            "`with opened(environment) as client:`"
        )


def _options(environment: Environment) -> dict[str, Any]:
    """What a client is made with beside where it leads to; no key is among it."""
    org_id = environment.org_id
    options: dict[str, Any] = {
        "env": environment.name,
        "terms": Terms(
            values=environment.bound,
            hidden=environment.hidden,
            suffix=environment.suffix,
            max_rows=environment.max_rows,
            max_cost=environment.max_cost,
            org_id=None if org_id is None else environment.text("org_id", org_id),
        ),
    }
    # Who runs the program has the last word on where it remembers.
    if environment.journal is not None and JOURNAL not in os.environ:
        options["journal"] = environment.journal
    if environment.history is not None and not os.environ.get(HISTORY):
        options["history"] = environment.history
    return options


def _placed(environment: Environment) -> dict[str, Any]:
    """Where a client leads to."""
    options: dict[str, Any] = {
        "hosts": environment.hosts,
        "allow_http": environment.allow_http,
    }
    if environment.endpoint is not None:
        options["base_url"] = environment.text("endpoint", environment.endpoint)
    if isinstance(environment.credential, OAuthFile):
        options["oauth"] = _oauth(environment, environment.credential)
    return options


def _key(environment: Environment) -> str | None:
    credential = environment.credential
    if credential is None or isinstance(credential, OAuthFile):
        return None
    return environment.text("api_key", credential)


def _oauth(environment: Environment, given: OAuthFile) -> OAuth:
    audience = given.audience
    return OAuth.from_file(
        environment.text("oauth.file", given.file),
        environment.text("oauth.client_id", given.client_id),
        kid=environment.text("oauth.kid", given.kid),
        audience=None
        if audience is None
        else environment.text("oauth.audience", audience),
    )


@contextmanager
def _emulator(store: Path) -> Generator[Emulator]:
    from ..emulator import Emulator

    _make_room(store.parent)
    emulator = Emulator(store=store)
    try:
        yield emulator
    finally:
        emulator.stop()


def _make_room(folder: Path) -> None:
    """Make the folder of what flow64 keeps, which git is told to ignore.

    Raises:
        ConfigError: It cannot be made.
    """
    try:
        make_folder(folder)
    except OSError as error:
        problem = f"the folder {folder} cannot be made ({error.strerror})"
        raise ConfigError(f"{problem}; make it, or start elsewhere") from error
