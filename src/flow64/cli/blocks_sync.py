"""`flow64 blocks sync`: save the service's own list of blocks in the project."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from ..analysis.live import CatalogueChange, LiveCatalogue, compare_catalogues
from ..blocks import CATALOGUE
from ..environments import Environment
from ..environments import load as load_settings
from ..errors import FlowError, missing_extra
from ..files import relative_path
from ..manifest import write_all
from ..secrets import clean_text
from ..text import join_words, pluralize
from . import _params as params
from ._colours import paint_changes
from ._service import connect
from ._terminal import print_json, print_lines, print_message

SAVED: Final = "blocks.json"
"""The usual file for the service's own list of blocks."""

SETTING: Final = f'blocks = "{SAVED}"'


@params.command("sync", "flow64 blocks sync", "flow64 blocks sync --env prod")
@params.env
@params.as_json
def command(*, env: str | None, as_json: bool) -> int:
    """Save the service's own list of blocks, and show what is new, changed or gone.

    One read is sent. The file is the one that `blocks` in [tool.flow64] names, by
    default blocks.json next to pyproject.toml. From then on all commands go by it: it
    may allow what flow64 does not know, and refuse what it knows. Commit it. If the
    answer is the same as before, the file is left alone. An emulator is only asked if
    --env names it.
    """
    settings = load_settings()
    file = settings.blocks or settings.folder / SAVED
    if env is None:
        _require_service(settings.environment())
    with connect(env) as client:
        answer = client.blocks()
    live = LiveCatalogue.of(answer.as_data())  # without secrets
    before = _read(file)
    changes = [] if before is None else compare_catalogues(before, live)
    is_new = before is None or before.blocks != live.blocks
    if is_new:
        write_all(file.parent, {file.name: live.as_text()})
    if as_json:
        synced = {
            "file": str(file),
            "date": live.date if is_new or before is None else before.date,
            "kinds": len(live.blocks),
            "is_first": before is None,
            "is_written": is_new,
            "changes": [change._asdict() for change in changes],
            "problems": [*map(clean_text, answer.problems)],
        }
        print_json(synced)
    else:
        print_lines(map(str, changes), paint_changes)
    print_problems(answer.problems)
    _print_result(file, before, live, changes, is_new=is_new)
    if _is_emulator(settings.environment(env)):
        print_message(
            "this list is that of an emulator: it says what flow64 knows itself"
        )
    if find_spec("jsonschema") is None:
        needs = missing_extra("checking by it", "schemas")
        print_message(f"{needs}")
    if settings.blocks is None:
        _print_setting(settings.file)
    return 0


def print_problems(problems: Sequence[str]) -> None:
    """Print the entries of a list that cannot be used, or only in part."""
    for problem in problems:
        print_message(clean_text(f"warning: {problem}"))


def _require_service(environment: Environment) -> None:
    """Refuse to save the list of an emulator that no option names.

    Raises:
        click.UsageError: The environment is an emulator.
    """
    if _is_emulator(environment):
        problem = f"{environment.name} is an emulator, which answers what flow64 knows"
        advice = f"to save that list all the same, write -e {environment.name}"
        raise click.UsageError(f"{problem}: name another --env; {advice}")


def _is_emulator(environment: Environment) -> bool:
    return environment.store is not None or environment.is_keyless


def _print_setting(file: Path | None) -> None:
    """Write the setting by which all commands go by the list, or say how to."""
    where = "pyproject.toml" if file is None else relative_path(file)
    if file is not None and _add_setting(file):
        print_message(f"{where}: {SETTING} added, so all commands go by it")
    else:
        print_message(
            "to let all commands go by it, write into [tool.flow64] of "
            f"{where}: {SETTING}"
        )


def _add_setting(file: Path) -> bool:
    """Add the setting to `[tool.flow64]`, if the file says nothing else then."""
    try:
        before = file.read_bytes().decode()
        lines = before.splitlines(keepends=True)
        at = [line.strip() for line in lines].index("[tool.flow64]")
        end = "\r\n" if lines[at].endswith("\r\n") else "\n"
        lines.insert(at + 1, SETTING + end)
        after = "".join(lines)
        wanted = tomllib.loads(before)
        wanted["tool"]["flow64"]["blocks"] = SAVED
        if tomllib.loads(after) != wanted:
            return False
        file.write_bytes(after.encode())
    except (OSError, ValueError):
        return False
    return True


def _read(file: Path) -> LiveCatalogue | None:
    """Read the list of the last sync; None if there is none, or it is damaged."""
    try:
        return LiveCatalogue.read(file)
    except FileNotFoundError:
        return None
    except (OSError, FlowError) as error:
        print_message(f"what is new is not known: {error}")
        return None


def _print_result(
    file: Path,
    before: LiveCatalogue | None,
    live: LiveCatalogue,
    changes: Sequence[CatalogueChange],
    *,
    is_new: bool,
) -> None:
    name, count = relative_path(file), pluralize(len(live.blocks), "kind")
    if before is None:
        print_message(f"{name} written: {count}")
        known, listed = CATALOGUE.keys(), live.blocks.keys()
        for label, kinds in (
            ("new to flow64", listed - known),
            ("known to flow64, but not listed", known - listed),
        ):
            if kinds:
                print_message(f"{label}: {join_words(sorted(kinds), 20)}")
    elif is_new:
        print_message(f"{name} written: {count}, {pluralize(len(changes), 'change')}")
    else:
        print_message(f"{name} is unchanged: {count}, as on {before.date}")
