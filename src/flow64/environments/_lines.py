"""On which line of a TOML file a key stands, which the parser does not tell."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

ROOT: Final = ("tool", "flow64")


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """The line of each key and section below `[tool.flow64]`, from 1.

    Args:
        text: A file that is TOML.
    """
    found: dict[tuple[str, ...], int] = {}
    section: tuple[str, ...] = ()
    rows = text.replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(rows):
        header = _header(rows[at])
        if header is not None:
            section, end, path = header, at + 1, header
        elif _may_be_ours(section):
            path, end = _statement(rows, at)
            path = (*section, *path)
        else:
            path, end = (), at + 1
        if path[:2] == ROOT:
            for depth in range(2, len(path) + 1):
                found.setdefault(path[:depth], at + 1)
        at = end
    return found


def line_of(lines: Mapping[tuple[str, ...], int], path: Sequence[str]) -> int | None:
    """The line of a key, or of the nearest thing around it that has one."""
    known = tuple(path)
    while known and known not in lines:
        known = known[:-1]
    return lines.get(known)


def _may_be_ours(section: tuple[str, ...]) -> bool:
    return section[:2] == ROOT[: len(section)]


def _header(row: str) -> tuple[str, ...] | None:
    """The path of a line that begins a section."""
    if not row.lstrip().startswith("["):
        return None
    data = _parsed(row)
    return None if data is None else tuple(_first(data))


def _statement(rows: Sequence[str], at: int) -> tuple[tuple[str, ...], int]:
    """The path of the key that a line sets, and where what follows begins."""
    if not rows[at].split("#")[0].strip():
        return (), at + 1
    # The whole file is TOML, so some number of lines from here on is.
    ends = range(at + 1, len(rows) + 1)
    tries = ((end, _parsed("\n".join(rows[at:end]))) for end in ends)
    end, data = next((end, data) for end, data in tries if data is not None)
    return tuple(_first(data)), end


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _first(data: Any) -> Iterator[str]:
    """The keys from the outside in, as far as there is one at each level.

    An inline table with one key is followed too, which makes that key's line its own.
    """
    while isinstance(data, dict) and len(data) == 1:
        ((key, data),) = data.items()
        yield key
