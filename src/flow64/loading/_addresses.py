"""Addresses: texts that name workflows, in code, in files or live.

    leads.json, pipelines/:inbound   a source: a file, a folder or a module, and a key
    code, code:inbound               the source of [tool.flow64]
    prod, prod:inbound               live workflows that our code deployed
    prod:id:UUID, UUID               any live workflow, by its id
    inbound, leads/us                a key of the source of [tool.flow64]

Each key may be a pattern: `leads/*`. What exists comes first, in this order: a file or
folder, the file of a module, an environment, a key, an installed module.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

from attrs import field, frozen

from ..definition import DEFAULT_ENV, canonical_id, is_uuid
from ..environments import EMULATOR, Settings
from ..environments import load as load_settings
from ..errors import FlowError, did_you_mean
from ..text import shortened
from ._errors import AddressError
from ._importing import is_module_name
from ._selection import is_glob, list_keys, suggest_keys, suggest_variant
from ._source_names import (
    CODE,
    find_project_source,
    list_names,
    list_near_paths,
    require_project_source,
    split_source,
)

ID: Final = "id:"
"""The prefix of an id in an address."""


@frozen
class SourceAddress:
    """Workflows in code, or in files.

    Attributes:
        text: The address as it was given.
        source: The source, with a key if one was given, for `load_source`.
        is_key: Whether the text is only a key, of the source of the project.
        content: JSON of one workflow, if it came from stdin and not from a file. Then
            the source is its name in messages.
    """

    text: str
    source: str
    is_key: bool = False
    content: bytes | None = field(default=None, repr=False)


@frozen
class LiveAddress:
    """Live workflows: one, by its key or id, several, or all of an environment.

    Attributes:
        text: The address as it was given.
        key: A key, or a pattern of keys.
        code: Whether modules of the project may be imported, to find out which of
            several workflows with the key is its own.
    """

    text: str
    env: str
    key: str | None = None
    id: str | None = None
    code: bool = field(default=True, eq=False, kw_only=True)

    @property
    def is_env(self) -> bool:
        """Whether it means all workflows of the environment."""
        return self.key is None and self.id is None


Address: TypeAlias = SourceAddress | LiveAddress


def parse_address(
    text: str, env: str | None = None, *, code: bool = True, prefers_live: bool = False
) -> Address:
    """Parse an address.

    No code is imported, except to tell a key from a module that is installed.

    Args:
        text: The address.
        env: The environment of an id alone, or of a live key; None for the default one.
        code: Whether modules may be imported.
        prefers_live: Whether a key alone is that of a live workflow, and not of code.

    Raises:
        AddressError: It names nothing that exists.
        ConfigError: `pyproject.toml` has mistakes.
        ConfigError: It is live, and it is not clear in which environment.
    """
    place = _require_whole(text)
    if _exists(Path(place)) or is_path(text) or _is_module_here(place):
        return SourceAddress(text, text)
    settings = load_settings()
    head, _, rest = text.partition(":")
    if is_uuid(given := text.removeprefix(ID)):
        name = settings.environment(env).name
        return LiveAddress(text, name, id=canonical_id(given))
    if head == CODE:
        source = require_project_source()
        return SourceAddress(text, f"{source}:{rest}" if rest else source)
    if head in settings.environments:
        return _parse_live(text, head, rest, code=code)
    is_module = is_installed(head)
    is_named = bool(rest) or (prefers_live and env is None)
    is_env = is_named and not is_glob(head)
    if is_env and _accepts_any_env(settings) and not is_module:
        return _parse_live(text, head, rest, code=code)
    if prefers_live:
        name = settings.environment(env).name
        return LiveAddress(text, name, key=text, code=code)
    configured = find_project_source()
    if configured is None and not is_module:
        raise AddressError(describe_unknown(text))
    if configured is None or (is_module and not _has_key(configured, text, code=code)):
        return SourceAddress(text, text)
    return SourceAddress(text, f"{configured}:{text}", is_key=True)


def _require_whole(text: str) -> str:
    """Return the place of an address, of which no part is empty.

    Raises:
        AddressError: A part is empty, as if it comes from a variable that is not set.
    """
    place, _ = split_source(text)
    if not text.strip():
        problem = "an address is empty"
    elif place == text or ":" not in (text[0], text[-1]):
        return place
    else:
        side = "follows" if text[-1] == ":" else "stands before"
        problem = f"nothing {side} the colon of {shortened(text)}"
    raise AddressError(f"{problem}: is the variable set that it comes from?")


def parse_source(text: str, *, code: bool = True) -> SourceAddress:
    """Parse the address of code or files, and refuse a live one.

    Args:
        text: The address.
        code: Whether modules may be imported.

    Raises:
        AddressError: It is live, or names nothing that exists.
        ConfigError: `pyproject.toml` has mistakes.
    """
    if is_uuid(text.removeprefix(ID)) and not _exists(Path(text)):
        address: Address = LiveAddress(text, DEFAULT_ENV, id=text)
    else:
        address = parse_address(text, code=code)
    if isinstance(address, SourceAddress):
        return address
    live = shlex.quote(text)
    ways = [] if address.id else [f"flow64 diff {live} code compares it"]
    ways.append(
        f"flow64 pull {live}{' --all' if address.is_env else ''} -o live saves it"
    )
    if address.is_env:
        ways.append(f"if you mean a key of your code, write code:{live}")
    problem = f"{text} is live, and this command needs code or files"
    raise AddressError(f"{problem}; {', and '.join(ways)}")


def require_same_env(address: LiveAddress, env: str | None) -> str:
    """Return the environment of an address. `--env` may repeat it.

    Raises:
        AddressError: `--env` names another one.
    """
    if env not in (None, address.env):
        problem = f"{address.text} is in {address.env}: leave out --env {env}"
        raise AddressError(problem)
    return address.env


def describe_unknown(text: str, keys: Sequence[str] | None = None) -> str:
    """Describe a text that names nothing.

    Args:
        text: The address.
        keys: The keys in the source of the project; None if no source is configured.

    Raises:
        ConfigError: `pyproject.toml` has mistakes.
    """
    names = sorted(load_settings().environments, key=lambda name: name == EMULATOR)
    head = text.partition(":")[0]
    paths = list_near_paths(Path(head))
    near = suggest_variant(head, keys or ()) or did_you_mean(
        head, [*names, CODE, *paths, *suggest_keys(keys or ())]
    )
    if keys is None:
        kinds = "file, folder, module or environment"
        more = 'for a key, write source = "pipelines" under [tool.flow64]'
    else:
        kinds = "file, folder, module, environment or key"
        more = f"keys are {list_keys(keys)}" if keys else "the code has no keys"
    return (
        f"there is no {kinds} {shortened(head)}{near}; environments are "
        f"{list_names(names)}; {more}{advise_revision(head)}"
    )


def advise_revision(text: str) -> str:
    """Return how to compare with a revision of git, if a text is probably one."""
    is_usual = text.startswith(("HEAD", "origin/")) or text in ("main", "master")
    if not is_usual:
        return ""
    return (
        "; for a git revision, write git worktree add ../before "
        f"{shlex.quote(text)}, then "
        "flow64 review --base ../before/compiled --head compiled"
    )


def is_path(text: str) -> bool:
    r"""Return True if a text can only be a path: `leads.py`, `./leads`, `C:\\leads`."""
    place, _ = split_source(text)
    is_relative = place.startswith(("./", "../", "/", "~")) or place.endswith("/")
    has_ending = Path(place).suffix in (".py", ".json")
    is_drive = re.match(r"[A-Za-z]:[\\/]", text) is not None
    return is_relative or has_ending or is_drive or "\\" in place


def _parse_live(text: str, env: str, rest: str, *, code: bool) -> LiveAddress:
    given = rest.removeprefix(ID)
    if is_uuid(given):
        return LiveAddress(text, env, id=canonical_id(given))
    if not rest.startswith(ID):
        return LiveAddress(text, env, key=rest or None, code=code)
    problem = f"{shortened(given)} is not the id of a workflow"
    raise AddressError(f"{problem}; `flow64 list --env {env}` shows the ids")


def _exists(path: Path) -> bool:
    """Return True if a path exists. A path that is too long for the system does not."""
    try:
        return path.exists()
    except OSError:
        return False


def _is_module_here(name: str) -> bool:
    """Return True if a text names a module or package below the working folder."""
    if not is_module_name(name):
        return False
    path = Path(*name.split("."))
    return _exists(path.with_suffix(".py")) or _exists(path)


def is_installed(name: str) -> bool:
    """Return True if a module, or its package, is installed and may have workflows."""
    package = name.partition(".")[0]
    if not is_module_name(name) or package in sys.stdlib_module_names:
        return False
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _has_key(source: str, key: str, *, code: bool) -> bool:
    """Return True if the source of the project has workflows with a key."""
    from ._sources import load_source  # noqa: PLC0415 - it imports this module

    if split_source(key)[0] == split_source(source)[0]:
        return False  # the source of the project is an installed module
    try:
        load_source(SourceAddress(key, f"{source}:{key}", is_key=True), code=code)
    except FlowError:
        return False
    return True


def _accepts_any_env(settings: Settings) -> bool:
    """Return True if nothing is configured, so that any name is the one environment."""
    names = settings.environments.keys() - {EMULATOR}
    return names == {DEFAULT_ENV} and (
        settings.environments[DEFAULT_ENV].is_of_variables
    )
