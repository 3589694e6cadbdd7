"""The settings of a project, and how they are read from pyproject.toml.

The file has no secrets, and no id depends on it. Secrets are references until they are
sent. No message shows a value, since it may be a secret in the wrong place.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections import UserDict
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, NewType

from attrs import evolve, field, frozen
from cattrs import BaseValidationError

from ..analysis.check import describe_wrong_rule
from ..definition import DEFAULT_ENV, EMPTY, Values, escape_key, walk
from ..endpoints import DEFAULT_ENDPOINT, host_of, is_loopback
from ..errors import ConfigError, list_lines
from ..files import relative_path
from ..secrets import has_key, map_json, mask
from ..tables import WrongValueError, add_class, list_mistakes, make_converter
from ..text import clipped, did_you_mean, printable

EMULATOR: Final = "local"
"""The environment that always exists, on an emulator, unless it has an endpoint."""

ENV_NAME: Final = "FLOW64_ENV"
"""The variable that names the environment if nothing else does."""

_FILE: Final = "pyproject.toml"
_VARIABLE: Final = '{ env = "NAME_OF_THE_VARIABLE" }'


# -- The tables -----------------------------------------------------------------------


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
        audience: The audience of assertions; None for the default.
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
        was: The name that it had before, which is part of their ids instead.
        endpoint: The base URL; None for the environment variables.
        api_key: The variable of the API key.
        oauth: An OAuth client. Without it and `api_key`, the environment variables have
            the credential; a server on this machine needs none.
        org_id: The organisation that the credential must belong to; None for any.
        values: The content of each `value("name")`.
        suffix: What to add to titles, such as `(staging)`.
        schedules: Whether the schedules of the code are deployed there.
        max_rows: Default limit for the rows of a run.
        max_cost: Default limit for the cost of a run, in dollars.
        allow_http: Whether http to another machine is allowed.
        prices: Dollars a row by kind, instead of the documented prices.
        journal: The file that remembers runs; None for the default of a client.
        history: The folder for replaced workflows; None for the default of a client.
        store: The file of the emulator; None for all other environments.
    """

    name: str = ""
    was: str | None = None
    endpoint: str | Reference | None = None
    api_key: Reference | None = None
    oauth: OAuthFile | None = None
    org_id: str | Reference | None = None
    values: Mapping[str, Any] = field(default=EMPTY, repr=False)
    suffix: str = ""
    schedules: bool = True
    max_rows: int | None = None
    max_cost: float | None = None
    allow_http: bool = False
    prices: Mapping[str, float] = EMPTY
    journal: Path | None = None
    history: Path | None = None
    store: Path | None = None

    @property
    def key(self) -> str:
        """The name that ids, history and runs go by: the old one, if it has one."""
        return self.was or self.name

    def text(self, key: str, setting: str | Path | Reference | None) -> str | None:
        """Return a text, or that of a variable; None if there is none.

        Args:
            key: The name of the setting, for the error.
            setting: The text, or a reference to a variable.

        Raises:
            ConfigError: The variable is not set, or empty.
        """
        if not isinstance(setting, Reference):
            return None if setting is None else str(setting)
        if not (text := os.environ.get(setting.variable)):
            raise ConfigError(
                f"environment {self.name!r} takes {key} from the variable "
                f"{setting.variable}, which is not set; set it, or name another one"
            )
        return text

    @property
    def credential(self) -> Reference | OAuthFile | None:
        """The API key or the OAuth client."""
        return self.api_key or self.oauth

    @property
    def is_keyless(self) -> bool:
        """Whether it is a server on this machine that gets no credential.

        Then a made-up key is sent, and never that of the environment variables.
        """
        endpoint = self.endpoint
        is_here = isinstance(endpoint, str) and is_loopback(host_of(endpoint))
        return is_here and self.credential is None

    @property
    def is_of_variables(self) -> bool:
        """Whether the environment variables hold its credential."""
        is_here = self.store is not None or self.is_keyless
        return self.credential is None and not is_here

    @property
    def bound(self) -> Values:
        """The values, each read from its variables when it is looked up."""
        return Values(_Contents(self), filter(self.variables, self.values))

    def variables(self, name: str) -> Sequence[str]:
        """Return the variables of a value. With any, the value is secret."""
        items = (item for _, item in walk(self.values[name]))
        return [item.variable for item in items if isinstance(item, Reference)]


