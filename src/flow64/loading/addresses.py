"""Addresses: texts that name workflows, in code, in files or live.

    leads.py, pipelines:inbound    a file, a folder or a module, and a key in it
    inbound, leads/*               a key or pattern of the source of [tool.flow64]
    code, code:inbound             that source, and a key in it
    prod:inbound, prod             a key, or all that is live in an environment
    prod:UUID, UUID                any live workflow, by its id

A key comes before a folder of its name, and a path such as `./inbound` is no key.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from attrs import field, frozen

from ..definition import DEFAULT_ENV, canonical_id, is_uuid
from ..environments import EMULATOR, Settings
from ..environments import load as load_settings
from ..errors import SourceError
from ..text import clipped, did_you_mean, join_first, shortened

T = TypeVar("T")

CODE: Final = "code"
"""The address of the source of `[tool.flow64]`."""

ID: Final = "id:"
"""The prefix of an id in an address. It may be left out."""

MOST_NAMES: Final = 20
"""Maximum names that a message lists."""


@frozen
class SourceAddress:
    """Workflows in code, or in files.

    Attributes:
        text: The address as it was given.
        source: The file, folder or module, with a key behind a colon.
        otherwise: What to read if the source of the project has no such key.
        is_key: Whether the text is only a key, of the source of the project.
        content: JSON of one workflow, if it came from stdin and not from a file. Then
            the source is its name in messages.
    """

    text: str
    source: str
    otherwise: str = ""
    is_key: bool = False
    content: bytes | None = field(default=None, repr=False)


@frozen
class LiveAddress:
    """Live workflows: one, by its key or id, several, or all of an environment.

    Attributes:
        text: The address as it was given.
        key: A key, or a pattern of keys.
    """

    text: str
    env: str
    key: str | None = None
    id: str | None = None

    @property
    def is_env(self) -> bool:
        """Whether it means all workflows of the environment."""
        return self.key is None and self.id is None


Address: TypeAlias = SourceAddress | LiveAddress


def parse_address(
    text: str, env: str | None = None, *, prefers_live: bool = False
) -> Address:
    """Parse an address. No code is imported.

    Args:
        text: The address.
        env: The environment of an id alone, or of a live key; None for the default one.
        prefers_live: Whether a key alone is that of a live workflow, and not of code.

    Raises:
        SourceError: It names nothing that exists.
        ConfigError: `pyproject.toml` has mistakes, or it is live, and it is not clear
            in which environment.
    """
    place, _ = split_source(text)
    if not text.strip() or (place != text and ":" in (text[0], text[-1])):
        problem = f"a part of the address {shortened(text)} is empty"
        advice = "is the variable set that it comes from?"
        raise SourceError(f"{problem}: {advice}", is_usage=True)
    if _is_path(place):
        return SourceAddress(text, text)
    settings = load_settings()
    if is_uuid(text.removeprefix(ID)):
        live_id = canonical_id(text.removeprefix(ID))
        return LiveAddress(text, settings.environment(env).name, id=live_id)
    head, _, key = text.partition(":")
    is_place = _is_place(place)
    is_module = is_place or _is_installed(place)
    if not is_place:
        if head == CODE:
            source = require_project_source(settings)
            return SourceAddress(text, f"{source}:{key}" if key else source)
        # Without settings, any name is that of the one environment.
        is_any = _accepts_any_env(settings) and not is_module
        is_any = is_any and bool(key or (prefers_live and env is None))
        if head in settings.environments or (is_any and not is_pattern(head)):
            return _parse_live(text, head, key)
    if prefers_live and not is_module:
        return LiveAddress(text, settings.environment(env).name, key=text)
    configured = find_project_source(settings)
    is_alone = configured is None or prefers_live or _is_named(place, settings)
    if is_alone and not is_module:
        raise SourceError(describe_unknown(text), is_usage=True)
    if is_alone:
        return SourceAddress(text, text)
    otherwise = text if is_module else ""
    return SourceAddress(text, f"{configured}:{text}", otherwise, is_key=True)


def parse_source(text: str) -> SourceAddress:
    """Parse the address of code or files, and refuse a live one.

    Raises:
        SourceError: It is live, or names nothing that exists.
        ConfigError: `pyproject.toml` has mistakes.
    """
    address = parse_address(text, DEFAULT_ENV if is_uuid(text) else None)
    if isinstance(address, LiveAddress):
        problem = f"{clipped(text)} is live, and this command needs code or files"
        advice = f"for a key of your code, write code:{clipped(text)}"
        raise SourceError(f"{problem}; {advice}", is_usage=True)
    return address


def describe_unknown(text: str, keys: Sequence[str] = ()) -> str:
    """Describe a text that names nothing.

    Args:
        text: The address.
        keys: The keys in the source of the project.

    Raises:
        ConfigError: `pyproject.toml` has mistakes.
    """
    environments = [*load_settings().environments]
    head = text.partition(":")[0]
    names = [*environments, CODE, *keys, *_list_neighbours(head)]
    near = did_you_mean(head, suggest_keys(names))
    known = f"; keys are {list_names(keys)}" if keys else ""
    return (
        f"there is no file, folder, module, environment or key {shortened(head)}{near}"
        f"; environments are {list_names(environments)}{known}"
    )


def _list_neighbours(place: str) -> Sequence[str]:
    """Return the paths beside a missing one."""
    folder = Path(place).parent
    try:
        return sorted(str(folder / name) for name in os.listdir(folder))  # noqa: PTH208 - names alone
    except (OSError, ValueError):
        return []


def _is_path(place: str) -> bool:
    """Return True if a text can only be a path: `leads.py`, `./leads`, `leads/`."""
    is_relative = place.startswith(("./", "../", "/", "~")) or place.endswith("/")
    return is_relative or place in (".", "..") or place.endswith((".py", ".json"))


def _is_place(name: str) -> bool:
    """Return True if a text names a file or folder, or a module that is one."""
    if _exists(Path(name)):
        return True
    path = Path(*name.split("."))
    is_file = is_module_name(name) and _exists(path.with_suffix(".py"))
    return is_file or (is_module_name(name) and _exists(path))


def _exists(path: Path) -> bool:
    """Return True if a path exists. A path that is too long for the system does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_module_name(text: str) -> bool:
    """Return True if a text can be the name of a module."""
    return all(part.isidentifier() for part in text.split("."))


