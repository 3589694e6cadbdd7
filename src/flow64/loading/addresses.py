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
from typing import Final, Protocol, TypeAlias, TypeVar

from attrs import frozen

from ..definition import DEFAULT_ENV, canonical_id, is_uuid
from ..environments import Settings
from ..environments import load as load_settings
from ..errors import SourceError
from ..text import clipped, did_you_mean, join_words, shortened


class Named(Protocol):
    """A workflow of a source, or a live one."""

    @property
    def name(self) -> str:
        """Its key, and the names of its variant after slashes."""
        ...

    @property
    def key(self) -> str:
        """Its key alone."""
        ...


N = TypeVar("N", bound=Named)

CODE: Final = "code"
"""The address of the source of `[tool.flow64]`."""

MOST_NAMES: Final = 20
"""Maximum names that a message lists."""


@frozen
class SourceAddress:
    """Workflows in code, or in files.

    Attributes:
        text: The address as it was given.
        place: The file, folder or module.
        key: A key in it, or a pattern of keys.
        may_be_place: Whether it is a place, if the project has no such key.
    """

    text: str
    place: str
    key: str | None = None
    may_be_place: bool = False


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
    place, place_key = split_source(text)
    if not text.strip() or (place != text and ":" in (text[0], text[-1])):
        problem = f"a part of the address {shortened(text)} is empty"
        advice = "is the variable set that it comes from?"
        raise SourceError(f"{problem}: {advice}", is_usage=True)
    if _is_path(place):
        return SourceAddress(text, place, place_key)
    settings = load_settings()
    if is_uuid(text):
        return _parse_live(text, settings.environment(env).name, text)
    head, _, key = text.partition(":")
    is_place = _find_path(place) is not None
    is_module = is_place or _is_installed(place)
    if not is_place:
        if head == CODE:
            return SourceAddress(text, require_project_source(settings), key or None)
        environments = settings.environments
        # Without settings, any name is that of the one environment.
        is_any = any(item.is_of_variables for item in environments.values())
        is_any = is_any and bool(key or (prefers_live and env is None))
        is_any = is_any and not is_module and {*"*?["}.isdisjoint(head)  # no pattern
        if head in environments or is_any:
            return _parse_live(text, head, key)
    if prefers_live and not is_module:
        return LiveAddress(text, settings.environment(env).name, key=text)
    source = find_project_source(settings)
    if source is not None and not prefers_live and not _is_named(place, settings):
        return SourceAddress(text, source, text, may_be_place=is_module)
    if is_module:
        return SourceAddress(text, place, place_key)
    raise SourceError(describe_unknown(text), is_usage=True)


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
    near = did_you_mean(head, [*environments, CODE, *keys])
    keys_there = f"; keys are {list_names(keys)}" if keys else ""
    return (
        f"there is no file, folder, module, environment or key {shortened(head)}{near}"
        f"; environments are {list_names(environments)}{keys_there}"
    )


def _is_path(place: str) -> bool:
    """Return True if a text can only be a path: `leads.py`, `./leads`, `leads/`."""
    is_relative = place.startswith(("./", "../", "/", "~")) or place.endswith("/")
    return is_relative or place in (".", "..") or place.endswith((".py", ".json"))


def _find_path(name: str, folder: Path = Path()) -> Path | None:
    """Return the file or folder of a name, or of a module of that name."""
    paths = [folder / name]
    if is_module_name(name):
        module = folder.joinpath(*name.split("."))
        paths += [module, module.with_suffix(".py")]
    return next(filter(_exists, paths), None)


def _exists(path: Path) -> bool:
    """Return True if a path exists. A path that is too long for the system does not."""
    return os.path.exists(path)  # noqa: PTH110 - that of a Path raises an error


def is_module_name(text: str) -> bool:
    """Return True if a text can be the name of a module."""
    return all(part.isidentifier() for part in text.split("."))


