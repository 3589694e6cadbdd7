"""Reading `[tool.flow64]`. All mistakes are reported together."""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import field, frozen

from ..definition import DEFAULT_ENV, Problem, freeze
from ..endpoints import DEFAULT_ENDPOINT, endpoint_of, host_of, is_loopback
from ..errors import ConfigError, SettingsError, clipped, did_you_mean, shortened
from ..redaction import redact_keys
from ._lines import ROOT, line_of, lines_of
from ._model import EMULATOR, Environment, OAuthFile, Reference, Settings

if TYPE_CHECKING:
    from ..analysis import RuleSetting

T = TypeVar("T")

FILE: Final = "pyproject.toml"

KEPT: Final = Path(".flow64")
"""The folder of flow64, below the folder of the project."""

LONGEST: Final = 512
"""Maximum characters of a name, as of every key."""

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of an environment variable."""


def load(start: str | PathLike[str] | None = None) -> Settings:
    """Load the settings of the project that a folder belongs to.

    They come from the nearest `pyproject.toml` upwards with a `[tool.flow64]`. The
    search ends at the folder of a git repository. Without such a file, the environment
    variables describe the only environment.

    Args:
        start: A folder, or the file itself; None for the working folder.

    Raises:
        SettingsError: The file has mistakes. All of them are listed.
    """
    place = Path.cwd() if start is None else Path(start).absolute()
    folder = place.parent if place.is_file() else place
    files = [place] if place.is_file() else _files(folder)
    for file in files:
        text = _text_of(file)
        data = _parse(file, text).get("tool", {})
        if isinstance(data, dict) and ROOT[1] in data:
            reader = SettingsReader(file, text)
            settings = reader.settings(data[ROOT[1]])
            reader.end()
            return settings
    return _settings(folder, None)


def _files(folder: Path) -> Sequence[Path]:
    found: list[Path] = []
    for above in (folder, *folder.parents):
        if (above / FILE).is_file():
            found.append(above / FILE)
        if (above / ".git").exists():
            break
    return found


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(
            _show_path(file), [f"it cannot be read: {reason}"]
        ) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    # The message of the parser has a place and no line, which may hold a key.
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        mistake = f"it is not valid TOML: {error}"
    raise SettingsError(_show_path(file), [mistake])


def _show_path(file: Path) -> str:
    """Return the path of a file, from the working folder if it is below that."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def _settings(
    folder: Path,
    file: Path | None,
    environments: Mapping[str, Environment] | None = None,
    kept: Mapping[str, Path | None] | None = None,
    **given: Any,
) -> Settings:
    """Make settings, with defaults for what is not configured."""
    found = dict(environments or {})
    places: dict[str, Any] = dict(kept or {})
    if not found.keys() - {EMULATOR}:
        found[DEFAULT_ENV] = Environment(DEFAULT_ENV, **places)
    if EMULATOR not in found:
        found[EMULATOR] = _emulator(folder, **places)
    usual: dict[str, Any] = {
        "source": None,
        "history": folder / KEPT / "history",
        "cache": folder / KEPT / "cache",
    }
    return Settings(folder, file, environments=found, **{**usual, **given})


def _emulator(folder: Path, **given: Any) -> Environment:
    store = folder / KEPT / "emulator.db"
    return Environment(EMULATOR, store=store, **given)


# -- Checks of values -----------------------------------------------------------------


class _WrongError(Exception):
    """A mistake in one value. The message never shows the value."""