def _is_installed(name: str) -> bool:
    """Return True if a module, or its package, is installed and may have workflows."""
    package = name.partition(".")[0]
    if not is_module_name(name) or package in sys.stdlib_module_names:
        return False
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _is_named(place: str, settings: Settings) -> bool:
    """Return True if the settings name a place, as the source or as compiled JSON."""
    if place == settings.source:
        return True
    source = settings.folder / (settings.source or "")
    is_here = Path(place).absolute() in (source, settings.compiled)
    return is_here or place == settings.source


def _parse_live(text: str, env: str, key: str) -> LiveAddress:
    live_id = key.removeprefix(ID)
    if is_uuid(live_id):
        return LiveAddress(text, env, id=canonical_id(live_id))
    if not key.startswith(ID):
        return LiveAddress(text, env, key=key or None)
    problem = f"{shortened(live_id)} is not the id of a workflow"
    advice = f"`flow64 list --env {env}` shows the ids"
    raise SourceError(f"{problem}; {advice}", is_usage=True)


def _accepts_any_env(settings: Settings) -> bool:
    """Return True if nothing is configured, so that any name is the one environment."""
    names = settings.environments.keys() - {EMULATOR}
    return names == {DEFAULT_ENV} and (
        settings.environments[DEFAULT_ENV].is_of_variables
    )


# -- The source of a project -----------------------------------------------------------


def split_source(source: str) -> tuple[str, str | None]:
    """Split a source into its place and the key after the colon.

    If a file or folder has the whole text as its name, there is no key.

    >>> split_source("leads.py:inbound"), split_source("leads.py")
    (('leads.py', 'inbound'), ('leads.py', None))
    >>> split_source("acme.leads:inbound/us")
    ('acme.leads', 'inbound/us')
    """
    if _exists(Path(source)):
        return source, None
    place, _, key = source.partition(":")
    return place, key or None


