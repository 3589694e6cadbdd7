"""Addresses: texts that name workflows, in code, in files or live.

    leads.json, pipelines/:inbound   a source: a file, a folder or a module, and a key
    code, code:inbound               the source of [tool.flow64]
    prod, prod:inbound               live workflows that our code deployed
    prod:id:UUID                     any live workflow, by its id

A file or folder with the same name takes precedence over an environment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

from attrs import frozen

from ..definition import DEFAULT_ENV, canonical_id, is_uuid
from ..environments import EMULATOR, Settings
from ..environments import load as load_settings
from ..errors import did_you_mean
from ..text import shortened
from ._errors import AddressError
from ._source_names import CODE, list_names, require_project_source, split_source

ID: Final = "id:"
"""The prefix of an id in an address."""

ADDRESS_HELP: Final = (
    "A file, folder or module, with :KEY for one workflow of it; code or code:KEY for "
    "the source of the project; ENV or ENV:KEY for live workflows of an environment; "
    "ENV:id:UUID. A file or folder with the same name takes precedence."
)
"""Explains addresses in the help of commands."""


@frozen
class SourceAddress:
    """Workflows in code, or in files.

    Attributes:
        text: The address as it was given.
        source: The source, with a key if one was given, for `load_source`.
    """

    text: str
    source: str


@frozen
class LiveAddress:
    """Live workflows: one, by its key or id, or all of an environment.

    Attributes:
        text: The address as it was given.
    """

    text: str
    env: str
    key: str | None = None
    id: str | None = None


Address: TypeAlias = SourceAddress | LiveAddress


def parse_address(text: str) -> Address:
    """Parse an address. Files are searched for, and no code is imported.

    Raises:
        AddressError: It names nothing that exists.
        SettingsError: `pyproject.toml` has mistakes.
    """
    if not text.strip():
        problem = "an address is empty: is the variable set that it comes from?"
        raise AddressError(problem)
    if _exists(lambda: Path(split_source(text)[0])) or _is_drive(text):
        return SourceAddress(text, text)
    head, _, rest = text.partition(":")
    settings = load_settings()
    if head == CODE:
        source = require_project_source()
        return SourceAddress(text, f"{source}:{rest}" if rest else source)
    if head in settings.environments:
        return _parse_live(text, head, rest)
    if _is_source(head):
        return SourceAddress(text, text)
    if rest and _accepts_any_env(settings):
        return _parse_live(text, head, rest)
    names = [name for name in settings.environments if name != EMULATOR]
    if is_uuid(given := text.removeprefix(ID)):
        env = (names or [DEFAULT_ENV])[0]
        problem = f"{given} is an id, and which environment it is in is not said"
        raise AddressError(f"{problem}; write {env}:{ID}{given}")
    near = did_you_mean(head, [*names, EMULATOR, CODE, *_list_working_folder()])
    there = f"environments are {list_names([*names, EMULATOR])}"
    raise AddressError(
        f"there is no file, folder, module or environment {shortened(head)}{near}; "
        f"{there}"
    )


def require_same_env(address: LiveAddress, env: str | None) -> str:
    """Return the environment of an address. `--env` may repeat it.

    Raises:
        AddressError: `--env` names another one.
    """
    if env not in (None, address.env):
        problem = f"{address.text} is in {address.env}: leave out --env {env}"
        raise AddressError(problem)
    return address.env


def _parse_live(text: str, env: str, rest: str) -> LiveAddress:
    if not rest.startswith(ID):
        return LiveAddress(text, env, key=rest or None)
    given = rest.removeprefix(ID)
    if not is_uuid(given):
        problem = f"{shortened(given)} is not the id of a workflow"
        raise AddressError(f"{problem}; `flow64 list --env {env}` shows the ids")
    return LiveAddress(text, env, id=canonical_id(given))


def _exists(find: Callable[[], Path]) -> bool:
    """Return True if a path exists. A path that is too long for the system does not."""
    try:
        return find().exists()
    except OSError:
        return False


def _is_drive(text: str) -> bool:
    r"""Return True for a path that begins with a drive letter: `C:\leads.json`."""
    return re.match(r"[A-Za-z]:[\\/]", text) is not None


def _is_source(head: str) -> bool:
    """Return True if a text can only be a path or a module. No code is imported."""
    if Path(head).suffix in (".py", ".json") or any(sign in head for sign in r"/\."):
        return True
    if not head.isidentifier():
        return False
    if _exists(lambda: Path(f"{head}.py")):
        return True
    try:
        return find_spec(head) is not None
    except (ImportError, ValueError):
        return False


def _accepts_any_env(settings: Settings) -> bool:
    """Return True if nothing is configured, so that any name is the one environment."""
    names = settings.environments.keys() - {EMULATOR}
    return names == {DEFAULT_ENV} and (
        settings.environments[DEFAULT_ENV].is_of_variables
    )


def _list_working_folder() -> Sequence[str]:
    try:
        return sorted(entry.name for entry in Path.cwd().iterdir())
    except OSError:
        return []
