"""`[tool.flow64]` of pyproject.toml: one class for each table, read by cattrs.

Secrets are references until they are sent. No message shows a value, since it may be a
secret in the wrong place.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal, NewType, TypeVar, get_args

from attrs import evolve, field, frozen

from ..definition import DEFAULT_ENV, EMPTY, freeze, walk
from ..endpoints import DEFAULT_ENDPOINT, endpoint_of, host_of, is_loopback
from ..errors import ConfigError, list_lines
from ..files import relative_path
from ..secrets import map_json, mask
from ..tables import Reader, TablePath, WrongValueError
from ..text import clipped, did_you_mean, printable

T = TypeVar("T")

EMULATOR: Final = "local"
"""The environment that always exists, on an emulator, unless it has an endpoint."""

ENV_NAME: Final = "FLOW64_ENV"
"""The variable that names the environment if nothing else does."""

_FILE: Final = "pyproject.toml"
_TABLE: Final = ("tool", "flow64")
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
        api_key: The variable of the API key.
        oauth: An OAuth client. Without it and `api_key`, the environment variables have
            the credential; a server on this machine needs none.
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

    name: str = ""
    endpoint: str | Reference | None = None
    api_key: Reference | None = None
    oauth: OAuthFile | None = None
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

    def text(self, key: str, setting: str | Path | Reference) -> str:
        """Return a text, or that of a variable.

        Args:
            key: The name of the setting, for the error.
            setting: The text, or a reference to a variable.

        Raises:
            ConfigError: The variable is not set, or empty.
        """
        if not isinstance(setting, Reference):
            return str(setting)
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
        return self.credential is None and _is_here(self.endpoint)

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
        items = (item for _, item in walk(self.values[name]))
        return [item.variable for item in items if isinstance(item, Reference)]

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
        given name, or `default`.

        Raises:
            ConfigError: The name is unknown or empty, or several environments are
                configured and none was named.
        """
        variable = ""
        if name is None:
            variable = os.environ.get(ENV_NAME) or ""
            name = variable or self.default_env
        elif not name:
            problem = "the name of the environment is empty"
            raise ConfigError(f"{problem}: is the variable set that it comes from?")
        named = [
            key
            for key, environment in self.environments.items()
            if not environment.store
        ]
        first = self.environments[named[0]]
        if name is None:
            if len(named) == 1:
                return first
            listed = ", ".join(map(printable, named))
            raise ConfigError(
                f"several environments are configured ({listed}): name one of them, as "
                f"in -e {named[0]}, or with {ENV_NAME}={named[0]}, or always with "
                f'default_env = "{named[0]}" under [tool.flow64]',
                is_usage=True,
            )
        if name in self.environments:
            return self.environments[name]
        if first.is_of_variables:
            return evolve(first, name=name)
        source = f"{ENV_NAME} is {clipped(name)!r}: " if variable else ""
        problem = _describe_unknown(name, self.environments)
        raise ConfigError(source + problem, is_usage=True)


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


# -- The file -------------------------------------------------------------------------


def load(start: str | PathLike[str] | None = None) -> Settings:
    """Load the settings of the project that a folder belongs to.

    They come from the nearest `pyproject.toml` upwards with a `[tool.flow64]`. The
    search ends at the folder of a git repository. Without such a file, the environment
    variables describe the only environment.

    Args:
        start: A folder, or the file itself; None for the working folder.

    Raises:
        ConfigError: The file has mistakes. All of them are listed.
    """
    place = Path.cwd() if start is None else Path(start).absolute()
    folder = place.parent if place.is_file() else place
    for file in [place] if place.is_file() else _list_files(folder):
        tool = _parse(file).get(_TABLE[0], {})
        if isinstance(tool, dict) and _TABLE[1] in tool:
            return _read(file, tool[_TABLE[1]])
    return _place(folder, None, Settings())


def _list_files(folder: Path) -> Iterator[Path]:
    for place in (folder, *folder.parents):
        if (place / _FILE).is_file():
            yield place / _FILE
        if (place / ".git").exists():
            return


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # The message of the parser has a place and no line, which may hold a key.
        problem = f"is not valid TOML: {error}"
    raise ConfigError(f"{printable(relative_path(file))} {problem}")


