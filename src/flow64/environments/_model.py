"""Environments and settings as data; what is secret is a reference until it is sent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import evolve, field, frozen

from ..definition import EMPTY
from ..errors import ConfigError, UnknownEnvironmentError

EMULATOR: Final = "emulator"
"""The environment that is always there: the emulator, started when it is needed."""


@frozen
class Reference:
    """The text of an environment variable, which is read only when it is needed."""

    variable: str


@frozen
class OAuthFile:
    """An OAuth client whose private key is in a file.

    Attributes:
        client_id: The id of the client.
        kid: The id of the key.
        file: The file of its private key, as PEM.
        audience: For whom assertions are, where that is not found out.
    """

    client_id: str | Reference
    kid: str | Reference
    file: Path | Reference
    audience: str | Reference | None = None


@frozen
class Environment:
    """A named place to deploy to.

    Attributes:
        name: Its name, which is part of the ids of workflows there.
        endpoint: The base URL; None for that of the environment variables.
        credential: Variable of the API key, or an OAuth client; None for that of the
            environment variables.
        org_id: The organisation that the credential must belong to; None for any.
        values: What `value("name")` stands for.
        suffix: What is added to titles, such as `(staging)`.
        max_rows: Rows beyond which no run is started, unless a call says otherwise.
        max_cost: Dollars beyond which none is, likewise.
        branches: Whether code of a branch that is behind may be deployed.
        hosts: The only hosts whose signed result links are opened; None opens all.
        allow_http: Whether an http endpoint that is not on this machine is meant.
        journal: Where runs are remembered; None for the place that a client takes.
        history: Where what a deploy replaces is kept; None as for `journal`.
        store: The file of the emulator; None for every environment but that.
    """

    name: str
    endpoint: str | Reference | None = None
    credential: Reference | OAuthFile | None = None
    org_id: str | Reference | None = None
    values: Mapping[str, Any] = field(default=EMPTY, repr=False)
    suffix: str = ""
    max_rows: int | None = None
    max_cost: float | None = None
    branches: bool = False
    hosts: Sequence[str] | None = None
    allow_http: bool = False
    journal: Path | None = None
    history: Path | None = None
    store: Path | None = None

    def text(self, key: str, given: str | Path | Reference) -> str:
        """A text of this environment, also where it is that of a variable.

        Args:
            key: What it is, for the error.
            given: The text, or the variable that holds it.

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
    def bound(self) -> Mapping[str, Any]:
        """The values, each read from its variables when it is asked for.

        So a deploy needs the variables of its own workflow, and none besides.
        """
        return _Bound(self)

    def variables(self, name: str) -> Sequence[str]:
        """The variables that a value comes from, in whole or in part; it is secret."""
        return [*_variables(self.values[name])]

    @property
    def hidden(self) -> frozenset[str]:
        """Names of the values that come from variables."""
        return frozenset(name for name in self.values if self.variables(name))


@frozen
class Settings:
    """What `[tool.flow64]` says.

    Attributes:
        folder: The folder of the file, or where one was looked for in vain.
        file: The file; None where there is none.
        source: The source of the project, as a command takes it; relative to `folder`.
        environments: All environments by name, the emulator too.
        history: Where that is kept which a deploy replaces.
        cache: Where answers are kept that need not be asked for again; None for none.
        prices: Dollars a row by kind, in place of those that are documented.
        allow: Codes of findings to silence.
    """

    folder: Path
    file: Path | None
    source: str | None
    environments: Mapping[str, Environment]
    history: Path
    cache: Path | None
    prices: Mapping[str, float] = EMPTY
    allow: Sequence[str] = ()

    def environment(self, name: str | None = None) -> Environment:
        """The environment of a name; without one, the only one that is configured.

        Where none is configured, the environment variables are the one environment: it
        is called `default`, unless a name is given.

        Raises:
            UnknownEnvironmentError: There is none of that name, or there are several
                and no name was given.
        """
        names = [known for known in self.environments if known != EMULATOR]
        if name is None:
            if len(names) > 1:
                raise UnknownEnvironmentError("", names)
            return self.environments[names[0]]
        if name in self.environments:
            return self.environments[name]
        only = self.environments[names[0]]
        if only.credential is None:  # that of the environment variables
            return evolve(only, name=name)
        raise UnknownEnvironmentError(name, [*names, EMULATOR])


class _Bound(Mapping[str, Any]):
    """Values that are read from their variables when they are asked for."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __getitem__(self, name: str) -> Any:
        environment = self._environment
        return _resolved(environment.values[name], environment, f"values.{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment.values)

    def __len__(self) -> int:
        return len(self._environment.values)

    def __repr__(self) -> str:
        return f"<values of {self._environment.name!r}: {', '.join(self)}>"


def _variables(item: Any) -> Iterator[str]:
    if isinstance(item, Reference):
        yield item.variable
    elif isinstance(item, Mapping | list):
        for inner in item.values() if isinstance(item, Mapping) else item:
            yield from _variables(inner)


def _resolved(item: Any, environment: Environment, key: str) -> Any:
    if isinstance(item, Reference):
        return environment.text(key, item)
    if isinstance(item, Mapping):
        return {k: _resolved(inner, environment, key) for k, inner in item.items()}
    if isinstance(item, list):
        return [_resolved(inner, environment, key) for inner in item]
    return item