def _is_installed(name: str) -> bool:
    """Return True if a module, or its package, is installed and may have workflows."""
    package = name.partition(".")[0]
    is_library = package in {*sys.stdlib_module_names, "__main__"}
    return is_module_name(name) and not is_library and find_spec(package) is not None


def _parse_live(text: str, env: str, key: str) -> LiveAddress:
    if is_uuid(key):
        return LiveAddress(text, env, id=canonical_id(key))
    return LiveAddress(text, env, key=key or None)


def _is_named(place: str, settings: Settings) -> bool:
    """Return True if the settings name a place, as the source or as compiled JSON."""
    source = settings.source or ""
    names = (settings.folder / source, settings.compiled)
    return place == source or Path(place).absolute() in names


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


def find_project_source(settings: Settings) -> str | None:
    """Return the source that `[tool.flow64]` names, relative to the working folder."""
    if settings.source is None:
        return None
    path = _find_path(settings.source, settings.folder)
    # A module may be installed elsewhere.
    return settings.source if path is None else os.path.relpath(path)


def require_project_source(settings: Settings) -> str:
    """Return the source that `[tool.flow64]` names.

    Raises:
        SourceError: No source is configured.
    """
    if (source := find_project_source(settings)) is not None:
        return source
    problem = 'SOURCE is missing: name it, or write source = "pipelines" under'
    place = "[tool.flow64] of pyproject.toml (flow64 init makes one)"
    raise SourceError(f"{problem} {place}", is_usage=True)


# -- Keys and patterns -----------------------------------------------------------------


def matches(pattern: str, name: str) -> bool:
    """Return True if a pattern matches a key path.

    `*` matches any text, with slashes too. `?` matches one character, and `[ab]` one of
    these. A pattern without them matches only itself.

    >>> matches("leads/*", "leads/us/smb"), matches("leads/*", "leads")
    (True, False)
    """
    return pattern == name or fnmatchcase(name, pattern)


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

    def pick(self, place: str, items: Sequence[N]) -> Sequence[N]:
        """Return the workflows that the patterns select, in their order.

        Args:
            place: Where they are, for errors.
            items: The workflows.

        Raises:
            SourceError: A pattern matches nothing.
        """
        names = [item.name for item in items]
        for pattern in (*self.select, *self.exclude):
            if not any(matches(pattern, name) for name in names):
                raise SourceError(
                    describe_no_match(place, pattern, names), is_usage=True
                )
        return [
            item
            for item in items
            if not self.select or any(matches(text, item.name) for text in self.select)
            if not any(matches(text, item.name) for text in self.exclude)
        ]


EVERYTHING: Final = Selection()


def pick_key(
    key: str,
    items: Sequence[N],
    address_of: Callable[[N], str] = lambda item: item.name,
) -> Sequence[N]:
    """Return the workflow of a name, the only one of a key, or those of a pattern.

    Args:
        key: A name, a key without variants, or a pattern of names.
        items: The workflows.
        address_of: Returns what else names one, for the error.

    Raises:
        SourceError: Several have the key.
    """
    named = [item for item in items if item.name == key]
    named = named or [item for item in items if item.key == key]
    if len(named) > 1:
        names = list_names([*map(address_of, named)])
        problem = f"{key!r} is the key of {len(named)} workflows: {names}"
        advice = "name one of them, or several by a pattern"
        raise SourceError(f"{problem}; {advice}", is_usage=True)
    return named or [item for item in items if matches(key, item.name)]


def list_names(names: Sequence[str]) -> str:
    """Join names for a message. If there are many, the last ones are only counted."""
    return join_words((clipped(name) or repr(name) for name in names), MOST_NAMES)


def describe_no_match(place: str, pattern: str, keys: Sequence[str]) -> str:
    """Describe a key or a pattern that matches none of the keys of a place."""
    near = did_you_mean(pattern, keys)
    held = f"it holds {list_names(keys)}" if keys else "it holds none"
    return f"{clipped(place)} holds no workflow {shortened(pattern)}{near}; {held}"