def _read(file: Path, table: object) -> Settings:
    """Read the table of a file.

    Raises:
        ConfigError: It has mistakes. All of them are listed.
    """
    try:
        settings = _reader.converter.structure(table, Settings)
        settings = _place(file.parent, file, settings)
        mistakes = [*_judge(settings)]
    except Exception as error:  # noqa: BLE001 - cattrs collects what a hook raises
        mistakes = [*_reader.list_mistakes(error)]
    if mistakes:
        lines = [
            ".".join(map(_quote, (*_TABLE, *path))) + f": {problem}"
            for path, problem in mistakes
        ]
        name = printable(relative_path(file))
        raise ConfigError(f"{name} cannot be used:{list_lines(lines)}") from None
    return settings


def _place(folder: Path, file: Path | None, settings: Settings) -> Settings:
    """Return settings with whole paths, and with the environments that always exist."""
    journal, history = folder / settings.journal, folder / settings.history
    environments: dict[str, Environment] = {}
    for name, environment in {EMULATOR: Environment(), **settings.environments}.items():
        is_emulator = name == EMULATOR and environment.endpoint is None
        oauth = environment.oauth
        if oauth is not None and isinstance(oauth.file, Path):
            oauth = evolve(oauth, file=folder / oauth.file)
        environments[name] = evolve(
            environment,
            name=name,
            endpoint=None if is_emulator else environment.endpoint or DEFAULT_ENDPOINT,
            oauth=oauth,
            journal=journal,
            history=history,
            store=folder / ".flow64/emulator.db" if is_emulator else None,
        )
    environments = {
        name: environments[name] for name in (*settings.environments, *environments)
    }
    if all(environment.store for environment in environments.values()):
        usual = Environment(DEFAULT_ENV, journal=journal, history=history)
        environments = {DEFAULT_ENV: usual, **environments}
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


# -- Mistakes -------------------------------------------------------------------------


def _judge(settings: Settings) -> Iterator[tuple[TablePath, str]]:
    """Yield what is wrong with settings of which each alone is right."""
    for name, environment in settings.environments.items():
        yield from (
            (("environments", name), text) for text in _judge_environment(environment)
        )
    if settings.default_env is not None:
        try:
            settings.environment(settings.default_env)
        except ConfigError:
            problem = _describe_unknown(settings.default_env, settings.environments)
            yield ("default_env",), problem
    if settings.rules:
        # Only a project with rules needs to know all of them.
        from ..analysis.check import describe_wrong_rule  # noqa: PLC0415 - see above

        for code, setting in settings.rules.items():
            if mistake := describe_wrong_rule(code, setting):
                yield ("rules", code), mistake


def _judge_environment(environment: Environment) -> Iterator[str]:
    credentials = [name for name in ("api_key", "oauth") if getattr(environment, name)]
    if environment.store is not None:
        extra = [
            name
            for name in ("org_id", "hosts", "allow_http")
            if getattr(environment, name)
        ]
        if extra := [*credentials, *extra]:
            listed = ", ".join(extra)
            yield f"the emulator of the project accepts any key: leave out {listed}"
        return
    if environment.endpoint is None:
        return
    if len(credentials) == 2:
        yield "has both api_key and oauth: keep one"
    elif not credentials and not _is_here(environment.endpoint):
        yield f"a credential is missing: write api_key = {_VARIABLE}"
    if isinstance(environment.endpoint, str):
        try:
            endpoint_of(environment.endpoint, allow_http=environment.allow_http)
        except ConfigError:  # its words are for Python, and may show a secret
            yield (
                f"endpoint must be a plain https address, such as {DEFAULT_ENDPOINT}; "
                "http is only for this machine, or with allow_http = true, and no "
                "password belongs in it"
            )


def _is_here(endpoint: object) -> bool:
    return isinstance(endpoint, str) and is_loopback(host_of(endpoint))


def _describe_unknown(name: str, environments: Mapping[str, Environment]) -> str:
    near = did_you_mean(name, environments)
    listed = ", ".join(map(printable, environments))
    return f"there is no environment {clipped(name)!r}{near}; there are {listed}"