@frozen
class Settings:
    """The settings of a project, from `[tool.flow64]`.

    Attributes:
        folder: The folder of the file, or the working folder without a file.
        file: The file, if there is one.
        source: The source of the project, relative to `folder`.
        environments: All environments by name, including the emulator.
        journal: The file that remembers runs.
        history: The folder for replaced workflows.
        prices: Dollars a row by kind, instead of the documented prices.
        rules: `error`, `warning`, `note` or `ignore` for findings, by code.
        blocks: The file with the service's own list of blocks, if there is one.
        compiled: The folder of compiled JSON that is committed, if there is one.
        default_env: The environment of commands that name none.
    """

    folder: Path = Path()
    file: Path | None = None
    source: str | None = None
    environments: Mapping[str, Environment] = EMPTY
    journal: Path = Path(".flow64/runs.jsonl")
    history: Path = Path(".flow64/history")
    prices: Mapping[str, float] = EMPTY
    rules: Mapping[str, Literal["error", "warning", "note", "ignore"]] = EMPTY
    blocks: Path | None = None
    compiled: Path | None = None
    default_env: str | None = None

    def environment(self, name: str | None = None) -> Environment:
        """Return the environment of a name, or else the default environment.

        The first of these counts: the name, that in the variable `FLOW64_ENV`,
        `default_env` of the file, and the only configured environment. If none is
        configured, the environment variables describe the only environment. It has any
        given name, or `default`. The old name of an environment means it as well.

        Raises:
            ConfigError: The name is unknown or empty, or several environments are
                configured and none was named.
        """
        if name is None:
            name = os.environ.get(ENV_NAME) or self.default_env
        environments = self.environments
        first, *others = (key for key in environments if not environments[key].store)
        if name is None and others:
            listed = printable(", ".join((first, *others)))
            problem = f"several environments are configured ({listed})"
            advice = f"name one with -e or {ENV_NAME}, or default_env in [tool.flow64]"
            raise ConfigError(f"{problem}: {advice}", is_usage=True)
        name = first if name is None else name
        if name in environments:
            return environments[name]
        for environment in environments.values():
            if name == environment.was:
                return environment
        if name and environments[first].is_of_variables:
            return evolve(environments[first], name=name)
        near = did_you_mean(name, environments)
        listed = ", ".join(environments)
        problem = f"there is no environment {clipped(name)!r}{near}; there are {listed}"
        raise ConfigError(printable(problem), is_usage=True)


