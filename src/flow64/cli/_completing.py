"""What a shell completes: names of environments, read from pyproject.toml alone.

Nothing of the user is imported, and little of flow64: a shell asks at every tab.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

FILE = "pyproject.toml"
ALWAYS = "emulator"
"""The environment that is there without being written."""


def environments(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The environments whose names begin like what was typed."""
    return items(names_in(Path.cwd()), incomplete)


def addresses(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Files, left to the shell; environments and `code` where one is begun."""
    found = items([*names_in(Path.cwd()), "code"], incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def commands(
    group: click.Group, context: click.Context, known: Mapping[str, str], begun: str
) -> list[CompletionItem]:
    """The commands that begin like what was typed, without loading any; and options."""
    found = [
        CompletionItem(name, help=text)
        for name, text in known.items()
        if name.startswith(begun)
    ]
    return [*found, *click.Command.shell_complete(group, context, begun)]


def items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Those that begin like what was typed."""
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def names_in(folder: Path) -> list[str]:
    """Names of environments by the next file upwards that has any; no mistake is told.

    Those that would steer a terminal are left out.
    """
    for above in (folder, *folder.parents):
        found = _section(above / FILE)
        if found is not None:
            names = dict.fromkeys([*_table(found, "environments"), ALWAYS])
            return [name for name in names if _is_plain(name)]
        if (above / ".git").exists():
            break
    return [ALWAYS]


def _section(file: Path) -> dict[str, Any] | None:
    """`[tool.flow64]` of a file; None where it has none."""
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    tool = _table(data, "tool")
    return _table(tool, "flow64") if "flow64" in tool else None


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _is_plain(name: str) -> bool:
    return name.isprintable() and not name.isspace()