def find_project_source(settings: Settings | None = None) -> str | None:
    """Return the source that `[tool.flow64]` names, relative to the working folder.

    Raises:
        ConfigError: pyproject.toml has mistakes.
    """
    settings = settings or load_settings()
    if (source := settings.source) is None:
        return None
    path = settings.folder / source
    if is_module_name(source) and not path.exists():
        # `acme.pipelines` is a folder or a file from that of the settings.
        inner = settings.folder.joinpath(*source.split("."))
        path = inner if inner.is_dir() else inner.with_suffix(".py")
    place, _ = split_source(str(path))
    # A module may be installed elsewhere.
    return os.path.relpath(path) if Path(place).exists() else source


def require_project_source(settings: Settings | None = None) -> str:
    """Return the source that `[tool.flow64]` names.

    Raises:
        SourceError: No source is configured.
        ConfigError: pyproject.toml has mistakes.
    """
    if (source := find_project_source(settings)) is not None:
        return source
    raise SourceError(
        'SOURCE is missing: name it, or write source = "pipelines" under '
        "[tool.flow64] of pyproject.toml (flow64 init makes one)",
        is_usage=True,
    )


# -- Keys and patterns -----------------------------------------------------------------


def is_pattern(key: str) -> bool:
    """Return True if a key is a pattern that may match several workflows."""
    return not {*"*?["}.isdisjoint(key)


def matches(pattern: str, name: str) -> bool:
    """Return True if a pattern matches a key path.

    `*` matches any text, with slashes too. `?` matches one character, and `[ab]` one of
    these. A pattern without them matches only itself.

    >>> matches("leads/*", "leads/us/smb"), matches("leads/*", "leads")
    (True, False)
    """
    return pattern == name or (is_pattern(pattern) and fnmatchcase(name, pattern))


@frozen
class Selection:
    """The workflows of a source that a command works on. By default all of them.

    Attributes:
        select: Patterns of key paths. If there are any, other workflows are left out.
        exclude: Patterns of key paths to leave out.
    """

    select: Sequence[str] = ()
    exclude: Sequence[str] = ()

    def __bool__(self) -> bool:
        """Return True if it may leave out workflows."""
        return bool(self.select or self.exclude)

    def pick(
        self, place: str, items: Sequence[T], names_of: Callable[[T], Sequence[str]]
    ) -> Sequence[T]:
        """Return the items that the patterns select, in their order.

        Args:
            place: Where the items are, for errors.
            items: The workflows.
            names_of: Returns the names of one workflow. A pattern may match any.

        Raises:
            SourceError: A pattern matches nothing, or nothing is left.
        """
        named = [(item, names_of(item)) for item in items]
        options = [("--select", pattern) for pattern in self.select]
        options += [("--exclude", pattern) for pattern in self.exclude]
        for option, pattern in options:
            if not any(_match_any([pattern], names) for _, names in named):
                keys = [names[0] for _, names in named if names]
                problem = describe_no_match(place, pattern, keys)
                raise SourceError(f"{option}: {problem}", is_usage=True)
        kept = [
            item
            for item, names in named
            if (not self.select or _match_any(self.select, names))
            and not _match_any(self.exclude, names)
        ]
        if self.exclude and not kept:
            left = " ".join(f"--exclude {pattern}" for pattern in self.exclude)
            raise SourceError(f"nothing is left of {place} after {left}", is_usage=True)
        return kept


EVERYTHING: Final = Selection()


def suggest_keys(keys: Sequence[str]) -> Sequence[str]:
    """Return keys, with a pattern for the variants of each workflow."""
    heads = dict.fromkeys(key.partition("/")[0] for key in keys if "/" in key)
    return [*keys, *(f"{head}/*" for head in heads)]


def list_names(names: Sequence[str]) -> str:
    """Join names for a message. If there are many, the last ones are only counted."""
    return join_first(names, MOST_NAMES, lambda name: clipped(name) or repr(name))


def describe_no_match(place: str, pattern: str, keys: Sequence[str]) -> str:
    """Describe a key or a pattern that matches none of the keys of a place."""
    near = did_you_mean(pattern, suggest_keys(keys))
    known = f"it holds {list_names(keys)}" if keys else "it holds none"
    return f"{clipped(place)} holds no workflow {shortened(pattern)}{near}; {known}"


def _match_any(patterns: Sequence[str], names: Sequence[str]) -> bool:
    return any(matches(pattern, name) for pattern in patterns for name in names)
