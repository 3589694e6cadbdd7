"""Names of sources: `leads.py`, `leads.py:inbound`, `code`, and the configured one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..analysis.live import LiveCatalogue
from ..environments import Settings
from ..environments import load as load_settings
from ..errors import ConfigError, ReadError
from ..text import clipped, join_first
from ._errors import AddressError
from ._importing import is_module_name

if TYPE_CHECKING:
    from ..analysis.check import RuleSetting

CODE: Final = "code"
"""The address of the source of `[tool.flow64]`."""

NO_SETTINGS: Final = (
    "no pyproject.toml with [tool.flow64] was found from here up: go to the folder of "
    "the project (cd), or make one (flow64 init)"
)
"""What is said where no settings are found."""

MOST_NAMES: Final = 20
"""Maximum names that a message lists."""


def split_source(source: str) -> tuple[str, str | None]:
    """Split a source into its place and the key after the colon.

    If a file or folder has the whole text as its name, there is no key.

    >>> split_source("leads.py:inbound"), split_source("leads.py")
    (('leads.py', 'inbound'), ('leads.py', None))
    >>> split_source("acme.leads:inbound/us")
    ('acme.leads', 'inbound/us')
    """
    # A colon may belong to a path, as in C:\leads.py:inbound.
    for at in range(len(source), 0, -1):
        if source[at : at + 1] in ("", ":") and os.path.exists(source[:at]):  # noqa: PTH110 - takes names of any length
            return source[:at], source[at + 1 :] or None
    place, _, key = source.partition(":")
    return place, key or None


def find_project_source() -> str | None:
    """Return the source that `[tool.flow64]` names, relative to the working folder.

    Raises:
        ConfigError: pyproject.toml has mistakes.
    """
    settings = load_settings()
    if (source := settings.source) is None:
        return None
    there = settings.folder / source
    if is_module_name(source) and not there.exists():
        # `acme.pipelines` is a folder or a file from that of the settings.
        inner = settings.folder.joinpath(*source.split("."))
        there = inner if inner.is_dir() else inner.with_suffix(".py")
    place, _ = split_source(str(there))
    # A module may be installed elsewhere.
    return os.path.relpath(there) if Path(place).exists() else source


def require_project_source() -> str:
    """Return the source that `[tool.flow64]` names.

    Raises:
        AddressError: No source is configured.
        ConfigError: pyproject.toml has mistakes.
    """
    if (source := find_project_source()) is not None:
        return source
    advice = 'write source = "pipelines" under [tool.flow64] of pyproject.toml'
    raise AddressError(f"no source is configured, so {CODE!r} names nothing; {advice}")


def describe_setting(place: str) -> str:
    """Return that the settings name this source, if they do."""
    try:
        settings = load_settings()
    except ConfigError:
        return ""
    if settings.file is None or place != settings.source:
        return ""
    line = f"source = {json.dumps(place, ensure_ascii=False)}"
    return f"; it is {line} under [tool.flow64] of {os.path.relpath(settings.file)}"


def may_name_other_source(place: str) -> bool:
    """Return False if the settings certainly name no source but this one.

    It is asked at most commands, and settings load httpx.
    """
    line = f"source = {json.dumps(place, ensure_ascii=False)}"
    texts = [_read_settings_text(one) for one in (Path.cwd(), *Path.cwd().parents)]
    return any("source" in text and line not in text for text in texts)


def find_saved_catalogue(file: Path | None = None) -> LiveCatalogue | None:
    """Return the saved list of blocks that `[tool.flow64]` names, if it names one.

    Before a first `flow64 blocks sync`, there is no such file.

    Args:
        file: Another file to read.

    Raises:
        ConfigError: The file cannot be used, or pyproject.toml has mistakes.
        ReadError: The other file is not a list of blocks.
    """
    if file is not None:
        return LiveCatalogue.read(file)
    settings = _find_settings()
    return None if settings is None else _read_saved_catalogue(settings)


def _read_saved_catalogue(settings: Settings) -> LiveCatalogue | None:
    """Return the saved list of blocks of a project; None if it has none.

    Raises:
        ConfigError: The file cannot be used.
    """
    if settings.blocks is None:
        return None
    advice = "flow64 blocks sync fetches it again"
    try:
        return LiveCatalogue.read(settings.blocks)
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"blocks: {settings.blocks.name} cannot be read: {error.strerror}"
    except ReadError as error:
        problem = f"blocks: {error}"
    raise ConfigError(f"{settings.file}: {problem}; {advice}")


def find_saved_file() -> Path | None:
    """Return the file for the saved list of blocks, which may not be there yet.

    Raises:
        ConfigError: pyproject.toml has mistakes.
    """
    settings = _find_settings()
    if settings is None or settings.blocks is None:
        return None
    return settings.blocks.resolve()


def find_rules() -> Mapping[str, RuleSetting]:
    """Return the rules of `[tool.flow64]`, by code.

    Raises:
        ConfigError: pyproject.toml has mistakes.
    """
    settings = _find_settings()
    return {} if settings is None else settings.rules


def _find_settings() -> Settings | None:
    """Return the settings; None if they certainly have neither blocks nor rules."""
    if not any(map(_may_say_more, (Path.cwd(), *Path.cwd().parents))):
        return None  # nearly always, and settings load httpx
    from ..environments import load as load_settings  # noqa: PLC0415 - see above

    return load_settings()


def _may_say_more(folder: Path) -> bool:
    """Return True if the settings of a folder may have a list of blocks, or rules."""
    text = _read_settings_text(folder)
    return "blocks" in text or "rules" in text


def _read_settings_text(folder: Path) -> str:
    try:
        return (folder / "pyproject.toml").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def list_names(names: Sequence[str]) -> str:
    """Join names for a message. If there are many, the last ones are only counted."""
    return join_first(names, MOST_NAMES, lambda name: clipped(name) or repr(name))


def list_near_paths(path: Path) -> Sequence[str]:
    """Return paths that differ from a missing one in one folder or file."""
    try:
        missing = path
        while not missing.parent.exists():
            missing = missing.parent
        rest = path.relative_to(missing)
        found = [entry / rest for entry in missing.parent.iterdir()]
        return sorted(str(one) for one in found if one.exists())
    except OSError:
        return []