def _quote(key: str) -> str:
    """Format a key without secrets."""
    shown = clipped(mask(key))
    return shown if re.fullmatch(r"[\w-]+", key) else f"{shown!r}"


# -- Values ---------------------------------------------------------------------------


def _of(kind: type[T], example: str, value: Any) -> T:
    if type(value) is kind:
        return value
    raise WrongValueError(f"write {example}")


def _as_text(value: Any, _: object = str) -> str:
    """Return a text on one line that does not look like a secret."""
    text = _of(str, 'text, as in "..."', value)
    if not text.strip() or not text.isprintable():
        raise WrongValueError("is empty, or has line breaks or invisible characters")
    _require_no_secret(text)
    return text


def _as_count(value: Any, _: object) -> int:
    count = _of(int, "a whole number, as in 500", value)
    if count < 0:
        raise WrongValueError("write a number from 0 up")
    return count


def _as_dollars(value: Any, _: object) -> float:
    number = value if type(value) is int else _of(float, "dollars, as in 2.5", value)
    if not math.isfinite(number) or number < 0:
        raise WrongValueError("write dollars from 0 up, as in 2.5")
    return number


def _as_hosts(value: Any, _: object) -> Sequence[str]:
    hosts = tuple(map(_as_text, _of(list, 'a list of texts, as in ["..."]', value)))
    if all(
        re.fullmatch(r"[A-Za-z0-9.-]+|\[?[0-9A-Fa-f:.]+\]?", host) for host in hosts
    ):
        return hosts
    raise WrongValueError('write only names of hosts, as in "files.example.com"')


def _as_variable(value: Any, _: object = Reference) -> Reference:
    name = value.get("env") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(name, str):
        raise WrongValueError(f"a secret comes from a variable: write {_VARIABLE}")
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) or mask(name) != name:
        problem = "write the name of a variable, and never its content"
        raise WrongValueError(f"{problem}: {_VARIABLE}")
    return Reference(name)


def _as_text_or_variable(value: Any, kind: Any) -> str | Path | Reference:
    if isinstance(value, dict):
        return _as_variable(value)
    text = _as_text(value)
    return Path(text) if Path in get_args(kind) else text


def _as_content(value: Any, _: object) -> Any:
    """Return the content of a `value("name")`, with references for secrets."""
    problems: list[Any] = []
    freeze(value, (), problems)
    if problems:  # to say which of these it is would show the value
        raise WrongValueError(
            "is not JSON: it contains a date, a time, NaN, or a number beyond 2^53; "
            "write that as text"
        )
    return map_json(value, _convert_reference)


def _convert_reference(value: Any, _: object) -> Any:
    """Return the reference that a table is, and refuse secrets in any other text."""
    if isinstance(value, dict):
        if value.keys() == {"env"}:
            return _as_variable(value)
        for key in value:
            _require_no_secret(key)
    elif isinstance(value, str):
        _require_no_secret(value)
    return value


def _require_no_secret(text: str) -> None:
    if mask(text) != text:
        raise WrongValueError(
            "looks like a key, and secrets do not belong into this file; write "
            f"{_VARIABLE}, and make that key a new one"
        )


def _is_text_or_variable(kind: Any) -> bool:
    options = {*get_args(kind)} - {type(None)}
    return Reference in options and len(options) > 1


_Content = NewType("_Content", object)

_reader: Final = Reader(
    {
        str: _as_text,
        int: _as_count,
        float: _as_dollars,
        bool: lambda value, _: _of(bool, "true or false", value),
        Path: lambda value, _: Path(_as_text(value)),
        Reference: _as_variable,
        _Content: _as_content,
    }
)
_reader.converter.register_structure_hook_func(
    _is_text_or_variable, _as_text_or_variable
)
_reader.add(OAuthFile)
_reader.add(
    Environment,
    *("name", "journal", "history", "store"),
    values=_reader.mapping(_Content),
    hosts=_as_hosts,
)
_reader.add(
    Settings, "folder", "file", rules=lambda value, _: _of(dict, "a table", value)
)
