"""Shell completion: environments and kinds, from pyproject.toml and what it names.

It runs at every tab, so it imports little of flow64, and none of the user's code.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

FILE = "pyproject.toml"
ALWAYS = "emulator"
"""The environment that always exists."""


def complete_environments(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the name of an environment."""
    return match_names(find_environments(Path.cwd()), incomplete)


def complete_addresses(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete an environment or `code`; else leave files to the shell."""
    found = match_names([*find_environments(Path.cwd()), "code"], incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def complete_kinds(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a kind of either catalogue, or the second word of a command."""
    from ..blocks import CATALOGUE  # noqa: PLC0415 - its command has loaded it
    from ._main import COMMANDS  # noqa: PLC0415 - it imports this module

    seconds = [
        CompletionItem(name.removeprefix("blocks "), help=text)
        for name, text in COMMANDS.items()
        if name.startswith(f"blocks {incomplete}") and not context.params.get("words")
    ]
    kinds = dict.fromkeys([*CATALOGUE, *find_live_kinds(Path.cwd())])
    return [*seconds, *match_names(kinds, incomplete)]


def complete_codes(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete the code of a finding."""
    from ..analysis import severities_by_code  # noqa: PLC0415 - loads the rules

    return match_names(sorted(severities_by_code()), incomplete)


def complete_commands(
    group: click.Group, context: click.Context, known: Mapping[str, str], begun: str
) -> list[CompletionItem]:
    """Complete commands, without loading them, and options."""
    found = [
        CompletionItem(name, help=text)
        for name, text in known.items()
        if name.startswith(begun) and " " not in name
    ]
    return [*found, *click.Command.shell_complete(group, context, begun)]


def match_names(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Return the names that begin with the typed text."""
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def find_environments(folder: Path) -> list[str]:
    """Return the environments of the nearest settings. Mistakes are ignored.

    Names with control characters are left out.
    """
    _, found = _settings(folder)
    names = dict.fromkeys([*_table(found, "environments"), ALWAYS])
    return [name for name in names if _is_plain(name)]


def find_live_kinds(folder: Path) -> list[str]:
    """Return the kinds of the list that the nearest settings name; none if in doubt."""
    above, found = _settings(folder)
    try:
        data: Any = json.loads((above / found["blocks"]).read_bytes())
        entries = data["blocks"] if isinstance(data, dict) else data
        kinds = [one.get("block_name") for one in entries if isinstance(one, dict)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [kind for kind in kinds if isinstance(kind, str) and _is_plain(kind)]


def _settings(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the nearest settings, and their folder. Without any they are empty."""
    for above in (folder, *folder.parents):
        found = _section(above / FILE)
        if found is not None:
            return above, found
        if (above / ".git").exists():
            break
    return folder, {}


def _section(file: Path) -> dict[str, Any] | None:
    """Return `[tool.flow64]` of a file; None if it has none."""
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