class _Contents(UserDict[str, Any]):
    """The contents of values, each read from its variables when it is looked up."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment.values)
        self._environment = environment

    def __getitem__(self, name: str) -> Any:
        environment = self._environment

        def resolve(item: Any, _: object) -> Any:
            is_text = isinstance(item, Reference)
            return environment.text(f"values.{name}", item) if is_text else item

        return map_json(environment.values[name], resolve)


# -- The file -------------------------------------------------------------------------


def load(start: str | PathLike[str] | None = None) -> Settings:
    """Load the settings of the project that a folder belongs to.

    They come from the nearest `pyproject.toml` upwards with a `[tool.flow64]`. The
    search ends at the folder of a git repository. Without such a file, the environment
    variables describe the only environment.

    Args:
        start: A folder; None for the working folder.

    Raises:
        ConfigError: The file has mistakes. All of them are listed.
    """
    folder = Path.cwd() if start is None else Path(start).absolute()
    for file in _list_files(folder):
        tool = parse(file).get("tool", {})
        if isinstance(tool, dict) and "flow64" in tool:
            return _read(file, tool["flow64"])
    return _complete(folder, None, Settings())


def _list_files(folder: Path) -> Iterator[Path]:
    for place in (folder, *folder.parents):
        if (place / _FILE).is_file():
            yield place / _FILE
        if (place / ".git").exists():
            return


def parse(file: Path) -> dict[str, Any]:
    """Parse a file of TOML.

    Raises:
        ConfigError: It is none, or cannot be read.
    """
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        # The message of the parser has a place and no line, which may hold a key.
        problem = f"cannot be read as TOML: {error}"
    raise ConfigError(printable(f"{relative_path(file)} {problem}"))


def _read(file: Path, table: object) -> Settings:
    """Read the table of a file.

    Raises:
        ConfigError: It has mistakes. All of them are listed.
    """
    try:
        settings = _complete(file.parent, file, _converter.structure(table, Settings))
    except (BaseValidationError, AttributeError, TypeError) as error:
        mistakes = list_mistakes(error, "tool.flow64")
    else:
        mistakes = [*_list_conflicts(settings)]
    if mistakes:
        lines = list_lines([printable(mask(line)) for line in mistakes])
        name = printable(relative_path(file))
        raise ConfigError(f"{name} cannot be used:{lines}") from None
    return settings


def _complete(folder: Path, file: Path | None, settings: Settings) -> Settings:
    """Return settings with whole paths, and with the environments that always exist."""
    journal, history = folder / settings.journal, folder / settings.history
    tables = {**settings.environments}
    tables.setdefault(EMULATOR, Environment())
    has_emulator = tables[EMULATOR].endpoint is None
    if has_emulator and len(tables) == 1:
        tables = {DEFAULT_ENV: Environment(), **tables}
    environments: dict[str, Environment] = {}
    for name, table in tables.items():
        is_emulator = has_emulator and name == EMULATOR
        is_usual = is_emulator or name not in settings.environments
        oauth = table.oauth
        if oauth is not None and isinstance(oauth.file, Path):
            oauth = evolve(oauth, file=folder / oauth.file)
        environments[name] = evolve(
            table,
            name=name,
            endpoint=None if is_usual else table.endpoint or DEFAULT_ENDPOINT,
            oauth=oauth,
            prices=settings.prices,
            journal=journal,
            history=history,
            store=folder / ".flow64/emulator.db" if is_emulator else None,
        )
    return evolve(
        settings,
        folder=folder,
        file=file,
        environments=environments,
        journal=journal,
        history=history,
        blocks=settings.blocks and folder / settings.blocks,
        compiled=settings.compiled and folder / settings.compiled,
    )


def _list_conflicts(settings: Settings) -> Iterator[str]:
    """Yield conflicts between settings that are valid alone."""
    keys: dict[str, str] = {}
    for name, environment in settings.environments.items():
        keys.setdefault(escape_key(environment.key), name)
    for name, environment in settings.environments.items():
        path = f"tool.flow64.environments.{name}"
        if (other := keys[escape_key(environment.key)]) != name:
            yield f"{path}: its ids are those of {other}: rename one, or take was out"
        elif (other := keys.get(escape_key(name), name)) != name:
            # Its plan would take the workflows of the other one for lost ones.
            yield f"{path}: the ids of {other} have this name: choose another name"
        if environment.is_of_variables and environment.endpoint is not None:
            # That of the variables may be for another endpoint.
            yield f"{path}: a credential is missing: write api_key = {_VARIABLE}"
    if settings.default_env is not None:
        try:
            settings.environment(settings.default_env)
        except ConfigError as error:
            yield f"tool.flow64.default_env: {error}"
    for code, setting in settings.rules.items():
        if mistake := describe_wrong_rule(code, setting):
            yield f"tool.flow64.rules.{code}: {mistake}"


# -- Values ---------------------------------------------------------------------------


def _as_text(value: Any, _: object = str) -> str:
    """Return a text on one line that does not look like a secret."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise WrongValueError('write text on one line, as in "..."')
    _require_no_secret(value)
    return value


def _as_number(value: Any, kind: type) -> Any:
    if type(value) not in (int, kind) or not 0 <= value < math.inf:
        example = "a whole number, as in 500" if kind is int else "dollars, as in 2.5"
        raise WrongValueError(f"write {example}")
    return value


def _as_variable(value: Any, _: object = Reference) -> Reference:
    name = value.get("env") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise WrongValueError(f"a secret comes from a variable: write {_VARIABLE}")
    _require_no_secret(name)
    return Reference(name)


def _as_text_or_variable(value: Any, _: object = None) -> str | Reference:
    return _as_variable(value) if isinstance(value, dict) else _as_text(value)


def _as_path_or_variable(value: Any, _: object) -> Path | Reference:
    setting = _as_text_or_variable(value)
    return setting if isinstance(setting, Reference) else Path(setting)


def _as_content(value: Any, _: object) -> Any:
    """Return the content of a `value("name")`, with references for secrets."""
    if isinstance(value, dict) and value.keys() == {"env"}:
        return _as_variable(value)
    for text in value if isinstance(value, dict) else [value]:
        _require_no_secret(text)
    return value


def _require_no_secret(value: object) -> None:
    if isinstance(value, str) and has_key(value):
        raise WrongValueError(
            "looks like a key, and secrets do not belong into this file; write "
            f"{_VARIABLE}, and make that key a new one"
        )


_Content = NewType("_Content", object)

_converter: Final = make_converter(
    {
        str: _as_text,
        int: _as_number,
        float: _as_number,
        Path: lambda value, _: Path(_as_text(value)),
        Reference: _as_variable,
        str | Reference: _as_text_or_variable,
        str | Reference | None: _as_text_or_variable,
        Path | Reference: _as_path_or_variable,
        _Content: lambda value, _: map_json(value, _as_content),
    }
)
add_class(_converter, OAuthFile)
add_class(
    _converter,
    Environment,
    *("name", "prices", "journal", "history", "store"),
    values=dict[str, _Content],
)
add_class(_converter, Settings, "folder", "file")
