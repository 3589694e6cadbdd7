"""Environments and settings as data. Secrets are references until they are sent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve, field, frozen

from ..definition import EMPTY, walk
from ..endpoints import host_of, is_loopback
from ..errors import ConfigError, UnknownEnvironmentError
from ..secrets import map_json

if TYPE_CHECKING:
    from ..analysis import RuleSetting

EMULATOR: Final = "local"
"""The environment that always exists, on an emulator, unless it has an endpoint."""

ENV_NAME: Final = "FLOW64_ENV"
"""The variable that names the environment if nothing else does."""


@frozen
class Reference:
    """The text of an environment variable. It is read on demand."""

    variable: str


@frozen
class OAuthFile:
    """An OAuth client with its private key in a file.

    Attributes:
        kid: The id of the key.
        file: The private key as PEM.
        audience: The audience of assertions; None to find it out.
    """

    client_id: str | Reference
    kid: str | Reference
    file: Path | Reference
    audience: str | Reference | None = None


@frozen
class Environment:
    """A named place to deploy to.

    Attributes:
        name: Its name. It is part of the ids of its workflows.
        endpoint: The base URL; None for the environment variables.
        credential: The variable of the API key, or an OAuth client. None for the
            environment variables, or for a server on this machine that needs no key.
        org_id: The organisation that the credential must belong to; None for any.
        values: The content of each `value("name")`.
        suffix: What to add to titles, such as `(staging)`.
        max_rows: Default limit for the rows of a run.
        max_cost: Default limit for the cost of a run, in dollars.
        hosts: The hosts that signed result links may lead to; None for all.
        allow_http: Whether http to another machine is allowed.
        journal: The file that remembers runs; None for the default of a client.
        history: The folder for replaced workflows; None for the default of a client.
        store: The file of the emulator; None for all other environments.
    """

    name: str
    endpoint: str | Reference | None = None
    credential: Reference | OAuthFile | None = None
    org_id: str | Reference | None = None
    values: Mapping[str, Any] = field(default=EMPTY, repr=False)
    suffix: str = ""
    max_rows: int | None = None
    max_cost: float | None = None
    hosts: Sequence[str] | None = None
    allow_http: bool = False
    journal: Path | None = None
    history: Path | None = None
    store: Path | None = None

    def text(self, key: str, given: str | Path | Reference) -> str:
        """Return a text, or that of a variable.

        Args:
            key: The name of the setting, for the error.
            given: The text, or a reference to a variable.

        Raises:
            ConfigError: The variable is not set, or empty.
        """
        if not isinstance(given, Reference):
            return str(given)
        if not (text := os.environ.get(given.variable)):
            raise ConfigError(
                f"environment {self.name!r} takes {key} from the variable "
                f"{given.variable}, which is not set; set it, or name another one"
            )
        return text

    @property
    def is_keyless(self) -> bool:
        """Whether it is a server on this machine that gets no credential.

        Then a made-up key is sent, and never that of the environment variables.
        """
        return (
            self.credential is None
            and isinstance(self.endpoint, str)
            and is_loopback(host_of(self.endpoint))
        )

    @property
    def is_of_variables(self) -> bool:
        """Whether the environment variables hold its credential."""
        is_here = self.store is not None or self.is_keyless
        return self.credential is None and not is_here

    @property
    def bound(self) -> Mapping[str, Any]:
        """The values. Each is read from its variables on demand.

        So a deploy needs only the variables of its own workflow.
        """
        return _Bound(self)

    def variables(self, name: str) -> Sequence[str]:
        """Return the variables of a value. With any, the value is secret."""
        found = walk(self.values[name])
        return [one.variable for _, one in found if isinstance(one, Reference)]

    @property
    def hidden(self) -> frozenset[str]:
        """Names of the values that come from variables."""
        return frozenset(name for name in self.values if self.variables(name))


@frozen
class Settings:
    """The settings of a project, from `[tool.flow64]`.

    Attributes:
        folder: The folder of the file, or the working folder without a file.
        file: The file, if there is one.
        source: The source of the project, relative to `folder`.
        environments: All environments by name, including the emulator.
        history: The folder for replaced workflows.
        prices: Dollars a row by kind, instead of the documented prices.
        rules: `error`, `warning`, `note` or `ignore` for findings, by code.
        blocks: The file with the service's own list of blocks, if there is one.
        compiled: The folder of compiled JSON that is committed, if there is one.
        default_env: The environment of commands that name none.
    """

    folder: Path
    file: Path | None
    source: str | None
    environments: Mapping[str, Environment]
    history: Path
    prices: Mapping[str, float] = EMPTY
    rules: Mapping[str, RuleSetting] = EMPTY
    blocks: Path | None = None
    compiled: Path | None = None
    default_env: str | None = None

    def environment(self, name: str | None = None) -> Environment:
        """Return the environment of a name, or else the default environment.

        The first of these counts: the name, that in the variable `FLOW64_ENV`,
        `default_env` of the file, and the only configured environment. If none is
        configured, the environment variables describe the only environment. It has any
        given name, or `default`.

        Raises:
            ConfigError: The name is empty.
            UnknownEnvironmentError: The name is unknown, or several environments are
                configured and none was named.
        """
        variable = ""
        if name is None:
            name = os.environ.get(ENV_NAME) or self.default_env
            variable = ENV_NAME if os.environ.get(ENV_NAME) else ""
        elif not name:
            problem = "the name of the environment is empty"
            raise ConfigError(f"{problem}: is the variable set that it comes from?")
        names = [known for known, one in self.environments.items() if not one.store]
        if name is None:
            if len(names) > 1:
                raise UnknownEnvironmentError("", names)
            return self.environments[names[0]]
        if name in self.environments:
            return self.environments[name]
        only = self.environments[names[0]]
        if only.is_of_variables:
            return evolve(only, name=name)
        names = [*dict.fromkeys([*names, EMULATOR])]
        raise UnknownEnvironmentError(name, names, variable)


class _Bound(Mapping[str, Any]):
    """Values that are read from their variables on demand."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __getitem__(self, name: str) -> Any:
        environment = self._environment

        def resolve(item: Any, _: object) -> Any:
            is_text = isinstance(item, Reference)
            return environment.text(f"values.{name}", item) if is_text else item

        return map_json(environment.values[name], resolve)

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment.values)

    def __len__(self) -> int:
        return len(self._environment.values)

    @property
    def hidden(self) -> frozenset[str]:
        """Names of the values that come from variables. They are secret."""
        return self._environment.hidden

    def __repr__(self) -> str:
        return f"<values of {self._environment.name!r}: {', '.join(self)}>"
