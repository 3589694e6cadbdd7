"""Reading `[tool.flow64]`. All mistakes are reported together."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import field, frozen

from ..definition import DEFAULT_ENV
from ..endpoints import DEFAULT_ENDPOINT, host_of, is_loopback
from ..errors import SettingsError, clipped, did_you_mean, shortened
from ..files import relative_path
from ..secrets import mask
from ._lines import ROOT, line_of, lines_of
from ._model import EMULATOR, Environment, OAuthFile, Reference, Settings
from ._value_checks import (
    WrongValueError,
    as_amount,
    as_count,
    as_endpoint,
    as_flag,
    as_hosts,
    as_reference_or_text,
    as_rule,
    as_table,
    as_text,
    as_value,
    as_variable,
    describe_type,
)

if TYPE_CHECKING:
    from ..analysis import RuleSetting

T = TypeVar("T")

FILE: Final = "pyproject.toml"

KEPT: Final = Path(".flow64")
"""The folder of flow64, below the folder of the project."""

LONGEST: Final = 512
"""Maximum characters of a name, as of every key."""


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
            relative_path(file), [f"it cannot be read: {reason}"]
        ) from error


def _parse(file: Path, text: str) -> dict[str, Any]:
    # The message of the parser has a place and no line, which may hold a key.
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        mistake = f"it is not valid TOML: {error}"
    raise SettingsError(relative_path(file), [mistake])


def _settings(
    folder: Path,
    file: Path | None,
    environments: Mapping[str, Environment] | None = None,
    kept: Mapping[str, Path] | None = None,
    **given: Any,
) -> Settings:
    """Make settings, with defaults for what is not configured."""
    found = dict(environments or {})
    places: dict[str, Any] = dict(kept or {})
    if all(environment.store for environment in found.values()):
        found[DEFAULT_ENV] = Environment(DEFAULT_ENV, **places)
    if EMULATOR not in found:
        found[EMULATOR] = _emulator(folder, **places)
    usual: dict[str, Any] = {"source": None, "history": folder / KEPT / "history"}
    return Settings(folder, file, environments=found, **{**usual, **given})


def _emulator(folder: Path, **given: Any) -> Environment:
    store = folder / KEPT / "emulator.db"
    return Environment(EMULATOR, store=store, **given)


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
        except WrongValueError as error:
            self.wrong(key, str(error))
            return default

    def section(self, key: str) -> SettingsSection | None:
        """Return a section below this one, if it exists."""
        table = self.take(key, as_table)
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
    shown = clipped(mask(key))
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
        raise SettingsError(relative_path(self.file), listed)

    def settings(self, data: Any) -> Settings:
        """Read `[tool.flow64]`."""
        if not isinstance(data, dict):
            self.wrong(ROOT, f"flow64 is {describe_type(data)}; write a table")
            data = {}
        return self.read(SettingsSection(self, ROOT, data))

    def read(self, top: SettingsSection) -> Settings:
        """Read `[tool.flow64]`, a section that was found."""
        journal = top.take("journal", self.place, self.folder / KEPT / "runs.jsonl")
        given: dict[str, Any] = {
            "source": top.take("source", as_text),
            "prices": self.prices(top),
            "rules": self.rules(top),
            "blocks": top.take("blocks", self.place),
            "compiled": top.take("compiled", self.place),
            "history": top.take("history", self.place, self.folder / KEPT / "history"),
        }
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
        return self.folder / as_text(value)

    def prices(self, top: SettingsSection) -> Mapping[str, float]:
        """Read dollars a row by kind."""
        table = top.section("prices")
        if table is None:
            return {}
        return {kind: table.take(kind, as_amount, 0.0) for kind in table.data}

    def default_env(
        self, top: SettingsSection, environments: Mapping[str, Environment]
    ) -> str | None:
        """Read the name of the default environment."""
        name: str | None = top.take("default_env", as_text)
        known = [one for one in environments if not environments[one].store]
        # Without any, the variables are the one environment, and it has any name.
        if name is not None and known and name not in {*known, EMULATOR}:
            names = dict.fromkeys([*known, EMULATOR])
            near = did_you_mean(name, names)
            there = ", ".join(names)
            problem = f"is {shortened(name)}, and there is no such environment"
            top.wrong("default_env", f"{problem}{near}; there are {there}")
        return name

    def rules(self, top: SettingsSection) -> Mapping[str, RuleSetting]:
        """Read the severities of findings by code."""
        table = top.section("rules")
        if table is None:
            return {}
        return {code: table.take(code, partial(as_rule, code)) for code in table.data}

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
            "values": {name: values.take(name, as_value) for name in values.data}
            if values
            else {},
            "suffix": section.take("suffix", as_text, ""),
            "max_rows": section.take("max_rows", as_count),
            "max_cost": section.take("max_cost", as_amount),
            **kept,
        }
        if name == EMULATOR and "endpoint" not in section.data:
            here = ": the emulator of the project accepts any key"
            placed = ("api_key", "oauth", "org_id", "hosts", "allow_http")
            section.end(dict.fromkeys(placed, here))
            return _emulator(self.folder, **given)
        allow_http = section.take("allow_http", as_flag, default=False)
        endpoint = section.take(
            "endpoint", partial(as_endpoint, allow_http=allow_http), DEFAULT_ENDPOINT
        )
        is_here = isinstance(endpoint, str) and is_loopback(host_of(endpoint))
        made = Environment(
            name,
            endpoint=endpoint,
            credential=self.credential(section, is_optional=is_here),
            org_id=section.take("org_id", as_reference_or_text),
            hosts=section.take("hosts", as_hosts),
            allow_http=allow_http,
            **given,
        )
        section.end({"key": " (did you mean 'api_key'?)"})
        return made

    def credential(
        self, section: SettingsSection, *, is_optional: bool
    ) -> Reference | OAuthFile | None:
        """Read the credential. A server on this machine needs none."""
        key = section.take("api_key", as_variable)
        oauth = section.section("oauth")
        example = 'api_key = { env = "NAME_OF_THE_VARIABLE" }'
        section.require_one(
            "api_key", "oauth", example=example, is_optional=is_optional
        )
        return key if oauth is None else self.oauth(oauth)

    def oauth(self, section: SettingsSection) -> OAuthFile | None:
        """Read an OAuth client."""
        client_id = section.take("client_id", as_reference_or_text)
        kid = section.take("kid", as_reference_or_text)
        file = section.take("file", self.key_file)
        audience = section.take("audience", as_reference_or_text)
        section.require("client_id", "kid", "file")
        section.end()
        return OAuthFile(client_id, kid, file, audience)

    def key_file(self, value: Any) -> Path | Reference:
        """Check the file of a private key, or the variable that names it."""
        return as_variable(value) if isinstance(value, dict) else self.place(value)