def _kind(value: Any) -> str:
    """Return the TOML name of a type. The value itself may be a misplaced secret."""
    names: dict[type, str] = {
        str: "text",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def _of(kind: type[T], wanted: str, value: Any) -> T:
    if type(value) is kind:
        return value
    raise _WrongError(f"is {_kind(value)}; write {wanted}")


def _text(value: Any) -> str:
    text = _of(str, 'text, as in "..."', value)
    if not text.strip() or not text.isprintable():
        raise _WrongError("is empty, or has line breaks or invisible characters")
    _require_no_secret(text)
    return text


def _table(value: Any) -> dict[str, Any]:
    return _of(dict, "a table", value)


def _flag(value: Any) -> bool:
    return _of(bool, "true or false", value)


def _count(value: Any) -> int:
    count = _of(int, "a whole number, as in 500", value)
    if count < 0:
        raise _WrongError("is below 0; write a number from 0 up")
    return count


def _amount(value: Any) -> float:
    number = value if type(value) is int else _of(float, "dollars, as in 2.5", value)
    if not math.isfinite(number) or number < 0:
        raise _WrongError("is not a number from 0 up; write dollars, as in 2.5")
    return number


def _texts(value: Any) -> Sequence[str]:
    return tuple(map(_text, _of(list, 'a list of texts, as in ["..."]', value)))


def _rule(code: str, value: Any) -> RuleSetting:
    # Only a project with rules needs to know all of them.
    from ..analysis import describe_wrong_rule  # noqa: PLC0415 - see above

    if problem := describe_wrong_rule(code, value):
        raise _WrongError(problem)
    setting: RuleSetting = value
    return setting


def _hosts(value: Any) -> Sequence[str]:
    hosts = _texts(value)
    for host in hosts:
        if not re.fullmatch(r"[A-Za-z0-9.-]+|\[?[0-9A-Fa-f:.]+\]?", host):
            raise _WrongError(
                f"has {shortened(host)}, which is not a host; write only a name, as in "
                '"files.example.com"'
            )
    return hosts


def _variable(value: Any) -> Reference:
    """Check `{ env = "NAME" }`."""
    name = value.get("env") if isinstance(value, dict) else None
    is_alone = isinstance(value, dict) and len(value) == 1
    if not is_alone or not isinstance(name, str):
        raise _WrongError(
            "is not an environment variable, and a secret must come from one; write "
            '{ env = "NAME_OF_THE_VARIABLE" }'
        )
    if not VARIABLE.fullmatch(name) or redact_keys(name) != name:
        raise _WrongError(
            "is not the name of a variable; write its name, and never its content: "
            '{ env = "NAME_OF_THE_VARIABLE" }'
        )
    return Reference(name)


def _reference_or_text(value: Any) -> str | Reference:
    return _variable(value) if isinstance(value, dict) else _text(value)


def _value(value: Any) -> Any:
    """Check the content of a `value("name")`, with references for secrets."""
    problems: list[Problem] = []
    freeze(value, (), problems)
    if problems:
        # To say which of these it is would show the value.
        raise _WrongError(
            "is not JSON: it contains a date, a time, NaN, or a number beyond 2^53; "
            "write that as text"
        )
    return _convert_references(value)


def _convert_references(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"env"}:
            return _variable(value)
        for key in value:
            _require_no_secret(key)
        return {key: _convert_references(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_convert_references(inner) for inner in value]
    if isinstance(value, str):
        _require_no_secret(value)
    return value


def _require_no_secret(text: str) -> None:
    if redact_keys(text) != text:
        raise _WrongError(
            "looks like a key, and secrets do not belong into this file; write "
            '{ env = "NAME_OF_THE_VARIABLE" }, and make that key a new one'
        )


# -- Sections -------------------------------------------------------------------------


@frozen
class SettingsSection:
    """A section. Its keys are taken one by one, and keys that are left are unknown.

    Attributes:
        reader: Collects the mistakes.
        path: Its name, as a path.
        known: The keys that were taken.
    """

    reader: SettingsReader
    path: tuple[str, ...]
    data: Mapping[str, Any]
    known: list[str] = field(factory=list[str])

    def take(self, key: str, check: Callable[[Any], T], default: Any = None) -> T | Any:
        """Return the value of a key; the default if it is missing or wrong."""
        self.known.append(key)
        if key not in self.data:
            return default
        try:
            return check(self.data[key])
        except _WrongError as error:
            self.wrong(key, str(error))
            return default

    def section(self, key: str) -> SettingsSection | None:
        """Return a section below this one, if it exists."""
        table = self.take(key, _table)
        if table is None:
            return None
        return SettingsSection(self.reader, (*self.path, key), table)

    def require(self, *keys: str) -> None:
        """Report keys that are missing."""
        for key in keys:
            if key not in self.data:
                self.wrong(key, "is missing")

    def require_one(self, *keys: str, example: str, is_optional: bool = False) -> None:
        """Report if not exactly one of some keys is there, or none if that is fine."""
        given = [key for key in keys if key in self.data]
        if len(given) != 1 and not (is_optional and not given):
            either = f"both {' and '.join(keys)}" if given else ""
            which = either or f"neither {' nor '.join(keys)}"
            problem = f"has {which}; write one: {example}"
            self.reader.wrong((*self.path, ""), problem)

    def wrong(self, key: str, problem: str) -> None:
        """Report a mistake in a key."""
        self.reader.wrong((*self.path, key), f"{_key(key)} {problem}")

    def end(self, advice: Mapping[str, str] | None = None) -> None:
        """Report unknown keys.

        Args:
            advice: Advice for keys that people may expect.
        """
        for key in self.data:
            if key in self.known:
                continue
            known = ", ".join(sorted(self.known))
            near = did_you_mean(key, self.known) or f"; there are {known}"
            self.wrong(key, "is not a key here" + (advice or {}).get(key, near))


def _key(key: str) -> str:
    """Format a key without secrets."""
    shown = clipped(redact_keys(key))
    return shown if re.fullmatch(r"[\w-]+", key) else f"{shown!r}"


class SettingsReader:
    """Makes settings from a file, and collects its mistakes."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.folder = file.parent
        self.text = text
        self.mistakes: list[tuple[tuple[str, ...], str]] = []

    def wrong(self, path: tuple[str, ...], problem: str) -> None:
        """Report a mistake at a key or a section."""
        self.mistakes.append((path, problem))

    def end(self) -> None:
        """Raise all mistakes together.

        Raises:
            SettingsError: There are mistakes.
        """
        if not self.mistakes:
            return
        lines = lines_of(self.text)
        found = [
            (line_of(lines, path) or 0, path, problem)
            for path, problem in self.mistakes
        ]
        listed = [
            f"line {line}, [{'.'.join(map(_key, path[:-1]))}]: {problem}"
            for line, path, problem in sorted(found)
        ]
        raise SettingsError(_show_path(self.file), listed)

    def settings(self, data: Any) -> Settings:
        """Read `[tool.flow64]`."""
        if not isinstance(data, dict):
            self.wrong(ROOT, f"flow64 is {_kind(data)}; write a table")
            data = {}
        return self.read(SettingsSection(self, ROOT, data))

    def read(self, top: SettingsSection) -> Settings:
        """Read `[tool.flow64]`, a section that was found."""
        journal = top.take("journal", self.place, self.folder / KEPT / "runs.jsonl")
        given: dict[str, Any] = {
            "source": top.take("source", _text),
            "prices": self.prices(top),
            "rules": self.rules(top),
            "blocks": top.take("blocks", self.place),
        }
        for key, check in (("history", self.place), ("cache", self.place_or_none)):
            given[key] = top.take(key, check, self.folder / KEPT / key)
        kept = {"journal": journal, "history": given["history"]}
        environments = self.environments(top, kept)
        given["default_env"] = self.default_env(top, environments)
        top.end(
            {
                "module": " (did you mean 'source'?)",
                "allow": ': write rules = { "CODE" = "ignore" }',
                "namespace": ": it is part of ids, so it belongs in code: "
                'Project("...", namespace="...")',
            }
        )
        return _settings(self.folder, self.file, environments, kept, **given)

    def place(self, value: Any) -> Path:
        """Check a path, relative to the folder of the file."""
        return self.folder / _text(value)

    def place_or_none(self, value: Any) -> Path | None:
        """Check a path, or false for none."""
        return None if value is False else self.place(value)

    def prices(self, top: SettingsSection) -> Mapping[str, float]:
        """Read dollars a row by kind."""
        table = top.section("prices")
        if table is None:
            return {}
        return {kind: table.take(kind, _amount, 0.0) for kind in table.data}

    def default_env(
        self, top: SettingsSection, environments: Mapping[str, Environment]
    ) -> str | None:
        """Read the name of the default environment."""
        name: str | None = top.take("default_env", _text)
        known = [one for one in environments if one != EMULATOR]
        # Without any, the variables are the one environment, and it has any name.
        if name is not None and known and name not in (*known, EMULATOR):
            near = did_you_mean(name, [*known, EMULATOR])
            there = ", ".join([*known, EMULATOR])
            problem = f"is {shortened(name)}, and there is no such environment"
            top.wrong("default_env", f"{problem}{near}; there are {there}")
        return name

    def rules(self, top: SettingsSection) -> Mapping[str, RuleSetting]:
        """Read the severities of findings by code."""
        table = top.section("rules")
        if table is None:
            return {}
        return {code: table.take(code, partial(_rule, code)) for code in table.data}

    def environments(
        self, top: SettingsSection, kept: Mapping[str, Path | None]
    ) -> Mapping[str, Environment]:
        """Read the environments by name."""
        table = top.section("environments")
        found: dict[str, Environment] = {}
        names: dict[str, str] = {}
        for name in table.data if table else ():
            assert table is not None
            section = table.section(name)
            if len(name) > LONGEST or not name.strip() or not name.isprintable():
                table.wrong(name, f"is not a name: write 1 to {LONGEST} signs")
            other = names.setdefault(unicodedata.normalize("NFC", name), name)
            if other != name:
                table.wrong(name, "is there twice, in two spellings of one name")
            if section is not None:
                found[name] = self.environment(name, section, kept)
        return found

    def environment(
        self, name: str, section: SettingsSection, kept: Mapping[str, Path | None]
    ) -> Environment:
        """Read one environment."""
        values = section.section("values")
        given: dict[str, Any] = {
            "values": {name: values.take(name, _value) for name in values.data}
            if values
            else {},
            "suffix": section.take("suffix", _text, ""),
            "max_rows": section.take("max_rows", _count),
            "max_cost": section.take("max_cost", _amount),
            "branches": section.take("branches", _flag, default=False),
            **kept,
        }
        if name == EMULATOR:
            here = ": the emulator runs on this machine and accepts any key"
            placed = ("endpoint", "api_key", "oauth", "org_id", "hosts", "allow_http")
            section.end(dict.fromkeys(placed, here))
            return _emulator(self.folder, **given)
        allow_http = section.take("allow_http", _flag, default=False)
        endpoint = section.take(
            "endpoint", partial(_endpoint, allow_http=allow_http), DEFAULT_ENDPOINT
        )
        is_here = isinstance(endpoint, str) and is_loopback(host_of(endpoint))
        made = Environment(
            name,
            endpoint=endpoint,
            credential=self.credential(section, is_optional=is_here),
            org_id=section.take("org_id", _reference_or_text),
            hosts=section.take("hosts", _hosts),
            allow_http=allow_http,
            **given,
        )
        section.end({"key": " (did you mean 'api_key'?)"})
        return made

    def credential(
        self, section: SettingsSection, *, is_optional: bool
    ) -> Reference | OAuthFile | None:
        """Read the credential. A server on this machine needs none."""
        key = section.take("api_key", _variable)
        oauth = section.section("oauth")
        example = 'api_key = { env = "NAME_OF_THE_VARIABLE" }'
        section.require_one(
            "api_key", "oauth", example=example, is_optional=is_optional
        )
        return key if oauth is None else self.oauth(oauth)

    def oauth(self, section: SettingsSection) -> OAuthFile | None:
        """Read an OAuth client."""
        client_id = section.take("client_id", _reference_or_text)
        kid = section.take("kid", _reference_or_text)
        file = section.take("file", self.key_file)
        audience = section.take("audience", _reference_or_text)
        section.require("client_id", "kid", "file")
        section.end()
        return OAuthFile(client_id, kid, file, audience)

    def key_file(self, value: Any) -> Path | Reference:
        """Check the file of a private key, or the variable that names it."""
        return _variable(value) if isinstance(value, dict) else self.place(value)


def _endpoint(value: Any, *, allow_http: bool) -> str | Reference:
    given = _reference_or_text(value)
    if isinstance(given, Reference):  # judged when it is used
        return given
    try:
        return endpoint_of(given, allow_http=allow_http)
    except ConfigError as error:
        if " has no scheme; " in error.problem:
            raise _WrongError(error.problem.partition("base_url= ")[2]) from None
        # The error of the client is for Python, and may show a secret.
        raise _WrongError(
            f"is not a plain https address, such as {DEFAULT_ENDPOINT}; http is only "
            "for this machine, or with allow_http = true, and no password belongs in it"
        ) from None
